"""What each public page costs: time, questions to the database, bytes; and what a first visit brings down the line.

The demonstration's town is served by `khma serve` on both databases. Each page is asked for again and again over one
connection, then a bare page of the same size from a server of the same kind, so that a slow machine slows both.
"""

import argparse
import asyncio
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from litestar import Litestar
from playwright.sync_api import Request

from app.accounts.links import password_mark
from app.accounts.store import find_account
from app.accounts.tokens import make_token
from app.cli.demo import demo_config
from app.config import LANGUAGES, Config
from app.db import upgrade
from app.demo.town import build_town
from app.demo.votes import OPEN
from app.house import open_house
from app.jobs.schedule import WORK
from app.jobs.worker import Worker
from app.main import create_app
from app.security import MAY, anybody
from tests.plumbing.browser import opened_page, running_chromium
from tests.plumbing.postgres import APP, OWNER, free_port, running_postgres
from tests.plumbing.queries import counted_queries
from tests.plumbing.server import ROOT, running_server

MOST_QUERIES = 9
MOST_BYTES, MOST_BYTES_WITHOUT_FONTS = 120 * 1024, 60 * 1024
RESULT, SERVICE = "debian-project-leader-2007", "evening-hours-at-the-vake-branch"
VOTE = "which-services-should-open-first"


@dataclass(frozen=True)
class Cost:
    """One page: milliseconds of ours and of the bare one, questions to the database, bytes of HTML."""

    address: str
    ours: float
    bare: float
    queries: int
    size: int


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables.

    Returns: 1 when a page asks the database too often or a first visit is too heavy; times have no limit of their own.
    """
    parser = argparse.ArgumentParser(prog="khma bench pages", description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="for each page and each server")
    options = parser.parse_args(argv)
    broken = False
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="khma-bench-")))
        server = stack.enter_context(running_postgres())
        server.run(f"CREATE DATABASE khma OWNER {OWNER}")
        bare = stack.enter_context(bare_server())
        sqlite = demo_config(folder / "sqlite", 8000)
        postgres = replace(
            demo_config(folder / "postgresql", 8000),
            database_url=server.url("khma", APP),
            owner_database_url=server.url("khma", OWNER),
        )
        for config in (sqlite, postgres):
            upgrade(config.owner_database_url or config.database_url, None if config.embedded else APP)
            addresses, questions = asyncio.run(_settle(config))
            with running_server(_settings(config)) as base:
                costs = [_measure(base, bare, path, questions[path], options.requests) for path in addresses]
                _print_costs("SQLite" if config.embedded else "PostgreSQL", costs)
                broken |= any(cost.queries > MOST_QUERIES for cost in costs)
                if config.embedded:
                    broken |= not _print_first_visits(base)
    return int(broken)


def _settings(config: Config) -> dict[str, str]:
    return {
        "KHMA_DATABASE_URL": config.database_url,
        "KHMA_OWNER_DATABASE_URL": config.owner_database_url,
        "KHMA_SECRET": config.secret,
        "KHMA_DATA": str(config.data),
        "KHMA_KEYS": str(config.keys),
        "KHMA_DEMONSTRATION": "1",
    }


async def _settle(config: Config) -> tuple[list[str], dict[str, int]]:
    """Build the town. Returns the addresses of its public pages, and how often each asks the database."""
    house = open_house(config)
    await build_town(house, [OPEN])
    await Worker(house, WORK, lambda _: None).do_all()
    async with house.db.reading() as session:
        citizen = await find_account(session, "nino@vardisi.example")
        mark = password_mark(citizen.password_hash) if citizen else ""
    await house.close()
    app = create_app(config)
    addresses = list(public_pages(app, config.secret, mark))
    questions = {}
    transport = httpx.ASGITransport(cast("Any", app))
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        for address in addresses:
            await client.get(address)  # what is remembered for half a minute is remembered now
            with counted_queries() as statements:
                answer = await client.get(address)
            if answer.status_code != httpx.codes.OK:
                raise RuntimeError(f"{address}: {answer.status_code}")
            questions[address] = len(statements)
    return addresses, questions


BETWEEN = frozenset({"factors.code", "oidc.back", "oidc.begin", "oidc.join"})
"""Pages that stand between two others, and lead elsewhere when somebody comes to them alone."""
ELSEWHERE = frozenset({"people.keep_factor", "rights.address_undo"})
"""Pages behind links of letters that name one thing in the database; they are not measured."""
IN_A_SHOW = frozenset({"components"})
"""Pages that a demonstration alone has."""


def public_pages(app: Litestar, secret: str, mark: str) -> Iterator[str]:
    """Give one address of every page that anybody may read, in English. mark: of the first citizen's password."""
    facts = {"email": "nino@vardisi.example", "mark": mark}
    given: dict[str, dict[str, Any]] = {
        "results.show": {"slug": RESULT},
        "services.show": {"slug": SERVICE},
        **{f"votes.{name}": {"slug": VOTE} for name in ("show", "receipt", "line", "eligible", "slips")},
        "pages.show": {"key": "privacy"},
        "accounts.welcome": {"token": make_token(secret, "welcome", facts, hours=1)},
        "accounts.reset": {"token": make_token(secret, "reset", facts, hours=1)},
    }
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            name = str(handler.name)
            if not route.path.startswith("/{lang") or name in BETWEEN | ELSEWHERE | IN_A_SHOW:
                continue
            if "GET" in handler.http_methods and MAY.get(name) is anybody:
                yield app.route_reverse(name, lang="en", **given.get(name, {}))


