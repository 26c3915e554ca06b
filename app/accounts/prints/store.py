"""Print runs, slips that sleep, and how many slips of which kind there are. Nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, delete, update
from sqlalchemy import select as select_columns
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import DeskSlip, PrintRun, Roll, RollLine, RunState, VoterCode
from commons.approvals.tables import Approval, Decision
from commons.clock import now
from commons.errors import NotFound
from commons.organisations.store import host_id

RELEASE = "print.release"
"""What a second person is asked for, as `commons.approvals` names it."""

_OURS = col(PrintRun.roll_id).in_(select(Roll.id).where(Roll.organisation_id == host_id()))
"""Runs of another organisation's rolls are answered like unknown ones."""


@dataclass(frozen=True)
class Tally:
    """The slips of one roll. Every figure counts slips or codes, and none counts who voted.

    printed: in runs that were shown. alone: one by one, at the counter.
    bound:   slips of the desk that an agent gave to a person. left: those that nobody has yet.
    void:    codes and sleeping slips that will never vote.
    """

    printed: int
    alone: int
    bound: int
    left: int
    void: int


def subject_of(run: PrintRun) -> str:
    """Name a run as a request for approval does."""
    return f"prints/{run.id}"


async def next_number(session: AsyncSession, roll_id: UUID) -> int:
    """Find the number of a roll's next run; the caller holds the roll."""
    highest = select(func.coalesce(func.max(PrintRun.number), 0)).where(PrintRun.roll_id == roll_id)
    return (await session.exec(highest)).one() + 1


async def get_run(session: AsyncSession, run_id: UUID) -> PrintRun:
    """Get a run. Raises NotFound "print.unknown"."""
    if (run := (await session.exec(select(PrintRun).where(PrintRun.id == run_id, _OURS))).first()) is None:
        raise NotFound("print.unknown")
    return run


async def hold_run(session: AsyncSession, run_id: UUID) -> PrintRun:
    """Get a run and hold its row. Raises NotFound "print.unknown"."""
    query = select(PrintRun).where(PrintRun.id == run_id, _OURS).with_for_update()
    if (run := (await session.exec(query.execution_options(populate_existing=True))).first()) is None:
        raise NotFound("print.unknown")
    return run


async def find_runs(session: AsyncSession, roll_id: UUID, most: int) -> Sequence[tuple[PrintRun, str]]:
    """Find the last runs of a roll, the newest first, each with why it was asked for."""
    return await _runs(session, PrintRun.roll_id == roll_id, col(PrintRun.number).desc(), most)


async def find_asked(session: AsyncSession, most: int) -> Sequence[tuple[PrintRun, str, Roll]]:
    """Find the runs that wait for a second person, the oldest first, each with its reason and its roll."""
    rows = await _runs(session, (col(PrintRun.state) == RunState.ASKED) & _OURS, col(PrintRun.asked_at).asc(), most)
    ids = {run.roll_id for run, _ in rows}
    rolls = {roll.id: roll for roll in await session.exec(select(Roll).where(col(Roll.id).in_(ids)))} if ids else {}
    return [(run, reason, rolls[run.roll_id]) for run, reason in rows]


async def find_request(session: AsyncSession, run: PrintRun) -> Approval:
    """Find the request that somebody look at a run. Raises NotFound "approval.unknown"."""
    query = select(Approval).where(Approval.action == RELEASE, Approval.subject == subject_of(run))
    if (approval := (await session.exec(query.where(Approval.decision == Decision.WAITING))).first()) is None:
        raise NotFound("approval.unknown")
    return approval


async def void_codes_of(session: AsyncSession, run_id: UUID) -> None:
    """Declare every code of a run void that still works."""
    statement = update(VoterCode).where(col(VoterCode.run_id) == run_id, col(VoterCode.void_at).is_(None))
    await session.exec(statement.values(void_at=await now(session)))


async def void_codes_of_line(session: AsyncSession, line_id: UUID, moment: datetime) -> None:
    """Declare void what still works for a line."""
    statement = update(VoterCode).where(col(VoterCode.line_id) == line_id, col(VoterCode.void_at).is_(None))
    await session.exec(statement.values(void_at=moment))


async def find_run_numbered(session: AsyncSession, roll_id: UUID, number: int) -> PrintRun | None:
    """Find a run of a roll by its number, as it stands now."""
    query = select(PrintRun).where(PrintRun.roll_id == roll_id, PrintRun.number == number)
    return (await session.exec(query.execution_options(populate_existing=True))).first()


async def add_sleeping(session: AsyncSession, run_id: UUID, hashes: Sequence[bytes]) -> None:
    """Keep the codes of slips that nobody has yet, as hashes, numbered from 1."""
    session.add_all(DeskSlip(run_id=run_id, serial=at, code_hash=each) for at, each in enumerate(hashes, start=1))
    await session.flush()


async def wake(session: AsyncSession, run_id: UUID, serial: int) -> bytes | None:
    """Take a sleeping slip out. Returns the hash of its code; None where it does not sleep any more."""
    which = (col(DeskSlip.run_id) == run_id, col(DeskSlip.serial) == serial)
    query = delete(DeskSlip).where(*which).returning(col(DeskSlip.code_hash))
    return (await (await session.connection()).execute(query)).scalar()


async def tally(session: AsyncSession, roll_id: UUID) -> Tally:
    """Count the slips of a roll, in one query."""
    runs = select(PrintRun.id).where(PrintRun.roll_id == roll_id)
    void_runs = runs.where(PrintRun.state == RunState.VOID)
    sleeping = col(DeskSlip.run_id).in_(runs)
    is_dead = col(DeskSlip.run_id).in_(void_runs)
    in_run, is_void = col(VoterCode.run_id).is_not(None), col(VoterCode.void_at).is_not(None)
    query = select_columns(
        _codes(roll_id, in_run),
        _codes(roll_id, ~in_run),
        _codes(roll_id, col(VoterCode.from_desk).is_(True)),
        _codes(roll_id, is_void),
        _sleeping(sleeping, ~is_dead),
        _sleeping(is_dead),
    )
    of_runs, alone, bound, void, left, dead = (await (await session.connection()).execute(query)).one()
    return Tally(printed=of_runs + left + dead, alone=alone, bound=bound, left=left, void=void + dead)


async def _runs(
    session: AsyncSession, which: ColumnElement[bool] | bool, order: ColumnElement[Any], most: int
) -> Sequence[tuple[PrintRun, str]]:
    runs = (await session.exec(select(PrintRun).where(which).order_by(order).limit(most))).all()
    asked = select(Approval.subject, Approval.reason).where(
        Approval.action == RELEASE, col(Approval.subject).in_([subject_of(run) for run in runs])
    )
    reasons = {subject: reason for subject, reason in await session.exec(asked)}  # noqa: C416 - rows, not pairs
    return [(run, reasons.get(subject_of(run), "")) for run in runs]


def _codes(roll_id: UUID, which: ColumnElement[bool]) -> ScalarSelect[int]:
    joined = select(func.count()).select_from(VoterCode).join(RollLine, col(RollLine.id) == VoterCode.line_id)
    return joined.where(RollLine.roll_id == roll_id, which).scalar_subquery()


def _sleeping(*which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(DeskSlip).where(*which).scalar_subquery()
