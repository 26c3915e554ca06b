"""How long a list of 100,000 people takes: read, compared and brought in by a worker, on both databases.

Three lists come one after another: everybody new; one in a hundred renamed, one missing and one new; and one with a bad
line. The longest wait is that of another writer, who asks for the same database all the while: on SQLite there is one.
Somebody who looks how far it is must see it grow, and a single person struck off must not keep others waiting either.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.changes import STRIKE, Change, change_alone
from app.accounts.roll.filling.plan import SLICE, plan_of
from app.accounts.roll.filling.store import begin, find_import, find_newest_import, newest_version, write_on
from app.accounts.roll.filling.tables import Stage
from app.accounts.roll.importing import Report, examine
from app.accounts.roll.lookup import find_lines
from app.accounts.roll.store import add_roll, find_on_roll
from app.db import Database, upgrade
from commons.organisations.store import found
from commons.organisations.tables import Organisation
from tests.plumbing.postgres import APP, OWNER, running_postgres

MOST_SECONDS = 30.0
MOST_WAIT_SECONDS = 2.0
FEWEST_STEPS = 10
BAD_LINE = 73_211
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def main(argv: list[str]) -> int:
    """Run the benchmark and print its table.

    Returns: 0 when each list is taken within its limit and the bad line is named, else 1.
    """
    parser = argparse.ArgumentParser(prog="khma bench roll", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--database", choices=[*NAMES, "both"], default="both")
    asked = parser.parse_args(argv)
    wanted = list(NAMES) if asked.database == "both" else [asked.database]
    print(
        f"{asked.people:,} people   (limits: {MOST_SECONDS:.0f} s a list, {MOST_WAIT_SECONDS:.0f} s for another writer)"
    )
    kept = [_measure(name, asked.people) for name in wanted]  # both, whatever the first came to
    return 0 if all(kept) else 1


def _measure(name: str, people: int) -> bool:
    with _addresses(name) as (url, owner_url):
        upgrade(owner_url, APP if name == "postgresql" else None)
        return asyncio.run(_run(name, url, people))


async def _run(name: str, url: str, people: int) -> bool:
    db = Database(url)
    try:
        host = await db.write(lambda session: found(session, {"en": "Hall"}, {}, "UTC"))
        roll = (await db.write(lambda session: add_roll(session, host.id, {"en": "Residents"}))).id
        imported = [await _import(db, host, roll, [(number, f"Voter {number}") for number in range(people)])]
        newer = [(number, f"Voter {number}" + " B." * (number % 100 == 0)) for number in range(1, people + 1)]
        imported.append(await _import(db, host, roll, newer))
        alone, waited = await _strike_one(db, host, roll)
        lines = _list([(number, f"Voter {number}") for number in range(people)]).split("\n")
        lines[min(BAD_LINE, people) - 1] += ",more"
        report = examine("\n".join(lines), [])
        is_named = [each.line for each in report.wrong] == [min(BAD_LINE, people)]
    finally:
        await db.close()
    longest, steps = max(waited, *(each.waited for each in imported)), imported[0].steps
    is_within = max(each.seconds for each in imported) <= MOST_SECONDS and longest <= MOST_WAIT_SECONDS
    is_within &= steps >= min(FEWEST_STEPS, people // SLICE)
    told = [
        f"{NAMES[name]:<12} all new {imported[0].seconds:5.1f} s, seen in {steps} steps",
        f"newer list {imported[1].seconds:5.1f} s",
        f"one struck off {alone:4.2f} s",
        f"another writer waited at most {longest:4.2f} s",
        f"bad line named: {'yes' if is_named else 'NO'}",
        "within" if is_within else "BEYOND",
    ]
    print("   ".join(told))
    return is_within and is_named


@dataclass(frozen=True)
class Imported:
    """How a list came in. steps: how many different numbers of written lines somebody saw who looked meanwhile."""

    seconds: float
    waited: float
    steps: int


async def _import(db: Database, host: Organisation, roll: UUID, people: list[tuple[int, str]]) -> Imported:
    """Take a list while somebody else keeps writing, and another one keeps looking how far it is."""
    text, seen = _list(people), set[int]()

    async def look() -> None:
        async with db.reading() as session:
            filling = await find_newest_import(session, roll)
        if filling is not None and filling.stage is Stage.WRITING:
            seen.add(filling.written)

    async with _others(db, host, look) as waits:
        began = time.perf_counter()
        async with db.reading() as session:
            there, version = await find_on_roll(session, roll), await newest_version(session, roll)
        report: Report = await asyncio.to_thread(examine, text, there)
        plan = await asyncio.to_thread(plan_of, report, there, withdraw=True)
        filling = await db.write(lambda session: begin(session, roll, plan, version, uuid4()))
        seconds = 0.0
        while await db.write(lambda session: write_on(session, filling.id)):
            async with db.reading() as session:
                stage = (await find_import(session, roll, filling.id)).stage
            if stage is Stage.DONE and not seconds:  # in force; what follows is tidying up
                seconds = time.perf_counter() - began
    return Imported(seconds, max(waits), len(seen))


async def _strike_one(db: Database, host: Organisation, roll: UUID) -> tuple[float, float]:
    """Strike somebody off. Returns the seconds it took, and the longest wait of another writer."""
    async with db.reading() as session:
        line = next(line.id for line, _ in (await find_lines(session, roll)).lines if line.struck_at is None)
    async with _others(db, host) as waits:
        began = time.perf_counter()
        await db.write(lambda session: change_alone(session, Change(STRIKE, roll, line), uuid4()))
        seconds = time.perf_counter() - began
    return seconds, max(waits)


@asynccontextmanager
async def _others(
    db: Database, host: Organisation, look: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[list[float]]:
    """Let somebody else keep writing, and looking. Yields how long each of their writes took."""
    waits: list[float] = []
    is_over = asyncio.Event()

    async def keep_writing() -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            await db.write(lambda session: _touch(session, host.id))
            waits.append(time.perf_counter() - began)
            if look is not None:
                await look()
            await asyncio.sleep(0.01)

    other = asyncio.create_task(keep_writing())
    await asyncio.sleep(0.05)
    yield waits
    is_over.set()
    await other  # whoever waited at the end is still to be counted


async def _touch(session: AsyncSession, host_id: UUID) -> None:
    host = await session.get(Organisation, host_id)
    if host is not None:
        host.names = {"en": f"Hall {time.time()}"}
        session.add(host)


def _list(people: list[tuple[int, str]]) -> str:
    return "reference,name\n" + "".join(f"P-{number:07},{name}\n" for number, name in people)


@contextmanager
def _addresses(name: str) -> Iterator[tuple[str, str]]:
    """Give a fresh database: its address, and its owner's."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory(prefix="khma-bench-") as room:
            url = f"sqlite:///{Path(room) / 'khma.sqlite3'}"
            yield url, url
        return
    with running_postgres("fsync=on", "synchronous_commit=on", "full_page_writes=on") as server:
        server.run(f"CREATE DATABASE khma OWNER {OWNER}")
        yield server.url("khma", APP), server.url("khma", OWNER)
