"""The one way to write and the one way to read, on both databases; and what is said when a database is away."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import ATTEMPTS, Away, Database, pending_revision, upgrade
from commons.organisations.store import found
from commons.organisations.tables import Organisation
from tests.conftest import Addresses
from tests.plumbing.house import opened_town
from tests.plumbing.postgres import APP, OWNER, running_postgres

pytestmark = pytest.mark.anyio


async def add(session: AsyncSession, slug: str) -> Organisation:
    organisation = Organisation(slug=slug, names={"en": slug}, summaries={}, zone="UTC")
    session.add(organisation)
    await session.flush()
    return organisation


async def say(session: AsyncSession, statement: str) -> None:
    await (await session.connection()).execute(text(statement))


async def slugs(db: Database) -> list[str]:
    async with db.reading() as session:
        return sorted((await session.exec(select(Organisation.slug))).all())


async def test_what_is_written_is_there_when_write_returns(db: Database) -> None:
    assert (await db.write(lambda session: add(session, "one"))).slug == "one"
    assert await slugs(db) == ["one"]


async def test_what_fails_leaves_nothing_and_is_told(db: Database) -> None:
    async def work(session: AsyncSession) -> None:
        await add(session, "one")
        raise LookupError("told")

    with pytest.raises(LookupError, match="told"):
        await db.write(work)
    assert await slugs(db) == []


def put(connection: Connection, slug: str) -> None:
    values = {"id": uuid4().hex, "slug": slug, "names": json.dumps({}), "summaries": json.dumps({}), "zone": "UTC"}
    values |= {"single_handed": False}
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO commons_organisation ({columns}) VALUES ({places})"), values)


async def test_rows_that_are_written_are_there_and_those_of_work_that_fails_are_not(db: Database) -> None:
    def work(connection: Connection) -> None:
        put(connection, "two")
        raise LookupError("told")

    await db.write_rows(lambda connection: put(connection, "one"))
    with pytest.raises(LookupError, match="told"):
        await db.write_rows(work)
    assert await slugs(db) == ["one"]


async def test_a_commit_that_fails_is_told(addresses: Addresses) -> None:
    """A framework's autocommit swallowed this very failure and answered 201; see tests/security/test_frameworks.py."""
    owner, db = Database(addresses.owner_url), Database(addresses.url)

    async def make(session: AsyncSession) -> None:
        await say(session, "CREATE TABLE parent (n int PRIMARY KEY)")
        await say(session, "CREATE TABLE child (n int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        if not db.embedded:
            await say(session, f"GRANT ALL ON child TO {APP}")

    async def work(session: AsyncSession) -> str:
        await add(session, "one")
        await say(session, "INSERT INTO child VALUES (1)")  # nothing is said until COMMIT
        return "a receipt"

    try:
        await owner.write(make)
        with pytest.raises(IntegrityError):
            await db.write(work)
        with pytest.raises(IntegrityError):
            await db.write_rows(lambda connection: connection.execute(text("INSERT INTO child VALUES (1)")))
        assert await slugs(db) == []
    finally:
        await owner.close()
        await db.close()


async def test_two_who_lock_each_other_out_both_come_through(postgres_addresses: Addresses) -> None:
    db = Database(postgres_addresses.url)
    try:
        await db.write(lambda session: add(session, "a"))
        await db.write(lambda session: add(session, "b"))
        met, runs = asyncio.Barrier(2), {"ab": 0, "ba": 0}

        async def touch(order: str) -> None:
            async def work(session: AsyncSession) -> None:
                runs[order] += 1
                for place, slug in enumerate(order):
                    statement = update(Organisation).where(col(Organisation.slug) == slug).values(zone=order)
                    await session.exec(statement)
                    if place == 0 and runs[order] == 1:
                        await met.wait()  # both hold one row, and want the other's: a deadlock

            await db.write(work)

        await asyncio.gather(touch("ab"), touch("ba"))
        assert sorted(runs.values()) == [1, 2]  # the one that was broken off began again from the beginning
    finally:
        await db.close()


async def test_a_serialization_failure_is_tried_again_from_the_beginning(postgres_addresses: Addresses) -> None:
    db = Database(postgres_addresses.url)
    try:
        await db.write(lambda session: add(session, "a"))
        runs = []

        async def work(session: AsyncSession) -> str:
            await say(session, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            zone = (await session.exec(select(Organisation.zone))).one()
            runs.append(zone)
            if len(runs) == 1:
                await db.write(lambda other: other.exec(update(Organisation).values(zone="changed")))
            await session.exec(update(Organisation).values(zone=f"{zone} and seen"))
            return zone

        assert await db.write(work) == "changed"
        assert runs == ["UTC", "changed"]
    finally:
        await db.close()


async def test_a_failure_that_does_not_pass_is_given_up(postgres_addresses: Addresses) -> None:
    db = Database(postgres_addresses.url)
    runs = []

    async def always(session: AsyncSession) -> None:
        runs.append(1)
        await say(session, "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    def always_in_rows(connection: Connection) -> None:
        runs.append(1)
        connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    async def otherwise(session: AsyncSession) -> None:
        runs.append(1)
        await add(session, "one")
        await add(session, "one")

    try:
        with pytest.raises(DBAPIError):
            await db.write(always)
        assert len(runs) == ATTEMPTS
        runs.clear()
        with pytest.raises(DBAPIError):
            await db.write_rows(always_in_rows)
        assert len(runs) == ATTEMPTS
        runs.clear()
        with pytest.raises(IntegrityError):
            await db.write(otherwise)
        assert len(runs) == 1
    finally:
        await db.close()


@pytest.mark.parametrize("state", ["53100", "53300", "57P01", "08006"])
async def test_a_full_disk_and_too_many_connections_are_away(postgres_addresses: Addresses, state: str) -> None:
    db, full = Database(postgres_addresses.url), f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"
    try:
        with pytest.raises(Away):
            await db.write(lambda session: say(session, full))
        with pytest.raises(Away):
            await db.write_rows(lambda connection: connection.execute(text(full)))
    finally:
        await db.close()


async def test_reading_cannot_write(db: Database) -> None:
    await db.write(lambda session: add(session, "one"))
    for statement in ("DELETE FROM commons_organisation", "UPDATE commons_organisation SET zone = 'x'"):
        async with db.reading() as session:
            with pytest.raises(DBAPIError, match=r"read.?only"):
                await say(session, statement)
    assert await slugs(db) == ["one"]


async def test_reading_is_one_view(db: Database) -> None:
    await db.write(lambda session: add(session, "one"))
    async with db.reading() as session:
        before = (await session.exec(select(Organisation.slug))).all()
        await db.write(lambda other: add(other, "two"))
        assert (await session.exec(select(Organisation.slug))).all() == before
    assert await slugs(db) == ["one", "two"]


async def test_many_who_read_and_then_write_all_come_through(db: Database, addresses: Addresses) -> None:
    another = Database(addresses.url)  # as a second process would
    await db.write(lambda session: add(session, "0"))

    async def count_up(session: AsyncSession) -> None:
        organisation = (await session.exec(select(Organisation).with_for_update())).one()
        organisation.zone = str(int(organisation.zone.replace("UTC", "0")) + 1)

    def count_up_in_rows(connection: Connection) -> None:
        zone = connection.scalar(text("SELECT zone FROM commons_organisation" + ("" if db.embedded else " FOR UPDATE")))
        zone = str(int(str(zone).replace("UTC", "0")) + 1)
        connection.execute(text("UPDATE commons_organisation SET zone = :zone"), {"zone": zone})

    twenty = [each for _ in range(20) for each in (db, another)]
    rows = (each.write_rows(count_up_in_rows) for each in twenty)
    await asyncio.gather(*(each.write(count_up) for each in twenty), *rows)
    await another.close()
    async with db.reading() as session:
        assert (await session.exec(select(Organisation.zone))).one() == "80"


async def test_the_app_role_may_not_change_tables(postgres_addresses: Addresses) -> None:
    db = Database(postgres_addresses.url)
    try:
        for statement in ("DROP TABLE app_session", "CREATE TABLE mine (n int)", "TRUNCATE commons_ledger_leaf"):
            with pytest.raises(ProgrammingError):
                await db.write(lambda session, said=statement: say(session, said))  # type: ignore[misc]
    finally:
        await db.close()


async def test_a_parameter_is_never_quoted_by_an_error(db: Database) -> None:
    await db.write(lambda session: add(session, "CANARY"))
    with pytest.raises(IntegrityError) as told:
        await db.write(lambda session: add(session, "CANARY"))
    assert "[SQL parameters hidden" in str(told.value)


async def test_an_embedded_database_that_is_not_there_is_away_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    db = Database(f"sqlite:///{folder}/khma.sqlite3")
    try:
        for _ in range(2):
            with pytest.raises(Away):
                await slugs(db)
            with pytest.raises(Away):
                await db.write(lambda session: add(session, "one"))
            with pytest.raises(Away):
                await db.write_rows(lambda connection: put(connection, "one"))
        folder.mkdir()
        await asyncio.to_thread(upgrade, f"sqlite:///{folder}/khma.sqlite3")
        await db.write(lambda session: add(session, "one"))
        assert await slugs(db) == ["one"]
    finally:
        await db.close()


async def test_pages_say_that_the_database_is_away_and_go_on_when_it_is_back(tmp_path: Path) -> None:
    with running_postgres() as server:
        server.run(f"CREATE DATABASE town OWNER {OWNER}")
        await asyncio.to_thread(upgrade, server.url("town", OWNER), APP)
        async with opened_town(server.url("town"), server.url("town", OWNER), tmp_path) as town:
            browser, stranger = await town.signed_in("citizen"), town.browser()
            cookie = browser.cookie
            assert (await browser.get("/en/me")).status_code == 200
            server.run("ALTER DATABASE town ALLOW_CONNECTIONS false")
            server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'town'")
            for answer in (
                await browser.get("/en/me"),
                await stranger.get("/en/services"),
                await browser.http.post("/en/me/name", data={"_token": town.token_of(cookie), "name": "N"}),
                await browser.get("/en/services", HX_Request="true"),
            ):
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
                assert "Nothing was recorded" in answer.text
                assert "set-cookie" not in answer.headers
                assert answer.headers["cache-control"] == "no-store"
            assert (await stranger.get("/healthz")).status_code == 200
            assert (await stranger.get("/readyz")).status_code == 503
            assert (await stranger.get("/en/sign-up")).status_code == 200  # it asks nothing that is not known already
            server.run("ALTER DATABASE town ALLOW_CONNECTIONS true")
            assert browser.cookie == cookie
            assert (await browser.get("/en/me")).status_code == 200
            assert (await stranger.get("/readyz")).status_code == 200


async def test_an_unfounded_house_says_so(addresses: Addresses) -> None:
    db = Database(addresses.url)
    try:
        assert await asyncio.to_thread(pending_revision, addresses.url) == ""
        founded = await db.write(lambda session: found(session, {"en": "Vardisi"}, {}, "Asia/Tbilisi"))
        assert founded.slug == "vardisi"
    finally:
        await db.close()


def size_of(path: str) -> int:
    return Path(path).stat().st_size


async def test_what_was_deleted_leaves_the_log_once_nobody_reads(sqlite_addresses: Addresses) -> None:
    db, log = Database(sqlite_addresses.url), f"{sqlite_addresses.url.removeprefix('sqlite:///')}-wal"
    await db.write(lambda session: add(session, "one"))
    async with db.reading() as session:
        await session.exec(select(Organisation))
        await db.write(lambda session: add(session, "two"))
        assert not await db.shorten_log()  # a reader still looks at an earlier moment
    assert await db.shorten_log()
    assert size_of(log) == 0
    await db.write(lambda session: add(session, "three"))  # and writing goes on
    assert await slugs(db) == ["one", "three", "two"]
    await db.close()
