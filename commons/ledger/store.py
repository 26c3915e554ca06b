"""Reading and writing the log's rows. Nothing is decided here."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, case, func, text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.ledger.lines import Line
from commons.ledger.tables import Head, Leaf, PendingLine, StoredCheckpoint, Words


async def lock_head(session: AsyncSession) -> Head:
    """Take the sequencer's lock: a second one waits here until the first has committed.

    A row lock, not an advisory one: poolers and distributed PostgreSQL know it too. On SQLite the caller's
    BEGIN IMMEDIATE is the lock.
    """
    connection = await session.connection()
    await connection.execute(text("INSERT INTO commons_ledger_head (id, size) VALUES (1, 0) ON CONFLICT DO NOTHING"))
    query = select(Head).with_for_update().execution_options(populate_existing=True)
    return (await session.exec(query)).one()


async def pending_lines(session: AsyncSession, limit: int) -> Sequence[PendingLine]:
    """Read lines that wait, by their random ids: the order in which they came is nowhere to be read.

    Only a line about the ledger's key goes before all others: it must be in the first batch that this key signs.
    """
    others = case((col(PendingLine.kind) == "ledger.key", 0), else_=1)
    return (await session.exec(select(PendingLine).order_by(others, col(PendingLine.id)).limit(limit))).all()


async def pending_redactions(session: AsyncSession) -> list[int]:
    """List the positions whose erasure waits for its own line in the log."""
    waiting = await session.exec(select(PendingLine).where(PendingLine.kind == "redacted"))
    return [int(line.words["position"]) for line in waiting]


async def add_batch(session: AsyncSession, leaves: list[Leaf], words: list[Words], done: Sequence[PendingLine]) -> None:
    """Write a batch: leaves first, for the words point at them; then the lines no longer wait."""
    session.add_all(leaves)
    await session.flush()
    session.add_all(words)
    for line in done:
        await session.delete(line)
    await session.flush()


async def leaf_hashes(session: AsyncSession, size: int | None = None) -> Sequence[bytes]:
    """Read the leaf hashes in order, all or the first `size`."""
    return (await session.exec(select(Leaf.leaf_hash).order_by(col(Leaf.position)).limit(size))).all()


async def newest_checkpoint(session: AsyncSession) -> StoredCheckpoint | None:
    """Find the checkpoint of the longest log."""
    return (await session.exec(select(StoredCheckpoint).order_by(col(StoredCheckpoint.size).desc()).limit(1))).first()


async def first_checkpoint(session: AsyncSession, position: int) -> StoredCheckpoint | None:
    """Find the earliest checkpoint that has a line in it."""
    covers = select(StoredCheckpoint).where(col(StoredCheckpoint.size) > position)
    return (await session.exec(covers.order_by(col(StoredCheckpoint.size)).limit(1))).first()


async def checkpoints(session: AsyncSession) -> Sequence[StoredCheckpoint]:
    """Read every checkpoint, shortest log first."""
    return (await session.exec(select(StoredCheckpoint).order_by(col(StoredCheckpoint.size)))).all()


async def find_line(session: AsyncSession, position: int) -> Line | None:
    """Find one line with its words, if they are still there."""
    row = (await session.exec(_LINES.where(col(Leaf.position) == position))).first()
    return None if row is None else _line(row)


async def all_lines(session: AsyncSession) -> list[Line]:
    """Read the whole log in order."""
    return [_line(row) for row in await session.exec(_LINES.order_by(col(Leaf.position)))]


async def find_lines(
    session: AsyncSession, kinds: Collection[str] | None, subject: str | Collection[str] | None, offset: int, limit: int
) -> tuple[list[Line], int]:
    """Find one page of lines, newest first, and how many there are in all. Two queries, however long the log."""
    wanted: list[ColumnElement[bool]] = []
    if kinds is not None:
        wanted.append(col(Leaf.kind).in_(kinds))
    if subject is not None:
        wanted.append(col(Words.subject).in_([subject] if isinstance(subject, str) else subject))
    counted = select(func.count()).select_from(Leaf).join(Words, isouter=True).where(*wanted)
    shown = _LINES.where(*wanted).order_by(col(Leaf.position).desc()).offset(offset).limit(limit)
    return [_line(row) for row in await session.exec(shown)], (await session.exec(counted)).one()


async def find_said(session: AsyncSession, kinds: Collection[str], subject: str) -> list[Line]:
    """Find every line of some kinds about one subject, in the order of the log. One query."""
    shown = _LINES.where(col(Leaf.kind).in_(kinds), col(Words.subject) == subject).order_by(col(Leaf.position))
    return [_line(row) for row in await session.exec(shown)]


async def is_waiting(session: AsyncSession, kinds: Collection[str], subject: str) -> bool:
    """Tell whether a line of some kinds about one subject waits for its place."""
    waiting = select(PendingLine.id).where(col(PendingLine.kind).in_(kinds), PendingLine.subject == subject).limit(1)
    return (await session.exec(waiting)).first() is not None


async def find_newest(session: AsyncSession, subject: str, limit: int) -> list[Line]:
    """Find the newest lines of one subject, the newest first. One query."""
    shown = _LINES.where(col(Words.subject) == subject).order_by(col(Leaf.position).desc()).limit(limit)
    return [_line(row) for row in await session.exec(shown)]


async def erase_words(session: AsyncSession, position: int) -> bool:
    """Delete the words and the salt of one line; False when they were gone already."""
    return (await session.exec(delete(Words).where(col(Words.position) == position))).rowcount == 1


_LINES = select(Leaf, Words).join(Words, isouter=True)


def _line(row: tuple[Leaf, Words | None]) -> Line:
    leaf, words = row
    said = (words.subject, words.salt, words.words) if words else (None, None, None)
    return Line(leaf.position, leaf.kind, leaf.minute, leaf.digest, leaf.leaf_hash, *said)
