"""Rolls, their lines and the hashes of their codes: looked up, added, struck, made void. Nothing is decided elsewhere.

Whatever changes a roll holds its row first, and whoever opens a vote holds it while reading the lines: so no line comes
in between the list that an opening vote freezes and the vote's being open.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    ScalarSelect,
    Select,
    bindparam,
    exists,
    func,
    insert,
    update,
)
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import hash_of, new_code
from app.accounts.roll.importing import Entry, OnRoll, key_of, mark_fact_of
from app.accounts.roll.second_fact import SecondFactMark
from app.accounts.roll.voters import Voter
from app.accounts.tables import Roll, RollLine, VoterCode
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.ids import new_id
from commons.organisations.store import host_id
from commons.rows import within
from commons.tables import Texts
from polls.lifecycle import State
from polls.store import HELD, Held, holding, public, read_held
from polls.tables import Poll

LONGEST_NAME = 120
MOST_SLIPS = 500
FROZEN = (State.OPEN, State.SUSPENDED, State.CLOSING, State.HALTED)
"""While a vote is in one of these, the list of its lines is fixed: one more would stop its closing."""

_SLICE = 1_000
_OURS = (col(Roll.organisation_id) == host_id()) & col(Roll.poll_id).is_(None)  # no office keeps a vote's own roll


@dataclass(frozen=True)
class Counts:
    """How many lines a roll has: all of them, struck ones, those with a working code, those that wait for one."""

    lines: int
    struck: int
    coded: int
    waiting: int

    @property
    def eligible(self) -> int:
        """How many may vote."""
        return self.lines - self.struck


_IS_VOID = col(VoterCode.void_at).is_not(None) | col(RollLine.struck_at).is_not(None)
_CODE = (col(VoterCode.serial), _IS_VOID, col(VoterCode.from_desk))
_VOTER = (col(RollLine.id), col(RollLine.roll_id), *_CODE, col(RollLine.facts), col(RollLine.fact_mac))
_IS_CODE = col(VoterCode.code_hash) == bindparam("code_hash")
_IS_SERIAL = (col(VoterCode.line_id) == bindparam("line_id")) & (col(VoterCode.serial) == bindparam("serial"))
_FINDING = select_columns(*_VOTER).where(col(VoterCode.line_id) == RollLine.id)
_BY_CODE, _BY_SERIAL = _FINDING.where(_IS_CODE), _FINDING.where(_IS_SERIAL)
"""Written once, for every cast asks one of them: writing a statement takes as long as sending it."""


def check_names(names: Texts) -> Texts:
    """Keep the languages in which a roll has a name. Raises Invalid "text.missing" or "text.too_long"."""
    kept = {language: text.strip() for language, text in names.items() if text.strip()}
    for language, text in kept.items():
        if len(text) > LONGEST_NAME:
            raise Invalid("text.too_long", field=f"name_{language}", limit=LONGEST_NAME, found=len(text))
    if not kept:
        raise Invalid("text.missing", field="name_en")
    return kept


async def add_roll(session: AsyncSession, organisation_id: UUID, names: Texts) -> Roll:
    """Begin a roll. Raises Invalid "text.missing" or "text.too_long"."""
    roll = Roll(organisation_id=organisation_id, names=check_names(names), made_at=await now(session))
    session.add(roll)
    await session.flush()
    return roll


async def find_rolls(session: AsyncSession, organisation_id: UUID) -> list[tuple[Roll, int]]:
    """Find all rolls, the newest first, each with how many of its people may vote."""
    size = _count(RollLine.roll_id == Roll.id, col(RollLine.struck_at).is_(None))
    query = select(Roll, size).where(Roll.organisation_id == organisation_id, col(Roll.poll_id).is_(None))
    rows = (await session.exec(query.order_by(col(Roll.made_at).desc(), col(Roll.id)))).all()
    return [(roll, total) for roll, total in rows]


async def get_roll(session: AsyncSession, roll_id: UUID) -> Roll:
    """Get one roll. Raises NotFound "roll.unknown", also for another organisation's."""
    if (roll := (await session.exec(select(Roll).where(Roll.id == roll_id, _OURS))).first()) is None:
        raise NotFound("roll.unknown")
    return roll


