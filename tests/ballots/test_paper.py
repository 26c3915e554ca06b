"""Who votes on paper: marked once, never beside a ballot, taken back by two, and counted apart when the vote closes."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots import halting, paper
from ballots.casting import find_receipt, last_form
from ballots.eligibility import VoterFacts
from ballots.store import get_box, get_list
from commons.approvals.tables import Decision
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from commons.organisations.store import set_single_handed
from tests.ballots.voting import Vote, open_vote

pytestmark = pytest.mark.anyio

MINE, YOURS = uuid4(), uuid4()


async def mark(vote: Vote, number: int) -> None:
    await vote.db.write(lambda session: paper.mark(session, vote.keys, vote.poll.id, vote.tags[number], vote.facts))


async def run(vote: Vote, statement: str) -> None:
    given = {"other": vote.tags[2]} if ":other" in statement else {}

    async def work(session: AsyncSession) -> None:
        await (await session.connection()).execute(text(statement), given)

    await vote.db.write(work)


async def ask(vote: Vote, number: int, reason: str = "The wrong person", by: UUID = MINE) -> bool:
    return await vote.db.write(
        lambda session: paper.ask_to_release(session, vote.poll.id, vote.tags[number], reason, by)
    )


async def settle(vote: Vote, number: int, by: UUID, decision: Decision = Decision.APPROVED) -> None:
    await vote.db.write(lambda session: paper.settle(session, vote.poll.id, vote.tags[number], by, decision))


async def test_who_is_marked_casts_nothing_and_who_cast_is_not_marked(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 3)
    await mark(vote, 0)
    with pytest.raises(Conflict, match=r"paper\.marked"):
        await mark(vote, 0)
    await vote.cast(vote.tags[1], [1])
    with pytest.raises(Conflict, match=r"paper\.voted"):
        await mark(vote, 1)
    ((made,),) = await vote.rows("SELECT form_key FROM ballots_participation WHERE channel = 'paper'")
    assert isinstance(made, bytes)
    for after in (None, made, bytes(32)):  # even somebody who read the database
        with pytest.raises(Conflict, match=r"ballot\.on_paper"):
            await vote.cast(vote.tags[0], [1], after=after)
    async with db.reading() as session:
        assert await last_form(session, vote.poll.id, vote.tags[0]) is None
        assert await find_receipt(session, vote.keys, vote.poll, vote.tags[0]) is None
    assert sorted(await vote.rows("SELECT channel FROM ballots_participation")) == [("paper",), ("web",)]
    assert await vote.rows("SELECT paper FROM ballots_box") == [(1,)]


async def test_only_an_open_vote_takes_marks_and_only_of_its_roll(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 2)
    for facts, code in ((VoterFacts(uuid4()), "not_on_roll"), (VoterFacts(vote.facts.roll_id, True), "void")):
        with pytest.raises(Forbidden, match=rf"voter\.{code}"):
            await db.write(lambda s, f=facts: paper.mark(s, vote.keys, vote.poll.id, vote.tags[0], f))  # type: ignore[misc]
    await mark(vote, 0)
    await ask(vote, 0)
    await vote.end()
    for late in (mark(vote, 1), settle(vote, 0, YOURS), ask(vote, 0)):
        with pytest.raises(Conflict, match=r"poll\.closed"):
            await late


async def test_a_mark_by_mistake_is_taken_back_by_two_and_counted(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 2)
    with pytest.raises(Conflict, match=r"paper\.not_marked"):
        await ask(vote, 0)
    await mark(vote, 0)
    with pytest.raises(Invalid, match=r"paper\.reason_missing"):
        await ask(vote, 0, " ")
    with pytest.raises(NotFound, match=r"approval\.unknown"):
        await settle(vote, 0, YOURS)
    assert not await ask(vote, 0)
    with pytest.raises(Conflict, match=r"approval\.waiting"):
        await ask(vote, 0)
    with pytest.raises(Forbidden, match=r"approval\.same_person"):
        await settle(vote, 0, MINE)
    await settle(vote, 0, YOURS, Decision.REFUSED)
    with pytest.raises(Conflict, match=r"ballot\.on_paper"):
        await vote.cast(vote.tags[0], [1])
    await ask(vote, 0)
    await settle(vote, 0, YOURS)
    await vote.cast(vote.tags[0], [1])
    assert await vote.rows("SELECT paper, paper_released FROM ballots_box") == [(0, 1)]
    said = await vote.rows("SELECT words, subject FROM commons_ledger_pending WHERE kind = 'paper.released'")
    assert [subject for _, subject in said] == [vote.poll.subject]
    assert vote.tags[0].hex() not in str(said)


async def test_a_single_handed_body_takes_it_back_at_once(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 1)
    await db.write(lambda session: set_single_handed(session, is_on=True))
    await mark(vote, 0)
    assert await ask(vote, 0)
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(0,)]


async def test_a_vote_closes_with_paper_voters_counted_apart(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 6)
    for number in range(3):
        await vote.cast(vote.tags[number], [1, 2])
    for number in (3, 4):
        await mark(vote, number)
    await vote.end()
    assert await vote.close() == "closed"
    async with db.reading() as session:
        sizes = {name: (await get_list(session, vote.poll.id, name)).size for name in ("roll", "took_part", "box")}
    assert sizes == {"roll": 6, "took_part": 5, "box": 3}
    assert await vote.rows("SELECT paper FROM ballots_box") == [(2,)]
    assert await vote.rows("SELECT channel, count(*) FROM ballots_participation GROUP BY 1 ORDER BY 1") == [
        ("paper", 2), ("web", 3),
    ]  # fmt: skip
    assert await vote.rows("SELECT count(*) FROM ballots_participation WHERE form_key IS NOT NULL") == [(0,)]
    assert await vote.rows("SELECT count(*) FROM ballots_urn") == [(3,)]


FORGED = {
    "made up": ("INSERT INTO ballots_participation SELECT poll_id, :other, 'paper', form_key "
                "FROM ballots_participation WHERE channel = 'paper'", {"paper line that was made up": 1}),
    "deleted": ("DELETE FROM ballots_participation WHERE channel = 'paper'", {"paper line that is missing": 1}),
    "changed": ("UPDATE ballots_participation SET form_key = NULL WHERE channel = 'paper'",
                {"paper line that was made up": 1}),
    "of the web": ("UPDATE ballots_participation SET channel = 'paper' WHERE channel = 'web'",
                   {"envelope that does not open": 1}),
    "off the web": ("DELETE FROM ballots_envelope; UPDATE ballots_participation SET channel = 'paper'",
                    {"paper line that was made up": 1}),
    "put back": ("UPDATE ballots_box SET paper = 0", {"paper line that was put back": 1}),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGED)
async def test_a_mark_that_somebody_with_the_database_alone_touched_stops_the_closing(
    db: Database, tmp_path: Path, how: str
) -> None:
    vote = await open_vote(db, tmp_path, 4)
    await vote.cast(vote.tags[0], [1])
    await mark(vote, 1)
    statement, faults = FORGED[how]
    for part in statement.split(";"):
        await run(vote, part)
    await vote.end()
    assert await vote.close() == "halted"
    async with db.reading() as session:
        assert (await get_box(session, vote.poll.id)).faults == faults
    asked = await db.write(lambda s: halting.ask_to_set_aside(s, vote.keys, vote.poll.id, "one was touched", MINE))
    await db.write(lambda s: halting.agree(s, vote.keys, asked.id, YOURS))
    assert await vote.close() == "closed"
    async with db.reading() as session:
        box = await get_box(session, vote.poll.id)
        listed = {name: (await get_list(session, vote.poll.id, name)).size for name in ("took_part", "box")}
    assert listed["took_part"] == listed["box"] + box.paper
    assert box.set_aside == 1


async def test_web_desk_and_paper_at_once_leave_exactly_one_line_each(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 24)
    refused: list[str] = []

    async def tried(work: object) -> int:
        try:
            await work  # type: ignore[misc]
        except DomainError as no:
            refused.append(no.code)
            return 0
        return 1

    done = await asyncio.gather(*(
        tried(work)
        for number, tag in enumerate(vote.tags)
        for work in (vote.cast(tag, [1]), mark(vote, number), vote.cast(tag, [2]))
    ))  # fmt: skip
    assert [sum(done[start : start + 3]) for start in range(0, len(done), 3)] == [1] * 24
    assert set(refused) <= {"ballot.meanwhile", "ballot.on_paper", "paper.voted"}
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(24,)]
    await vote.end()
    assert await vote.close() == "closed"
