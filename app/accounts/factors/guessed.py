"""Codes that were refused after a right password: somebody else may know it, so its owner is told, once a day at most.

What is counted are lines of the security log, so it does not matter which machine answered, nor how slowly the guesses
came: five within a day are enough.
"""

from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.store import count_events, get_account
from app.accounts.tables import Account, Event
from app.letters.outbox import write_letter
from commons.clock import now

TOLD_AFTER = 5
WITHIN = timedelta(days=1)


async def note_refused(session: AsyncSession, account_id: UUID, browser: str, language: str) -> None:
    """Write down that a code was refused at sign-in; tell the owner where it was the fifth or more within a day.

    language: of the page, for an owner whose own is not known; whoever guesses may have chosen it.
    """
    await session.get(Account, account_id, with_for_update=True)  # of many guesses at once, one brings the letter
    await note(session, Event.SECOND_STEP_FAILED, whom=account_id, browser=browser)
    counted = await count_events(session, account_id, await now(session) - WITHIN)
    times = counted[Event.SECOND_STEP_FAILED]
    if times < TOLD_AFTER or Event.GUESSING_TOLD in counted:
        return
    await note(session, Event.GUESSING_TOLD, whom=account_id)
    account = await get_account(session, account_id)
    await write_letter(session, account.email, "code_guessed", account.language or language, times=str(times))
