"""Copies: one moment of a busy house, the same on either database, all of it or nothing, and never with a key."""

import asyncio
import base64
import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.backup import Unfit, back_up, restore
from app.config import Config
from app.db import Database, driver_url
from app.jobs.store import enqueue
from app.keys import make_ledger_key
from app.migrations.tables import metadata
from commons.checkpoint import verifier_key
from commons.ledger.reading import audit
from commons.ledger.sequence import append, sequence
from commons.ledger.store import newest_checkpoint
from tests.app.rows import ORIGIN, furnish
from tests.conftest import Addresses
from tests.plumbing.postgres import APP, OWNER, Postgres

WRITERS = 4

Another = Callable[[str], Addresses]


@dataclass(frozen=True)
class Town:
    """A database with something in every table, and the key folder beside it."""

    addresses: Addresses
    config: Config

    @property
    def verifier(self) -> str:
        return verifier_key(ORIGIN, make_ledger_key(self.config).public_key())


@pytest.fixture
def town(addresses: Addresses, tmp_path: Path) -> Town:
    config = Config(database_url=addresses.url, data=tmp_path, keys=tmp_path / "keys")
    asyncio.run(furnish(config))
    return Town(addresses, config)


@pytest.fixture
def another(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> Iterator[Callable[[str], Addresses]]:
    """Make further databases of a kind, with all tables and no rows."""
    made: list[str] = []

    def make(kind: str) -> Addresses:
        name = f"khma_{uuid4().hex}"
        if kind == "sqlite":
            path = tmp_path / f"{name}.sqlite3"
            path.write_bytes(sqlite_template.read_bytes())
            return Addresses(f"sqlite:///{path}", f"sqlite:///{path}")
        server: Postgres = request.getfixturevalue("postgres")
        made.append(name)
        server.run(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {request.getfixturevalue('alphabet')}")
        return Addresses(server.url(name, APP), server.url(name, OWNER))

    yield make
    for name in made:
        request.getfixturevalue("postgres").run(f"DROP DATABASE {name} WITH (FORCE)")


def tables_in(copy: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(copy) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}


def rows_in(copy: Path, table: str) -> list[dict[str, Any]]:
    names = [column.name for column in metadata.tables[table].columns]
    return [dict(zip(names, json.loads(line), strict=True)) for line in tables_in(copy)[f"{table}.jsonl"].splitlines()]


def rows_of(url: str) -> dict[str, int]:
    engine = create_engine(driver_url(url, asynchronous=False))
    with engine.connect() as connection:
        counts = {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }
    engine.dispose()
    return counts


async def findings(town: Town, addresses: Addresses) -> tuple[str | None, list[object]]:
    """Read the ledger of a database. Returns its newest checkpoint and everything that is wrong with it."""
    db = Database(addresses.url)
    async with db.reading() as session:
        checkpoint, wrong = await newest_checkpoint(session), await audit(session, [town.verifier])
    await db.close()
    return checkpoint.note if checkpoint else None, list(wrong)


def test_every_table_has_rows_here(town: Town) -> None:
    assert {name for name, rows in rows_of(town.addresses.url).items() if rows == 0} == set()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_put_back_gives_the_same_copy_again(town: Town, another: Another, kind: str, tmp_path: Path) -> None:
    target = another(kind)
    written = back_up(town.addresses.url, tmp_path / "first.zip")
    assert restore(target.owner_url, tmp_path / "first.zip", town.config.keys).rows == written == rows_of(target.url)
    back_up(target.url, tmp_path / "second.zip")
    assert tables_in(tmp_path / "second.zip") == tables_in(tmp_path / "first.zip")
    note, wrong = asyncio.run(findings(town, target))
    assert wrong == []
    assert note == asyncio.run(findings(town, town.addresses))[0]


def test_the_house_goes_on_in_the_restored_database(
    town: Town, another: Another, addresses: Addresses, tmp_path: Path
) -> None:
    target = another("sqlite" if addresses.url.startswith("sqlite") else "postgresql")
    back_up(town.addresses.url, tmp_path / "copy.zip")
    restore(target.owner_url, tmp_path / "copy.zip", town.config.keys)

    async def go_on() -> int:
        db = Database(target.url)
        await db.write(lambda session: append(session, "poll.closed", {"number": 9}))
        signed = await db.write(lambda session: sequence(session, make_ledger_key(town.config), ORIGIN))
        await db.close()
        assert signed is not None
        return signed.size

    assert asyncio.run(go_on()) == 8  # six lines, the redaction's own, and this one
    assert asyncio.run(findings(town, target))[1] == []


def test_a_copy_made_while_four_write_holds_one_moment(town: Town, tmp_path: Path) -> None:
    copies = [tmp_path / f"{number}.zip" for number in range(3)]
    said = asyncio.run(copy_while_writing(town, copies))
    pairs = []
    for copy in copies:
        asked = {row["key"] for row in rows_in(copy, "app_job") if row["key"]}
        waiting = rows_in(copy, "commons_ledger_pending")
        lines = {row["subject"] for row in [*waiting, *rows_in(copy, "commons_ledger_words")] if row["subject"]}
        assert asked == {subject for subject in lines if subject.startswith("pair/")}
        assert len(rows_in(copy, "commons_ledger_leaf")) == rows_in(copy, "commons_ledger_head")[0]["size"]
        pairs.append(len(asked))
    assert pairs == sorted(pairs)
    assert 0 < pairs[0] < pairs[-1] <= said


async def copy_while_writing(town: Town, copies: list[Path]) -> int:
    """Make copies while four write pairs of rows and one sequences. Returns how many pairs were said to be written."""
    db, stop, more, said = Database(town.addresses.url), asyncio.Event(), asyncio.Event(), 0
    begun = asyncio.Barrier(WRITERS + 1)

    async def pair(session: AsyncSession, name: str) -> None:
        await enqueue(session, "test", key=name)
        await append(session, "poll.closed", {"number": 1}, subject=name)

    async def writer(number: int) -> None:
        nonlocal said
        for step in range(100_000):
            await db.write(lambda session, name=f"pair/{number}-{step}": pair(session, name))  # type: ignore[misc]
            said += 1
            more.set()
            if step == 0:
                await begun.wait()
            if stop.is_set():
                return

    async def sequencer() -> None:
        while not stop.is_set():
            await db.write(lambda session: sequence(session, make_ledger_key(town.config), ORIGIN))

    working = [asyncio.create_task(writer(number)) for number in range(WRITERS)]
    await begun.wait()
    working.append(asyncio.create_task(sequencer()))
    for copy in copies:
        await asyncio.to_thread(back_up, town.addresses.url, copy)
        more.clear()
        await more.wait()
    stop.set()
    await asyncio.gather(*working)
    await db.close()
    return said


def test_what_was_copied_while_writing_can_be_put_back(town: Town, another: Another, tmp_path: Path) -> None:
    asyncio.run(copy_while_writing(town, [tmp_path / "busy.zip"]))
    target = another("sqlite")
    restore(target.owner_url, tmp_path / "busy.zip", town.config.keys)
    note, wrong = asyncio.run(findings(town, target))
    assert wrong == []
    assert note in {row["note"] for row in rows_in(tmp_path / "busy.zip", "commons_ledger_checkpoint")}


def test_no_key_is_in_a_copy(town: Town, tmp_path: Path) -> None:
    key = (town.config.keys / "ledger.key").read_bytes()
    back_up(town.addresses.url, tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    spelled = [key, key.hex().encode(), base64.b64encode(key)]
    assert [each for each in spelled if each in everything or each in (tmp_path / "copy.zip").read_bytes()] == []
    assert set(tables_in(tmp_path / "copy.zip")) == {f"{name}.jsonl" for name in metadata.tables}


def test_the_manifest_names_rows_and_fingerprint_of_every_file(town: Town, tmp_path: Path) -> None:
    back_up(town.addresses.url, tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["format"] == "khma-backup-1"
    for name, data in tables_in(tmp_path / "copy.zip").items():
        entry = manifest["tables"][name.removesuffix(".jsonl")]
        assert entry == {"rows": data.count(b"\n"), "sha256": hashlib.sha256(data).hexdigest()}


def rewrite(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Copy a zip file, each entry changed; None leaves it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if (data := change(name, old.read(name))) is not None:
                new.writestr(name, data)


def other_tables(name: str, data: bytes) -> bytes:
    if name != "manifest.json":
        return data
    manifest = json.loads(data)
    del manifest["tables"]["app_job"]
    return json.dumps(manifest).encode()


DAMAGED: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "one letter of a row": (lambda _, data: data.replace(b"Evening hours", b"Evening hourz"), "damaged"),
    "one row less": (
        lambda name, data: data.partition(b"\n")[2] if name == "app_letter.jsonl" else data,
        "damaged",
    ),
    "half a row": (lambda name, data: data[:-9] if name == "app_account.jsonl" else data, "damaged"),
    "a table is missing": (lambda name, data: None if name == "app_session.jsonl" else data, "damaged"),
    "no manifest": (lambda name, data: None if name == "manifest.json" else data, "damaged|no copy"),
    "a manifest of nothing": (lambda name, data: b"[]" if name == "manifest.json" else data, "damaged|no copy"),
    "a key twice": (lambda name, data: data * 2 if name == "app_account.jsonl" else data, "damaged"),
    "a word that is no state": (lambda _, data: data.replace(b'"waiting"', b'"wating"'), "damaged"),
    "a later format": (lambda _, data: data.replace(b"khma-backup-1", b"khma-backup-2"), "another version"),
    "tables of another version": (other_tables, "another version"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_copy_is_refused_and_nothing_is_changed(
    town: Town, another: Another, damage: str, addresses: Addresses, tmp_path: Path
) -> None:
    change, sentence = DAMAGED[damage]
    back_up(town.addresses.url, tmp_path / "good.zip")
    rewrite(tmp_path / "good.zip", tmp_path / "bad.zip", change)
    target = another("sqlite" if addresses.url.startswith("sqlite") else "postgresql")
    with pytest.raises(Unfit, match=sentence):
        restore(target.owner_url, tmp_path / "bad.zip", town.config.keys)
    assert set(rows_of(target.url).values()) == {0}


def test_a_file_that_is_no_zip_is_refused(another: Another, tmp_path: Path) -> None:
    target, path = another("sqlite"), tmp_path / "letter.zip"
    for data in (b"", b"PK\x03\x04 not really", b"Dear town hall"):
        path.write_bytes(data)
        with pytest.raises(Unfit, match="no copy made by khma backup"):
            restore(target.owner_url, path, tmp_path / "keys")


def test_a_cut_off_copy_is_refused(town: Town, another: Another, tmp_path: Path) -> None:
    back_up(town.addresses.url, tmp_path / "copy.zip")
    whole = (tmp_path / "copy.zip").read_bytes()
    (tmp_path / "copy.zip").write_bytes(whole[: len(whole) // 2])
    target = another("sqlite")
    with pytest.raises(Unfit, match="damaged"):
        restore(target.owner_url, tmp_path / "copy.zip", town.config.keys)


def test_a_byte_that_changed_on_the_disk_is_noticed(town: Town, another: Another, tmp_path: Path) -> None:
    target, path = another("sqlite"), tmp_path / "copy.zip"
    back_up(town.addresses.url, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    for entry in entries:
        lengths = whole[entry.header_offset + 26 : entry.header_offset + 30]  # of name and extra field
        begins = entry.header_offset + 30 + sum(struct.unpack("<HH", lengths))
        for place in (begins, begins + entry.compress_size // 2):  # the last bits mean nothing
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            with pytest.raises(Unfit, match="damaged"):
                restore(target.owner_url, path, town.config.keys)
    assert set(rows_of(target.url).values()) == {0}


def test_nothing_is_put_over_what_is_there(town: Town, tmp_path: Path) -> None:
    back_up(town.addresses.url, tmp_path / "copy.zip")
    before = rows_of(town.addresses.url)
    with pytest.raises(Unfit, match="not empty"):
        restore(town.addresses.owner_url, tmp_path / "copy.zip", town.config.keys)
    assert rows_of(town.addresses.url) == before


def test_an_older_copy_stays_when_a_new_one_would_overwrite_it(town: Town, tmp_path: Path) -> None:
    (tmp_path / "copy.zip").write_bytes(b"yesterday's")
    with pytest.raises(Unfit, match="exists already"):
        back_up(town.addresses.url, tmp_path / "copy.zip")
    assert (tmp_path / "copy.zip").read_bytes() == b"yesterday's"


def test_tables_that_are_not_up_to_date_are_neither_copied_nor_filled(town: Town, tmp_path: Path) -> None:
    back_up(town.addresses.url, tmp_path / "good.zip")
    empty = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    with pytest.raises(Unfit, match="khma migrate"):
        back_up(empty, tmp_path / "copy.zip")
    with pytest.raises(Unfit, match="khma migrate"):
        restore(empty, tmp_path / "good.zip", tmp_path / "keys")
    assert not (tmp_path / "copy.zip").exists()
