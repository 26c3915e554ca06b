"""After a backup was put back: a vote that was open waits for two people, and none goes on without its keys.

What was cast after the copy was made is lost, and only its voters know: their receipts will not be found. So nobody
votes on as if nothing had happened before the office has said so.
"""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.keys import Keys
from ballots.store import find_custody, get_box
from ballots.tables import Step
from commons.clock import minute_of, now
from commons.errors import Conflict
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from commons.tables import text_in
from polls.lifecycle import State, check_change
from polls.store import find_polls
from polls.tables import Poll

ON_THEIR_WAY = (State.OPEN, State.SUSPENDED, State.CLOSING, State.HALTED)
REASON = "restored from a backup; ballots and receipts newer than the backup will not be found"


async def suspend_restored(session: AsyncSession, keys: Keys, copied_at: datetime) -> list[Poll]:
    """Interrupt every vote that was open in a copy, in the transaction that puts the copy back.

    copied_at: when the copy was made; the time that was left then is what resuming gives back.
    Returns:   the votes that are interrupted now.
    Raises:    Conflict "backup.keys_missing" naming the votes on their way whose keys are not here, and by their
               functions those who can open the sealed copies.
    """
    polls = await find_polls(session, *ON_THEIR_WAY)
    missing = [poll for poll in polls if not keys.is_whole(poll.id) and await _needs_keys(session, poll)]
    if missing:
        custodians = {
            text_in(custodian.functions, "en")
            for poll in missing
            for _, custodian in await find_custody(session, poll.id)
        }
        names = {"votes": ", ".join(poll.slug for poll in missing), "custodians": ", ".join(sorted(custodians))}
        raise Conflict("backup.keys_missing", votes=names["votes"], custodians=names["custodians"])
    opened = [poll for poll in polls if poll.state is State.OPEN]
    moment = min(copied_at, await now(session))
    for poll in opened:
        check_change(poll.state, State.SUSPENDED)
        poll.state, poll.suspended_at = State.SUSPENDED, moment
        session.add(poll)
        said: LineWords = {"reason": REASON, "card": poll.card_hash, "copied_at": minute_of(moment).isoformat()}
        await append(session, "poll.suspended", said, subject=poll.subject)
    await session.flush()
    return opened


async def _needs_keys(session: AsyncSession, poll: Poll) -> bool:
    """Tell whether something is still to be unwrapped: a closing whose urn is full needs no key any more."""
    return poll.state is not State.CLOSING or (await get_box(session, poll.id)).step in {Step.CASTING, Step.LISTED}
