"""What is done by the clock: the hourly sweep, asked for by many and done once; the ledger, sequenced and signed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.db import Database
from app.house import House
from app.jobs.schedule import WORK, hourly
from app.jobs.store import enqueue
from app.jobs.tables import State
from app.jobs.worker import Worker
from app.keys import ledger_key, ledger_origin
from commons.checkpoint import verifier_key
from commons.ledger.reading import audit
from commons.ledger.sequence import append
from commons.ledger.store import newest_checkpoint
from tests.app.jobs.kit import house_on, jobs_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    opened = house_on(db, tmp_path)
    yield opened
    await opened.close()


def worker(house: House) -> Worker:
    return Worker(house, WORK, lambda _: None)


async def test_the_hourly_sweep_is_asked_for_by_many_and_done_once(house: House) -> None:
    pauses = [hourly(house) for _ in range(10)]
    await asyncio.gather(*[pause() for pause in pauses])
    await asyncio.gather(*[worker(house).do_all() for _ in range(3)])
    await asyncio.gather(*[pause() for pause in pauses])
    sweeps = await jobs_of(house.db)
    assert {(job.kind, job.state, job.attempts) for job in sweeps} == {("sweep", State.DONE, 1)}
    assert len(sweeps) <= 2  # two only if an hour struck meanwhile
    assert sweeps[0].key == f"sweep {sweeps[0].due_at:%Y-%m-%d %H}"


async def test_the_ledger_is_sequenced_and_signed(house: House) -> None:
    for number in range(3):
        await house.db.write(lambda session, n=number: append(session, "poll.closed", {"ballots": n}))
    await house.db.write(lambda session: enqueue(session, "ledger.sequence"))
    await worker(house).do_all()
    verifier = verifier_key(ledger_origin(house.config), ledger_key(house.config).public_key())
    async with house.db.reading() as session:
        checkpoint = await newest_checkpoint(session)
        assert await audit(session, [verifier]) == []
    assert checkpoint is not None
    assert checkpoint.size == 3
