"""What votes need done by the clock: they open, close, are counted and published by themselves, on the announced day.

Each step opens transactions of its own and may be begun by several workers at once: the rows decide who was first
(docs/adr/0011). So it is no job on the list, but something every worker looks for, once a second.
"""

import logging
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.freezing import lines_at_opening
from app.accounts.roll.newcomers.store import newcomers
from app.house import House
from app.jobs.notices import tell_at_closing
from app.jobs.store import enqueue
from ballots.closing import begin, close
from ballots.ending import end
from ballots.halting import end_annulled
from ballots.keys import Keys
from ballots.opening import open_box
from ballots.preparing import CUSTODIANS, fix_roll, start
from ballots.standing import show_turnout
from ballots.store import find_custody, find_over
from commons.clock import now
from commons.errors import DomainError
from polls.lifecycle import State
from polls.store import find_due
from polls.tables import Poll
from results.vote_publication import prepare_vote, publish_vote

log = logging.getLogger("khma.worker")


LOG_FIRST = frozenset({"box.not_in_checkpoint", "ledger.line_waits"})
"""What a vote says when the public log has to go on before it."""


async def tend_votes(house: House, told: dict[UUID, str]) -> None:
    """Do for every vote what its time asks. What fails for one does not keep the others waiting.

    told: what was logged of a vote that waits, so that each trouble is told once.
    """
    async with house.db.reading() as session:
        moment = await now(session)
        due = [*await find_due(session, moment), *await find_over(session, moment)]
    for poll in due:
        try:
            if await _tend(house, poll, moment):
                await house.db.write(lambda session: enqueue(session, "ledger.sequence"))
        except Exception as trouble:
            name = trouble.code if isinstance(trouble, DomainError) else type(trouble).__name__
            if name in LOG_FIRST:  # should whoever closed have died, ask again
                key = f"ledger for {poll.slug}"
                await house.db.write(lambda session, k=key: enqueue(session, "ledger.sequence", key=k))  # type: ignore[misc]
                continue
            if told.get(poll.id) != name:
                told[poll.id] = name
                log.warning("vote waits", extra={"vote": poll.slug, "trouble": name}, exc_info=trouble)


async def _tend(house: House, poll: Poll, moment: datetime) -> bool:
    """Do the next step of one vote. Returns whether something was done."""
    keys, folders = Keys(house.config.keys), house.config.box_folders
    match poll.state:
        case State.LOCKED:
            return await _open(house, keys, poll)
        case State.OPEN if poll.closes_at > moment:
            await house.db.write(lambda session: show_turnout(session, poll.id))
            return False
        case State.OPEN | State.CLOSING:
            await tell_at_closing(house, poll)
            return await close_vote(house, keys, poll) is not poll.state
        case State.CLOSED:
            await open_box(house.db, keys, keys.opener(poll.id), poll.id)
            async with house.db.reading() as session:
                prepared = await prepare_vote(session, poll.id)
            await house.db.write(lambda session: publish_vote(session, prepared))
            return True
        case State.ANNULLED if poll.objections_until > moment:
            return await end_annulled(house.db, keys, poll.id)
    return await end(house.db, keys, folders, poll.id)


async def close_vote(house: House, keys: Keys, poll: Poll) -> State:
    """Close a vote as `closing.close` does; the list of one open to all is fixed first, once its casting has ended."""
    roll_id = poll.roll_id
    if poll.open_to_all and roll_id is not None:

        async def fix(session: AsyncSession) -> None:
            if await begin(session, poll.id) is State.CLOSING:
                await fix_roll(session, keys, poll.id, await newcomers(session, roll_id))

        await house.db.write(fix)
    return await close(house.db, keys, house.config.box_folders, poll.id)


async def _open(house: House, keys: Keys, poll: Poll) -> bool:
    """Open a vote at its time, once a second person agreed and the custodians have shown that their copies open."""
    async with house.db.reading() as session:
        proved = [custody for custody, _ in await find_custody(session, poll.id) if custody.proved_at]
    if len(proved) < CUSTODIANS or poll.roll_id is None or poll.agreed_by is None:
        return False

    async def work(session: AsyncSession) -> None:
        await start(session, keys, poll.id, await lines_at_opening(session, poll))

    await house.db.write(work)
    return True
