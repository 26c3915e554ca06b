"""The databases of the tests are real: fresh for every test, with an owner, a worker and a reader who may not write."""

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app.db import Database, driver_url
from tests.conftest import Addresses


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
