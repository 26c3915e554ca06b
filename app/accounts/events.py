"""The security log: who signed in, failed to, or was given a role, and when. A line is written once and stays."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Event, SecurityEvent
from commons.clock import now


async def note(
    session: AsyncSession,
    event: Event,
    *,
    who: UUID | None = None,
    whom: UUID | None = None,
    browser: str = "",
    about: str = "",
) -> None:
    """Write down what happened, in the transaction in which it does.

    who:     the account that acted; None: somebody unknown, or the operator.
    whom:    the account it was done to; not given, the same.
    browser: in a few words, as the list of sessions names it. about: such as the role; never a name or an address.
    """
    moment = await now(session)
    session.add(SecurityEvent(happened_at=moment, event=event, who=who, whom=whom or who, browser=browser, about=about))
    await session.flush()
