"""The security log: who signed in, failed to, or was given a role, and when. A line is written once and stays."""

from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Event, SecurityEvent
from commons.clock import now
from commons.organisations.store import get_host


async def note(
    session: AsyncSession,
    event: Event,
    *,
    who: UUID | None = None,
    whom: UUID | None = None,
    browser: str = "",
    about: str = "",
    day_alone: bool = False,
) -> None:
    """Write down what happened, in the transaction in which it does.

    who:     the account that acted; None: somebody unknown, or the operator.
    whom:    the account it was done to; not given, the same.
    browser: in a few words, as the list of sessions names it. about: such as the role; never a name or an address.
    day_alone: keep no hour of it, since it would tell when somebody voted.
    """
    moment = await now(session)
    if day_alone:
        zone = ZoneInfo((await get_host(session)).zone)
        moment = datetime.combine(moment.astimezone(zone).date(), time(), zone)
    session.add(SecurityEvent(happened_at=moment, event=event, who=who, whom=whom or who, browser=browser, about=about))
    await session.flush()
