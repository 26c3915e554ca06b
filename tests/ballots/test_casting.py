"""Casting: recorded once whatever is sent again, refused by the database's clock, and always of one length."""

import asyncio
import secrets
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots.casting import Happened, cast, find_receipt, last_form
from ballots.closing import close
from ballots.eligibility import VoterFacts
from ballots.opening import contest_of, open_box
from ballots.receipts import check_receipt, form_hash_of
from ballots.tables import Step
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid
from polls.lifecycle import State
from polls.store import Held, hold_for_cast, hold_poll
from tests.ballots.voting import NAMES, open_vote
from tests.plumbing.sizes import tries

pytestmark = pytest.mark.anyio


async def test_a_vote_from_the_first_ballot_to_the_opened_box(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    receipts = [(await vote.cast(tag, [1, 3] if n % 3 else [2])).receipt for n, tag in enumerate(vote.tags)]
    for receipt in receipts:
        check_receipt(receipt, vote.poll.receipt_key)
    await vote.end()
    assert await close(db, vote.keys, [vote.folder], vote.poll.id) is State.CLOSED
    await vote.sign()
    box = (vote.folder / str(vote.poll.id) / "box.txt").read_text().splitlines()
    assert box == sorted(receipt.commitment.hex() for receipt in receipts)
    assert await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id) is Step.OPENED
    async with db.reading() as session:
        profile = (await contest_of(session, vote.poll.id)).rankings
    assert profile is not None
    assert profile.options == NAMES
    assert profile.rows() == {bytes([1, 255, 2]): 8, bytes([255, 1, 255]): 4}
    await vote.sign()
    lines = await vote.rows("SELECT kind FROM commons_ledger_leaf")
    kinds = ["poll.locked", "roll.root", "poll.opened", "box.sealed", "took_part.root", "poll.closed"]
    assert sorted(kind for (kind,) in lines) == sorted([*kinds, "box.key_destroyed", "box.opened"])


async def test_the_same_form_again_gives_the_same_receipt_also_after_closing(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    key = secrets.token_bytes(16)
    first = await vote.cast(vote.tags[0], [1, 2, 3], key)
    again = await vote.cast(vote.tags[0], [1, 2, 3], key)
    second_thought = await vote.cast(vote.tags[0], [3], key)
    await vote.set_time("closes_at", -1)
    late = await vote.cast(vote.tags[0], [1, 2, 3], key)
    assert first.happened is Happened.FIRST
    assert {each.happened for each in (again, second_thought, late)} == {Happened.REPEATED}
    assert {each.receipt for each in (first, again, second_thought, late)} == {first.receipt}
    with pytest.raises(Conflict, match=r"poll\.closed"):
        await vote.cast(vote.tags[1], [1])


async def test_a_change_overwrites_and_an_old_form_is_refused(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    tag, key, next_key = vote.tags[0], secrets.token_bytes(16), secrets.token_bytes(16)
    first = await vote.cast(tag, [1], key)
    after = form_hash_of(vote.poll.id, key)
    async with db.reading() as session:
        assert await last_form(session, vote.poll.id, tag) == after
        assert await last_form(session, vote.poll.id, vote.tags[1]) is None
    changed = await vote.cast(tag, [2], next_key, after)
    assert (changed.happened, changed.receipt == first.receipt) == (Happened.CHANGED, False)
    for stale in (None, after, form_hash_of(vote.poll.id, b"never seen")):
        with pytest.raises(Conflict, match=r"ballot\.meanwhile"):
            await vote.cast(tag, [3], after=stale)
    with pytest.raises(Conflict, match=r"ballot\.meanwhile"):
        await vote.cast(tag, [1], key)  # the first form, sent again after the change
    async with db.reading() as session:
        assert await find_receipt(session, vote.keys, vote.poll, tag) == changed.receipt
        assert await find_receipt(session, vote.keys, vote.poll, vote.tags[1]) is None
    assert await vote.rows("SELECT count(*) FROM ballots_envelope") == [(1,)]


async def test_a_form_that_names_itself_as_the_last_one_is_the_same_form(db: Database, tmp_path: Path) -> None:
    vote, key = await open_vote(db, tmp_path), secrets.token_bytes(16)
    first = await vote.cast(vote.tags[0], [1], key)
    again = await vote.cast(vote.tags[0], [2], key, after=form_hash_of(vote.poll.id, key))
    assert (again.happened, again.receipt) == (Happened.REPEATED, first.receipt)


async def test_a_cast_that_waited_learns_how_late_it_has_become(db: Database, tmp_path: Path) -> None:
    """The closing holds the vote, a cast waits for it, and nothing about the vote changes."""
    vote, waits = await open_vote(db, tmp_path), asyncio.Event()
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    async def close_late(session: AsyncSession) -> datetime:
        await hold_poll(session, vote.poll.id)
        waits.set()
        while not db.embedded and not await vote.rows(waiting):
            pass
        return await now(session)

    async def wait_and_hold() -> Held:
        await waits.wait()
        return await db.write_rows(lambda connection: hold_for_cast(connection, vote.poll.slug))

    moment, held = await asyncio.gather(db.write(close_late), wait_and_hold())
    assert held.moment >= moment


async def test_of_many_forms_at_once_one_is_recorded(db: Database, tmp_path: Path) -> None:
    voters, forms = tries(10, 50), 32
    vote = await open_vote(db, tmp_path, voters)

    async def attempt(tag: bytes, number: int) -> str:
        try:
            return (await vote.cast(tag, [1 + number % 3])).happened.value
        except Conflict as refused:
            return refused.code

    for tags in (vote.tags[start : start + 10] for start in range(0, voters, 10)):
        told = await asyncio.gather(*(attempt(tag, number) for number in range(forms) for tag in tags))
        assert (told.count("first"), told.count("ballot.meanwhile")) == (len(tags), (forms - 1) * len(tags))
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(voters,)]
    assert await vote.rows("SELECT count(*) FROM ballots_envelope") == [(voters,)]


async def test_copies_of_one_form_at_once_get_one_receipt(db: Database, tmp_path: Path) -> None:
    vote, key = await open_vote(db, tmp_path), secrets.token_bytes(16)
    casts = await asyncio.gather(*(vote.cast(vote.tags[0], [2, 1], key) for _ in range(32)))
    assert len({each.receipt for each in casts}) == 1
    assert [each.happened for each in casts].count(Happened.FIRST) == 1


async def test_every_ballot_has_one_length(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, names=[f"Option {n}" for n in range(1, 13)], most_ranked=12)
    for number, tag in enumerate(vote.tags):
        await vote.cast(tag, list(range(1, number + 2)))
    await vote.cast(vote.tags[-1], [], after=await _last(db, vote.poll.id, vote.tags[-1]))
    assert await vote.rows("SELECT DISTINCT length(sealed) FROM ballots_envelope") == [(89,)]
    assert await vote.rows("SELECT DISTINCT length(form_key) FROM ballots_participation") == [(32,)]


async def _last(db: Database, poll_id: UUID, tag: bytes) -> bytes | None:
    async with db.reading() as session:
        return await last_form(session, poll_id, tag)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (State.LOCKED, "poll.not_open"),
        (State.SUSPENDED, "poll.suspended"),
        (State.CLOSING, "poll.closed"),
        (State.HALTED, "poll.closed"),
        (State.ANNULLED, "poll.annulled"),
    ],
)
async def test_only_an_open_vote_takes_ballots(db: Database, tmp_path: Path, state: State, code: str) -> None:
    vote = await open_vote(db, tmp_path)

    async def put(session: AsyncSession) -> None:
        poll = await vote.refreshed()
        poll.state = state
        await session.merge(poll)

    await db.write(put)
    with pytest.raises(Conflict, match=code.replace(".", r"\.")):
        await vote.cast(vote.tags[0], [1])
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(0,)]


