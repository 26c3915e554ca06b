"""Reading and writing ballots, envelopes, lists and the urn. Nothing is decided here.

Statements that wait for one another on PostgreSQL do so in the order poll, participation, envelope: no deadlock between
two casts.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, Update, bindparam, func, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.eligibility import Channel
from ballots.tables import (
    AssistedAct,
    Box,
    Custodian,
    Custody,
    Envelope,
    List,
    OpenedPattern,
    Participation,
    SetAside,
    Step,
    UrnRow,
)
from commons.errors import NotFound
from commons.merkle import HASH_BYTES, root
from polls.lifecycle import State
from polls.tables import Poll

LINES, ENVELOPES = (SQLModel.metadata.tables[str(table.__tablename__)] for table in (Participation, Envelope))
SLICE = 5_000
"""Rows that one statement may write or delete on SQLite, so that no cast elsewhere waits for long."""


def is_embedded(session: AsyncSession) -> bool:
    """Tell whether the database is SQLite, where one writer makes all others wait."""
    return session.get_bind().dialect.name == "sqlite"


def form_of(connection: Connection, poll_id: UUID, tag: bytes) -> tuple[Channel, bytes | None] | None:
    """Find the channel and the hash of the last accepted form of a voter; None when they did not take part."""
    query = select(Participation.channel, Participation.form_key)
    row = connection.execute(query.where(Participation.poll_id == poll_id, Participation.tag == tag)).first()
    return None if row is None else (Channel(row[0]), row[1])


def add_line(connection: Connection, poll_id: UUID, tag: bytes, channel: Channel, form_hash: bytes) -> bool:
    """Note that a voter takes part; False when that was noted already, also by another cast at the same moment."""
    values = {"poll_id": poll_id, "tag": tag, "channel": channel, "form_key": form_hash}
    # Asked for the row itself: how many rows an INSERT wrote is not known on PostgreSQL.
    return connection.execute(_adding(connection.dialect.name), values).first() is not None


def change_line(
    connection: Connection, poll_id: UUID, tag: bytes, after: bytes, channel: Channel, form_hash: bytes
) -> bool:
    """Note the next form of a voter, if the last one still is `after` and they do not vote on paper."""
    values = {"of_poll": poll_id, "of_tag": tag, "after": after, "channel": channel, "form_key": form_hash}
    return bool(connection.execute(_changing(), values).rowcount)


def put_envelope(connection: Connection, poll_id: UUID, slot: bytes, sealed: bytes) -> None:
    """Put an envelope into its place, over the one that lay there."""
    values = {"poll_id": poll_id, "slot": slot, "sealed": sealed}
    connection.execute(_putting(connection.dialect.name), values)


def find_envelope(connection: Connection, poll_id: UUID, slot: bytes) -> bytes | None:
    """Find what lies in a place."""
    query = select(Envelope.sealed).where(Envelope.poll_id == poll_id, Envelope.slot == slot)
    return connection.execute(query).scalar()


async def drop_paper_line(session: AsyncSession, poll_id: UUID, tag: bytes) -> bool:
    """Delete the line of somebody who votes on paper. Returns whether there was one."""
    line = _of(Participation, poll_id) & (col(Participation.tag) == tag)
    statement = delete(Participation).where(line, col(Participation.channel) == Channel.PAPER)
    return bool((await session.exec(statement)).rowcount)


async def count_mark(session: AsyncSession, poll_id: UUID, more: int) -> None:
    """Count one more, or one less, who votes on paper."""
    await session.exec(update(Box).where(_of(Box, poll_id)).values(paper=col(Box.paper) + more))


async def count_electronic(session: AsyncSession, poll_id: UUID) -> int:
    """Count those who took part with a ballot in the box."""
    query = select(func.count()).select_from(Participation).where(_of(Participation, poll_id))
    return (await session.exec(query.where(col(Participation.channel) != Channel.PAPER))).one()


async def all_lines(session: AsyncSession, poll_id: UUID) -> Sequence[tuple[bytes, Channel, bytes | None]]:
    """Read who took part: tag, channel, hash of the last form."""
    query = select(Participation.tag, Participation.channel, Participation.form_key)
    rows = await session.exec(query.where(Participation.poll_id == poll_id).order_by(col(Participation.tag)))
    return [(tag, Channel(channel), form_hash) for tag, channel, form_hash in rows]


async def all_envelopes(session: AsyncSession, poll_id: UUID) -> dict[bytes, bytes]:
    """Read every envelope: place -> what lies there."""
    query = select(Envelope.slot, Envelope.sealed).where(Envelope.poll_id == poll_id)
    return {slot: sealed for slot, sealed in (await session.exec(query)).all()}  # noqa: C416 - rows, not pairs


async def count(session: AsyncSession, table: type[SQLModel], poll_id: UUID) -> int:
    """Count the rows of one vote in a table."""
    return (await session.exec(select(func.count()).select_from(table).where(_of(table, poll_id)))).one()


async def find_box(session: AsyncSession, poll_id: UUID) -> Box | None:
    """Find a vote's box; there is none before the vote was opened."""
    query = select(Box).where(Box.poll_id == poll_id).execution_options(populate_existing=True)
    return (await session.exec(query)).first()


