"""Closing: on time, whole, with nothing left that opens an envelope; what stops it, and the ways on."""

from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

import ballots.store
from app.db import Database
from ballots import halting
from ballots.closing import close
from ballots.keys import confirm_destroyed
from ballots.opening import contest_of, open_box, publish
from ballots.preparing import accept_destruction, count_unconfirmed
from ballots.sealing import seal
from ballots.tables import Step
from commons.errors import Conflict, Forbidden, Invalid
from commons.merkle import root
from polls import amendments
from polls.lifecycle import Kind, State
from tests.ballots.voting import Vote, open_vote

pytestmark = pytest.mark.anyio
MINE, YOURS = uuid4(), uuid4()
CHANGE_ONE = (
    "UPDATE ballots_participation SET channel = 'desk' WHERE tag = (SELECT tag FROM ballots_participation LIMIT 1)"
)


async def voted(db: Database, folder: Path, voters: int = 12) -> Vote:
    vote = await open_vote(db, folder, voters)
    for number, tag in enumerate(vote.tags):
        await vote.cast(tag, [1 + number % 3])
    return vote


async def run(db: Database, *statements: str) -> None:
    async def work(session: AsyncSession) -> None:
        connection = await session.connection()
        for statement in statements:
            await connection.execute(sa.text(statement))

    await db.write(work)


async def amend(vote: Vote, kind: Kind, **values: str) -> None:
    asked = await vote.db.write(
        lambda session: amendments.ask(session, vote.poll.id, kind, "the river rose", MINE, values)
    )
    await vote.db.write(lambda session: halting.agree(session, vote.keys, asked.id, YOURS))


