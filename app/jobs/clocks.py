"""How long each thing about people is kept: one table, which the worker goes by and the privacy page shows.

What is kept, how long, and who deletes it stands here; the sentence that says why, in `templates/pages/_clocks.html`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.limits import LONGEST_WAIT_SECONDS, SLOW_SECONDS, WINDOW_SECONDS
from app.accounts.links import SPENT_KEPT, sweep_links
from app.accounts.phones.store import CODE_LIVES, sweep_codes
from app.accounts.rights.store import EVENTS_KEPT, forget_old_events, forget_struck_lines
from app.accounts.roll.freezing import forget_facts
from app.accounts.roll.newcomers.store import forget_newcomers
from app.accounts.screens.joining import LASTS as SCREENS_LAST
from app.accounts.screens.store import sweep_screens
from app.accounts.sessions import DEVICE_KNOWN_FOR, LONGEST, sweep_devices, sweep_sessions
from app.house import House
from app.jobs.store import KEPT, sweep_jobs
from app.letters.outbox import sweep_letters

LETTERS_KEPT = timedelta(days=30)
STRANGERS_KEPT = timedelta(days=7)
TO_STRANGERS = ("sign_up", "invitation", "address_new")
"""Letters whose links are dead by then, to addresses that may belong to nobody here."""
STRUCK_KEPT = timedelta(days=30)
FACTS_KEPT = timedelta(hours=1)
"""After the objections to the last vote whose rule needs them: until the next round."""
NEWCOMERS_KEPT = timedelta(days=1)
"""After the objections; by then the vote's roll key is destroyed, and their marks lead to nobody."""


@dataclass(frozen=True)
class Clock:
    """One thing that is kept for a time. sweep: deletes what was kept longer."""

    name: str
    lasts: timedelta
    sweep: Callable[[House, AsyncSession], Awaitable[None]]

    @property
    def days(self) -> int:
        """How many whole days it lasts; none for minutes and hours."""
        return self.lasts.days

    @property
    def minutes(self) -> int:
        """How many minutes it lasts."""
        return int(self.lasts.total_seconds()) // 60


async def _sessions(_: House, session: AsyncSession) -> None:
    await sweep_sessions(session)


async def _devices(_: House, session: AsyncSession) -> None:
    await sweep_devices(session, DEVICE_KNOWN_FOR)


async def _invitations(_: House, session: AsyncSession) -> None:
    await sweep_letters(session, STRANGERS_KEPT, TO_STRANGERS)


async def _links(_: House, session: AsyncSession) -> None:
    await sweep_links(session)


async def _phone_codes(_: House, session: AsyncSession) -> None:
    await sweep_codes(session)


async def _screens(_: House, session: AsyncSession) -> None:
    await sweep_screens(session)


async def _letters(_: House, session: AsyncSession) -> None:
    await sweep_letters(session, LETTERS_KEPT)


async def _security_log(_: House, session: AsyncSession) -> None:
    await forget_old_events(session)


async def _struck_lines(_: House, session: AsyncSession) -> None:
    await forget_struck_lines(session, STRUCK_KEPT)


async def _newcomers(_: House, session: AsyncSession) -> None:
    await forget_newcomers(session, NEWCOMERS_KEPT)


async def _facts(_: House, session: AsyncSession) -> None:
    await forget_facts(session)


async def _failed_tries(house: House, _: AsyncSession) -> None:
    house.limits.sweep()


async def _jobs(_: House, session: AsyncSession) -> None:
    await sweep_jobs(session)


CLOCKS = (
    Clock("sessions", LONGEST, _sessions),
    Clock("devices", DEVICE_KNOWN_FOR, _devices),
    Clock("invitations", STRANGERS_KEPT, _invitations),
    Clock("links", SPENT_KEPT, _links),
    Clock("phone_codes", CODE_LIVES, _phone_codes),
    Clock("screens", SCREENS_LAST, _screens),
    Clock("letters", LETTERS_KEPT, _letters),
    Clock("security_log", EVENTS_KEPT, _security_log),
    Clock("struck_lines", STRUCK_KEPT, _struck_lines),
    Clock("facts", FACTS_KEPT, _facts),
    Clock("newcomers", NEWCOMERS_KEPT, _newcomers),
    Clock("failed_tries", timedelta(seconds=WINDOW_SECONDS + LONGEST_WAIT_SECONDS), _failed_tries),
    Clock("wrong_second_facts", timedelta(seconds=SLOW_SECONDS), _failed_tries),
    Clock("jobs", KEPT, _jobs),
)