async def hold_roll(session: AsyncSession, roll_id: UUID, *, shared: bool = False) -> Roll:
    """Get a roll and hold its row until the transaction ends, beside other readers where shared.

    Raises: NotFound "roll.unknown".
    """
    query = select(Roll).where(Roll.id == roll_id, _OURS).with_for_update(read=shared)
    if (roll := (await session.exec(query)).first()) is None:
        raise NotFound("roll.unknown")
    return roll


async def add_lines(
    session: AsyncSession, roll_id: UUID, entries: Sequence[Entry], mark_fact: SecondFactMark | None = None
) -> int:
    """Add lines to a roll that no open vote names.

    entries:  such as `importing.Report.new`. mark_fact: None keeps no facts.
    Returns:  how many were added.
    Raises:   NotFound "roll.unknown"; Conflict "roll.in_use", or "roll.line_taken" for a reference that the roll, or
              another of these, has already.
    Cost:     O(lines of the roll): 100,000 take about two seconds.
    """
    await hold_roll(session, roll_id)
    await check_growing(session, roll_id)
    keys = {key_of(reference) for reference in await find_references(session, roll_id)}
    for entry in entries:
        if (key := key_of(entry.reference)) in keys:
            raise Conflict("roll.line_taken", found=entry.reference)
        keys.add(key)
    for start in range(0, len(entries), _SLICE):
        rows = [
            {
                "id": line_id,
                "roll_id": roll_id,
                "reference": entry.reference,
                "name": entry.name,
                "person_mac": entry.person,
                "facts": entry.facts,
                "fact_mac": mark_fact_of(entry, line_id, mark_fact),
            }
            for entry, line_id in ((entry, new_id()) for entry in entries[start : start + _SLICE])
        ]
        await (await session.connection()).execute(insert(RollLine), rows)
    return len(entries)


async def find_on_roll(session: AsyncSession, roll_id: UUID) -> list[OnRoll]:
    """Read all lines of a roll, as a file is compared with them."""
    struck = col(RollLine.struck_at).is_not(None)
    marks = (col(RollLine.person_mac), col(RollLine.facts), col(RollLine.id), col(RollLine.fact_mac))
    query = select_columns(col(RollLine.reference), col(RollLine.name), struck, *marks)
    rows = await (await session.connection()).execute(query.where(col(RollLine.roll_id) == roll_id))
    return [OnRoll(*row) for row in rows]


async def check_growing(session: AsyncSession, roll_id: UUID) -> None:
    """Check that no open vote names this roll. Raises Conflict "roll.in_use"."""
    if await find_freezing(session, roll_id):
        raise Conflict("roll.in_use")


async def find_freezing(session: AsyncSession, roll_id: UUID) -> Sequence[Poll]:
    """Find the votes that are under way with this roll: their list of lines is fixed."""
    query = select(Poll).where(Poll.roll_id == roll_id, col(Poll.state).in_(FROZEN))
    return (await session.exec(query.order_by(col(Poll.slug)))).all()


async def find_named(session: AsyncSession, line_ids: Collection[UUID]) -> dict[UUID, tuple[RollLine, Roll]]:
    """Find some lines, each with its roll, by their ids."""
    query = select(RollLine, Roll).where(col(RollLine.id).in_(line_ids), RollLine.roll_id == Roll.id)
    return {line.id: (line, roll) for line, roll in await session.exec(query)}


async def find_references(session: AsyncSession, roll_id: UUID) -> Sequence[str]:
    """Find the references of all lines of a roll, struck ones too."""
    return (await session.exec(select(RollLine.reference).where(RollLine.roll_id == roll_id))).all()


async def count_lines(session: AsyncSession, roll_id: UUID) -> Counts:
    """Count the lines of a roll, in one query."""
    is_there = col(RollLine.struck_at).is_(None)
    query = select(
        _count(RollLine.roll_id == roll_id),
        _count(RollLine.roll_id == roll_id, ~is_there),
        _count(RollLine.roll_id == roll_id, is_there, has_working_code()),
        _count(RollLine.roll_id == roll_id, is_there, ~has_working_code()),
    )
    return Counts(*(await session.exec(query)).one())


