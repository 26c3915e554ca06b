"""The two databases: SQLite for one small server, PostgreSQL for production. Only this file knows how they differ.

Reading and writing are apart. `reading()` gives a session that cannot write. `write(work)` is the way to change
anything: it opens one transaction, runs the work, commits, and only then returns; when the database says that two
transactions got in each other's way (40001, 40P01), it runs the work again, so the work must hold no memory of its own.
`write_rows(work)` does the same for work that a rush waits for: a cast (docs/adr/0014).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import greenlet_spawn
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import ROOT

Result = TypeVar("Result")

ATTEMPTS = 5
RETRIED = frozenset({"40001", "40P01"})  # serialization failure, deadlock: the standard's "try again"
SQLITE_AWAY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
POOL = 10
LOCK_WAIT_MS = 30_000
LOOKING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # go with BEGIN: no question of their own
_ONE: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": LOCK_WAIT_MS / 1000, "hide_parameters": True}


class Away(Exception):
    """The database cannot be reached: a 503, not a bug."""


class Database:
    """One database, its pool of readers and its writer.

    url: `sqlite:///path` or `postgresql://…`; drivers are chosen here.
    """

    def __init__(self, url: str) -> None:
        self.embedded = url.startswith("sqlite")
        if self.embedded:
            self._writer = create_async_engine(driver_url(url), **_ONE)
            self._reader = create_async_engine(driver_url(url), **(_ONE | {"pool_size": POOL}))
            self._rows = create_engine(driver_url(url, asynchronous=False), **_ONE)
            for engine in (self._writer.sync_engine, self._rows):
                _prepare(engine, "BEGIN IMMEDIATE")
            _prepare(self._reader.sync_engine, "BEGIN", "query_only=ON")
        else:
            self._writer = self._reader = create_async_engine(
                driver_url(url),
                pool_size=POOL,
                max_overflow=0,
                pool_pre_ping=True,
                pool_timeout=10,
                hide_parameters=True,
            )
            self._rows = self._writer.sync_engine
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Give a session for looking things up: one consistent view, and no way to change anything.

        Raises: Away when the database cannot be reached.
        """
        with _named_failures():
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                if not self.embedded:
                    await session.connection(execution_options=LOOKING)
                yield session

    async def write(self, work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """Run the work in one transaction of its own, and return what it returned once that is on disk.

        work:    takes the session; may be run up to five times, each time from the beginning.
        Raises:  whatever the work raises, after rolling back; Away when the database cannot be reached.
        """

        async def once() -> Result:
            async with self._alone(), AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                return await work(session)  # said to the caller after leaving this block: after COMMIT

        return await _insist(once)

    async def write_rows(self, work: Callable[[Connection], Result]) -> Result:
        """Do as `write` with work that is statements alone and waits for nothing else, in a fraction of the time.

        work: takes a connection. It runs beside the event loop's thread on SQLite, whose driver makes its caller wait.
        """

        def transact() -> Result:
            with self._rows.begin() as connection:
                return work(connection)

        async def once() -> Result:
            async with self._alone():
                return await (asyncio.to_thread(transact) if self.embedded else greenlet_spawn(transact))

        return await _insist(once)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Wait for one's turn to write where there is one writer: SQLite itself lets whoever is lucky go first."""
        if not self.embedded:
            yield
            return
        try:
            async with asyncio.timeout(LOCK_WAIT_MS / 1000):
                await self._turn.acquire()
        except TimeoutError:
            raise Away from None
        try:
            yield
        finally:
            self._turn.release()

    async def shorten_log(self) -> bool:
        """Have SQLite move all into its one file and empty its log, where copies of what was deleted may stand.

        Returns: whether that was possible; while others read it is not, and somebody asks again. True on PostgreSQL,
                 where deleted rows leave the disk by its own vacuum.
        """
        if not self.embedded:
            return True

        def shorten() -> bool:
            with closing(self._rows.raw_connection()) as connection:
                connection.execute("PRAGMA busy_timeout = 500")
                try:
                    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MS}")
            return not busy

        async with self._alone():
            return await asyncio.to_thread(shorten)

    async def close(self) -> None:
        """Let go of every connection: an open SQLite one would keep the process alive."""
        await self._reader.dispose()
        await self._writer.dispose()
        if self.embedded:
            self._rows.dispose()


