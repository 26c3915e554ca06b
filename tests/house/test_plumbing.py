"""The tools of the tests are real: a PostgreSQL with two roles, a Chromium that finds planted faults."""

import psycopg
import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app.db import Database, driver_url
from tests.conftest import Addresses
from tests.plumbing.browser import axe, opened_page, overflows

SOUND = "<html lang='en'><title>Sound</title><main><h1>Sound</h1><p>Words.</p></main></html>"
FAULTY = "<html><title>Faulty</title><main><h1>Faulty</h1><img src='data:,'></main></html>"
WIDE = "<html lang='en'><title>Wide</title><main style='width:700px'><h1>Wide</h1></main></html>"


def test_the_app_role_works_in_tables_and_cannot_make_or_change_them(postgres_addresses: Addresses) -> None:
    with psycopg.connect(postgres_addresses.url, autocommit=True) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("khma_app",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE planted (a int)")
    with psycopg.connect(postgres_addresses.owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (a int)")


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_a_database_of_its_own(addresses: Addresses, turn: str) -> None:
    engine = create_engine(driver_url(addresses.owner_url, asynchronous=False))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE trace (turn VARCHAR(6))"))  # fails where the first turn left one
        connection.execute(text("INSERT INTO trace VALUES (:turn)"), {"turn": turn})
    engine.dispose()


@pytest.mark.anyio
async def test_a_reader_cannot_write(db: Database) -> None:
    async with db.reading() as session:
        connection = await session.connection()
        with pytest.raises(DBAPIError, match=r"read-?only"):
            await connection.execute(text("DELETE FROM alembic_version"))


def test_axe_finds_what_is_planted_and_nothing_else(chromium: Browser) -> None:
    with opened_page(chromium) as page:
        page.set_content(SOUND)
        assert axe(page) == []
        page.set_content(FAULTY)
        assert {found["rule"] for found in axe(page)} == {"html-has-lang", "image-alt"}


def test_a_page_knows_its_width_its_theme_its_language_and_whether_scripts_run(chromium: Browser) -> None:
    with opened_page(chromium, width=320, dark=True, language="ka") as page:
        page.set_content(WIDE)
        assert overflows(page)
        assert page.evaluate("[matchMedia('(prefers-color-scheme: dark)').matches, navigator.language]") == [True, "ka"]
        page.set_content(SOUND)
        assert not overflows(page)
    with opened_page(chromium, javascript=False) as page:
        page.set_content("<noscript><p>Without scripts</p></noscript>")
        assert page.get_by_text("Without scripts").is_visible()