async def find_fact_names(session: AsyncSession, roll_id: UUID) -> Texts:
    """Find what a letter is asked for beside its code; nothing where the list has no facts."""
    return dict((await session.exec(select(Roll.fact_names).where(Roll.id == roll_id))).first() or {})


async def get_asked_poll(session: AsyncSession, slug: str) -> tuple[Poll, Texts]:
    """Get a public vote, and what a letter is asked for beside its code there. Raises NotFound "poll.unknown"."""
    query = select(Poll, Roll.fact_names).join(Roll, col(Roll.id) == Poll.roll_id, isouter=True)
    if (row := (await session.exec(query.where(*public(slug)))).first()) is None:
        raise NotFound("poll.unknown")
    poll, names = row
    return poll, dict(names or {})


async def count_factless(session: AsyncSession, roll_id: UUID) -> int:
    """Count the people whose letter votes with its code alone."""
    missing = (col(RollLine.fact_mac).is_(None), col(RollLine.struck_at).is_(None))
    return (await session.exec(select(_count(RollLine.roll_id == roll_id, *missing)))).one()


async def find_voter(session: AsyncSession, code: str) -> Voter:
    """Find whose code this is; void ones too, which a vote then refuses by itself.

    code:    in normal form, from `codes.read_code`.
    Raises:  Forbidden "code.unknown".
    """
    if (voter := await within(session, _find_voter, _BY_CODE, {"code_hash": hash_of(code)})) is None:
        raise Forbidden("code.unknown", field="code")
    return voter


def hold_for_code(connection: Connection, slug: str, code: str) -> tuple[Held, Voter]:
    """Hold a vote for a cast as `polls.store.hold_for_cast` does, and find whose code this is, in one statement.

    Raises: NotFound "poll.unknown"; Forbidden "code.unknown".
    """
    given = {"slug": slug, "code_hash": hash_of(code)}
    row = connection.execute(_holding_for_code(connection.dialect.name), given).first()
    held = read_held(row)
    if row is None or row[len(HELD)] is None:
        raise Forbidden("code.unknown", field="code")
    return held, Voter(*row[len(HELD) :])


@cache
def _holding_for_code(dialect: str) -> Select[Any]:
    query = holding(dialect)
    (held,) = query.get_final_froms()
    joined = held.join(VoterCode, _IS_CODE, isouter=True)
    joined = joined.join(RollLine, col(RollLine.id) == VoterCode.line_id, isouter=True)
    return query.add_columns(*_VOTER).select_from(joined)


def find_voter_again(connection: Connection, line_id: UUID, serial: int) -> Voter | None:
    """Find who showed this code before, as a booth pass says; whether it works is asked anew each time."""
    return _find_voter(connection, _BY_SERIAL, {"line_id": line_id, "serial": serial})


async def issue_codes(
    session: AsyncSession,
    roll_id: UUID,
    line_ids: Sequence[UUID] | None = None,
    most: int = MOST_SLIPS,
    run_id: UUID | None = None,
) -> list[tuple[RollLine, str]]:
    """Draw a new code for each of these lines; what they had before no longer works.

    line_ids: None means all lines that wait for one, by reference, `most` of them at a time; struck lines get none.
    run_id:   the print run that they belong to; None for a slip that is made alone.
    Returns:  the lines by reference, each with its code in normal form: it is known this one time, only.
    Raises:   NotFound "roll.unknown".
    """
    await hold_roll(session, roll_id)
    query = select(RollLine).where(RollLine.roll_id == roll_id, col(RollLine.struck_at).is_(None))
    query = query.where(~has_working_code() if line_ids is None else col(RollLine.id).in_(line_ids))
    query = query.order_by(col(RollLine.reference), col(RollLine.id)).limit(most)
    lines = (await session.exec(query)).all()
    ids = [line.id for line in lines]
    await _void(session, col(VoterCode.line_id).in_(ids))
    newest = select(VoterCode.line_id, func.max(VoterCode.serial)).where(col(VoterCode.line_id).in_(ids))
    serials = dict((await session.exec(newest.group_by(col(VoterCode.line_id)))).all())
    issued = [(line, new_code()) for line in lines]
    session.add_all(
        VoterCode(line_id=line.id, serial=serials.get(line.id, 0) + 1, code_hash=hash_of(code), run_id=run_id)
        for line, code in issued
    )
    await session.flush()
    return issued


