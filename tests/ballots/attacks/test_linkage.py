"""Who chose what: a thief of the whole database learns it from a naive store, and nothing from ours."""

import random
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots.keys import Keys
from ballots.sealing import slot_of, unwrap
from ballots.store import all_envelopes, form_of
from commons.rows import within
from tests.ballots.attacks.linkage import LINKS, Seen, link_by_wal, recover, right_links
from tests.ballots.voting import Vote, open_vote
from tests.plumbing.postgres import Postgres
from tests.plumbing.sizes import tries

pytestmark = pytest.mark.anyio

VOTERS = tries(600, 2500)
CHANCE = 1 / 3 + 5 * (2 / 9 / VOTERS) ** 0.5  # of three choices, and five deviations: the luckiest of forty attacks
AFTER_CLOSE = max(9, 5 * VOTERS // 1000)  # by chance one in any number is right, and nine once in a million
NAIVE_VOTERS = tries(300, 1000)
NAIVE = {
    "readable": lambda choice: b"%s option %d" % (secrets.token_hex(8).encode(), choice),
    "length-telling": lambda choice: secrets.token_bytes(40 + 8 * choice),
}


def path_of(db: Database) -> Path:
    return Path(str(db._writer.url.database))


class Thief:
    """Somebody who copies the write-ahead log, as a running backup does: while they read, nothing leaves the log."""

    def __init__(self, db: Database) -> None:
        self._wal = Path(f"{path_of(db)}-wal") if db.embedded else None
        self._reader = sqlite3.connect(path_of(db)) if db.embedded else None
        if self._reader:
            self._reader.execute("BEGIN")
            self._reader.execute("SELECT count(*) FROM polls_poll").fetchone()

    def copy(self) -> bytes:
        if self._reader is None or self._wal is None:
            return b""
        copied = self._wal.read_bytes()
        self._reader.close()
        return copied


async def seen_in(db: Database, voters: str, ballots: str, column: str, log: list[bytes]) -> Seen:
    """Read two tables as they lie, with the columns that databases hide."""
    hidden, order = ("NULL", "ORDER BY rowid") if db.embedded else ("xmin::text", "ORDER BY ctid")

    async def read(table: str, column: str, order: str) -> list[tuple[bytes, object]]:
        async with db.reading() as session:
            connection = await session.connection()
            rows = await connection.execute(sa.text(f"SELECT {column}, {hidden} FROM {table} {order}"))
            return [(bytes(row[0]), row[1]) for row in rows]

    async def as_it_lies(table: str, column: str) -> list[tuple[bytes, object]]:
        try:
            return await read(table, column, order)
        except sa.exc.OperationalError:  # no rowid: it lies by its key
            return await read(table, column, "")

    return Seen(await as_it_lies(voters, "tag"), await as_it_lies(ballots, column), log)


async def vote_all(vote: Vote, choices: Mapping[bytes, int], log: list[bytes]) -> bytes:
    """Let everybody vote in turn while a thief reads. Returns what was stolen."""
    thief = Thief(vote.db)
    for tag in log:
        await vote.cast(tag, [choices[tag]])
    return thief.copy()


def measured(db: Database, seen: Seen, wal: bytes) -> dict[str, dict[bytes, bytes]]:
    """Try every way to link voters with ballots."""
    found = {name: link(seen) for name, link in LINKS.items()}
    if db.embedded:
        found["wal"] = link_by_wal(wal, [tag for tag, _ in seen.voters], [ballot for ballot, _ in seen.ballots])
    return found


async def test_a_thief_of_everything_guesses_no_better_than_by_chance(
    db: Database, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    vote = await open_vote(db, tmp_path, VOTERS)
    draw = random.Random(3)
    log = draw.sample(vote.tags, VOTERS)
    choices = {tag: draw.randint(1, 3) for tag in log}
    wal = await vote_all(vote, choices, log)
    seen = await seen_in(db, "ballots_participation", "ballots_envelope", "sealed", log)
    truth, inner = await truth_of(vote)
    before = measured(db, seen, wal)
    shares = {name: recover(linked, choices, log) for name, linked in before.items()}
    record_property("choice recovered before close", shares)
    assert max(right_links(linked, truth) for linked in before.values()) > 0.9 * VOTERS  # envelopes are linked: known
    assert max(shares.values()) <= CHANCE, shares

    await vote.end()
    thief = Thief(db)
    assert await vote.close() == "closed"
    seen = await seen_in(db, "ballots_participation", "ballots_urn", "ciphertext", log)
    after = measured(db, seen, thief.copy()) | {f"old {name}": linked for name, linked in before.items()}
    links = {name: right_links(linked, inner) for name, linked in after.items()}
    record_property("links after close", links)
    assert max(links.values()) <= AFTER_CLOSE, links
    assert max(recover(linked, choices, log) for linked in after.values()) <= CHANCE


async def truth_of(vote: Vote) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Find, with the box key, which envelope and which sealed ballot is whose."""
    box = Keys(vote.folder.parent / "keys").box(vote.poll.id)
    outer, inner = {}, {}
    async with vote.db.reading() as session:
        envelopes = await all_envelopes(session, vote.poll.id)
        for tag in vote.tags:
            slot, line = slot_of(box, tag), await within(session, form_of, vote.poll.id, tag)
            assert line is not None
            outer[tag] = envelopes[slot]
            inner[tag] = unwrap(box, outer[tag], vote.poll.id, slot, line[0], line[1] or b"")
    return outer, inner


@pytest.mark.parametrize("kind", NAIVE)
async def test_the_same_attacks_read_a_naive_store(kind: str, addresses: object, db: Database, tmp_path: Path) -> None:
    """Plain rows in the order of casting, in one transaction each: what one writes without thinking of thieves."""
    draw = random.Random(5)
    log = [draw.randbytes(32) for _ in range(NAIVE_VOTERS)]
    choices = {tag: draw.randint(1, 3) for tag in log}
    owner = sa.create_engine(addresses.owner_url.replace("postgresql:", "postgresql+psycopg:"))  # type: ignore[attr-defined]
    binary = "BLOB" if db.embedded else "BYTEA"
    with owner.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE naive_voter (tag {binary} PRIMARY KEY)"))
        connection.execute(sa.text(f"CREATE TABLE naive_ballot (id {binary} PRIMARY KEY, ballot {binary})"))
        if not db.embedded:
            connection.execute(sa.text("GRANT ALL ON naive_voter, naive_ballot TO khma_app"))
    owner.dispose()
    thief, truth = Thief(db), {}
    for tag in log:
        truth[tag] = NAIVE[kind](choices[tag])

        async def write(session: AsyncSession, tag: bytes = tag) -> None:
            connection = await session.connection()
            await connection.execute(sa.text("INSERT INTO naive_voter VALUES (:tag)"), {"tag": tag})
            facts = {"id": secrets.token_bytes(16), "ballot": truth[tag]}
            await connection.execute(sa.text("INSERT INTO naive_ballot VALUES (:id, :ballot)"), facts)

        await db.write(write)
    seen = await seen_in(db, "naive_voter", "naive_ballot", "ballot", log)
    found = measured(db, seen, thief.copy())
    shares = {name: recover(linked, choices, log) for name, linked in found.items()}
    expected = {"place", "log", "wal" if db.embedded else "transaction"}
    assert {name for name, share in shares.items() if share >= 0.95} >= expected, shares


def files_of(db: Database, request: pytest.FixtureRequest) -> list[Path]:
    """List every file in which a database keeps anything, its logs too."""
    if db.embedded:
        return list(path_of(db).parent.glob("khma.sqlite3*"))
    server: Postgres = request.getfixturevalue("postgres")
    server.run("CHECKPOINT")
    with psycopg.connect(server.url("postgres", "postgres")) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return [path for path in Path(row[0]).rglob("*") if path.is_file()]


def holding(files: list[Path], secret: bytes) -> list[str]:
    return [path.name for path in files if path.exists() and secret in path.read_bytes()]


async def test_no_file_holds_a_choice(db: Database, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Whatever is copied from below the database, before or after closing: tables, indexes, logs."""
    vote = await open_vote(db, tmp_path, 12, most_ranked=3)
    for tag in vote.tags:
        await vote.cast(tag, [3, 1, 2])
    plaintext = bytes([1, 3, 1, 2]).ljust(13, b"\0")
    files = files_of(db, request)
    assert holding(files, vote.tags[0])  # the search finds what is there: who took part is
    assert holding(files, plaintext) == []
    await vote.end()
    await vote.close()
    assert holding(files_of(db, request), plaintext) == []
