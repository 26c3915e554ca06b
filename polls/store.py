"""Reading and holding the rows of votes. Nothing is decided here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.clock import moment_in
from commons.errors import Conflict, NotFound
from commons.organisations.store import host_id
from polls.kinds import Paper, paper_of
from polls.lifecycle import State
from polls.tables import Amendment, Poll, option_ids_of

PER_PAGE = 20
MOST_WAITING = 50


@dataclass(frozen=True)
class Held:
    """What a cast needs of a vote whose row its transaction holds beside other casts.

    moment: the database's, asked for after the row was held: who waited for it learns how late it has become.
    """

    id: UUID
    state: State
    closes_at: datetime
    roll_id: UUID | None
    open_to_all: bool
    eligibility: dict[str, Any] | None
    options: list[dict[str, Any]]
    most_ranked: int
    rule: str
    terms: dict[str, Any]
    card_hash: str
    sealing_key: bytes
    moment: datetime

    @property
    def option_ids(self) -> tuple[int, ...]:
        """The numbers of the options, in the order of the card."""
        return option_ids_of(self.options)

    @property
    def paper(self) -> Paper:
        """What one ballot may say."""
        return paper_of(self.rule, self.options, self.most_ranked, self.terms)


_OURS = col(Poll.organisation_id) == host_id()  # another organisation's are answered like unknown ones
HELD = tuple(each.name for each in fields(Held))


async def get_poll(session: AsyncSession, poll_id: UUID) -> Poll:
    """Get a vote. Raises NotFound "poll.unknown"."""
    if (poll := await session.get(Poll, poll_id)) is None:
        raise NotFound("poll.unknown")
    return poll


async def find_poll(session: AsyncSession, slug: str) -> Poll | None:
    """Find a vote held here by its address, drafts too: who may see a draft is decided above."""
    return (await session.exec(select(Poll).where(Poll.slug == slug, _OURS))).first()


async def get_poll_at(session: AsyncSession, slug: str) -> Poll:
    """Get a vote by its address. Raises NotFound "poll.unknown"."""
    if (poll := await find_poll(session, slug)) is None:
        raise NotFound("poll.unknown")
    return poll


async def get_public_poll(session: AsyncSession, slug: str) -> Poll:
    """Get a vote that is public, by its address. Raises NotFound "poll.unknown" for a draft too."""
    if (poll := (await session.exec(select(Poll).where(*public(slug)))).first()) is None:
        raise NotFound("poll.unknown")
    return poll


def public(slug: str) -> tuple[ColumnElement[bool], ...]:
    """Tell of a row whether it is the vote at an address, and public."""
    return col(Poll.slug) == slug, _OURS, col(Poll.state) != State.DRAFT


async def find_polls(session: AsyncSession, *states: State) -> Sequence[Poll]:
    """Find our votes in these states, or all, the one that closes last first."""
    query = select(Poll).where(_OURS).order_by(col(Poll.closes_at).desc(), col(Poll.slug))
    return (await session.exec(query.where(col(Poll.state).in_(states)) if states else query)).all()


async def list_polls(
    session: AsyncSession, states: Collection[State], page: int, *, soonest: bool = False
) -> tuple[Sequence[Poll], int]:
    """List votes in some states: PER_PAGE of them, and how many there are in all.

    page:    counted from 1.
    soonest: the one that closes next comes first; else the one that closes last.
    """
    is_wanted = col(Poll.state).in_(states) & _OURS
    total = (await session.exec(select(func.count()).select_from(Poll).where(is_wanted))).one()
    closes = col(Poll.closes_at)
    query = select(Poll).where(is_wanted).order_by(closes if soonest else closes.desc(), col(Poll.slug))
    return (await session.exec(query.offset((page - 1) * PER_PAGE).limit(PER_PAGE))).all(), total


async def find_repeat(session: AsyncSession, poll_id: UUID) -> Poll | None:
    """Find the vote that repeats an annulled one."""
    return (await session.exec(select(Poll).where(Poll.repeats == poll_id))).first()


async def find_due(session: AsyncSession, moment: datetime) -> Sequence[Poll]:
    """Find the votes of which the clock asks something: that should open, that are open or being closed, whose result
    should come, and those annulled whose objections are not over.
    """
    state = col(Poll.state)
    is_due = (
        ((state == State.LOCKED) & (col(Poll.planned_opens_at) <= moment) & (col(Poll.closes_at) > moment))
        | state.in_([State.OPEN, State.CLOSING])
        | ((state == State.CLOSED) & (col(Poll.publishes_at) <= moment))
        | ((state == State.ANNULLED) & (col(Poll.objections_until) > moment))
    )
    return (await session.exec(select(Poll).where(is_due).order_by(col(Poll.closes_at)))).all()


async def hold_poll(session: AsyncSession, poll_id: UUID, *, shared: bool = False) -> Poll:
    """Get a vote and hold its row until the transaction ends.

    shared:  many casts may hold it beside one another; whoever changes the vote holds it alone, and so waits for every
             cast that is on its way. On SQLite the one writer is the hold.
    Raises:  NotFound "poll.unknown".
    """
    query = select(Poll).where(Poll.id == poll_id).with_for_update(read=shared)
    if (poll := (await session.exec(query.execution_options(populate_existing=True))).first()) is None:
        raise NotFound("poll.unknown")
    return poll


def hold_for_cast(connection: Connection, slug: str) -> Held:
    """Hold a public vote, by its address, beside other casts; then ask the clock. Raises NotFound "poll.unknown"."""
    return read_held(connection.execute(holding(connection.dialect.name), {"slug": slug}).first())


@cache
def holding(dialect: str) -> Select[Any]:
    """Write the statement that holds a vote for a cast; its first columns are those of `Held`.

    The clock stands outside of what holds the row: PostgreSQL would else look at it before it waits for the row.
    Written once: writing a statement takes as long as sending it.
    """
    columns = SQLModel.metadata.tables[str(Poll.__tablename__)].c
    needed = [columns[name] for name in HELD if name != "moment"]
    there = (columns.slug == bindparam("slug")) & (columns.organisation_id == host_id())
    held = select_columns(*needed).where(there).with_for_update(read=True).subquery()
    return select_columns(held, moment_in(dialect))


def read_held(row: Sequence[Any] | None) -> Held:
    """Read what `holding` found. Raises NotFound "poll.unknown", for a draft too."""
    if row is None or (held := Held(*row[: len(HELD)])).state is State.DRAFT:
        raise NotFound("poll.unknown")
    return held


async def add_poll(session: AsyncSession, poll: Poll) -> None:
    """Add a vote. Raises Conflict "poll.taken" when another one has its address."""
    session.add(poll)
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as taken:
        raise Conflict("poll.taken", field="title_en", slug=poll.slug) from taken


async def hold_amendment(session: AsyncSession, amendment_id: UUID) -> Amendment:
    """Get an amendment and hold its row. Raises NotFound "amendment.unknown"."""
    ours = select(Poll.id).where(_OURS)
    query = select(Amendment).where(Amendment.id == amendment_id, col(Amendment.poll_id).in_(ours)).with_for_update()
    if (amendment := (await session.exec(query.execution_options(populate_existing=True))).first()) is None:
        raise NotFound("amendment.unknown")
    return amendment


async def find_amendments(session: AsyncSession, poll_id: UUID) -> Sequence[Amendment]:
    """Find all amendments of a vote, oldest first: those in force, those refused and those that wait."""
    query = select(Amendment).where(Amendment.poll_id == poll_id).order_by(col(Amendment.asked_at))
    return (await session.exec(query)).all()


async def find_waiting_amendments(session: AsyncSession, organisation_id: UUID) -> Sequence[tuple[Amendment, Poll]]:
    """Find what waits for a second person in any vote of an organisation, oldest first."""
    waits = col(Amendment.agreed_by).is_(None) & col(Amendment.refused_by).is_(None)
    query = select(Amendment, Poll).join(Poll).where(waits, Poll.organisation_id == organisation_id)
    return (await session.exec(query.order_by(col(Amendment.asked_at)).limit(MOST_WAITING))).all()
