"""Give a slip of the desk to a person: its code wakes, and what the person had before is void.

Until then the code lies where no cast looks, and is answered like one that is not known.
"""

from datetime import datetime, time
from uuid import UUID

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.prints.serials import read
from app.accounts.prints.store import find_run_numbered, void_codes_of_line, wake
from app.accounts.roll.store import get_line, hold_roll
from app.accounts.tables import RunKind, RunState, VoterCode
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid


async def bind(session: AsyncSession, roll_id: UUID, line_id: UUID, typed: str) -> bool:
    """Give the slip whose number was typed to a person on the roll; exactly one gets it.

    Returns: whether they had a code before, which does not work any more.
    Raises: Invalid "slip.mistyped", "slip.unknown"; Conflict "slip.taken", "slip.void"; Forbidden "voter.void" for a
            line that was struck off; NotFound "roll.unknown", "roll.line_unknown".
    """
    number, serial = read(typed)
    await hold_roll(session, roll_id)
    line = await get_line(session, roll_id, line_id)
    if line.struck_at is not None:
        raise Forbidden("voter.void")
    run = await find_run_numbered(session, roll_id, number)
    if run is None or run.kind is not RunKind.DESK or run.shown_at is None or serial > run.size:
        raise Invalid("slip.unknown", field="slip")
    if run.state is not RunState.SHOWN:
        raise Conflict("slip.void", field="slip")
    if (code_hash := await wake(session, run.id, serial)) is None:
        raise Conflict("slip.taken", field="slip")
    await void_codes_of_line(session, line_id, _day_of(await now(session)))
    newest = select(func.coalesce(func.max(VoterCode.serial), 0)).where(VoterCode.line_id == line_id)
    before = (await session.exec(newest)).one()
    session.add(VoterCode(line_id=line_id, serial=before + 1, code_hash=code_hash, run_id=run.id, from_desk=True))
    await session.flush()
    return bool(before)


def _day_of(moment: datetime) -> datetime:
    """Give the day alone: no row needs to tell when somebody stood at the counter."""
    return datetime.combine(moment.date(), time(), moment.tzinfo)
