"""Votes in a copy that is put back: who could vote waits for two people, and no vote goes on without its keys."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.backup import back_up
from app.db import Database
from ballots import closing as closing_steps
from ballots.store import get_box
from ballots.tables import Step
from polls import amendments
from polls.lifecycle import Kind, State
from polls.store import get_poll
from polls.tables import Poll
from tests.app.cli.program import Done, khma, settings_for
from tests.app.test_backup import Another, another, rows_of
from tests.ballots.voting import Vote, locked_vote, open_vote
from tests.conftest import Addresses

__all__ = ["another"]


@dataclass
class Hall:
    """An installation with a vote, and an empty one of the same kind to restore into."""

    addresses: Addresses
    target: Addresses
    folder: Path

    def run(self, work: Callable[[Database], object], where: Addresses | None = None) -> object:
        async def within() -> object:
            db = Database((where or self.addresses).url)
            try:
                return await work(db)  # type: ignore[misc]
            finally:
                await db.close()

        return asyncio.run(within())

    def vote(self, state: State = State.OPEN, **columns: object) -> Poll:
        """Make a vote; its keys lie in the key folder."""

        async def work(db: Database) -> Poll:
            make = locked_vote if state is State.LOCKED else open_vote
            vote: Vote = await make(db, self.folder)
            await vote.set_time("closes_at", 3600)

            async def change(session: object) -> Poll:
                poll = await get_poll(session, vote.poll.id)  # type: ignore[arg-type]
                for name, value in ({"state": state} | columns).items():
                    setattr(poll, name, value)
                session.add(poll)  # type: ignore[attr-defined]
                return poll

            return await db.write(change)

        made = self.run(work)
        assert isinstance(made, Poll)
        return made

    def restored(self, poll: Poll) -> Poll:
        """Read a vote where it was put back."""

        async def work(db: Database) -> Poll:
            async with db.reading() as session:
                return await get_poll(session, poll.id)

        found = self.run(work, self.target)
        assert isinstance(found, Poll)
        return found

    def restore(self) -> Done:
        return khma(settings_for(self.target, self.folder), "restore", str(self.folder / "copy.zip"))

    def copy(self) -> None:
        back_up(self.addresses.url, self.folder / "copy.zip")


@pytest.fixture
def hall(addresses: Addresses, another: Another, tmp_path: Path) -> Hall:
    kind = "sqlite" if addresses.url.startswith("sqlite") else "postgresql"
    return Hall(addresses, another(kind), tmp_path)


def test_an_open_vote_comes_back_interrupted_and_the_ledger_says_why(hall: Hall) -> None:
    vote, locked = hall.vote(), hall.vote(State.LOCKED)
    hall.copy()
    copied_at = datetime.now(UTC)
    said = hall.restore()
    assert said.returncode == 0, said.stderr
    assert f"The vote {vote.slug} was open and is interrupted now" in said.stdout
    assert locked.slug not in said.stdout
    poll = hall.restored(vote)
    assert poll.state is State.SUSPENDED
    assert poll.suspended_at is not None
    assert abs(poll.suspended_at - copied_at) < timedelta(seconds=5)
    assert (poll.closes_at, poll.card) == (vote.closes_at, vote.card)
    assert hall.restored(locked).state is State.LOCKED

    async def written(db: Database) -> list[tuple[object, ...]]:
        async with db.reading() as session:
            connection = await session.connection()
            lines = await connection.exec_driver_sql(
                "SELECT kind, subject, words FROM commons_ledger_pending WHERE kind = 'poll.suspended'"
            )
            jobs = await connection.exec_driver_sql("SELECT kind FROM app_job")
            return [*map(tuple, lines), *map(tuple, jobs)]

    found = hall.run(written, hall.target)
    assert isinstance(found, list)
    line, job = found
    assert line[:2] == ("poll.suspended", f"vote/{vote.slug}")
    assert "receipts newer than the backup will not be found" in str(line[2])
    assert job == ("ledger.sequence",)


def test_whoever_resumes_gives_back_the_time_that_was_left_when_the_copy_was_made(hall: Hall) -> None:
    vote = hall.vote()
    hall.copy()
    assert hall.restore().returncode == 0

    async def resume(db: Database) -> Poll:
        asked = await db.write(lambda session: amendments.ask(session, vote.id, Kind.RESUME, "found", uuid4(), {}))
        return await db.write(lambda session: amendments.agree(session, asked.id, uuid4()))

    suspended = hall.restored(vote)
    resumed = hall.run(resume, hall.target)
    assert isinstance(resumed, Poll)
    assert suspended.suspended_at is not None
    left = vote.closes_at - suspended.suspended_at
    assert (resumed.state, resumed.closes_at >= datetime.now(UTC) + left - timedelta(seconds=60)) == (State.OPEN, True)
    assert resumed.closes_at > vote.closes_at


def without(hall: Hall, name: str) -> None:
    """Lose part of the key folder."""
    keys = hall.folder / "keys"
    for path in [keys] if not name else keys.rglob(name):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("lost", ["", "box.key", "roll.key"])
@pytest.mark.parametrize("state", [State.OPEN, State.SUSPENDED, State.CLOSING, State.HALTED])
def test_without_its_keys_no_vote_on_its_way_is_restored(hall: Hall, state: State, lost: str) -> None:
    vote = hall.vote(state)
    hall.copy()
    without(hall, lost)
    said = hall.restore()
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (1, "", 1)
    assert vote.slug in said.stderr
    assert "Archive, Notary" in said.stderr
    assert set(rows_of(hall.target.url).values()) == {0}


@pytest.mark.parametrize("state", [State.LOCKED, State.CLOSED, State.PUBLISHED, State.ANNULLED])
def test_a_vote_that_needs_no_key_any_more_comes_back_as_it_was(hall: Hall, state: State) -> None:
    vote = hall.vote(state)
    hall.copy()
    without(hall, "")
    assert hall.restore().returncode == 0
    assert hall.restored(vote).state is state


def test_a_closing_whose_urn_is_full_goes_on_without_keys(hall: Hall) -> None:
    async def closing(db: Database) -> Vote:
        vote = await open_vote(db, hall.folder, voters=11)
        for tag in vote.tags:
            await vote.cast(tag, [1, 2])
        await vote.end()
        return vote

    vote = hall.run(closing)
    assert isinstance(vote, Vote)

    async def until_full(db: Database) -> None:
        await db.write(lambda session: closing_steps.begin(session, vote.poll.id))
        step = Step.CASTING
        while step is not Step.FILLED:
            await closing_steps._next_step(db, vote.keys, vote.folder, vote.poll.id)
            async with db.reading() as session:
                step = (await get_box(session, vote.poll.id)).step

    hall.run(until_full)
    hall.copy()
    without(hall, "")
    assert hall.restore().returncode == 0
    assert (
        hall.run(lambda db: closing_steps.close(db, vote.keys, [vote.folder], vote.poll.id), hall.target)
        is State.CLOSED
    )