async def get_box(session: AsyncSession, poll_id: UUID) -> Box:
    """Get a vote's box. Raises NotFound "box.unknown" before the vote was opened."""
    if (box := await find_box(session, poll_id)) is None:
        raise NotFound("box.unknown")
    return box


async def find_over(session: AsyncSession, moment: datetime) -> Sequence[Poll]:
    """Find the votes whose objections are over and whose ballots still lie here."""
    is_over = col(Poll.state).in_([State.PUBLISHED, State.ANNULLED]) & (col(Poll.objections_until) <= moment)
    query = select(Poll).join(Box, col(Box.poll_id) == Poll.id).where(is_over, col(Box.deleted_at).is_(None))
    return (await session.exec(query)).all()


def step_of(connection: Connection, poll_id: UUID) -> Step | None:
    """Find how far the closing of a box has come; None before the vote was opened."""
    step = connection.execute(select(Box.step).where(Box.poll_id == poll_id)).scalar()
    return None if step is None else Step(step)


async def list_sizes(session: AsyncSession, poll_id: UUID) -> dict[str, int]:
    """Find how many lines each public list of a vote has, without reading them: name -> number."""
    query = select(List.name, List.size).where(List.poll_id == poll_id)
    return {name: size for name, size in (await session.exec(query)).all()}  # noqa: C416 - rows, not pairs


async def put_list(session: AsyncSession, poll_id: UUID, name: str, hashes: Iterable[bytes]) -> List:
    """Keep a list of 32-byte hashes, sorted, with its RFC 6962 root; in place of the one of that name."""
    ordered = sorted(hashes)
    row = List(poll_id=poll_id, name=name, size=len(ordered), root=root(ordered), hashes=b"".join(ordered))
    kept = await session.merge(row)
    await session.flush()
    return kept


async def get_list(session: AsyncSession, poll_id: UUID, name: str) -> List:
    """Get a list by name: `roll`, `took_part` or `box`. Raises NotFound "list.unknown"."""
    if (kept := await session.get(List, (poll_id, name))) is None:
        raise NotFound("list.unknown", name=name)
    return kept


async def find_lists(session: AsyncSession, poll_id: UUID, names: Sequence[str]) -> Sequence[List]:
    """Find those of these lists that a vote has already."""
    return (await session.exec(select(List).where(_of(List, poll_id), col(List.name).in_(names)))).all()


async def find_in_list(session: AsyncSession, poll_id: UUID, name: str, wanted: bytes) -> int:
    """Find the line on which a hash stands in a list, counted from 1; 0 where it is not in it.

    Raises: NotFound "list.unknown" before the list is there.
    """
    hashes = hashes_of(await get_list(session, poll_id, name))
    place = bisect_left(hashes, wanted)
    return place + 1 if hashes[place : place + 1] == [wanted] else 0


def hashes_of(kept: List) -> list[bytes]:
    """Part a list into its hashes."""
    return [kept.hashes[start : start + HASH_BYTES] for start in range(0, len(kept.hashes), HASH_BYTES)]


def lines_of(kept: List) -> bytes:
    """Write a list as its file: one hash in 64 hex digits a line. `box.txt` is the list `box`."""
    return "".join(f"{each.hex()}\n" for each in hashes_of(kept)).encode()


async def add_urn_rows(session: AsyncSession, poll_id: UUID, ciphertexts: Sequence[bytes]) -> None:
    """Put sealed ballots into the urn."""
    if ciphertexts:
        await session.exec(insert(UrnRow), params=[{"poll_id": poll_id, "ciphertext": each} for each in ciphertexts])


async def all_urn_rows(session: AsyncSession, poll_id: UUID) -> Sequence[bytes]:
    """Read the urn, sorted by its random bytes."""
    query = select(UrnRow.ciphertext).where(UrnRow.poll_id == poll_id).order_by(col(UrnRow.ciphertext))
    return (await session.exec(query)).all()


async def rewrite_lines(session: AsyncSession, poll_id: UUID) -> None:
    """Write who took part anew, sorted and without the forms: what was written when can't be seen any more."""
    lines = [(tag, channel) for tag, channel, _ in await all_lines(session, poll_id)]
    await session.exec(delete(Participation).where(_of(Participation, poll_id)))
    if lines:
        rows = [{"poll_id": poll_id, "tag": tag, "channel": channel, "form_key": None} for tag, channel in lines]
        await session.exec(insert(Participation), params=rows)


async def forget_forms(session: AsyncSession, poll_id: UUID) -> int:
    """Erase the hashes of forms of up to one slice of lines. Returns how many there were."""
    known = _of(Participation, poll_id) & col(Participation.form_key).is_not(None)
    some = select(Participation.tag).where(known).limit(SLICE)
    statement = update(Participation).where(_of(Participation, poll_id), col(Participation.tag).in_(some))
    return int((await session.exec(statement.values(form_key=None))).rowcount)


async def drop_envelopes(session: AsyncSession, poll_id: UUID) -> int:
    """Delete up to one slice of envelopes; all of them on PostgreSQL, where nobody waits. Returns how many."""
    return await _drop(session, Envelope, Envelope.slot, poll_id)


