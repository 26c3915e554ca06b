"""The ways on from a vote that has stopped: set the damaged rows aside, repair them from a backup, or annul the vote.

Each needs two people and a public reason, as every change of a frozen vote does (`polls/amendments.py`); what is here
does to the box what they agreed on.
"""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.closing import Doors
from ballots.inspecting import inspect
from ballots.keys import Keys
from ballots.store import get_box, set_rows_aside, step_of
from ballots.tables import Step
from commons.errors import Conflict
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from commons.rows import within
from polls import amendments
from polls.lifecycle import Kind, State
from polls.store import get_poll, hold_amendment
from polls.tables import Amendment, Poll


async def ask_to_set_aside(session: AsyncSession, keys: Keys, poll_id: UUID, reason: str, asked_by: UUID) -> Amendment:
    """Ask that exactly the rows that do not fit now are set aside.

    Raises: as `amendments.ask`; Conflict "box.nothing_misfits" when all fit: then it is to be called repaired.
    """
    found = await inspect(session, keys, poll_id)
    if not found.misfits:
        raise Conflict("box.nothing_misfits")
    values = {"misfits": found.fingerprint, "rows": str(len(found.misfits))}
    return await amendments.ask(session, poll_id, Kind.SET_ASIDE, reason, asked_by, values)


async def agree(session: AsyncSession, keys: Keys, amendment_id: UUID, agreed_by: UUID) -> Poll:
    """Agree to any change of a frozen vote, as the second person: the one door, whatever the change is.

    Rows that are set aside are kept and counted, and the closing goes on. After annulling, `end_annulled` is due.

    Raises: as `amendments.agree`; Conflict "box.changed_meanwhile" when other rows misfit than those asked about,
            "box.opened_already" for annulling what was opened: such a result is withdrawn instead.
    """
    amendment = await hold_amendment(session, amendment_id)
    if amendment.kind is not Kind.SET_ASIDE:
        poll = await amendments.agree(session, amendment_id, agreed_by)
        if amendment.kind is Kind.ANNUL and await within(session, step_of, poll.id) is Step.OPENED:
            raise Conflict("box.opened_already")
        return poll
    found = await inspect(session, keys, amendment.poll_id)
    if found.fingerprint != amendment.values.get("misfits"):
        raise Conflict("box.changed_meanwhile")
    poll = await amendments.agree(session, amendment_id, agreed_by)
    box = await get_box(session, poll.id)
    box.set_aside += len(found.misfits)
    box.paper = found.paper
    session.add(box)
    await set_rows_aside(session, found.misfits)
    return poll


async def end_annulled(doors: Doors, keys: Keys, poll_id: UUID) -> bool:
    """Destroy what could still open the box of an annulled vote; receipts and lists stay. May be run again.

    Returns: whether there was something to destroy.
    Raises: NotFound "poll.unknown"; Conflict "poll.not_annulled".
    """
    async with doors.reading() as session:
        poll = await get_poll(session, poll_id)
    if poll.state is not State.ANNULLED:
        raise Conflict("poll.not_annulled")
    if not (keys.has_box(poll_id) or keys.has_opener(poll_id)):
        return False
    keys.destroy_box(poll_id)
    keys.destroy_opener(poll_id)
    said: LineWords = {"by": "server", "annulled": poll.card_hash}

    async def tell(session: AsyncSession) -> None:
        await append(session, "box.key_destroyed", said, subject=poll.subject)

    await doors.write(tell)
    return True
