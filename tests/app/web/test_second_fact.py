"""A second fact beside a letter's code: brought in with a list, asked for at every door, and never guessed."""

import asyncio
import html
from collections import Counter
from uuid import UUID

import httpx
import pytest
from sqlmodel import select

from app.accounts.limits import FACT_OF_CODE
from app.accounts.prints.binding import bind
from app.accounts.roll.codes import new_code, read_code, shown
from app.accounts.tables import Roll, RollLine
from app.jobs.schedule import WORK
from app.jobs.worker import Worker
from app.web import rolls
from polls.lifecycle import State
from polls.store import get_poll
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people
from tests.app.web.test_rolls import MARK, NEW, send
from tests.plumbing.forms import form_at
from tests.plumbing.house import Browser, Town
from tests.plumbing.prints import CODE, NUMBER, printed
from tests.plumbing.second_facts import BORN, know_second_facts
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio

WRONG = "The code, or what is asked for beside it, is wrong."
SLOW = "Hours to wait: 1."
LIST = "reference,name,fact\n1,Nino,1987\n2,Luka,1990\n3,Eka,\n"


async def held(town: Town) -> HeldVote:
    vote = await hold_vote(town.house, voters=4)
    await know_second_facts(vote, "1987", "1990", "2001")  # nothing is known of the fourth
    return vote


async def cast(town: Town, vote: HeldVote, code: str, fact: str, peer: str = "127.0.0.1") -> httpx.Response:
    voter = Voter(town.browser(peer=peer), vote)
    return await voter.send((await voter.open()).ranked("Parks", code=code, fact=fact))


def said(answer: httpx.Response) -> tuple[int, bool]:
    return answer.status_code, WRONG in html.unescape(answer.text)


async def test_a_letter_votes_with_its_fact_only(town: Town) -> None:
    vote = await held(town)
    assert BORN in (await town.browser().get(vote.path)).text
    for fact in ("", "1990", "198"):
        assert said(await cast(town, vote, vote.codes[0], fact)) == (403, True), fact
    assert said(await cast(town, vote, new_code(), "1987")) == (403, True)
    for code, fact in ((vote.codes[0], " ١٩٨٧ "), (vote.codes[1], "19 90"), (vote.codes[3], "")):
        answer = await cast(town, vote, code, fact)
        assert answer.status_code == 303
        assert "1987" not in str(answer.headers)


async def test_a_wrong_code_and_a_wrong_fact_have_one_answer(one_town: Town) -> None:
    vote = await held(one_town)
    pages = []
    for code, fact in ((vote.codes[0], "1988"), (new_code(), "1988")):
        voter = Voter(one_town.browser(), vote)
        sheet = (await voter.open()).ranked(code=code, fact=fact)
        form = sheet | {"form": "0" * 32}
        answer = await voter.send(form)
        pages.append((answer.status_code, answer.text.replace(shown(code), "").replace(form["_token"], "")))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("path", ["/receipt", "/my-line", "/eligible"])
async def test_every_door_that_takes_a_code_asks_for_the_fact(one_town: Town, path: str) -> None:
    vote = await held(one_town)
    for fact, right in (("", False), ("1990", False), ("1987", True)):
        voter = Voter(one_town.browser(), vote)
        page = await voter.browser.get(vote.path + path)
        assert BORN in page.text
        form = form_at(page.text, vote.path + path) | {"code": shown(vote.codes[0]), "fact": fact}
        answer = await voter.send(form, path)
        assert (answer.status_code in {200, 303}, WRONG in html.unescape(answer.text)) == (right, not right)


async def test_a_slip_of_the_desk_stays_one_field(one_town: Town) -> None:
    town, vote = one_town, await held(one_town)
    async with town.house.db.reading() as session:
        roll_id = (await get_poll(session, vote.id)).roll_id or UUID(int=0)
    page = await printed(town, roll_id, kind="desk", vote=vote.slug)
    assert BORN not in page
    number, code = NUMBER.findall(page)[0], read_code(CODE.findall(page)[0])
    await town.house.db.write(lambda session: bind(session, roll_id, vote.lines[0], number))
    voter = Voter(town.browser(), vote)
    shown_page = await voter.browser.get(f"{vote.path}?desk=yes")
    assert ('name="fact"' in shown_page.text, 'name="desk" value="yes"' in shown_page.text) == (False, True)
    assert (await cast(town, vote, code, "")).status_code == 303
    letter = await voter.send((await voter.open()).ranked("Parks", code=vote.codes[1], desk="yes"))
    assert (said(letter), 'name="fact"' in letter.text) == ((403, True), True)


