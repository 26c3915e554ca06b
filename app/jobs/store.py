"""Put work on the list, take it, and write down what became of it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.jobs.tables import Job, State
from commons.clock import now

MOST_ATTEMPTS = 6
KEPT = timedelta(days=30)


async def enqueue(
    session: AsyncSession,
    kind: str,
    facts: dict[str, str] | None = None,
    *,
    due_at: datetime | None = None,
    key: str | None = None,
) -> None:
    """Ask for a piece of work, in the transaction that makes it necessary.

    key: asked for a second time under the same key, ever, it is not put on the list again.
    """
    job = Job(kind=kind, facts=facts or {}, key=key, due_at=due_at or await now(session))
    try:
        async with session.begin_nested():
            session.add(job)
            await session.flush()
    except IntegrityError:
        if key is None:
            raise


async def claim_job(session: AsyncSession) -> Job | None:
    """Take the job that has been due for longest, and hold it until this transaction ends; None when none is due."""
    query = (
        select(Job)
        .where(Job.state == State.WAITING, Job.due_at <= await now(session))
        .order_by(col(Job.due_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(query)).first()


async def record_done(session: AsyncSession, job: Job) -> None:
    """Write down that the work is done, in the transaction that did it, and forget what it was about."""
    job.state, job.done_at, job.attempts = State.DONE, await now(session), job.attempts + 1
    job.facts = {}
    session.add(job)
    await session.flush()


async def record_trouble(session: AsyncSession, job_id: UUID, trouble: str) -> None:
    """Write down that the work failed; it is tried again, later each time, and given up after six times."""
    job = await session.get(Job, job_id, with_for_update=True)
    if job is None or job.state is not State.WAITING:
        return
    job.attempts += 1
    job.trouble = trouble[:200]
    job.due_at = await now(session) + timedelta(seconds=2**job.attempts)
    if job.attempts >= MOST_ATTEMPTS:
        job.state = State.FAILED
        job.facts = {}
    session.add(job)
    await session.flush()


async def count_jobs(session: AsyncSession) -> dict[str, int]:
    """Count the jobs by state."""
    rows = await session.exec(select(Job.state, func.count()).group_by(Job.state))
    return {str(state): number for state, number in rows.all()}


async def sweep_jobs(session: AsyncSession) -> None:
    """Forget work that was done a month ago."""
    before = await now(session) - KEPT
    await session.exec(delete(Job).where(col(Job.state) == State.DONE, col(Job.done_at) < before))
