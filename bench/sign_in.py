"""What 200 people who sign in at one moment cost everybody else: memory, and how long other pages take meanwhile.

The town is served by `khma serve`, one process, on each database. Its public pages are asked for in quiet, one after
the other over one connection; then while all people send address and password at once; then in quiet again, for others
use the machine as well. Who is told that the house is busy sends the same form again when the answer says so, until
everybody is in. The other pages' 95th percentile is compared with their quiet one of the same run.
"""

import argparse
import asyncio
import http.client
import os
import re
import secrets
import statistics
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.passwords import Passwords
from app.accounts.store import add_account
from app.db import Database, upgrade
from commons.organisations.store import found
from tests.plumbing.booths import settings
from tests.plumbing.clients import Client
from tests.plumbing.postgres import APP, OWNER, running_postgres
from tests.plumbing.server import running_program

KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
PAGES = ("/en", "/en/votes", "/en/results", "/en/services", "/en/sign-in", "/en/pages/privacy")
MOST_BYTES = 10**9
MOST_TIMES = 3.0
PATIENCE = 60
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True)
class Cost:
    """What it came to: milliseconds of other pages, seconds until everybody was in, bytes of the server at its most.

    answers: how often each status was the answer to a sign-in.
    """

    quiet: list[float]
    loud: list[float]
    seconds: float
    peak: int
    answers: Counter[int]

    @property
    def times(self) -> float:
        """How many times the quiet 95th percentile the loud one is."""
        return p95(self.loud) / p95(self.quiet)

    @property
    def is_kept(self) -> bool:
        """Whether both limits were kept."""
        return self.times <= MOST_TIMES and self.peak < MOST_BYTES


def p95(times: list[float]) -> float:
    """Find the 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]


def main(argv: list[str]) -> int:
    """Run the benchmark and print its table.

    Returns: 0; with --strict 1 when a limit is not kept.
    """
    parser = argparse.ArgumentParser(prog="khma bench sign-in", description=__doc__)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10, help="of quiet before, and of quiet after")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a limit is not kept")
    options = parser.parse_args(argv)
    kept = []
    for kind in KINDS if options.database == "both" else (options.database,):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="khma-bench-")))
            url = owner = f"sqlite:///{folder / 'khma.sqlite3'}"
            if kind == "postgresql":
                server = stack.enter_context(running_postgres())
                server.run(f"CREATE DATABASE khma OWNER {OWNER}")
                url, owner = server.url("khma", APP), server.url("khma", OWNER)
            upgrade(owner, None if kind == "sqlite" else APP)
            password = asyncio.run(_settle(url, options.people))
            base, process = stack.enter_context(running_program(settings(url, owner, folder)))
            cost = asyncio.run(_measure(base, process.pid, password, options.people, options.seconds))
        _print(kind, options.people, cost)
        kept.append(cost.is_kept)
    return int(options.strict and not all(kept))


async def _settle(url: str, people: int) -> str:
    """Let people move in, all with one password. Returns it."""
    db, passwords, password = Database(url), Passwords(), secrets.token_urlsafe(20)
    kept = await passwords.hash(password)

    async def work(session: AsyncSession) -> None:
        await found(session, {"en": "Hall"}, {}, "UTC")
        for number in range(people):
            await add_account(session, _address(number), "Nino Beridze", kept)

    await db.write(work)
    await db.close()
    passwords.close()
    return password


def _address(number: int) -> str:
    return f"person{number}@vardisi.example"


async def _measure(base: str, pid: int, password: str, people: int, seconds: float) -> Cost:
    reader = Reader(base)
    reader.start()
    browsers = [await Client.open(base) for _ in range(people)]
    for browser in browsers:
        await browser.get("/en/sign-in")
    await asyncio.sleep(1)
    reader.times.clear()
    await asyncio.sleep(seconds)
    quiet, reader.times = reader.times, []
    answers: Counter[int] = Counter()
    began = time.perf_counter()
    await asyncio.gather(*(_come_in(each, _address(n), password, answers) for n, each in enumerate(browsers)))
    took, loud, reader.times = time.perf_counter() - began, reader.times, []
    await asyncio.sleep(seconds)
    reader.stop()
    quiet += reader.times
    for browser in browsers:
        browser.close()
    return Cost(quiet, loud, took, _peak(pid), answers)


def _peak(pid: int) -> int:
    """Find how many bytes a process held at its most."""
    found_peak = PEAK.search(Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(found_peak[1]) * 1024 if found_peak else 0


async def _come_in(browser: Client, email: str, password: str, answers: Counter[int]) -> None:
    """Sign in; where the house is busy, when it says."""
    for _ in range(PATIENCE):
        form = {"_token": browser.token, "email": email, "password": password, "next": ""}
        await browser.reconnect()  # a connection that nobody used for five seconds was closed
        answer = await browser.post("/en/sign-in", form)
        answers[answer.status] += 1
        if answer.status == http.client.SEE_OTHER:
            return
        if answer.status not in (http.client.SERVICE_UNAVAILABLE, http.client.TOO_MANY_REQUESTS):
            raise RuntimeError(f"sign-in was answered with {answer.status}")
        await asyncio.sleep(int(answer.headers["retry-after"]))
    raise RuntimeError(f"{email} never came in")


class Reader(threading.Thread):
    """Somebody who reads one page after the other, and keeps the milliseconds that each took."""

    def __init__(self, base: str) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self._base, self._is_over = base, False

    def run(self) -> None:
        """Read until told to stop."""
        connection = http.client.HTTPConnection(urlsplit(self._base).netloc)
        for page in cycle(PAGES):
            if self._is_over:
                break
            began = time.perf_counter()
            connection.request("GET", page)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{page}: {answer.status}")
            self.times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.005)
        connection.close()

    def stop(self) -> None:
        """Stop reading."""
        self._is_over = True
        self.join()


def _print(kind: str, people: int, cost: Cost) -> None:
    told = ", ".join(f"{number} × {status}" for status, number in sorted(cost.answers.items()))
    load = f"load of this machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors"
    print(f"\n{KINDS[kind]}: {people} sign-ins at once; {load}")
    print(f"  everybody was in after {cost.seconds:.1f} s; answers: {told}")
    for name, times in (("quiet", cost.quiet), ("meanwhile", cost.loud)):
        figures = f"p50 {statistics.median(times):7.1f} ms  p95 {p95(times):7.1f} ms  of {len(times)}"
        print(f"  other pages, {name:<10} {figures}")
    said = "within" if cost.times <= MOST_TIMES else "OVER"
    print(f"  p95 is {cost.times:.1f} times the quiet one, {said} {MOST_TIMES:g}")
    said = "under" if cost.peak < MOST_BYTES else "NOT under"
    print(f"  the server took {cost.peak / 10**6:.0f} MB at its most, {said} {MOST_BYTES / 10**6:.0f}")
