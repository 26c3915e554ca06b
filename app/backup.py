"""Copies of the whole database, in one form for both kinds: a town may begin on SQLite and move to PostgreSQL.

A copy is a zip file: `manifest.json` (revision of the tables, rows and SHA-256 of each file) and one `.jsonl` a table,
rows by primary key, so that a copy tells no order of arrival. It is read in one transaction: what was committed before
is in it whole, what comes later is not in it at all. The key folder is never in it.
"""

import asyncio
import base64
import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Engine, Table, create_engine, event, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database, driver_url, pending_revision
from app.jobs.store import enqueue
from app.migrations.tables import metadata
from ballots.keys import Keys
from ballots.restoring import suspend_restored
from commons.canonical import readable

FORMAT = "khma-backup-1"
AT_ONCE = 500


class Unfit(Exception):
    """The copy, or the database it should go into, is not fit for it; says why and what to do."""


def back_up(url: str, target: Path) -> dict[str, int]:
    """Write a copy of the database into a new file. Returns the number of rows of each table.

    Raises: Unfit when the file exists, or the tables are not up to date.
    """
    if target.exists():
        raise Unfit(f"{target} exists already; name a new file")
    if pending_revision(url):
        raise Unfit("the tables are not up to date; run: khma migrate")
    unfinished = target.with_name(target.name + ".unfinished")
    tables: dict[str, Any] = {}
    engine = _engine(url)
    try:
        with engine.connect() as connection, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            for table in metadata.sorted_tables:
                tables[table.name] = _write(connection, table, archive)
            made_at = datetime.now(UTC).isoformat(timespec="seconds")
            archive.writestr("manifest.json", readable({"format": FORMAT, "made_at": made_at, "tables": tables}))
    finally:
        engine.dispose()
    unfinished.replace(target)
    return {name: entry["rows"] for name, entry in tables.items()}


def _write(connection: Connection, table: Table, archive: zipfile.ZipFile) -> dict[str, Any]:
    rows, digest = 0, hashlib.sha256()
    query = select(table).order_by(*[_same_everywhere(connection, column) for column in table.primary_key.columns])
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            packed = [_pack(value) for value in row]
            line = json.dumps(packed, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            file.write(line)
            digest.update(line)
            rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _same_everywhere(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """Order texts by their bytes, as SQLite does; PostgreSQL would by the alphabet of its country."""
    is_sorted_by_alphabet = connection.dialect.name == "postgresql" and _kind(column) is str
    return column.collate("C") if is_sorted_by_alphabet else column


def _kind(column: Column[Any]) -> type[Any]:
    """Name the Python type of a column; of one of our own column types, that of what it is stored as."""
    return getattr(column.type, "impl_instance", column.type).python_type


@dataclass(frozen=True)
class Restored:
    """What came back. rows: by table. suspended: addresses of the votes that were open in the copy."""

    rows: dict[str, int]
    suspended: list[str]


def restore(url: str, source: Path, keys: Path) -> Restored:
    """Put a copy into an empty database whose tables are up to date, all of it or nothing.

    Votes that were open in it come back interrupted, in the same transaction: nobody votes in between.

    keys:   the key folder.
    Raises: Unfit when the copy is damaged or of other tables, or the database holds something already;
            Conflict "backup.keys_missing".
    """
    if pending_revision(url):
        raise Unfit("the tables are not up to date; run: khma migrate")
    try:
        with zipfile.ZipFile(source) as archive:
            return asyncio.run(_restore(url, archive, Keys(keys)))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError) as broken:
        raise Unfit(f"{source} is damaged, or no copy made by khma backup") from broken


async def _restore(url: str, archive: zipfile.ZipFile, keys: Keys) -> Restored:
    manifest = json.loads(archive.read("manifest.json"))
    if manifest["format"] != FORMAT or set(manifest["tables"]) != set(metadata.tables):
        raise Unfit("this copy was made by another version of Khma; restore it with that version")
    db = Database(url)

    async def work(session: AsyncSession) -> list[str]:
        await (await session.connection()).run_sync(_put_back, archive, manifest)
        suspended = await suspend_restored(session, keys, datetime.fromisoformat(manifest["made_at"]))
        if suspended:
            await enqueue(session, "ledger.sequence")
        return [poll.slug for poll in suspended]

    try:
        suspended = await db.write(work)
    finally:
        await db.close()
    return Restored({name: entry["rows"] for name, entry in manifest["tables"].items()}, suspended)


def _put_back(connection: Connection, archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    for table in metadata.sorted_tables:
        if connection.scalar(select(func.count()).select_from(table)):
            raise Unfit(f"the database is not empty: {table.name} has rows; restore into a new one")
        _check(table, archive, manifest["tables"][table.name])
    for table in metadata.sorted_tables:
        _read(connection, table, archive)


def _check(table: Table, archive: zipfile.ZipFile, expected: dict[str, Any]) -> None:
    digest = hashlib.sha256()
    with archive.open(f"{table.name}.jsonl") as file:
        for line in file:
            digest.update(line)
    if digest.hexdigest() != expected["sha256"]:
        raise Unfit(f"{table.name}.jsonl is damaged: its SHA-256 is not the one in manifest.json")


def _read(connection: Connection, table: Table, archive: zipfile.ZipFile) -> None:
    with archive.open(f"{table.name}.jsonl") as file:
        while lines := list(islice(file, AT_ONCE)):
            connection.execute(table.insert(), [_row(table, json.loads(line)) for line in lines])


def _row(table: Table, values: list[Any]) -> dict[str, Any]:
    return {column.name: _unpack(column, value) for column, value in zip(table.columns, values, strict=True)}


def _pack(value: Any) -> Any:  # noqa: ANN401 - a column's value, of whatever type
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value


def _unpack(column: Column[Any], value: Any) -> Any:  # noqa: ANN401
    if value is None:
        return None
    kind = _kind(column)
    if issubclass(kind, bytes):
        return base64.b64decode(value, validate=True)
    if issubclass(kind, datetime | date):
        return kind.fromisoformat(value)
    if issubclass(kind, UUID):
        return UUID(value)
    return value


def _engine(url: str) -> Engine:
    engine = create_engine(driver_url(url, asynchronous=False), hide_parameters=True)
    if engine.dialect.name == "postgresql":  # one view of all tables, as a SQLite transaction has anyway
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401
            connection.isolation_level = None
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA synchronous=FULL")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine
