"""How many sealed ballots a second are in the box, beside a handler that only inserts one row, in the same run.

A cast is a POST to the booth of `khma serve`; the peer is bench/bare.py: same server, engine, pool and ORM session.
Both are counted once they are answered, which is after COMMIT is on disk; PostgreSQL runs with fsync on. The clients
are in a process of their own. Each first cast is of a voter with a code of their own; each change of mind follows one
of them and holds its pass. The pages with the forms were opened beforehand. Rounds of all three follow one another,
and the figures are medians of the rounds: a machine that others use as well slows all three.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine
from sqlmodel import SQLModel

from app.db import Database, driver_url, upgrade
from bench.bare import Mark
from bench.databases import KINDS, NAMES, fresh_databases
from bench.pages import bare_server
from bench.sending import Answer, Plan
from tests.ballots.voting import Vote
from tests.plumbing.booths import Form, hold_vote, settings
from tests.plumbing.clients import Client, request_of
from tests.plumbing.postgres import APP
from tests.plumbing.server import running_server

LEAST_OF_BARE = 0.5
MOST_P99_OF_P50 = 5.0
OPTIONS = 12
MOST_A_SECOND = 300
WARM_SECONDS = 1.0


@dataclass(frozen=True)
class Round:
    """What one round came to: answers a second, and milliseconds."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Place:
    """Where to send: the booth and the bare handler over databases of one kind, and cookies and token of each client.

    forms: of voters that did not vote yet, with their codes, the next one last.
    """

    vote: Vote
    base: str
    bare: str
    clients: list[Client]
    forms: list[Form]


def main(argv: list[str]) -> int:
    """Run the benchmark and print its table.

    Returns: 0; with --strict 1 when a limit is not kept.
    """
    parser = argparse.ArgumentParser(prog="khma bench cast", description=__doc__)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="for each part of a round")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a limit is not kept")
    options = parser.parse_args(argv)
    kinds = KINDS if options.database == "both" else (options.database,)
    kept = [_measure(kind, options.clients, options.rounds, options.seconds) for kind in kinds]
    return int(options.strict and not all(kept))


def _measure(kind: str, clients: int, rounds: int, seconds: float) -> bool:
    """Measure on one database. Returns whether the limits were kept."""
    load = os.getloadavg()[0]
    voters = int(MOST_A_SECOND * (rounds * seconds + WARM_SECONDS))
    with _place(kind, clients, voters) as place:
        _first(place, clients, WARM_SECONDS)
        _bare(place, clients, WARM_SECONDS)
        parts: dict[str, list[Round]] = {"bare handler": [], "first casts": [], "changes of mind": []}
        for _ in range(rounds):
            parts["bare handler"].append(_bare(place, clients, seconds))
            first, changes = _first(place, clients, seconds)
            parts["first casts"].append(first)
            parts["changes of mind"].append(_send(place.base, changes, clients, seconds)[0])
    print(f"\n{NAMES[kind]}: {clients} clients, median of {rounds} rounds of {seconds:g} s each")
    print(f"  load of this machine {load:.1f} before and {os.getloadavg()[0]:.1f} after, {os.cpu_count()} processors")
    return _print(parts)


def _print(parts: dict[str, list[Round]]) -> bool:
    bare = parts["bare handler"]
    print(f"  {'':<18}{'a second':>9}{'of bare':>9}{'p50 ms':>9}{'p99 ms':>9}{'p99/p50':>9}")
    kept = True
    for name, rounds in parts.items():
        ratio = _median(mine.rate / peer.rate for mine, peer in zip(rounds, bare, strict=True))
        tail = _median(each.p99 / each.p50 for each in rounds)
        rate, p50, p99 = (_median(getattr(each, part) for each in rounds) for part in ("rate", "p50", "p99"))
        said = ""
        if rounds is not bare:
            said += f"   {'at least' if ratio >= LEAST_OF_BARE else 'LESS THAN'} {LEAST_OF_BARE:g} of bare"
            said += f", p99 {'within' if tail <= MOST_P99_OF_P50 else 'OVER'} {MOST_P99_OF_P50:g} x p50"
            kept &= ratio >= LEAST_OF_BARE and tail <= MOST_P99_OF_P50
        print(f"  {name:<18}{rate:9.0f}{ratio:9.2f}{p50:9.1f}{p99:9.1f}{tail:9.1f}{said}")
    return kept


