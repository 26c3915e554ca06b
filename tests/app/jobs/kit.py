"""What the tests of jobs and letters share: a house of their own, and a job whose effect can be counted."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.limits import Limits
from app.accounts.passwords import Passwords
from app.config import Config
from app.db import Database
from app.house import House
from app.jobs.tables import Job, State
from commons.ledger.sequence import append
from commons.ledger.tables import PendingLine

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz-only-for-tests"


def house_on(db: Database, folder: Path, **settings: str) -> House:
    """Make a house around a database that the test closes itself."""
    config = Config(database_url="sqlite://", secret=SECRET, data=folder, keys=folder / "keys", **settings)  # type: ignore[arg-type]
    return House(config, db, Passwords(), Limits(folder / "limits.sqlite3", SECRET))


async def write_line(_: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
    """Write one line for the ledger, named as the job says: the job "test.append"."""
    await append(session, "poll.closed", {"ballots": 1}, subject=facts["name"])


async def effects(db: Database) -> list[str]:
    async with db.reading() as session:
        return sorted((await session.exec(select(PendingLine.subject))).all())


async def jobs_of(db: Database) -> list[Job]:
    async with db.reading() as session:
        return list((await session.exec(select(Job).order_by(Job.kind))).all())


async def let_hours_pass(db: Database, hours: int = 24) -> None:
    """Make everything due: what waits was to be done some hours ago."""

    async def work(session: AsyncSession) -> None:
        earlier = timedelta(hours=hours)
        for job in (await session.exec(select(Job).where(Job.state == State.WAITING))).all():
            await session.exec(update(Job).where(col(Job.id) == job.id).values(due_at=job.due_at - earlier))

    await db.write(work)
