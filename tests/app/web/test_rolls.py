"""Rolls as a manager makes them: first a report, then lines; and a new slip for one person."""

import html
import re
from pathlib import Path

import pytest
from sqlmodel import select

from app.accounts.roll.codes import read_code
from app.accounts.roll.importing import OnRoll, hash_of_lines
from app.accounts.roll.store import find_voter, strike
from app.accounts.tables import Roll
from app.jobs.schedule import WORK
from app.jobs.worker import Worker
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people
from tests.plumbing.house import Browser, Town
from tests.plumbing.prints import CODE, NUMBER, printed
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio

VECTORS = Path(__file__).parents[2] / "vectors"
NEW = "/en/manage/rolls/new"
LIST = "reference,name\n0017,Nino Beridze\n0018,<b>Luka</b>\n0017,Nino again\n,nobody\n"
MARK = re.compile(r'name="checked" value="([0-9a-f]{64})"')


@pytest.fixture
async def maia(town: Town) -> Browser:
    return await town.signed_in("manager")


async def rolls(town: Town) -> list[Roll]:
    async with town.house.db.reading() as session:
        return list((await session.exec(select(Roll))).all())


async def voter_is_void(town: Town, code: str) -> bool:
    async with town.house.db.reading() as session:
        return (await find_voter(session, read_code(code))).is_void


async def send(browser: Browser, path: str, **fields: str) -> str:
    answer = await browser.send(path, fields, page="/en/manage/rolls/new")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


async def test_a_report_comes_first_and_writes_nothing(town: Town, maia: Browser) -> None:
    before = await town.rows()
    text = await send(maia, NEW, name_en="Residents", text=LIST)
    for said in ("2 people would be added", "Nothing has been written yet.", "These lines cannot be read",
                 "These are in it twice", "Add 2 people", "&lt;b&gt;Luka"):  # fmt: skip
        assert said in text, said
    assert "<b>Luka" not in text
    assert 'value="Residents"' in text
    assert html.unescape(text).count(LIST.strip().splitlines()[-1]) >= 1  # what was typed stays
    assert await town.rows() == before


async def test_a_confirmed_report_makes_the_roll(town: Town, maia: Browser) -> None:
    mark = MARK.search(await send(maia, NEW, name_en="Residents", text=LIST))
    assert mark is not None
    made = await maia.send(
        NEW, {"name_en": "Residents", "text": LIST.replace("\n", "\r\n"), "checked": mark[1]}, page=NEW
    )
    (roll,) = await rolls(town)
    assert (made.status_code, made.headers["location"]) == (303, f"/en/manage/rolls/{roll.id}?done=saved")
    assert [(line.reference, line.name) for line in await lines_of(town.house.db, roll.id)] == [
        ("0017", "Nino Beridze"), ("0018", "<b>Luka</b>"),
    ]  # fmt: skip
    assert "2 people may vote" in (await maia.get("/en/manage/rolls")).text


async def test_another_list_than_the_checked_one_is_checked_anew(town: Town, maia: Browser) -> None:
    mark = MARK.search(await send(maia, NEW, name_en="Residents", text=LIST))
    assert mark is not None
    text = await send(maia, NEW, name_en="Residents", text=LIST + "0019,Late\n", checked=mark[1])
    assert "3 people would be added" in text
    assert "This is not what you saw before" in text
    assert await rolls(town) == []


async def test_a_file_is_read_instead_of_the_text_and_kept_in_the_form(town: Town, maia: Browser) -> None:
    file = {"file": ("roll.csv", "reference\n7\n8\n".encode("utf-16"), "text/csv")}
    answer = await maia.send(NEW, {"name_en": "R", "text": "1\n2\n3"}, page=NEW, files=file)
    assert "2 people would be added" in answer.text
    assert ">\nreference\n7\n8\n</textarea>" in answer.text.replace("\r", "")


async def test_a_long_list_is_kept_in_the_form_unseen(town: Town, maia: Browser) -> None:
    text = "reference,name\n" + "".join(f"{number},{'n' * 100}\n" for number in range(20_000))
    answer = await maia.send(NEW, {"name_en": "R"}, page=NEW, files={"file": ("roll.csv", text.encode(), "text/csv")})
    assert "20,000 people would be added" in answer.text
    assert '<textarea name="text" hidden>' in answer.text
    mark = MARK.search(answer.text)
    assert mark is not None
    empty = {"file": ("", b"", "application/octet-stream")}  # as a browser sends a field without a file
    made = await maia.send(NEW, {"name_en": "R", "text": text, "checked": mark[1]}, page=NEW, files=empty)
    assert made.status_code == 303
    await Worker(town.house, WORK, lambda _: None).do_all()
    assert len(await lines_of(town.house.db, (await rolls(town))[0].id)) == 20_000


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name_en": "", "text": "1"}, "Write something here."),
        ({"name_en": "R", "text": ""}, "There is nobody in it."),
        ({"name_en": "R", "text": "1,2\n"}, "Line 1 must name the columns"),
        ({"name_en": "R", "text": "x" * 5000}, "Line 1 has 5000 signs"),
    ],
)
async def test_a_mistake_shows_the_form_again(town: Town, maia: Browser, fields: dict[str, str], sentence: str) -> None:
    answer = await maia.send(NEW, fields, page=NEW)
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert f">\n{fields['text']}</textarea>" in answer.text
    assert await rolls(town) == []


