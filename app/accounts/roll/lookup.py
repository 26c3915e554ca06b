"""Lines of a roll looked up by their number or name, a page at a time."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.store import has_working_code
from app.accounts.tables import RollLine

PER_PAGE = 50


@dataclass(frozen=True)
class FoundLines:
    """One page of a look-up.

    lines: each with whether a code works for it · total: how many there are in all · page, pages: counted from 1.
    """

    lines: list[tuple[RollLine, bool]]
    total: int
    page: int
    pages: int


async def find_lines(session: AsyncSession, roll_id: UUID, wanted: str = "", page: int = 1) -> FoundLines:
    """Find lines whose reference or name holds every wanted word, by reference, one page of them.

    Two queries, whatever the roll holds.
    """
    query = select(RollLine, has_working_code()).where(RollLine.roll_id == roll_id, *map(_holds, wanted.split()[:10]))
    total = (await session.exec(select(func.count()).select_from(query.subquery()))).one()
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, page), pages)
    ordered = query.order_by(col(RollLine.reference), col(RollLine.id))
    rows = (await session.exec(ordered.offset((page - 1) * PER_PAGE).limit(PER_PAGE))).all()
    return FoundLines([(line, works) for line, works in rows], total, page, pages)


def _holds(word: str) -> ColumnElement[bool]:
    """Tell whether the reference or the name holds a word, in a likely case: SQLite knows no case beyond ASCII."""
    spellings = {word, word.lower(), word.upper(), word.capitalize()}
    columns = (col(RollLine.reference), col(RollLine.name))
    return or_(*(each.icontains(spelling, autoescape=True) for each in columns for spelling in sorted(spellings)))
