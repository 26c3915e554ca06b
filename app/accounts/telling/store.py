"""Rounds of notices as rows: what was told, whom a line belongs to, and a slice of a round written down as letters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, insert, update
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Account, Identity, RollLine
from app.accounts.telling.rounds import Told
from app.accounts.telling.tables import NoticeMark, NoticeRound
from ballots.store import SLICE
from polls.lifecycle import State
from polls.tables import Poll

OVER = (State.CLOSED, State.PUBLISHED, State.ANNULLED)


@dataclass(frozen=True)
class Contact:
    """Where a letter about a line goes. language: None where it is not known."""

    line_id: UUID
    address: str
    language: str | None


async def find_contacts(session: AsyncSession, roll_id: UUID) -> list[Contact]:
    """Find the address of everybody on a roll whose account is known: bound to the line, or by their official number.

    A line may have two, where these are two accounts: either could cast by signing in.
    """
    bound = _contacts(roll_id).join(Account, col(Account.id) == RollLine.account_id)
    vouched = _contacts(roll_id).join(Identity, col(Identity.person_mac) == RollLine.person_mac)
    vouched = vouched.join(Account, col(Account.id) == Identity.account_id)
    connection = await session.connection()
    rows = [tuple(row) for query in (bound, vouched) for row in await connection.execute(query)]
    return [Contact(*row) for row in set(rows)]


def _contacts(roll_id: UUID) -> Select[Any, Any, Any]:
    found = select_columns(col(RollLine.id), col(Account.email), col(Account.language)).select_from(RollLine)
    return found.where(col(RollLine.roll_id) == roll_id, col(Account.email).is_not(None))


async def find_round(session: AsyncSession, poll_id: UUID) -> NoticeRound | None:
    """Find how far the rounds of a vote are."""
    return await session.get(NoticeRound, poll_id)


async def find_told(session: AsyncSession, poll_id: UUID) -> dict[bytes, Told]:
    """Read what was told of a vote: tag -> what."""
    columns = (NoticeMark.tag, NoticeMark.mark, NoticeMark.first_round, NoticeMark.told_again)
    rows = (await session.exec(select(*columns).where(NoticeMark.poll_id == poll_id))).all()
    return {tag: Told(mark, first_round, again) for tag, mark, first_round, again in rows}


async def begin_round(
    session: AsyncSession, poll_id: UUID, seen: datetime | None, moment: datetime, *, tells: bool
) -> int | None:
    """Note that a round is looked at, and whether it tells anybody; of many workers at once, one begins it.

    seen:    when the round before was looked at, on the view of the box on which this one was thought out.
    Returns: this one's number; None where somebody else was first.
    """
    try:
        async with session.begin_nested():
            session.add(NoticeRound(poll_id=poll_id))
            await session.flush()
    except IntegrityError:
        pass  # it is there already
    query = select(NoticeRound).where(NoticeRound.poll_id == poll_id).with_for_update()
    held = (await session.exec(query.execution_options(populate_existing=True))).one()
    if held.looked_at != seen:
        return None
    held.looked_at = moment
    if tells:
        held.number, held.told_at = held.number + 1, moment
    session.add(held)
    await session.flush()
    return held.number


async def write_marks(
    session: AsyncSession, poll_id: UUID, number: int, marks: Sequence[tuple[bytes, bytes]], before: Collection[bytes]
) -> None:
    """Note which lines a round tells of.

    marks: (tag, mark). before: tags of those who were told of their first ballot already.
    """
    new = [(tag, mark) for tag, mark in marks if tag not in before]
    rows = [
        {"poll_id": poll_id, "tag": tag, "mark": mark, "first_round": number, "told_again": False} for tag, mark in new
    ]
    if rows:
        await session.exec(insert(NoticeMark), params=rows)
    changed = [{"of_poll": poll_id, "of_tag": tag, "now": mark} for tag, mark in marks if tag in before]
    if changed:
        line = (col(NoticeMark.poll_id) == bindparam("of_poll")) & (col(NoticeMark.tag) == bindparam("of_tag"))
        connection = await session.connection()
        await connection.execute(update(NoticeMark).where(line).values(mark=bindparam("now"), told_again=True), changed)


async def forget_marks(session: AsyncSession) -> int:
    """Delete up to one slice of what is known of a vote that is over. Returns how many rows it was."""
    over = select(NoticeMark.poll_id).join(Poll).where(col(Poll.state).in_(OVER)).limit(1)
    if (poll_id := (await session.exec(over)).first()) is None:
        return 0
    some = select(NoticeMark.tag).where(NoticeMark.poll_id == poll_id).limit(SLICE)
    theirs = (col(NoticeMark.poll_id) == poll_id) & col(NoticeMark.tag).in_(some)
    return int((await session.exec(delete(NoticeMark).where(theirs))).rowcount)