async def test_the_databases_clock_decides_to_the_moment(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 400)
    await vote.set_time("closes_at", 0.5)
    edge = (await vote.refreshed()).closes_at.strftime("%Y-%m-%d %H:%M:%S.%f")
    accepted = 0
    for tag in vote.tags:
        began = (await vote.rows(_CLOCK[db.embedded]))[0][0]
        try:
            await vote.cast(tag, [1])
        except Conflict as refused:
            code = refused.code
            break
        accepted += 1
        assert str(began) < edge
    else:
        pytest.fail("the vote never closed")
    assert (code, str((await vote.rows(_CLOCK[db.embedded]))[0][0]) >= edge) == ("poll.closed", True)
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(accepted,)]


_CLOCK = {
    True: "SELECT strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    False: "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
}


async def test_the_closing_waits_for_a_cast_on_its_way(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    key, order = b"a form's key", list[str]()
    is_in, may_end = asyncio.Event(), asyncio.Event()

    async def slow(session: AsyncSession) -> None:
        await cast(session, vote.keys, vote.poll.id, vote.ranks([1], key), vote.facts, vote.tags[0], key, None)
        is_in.set()
        await may_end.wait()
        order.append("cast")

    async def closing() -> None:
        await vote.close()
        order.append("closed")

    casting = asyncio.create_task(db.write(slow))
    await is_in.wait()
    ending = asyncio.create_task(closing())
    done, _ = await asyncio.wait([ending], timeout=0.3)
    assert not done
    if not db.embedded:  # on SQLite nobody can even write the new time meanwhile
        assert await vote.rows("SELECT state FROM polls_poll") == [("open",)]
    may_end.set()
    await asyncio.gather(casting, ending)
    assert order[0] == "cast"


async def test_wrong_ballots_and_strangers_leave_no_trace(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    stranger = VoterFacts(vote.poll.id)
    wrong: list[tuple[list[int], VoterFacts, type[DomainError], str]] = [
        ([1, 1, 0], vote.facts, Invalid, "ballot.rank_twice"),
        ([1, 4, 0], vote.facts, Invalid, "ballot.rank_unknown"),
        ([1, 0], vote.facts, Invalid, "ballot.positions"),
        ([1, 0, 0], stranger, Forbidden, "voter.not_on_roll"),
        ([1, 0, 0], VoterFacts(vote.facts.roll_id, is_void=True), Forbidden, "voter.void"),
    ]
    for ranks, facts, kind, code in wrong:
        with pytest.raises(kind) as refused:
            await db.write(
                lambda s, r=ranks, f=facts: cast(s, vote.keys, vote.poll.id, r, f, vote.tags[0], b"key", None)  # type: ignore[misc]
            )
        assert refused.value.code == code
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(0,)]
