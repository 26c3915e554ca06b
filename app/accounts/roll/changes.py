"""Striking somebody off a roll, or putting them back: while a vote with it is under way, two people and a public line.

Before a vote opens one manager is enough, and the change leaves a version of the roll. From the opening on one asks and
says why, another agrees, and the public log tells of which vote, what kind of change, and how many people; never who.
The reason stays with the request: it may tell of a person. In a body with one officer that one decides, and the line
says so.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.filling.store import note_version
from app.accounts.roll.store import (
    check_on_frozen_list,
    find_freezing,
    find_named,
    get_line,
    hold_roll,
    strike,
    unstrike,
)
from app.accounts.tables import Roll, RollLine
from commons.approvals.store import ask, decide, find_waiting, get_approval
from commons.approvals.tables import Approval, Decision
from commons.errors import Conflict, Invalid, NotFound
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from commons.organisations.store import get_host, hold_host
from polls.tables import Poll

STRIKE, RESTORE = "roll.strike", "roll.restore"
TOLD = {STRIKE: "struck", RESTORE: "restored"}
"""What the public line calls each."""


@dataclass(frozen=True)
class Change:
    """Somebody who shall be struck off, or put back. action: STRIKE or RESTORE."""

    action: str
    roll_id: UUID
    line_id: UUID

    @property
    def subject(self) -> str:
        """The change as a request for approval keeps it."""
        return f"rolls/{self.roll_id}/{self.line_id}"


@dataclass(frozen=True)
class Waiting:
    """A change that waits for a second person. may_agree: whether that can be the one who looks at it."""

    approval: Approval
    change: Change
    line: RollLine
    roll: Roll
    may_agree: bool


def change_of(approval: Approval) -> Change:
    """Read a change back from its request. Raises NotFound for a request of another kind."""
    if approval.action not in TOLD:
        raise NotFound("approval.unknown")
    _, roll_id, line_id = approval.subject.split("/")
    return Change(approval.action, UUID(roll_id), UUID(line_id))


async def change_alone(session: AsyncSession, change: Change, by: UUID) -> None:
    """Do it at once, as long as no vote is under way with this roll.

    Raises: NotFound; Conflict "roll.two_people".
    """
    await hold_roll(session, change.roll_id)
    if await find_freezing(session, change.roll_id):
        raise Conflict("roll.two_people")
    await _carry_out(session, change, by)


async def ask_for(session: AsyncSession, change: Change, reason: str, asked_by: UUID) -> bool:
    """Ask for it while a vote is under way; in a body with one officer, or with no vote any more, it is done at once.

    Returns: whether it is done.
    Raises:  NotFound; Invalid "roll.reason_missing", "text.too_long"; Conflict "roll.changed_already",
             "approval.waiting", or "roll.in_use" for somebody who was not on the list that the vote opened with.
    """
    host = await hold_host(session)
    await hold_roll(session, change.roll_id)
    line = await get_line(session, change.roll_id, change.line_id)
    _check_undone(change, line)
    if not await find_freezing(session, change.roll_id):
        await _carry_out(session, change, asked_by)
        return True
    await check_on_frozen_list(session, line)
    if not reason.strip():
        raise Invalid("roll.reason_missing", field="reason")
    approval = await ask(session, change.action, change.subject, reason, asked_by)
    if host.single_handed:
        await settle(session, approval.id, asked_by, Decision.APPROVED)
    return host.single_handed


async def settle(session: AsyncSession, approval_id: UUID, decided_by: UUID, decision: Decision) -> Change:
    """Decide on a change; agreed to, it is done, and each vote that is under way has its public line.

    Raises: NotFound; Forbidden "approval.same_person"; Conflict "approval.decided", "roll.changed_already" or
            "roll.in_use".
    """
    host = await hold_host(session)
    approval = await get_approval(session, approval_id)
    change = change_of(approval)
    await decide(session, approval_id, decided_by, decision, single_handed=host.single_handed)
    if decision is Decision.REFUSED:
        return change
    await hold_roll(session, change.roll_id)
    _check_undone(change, await get_line(session, change.roll_id, change.line_id))
    votes = await find_freezing(session, change.roll_id)
    await _carry_out(session, change, decided_by)
    for vote in votes:
        await _tell(session, vote, change, people=len({approval.asked_by, decided_by}))
    return change


async def find_changes(session: AsyncSession, looked_at_by: UUID, roll_id: UUID | None = None) -> list[Waiting]:
    """Find the changes that wait, oldest first, of one roll or of all, and which of them somebody may agree to."""
    approvals = [(each, change_of(each)) for each in await find_waiting(session, TOLD)]
    approvals = [(each, change) for each, change in approvals if roll_id in {None, change.roll_id}]
    if not approvals:
        return []
    host = await get_host(session)
    named = await find_named(session, {change.line_id for _, change in approvals})
    return [
        Waiting(each, change, *named[change.line_id], host.single_handed or each.asked_by != looked_at_by)
        for each, change in approvals
    ]


def _check_undone(change: Change, line: RollLine) -> None:
    if (line.struck_at is not None) is (change.action == STRIKE):
        raise Conflict("roll.changed_already")


async def _carry_out(session: AsyncSession, change: Change, by: UUID) -> None:
    """Do it, and note the version of the roll that it makes; what is so already changes nothing."""
    if change.action == STRIKE:
        if await strike(session, change.roll_id, change.line_id):
            await note_version(session, change.roll_id, by, struck=1)
    elif await unstrike(session, change.roll_id, change.line_id):
        await note_version(session, change.roll_id, by, restored=1)


async def _tell(session: AsyncSession, vote: Poll, change: Change, people: int) -> None:
    words: LineWords = {"change": TOLD[change.action], "people": 1, "decided_by": people}
    await append(session, "roll.changed", words, subject=vote.subject)
