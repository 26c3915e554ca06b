"""What the accessibility tests walk through: one furnished town, and three odd places, for all tests of a process."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.db import Database
from tests.accessibility import providers
from tests.accessibility.furniture import found_empty, furnish
from tests.accessibility.rights import GATEWAY
from tests.accessibility.votes import hold_votes
from tests.conftest import Addresses
from tests.plumbing.browser import opened_page
from tests.plumbing.postgres import free_port
from tests.plumbing.town import RunningTown, in_thread, running_town, served
from tests.plumbing.used import note


@pytest.fixture(scope="session")
def town(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTown]:
    """Run the furnished town."""
    url = f"sqlite:///{_copy(sqlite_template, folder := tmp_path_factory.mktemp('town'))}"
    with closing(sqlite3.connect(":memory:")) as connection:
        note("SQLite", connection.execute("SELECT sqlite_version()").fetchone()[0])
    with running_town(Addresses(url, url), folder, furnish, hold_votes, providers.SETTINGS | GATEWAY) as running:
        yield running


@pytest.fixture(scope="session")
def places(
    town: RunningTown, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Give the address of each place: the town, one not founded, an empty one, one whose database is away."""
    unfounded, empty, away = (tmp_path_factory.mktemp(name) for name in ("unfounded", "empty", "away"))
    in_thread(_found(f"sqlite:///{_copy(sqlite_template, empty)}"))
    with (
        served(f"sqlite:///{_copy(sqlite_template, unfounded)}", unfounded) as nothing,
        served(f"sqlite:///{empty / 'khma.sqlite3'}", empty) as nobody,
        served(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere", away) as out_of_reach,
    ):
        yield {"town": town.base, "unfounded": nothing, "empty": nobody, "away": out_of_reach}


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Page]:
    """Open the one window for all cases of a file: style sheets and fonts stay from page to page, as with every reader.

    A window of its own for each case takes three times the time.
    """
    with opened_page(chromium) as page:
        yield page


def _copy(template: Path, folder: Path) -> Path:
    return Path(shutil.copy(template, folder / "khma.sqlite3"))


async def _found(url: str) -> None:
    database = Database(url)
    await database.write(found_empty)
    await database.close()
