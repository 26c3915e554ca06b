"""Coming in: a session in place of the one that was there, and a letter to its owner where the device is new."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.roles.store import find_roles
from app.accounts.sessions import close_session, meet_device, open_session
from app.accounts.store import remember_language
from app.accounts.tables import Account, Event
from app.i18n import moment_filter
from app.letters.outbox import write_letter
from app.security import Roles
from commons.clock import now
from commons.organisations.store import find_host


@dataclass(frozen=True)
class Arrival:
    """By which door somebody comes in.

    before: token of the session that the browser had, or nothing. browser: in a few words. device: its random cookie.
    language: of the page. proved: they showed their second factor. shown_ago: since they showed who they are.
    """

    before: str
    browser: str
    device: str
    language: str
    proved: bool
    shown_ago: timedelta = timedelta(0)


async def let_in(session: AsyncSession, secret: str, account: Account, arrival: Arrival) -> tuple[str, Roles]:
    """Sign somebody in whose password or provider, and code if they have a factor, were right.

    Returns: the session's token, and what they may do here.
    """
    await close_session(session, arrival.before)
    if await meet_device(session, secret, account.id, arrival.device):
        host = await find_host(session)
        at = moment_filter(arrival.language, host.zone if host else "UTC")(await now(session))
        await write_letter(session, account.email, "new_device", arrival.language, browser=arrival.browser, at=at)
    if account.language != arrival.language:
        await remember_language(session, account.id, arrival.language)
    await note(session, Event.SIGNED_IN, who=account.id, browser=arrival.browser)
    token = await open_session(session, account.id, arrival.browser, proved=arrival.proved, shown_ago=arrival.shown_ago)
    return token, await find_roles(session, account.id)
