"""A roll to try things on, made through the services, and a vote that names it."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.importing import Entry
from app.accounts.roll.store import add_lines, add_roll
from app.accounts.tables import RollLine
from app.db import Database
from commons.clock import now
from commons.organisations.store import find_host, found
from polls.drafting import draft
from polls.lifecycle import State
from polls.tables import Poll
from tests.ballots.voting import plan


def people(count: int) -> list[Entry]:
    """Name so many people."""
    return [Entry(f"{number:06}", f"Voter {number}") for number in range(1, count + 1)]


async def made_roll(db: Database, entries: Sequence[Entry] = ()) -> UUID:
    """Make a roll with these lines."""

    async def work(session: AsyncSession) -> UUID:
        host = await find_host(session) or await found(session, {"en": "Hall"}, {}, "UTC")
        roll = await add_roll(session, host.id, {"en": "Residents"})
        await add_lines(session, roll.id, entries)
        return roll.id

    return await db.write(work)


async def lines_of(db: Database, roll_id: UUID) -> list[RollLine]:
    """Read all lines of a roll, by reference."""
    async with db.reading() as session:
        query = select(RollLine).where(RollLine.roll_id == roll_id).order_by(col(RollLine.reference))
        return list((await session.exec(query)).all())


async def made_vote(db: Database, roll_id: UUID, state: State) -> Poll:
    """Make a vote that names a roll, and bring it into a state without asking the services."""

    async def work(session: AsyncSession) -> Poll:
        host = await find_host(session)
        assert host is not None
        poll = await draft(session, host.id, plan(roll_id=roll_id))
        poll.state = state
        if state not in {State.DRAFT, State.LOCKED}:
            poll.opened_at = await now(session)
        session.add(poll)
        return poll

    return await db.write(work)
