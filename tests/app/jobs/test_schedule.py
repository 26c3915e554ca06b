"""What is done by the clock: the hourly sweep, asked for by many and done once; the ledger, sequenced and signed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.sessions import IDLE, open_session
from app.accounts.store import add_account
from app.accounts.tables import Session
from app.db import Database
from app.house import House
from app.jobs.schedule import WORK, by_the_clock
from app.jobs.store import enqueue
from app.jobs.tables import State
from app.jobs.worker import Worker
from app.keys import ledger_origin, make_ledger_key
from commons.checkpoint import verifier_key
from commons.clock import now
from commons.ledger.reading import audit
from commons.ledger.sequence import BATCH, append
from commons.ledger.store import newest_checkpoint
from tests.app.jobs.kit import house_on, jobs_of, let_hours_pass

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    opened = house_on(db, tmp_path)
    yield opened
    await opened.close()


def worker(house: House) -> Worker:
    return Worker(house, WORK, lambda _: None)


async def test_the_hourly_sweep_is_asked_for_by_many_and_done_once(house: House) -> None:
    pauses = [by_the_clock(house) for _ in range(10)]
    await asyncio.gather(*[pause() for pause in pauses])
    await asyncio.gather(*[worker(house).do_all() for _ in range(3)])
    await asyncio.gather(*[pause() for pause in pauses])
    sweeps = [job for job in await jobs_of(house.db) if job.kind == "sweep"]
    assert {(job.kind, job.state, job.attempts) for job in sweeps} == {("sweep", State.DONE, 1)}
    assert len(sweeps) <= 2  # two only if an hour struck meanwhile
    assert sweeps[0].key == f"sweep {sweeps[0].due_at:%Y-%m-%d %H}"


async def say(house: House, *numbers: int) -> None:
    async def work(session: AsyncSession) -> None:
        for number in numbers:
            await append(session, "poll.closed", {"ballots": number})
        await enqueue(session, "ledger.sequence")

    await house.db.write(work)


async def signed(house: House) -> int:
    """Check the whole ledger against this house's key. Returns how many of its lines are signed."""
    verifier = verifier_key(ledger_origin(house.config), make_ledger_key(house.config).public_key())
    async with house.db.reading() as session:
        checkpoint = await newest_checkpoint(session)
        assert await audit(session, [verifier]) == []
    return checkpoint.size if checkpoint else 0


async def test_the_ledger_is_sequenced_and_signed_and_names_its_key_first(house: House) -> None:
    await say(house, 1, 2, 3)
    await worker(house).do_all()
    assert await signed(house) == 4
    await say(house, 4)
    await worker(house).do_all()
    assert await signed(house) == 5


async def test_a_flood_of_lines_needs_one_request_only(house: House) -> None:
    await say(house, *range(BATCH + 5))
    await worker(house).do_all()
    assert await signed(house) == BATCH + 6


async def test_a_key_folder_that_was_not_mounted_does_not_look_like_a_new_key(house: House) -> None:
    await say(house, 1)
    await worker(house).do_all()
    key, away = house.config.keys / "ledger.key", house.config.keys / "away"
    key.rename(away)
    await say(house, 2)
    await worker(house).do_all()
    assert not key.exists()
    (stuck,) = [job for job in await jobs_of(house.db) if job.state is State.WAITING]
    assert (stuck.kind, stuck.trouble) == ("ledger.sequence", "KeyMissing")
    away.rename(key)
    await let_hours_pass(house.db)
    await worker(house).do_all()
    assert await signed(house) == 3


async def test_the_sweep_throws_away_sessions_that_are_over(house: House) -> None:
    async def work(session: AsyncSession) -> None:
        account = await add_account(session, "nino@example.org", "Nino", "hash")
        for browser in ("old", "idle", "fresh"):
            await open_session(session, account.id, browser)
        moment = await now(session)
        old, idle = col(Session.browser) == "old", col(Session.browser) == "idle"
        await session.exec(update(Session).where(old).values(expires_at=moment))
        await session.exec(update(Session).where(idle).values(seen_at=moment - IDLE))
        await enqueue(session, "sweep")

    await house.db.write(work)
    await worker(house).do_all()
    async with house.db.reading() as session:
        assert (await session.exec(select(Session.browser))).all() == ["fresh"]
