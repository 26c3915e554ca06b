"""The list of work: what is asked for, taken, done, given up and forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from app.jobs.store import KEPT, MOST_ATTEMPTS, claim_job, count_jobs, enqueue, record_done, record_trouble, sweep_jobs
from app.jobs.tables import Job, State
from commons.clock import now
from commons.errors import Conflict
from tests.app.jobs.kit import jobs_of, let_hours_pass

pytestmark = pytest.mark.anyio


async def test_work_asked_for_in_a_transaction_that_fails_was_not_asked_for(db: Database) -> None:
    async def fail(session: AsyncSession) -> None:
        await enqueue(session, "sweep")
        raise Conflict("test.change_of_mind")

    with pytest.raises(Conflict):
        await db.write(fail)
    assert await jobs_of(db) == []


async def test_a_key_is_heard_once_ever_whoever_asks(db: Database) -> None:
    await asyncio.gather(*[db.write(lambda s: enqueue(s, "sweep", key="sweep 2026-11-22 00")) for _ in range(20)])
    assert await count_jobs_in(db) == {"waiting": 1}
    await db.write(do_next)
    await db.write(lambda session: enqueue(session, "sweep", key="sweep 2026-11-22 00"))
    assert await count_jobs_in(db) == {"done": 1}
    await db.write(lambda session: enqueue(session, "sweep", key="sweep 2026-11-22 01"))
    assert await count_jobs_in(db) == {"done": 1, "waiting": 1}


async def test_what_else_was_done_in_a_transaction_survives_a_key_that_was_taken(db: Database) -> None:
    async def work(session: AsyncSession) -> None:
        await enqueue(session, "first")
        await enqueue(session, "sweep", key="one")
        await enqueue(session, "sweep", key="one")
        await enqueue(session, "last")

    await db.write(work)
    assert [job.kind for job in await jobs_of(db)] == ["first", "last", "sweep"]


async def test_without_a_key_every_request_counts_and_no_fault_is_hidden(db: Database) -> None:
    await db.write(lambda session: enqueue(session, "sweep"))
    await db.write(lambda session: enqueue(session, "sweep"))
    assert await count_jobs_in(db) == {"waiting": 2}
    with pytest.raises(IntegrityError):
        await db.write(lambda session: enqueue(session, None))  # type: ignore[arg-type] # the column says NOT NULL


async def test_the_job_that_has_waited_longest_comes_first_and_none_before_its_time(db: Database) -> None:
    moment = datetime.now(UTC)
    for kind, hours in (("second", -1), ("first", -2), ("tomorrow", 24)):
        due = moment + timedelta(hours=hours)
        await db.write(lambda session, kind=kind, due=due: enqueue(session, kind, due_at=due))
    assert [await db.write(do_next) for _ in range(3)] == ["first", "second", None]


async def test_the_wait_doubles_and_the_sixth_failure_is_the_last(db: Database) -> None:
    await db.write(lambda session: enqueue(session, "stumble"))
    waits = []
    for _ in range(MOST_ATTEMPTS):
        await let_hours_pass(db)
        waits.append(await db.write(fail_next))
    (job,) = await jobs_of(db)
    assert waits == [2, 4, 8, 16, 32, 64]
    assert (job.state, job.attempts, job.trouble) == (State.FAILED, 6, "ValueError")
    await let_hours_pass(db)
    assert await db.write(do_next) is None


async def test_trouble_that_comes_late_does_not_undo_what_another_did(db: Database) -> None:
    await db.write(lambda session: enqueue(session, "sweep"))
    (job,) = await jobs_of(db)
    await db.write(do_next)
    await db.write(lambda session: record_trouble(session, job.id, "ValueError"))
    assert [(job.state, job.trouble) for job in await jobs_of(db)] == [(State.DONE, "")]


async def test_only_what_was_done_long_ago_is_forgotten(db: Database) -> None:
    for kind in ("done long ago", "done now", "waiting"):
        await db.write(lambda session, kind=kind: enqueue(session, kind))
    await db.write(do_next)
    await db.write(do_next)
    long_ago = datetime.now(UTC) - KEPT - timedelta(minutes=1)
    done = [job.id for job in await jobs_of(db) if job.state is State.DONE]
    await db.write(lambda session: set_done_at(session, done[:1], long_ago))
    await db.write(sweep_jobs)
    assert await count_jobs_in(db) == {"done": 1, "waiting": 1}


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)  # on SQLite a second taker waits for the first
async def test_two_takers_never_hold_the_same_job(db: Database) -> None:
    for kind in ("one", "two"):
        await db.write(lambda session, kind=kind: enqueue(session, kind))

    async def outer(session: AsyncSession) -> set[str]:
        mine, other, third = await claim_job(session), await db.write(do_next), await db.write(do_next)
        assert mine is not None
        assert third is None
        return {mine.kind, str(other)}

    assert await db.write(outer) == {"one", "two"}


async def count_jobs_in(db: Database) -> dict[str, int]:
    async with db.reading() as session:
        return await count_jobs(session)


async def do_next(session: AsyncSession) -> str | None:
    if (job := await claim_job(session)) is None:
        return None
    await record_done(session, job)
    return job.kind


async def fail_next(session: AsyncSession) -> int:
    """Fail at the next job. Returns for how many seconds it is put off."""
    job = await claim_job(session)
    assert job is not None
    await record_trouble(session, job.id, "ValueError")
    return round((job.due_at - await now(session)).total_seconds())


async def set_done_at(session: AsyncSession, ids: list[object], moment: datetime) -> None:
    await session.exec(update(Job).where(col(Job.id).in_(ids)).values(done_at=moment))
