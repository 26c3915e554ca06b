"""Whose lines a vote freezes when it opens."""

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.store import roll_lines
from polls.tables import Poll


async def lines_at_opening(session: AsyncSession, poll: Poll) -> list[bytes]:
    """Read the fixed bytes of every line that may vote, for `ballots.preparing.start`, in the transaction that opens.

    Returns: none for a vote open to all, whose list is fixed at closing; none without a roll, and so it does not open.
    """
    if poll.open_to_all or poll.roll_id is None:
        return []
    return await roll_lines(session, poll.roll_id)
