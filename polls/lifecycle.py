"""The life of a vote: which states there are, which may follow which, and why each exception exists. Pure.

    draft -> locked -> open -> closing -> closed -> published

is the whole road of a vote to which nothing happens. Everything else needs a second person, except `halted`: that one
happens by itself, when the closing finds rows that do not fit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from commons.errors import Conflict, Invalid


class State(StrEnum):
    """Where a vote stands. Every state from `locked` on is public."""

    DRAFT = "draft"
    LOCKED = "locked"
    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    HALTED = "halted"
    CLOSED = "closed"
    PUBLISHED = "published"
    ANNULLED = "annulled"


CHANGES = {
    (State.DRAFT, State.LOCKED): "the rule card is frozen",
    (State.LOCKED, State.OPEN): "the planned time has come, the custodians proved their copies, the roll is frozen",
    (State.OPEN, State.CLOSING): "the effective closing time has come",
    (State.CLOSING, State.CLOSED): "the counts agree and the box key is destroyed",
    (State.CLOSED, State.PUBLISHED): "the result is out, or the box stays shut for ever",
    # The exceptions, each with its reason
    (State.OPEN, State.SUSPENDED): "two people: casting must stop, as in an outage; or a backup was put back",
    (State.SUSPENDED, State.OPEN): "two people: casting goes on, with at least the time that was left",
    (State.CLOSING, State.HALTED): "a row was made, moved, changed or deleted by a hand that is not ours",
    (State.HALTED, State.CLOSING): "two people: repaired from a backup, or the named rows were set aside",
    (State.LOCKED, State.ANNULLED): "two people: a locked card cannot be edited, only given up",
    (State.OPEN, State.ANNULLED): "two people: casting ends and the box is never opened",
    (State.SUSPENDED, State.ANNULLED): "two people: the interruption cannot be made good",
    (State.CLOSING, State.ANNULLED): "two people: the box is never opened",
    (State.HALTED, State.ANNULLED): "two people: the damage cannot be repaired",
    (State.CLOSED, State.ANNULLED): "two people, before anyone opened the box; an opened result is withdrawn instead",
}
"""The one table of changes. What is not in it does not happen."""


class Kind(StrEnum):
    """What two people may agree on once the card is frozen."""

    EXTEND = "extend"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE_EARLY = "close_early"
    POSTPONE = "postpone_publication"
    ANNUL = "annul"
    SET_ASIDE = "set_aside"
    REPAIR = "repair"


WHILE = {
    Kind.EXTEND: {State.LOCKED, State.OPEN, State.SUSPENDED},
    Kind.SUSPEND: {State.OPEN},
    Kind.RESUME: {State.SUSPENDED},
    Kind.CLOSE_EARLY: {State.OPEN},
    Kind.POSTPONE: {State.LOCKED, State.OPEN, State.SUSPENDED, State.CLOSING, State.HALTED, State.CLOSED},
    Kind.ANNUL: {a for a, b in CHANGES if b is State.ANNULLED},
    Kind.SET_ASIDE: {State.HALTED},
    Kind.REPAIR: {State.HALTED},
}
"""In which states each of them makes sense."""

LEADS_TO = {
    Kind.SUSPEND: State.SUSPENDED,
    Kind.RESUME: State.OPEN,
    Kind.ANNUL: State.ANNULLED,
    Kind.SET_ASIDE: State.CLOSING,
    Kind.REPAIR: State.CLOSING,
}
"""The state that follows; the other kinds only move a time."""

TAKES_TIME = {Kind.EXTEND, Kind.RESUME, Kind.CLOSE_EARLY, Kind.POSTPONE}
"""The kinds that name a time; resuming and closing early may leave it out."""


@dataclass(frozen=True)
class Times:
    """The effective times of a vote, in UTC; `suspended_at` only while it is suspended."""

    closes_at: datetime
    publishes_at: datetime
    suspended_at: datetime | None = None


def check_change(before: State, after: State) -> None:
    """Check that a state may follow another. Raises Conflict "poll.change" with both."""
    if (before, after) not in CHANGES:
        raise Conflict("poll.change", found=before.value, wanted=after.value)


def check_kind(kind: Kind, state: State) -> None:
    """Check that an amendment makes sense in a state. Raises Conflict "poll.amendment_untimely"."""
    if state not in WHILE[kind]:
        raise Conflict("poll.amendment_untimely", kind=kind.value, found=state.value)


def kinds_in(state: State) -> list[Kind]:
    """List what two people may agree on in a state."""
    return [kind for kind in Kind if state in WHILE[kind]]


def check_accepting(state: State, closes_at: datetime, moment: datetime) -> None:
    """Check that a ballot may be cast at this moment; the closing time itself is already too late.

    Raises: Conflict "poll.not_open", "poll.suspended", "poll.annulled" or "poll.closed".
    """
    match state:
        case State.OPEN if moment < closes_at:
            return
        case State.DRAFT | State.LOCKED:
            raise Conflict("poll.not_open")
        case State.SUSPENDED:
            raise Conflict("poll.suspended")
        case State.ANNULLED:
            raise Conflict("poll.annulled")
    raise Conflict("poll.closed")


def amend_times(kind: Kind, times: Times, moment: datetime, wanted: datetime | None) -> Times:
    """Find the effective times after an amendment.

    wanted:  the new time, for the kinds that move one. Closing early without one means now; a resumed vote gets the
             time it had left, or more.
    Raises:  Invalid "time.missing", "time.not_later", "time.not_earlier" or "time.past", each for the field "time".
    """
    match kind:
        case Kind.EXTEND:
            return _closing(times, _later(wanted, times.closes_at))
        case Kind.POSTPONE:
            return Times(times.closes_at, _later(wanted, times.publishes_at), times.suspended_at)
        case Kind.CLOSE_EARLY:
            earlier = wanted or moment
            if earlier < moment:
                raise Invalid("time.past", field="time")
            if earlier >= times.closes_at:
                raise Invalid("time.not_earlier", field="time", than=times.closes_at.isoformat())
            return Times(earlier, times.publishes_at)
        case Kind.SUSPEND:
            return Times(times.closes_at, times.publishes_at, suspended_at=moment)
        case Kind.RESUME:
            left = times.closes_at - (times.suspended_at or moment)
            earliest = moment + max(left, timedelta(0))
            if wanted is not None and wanted < earliest:
                raise Invalid("time.not_later", field="time", than=earliest.isoformat())
            resumed = _closing(times, wanted or earliest)
            return Times(resumed.closes_at, resumed.publishes_at)
    return times


def _closing(times: Times, closes_at: datetime) -> Times:
    """Move the closing; the publication is never before it."""
    return Times(closes_at, max(times.publishes_at, closes_at), times.suspended_at)


def _later(wanted: datetime | None, than: datetime) -> datetime:
    if wanted is None:
        raise Invalid("time.missing", field="time")
    if wanted <= than:
        raise Invalid("time.not_later", field="time", than=than.isoformat())
    return wanted