async def test_a_file_that_is_no_text_names_its_line(town: Town, maia: Browser) -> None:
    file = {"file": ("roll.csv", b"reference\nNin\xf3\n", "text/csv")}
    answer = await maia.send(NEW, {"name_en": "R"}, page=NEW, files=file)
    assert answer.status_code == 422
    assert "Line 2: f3 is no text" in answer.text


async def test_people_join_a_roll_until_a_vote_is_under_way(town: Town, maia: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(3))
    add = f"/en/manage/rolls/{roll_id}/add"
    text = await send(maia, add, text="000001\n000009\n")
    assert "1 person would be added" in text
    mark = MARK.search(text)
    assert mark is not None
    assert (await maia.send(add, {"text": "000001\n000009\n", "checked": mark[1]}, page=NEW)).status_code == 303
    assert len(await lines_of(town.house.db, roll_id)) == 4
    assert "Nobody would be added" in await send(maia, add, text="000001\n000009\n")
    await made_vote(town.house.db, roll_id, State.OPEN)
    refused = await maia.send(add, {"text": "000010"}, page=NEW)
    assert refused.status_code == 409
    assert "A vote with this list is under way" in refused.text
    assert "A vote with this list is under way" in (await maia.get(f"/en/manage/rolls/{roll_id}")).text


NEWER = "reference,name\n000001,Voter 1\n000002,Luka\n000009,Tamar\n"


async def test_a_newer_list_adds_and_renames_and_strikes_off_where_the_box_is_ticked(town: Town, maia: Browser) -> None:
    for ticked in (False, True):
        roll_id = await made_roll(town.house.db, people(3))
        add = f"/en/manage/rolls/{roll_id}/add"
        before = await town.rows()
        text = await send(maia, add, text=NEWER)
        for said in ("1 person would be added", "These change", "<td>Voter 2</td>", "<td>Luka</td>",
                     "Strike off the 1 person who is not in it", "Change the list so"):  # fmt: skip
            assert said in text, said
        assert await town.rows() == before
        mark = MARK.search(text)
        assert mark is not None
        fields = {"text": NEWER, "checked": mark[1]} | ({"withdraw": "yes"} if ticked else {})
        assert (await maia.send(add, fields, page=NEW)).status_code == 303
        lines = [
            (line.reference, line.name, line.struck_at is not None) for line in await lines_of(town.house.db, roll_id)
        ]
        assert lines == [
            ("000001", "Voter 1", False),
            ("000002", "Luka", False),
            ("000003", "Voter 3", ticked),
            ("000009", "Tamar", False),
        ]
        page = html.unescape((await maia.get(f"/en/manage/rolls/{roll_id}")).text)
        named = [OnRoll(reference, name) for reference, name, is_struck in lines if not is_struck]
        assert hash_of_lines(named) in page
        assert "<td>Maia" in page  # who confirmed it


async def test_only_to_strike_off_needs_the_box(town: Town, maia: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(3))
    add, text = f"/en/manage/rolls/{roll_id}/add", "000001\n000002\n"
    mark = MARK.search(await send(maia, add, text=text))
    assert mark is not None
    assert "Nobody would be added" in await send(maia, add, text=text, checked=mark[1])
    assert (await maia.send(add, {"text": text, "checked": mark[1], "withdraw": "yes"}, page=NEW)).status_code == 303
    assert [line.struck_at is None for line in await lines_of(town.house.db, roll_id)] == [True, True, False]


async def test_a_new_roll_asks_for_no_striking_off(town: Town, maia: Browser) -> None:
    text = await send(maia, NEW, name_en="R", text="1\n")
    assert 'name="withdraw"' not in text


async def test_a_report_that_is_no_longer_true_is_shown_anew(town: Town, maia: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(3))
    add = f"/en/manage/rolls/{roll_id}/add"
    mark = MARK.search(await send(maia, add, text=NEWER))
    assert mark is not None
    third = (await lines_of(town.house.db, roll_id))[2]
    await town.house.db.write(lambda session: strike(session, roll_id, third.id))
    assert "This is not what you saw before" in await send(maia, add, text=NEWER, checked=mark[1])