async def test_before_its_time_nothing_closes(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    assert await vote.close() == "open"
    await vote.set_time("closes_at", -1)
    await amend_directly(vote, "suspended")
    assert await vote.close() == "suspended"  # a suspended vote does not close by itself


async def amend_directly(vote: Vote, state: str) -> None:
    await run(vote.db, f"UPDATE polls_poll SET state = '{state}'")


async def test_after_closing_nothing_opens_an_envelope(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots.store, "SLICE", 5)
    monkeypatch.setattr("ballots.closing.SLICE", 5)
    vote = await voted(db, tmp_path)
    await vote.end()
    assert vote.keys.has_box(vote.poll.id)
    with pytest.raises(Conflict, match=r"poll\.not_closed"):
        await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    assert await vote.close() == "closed"
    assert await vote.close() == "closed"  # again: nothing happens twice
    assert not vote.keys.has_box(vote.poll.id)
    assert not list((tmp_path / "keys").rglob("*box*"))
    with pytest.raises(Conflict, match=r"keys\.gone"):
        vote.keys.box(vote.poll.id)
    assert await vote.rows("SELECT count(*) FROM ballots_envelope") == [(0,)]
    assert await vote.rows("SELECT count(*), count(form_key) FROM ballots_participation") == [(12, 0)]
    urn = sorted(bytes(row[0]) for row in await vote.rows("SELECT ciphertext FROM ballots_urn"))  # type: ignore[call-overload]
    assert (vote.folder / str(vote.poll.id) / "urn.bin").read_bytes() == b"".join(urn)
    told = await vote.rows("SELECT kind FROM commons_ledger_leaf WHERE kind IN ('poll.closed', 'box.sealed')")
    assert len(told) == 2
    async with db.reading() as session:
        assert await count_unconfirmed(session, vote.poll.id) == 2
    for custodian, seed in vote.seeds.items():
        line = confirm_destroyed(seed, vote.poll.id)
        await db.write(lambda s, c=custodian, n=line: accept_destruction(s, vote.poll.id, c, n))  # type: ignore[misc]
    async with db.reading() as session:
        assert await count_unconfirmed(session, vote.poll.id) == 0


async def test_the_box_is_not_opened_too_early_or_beside_a_box_key(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    opener = vote.keys.opener(vote.poll.id)
    await vote.set_time("closes_at", -1)
    assert await vote.close() == "closed"
    with pytest.raises(Conflict, match=r"box\.too_early"):
        await open_box(db, vote.keys, opener, vote.poll.id)
    await vote.end()
    vote.keys.make(vote.poll.id)
    with pytest.raises(Conflict, match=r"box\.key_alive"):
        await open_box(db, vote.keys, opener, vote.poll.id)
    vote.keys.destroy_box(vote.poll.id)
    async with db.reading() as session:
        with pytest.raises(Conflict, match=r"box\.not_opened"):
            await contest_of(session, vote.poll.id)
    other = await voted(db, tmp_path / "other", 1)
    with pytest.raises(Conflict, match=r"box\.wrong_opener"):
        await open_box(db, vote.keys, other.keys.opener(other.poll.id), vote.poll.id)
    assert await open_box(db, vote.keys, opener, vote.poll.id) is Step.OPENED
    assert await open_box(db, vote.keys, opener, vote.poll.id) is Step.OPENED
    assert len(await vote.rows("SELECT kind FROM commons_ledger_pending WHERE kind = 'box.opened'")) == 1
    assert (await db.write(lambda session: publish(session, vote.poll.id))).state is State.PUBLISHED


async def test_the_box_is_not_opened_before_its_list_is_signed_in_the_ledger(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    opener = vote.keys.opener(vote.poll.id)
    await vote.end()
    await close(db, vote.keys, [vote.folder], vote.poll.id)
    with pytest.raises(Conflict, match=r"box\.not_in_checkpoint"):
        await open_box(db, vote.keys, opener, vote.poll.id)
    assert await vote.rows("SELECT count(*) FROM ballots_opened") == [(0,)]
    await vote.sign()
    await run(db, "UPDATE commons_ledger_words SET subject = 'vote/another' WHERE subject LIKE 'vote/%'")
    with pytest.raises(Conflict, match=r"box\.not_in_checkpoint"):
        await open_box(db, vote.keys, opener, vote.poll.id)
    await run(db, f"UPDATE commons_ledger_words SET subject = '{vote.poll.subject}' WHERE subject = 'vote/another'")
    assert await open_box(db, vote.keys, opener, vote.poll.id) is Step.OPENED


async def test_fewer_than_ten_ballots_stay_shut(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path, 9)
    await vote.end()
    assert await vote.close() == "closed"
    assert await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id) is Step.UNOPENED
    assert await vote.rows("SELECT count(*) FROM ballots_opened") == [(0,)]


async def test_a_ballot_that_cannot_be_read_is_counted_as_such(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote = await open_vote(db, tmp_path, 12)
    for tag in vote.tags[:11]:
        await vote.cast(tag, [1, 2])
    monkeypatch.setattr("ballots.casting.seal", lambda _, *rest: seal(b"\x09" * 13, *rest))
    await vote.cast(vote.tags[11], [1])
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    async with db.reading() as session:
        profile = (await contest_of(session, vote.poll.id)).rankings
    assert profile is not None
    assert (profile.invalid, profile.counted, profile.ballots) == (1, 11, 12)


async def test_an_urn_that_is_not_the_list_is_not_opened(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    await vote.end()
    await vote.close()
    await run(db, "DELETE FROM ballots_urn WHERE ciphertext = (SELECT ciphertext FROM ballots_urn LIMIT 1)")
    with pytest.raises(Conflict, match=r"box\.not_the_list"):
        await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)


async def halted(db: Database, folder: Path) -> Vote:
    vote = await voted(db, folder)
    await run(db, CHANGE_ONE)
    await vote.end()
    assert await vote.close() == "halted"
    return vote


async def test_damaged_rows_are_set_aside_by_two_people_and_counted(db: Database, tmp_path: Path) -> None:
    vote = await halted(db, tmp_path)
    assert await vote.close() == "halted"  # nothing else resumes it
    asked = await db.write(
        lambda session: halting.ask_to_set_aside(session, vote.keys, vote.poll.id, "one row was changed", MINE)
    )
    with pytest.raises(Forbidden, match=r"approval\.same_person"):
        await db.write(lambda session: halting.agree(session, vote.keys, asked.id, MINE))
    assert (await vote.refreshed()).state is State.HALTED
    await db.write(lambda session: halting.agree(session, vote.keys, asked.id, YOURS))
    assert await vote.close() == "closed"
    assert await vote.rows("SELECT set_aside FROM ballots_box") == [(1,)]
    assert await vote.rows("SELECT kind FROM ballots_set_aside") == [("envelope that does not open",)]
    assert await vote.rows("SELECT count(*) FROM ballots_urn") == [(11,)]
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(11,)]


async def test_other_rows_than_the_named_ones_are_not_set_aside(db: Database, tmp_path: Path) -> None:
    vote = await halted(db, tmp_path)
    asked = await db.write(
        lambda session: halting.ask_to_set_aside(session, vote.keys, vote.poll.id, "one row was changed", MINE)
    )
    await run(db, "UPDATE ballots_participation SET channel = 'paper'")
    with pytest.raises(Conflict, match=r"box\.changed_meanwhile"):
        await db.write(lambda session: halting.agree(session, vote.keys, asked.id, YOURS))


async def test_a_repaired_box_closes(db: Database, tmp_path: Path) -> None:
    vote = await halted(db, tmp_path)
    await amend(vote, Kind.REPAIR)
    assert await vote.close() == "halted"  # it was not repaired yet
    await run(db, "UPDATE ballots_participation SET channel = 'web'")
    with pytest.raises(Conflict, match=r"box\.nothing_misfits"):
        await db.write(lambda s: halting.ask_to_set_aside(s, vote.keys, vote.poll.id, "why", MINE))
    await amend(vote, Kind.REPAIR)
    assert await vote.close() == "closed"


async def test_an_annulled_vote_is_never_opened(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    with pytest.raises(Conflict, match=r"poll\.not_annulled"):
        await halting.end_annulled(db, vote.keys, vote.poll.id)
    await amend(vote, Kind.ANNUL)
    await halting.end_annulled(db, vote.keys, vote.poll.id)
    await halting.end_annulled(db, vote.keys, vote.poll.id)
    assert not vote.keys.has_box(vote.poll.id)
    with pytest.raises(Conflict, match=r"keys\.gone"):
        vote.keys.opener(vote.poll.id)
    with pytest.raises(Conflict, match=r"poll\.annulled"):
        await vote.cast(vote.tags[0], [1])
    assert len(await vote.rows("SELECT kind FROM commons_ledger_pending WHERE kind = 'box.key_destroyed'")) == 1


async def test_what_was_opened_is_not_annulled(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    await vote.end()
    await vote.close()
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    with pytest.raises(Conflict, match=r"box\.opened_already"):
        await amend(vote, Kind.ANNUL)
    assert (await vote.refreshed()).state is State.CLOSED


async def test_the_box_list_has_the_root_in_the_ledger(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    await vote.end()
    await close(db, vote.keys, [vote.folder], vote.poll.id)
    lines = (vote.folder / str(vote.poll.id) / "box.txt").read_text().splitlines()
    (said,) = await vote.rows("SELECT words FROM commons_ledger_pending WHERE kind = 'box.sealed'")
    assert root([bytes.fromhex(line) for line in lines]).hex() in str(said)


async def test_a_reason_is_needed(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path, 1)
    with pytest.raises(Invalid, match=r"reason\.missing"):
        await db.write(lambda s: amendments.ask(s, vote.poll.id, Kind.SUSPEND, " ", MINE, {}))
