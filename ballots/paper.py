"""Who votes on paper: marked once, at the counter, and only who took no part; taken back by two people.

A mark is a line of participation without an envelope. It carries a keyed hash that nobody makes without the box key,
and the box counts the marks: so one that was made up, changed, deleted or put back alone stops the closing, as an
electronic line would. Everything happens in the caller's transaction.
"""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.eligibility import Channel, VoterFacts, check_eligible
from ballots.keys import Keys
from ballots.sealing import paper_mark
from ballots.store import add_line, count_mark, drop_paper_line, form_of, get_box
from commons.approvals.store import ask, decide, find_waiting
from commons.approvals.tables import Approval, Decision
from commons.clock import now
from commons.errors import Conflict, Invalid, NotFound
from commons.ledger.sequence import append
from commons.organisations.store import hold_host
from commons.rows import within
from polls.lifecycle import check_accepting
from polls.store import hold_poll
from polls.tables import Poll

RELEASE = "paper.release"


async def mark(session: AsyncSession, keys: Keys, poll_id: UUID, tag: bytes, facts: VoterFacts) -> None:
    """Mark a voter as voting on paper, if they took no part in any way; from then on no code of theirs casts a ballot.

    Raises: Conflict "poll.…" where the vote takes no ballots, "paper.voted" for somebody with a ballot in the box,
            "paper.marked"; Forbidden "voter.not_on_roll" or "voter.void".
    """
    poll = await hold_poll(session, poll_id, shared=True)
    check_accepting(poll.state, poll.closes_at, await now(session))
    check_eligible(facts, poll.roll_id)
    made = paper_mark(keys.box(poll_id), tag)
    if await within(session, add_line, poll_id, tag, Channel.PAPER, made):
        await count_mark(session, poll_id, 1)
    elif await is_marked(session, poll_id, tag):
        raise Conflict("paper.marked")
    else:
        raise Conflict("paper.voted")


async def is_marked(session: AsyncSession, poll_id: UUID, tag: bytes) -> bool:
    """Tell whether a voter is marked as voting on paper."""
    line = await within(session, form_of, poll_id, tag)
    return line is not None and line[0] is Channel.PAPER


async def find_request(session: AsyncSession, poll_id: UUID, tag: bytes) -> Approval | None:
    """Find the request that a voter's mark be taken back, while it waits for a second person."""
    return next(iter(await find_waiting(session, [RELEASE], _subject(poll_id, tag))), None)


async def ask_to_release(session: AsyncSession, poll_id: UUID, tag: bytes, reason: str, asked_by: UUID) -> bool:
    """Ask that a mark made by mistake be taken back; in a single-handed body it is done at once.

    Returns: whether it is done.
    Raises:  Conflict "paper.not_marked", "approval.waiting", and as `settle`; Invalid "paper.reason_missing".
    """
    host = await hold_host(session)
    await _hold(session, poll_id)
    if not await is_marked(session, poll_id, tag):
        raise Conflict("paper.not_marked")
    if not reason.strip():
        raise Invalid("paper.reason_missing", field="reason")
    await ask(session, RELEASE, _subject(poll_id, tag), reason, asked_by)
    if host.single_handed:
        await settle(session, poll_id, tag, asked_by, Decision.APPROVED)
    return host.single_handed


async def settle(session: AsyncSession, poll_id: UUID, tag: bytes, decided_by: UUID, decision: Decision) -> None:
    """Decide as a second person; agreed to, the voter may vote again by every door, and the public log counts it.

    Raises: NotFound "approval.unknown"; Forbidden "approval.same_person"; Conflict "poll.…" where the vote takes no
            ballots any more, "paper.not_marked".
    """
    host = await hold_host(session)
    if (approval := await find_request(session, poll_id, tag)) is None:
        raise NotFound("approval.unknown")
    await decide(session, approval.id, decided_by, decision, single_handed=host.single_handed)
    if decision is Decision.REFUSED:
        return
    poll = await _hold(session, poll_id)
    if not await drop_paper_line(session, poll_id, tag):
        raise Conflict("paper.not_marked")
    await count_mark(session, poll_id, -1)
    box = await get_box(session, poll_id)
    box.paper_released += 1
    session.add(box)
    await append(session, "paper.released", {"released": box.paper_released}, subject=poll.subject)


async def _hold(session: AsyncSession, poll_id: UUID) -> Poll:
    poll = await hold_poll(session, poll_id)
    check_accepting(poll.state, poll.closes_at, await now(session))
    return poll


def _subject(poll_id: UUID, tag: bytes) -> str:
    """Name a voter by their tag: it leads to nobody once the key of the roll is destroyed."""
    return f"paper/{poll_id}/{tag.hex()}"
