"""What the journeys go through: the demonstration town as it is, on SQLite, and for some on PostgreSQL too."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Addresses
from tests.plumbing.booth import Booth, opened_booth
from tests.plumbing.postgres import APP, OWNER, Postgres
from tests.plumbing.town import RunningTown, running_town
from tests.plumbing.used import note


@pytest.fixture(scope="session")
def town(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTown]:
    """Run the town on SQLite."""
    folder = tmp_path_factory.mktemp("town")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'khma.sqlite3')}"
    with closing(sqlite3.connect(":memory:")) as connection:
        note("SQLite", connection.execute("SELECT sqlite_version()").fetchone()[0])
    with running_town(Addresses(url, url), folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_town(
    postgres: Postgres, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningTown]:
    """Run the town on PostgreSQL."""
    name = f"khma_{uuid4().hex}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {postgres_template} OWNER {OWNER}")
    addresses = Addresses(postgres.url(name, APP), postgres.url(name, OWNER))
    with running_town(addresses, tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def each_town(request: pytest.FixtureRequest) -> RunningTown:
    """Give the town on each database in turn."""
    kind = {"sqlite": "town", "postgresql": "postgres_town"}[request.param]
    running: RunningTown = request.getfixturevalue(kind)
    return running


@pytest.fixture(scope="session")
def booth(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booth]:
    """Hold a vote on SQLite."""
    folder = tmp_path_factory.mktemp("booth")
    with opened_booth(f"sqlite:///{shutil.copy(sqlite_template, folder / 'khma.sqlite3')}", folder) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_booth(
    postgres: Postgres, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Booth]:
    """Hold a vote on PostgreSQL."""
    name = f"khma_{uuid4().hex}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {postgres_template} OWNER {OWNER}")
    with opened_booth(postgres.url(name, APP), tmp_path_factory.mktemp("booth")) as opened:
        yield opened
