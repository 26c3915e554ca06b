"""Processes that cast or close and are killed with SIGKILL in the middle; run as a program of its own.

    python -m tests.faults.boxes cast DATABASE_URL FOLDER VOTE ROLL ROUNDS      tags on standard input, one a line
    python -m tests.faults.boxes close DATABASE_URL FOLDER VOTE

`cast` writes "tag commitment" for every ballot that was acknowledged, that is: whose transaction was committed before
its process was killed. `close` writes the moment of each kill, and at the end the state.
"""

import asyncio
import os
import random
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

import app.migrations.tables  # noqa: F401 - every table, for the foreign keys
import ballots.closing
import ballots.store
from app.db import Database
from ballots.answers import order_of
from ballots.casting import Cast, cast
from ballots.eligibility import VoterFacts
from ballots.keys import Keys

AT_ONCE = 4


def fork(work: Callable[[], Awaitable[None]]) -> int:
    """Start a process that does the work and ends."""
    if pid := os.fork():
        return pid
    try:
        asyncio.run(work())  # type: ignore[arg-type]
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def cast_all(url: str, folder: Path, poll_id: UUID, roll_id: UUID, tags: list[bytes], told: int) -> None:
    db, keys = Database(url), Keys(folder / "keys")
    waiting = list(tags)

    async def caster() -> None:
        while waiting:
            tag, key = waiting.pop(), secrets.token_bytes(16)
            ranks = [1 if option == 1 else 0 for option in order_of((1, 2, 3), key)]

            async def work(session: AsyncSession, tag: bytes = tag, key: bytes = key, ranks: list[int] = ranks) -> Cast:
                return await cast(session, keys, poll_id, ranks, VoterFacts(roll_id), tag, key, None)

            done = await db.write(work)
            os.write(told, f"{tag.hex()} {done.receipt.commitment.hex()}\n".encode())

    await asyncio.gather(*(caster() for _ in range(AT_ONCE)))


def cast_rounds(url: str, folder: Path, poll_id: UUID, roll_id: UUID, rounds: int) -> None:
    tags = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    each, draw = len(tags) // rounds, random.Random(11)
    for number in range(rounds):
        mine = tags[number * each : (number + 1) * each]
        heard, told = os.pipe()
        pid = fork(lambda mine=mine, told=told: cast_all(url, folder, poll_id, roll_id, mine, told))  # type: ignore[misc]
        os.close(told)
        first = os.read(heard, 65536)  # somebody was acknowledged: it is in the middle of things
        time.sleep(draw.random() * 0.05)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        sys.stdout.write((first + b"".join(iter(lambda fd=heard: os.read(fd, 65536), b""))).decode())  # type: ignore[misc]
        sys.stdout.flush()
        os.close(heard)


class Fatal:
    """A database whose second write of this process is its last: killed inside it, or just after its commit."""

    def __init__(self, db: Database, *, inside: bool) -> None:
        self._db, self._inside, self._writes = db, inside, 0

    def reading(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as the database's own
        return self._db.reading()

    async def write(self, work: Callable[[AsyncSession], Awaitable[object]]) -> object:
        self._writes += 1
        last = self._writes == 2  # the first only looks whether it is time

        async def deadly(session: AsyncSession) -> object:
            done = await work(session)
            await session.flush()
            if last and self._inside:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        done = await self._db.write(deadly)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def close_killed(url: str, folder: Path, poll_id: UUID) -> None:
    ballots.store.SLICE = ballots.closing.SLICE = 7
    for number in range(100):

        async def work(inside: bool = number % 2 == 0) -> None:
            doors = Fatal(Database(url), inside=inside)
            await ballots.closing.close(doors, Keys(folder / "keys"), [folder / "boxes"], poll_id)  # type: ignore[arg-type]
            os._exit(3)

        _, status = os.waitpid(fork(work), 0)
        sys.stdout.write(f"{'killed' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")
        sys.stdout.flush()
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cast", url, folder, poll, roll, rounds]:
            cast_rounds(url, Path(folder), UUID(poll), UUID(roll), int(rounds))
        case ["close", url, folder, poll]:
            close_killed(url, Path(folder), UUID(poll))
