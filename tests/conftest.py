"""What every test may ask for: a database of either kind with all its tables, a PostgreSQL server, a Chromium.

Nothing here is skipped because it is missing: that is an error. Who must do without says so on purpose, with
KHMA_TEST_WITHOUT=postgresql,chromium, and the closing line of `khma test` repeats it.
"""

import json
import os
import platform
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

import app.migrations.tables  # noqa: F401 - every test process knows every table, whichever test comes first
from app.db import Database, upgrade
from tests.plumbing.browser import running_chromium
from tests.plumbing.postgres import APP, OWNER, Postgres, running_postgres
from tests.plumbing.sizes import tries
from tests.plumbing.used import USED, note

# How long an example takes says something about the machine, not about the program.
settings.register_profile("khma", deadline=None, max_examples=tries(30, 100))
settings.load_profile("khma")

TEMPLATE = "khma_template"
WITHOUT = frozenset(os.environ.get("KHMA_TEST_WITHOUT", "").split(","))
TOLD = ("passed", "failed", "error", "skipped", "xfailed")


@dataclass(frozen=True)
class Addresses:
    """Where one test's own database is: for the app to work in, and for its owner to change tables."""

    url: str
    owner_url: str


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every async test on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start one server for each test process."""
    if "postgresql" in WITHOUT:
        pytest.skip("KHMA_TEST_WITHOUT names postgresql")
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start one Chromium for each file of tests; `opened_page` gives each test a context of its own.

    Playwright's plain functions hold an event loop as long as they live: no async test may stand in the same file.
    """
    if "chromium" in WITHOUT:
        pytest.skip("KHMA_TEST_WITHOUT names chromium")
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one migrated file, to be copied: milliseconds instead of all migrations."""
    path = tmp_path_factory.mktemp("template") / "khma.sqlite3"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """Make one migrated database, to be copied."""
    postgres.run(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    upgrade(postgres.url(TEMPLATE, OWNER), APP)
    return TEMPLATE


@pytest.fixture
def sqlite_addresses(sqlite_template: Path, tmp_path: Path) -> Addresses:
    """Give a fresh SQLite file with all tables and no rows."""
    path = shutil.copy(sqlite_template, tmp_path / "khma.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        note("SQLite", connection.execute("SELECT sqlite_version()").fetchone()[0])
    return Addresses(f"sqlite:///{path}", f"sqlite:///{path}")


@pytest.fixture
def postgres_addresses(postgres: Postgres, postgres_template: str) -> Iterator[Addresses]:
    """Give a fresh PostgreSQL database with all tables and no rows; dropped after the test."""
    name = f"khma_{uuid4().hex}"
    # the other strategy, for templates that are in use, takes twice the time
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {postgres_template} OWNER {OWNER} STRATEGY FILE_COPY")
    yield Addresses(postgres.url(name, APP), postgres.url(name, OWNER))
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def addresses(request: pytest.FixtureRequest) -> Addresses:
    """Give a fresh database of each kind in turn, for tests that start a program on it."""
    kind = {"sqlite": "sqlite_addresses", "postgresql": "postgres_addresses"}[request.param]
    given: Addresses = request.getfixturevalue(kind)
    return given


@pytest.fixture
async def db(addresses: Addresses, anyio_backend: str) -> AsyncIterator[Database]:
    """Give a fresh database of each kind in turn, opened as the product opens it."""
    database = Database(addresses.url)
    yield database
    await database.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a parallel test process used to the one that reports."""
    note("Python", platform.python_version())
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["used"] = USED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - a class of pytest-xdist
    """Take what a parallel test process used."""
    USED.update(getattr(node, "workeroutput", {}).get("used", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write what happened, and with what, where `khma test` asked for it."""
    if path := os.environ.get("KHMA_TEST_REPORT"):
        counts = {name: len(terminalreporter.stats.get(name, [])) for name in TOLD}
        Path(path).write_text(json.dumps({"counts": counts, "used": USED}), "utf-8")