@contextmanager
def bare_server(database_url: str = "sqlite:///nowhere") -> Iterator[str]:
    """Start bench/bare.py as `khma serve` starts Khma. Yields the base address, without a slash at its end."""
    port = free_port()
    words = ["bench.bare:app", "--port", str(port), "--log-level", "warning"]
    words += ["--no-access-log", "--no-server-header", "--no-proxy-headers"]
    environment = os.environ | {"KHMA_DATABASE_URL": database_url}
    server = subprocess.Popen([sys.executable, "-m", "uvicorn", *words], cwd=ROOT, env=environment)
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/100", trust_env=False)
                break
            except httpx.TransportError:
                if server.poll() is not None:
                    raise
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _measure(base: str, bare: str, address: str, queries: int, requests: int) -> Cost:
    ours, size = _median(base, address, requests)
    peer, _ = _median(bare, f"/{size}", requests)
    return Cost(address, ours, peer, queries, size)


def _median(base: str, address: str, requests: int) -> tuple[float, int]:
    """Ask one after the other over one connection. Returns the median in milliseconds, and the bytes of the page."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc)
    times, body = [], b""
    for _ in range(requests):
        began = time.perf_counter()
        connection.request("GET", address)
        answer = connection.getresponse()
        body = answer.read()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{address}: {answer.status}")
    connection.close()
    return statistics.median(times), len(body)


def _print_costs(kind: str, costs: list[Cost]) -> None:
    print(f"\n{kind}: public pages, beside a bare page of the same size; at most {MOST_QUERIES} queries")
    print(f"  {'page':<44} {'ms':>7} {'bare':>7} {'times':>6} {'queries':>8} {'bytes':>8}")
    for cost in costs:
        short = cost.address if len(cost.address) <= 44 else cost.address[:43] + "…"
        mark = "  TOO MANY QUERIES" if cost.queries > MOST_QUERIES else ""
        figures = f"{cost.ours:7.2f} {cost.bare:7.2f} {cost.ours / cost.bare:6.1f} {cost.queries:8} {cost.size:8,}"
        print(f"  {short:<44} {figures}{mark}")


def _print_first_visits(base: str) -> bool:
    """Visit the front page as a new reader with Chromium. Returns whether all is within its limits."""
    print("\nFirst visit of the front page, as transferred, with headers")
    within = True
    with running_chromium() as browser:
        for language in LANGUAGES:
            with opened_page(browser, base, language=language) as page:
                requests: list[Request] = []
                page.on("requestfinished", requests.append)
                page.goto(f"/{language}", wait_until="networkidle")
                sizes = {"font": 0, "other": 0}
                for request in requests:
                    size = request.sizes()
                    kind = "font" if request.resource_type == "font" else "other"
                    sizes[kind] += size["responseBodySize"] + size["responseHeadersSize"]
            fits = sum(sizes.values()) <= MOST_BYTES and sizes["other"] <= MOST_BYTES_WITHOUT_FONTS
            within &= fits
            print(
                f"  {language}  {sum(sizes.values()) / 1024:6.1f} KB (limit {MOST_BYTES // 1024})"
                f"   without fonts {sizes['other'] / 1024:5.1f} KB (limit {MOST_BYTES_WITHOUT_FONTS // 1024})"
                f"   {len(requests)} requests{'' if fits else '   TOO HEAVY'}"
            )
    return within
