"""The worker: it does what is due, stumbles without falling, and outlives a database that goes away."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlmodel.ext.asyncio.session import AsyncSession

import app.db
import app.jobs.worker
from app.db import Away, Database
from app.house import House
from app.jobs.store import MOST_ATTEMPTS, enqueue
from app.jobs.tables import State
from app.jobs.worker import Worker
from tests.app.jobs.kit import effects, house_on, jobs_of, let_hours_pass, write_line
from tests.conftest import Addresses
from tests.plumbing.postgres import Postgres

pytestmark = pytest.mark.anyio

PATIENCE = 20


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    opened = house_on(db, tmp_path)
    yield opened
    await opened.close()


async def stumble(_: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
    await write_line(_, session, facts)
    raise ValueError("the voter's own words must not be kept")


async def ask_for(db: Database, kind: str, *names: str) -> None:
    for name in names:
        await db.write(lambda session, name=name: enqueue(session, kind, {"name": name}))


async def test_due_work_is_done_once(house: House) -> None:
    await ask_for(house.db, "test.append", "a", "b", "c")
    worker = Worker(house, {"test.append": write_line}, lambda _: None)
    await worker.do_all()
    await worker.do_all()
    assert await effects(house.db) == ["a", "b", "c"]
    assert {(job.state, job.attempts) for job in await jobs_of(house.db)} == {(State.DONE, 1)}


async def test_eight_workers_do_forty_jobs_once_each(house: House) -> None:
    names = [f"{number:02}" for number in range(40)]
    await ask_for(house.db, "test.append", *names)
    await asyncio.gather(*[Worker(house, {"test.append": write_line}, lambda _: None).do_all() for _ in range(8)])
    assert await effects(house.db) == names


async def test_a_failing_job_leaves_nothing_behind_and_stalls_nobody(house: House) -> None:
    await ask_for(house.db, "test.stumble", "half done")
    await ask_for(house.db, "test.unheard_of", "unknown")
    await ask_for(house.db, "test.append", "good")
    worker = Worker(house, {"test.append": write_line, "test.stumble": stumble}, lambda _: None)
    await worker.do_all()
    assert await effects(house.db) == ["good"]
    append, failed, unknown = await jobs_of(house.db)
    assert (append.state, append.attempts, append.trouble) == (State.DONE, 1, "")
    assert (failed.state, failed.attempts, failed.trouble) == (State.WAITING, 1, "ValueError")
    assert (unknown.state, unknown.attempts, unknown.trouble) == (State.WAITING, 1, "KeyError")


async def test_after_six_failures_it_is_given_up(house: House) -> None:
    await ask_for(house.db, "test.stumble", "hopeless")
    worker = Worker(house, {"test.stumble": stumble}, lambda _: None)
    for _ in range(MOST_ATTEMPTS + 2):
        await let_hours_pass(house.db)
        await worker.do_all()
    (job,) = await jobs_of(house.db)
    assert (job.state, job.attempts, job.trouble) == (State.FAILED, MOST_ATTEMPTS, "ValueError")


async def test_the_worker_stops_when_told_and_finishes_the_job_in_hand(house: House) -> None:
    stop = asyncio.Event()

    async def last(_: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
        stop.set()
        await write_line(_, session, facts)

    await ask_for(house.db, "test.last", "in hand", "left for tomorrow")
    worker = Worker(house, {"test.last": last}, lambda _: None)
    await asyncio.wait_for(worker.run(stop, broken), PATIENCE)
    assert len(await effects(house.db)) == 1


async def broken() -> None:
    raise RuntimeError("what the clock asks fails, and the list is worked on all the same")


class Heard(logging.Handler):
    """Sets an event when the worker says that the database is away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "database away":
            self.away.set()


class Outage:
    """A database that goes away and comes back: PostgreSQL throws everybody out, a SQLite file stays locked."""

    def __init__(self, addresses: Addresses, server: Postgres | None) -> None:
        self._server = server
        self._url = make_url(addresses.url)

    def begin(self) -> None:
        name = self._url.database
        if self._server:
            self._server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            self._server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        else:
            self._lock = sqlite3.connect(str(name), isolation_level=None)
            self._lock.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        if self._server:
            self._server.run(f"ALTER DATABASE {self._url.database} ALLOW_CONNECTIONS true")
        else:
            with closing(self._lock):
                self._lock.execute("ROLLBACK")


async def test_the_worker_outlives_a_database_that_goes_away(
    addresses: Addresses, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = None if addresses.url.startswith("sqlite") else request.getfixturevalue("postgres")
    monkeypatch.setattr(app.db, "LOCK_WAIT_MS", 50)
    monkeypatch.setattr(app.jobs.worker, "PAUSE_SECONDS", 0.05)
    house, outage = house_on(Database(addresses.url), tmp_path), Outage(addresses, server)
    stop, done, heard = asyncio.Event(), asyncio.Event(), Heard()
    logging.getLogger("khma.worker").addHandler(heard)

    async def interrupted(_: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
        if server and not heard.away.is_set():
            outage.begin()  # in the middle of a transaction
        await write_line(_, session, facts)

    async def pause() -> None:
        if {job.state for job in await jobs_of(house.db)} == {State.DONE}:
            done.set()

    await ask_for(house.db, "test.append", "a", "b")
    if not server:
        outage.begin()
    working = asyncio.create_task(Worker(house, {"test.append": interrupted}, lambda _: None).run(stop, pause))
    try:
        await asyncio.wait_for(heard.away.wait(), PATIENCE)
        with pytest.raises(Away):
            await house.db.write(lambda session: enqueue(session, "test.append"))
        outage.end()
        await asyncio.wait_for(done.wait(), PATIENCE)
        assert await effects(house.db) == ["a", "b"]
        assert not working.done()
    finally:
        logging.getLogger("khma.worker").removeHandler(heard)
        stop.set()
        await working
        await house.close()
