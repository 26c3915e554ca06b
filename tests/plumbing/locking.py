"""Locking a vote as two people do: one freezes it, another agrees that it opens."""

from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.keys import Keys
from ballots.preparing import agree_to_open, lock
from polls.tables import Poll


async def lock_by_two(session: AsyncSession, keys: Keys, poll_id: UUID, sealing_key: bytes) -> Poll:
    """Lock a vote for a key file, and agree; in a body with one officer there is nobody left to agree."""
    poll = await lock(session, keys, poll_id, by=uuid4(), opener="key file", sealing_key=sealing_key)
    return poll if poll.agreed_by else await agree_to_open(session, poll_id, uuid4())