async def test_all_years_cannot_be_tried_and_the_answer_tells_nothing(one_town: Town) -> None:
    town, vote = one_town, await held(one_town)
    for code in (vote.codes[0], new_code()):
        for number in range(FACT_OF_CODE.free):
            assert said(await cast(town, vote, code, str(1900 + number), f"192.0.2.{number}")) == (403, True)
        slowed = await cast(town, vote, code, "1987", "198.51.100.1")  # right for one of them
        assert (slowed.status_code, slowed.headers["retry-after"], SLOW in slowed.text) == (429, "3600", True)
    for wrong in ("1", "22", "333"):  # and whose fact was right begins anew
        assert (await cast(town, vote, vote.codes[1], wrong)).status_code == 403
    for _ in range(2 * FACT_OF_CODE.free):
        assert (await cast(town, vote, vote.codes[1], "1990")).status_code in {303, 409}  # cast, or cast already


async def test_of_many_guesses_at_once_as_many_are_looked_at_as_are_free(one_town: Town) -> None:
    vote = await held(one_town)
    guesses = (cast(one_town, vote, vote.codes[0], str(1900 + number)) for number in range(20))
    told = Counter(answer.status_code for answer in await asyncio.gather(*guesses))
    assert told == {403: FACT_OF_CODE.free, 429: 20 - FACT_OF_CODE.free}


async def facts_of(town: Town, roll_id: UUID) -> list[bytes | None]:
    return [line.fact_mac for line in await lines_of(town.house.db, roll_id)]


async def confirmed(browser: Browser, path: str, **fields: str) -> httpx.Response:
    mark = MARK.search(await send(browser, path, **fields))
    assert mark is not None
    return await browser.send(path, fields | {"checked": mark[1]}, page=NEW)


@pytest.mark.parametrize("is_long", [False, True])
async def test_a_list_brings_facts_and_keeps_marks(
    town: Town, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    if is_long:
        monkeypatch.setattr(rolls, "MOST_AT_ONCE", 0)
    maia = await town.signed_in("manager")
    fields = {"name_en": "Residents", "fact_en": BORN}
    assert "1 person to add has no second fact" in await send(maia, NEW, text=LIST, **fields)
    assert (await confirmed(maia, NEW, text=LIST, **fields)).status_code == 303
    worker = Worker(town.house, WORK, lambda _: None)
    await worker.do_all()
    async with town.house.db.reading() as session:
        roll = (await session.exec(select(Roll))).one()
        assert roll.fact_names == {"en": BORN}
        first = await facts_of(town, roll.id)
        assert [fact is None for fact in first] == [False, False, True]
    page = (await maia.get(f"/en/manage/rolls/{roll.id}/prints")).text
    assert f"vote only together with: {BORN}" in page
    assert "1 person has none" in page
    newer = "reference,fact\n1,1988\n2,19 90\n3,2001\n"
    assert (await confirmed(maia, f"/en/manage/rolls/{roll.id}/add", text=newer)).status_code == 303
    await worker.do_all()
    second = await facts_of(town, roll.id)
    assert [now != before for now, before in zip(second, first, strict=True)] == [True, False, True]
    async with town.house.db.reading() as session:
        line = (await session.exec(select(RollLine).where(RollLine.reference == "1"))).one()
        assert line.name == "Nino"
        assert (await session.exec(select(Roll.fact_names))).one() == {"en": BORN}
    vote = await made_vote(town.house.db, roll.id, State.OPEN)
    slips = await printed(town, roll.id, 3, vote=vote.slug)
    assert slips.count(f"for the code and for: {BORN}") == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": LIST}, "Write what it is called"),
        ({"text": "reference\n1\n", "fact_en": BORN}, "has no column “fact”"),
        ({"text": LIST, "fact_en": "x" * 61}, "60"),
    ],
)
async def test_facts_and_their_name_come_together(one_town: Town, fields: dict[str, str], sentence: str) -> None:
    maia = await one_town.signed_in("manager")
    answer = await maia.send(NEW, {"name_en": "Residents"} | fields, page=NEW)
    assert (answer.status_code, sentence in html.unescape(answer.text)) == (422, True)


async def test_no_byte_of_the_database_tells_a_fact(one_town: Town) -> None:
    maia = await one_town.signed_in("manager")
    secret = "Rustaveli-4711"
    fields = {"text": f"reference,fact\n1,{secret}\n", "name_en": "R", "fact_en": "Street"}
    assert (await confirmed(maia, NEW, **fields)).status_code == 303
    rows = str(await one_town.rows())
    assert all(part not in rows.lower() for part in ("rustaveli", "4711"))


async def test_a_list_without_facts_says_who_can_vote_with_a_letter(one_town: Town) -> None:
    roll_id = await made_roll(one_town.house.db, people(2))
    maia = await one_town.signed_in("manager")
    page = (await maia.get(f"/en/manage/rolls/{roll_id}/prints")).text
    assert "Whoever opens a letter of this list can vote with it." in html.unescape(page)
    vote = await hold_vote(one_town.house, voters=1)
    assert 'name="fact"' not in (await one_town.browser().get(vote.path)).text
    assert (await cast(one_town, vote, new_code(), "")).text.count("This code is not known here.") > 0
