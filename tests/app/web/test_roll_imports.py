"""A long list on the pages: it is put on the worker's list, tells how far it is, may be left, and ends with a word."""

import html
import re

import pytest
from sqlmodel import select

from app.accounts.roll.filling import plan as planning
from app.accounts.tables import Roll
from app.jobs.schedule import WORK
from app.jobs.worker import Worker
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people
from tests.plumbing.house import Browser, Town

pytestmark = pytest.mark.anyio

NEW = "/en/manage/rolls/new"
MARK = re.compile(r'name="checked" value="([0-9a-f]{64})"')
LONG = "reference,name\n" + "".join(f"N{number:05},New {number}\n" for number in range(10))


@pytest.fixture(autouse=True)
def short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten lines be a long list, and four a slice."""
    monkeypatch.setattr("app.web.rolls.MOST_AT_ONCE", 5)
    monkeypatch.setattr(planning, "SLICE", 4)


@pytest.fixture
async def maia(town: Town) -> Browser:
    return await town.signed_in("manager")


async def confirmed(browser: Browser, path: str, text: str = LONG) -> str:
    """Check a list and confirm its report. Returns where that leads."""
    fields = {"name_en": "Residents", "text": text}
    mark = MARK.search((await browser.send(path, fields, page=NEW)).text)
    assert mark is not None
    answer = await browser.send(path, fields | {"checked": mark[1]}, page=NEW)
    return answer.headers.get("location") or f"{answer.status_code} {html.unescape(answer.text)}"


def worker(town: Town) -> Worker:
    return Worker(town.house, WORK, lambda _: None)


async def test_a_long_list_tells_how_far_it_is_and_how_it_ended(town: Town, maia: Browser) -> None:
    place = await confirmed(maia, NEW)
    async with town.house.db.reading() as session:
        roll = (await session.exec(select(Roll))).one()
    assert re.fullmatch(rf"/en/manage/rolls/{roll.id}/imports/[0-9a-f-]{{36}}", place)
    told = []
    for _ in range(9):
        page, piece = await maia.get(place), await maia.get(place, HX_Request="true")
        assert "<html" in page.text
        assert "<html" not in piece.text
        if "Done." in page.text:
            break
        for answer in (page, piece):
            assert answer.headers["cache-control"] == "no-store"
            assert f'hx-get="{place}" hx-trigger="every 1s"' in answer.text
            assert f'href="{place}"' in answer.text  # the way without scripts
        told += re.findall(r'<progress id="written" max="10" value="(\d+)">', piece.text)
        assert "A long list is being brought in." in (await maia.get(f"/en/manage/rolls/{roll.id}")).text
        assert await lines_of(town.house.db, roll.id) == []
        assert await worker(town).do_one_job()
    assert told == ["0", "4", "8", "10"]
    assert "hx-trigger" not in piece.text  # nobody asks any more
    assert 'role="status"' in piece.text
    shown = (await maia.get(f"/en/manage/rolls/{roll.id}")).text
    assert "A long list" not in shown
    assert len(await lines_of(town.house.db, roll.id)) == 10
    await worker(town).do_all()
    assert "Done." in (await maia.get(place)).text


async def test_a_second_list_meanwhile_is_refused_in_words(town: Town, maia: Browser) -> None:
    add = f"/en/manage/rolls/{await made_roll(town.house.db, people(2))}/add"
    assert "/imports/" in await confirmed(maia, add)
    for text in (LONG, "one more\n"):
        refused = await maia.send(add, {"text": text}, page=NEW)
        assert refused.status_code == 409
        assert "A long list is on its way into this one already." in refused.text
        assert text.strip().splitlines()[-1] in refused.text
    await worker(town).do_all()
    assert (await maia.send(add, {"text": "one more\n"}, page=NEW)).status_code == 200


async def test_what_kept_a_list_from_coming_into_force_is_said(town: Town, maia: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(2))
    place = await confirmed(maia, f"/en/manage/rolls/{roll_id}/add")
    await worker(town).do_one_job()
    await made_vote(town.house.db, roll_id, State.OPEN)
    await worker(town).do_all()
    page = (await maia.get(place)).text
    assert "Nothing of it was taken." in page
    assert "A vote with this list is under way" in page
    assert "The long list that came last was not taken." in (await maia.get(f"/en/manage/rolls/{roll_id}")).text
    assert len(await lines_of(town.house.db, roll_id)) == 2


async def test_an_import_is_found_under_its_own_roll_only(town: Town, maia: Browser) -> None:
    roll_id, other = await made_roll(town.house.db, people(2)), await made_roll(town.house.db)
    place = await confirmed(maia, f"/en/manage/rolls/{roll_id}/add")
    assert (await maia.get(place.replace(str(roll_id), str(other)))).status_code == 404
    assert (await maia.get(f"{place[:-12]}000000000000")).status_code == 404


async def test_a_bad_line_is_named_before_anything_is_written(one_town: Town) -> None:
    """Once at full size: a list of 100,000 whose line 73,211 has a column too many."""
    maia = await one_town.signed_in("manager")
    lines = ["reference,name", *(f"P-{number:06},Voter {number}" for number in range(100_000))]
    lines[73_210] += ",more"
    before = await one_town.rows()
    file = {"file": ("roll.csv", "\n".join(lines).encode(), "text/csv")}
    page = (await maia.send(NEW, {"name_en": "R"}, page=NEW, files=file)).text
    assert "99,999 people would be added" in page
    assert '<th scope="row">73,211</th>' in page
    assert await one_town.rows() == before