def _median(figures: Iterator[float]) -> float:
    return statistics.median(figures)


def _bare(place: Place, clients: int, seconds: float) -> Round:
    request = request_of(place.bare, "/", {}, place.forms[-1].fields("x" * 43))
    return _send(place.bare, [request] * int(5 * MOST_A_SECOND * seconds), clients, seconds)[0]


def _first(place: Place, clients: int, seconds: float) -> tuple[Round, list[str]]:
    """Let voters cast for the first time. Returns also the requests by which the same change their minds."""
    forms = place.forms[: -int(MOST_A_SECOND * seconds) - 1 : -1]
    browsers = [place.clients[number % len(place.clients)] for number in range(len(forms))]
    requests = [_cast(place, browser, form) for browser, form in zip(browsers, forms, strict=True)]
    result, answers = _send(place.base, requests, clients, seconds)
    del place.forms[-len(answers) :]
    changes = []
    for number, _, _, head in answers:
        name, _, value = next(line for line in head.splitlines() if "-booth=" in line).partition(": ")[2].partition("=")
        browser, form = browsers[number], forms[number]
        again = Form(form.vote, form.ranking[::-1], after=form.hash)
        changes.append(_cast(place, browser, again, {name: value.split(";")[0]}))
    return result, changes


def _cast(place: Place, browser: Client, form: Form, further: dict[str, str] | None = None) -> str:
    path = f"/en/votes/{place.vote.poll.slug}"
    return request_of(place.base, path, browser.cookies | (further or {}), form.fields(browser.token))


def _send(base: str, requests: list[str], clients: int, seconds: float) -> tuple[Round, list[Answer]]:
    where = urlsplit(base)
    plan = Plan(host=str(where.hostname), port=where.port or 80, clients=clients, seconds=seconds, requests=requests)
    program = [sys.executable, str(Path(__file__).with_name("sending.py"))]
    told = subprocess.run(program, input=json.dumps(plan), capture_output=True, text=True, check=True).stdout
    took, answers = json.loads(told)
    for _, _, status, head in answers:
        if status not in {201, 303}:
            raise RuntimeError(f"{base} answered\n{head}")
    times = sorted(milliseconds for _, milliseconds, _, _ in answers)
    return Round(len(times) / took, times[len(times) // 2], times[len(times) * 99 // 100]), answers


@contextmanager
def _place(kind: str, clients: int, voters: int) -> Iterator[Place]:
    """Serve a vote and the bare handler over databases of one kind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="khma-bench-")))
        url, owner_url, bare_url = stack.enter_context(fresh_databases(kind, folder))
        upgrade(owner_url, None if kind == "sqlite" else APP)
        _make_table(bare_url)
        vote, codes = asyncio.run(_open(url, folder, voters))
        base = stack.enter_context(running_server(settings(url, owner_url, folder)))
        bare = stack.enter_context(bare_server(bare_url))
        browsers = asyncio.run(_visit(base, vote, clients))
        yield Place(vote, base, bare, browsers, _forms(vote, codes))


def _make_table(url: str) -> None:
    engine = create_engine(driver_url(url, asynchronous=False))
    SQLModel.metadata.create_all(engine, tables=[SQLModel.metadata.tables[str(Mark.__tablename__)]])
    engine.dispose()


async def _open(url: str, folder: Path, voters: int) -> tuple[Vote, list[str]]:
    db = Database(url)
    try:
        return await hold_vote(db, folder, voters, [f"Service {number}" for number in range(1, OPTIONS + 1)])
    finally:
        await db.close()


async def _visit(base: str, vote: Vote, clients: int) -> list[Client]:
    """Let each client open the ballot once: that gives it its cookie and its token."""
    browsers = [await Client.open(base) for _ in range(clients)]
    for browser in browsers:
        await browser.get(f"/en/votes/{vote.poll.slug}")
        browser.close()
    return browsers


def _forms(vote: Vote, codes: list[str]) -> list[Form]:
    chance, poll = random.Random(1), vote.poll
    return [Form(vote, chance.sample(poll.option_ids, chance.randint(1, poll.most_ranked)), code) for code in codes]
