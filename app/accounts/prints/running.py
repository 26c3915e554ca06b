"""A print run on its way: one person asks, a second releases it, and the one who asked is shown the slips, once.

Codes are drawn at the moment they are shown, so that before it there is nothing to steal; kept are hashes. A run that
was lost or spoilt is declared void as a whole.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.prints.rules import check_asking, read_size
from app.accounts.prints.slips import Printed
from app.accounts.prints.store import (
    RELEASE,
    add_sleeping,
    find_asked,
    find_request,
    get_run,
    hold_run,
    next_number,
    subject_of,
    void_codes_of,
)
from app.accounts.roles.store import find_holders
from app.accounts.roll.codes import hash_of, new_code
from app.accounts.roll.store import FROZEN, MOST_SLIPS, count_lines, hold_roll, issue_codes
from app.accounts.tables import Event, PrintRun, Roll, RollLine, RunKind, RunState
from app.security import Role
from commons.approvals.store import ask, decide
from commons.approvals.tables import Decision
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from commons.organisations.store import get_host, hold_host
from polls.lifecycle import State
from polls.store import find_polls, get_poll
from polls.tables import Poll

ON_SLIPS = (State.LOCKED, State.OPEN)
"""A vote in one of these can be named on slips of its roll."""
MOST_WAITING = 50


@dataclass(frozen=True)
class Waiting:
    """A run that waits for a second person. may_release: whether that can be the one who looks at it."""

    run: PrintRun
    reason: str
    roll: Roll
    may_release: bool


async def find_named(session: AsyncSession, roll_id: UUID) -> list[Poll]:
    """Find the votes that slips of a roll can name."""
    return [poll for poll in await find_polls(session, *ON_SLIPS) if poll.roll_id == roll_id]


async def is_under_way(session: AsyncSession, roll_id: UUID) -> bool:
    """Tell whether a vote with this roll is being held: then its lines are fixed, and its numbers are kept back."""
    return any(poll.roll_id == roll_id for poll in await find_polls(session, *FROZEN))


async def get_named(session: AsyncSession, roll_id: UUID, slug: str) -> Poll | None:
    """Get the vote that somebody chose for the slips; None for none. Raises NotFound "poll.unknown"."""
    vote = next((poll for poll in await find_named(session, roll_id) if poll.slug == slug), None)
    if slug and vote is None:
        raise NotFound("poll.unknown")
    return vote


async def may_ask(session: AsyncSession, account_id: UUID) -> bool:
    """Tell whether somebody who prints may ask for a run, as far as the votes they run let them."""
    try:
        await _check_asking(session, account_id)
    except Forbidden:
        return False
    return True


async def ask_for(
    session: AsyncSession, roll_id: UUID, kind: RunKind, typed_size: str, slug: str, reason: str, asked_by: UUID
) -> PrintRun:
    """Ask for a run; in a single-handed body it is released at once.

    typed_size: how many slips; of letters at most as many as people wait for a code.
    slug:       the vote named on them, or "".
    Raises:     NotFound "roll.unknown", "poll.unknown"; Forbidden "print.officer_asks"; Conflict "print.nobody";
                Invalid "print.number", "print.reason_missing", "text.too_long".
    """
    host = await hold_host(session)
    await hold_roll(session, roll_id)
    await _check_asking(session, asked_by)
    most = MOST_SLIPS if kind is RunKind.DESK else min(MOST_SLIPS, (await count_lines(session, roll_id)).waiting)
    if not most:
        raise Conflict("print.nobody")
    if not reason.strip():
        raise Invalid("print.reason_missing", field="reason")
    vote, size = await get_named(session, roll_id, slug), read_size(typed_size, most)
    run = PrintRun(
        roll_id=roll_id,
        number=await next_number(session, roll_id),
        kind=kind,
        size=size,
        poll_id=vote.id if vote else None,
        asked_by=asked_by,
        asked_at=await now(session),
    )
    session.add(run)
    await session.flush()
    await ask(session, RELEASE, subject_of(run), reason, asked_by)
    if host.single_handed:
        await settle(session, run.id, asked_by, Decision.APPROVED)
    return run


async def settle(session: AsyncSession, run_id: UUID, decided_by: UUID, decision: Decision) -> PrintRun:
    """Release a run or refuse it, as a second person; a released one has its line in the public log.

    Raises: NotFound "print.unknown"; Conflict "approval.decided"; Forbidden "approval.same_person".
    """
    host, run = await hold_host(session), await hold_run(session, run_id)
    if run.state is not RunState.ASKED:
        raise Conflict("approval.decided")
    approval = await find_request(session, run)
    await decide(session, approval.id, decided_by, decision, single_handed=host.single_handed)
    run.state = RunState.RELEASED if decision is Decision.APPROVED else RunState.REFUSED
    session.add(run)
    if decision is Decision.APPROVED:
        await _tell(session, run, "codes.released")
    return run


async def show(
    session: AsyncSession, run_id: UUID, shown_to: UUID, browser: str
) -> tuple[PrintRun, Poll | None, list[Printed]]:
    """Draw the codes of a released run, keep their hashes, and give the codes: this one time.

    Tell nobody before it is committed.

    Raises: NotFound "print.unknown"; Forbidden "print.not_yours"; Conflict "print.not_released", "print.shown",
            "print.nobody".
    """
    run = await _hold(session, run_id)
    if run.asked_by != shown_to:
        raise Forbidden("print.not_yours")
    if run.state is RunState.ASKED:
        raise Conflict("print.not_released")
    if run.state is not RunState.RELEASED:
        raise Conflict("print.shown")
    if run.kind is RunKind.DESK:
        printed = [Printed(new_code()) for _ in range(run.size)]
        await add_sleeping(session, run.id, [hash_of(each.code) for each in printed])
    else:
        issued = await issue_codes(session, run.roll_id, most=run.size, run_id=run.id)
        printed = [printed_of(line, code) for line, code in issued]
    if not printed:
        raise Conflict("print.nobody")
    run.size, run.state, run.shown_at = len(printed), RunState.SHOWN, await now(session)
    session.add(run)
    await note(session, Event.CODES_SHOWN, who=shown_to, browser=browser)
    await _tell(session, run, "codes.printed")
    return run, None if run.poll_id is None else await get_poll(session, run.poll_id), printed


async def declare_void(session: AsyncSession, run_id: UUID) -> PrintRun:
    """Declare a run void as a whole: what was printed in it will not vote, and ballots that were cast stay.

    Raises: NotFound "print.unknown"; Conflict "print.not_released", "print.void" for one that is void already.
    """
    run = await _hold(session, run_id)
    if run.state is RunState.ASKED:
        raise Conflict("print.not_released")
    if run.state not in {RunState.RELEASED, RunState.SHOWN}:
        raise Conflict("print.void")
    run.state = RunState.VOID
    session.add(run)
    await void_codes_of(session, run.id)
    await _tell(session, run, "codes.void")
    return run


def printed_of(line: RollLine, code: str) -> Printed:
    """Say what is printed of a line and its new code."""
    return Printed(code, line.reference, line.name, line.fact_mac is not None)


async def find_waiting_runs(session: AsyncSession, looked_at_by: UUID) -> list[Waiting]:
    """Find the runs that wait for a second person, oldest first, and which of them somebody may release."""
    rows = await find_asked(session, MOST_WAITING)
    single_handed = bool(rows) and (await get_host(session)).single_handed
    return [Waiting(run, why, roll, single_handed or run.asked_by != looked_at_by) for run, why, roll in rows]


async def _hold(session: AsyncSession, run_id: UUID) -> PrintRun:
    """Hold a run and its roll, the roll first, as everybody does who draws or wakes codes."""
    await hold_roll(session, (await get_run(session, run_id)).roll_id)
    return await hold_run(session, run_id)


async def _check_asking(session: AsyncSession, account_id: UUID) -> None:
    managers = await find_holders(session, Role.MANAGER)
    check_asking(account_id, managers, await find_holders(session, Role.PRINT_OFFICER))


async def _tell(session: AsyncSession, run: PrintRun, kind: str) -> None:
    """Say in the public log what became of a run: numbers only, beside the vote that its slips name."""
    vote = None if run.poll_id is None else await get_poll(session, run.poll_id)
    said: LineWords = {"run": run.number, "kind": run.kind.value, "slips": run.size}
    await append(session, kind, said, subject=vote.subject if vote else f"rolls/{run.roll_id}")