async def drop_urn(session: AsyncSession, poll_id: UUID) -> int:
    """Delete sealed ballots from the urn, as `drop_envelopes` does."""
    return await _drop(session, UrnRow, UrnRow.ciphertext, poll_id)


async def drop_opened(session: AsyncSession, poll_id: UUID) -> int:
    """Delete opened patterns, as `drop_envelopes` does."""
    return await _drop(session, OpenedPattern, OpenedPattern.pattern, poll_id)


async def drop_set_aside(session: AsyncSession, poll_id: UUID) -> int:
    """Delete rows that were set aside, as `drop_envelopes` does; their number stays in the box."""
    return await _drop(session, SetAside, SetAside.id, poll_id)


async def drop_acts(session: AsyncSession, poll_id: UUID) -> int:
    """Delete what was noted of acts at a counter, as `drop_envelopes` does."""
    return await _drop(session, AssistedAct, AssistedAct.id, poll_id)


async def empty(session: AsyncSession, table: type[SQLModel], poll_id: UUID) -> None:
    """Delete the rows of one vote in a table."""
    await session.exec(delete(table).where(_of(table, poll_id)))


async def set_rows_aside(session: AsyncSession, rows: Sequence[SetAside]) -> None:
    """Move damaged rows out of both tables, as they were found."""
    session.add_all(rows)
    await session.flush()
    for row in rows:
        if row.tag is not None:
            line = _of(Participation, row.poll_id) & (col(Participation.tag) == row.tag)
            await session.exec(delete(Participation).where(line))
        if row.slot is not None:
            place = _of(Envelope, row.poll_id) & (col(Envelope.slot) == row.slot)
            await session.exec(delete(Envelope).where(place))


async def add_patterns(session: AsyncSession, poll_id: UUID, counts: dict[bytes, int]) -> None:
    """Keep the opened list, sorted."""
    rows = [{"poll_id": poll_id, "pattern": pattern, "count": number} for pattern, number in sorted(counts.items())]
    if rows:
        await session.exec(insert(OpenedPattern), params=rows)


async def all_patterns(session: AsyncSession, poll_id: UUID) -> dict[bytes, int]:
    """Read the opened list: pattern -> how many ballots say it."""
    query = select(OpenedPattern.pattern, OpenedPattern.count).where(OpenedPattern.poll_id == poll_id)
    return {pattern: number for pattern, number in (await session.exec(query.order_by("pattern"))).all()}  # noqa: C416


async def find_custodians(session: AsyncSession, organisation_id: UUID) -> Sequence[Custodian]:
    """Find an organisation's custodians."""
    return (await session.exec(select(Custodian).where(Custodian.organisation_id == organisation_id))).all()


async def find_custodian(session: AsyncSession, public: bytes) -> Custodian | None:
    """Find the custodian with these public keys."""
    return (await session.exec(select(Custodian).where(Custodian.public == public))).first()


async def find_custody(session: AsyncSession, poll_id: UUID) -> Sequence[tuple[Custody, Custodian]]:
    """Find what each custodian of a vote did so far."""
    query = select(Custody, Custodian).join(Custodian).where(Custody.poll_id == poll_id)
    return (await session.exec(query)).all()


async def find_votes_of(session: AsyncSession, custodian_id: UUID) -> Sequence[tuple[Custody, Poll]]:
    """Find the votes whose keys a custodian has copies of, by address."""
    query = select(Custody, Poll).join(Poll).where(Custody.custodian_id == custodian_id).order_by(col(Poll.slug))
    return (await session.exec(query)).all()


async def _drop(session: AsyncSession, table: type[SQLModel], key: Any, poll_id: UUID) -> int:  # noqa: ANN401 - a column
    wanted = _of(table, poll_id)
    if is_embedded(session):
        wanted &= col(key).in_(select(key).where(wanted).limit(SLICE))
    return int((await session.exec(delete(table).where(wanted))).rowcount)


def _of(table: type[Any], poll_id: UUID) -> ColumnElement[bool]:
    return col(table.poll_id) == poll_id


# The statements of a cast are written once: writing one takes as long as sending it.


@cache
def _adding(dialect: str) -> Any:  # noqa: ANN401 - each database's own INSERT class
    return _insert(dialect, LINES).on_conflict_do_nothing().returning(LINES.c.tag)


@cache
def _changing() -> Update:
    line = (LINES.c.poll_id == bindparam("of_poll")) & (LINES.c.tag == bindparam("of_tag"))
    changed = update(LINES).where(line, LINES.c.form_key == bindparam("after"), LINES.c.channel != Channel.PAPER)
    return changed.values(channel=bindparam("channel"), form_key=bindparam("form_key"))


@cache
def _putting(dialect: str) -> Any:  # noqa: ANN401
    statement = _insert(dialect, ENVELOPES)
    place, sealed = ["poll_id", "slot"], statement.excluded.sealed
    return statement.on_conflict_do_update(index_elements=place, set_={"sealed": sealed})


def _insert(dialect: str, table: Table) -> Any:  # noqa: ANN401
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)
