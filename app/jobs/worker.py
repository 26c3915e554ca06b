"""The worker: takes due work from the list and does it, beside as many others as one likes.

A job's doing and the note that it is done are one transaction, and the row is held meanwhile: whoever is killed in the
middle has done nothing, and the next worker does it once. Letters are the exception, as the outbox explains.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Away
from app.house import House
from app.jobs.store import claim_job, record_done, record_trouble
from app.jobs.tables import Job
from app.letters.outbox import claim_letter, record_refusal, record_sent
from app.letters.sending import Refused, Sender, compose
from commons.tables import text_in

log = logging.getLogger("khma.worker")

PAUSE_SECONDS = 1.0

Result = TypeVar("Result")

Work = Callable[[House, AsyncSession, Mapping[str, str]], Awaitable[None]]


class Worker:
    """One worker.

    work: kind of job → what to do, in the transaction that also notes it as done.
    """

    def __init__(self, house: House, work: Mapping[str, Work], sender: Sender) -> None:
        self._house = house
        self._work = work
        self._sender = sender

    async def run(self, stop: asyncio.Event, tend: Callable[[], Awaitable[None]]) -> None:
        """Work until told to stop; `tend` does what the clock asks, once a second, however long the list is."""
        tended_at = float("-inf")
        while not stop.is_set():
            if time.monotonic() - tended_at >= PAUSE_SECONDS:
                tended_at = time.monotonic()
                await _try(tend)
            if await _try(self._do_something):
                continue
            try:
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
            except TimeoutError:
                continue

    async def _do_something(self) -> bool:
        return await self.do_one_job() or await self.send_one_letter()

    async def do_all(self) -> None:
        """Do everything that is due, and come back; for demonstrations and tests."""
        while await self.do_one_job() or await self.send_one_letter():
            pass

    async def do_one_job(self) -> bool:
        """Do the next job that is due. Returns False when there was none."""
        started = time.perf_counter()
        taken: list[tuple[UUID, str]] = []  # not the row itself: a rollback makes it unreadable

        async def step(session: AsyncSession) -> Job | None:
            taken.clear()
            if (job := await claim_job(session)) is None:
                return None
            taken.append((job.id, job.kind))
            await self._work[job.kind](self._house, session, job.facts)
            await record_done(session, job)
            return job

        try:
            job = await self._house.db.write(step)
        except Away:
            raise
        except Exception as trouble:
            if not taken:
                raise
            job_id, kind = taken[0]
            log.exception("job failed", extra={"job": kind})
            name = type(trouble).__name__
            await self._house.db.write(lambda session: record_trouble(session, job_id, name))
            return True
        if job is None:
            return False
        log.info("job done", extra={"job": job.kind, "seconds": round(time.perf_counter() - started, 3)})
        return True

    async def send_one_letter(self) -> bool:
        """Send the next letter that is due. Returns False when there was none."""
        letter = await self._house.db.write(claim_letter)
        if letter is None:
            return False
        host = await self._house.host()
        organisation = text_in(host.names, letter.language) if host else "Khma"
        try:
            await asyncio.to_thread(self._sender, compose(letter, self._house.config, organisation))
        except Refused as refused:
            answer, final = refused.answer, refused.final
            await self._house.db.write(lambda session: record_refusal(session, letter, answer, final=final))
        except Exception as trouble:  # a letter that cannot be written out must not hold up the others
            log.exception("letter failed")
            name = type(trouble).__name__
            await self._house.db.write(lambda session: record_refusal(session, letter, name, final=False))
        else:
            await self._house.db.write(lambda session: record_sent(session, letter.id))
        return True


async def _try(work: Callable[[], Awaitable[Result]]) -> Result | None:
    """Do a piece of work; whatever goes wrong must neither end the worker nor keep other work waiting."""
    try:
        return await work()
    except Away:
        log.warning("database away")
    except Exception:
        log.exception("work stopped for a moment")
    return None
