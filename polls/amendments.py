"""Changing a frozen vote: one official asks and says why, another one agrees, and the public ledger has a line.

The card itself never changes. What two people can change are the effective times and the state.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from polls.lifecycle import LEADS_TO, Kind, amend_times, check_change, check_kind
from polls.store import find_amendments, hold_amendment, hold_poll
from polls.tables import Amendment, Poll

LONGEST_REASON = 1000
LINES = {
    Kind.SUSPEND: "poll.suspended",
    Kind.RESUME: "poll.resumed",
    Kind.ANNUL: "poll.annulled",
    Kind.SET_ASIDE: "poll.set_aside",
}
"""The ledger's kind of line for each; the others are "poll.amended"."""


async def ask(
    session: AsyncSession, poll_id: UUID, kind: Kind, reason: str, asked_by: UUID, values: Mapping[str, str]
) -> Amendment:
    """Ask for a change, with the reason that the public will read.

    values:  {"time": "2026-11-22T18:00:00+00:00"} for the kinds that move a time.
    Raises:  NotFound; Invalid "reason.missing", "text.too_long" or a wrong time; Conflict "poll.amendment_untimely" or
             "approval.waiting" when the same kind is being asked already.
    """
    if not (reason := reason.strip()):
        raise Invalid("reason.missing", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("text.too_long", field="reason", limit=LONGEST_REASON, found=len(reason))
    poll = await hold_poll(session, poll_id)
    check_kind(kind, poll.state)
    moment = await now(session)
    amend_times(kind, poll.times, moment, _time_of(values))
    if any(each.waits and each.kind is kind for each in await find_amendments(session, poll_id)):
        raise Conflict("approval.waiting")
    amendment = Amendment(
        poll_id=poll_id, kind=kind, reason=reason, values=dict(values), asked_by=asked_by, asked_at=moment
    )
    session.add(amendment)
    await session.flush()
    return amendment


async def agree(session: AsyncSession, amendment_id: UUID, agreed_by: UUID) -> Poll:
    """Agree to a change: from here on it is in force, and in the ledger.

    Returns: the vote with its new state and times.
    Raises:  NotFound; Conflict "approval.decided", "poll.amendment_untimely" or "poll.change"; Invalid for a time that
             has passed meanwhile; Forbidden "approval.same_person", except in a body with one officer.
    """
    amendment = await hold_amendment(session, amendment_id)
    poll = await hold_poll(session, amendment.poll_id)
    if not amendment.waits:
        raise Conflict("approval.decided")
    if amendment.asked_by == agreed_by and not poll.single_handed:
        raise Forbidden("approval.same_person")
    check_kind(amendment.kind, poll.state)
    moment = await now(session)
    times = amend_times(amendment.kind, poll.times, moment, _time_of(amendment.values))
    if after := LEADS_TO.get(amendment.kind):
        check_change(poll.state, after)
        poll.state = after
    poll.closes_at, poll.publishes_at, poll.suspended_at = times.closes_at, times.publishes_at, times.suspended_at
    amendment.agreed_by, amendment.agreed_at = agreed_by, moment
    session.add_all([poll, amendment])
    words: LineWords = {"kind": amendment.kind.value, "reason": amendment.reason, "card": poll.card_hash}
    words |= {"closes_at": poll.closes_at.isoformat(), "publishes_at": poll.publishes_at.isoformat()}
    await append(session, LINES.get(amendment.kind, "poll.amended"), words, subject=poll.subject)
    return poll


async def refuse(session: AsyncSession, amendment_id: UUID, refused_by: UUID) -> None:
    """Refuse a change, or take one's own request back. Raises NotFound, Conflict "approval.decided"."""
    amendment = await hold_amendment(session, amendment_id)
    if not amendment.waits:
        raise Conflict("approval.decided")
    amendment.refused_by, amendment.refused_at = refused_by, await now(session)
    session.add(amendment)
    await session.flush()


def _time_of(values: Mapping[str, str]) -> datetime | None:
    """Read the time of an amendment; it must name its zone."""
    if not (text := values.get("time")):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as reason:
        raise Invalid("time.malformed", field="time") from reason
    if moment.tzinfo is None:
        raise Invalid("time.malformed", field="time")
    return moment.astimezone(UTC)