async def _insist(once: Callable[[], Awaitable[Result]]) -> Result:
    """Try a transaction again where the database says so."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _named_failures():
                return await once()
        except DBAPIError as failure:
            if getattr(failure.orig, "sqlstate", None) not in RETRIED or attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.01 * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


@contextmanager
def _named_failures() -> Iterator[None]:
    """Turn "cannot connect", "disk full" and "no connection came free" of either driver into Away."""
    try:
        yield
    except PoolTimeout as failure:
        raise Away from failure
    except DBAPIError as failure:
        if is_away(failure):
            raise Away from failure
        raise


def is_away(failure: BaseException) -> bool:
    """Tell whether a failure, of either driver or ours, says that the database cannot be reached."""
    if not isinstance(failure, DBAPIError):
        return isinstance(failure, Away)
    if failure.connection_invalidated:
        return True
    if not isinstance(failure, OperationalError):
        return False
    state = getattr(failure.orig, "sqlstate", None)
    if isinstance(failure.orig, sqlite3.Error):
        return failure.orig.sqlite_errorcode & 0xFF in SQLITE_AWAY
    return state is None or state[:2] in {"08", "53", "57"}  # connection failures; no room; shutting down


def driver_url(url: str, *, asynchronous: bool = True) -> str:
    """Name the driver: psycopg for PostgreSQL both ways, aiosqlite or the standard library's for SQLite."""
    scheme, rest = url.split("://", 1)
    if scheme == "sqlite":
        return f"sqlite+aiosqlite://{rest}" if asynchronous else f"sqlite://{rest}"
    return f"postgresql+psycopg://{rest}"


def _prepare(engine: Engine, begin: str, *further: str) -> None:
    """Say how an engine's connections to SQLite begin a transaction, and what each is told when it is new.

    A deferred BEGIN that reads and then writes fails at once under load, whatever the busy timeout says.
    """

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:  # noqa: ANN401 - either driver's own connection class
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # an acknowledged ballot survives a power cut; NORMAL lost 30 of 30
            "foreign_keys=ON",
            f"busy_timeout={LOCK_WAIT_MS}",
            "trusted_schema=OFF",
            "secure_delete=ON",
            *further,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def migration_config(url: str, app_role: str | None = None) -> AlembicConfig:
    """Tell Alembic where the database is, and which role gets the right to work in it."""
    config = AlembicConfig(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "app" / "migrations"))
    config.attributes["url"] = driver_url(url, asynchronous=False)
    config.attributes["app_role"] = app_role
    return config


def upgrade(owner_url: str, app_role: str | None = None, revision: str = "head") -> None:
    """Bring the tables to a revision, as the database's owner; the app role may then work in them, not change them."""
    command.upgrade(migration_config(owner_url, app_role), revision)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Connect for one short look, as the settings' own role."""
    engine = create_engine(driver_url(url, asynchronous=False))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _revision(url: str) -> str | None:
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def pending_revision(url: str) -> str:
    """Name what the tables lack: nothing when they are up to date, else the revision they are at, or "empty"."""
    at = _revision(url)
    newest = ScriptDirectory.from_config(migration_config(url)).get_current_head()
    return "" if at == newest else at or "empty"


def is_behind(url: str, revision: str) -> bool:
    """Tell whether a revision lies behind the one that the tables are at, so that going there goes back."""
    if (at := _revision(url)) is None or revision == at:
        return False
    script = ScriptDirectory.from_config(migration_config(url))
    return revision == "base" or revision in {each.revision for each in script.iterate_revisions(at, "base")}


def works_as_owner(url: str) -> bool:
    """Tell whether this role owns the tables, and so could change what must only ever grow. Never so on SQLite."""
    with _connected(url) as connection:
        if connection.dialect.name == "sqlite":
            return False
        query = text("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'commons_ledger_leaf'")
        return bool(connection.scalar(query))


def downgrade(owner_url: str, revision: str) -> None:
    """Take the tables back to an earlier revision."""
    command.downgrade(migration_config(owner_url), revision)
