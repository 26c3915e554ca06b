"""Reading rolls, until `app/accounts/roll/store.py` is there: the two questions that asking a vote has."""

from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Roll, RollLine


async def find_rolls(session: AsyncSession, organisation_id: UUID) -> list[tuple[Roll, int]]:
    """Find an organisation's rolls, the newest first, each with the number of people on it."""
    on_it = (col(RollLine.roll_id) == Roll.id) & col(RollLine.struck_at).is_(None)
    query = select(Roll, func.count(col(RollLine.id))).join(RollLine, on_it, isouter=True).group_by(col(Roll.id))
    rows = await session.exec(query.where(Roll.organisation_id == organisation_id).order_by(col(Roll.made_at).desc()))
    return [(roll, size) for roll, size in rows]


async def roll_lines(session: AsyncSession, roll_id: UUID) -> list[bytes]:
    """Read the fixed bytes of every line of a roll: the ids of those who are not struck off."""
    query = select(RollLine.id).where(RollLine.roll_id == roll_id, col(RollLine.struck_at).is_(None))
    return [line.bytes for line in (await session.exec(query)).all()]
