"""Two workers, one of them killed in the middle of a job, round after round; run as a program of its own.

    python -m tests.faults.rounds DATABASE_URL FOLDER ROUNDS

A round puts six jobs on the list and starts two workers. One of the jobs is fatal: whoever takes it first says so
through a pipe and is killed with SIGKILL, before it has written, after it has written, or somewhere on its way. The
other worker must do what is left. A job's effect is a line for the ledger; the caller counts the lines.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

import app.jobs.worker
from app.config import Config
from app.db import Database
from app.house import House, open_house
from app.jobs.store import count_jobs, enqueue
from app.jobs.tables import State
from app.jobs.worker import Worker
from commons.ledger.sequence import append

JOBS = 6
MOMENTS = ("before it wrote", "after it wrote", "on its way")


def name_of(number: int, job: int) -> str:
    return f"round {number} job {job}"


def work_in(folder: Path, told: int) -> app.jobs.worker.Work:
    """Make the job: it writes its line; a fatal one is in the middle of something when its worker is killed."""

    async def work(_: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
        fatal = facts.get("fatal")
        first = fatal is not None and is_first(folder / facts["name"])
        if first and fatal == MOMENTS[0]:
            await die(told)
        await append(session, "poll.closed", {"ballots": 1}, subject=facts["name"])
        if first and fatal == MOMENTS[1]:
            await die(told)
        if first:
            tell(told)

    return work


def is_first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def tell(told: int) -> None:
    os.write(told, f"{os.getpid()}\n".encode())


async def die(told: int) -> None:
    tell(told)
    await asyncio.Event().wait()


def start_worker(config: Config, folder: Path, told: int) -> int:
    """Fork a worker that goes on until no job waits. Returns its process id."""
    if pid := os.fork():
        return pid
    app.jobs.worker.PAUSE_SECONDS = 0.02
    code = 1
    try:
        asyncio.run(work_until_nothing_waits(config, folder, told))
        code = 0
    finally:
        os._exit(code)


async def work_until_nothing_waits(config: Config, folder: Path, told: int) -> None:
    house, stop = open_house(config), asyncio.Event()

    async def look() -> None:
        async with house.db.reading() as session:
            if State.WAITING not in await count_jobs(session):
                stop.set()

    try:
        await Worker(house, {"test.append": work_in(folder, told)}, lambda _: None).run(stop, look)
    finally:
        await house.close()


async def put_on_the_list(config: Config, number: int) -> None:
    db = Database(config.database_url)

    async def work(session: AsyncSession) -> None:
        for job in range(JOBS):
            fatal = {"fatal": MOMENTS[number % len(MOMENTS)]} if job == number % JOBS else {}
            await enqueue(session, "test.append", {"name": name_of(number, job), **fatal})

    await db.write(work)
    await db.close()


def play(config: Config, folder: Path, number: int) -> tuple[int, int]:
    """Play one round. Returns how the killed worker and the other one ended: the signal, and the exit code."""
    asyncio.run(put_on_the_list(config, number))
    hears, told = os.pipe()
    workers = {start_worker(config, folder, told), start_worker(config, folder, told)}
    os.close(told)
    with os.fdopen(hears) as pipe:
        doomed = int(pipe.readline())
        os.kill(doomed, signal.SIGKILL)
        killed = os.waitpid(doomed, 0)[1]
        (other,) = workers - {doomed}
        return os.WTERMSIG(killed) if os.WIFSIGNALED(killed) else 0, os.waitpid(other, 0)[1]


def main(url: str, folder: Path, rounds: int) -> None:
    config = Config(database_url=url, secret="only-for-tests-0123456789abcdefgh", data=folder, keys=folder / "keys")
    for number in range(rounds):
        sys.stdout.write("{} {}\n".format(*play(config, folder, number)))
        sys.stdout.flush()  # before the next fork, or it is said twice


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
