"""What was done for a voter at a counter: they see it behind their code, nobody else does, and no row tells an hour."""

import html
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from app.accounts.roll.store import find_voter
from ballots.assisted import find_acts
from ballots.ending import delete_slice
from ballots.tables import Act, AssistedAct, Participation
from commons.errors import Conflict
from tests.app.web.test_counter import give, on_paper, person, slips
from tests.app.web.test_lines import line_of
from tests.plumbing.house import Browser, Town
from tests.plumbing.votes import HeldVote, hold_vote

pytestmark = pytest.mark.anyio

NOTHING = "Nothing was done for your line at a counter."
REPLACED, PAPER = "a new slip was given to you", "marked as voting on paper, by a counter agent"
BACK = "taken back, by two people"


@pytest.fixture
async def vote(one_town: Town) -> HeldVote:
    return await hold_vote(one_town.house, voters=4)


@pytest.fixture
async def davit(one_town: Town) -> Browser:
    return await one_town.signed_in("counter_agent")


async def seen(town: Town, vote: HeldVote, code: str) -> str:
    _, page = await line_of(town, vote, code)
    assert page.status_code == 200
    return html.unescape(page.text)


async def test_voters_see_what_was_done_for_their_own_line_alone(
    one_town: Town, vote: HeldVote, davit: Browser
) -> None:
    (number, code), *_ = await slips(one_town, vote)
    assert NOTHING in await seen(one_town, vote, vote.codes[0])
    assert (await give(davit, vote, 0, number))[0] == 303
    assert (await give(davit, vote, 1, number))[0] == 409  # what did not happen is told nobody
    assert (await on_paper(davit, vote, 2))[0] == 303
    mine = await seen(one_town, vote, code)
    today = datetime.now(ZoneInfo("Asia/Tbilisi"))
    assert REPLACED in mine
    assert f"<b>{today.day} {today:%B %Y}:</b>" in mine
    assert NOTHING in await seen(one_town, vote, vote.codes[1])
    third = await seen(one_town, vote, vote.codes[2])
    assert (PAPER in third, REPLACED in third) == (True, False)
    other = await hold_vote(one_town.house, voters=1)
    assert NOTHING in await seen(one_town, other, other.codes[0])


async def test_a_mark_that_is_taken_back_is_told_too(one_town: Town, vote: HeldVote, davit: Browser) -> None:
    await on_paper(davit, vote, 0)
    await davit.send(f"{person(vote, 0)}/back", {"reason": "The neighbour was meant."})
    assert BACK not in await seen(one_town, vote, vote.codes[0])
    maia = await one_town.signed_in("manager")
    assert (await maia.send(f"{person(vote, 0)}/back/decide", {"decision": "agree"})).status_code == 303
    told = await seen(one_town, vote, vote.codes[0])
    assert (PAPER in told, BACK in told) == (True, True)


async def test_the_rows_tell_no_hour_no_agent_and_lead_to_no_line(
    one_town: Town, vote: HeldVote, davit: Browser
) -> None:
    (number, _), *_ = await slips(one_town, vote)
    await give(davit, vote, 0, number)
    await on_paper(davit, vote, 1)
    async with one_town.house.db.reading() as session:
        rows = (await session.exec(select(AssistedAct))).all()
        tags = (await session.exec(select(Participation.tag))).all()
        found = await find_acts(session, vote.keys, await vote.poll(), vote.lines[0].bytes)
    assert {row.act for row in rows} == {Act.SLIP_REPLACED, Act.PAPER_MARKED}
    assert [each.act for each in found] == [Act.SLIP_REPLACED]
    assert set(AssistedAct.model_fields) == {"poll_id", "mark", "id", "act", "day"}
    lines, marks = {line.bytes for line in vote.lines}, {row.mark for row in rows}
    assert len(marks) == 2
    assert marks.isdisjoint(lines | set(tags) | {vote.keys.tag(vote.id, line) for line in lines})
    assert not any(line in row.id.bytes + row.mark for row in rows for line in lines)
    assert all(type(row.day).__name__ == "date" for row in rows)


async def test_with_the_end_of_a_vote_they_go(one_town: Town, vote: HeldVote, davit: Browser) -> None:
    await on_paper(davit, vote, 0)
    vote.keys.destroy_roll(vote.id)
    poll = await vote.poll()
    async with one_town.house.db.reading() as session:
        line = (await find_voter(session, vote.codes[0])).line
        with pytest.raises(Conflict, match=r"keys\.gone"):
            await find_acts(session, vote.keys, poll, line)
    while await one_town.house.db.write(lambda session: delete_slice(session, vote.id)):
        pass
    async with one_town.house.db.reading() as session:
        assert (await session.exec(select(AssistedAct))).all() == []
