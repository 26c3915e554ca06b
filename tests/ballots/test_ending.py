"""The end of a vote's secrets: after the time for objections, whole, once; lists, hashes and receipts stay."""

from pathlib import Path
from uuid import uuid4

import pytest

import ballots.store
from app.db import Database
from ballots import halting
from ballots.ending import end
from ballots.opening import open_box, publish
from commons.errors import Conflict
from polls import amendments
from polls.lifecycle import Kind
from tests.ballots.test_closing import CHANGE_ONE, run, voted
from tests.ballots.voting import Vote

pytestmark = pytest.mark.anyio

LEFT = ("ballots_urn", "ballots_opened", "ballots_set_aside", "ballots_envelope")


async def published(db: Database, folder: Path, voters: int = 12) -> Vote:
    vote = await voted(db, folder, voters)
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    await db.write(lambda session: publish(session, vote.poll.id))
    return vote


async def left(vote: Vote) -> dict[str, object]:
    return {table: (await vote.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in LEFT}


async def over(vote: Vote) -> bool:
    """Let the time for objections pass, and end the vote."""
    await vote.set_time("objections_until", -100_000)
    return await end(vote.db, vote.keys, [vote.folder], vote.poll.id)


def files_left(vote: Vote, folder: Path) -> list[str]:
    return sorted(path.name for path in [*folder.rglob("*.key"), *folder.rglob("*.roll"), *folder.rglob("*.bin")])


async def test_what_could_be_opened_is_deleted_and_the_lists_stay(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots.store, "SLICE", 5)
    vote = await published(db, tmp_path)
    lists = await vote.rows("SELECT name, size, root, hashes FROM ballots_list ORDER BY name")
    box = await vote.rows("SELECT urn_hash, opened_hash FROM ballots_box")
    assert files_left(vote, tmp_path) != []
    assert await over(vote)
    assert set((await left(vote)).values()) == {0}
    assert files_left(vote, tmp_path) == []
    assert await vote.rows("SELECT name, size, root, hashes FROM ballots_list ORDER BY name") == lists
    assert await vote.rows("SELECT urn_hash, opened_hash FROM ballots_box") == box
    assert [name for name, *_ in lists] == ["box", "roll", "took_part"]
    assert (vote.folder / str(vote.poll.id) / "box.txt").exists()
    assert await end(db, vote.keys, [vote.folder], vote.poll.id)  # again: nothing happens twice
    assert await vote.rows("SELECT count(*) FROM commons_ledger_pending WHERE kind = 'box.deleted'") == [(1,)]
    assert await vote.rows("SELECT count(*) FROM ballots_box WHERE deleted_at IS NOT NULL") == [(1,)]


async def test_as_long_as_somebody_may_object_everything_is_there(db: Database, tmp_path: Path) -> None:
    vote = await published(db, tmp_path)
    before = await left(vote)
    assert not await end(db, vote.keys, [vote.folder], vote.poll.id)
    await vote.set_time("objections_until", -1)  # over by the card, but the publication came later than planned
    await vote.set_time("publishes_at", 200_000)
    assert not await end(db, vote.keys, [vote.folder], vote.poll.id)
    assert await left(vote) == before
    assert vote.keys.has_opener(vote.poll.id)


async def test_a_vote_that_was_not_published_is_not_ended(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    assert not await over(vote)
    await vote.end()
    assert await vote.close() == "closed"
    assert not await over(vote)
    assert vote.keys.has_opener(vote.poll.id)
    assert (await left(vote))["ballots_urn"] == 12


async def test_an_interrupted_ending_is_finished_by_the_next(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote = await published(db, tmp_path)

    async def away(*_: object) -> int:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("ballots.ending.drop_opened", away)
        with pytest.raises(OSError, match="killed"):
            await over(vote)
    assert not vote.keys.has_opener(vote.poll.id)  # the keys went first
    assert (await left(vote))["ballots_opened"] == 3
    assert await vote.rows("SELECT count(*) FROM ballots_box WHERE deleted_at IS NOT NULL") == [(0,)]
    assert await over(vote)
    assert set((await left(vote)).values()) == {0}


async def test_an_annulled_vote_leaves_no_envelope(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    asked = await db.write(lambda s: amendments.ask(s, vote.poll.id, Kind.ANNUL, "the river rose", uuid4(), {}))
    await db.write(lambda session: halting.agree(session, vote.keys, asked.id, uuid4()))
    assert await over(vote)
    assert set((await left(vote)).values()) == {0}
    assert files_left(vote, tmp_path) == []
    with pytest.raises(Conflict, match=r"keys\.gone"):
        vote.keys.tag(vote.poll.id, b"line")


async def test_rows_that_were_set_aside_go_too_and_their_number_stays(db: Database, tmp_path: Path) -> None:
    vote = await voted(db, tmp_path)
    await run(db, CHANGE_ONE)
    await vote.end()
    assert await vote.close() == "halted"
    asked = await db.write(lambda s: halting.ask_to_set_aside(s, vote.keys, vote.poll.id, "one was changed", uuid4()))
    await db.write(lambda session: halting.agree(session, vote.keys, asked.id, uuid4()))
    assert await vote.close() == "closed"
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    await db.write(lambda session: publish(session, vote.poll.id))
    assert await over(vote)
    assert set((await left(vote)).values()) == {0}
    assert await vote.rows("SELECT set_aside FROM ballots_box") == [(1,)]