async def test_a_workbook_is_read_like_a_list(town: Town, maia: Browser) -> None:
    file = {"file": ("people.xlsx", (VECTORS / "rolls" / "people.xlsx").read_bytes(), "application/octet-stream")}
    answer = await maia.send(NEW, {"name_en": "R"}, page=NEW, files=file)
    assert answer.status_code == 200
    assert "5 people would be added" in answer.text
    broken = {"file": ("people.xlsx", b"PK\x03\x04 no workbook", "application/octet-stream")}
    refused = await maia.send(NEW, {"name_en": "R"}, page=NEW, files=broken)
    assert (refused.status_code, "cannot be read as a spreadsheet" in refused.text) == (422, True)


async def test_a_lost_slip_is_replaced_and_a_line_struck_and_put_back(town: Town, maia: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(2))
    first, second = CODE.findall(await printed(town, roll_id, 2))
    line = (await lines_of(town.house.db, roll_id))[0]
    change = f"/en/manage/rolls/{roll_id}/lines/{line.id}"
    text = await send(maia, change, do="code")
    (replaced,) = CODE.findall(text)
    assert NUMBER.findall(text) == []  # it belongs to no run
    assert [await voter_is_void(town, code) for code in (first, replaced, second)] == [True, False, False]
    for act, void, shown in (("void", True, "None"), ("strike", True, "Struck off"), ("restore", True, "None")):
        answer = await maia.send(change, {"do": act, "q": "1&x", "page": "2"}, page=NEW)
        assert answer.headers["location"] == f"/en/manage/rolls/{roll_id}?done=saved&q=1%26x&page=2"
        assert await voter_is_void(town, replaced) == void
        assert f"<td>{shown}</td>" in (await maia.get(f"/en/manage/rolls/{roll_id}")).text
    assert not await voter_is_void(town, second)
    for fields in ({"do": "burn"}, {}):
        assert (await maia.send(change, fields, page=NEW)).status_code == 404


async def test_all_codes_become_void_only_for_somebody_who_is_sure(town: Town, maia: Browser) -> None:
    roll_id, other = await made_roll(town.house.db, people(2)), await made_roll(town.house.db, people(1))
    codes, kept = CODE.findall(await printed(town, roll_id, 2)), CODE.findall(await printed(town, other))
    unsure = await maia.send(f"/en/manage/rolls/{roll_id}/void", {}, page=NEW)
    assert unsure.status_code == 422
    assert "Tick this if you are sure." in unsure.text
    assert not any([await voter_is_void(town, code) for code in codes])
    assert (await maia.send(f"/en/manage/rolls/{roll_id}/void", {"sure": "yes"}, page=NEW)).status_code == 303
    assert [await voter_is_void(town, code) for code in (*codes, *kept)] == [True, True, False]
    assert "2 people wait for a code." in (await maia.get(f"/en/manage/rolls/{roll_id}")).text


async def test_people_are_searched_and_paged(town: Town, maia: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(120))
    place = f"/en/manage/rolls/{roll_id}"
    first, last = (await maia.get(place)).text, (await maia.get(f"{place}?page=3")).text
    assert "000001" in first
    assert "000120" not in first
    assert "000120" in last
    found = (await maia.get(f"{place}?q=voter+77")).text
    assert "000077" in found
    assert "000078" not in found
    assert "Nobody on this list fits these words." in (await maia.get(f"{place}?q=%25")).text
    for nasty in ("%00", "'", "%25_%5C", "a" * 5000, "%F0%9F%97%B3"):
        assert (await maia.get(f"{place}?q={nasty}")).status_code == 200


async def test_unknown_rolls_and_lines_are_not_found(town: Town, maia: Browser) -> None:
    nowhere = "00000000-0000-4000-8000-000000000000"
    roll_id = await made_roll(town.house.db, people(1))
    assert (await maia.get(f"/en/manage/rolls/{nowhere}")).status_code == 404
    assert (await maia.get(f"/en/manage/rolls/{nowhere}/add")).status_code == 404
    for path in (f"{nowhere}/add", f"{roll_id}/lines/{nowhere}"):
        sent = {"text": "1", "do": "strike"}
        assert (await maia.send(f"/en/manage/rolls/{path}", sent, page=NEW)).status_code == 404, path


async def test_the_empty_state_leads_to_the_first_roll(town: Town, maia: Browser) -> None:
    text = (await maia.get("/en/manage/rolls")).text
    assert "No list yet" in text
    assert f'href="{NEW}"' in text
    assert "Who may vote" in (await maia.get("/en/manage")).text


async def test_pages_ask_a_fixed_number_of_questions(town: Town, maia: Browser) -> None:
    asked = []
    for size in (3, 300):
        roll_id = await made_roll(town.house.db, people(size))
        await made_vote(town.house.db, roll_id, State.OPEN)
        await town.house.host()
        counts = []
        for path in ("/en/manage/rolls", f"/en/manage/rolls/{roll_id}"):
            with counted_queries() as statements:
                await maia.get(path)
            counts.append(len(statements))
        asked.append(counts)
    assert asked[0] == asked[1]
    assert max(max(each) for each in asked) <= 14, asked