async def void_code(session: AsyncSession, roll_id: UUID, line_id: UUID) -> None:
    """Declare the codes of a line void. Raises NotFound "roll.line_unknown"."""
    await hold_roll(session, roll_id)
    await get_line(session, roll_id, line_id)
    await _void(session, col(VoterCode.line_id) == line_id)


async def void_codes(session: AsyncSession, roll_id: UUID) -> None:
    """Declare every code of a roll void, as when slips were lost. Raises NotFound "roll.unknown"."""
    await hold_roll(session, roll_id)
    of_roll = col(VoterCode.line_id).in_(select(RollLine.id).where(RollLine.roll_id == roll_id))
    await _void(session, of_roll)


async def strike(session: AsyncSession, roll_id: UUID, line_id: UUID) -> bool:
    """Strike a line off: from now on its codes do not vote.

    Returns: whether anything changed. Who may ask for it, and what becomes public, is `changes` to decide.
    Raises:  NotFound "roll.unknown", "roll.line_unknown".
    """
    await hold_roll(session, roll_id)
    line = await get_line(session, roll_id, line_id)
    if line.struck_at is not None:
        return False
    line.struck_at = await now(session)
    session.add(line)
    await session.flush()
    return True


async def unstrike(session: AsyncSession, roll_id: UUID, line_id: UUID) -> bool:
    """Put a struck line back.

    Returns: whether anything changed.
    Raises:  NotFound "roll.unknown", "roll.line_unknown"; Conflict "roll.in_use" as `check_on_frozen_list`.
    """
    await hold_roll(session, roll_id)
    line = await get_line(session, roll_id, line_id)
    if line.struck_at is None:
        return False
    await check_on_frozen_list(session, line)
    line.struck_at = None
    session.add(line)
    await session.flush()
    return True


async def check_on_frozen_list(session: AsyncSession, line: RollLine) -> None:
    """Check that a struck line may be put back.

    Raises: Conflict "roll.in_use" for a line that was struck before an open vote froze its list: it is not on that
            list, and a ballot of it would stop the closing.
    """
    opened_at = await _opened_last(session, line.roll_id)
    if opened_at is not None and line.struck_at is not None and line.struck_at <= opened_at:
        raise Conflict("roll.in_use")


async def get_line(session: AsyncSession, roll_id: UUID, line_id: UUID) -> RollLine:
    """Get one line of a roll as it is now. Raises NotFound "roll.line_unknown"."""
    query = select(RollLine).where(RollLine.id == line_id, RollLine.roll_id == roll_id)
    if (line := (await session.exec(query.execution_options(populate_existing=True))).first()) is None:
        raise NotFound("roll.line_unknown")
    return line


def _find_voter(connection: Connection, query: Executable, given: dict[str, Any]) -> Voter | None:
    row = connection.execute(query, given).first()
    return None if row is None else Voter(*row)


async def _opened_last(session: AsyncSession, roll_id: UUID) -> datetime | None:
    """Find when the last of the votes that froze this roll, and are not over, was opened."""
    query = select(func.max(Poll.opened_at)).where(Poll.roll_id == roll_id, col(Poll.state).in_(FROZEN))
    return (await session.exec(query)).one()


async def _void(session: AsyncSession, which: ColumnElement[bool]) -> None:
    working = col(VoterCode.void_at).is_(None)
    await session.exec(update(VoterCode).where(which, working).values(void_at=await now(session)))


def has_working_code() -> ColumnElement[bool]:
    """Tell whether a code works for the line."""
    return exists().where(col(VoterCode.line_id) == RollLine.id, col(VoterCode.void_at).is_(None))


def _count(*conditions: ColumnElement[bool] | bool) -> ScalarSelect[int]:
    return select(func.count()).select_from(RollLine).where(*conditions).scalar_subquery()
