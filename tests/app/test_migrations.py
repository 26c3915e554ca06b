"""The tables' way forwards and back on both databases, and what the app's own role may not do to them."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.sessions import open_session
from app.accounts.store import add_account
from app.accounts.tables import Event
from app.db import Database, downgrade, driver_url, migration_config, pending_revision, upgrade
from app.letters.outbox import write_letter
from app.migrations.tables import metadata
from commons.ledger.sequence import append, sequence
from commons.organisations.store import found, save_page
from commons.rows import within
from tests.commons.ledger.written import KEY, ORIGIN
from tests.conftest import Addresses
from tests.plumbing.postgres import APP

LEDGER = ("commons_ledger_leaf", "commons_ledger_checkpoint", "app_security_event")


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = create_engine(driver_url(url, asynchronous=False))
    try:
        yield engine
    finally:
        engine.dispose()


def shape(connection: Connection) -> dict[str, object]:
    """Describe every table by names and types of its columns, keys and indexes."""
    seen, described = inspect(connection), {}
    for table in seen.get_table_names():
        described[table] = (
            sorted((each["name"], str(each["type"]), each["nullable"]) for each in seen.get_columns(table)),
            sorted(str(each["name"]) for each in seen.get_indexes(table)),
            sorted(str(each["name"]) for each in seen.get_unique_constraints(table)),
            sorted(str(each["name"]) for each in seen.get_foreign_keys(table)),
            seen.get_pk_constraint(table)["constrained_columns"],
        )
    return described


def role_of(addresses: Addresses) -> str | None:
    return None if addresses.url.startswith("sqlite") else APP


def test_the_tables_are_those_of_the_code(addresses: Addresses) -> None:
    command.check(migration_config(addresses.owner_url))  # raises when a migration is missing
    with opened(addresses.owner_url) as engine, engine.connect() as connection:
        assert set(shape(connection)) == {*metadata.tables, "alembic_version"}


def test_a_column_nobody_migrated_is_noticed(addresses: Addresses) -> None:
    with opened(addresses.owner_url) as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE app_account ADD COLUMN nickname VARCHAR"))
    with pytest.raises(Exception, match="nickname"):
        command.check(migration_config(addresses.owner_url))


def test_back_to_nothing_and_forwards_again(addresses: Addresses) -> None:
    with opened(addresses.owner_url) as engine:
        with engine.connect() as connection:
            before = shape(connection)
        downgrade(addresses.owner_url, "base")
        with engine.connect() as connection:
            assert set(shape(connection)) == {"alembic_version"}
        assert pending_revision(addresses.url) == "empty"
        upgrade(addresses.owner_url, role_of(addresses))
        with engine.connect() as connection:
            assert shape(connection) == before
    assert pending_revision(addresses.url) == ""
    assert asyncio.run(fill(addresses)) == 1  # rights and triggers are back, and the app can work


async def fill(addresses: Addresses) -> int:
    """Write as the app does. Returns the size of the ledger."""

    async def work(session: AsyncSession) -> UUID:
        host = await found(session, {"en": "Hall"}, {}, "UTC")
        await save_page(session, host.id, "about", "ka", "სათაური", "ტექსტი")
        account = await add_account(session, "nino@example.org", "Nino", "hash")
        await open_session(session, account.id, "browser")
        await note(session, Event.SIGNED_IN, who=account.id, browser="browser")
        await append(session, "poll.closed", {"number": 1})
        return account.id

    db = Database(addresses.url)
    await db.write(work)
    signed = await db.write(lambda session: sequence(session, KEY, ORIGIN))
    await db.close()
    assert signed is not None
    return signed.size


def rows(addresses: Addresses) -> dict[str, list[str]]:
    with opened(addresses.owner_url) as engine, engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}")).fetchall()))
            for name in metadata.tables
        }


def test_migrating_again_changes_no_row(addresses: Addresses) -> None:
    asyncio.run(fill(addresses))
    before = rows(addresses)
    upgrade(addresses.owner_url, role_of(addresses))
    upgrade(addresses.owner_url, role_of(addresses))
    assert rows(addresses) == before


@pytest.mark.parametrize("table", LEDGER)
@pytest.mark.parametrize("act", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_app_may_only_add_to_the_ledger_and_to_the_security_log(addresses: Addresses, table: str, act: str) -> None:
    asyncio.run(fill(addresses))
    before = rows(addresses)
    column = {"commons_ledger_leaf": "kind", "commons_ledger_checkpoint": "note", "app_security_event": "about"}[table]
    with opened(addresses.url) as engine, engine.connect() as connection:
        for statement in (act.format(table, column, column), act.format(table, column, "'forged'")):
            with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
                connection.execute(text(statement))
            connection.rollback()
    assert rows(addresses) == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id INTEGER)",
        "DROP TABLE app_account",
        "ALTER TABLE commons_ledger_leaf ADD COLUMN note VARCHAR",
        "TRUNCATE commons_ledger_leaf CASCADE",
        "CREATE INDEX mine ON app_account (name)",
        "CREATE SCHEMA mine",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
def test_the_app_may_not_change_tables(postgres_addresses: Addresses, statement: str) -> None:
    with (
        opened(postgres_addresses.url) as engine,
        engine.connect() as connection,
        pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
    ):
        connection.execute(text(statement))
    assert pending_revision(postgres_addresses.url) == ""


WORDS = {"nino": "citizen", "maia": "manager", "salome": "admin"}


def test_words_become_grants_and_grants_words_again(addresses: Addresses) -> None:
    asyncio.run(fill(addresses))
    downgrade(addresses.owner_url, "0003")
    insert = (
        "INSERT INTO app_account (id, email, name, password_hash, created_at, role) "
        "VALUES (:id, :name, :name, '', :at, :role)"
    )
    look = "SELECT a.name, g.role FROM app_account a JOIN app_grant g ON g.account_id = a.id WHERE g.ended_at IS NULL"
    with opened(addresses.owner_url) as engine:
        with engine.begin() as connection:
            form = connection.scalar(text("SELECT created_at FROM app_account"))
            for name, role in WORDS.items():
                key = uuid4().hex if engine.dialect.name == "sqlite" else uuid4()
                connection.execute(text(insert), {"id": key, "name": name, "role": role, "at": form})
        for _ in range(2):
            upgrade(addresses.owner_url, role_of(addresses))
            with engine.connect() as connection:
                held = sorted(tuple(row) for row in connection.execute(text(look)))
            assert held == [("maia", "manager"), ("salome", "admin"), ("salome", "manager")]
            downgrade(addresses.owner_url, "0003")
            with engine.connect() as connection:
                words = dict(connection.execute(text("SELECT name, role FROM app_account")).fetchall())
            assert words == WORDS | {"Nino": "citizen"}


def test_people_without_an_address_survive_the_way_back(addresses: Addresses) -> None:
    async def move_in() -> None:
        db = Database(addresses.url)
        for name in ("Eka", "Gia"):
            await db.write(lambda session, name=name: add_account(session, None, name, "hash"))  # type: ignore[misc]
        await db.close()

    asyncio.run(move_in())
    look = text("SELECT name, email FROM app_account ORDER BY name")
    downgrade(addresses.owner_url, "0006")
    with opened(addresses.owner_url) as engine, engine.connect() as connection:
        found = dict(connection.execute(look).fetchall())
        assert (set(found), len(set(found.values()))) == ({"Eka", "Gia"}, 2)
        assert all(email.startswith("nobody-") and email.endswith("@invalid") for email in found.values())
    upgrade(addresses.owner_url, role_of(addresses))
    with opened(addresses.owner_url) as engine, engine.connect() as connection:
        assert dict(connection.execute(look).fetchall()) == found


def test_a_later_upgrade_keeps_the_ledger_closed(postgres_addresses: Addresses) -> None:
    upgrade(postgres_addresses.owner_url, APP)
    with opened(postgres_addresses.url) as engine, engine.connect() as connection:
        allowed = {
            (table, right)
            for table in LEDGER
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
            if connection.scalar(text(f"SELECT has_table_privilege('{table}', '{right}')"))
        }
    assert allowed == {(table, right) for table in LEDGER for right in ("SELECT", "INSERT")}


def test_a_migration_that_would_orphan_rows_changes_nothing(sqlite_addresses: Addresses) -> None:
    asyncio.run(fill(sqlite_addresses))
    path = sqlite_addresses.url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:  # foreign keys are off here, as a careless hand would have them
        connection.execute("DELETE FROM app_account")
    with pytest.raises(RuntimeError, match="without their parents"):
        upgrade(sqlite_addresses.owner_url)


def test_the_embedded_database_keeps_its_word_on_disk(sqlite_addresses: Addresses) -> None:
    def pragmas(connection: Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "secure_delete", "query_only")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    async def all_three() -> list[dict[str, object]]:
        db = Database(sqlite_addresses.url)
        async with db.reading() as session:
            told = [await within(session, pragmas)]
        told += [await db.write(lambda session: within(session, pragmas)), await db.write_rows(pragmas)]
        await db.close()
        return told

    kept = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "secure_delete": 1}
    assert asyncio.run(all_three()) == [kept | {"query_only": only} for only in (1, 0, 0)]


def test_letters_and_the_security_log_survive_the_way_back_and_forwards(addresses: Addresses) -> None:
    asyncio.run(fill(addresses))

    async def write() -> None:
        db = Database(addresses.url)
        await db.write(lambda session: write_letter(session, "nino@example.org", "reset", "en", token="t"))
        await db.close()

    asyncio.run(write())
    before = rows(addresses)
    downgrade(addresses.owner_url, "0006")
    with opened(addresses.owner_url) as engine, engine.connect() as connection:
        assert connection.scalar(text("SELECT address FROM app_letter")) == "nino@example.org"
        if engine.dialect.name == "sqlite":  # of before: no line may go, however old
            old = "INSERT INTO app_security_event VALUES ('a', '2001-01-01', 'x', NULL, NULL, '', '')"
            connection.execute(text(old))
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(text("DELETE FROM app_security_event WHERE id = 'a'"))
            connection.rollback()
    upgrade(addresses.owner_url, role_of(addresses))
    after = rows(addresses)
    assert after["app_security_event"] == before["app_security_event"]
    assert len(after["app_letter"]) == 1
    assert {name: len(each) for name, each in after.items()} == {name: len(each) for name, each in before.items()}


def test_nobody_but_the_apps_role_may_forget_old_lines(postgres_addresses: Addresses) -> None:
    with opened(postgres_addresses.owner_url) as engine, engine.connect() as connection:
        asked = "SELECT has_function_privilege('{}', 'app_forget_security_events()', 'EXECUTE')"
        assert connection.scalar(text(asked.format(APP)))
        assert not connection.scalar(text(asked.format("public")))


def test_codes_survive_the_way_back_before_print_runs(addresses: Addresses) -> None:
    asyncio.run(fill(addresses))
    look = "SELECT serial, code_hash, void_at FROM app_voter_code"
    with opened(addresses.owner_url) as engine:
        with engine.begin() as connection:
            host, at = connection.execute(
                text("SELECT o.id, created_at FROM commons_organisation o, app_account")
            ).one()
            key = uuid4().hex if engine.dialect.name == "sqlite" else uuid4()
            given = {"id": key, "host": host, "at": at, "hash": b"\x07" * 32}
            for statement in (
                "INSERT INTO app_roll (id, organisation_id, names, fact_names, made_at) "
                "VALUES (:id, :host, '{}', '{}', :at)",
                "INSERT INTO app_roll_line (id, roll_id, reference, name) VALUES (:id, :id, '0017', 'Nino')",
                "INSERT INTO app_voter_code (line_id, serial, code_hash, void_at, from_desk) "
                "VALUES (:id, 1, :hash, :at, false)",
            ):
                connection.execute(text(statement), given)
            before = connection.execute(text(look)).fetchall()
        downgrade(addresses.owner_url, "0006")
        with engine.connect() as connection:
            assert connection.execute(text(look)).fetchall() == before
        upgrade(addresses.owner_url, role_of(addresses))
        with engine.connect() as connection:
            assert connection.execute(text(look)).fetchall() == before
            assert [tuple(row) for row in connection.execute(text("SELECT run_id, from_desk FROM app_voter_code"))] in (
                [(None, False)],
                [(None, 0)],
            )
            facts = "SELECT fact_mac, fact_names FROM app_roll_line l JOIN app_roll r ON r.id = l.roll_id"
            assert connection.execute(text(facts)).one() in ((None, {}), (None, "{}"))
