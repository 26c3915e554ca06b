"""What was done for a voter at a counter, for this voter to see: which act, on which day; no name, no ballot.

An act is kept under a keyed hash of the roll line that is not the voter's tag: without the key of the roll, which lies
outside the database, the rows lead to nobody, and not to a line of participation either. With that key they end.
"""

from zoneinfo import ZoneInfo

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.keys import Keys
from ballots.tables import Act, AssistedAct
from commons.clock import now
from commons.organisations.store import get_host
from polls.tables import Poll


async def note_act(session: AsyncSession, keys: Keys, poll: Poll, line: bytes, act: Act) -> None:
    """Note an act, with the day by the clock of the organisation. Raises Conflict "keys.gone"."""
    zone = ZoneInfo((await get_host(session)).zone)
    day = (await now(session)).astimezone(zone).date()
    session.add(AssistedAct(poll_id=poll.id, mark=keys.counter_mark(poll.id, line), act=act, day=day))
    await session.flush()


async def find_acts(session: AsyncSession, keys: Keys, poll: Poll, line: bytes) -> list[AssistedAct]:
    """Find what was done for a voter, by day. Raises Conflict "keys.gone" once the key of the roll is destroyed."""
    query = select(AssistedAct).where(
        AssistedAct.poll_id == poll.id, AssistedAct.mark == keys.counter_mark(poll.id, line)
    )
    return list((await session.exec(query.order_by(col(AssistedAct.day), col(AssistedAct.act)))).all())
