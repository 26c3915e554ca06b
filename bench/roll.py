"""How long a list of 100,000 people takes: read, compared and taken, on both databases, beside a cast's patience.

Three lists come one after another: everybody new; one in a hundred renamed, one missing and one new; and one with a bad
line. The longest wait is that of another writer, who asks for the same database all the while: on SQLite there is one.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.filling.store import take
from app.accounts.roll.importing import Report, examine
from app.accounts.roll.store import add_roll, find_on_roll
from app.db import Database, upgrade
from commons.organisations.store import found
from commons.organisations.tables import Organisation
from tests.plumbing.postgres import APP, OWNER, running_postgres

MOST_SECONDS = 30.0
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
    print(f"{asked.people:,} people   (limit: {MOST_SECONDS:.0f} s a list)")
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
        first, longest = await _import(db, host, roll, [(number, f"Voter {number}") for number in range(people)])
        newer = [(number, f"Voter {number}" + " B." * (number % 100 == 0)) for number in range(1, people + 1)]
        second, other = await _import(db, host, roll, newer)
        lines = _list([(number, f"Voter {number}") for number in range(people)]).split("\n")
        lines[BAD_LINE - 1] += ",more"
        report = examine("\n".join(lines), [])
        is_named = people < BAD_LINE or [each.line for each in report.wrong] == [BAD_LINE]
    finally:
        await db.close()
    is_within = max(first, second) <= MOST_SECONDS
    print(
        f"{NAMES[name]:<12} all new {first:6.1f} s   newer list {second:6.1f} s   another writer waited at most"
        f" {max(longest, other):5.2f} s   bad line {BAD_LINE:,} named: {'yes' if is_named else 'NO'}"
        f"   {'within' if is_within else 'BEYOND'}"
    )
    return is_within and is_named


async def _import(db: Database, host: Organisation, roll: UUID, people: list[tuple[int, str]]) -> tuple[float, float]:
    """Take a list while somebody else keeps writing. Returns the seconds it took, and their longest wait."""
    text = _list(people)
    waits: list[float] = []
    is_over = asyncio.Event()

    async def keep_writing() -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            await db.write(lambda session: _touch(session, host.id))
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.01)

    other = asyncio.create_task(keep_writing())
    began = time.perf_counter()
    async with db.reading() as session:
        there = await find_on_roll(session, roll)
    report: Report = await asyncio.to_thread(examine, text, there)
    await db.write(lambda session: take(session, roll, report, uuid4(), withdraw=True))
    seconds = time.perf_counter() - began
    is_over.set()
    await other  # whoever waited at the end is still to be counted
    return seconds, max(waits)


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
