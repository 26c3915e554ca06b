"""The outbox: a letter is a row in the transaction it speaks of, so neither exists without the other.

Sending comes later, from a worker. A letter that was handed over when the worker died is sent again under the same
Message-ID; better twice than never.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.letters.tables import Fate, Letter
from commons.clock import now

WAITS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
PER_PAGE = 50


async def write_letter(session: AsyncSession, address: str | None, kind: str, language: str, **facts: str) -> None:
    """Put a letter into the outbox. kind: a folder of `templates/letters/`; facts: what its words need.

    address: nothing for somebody who has none; then nothing is written.
    """
    if not address:
        return
    moment = await now(session)
    session.add(Letter(address=address, kind=kind, language=language, facts=facts, written_at=moment, due_at=moment))
    await session.flush()


async def claim_letter(session: AsyncSession) -> Letter | None:
    """Take the next letter that is due, so that no other worker sends it; None when there is none.

    It becomes due again later by itself, should this worker die.
    """
    moment = await now(session)
    query = (
        select(Letter)
        .where(Letter.fate == Fate.WAITING, Letter.due_at <= moment)
        .order_by(col(Letter.due_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if (letter := (await session.exec(query)).first()) is None:
        return None
    letter.due_at = moment + WAITS[min(letter.attempts, len(WAITS) - 1)]
    letter.attempts += 1
    session.add(letter)
    await session.flush()
    return letter


async def record_sent(session: AsyncSession, letter_id: UUID) -> None:
    """Write down that a letter was handed over, and forget what it said."""
    moment = await now(session)
    await session.exec(
        update(Letter).where(col(Letter.id) == letter_id).values(fate=Fate.SENT, sent_at=moment, facts={}, answer="")
    )


async def record_refusal(session: AsyncSession, letter: Letter, answer: str, *, final: bool) -> None:
    """Write down what the mail server said; a final no, or one no too many, makes it bounced."""
    bounced = final or letter.attempts > len(WAITS)
    values = {"answer": answer[:500]} | ({"fate": Fate.BOUNCED, "facts": {}} if bounced else {})
    await session.exec(update(Letter).where(col(Letter.id) == letter.id).values(values))


async def list_letters(session: AsyncSession, page: int) -> tuple[list[Letter], int]:
    """List the outbox, the newest first: one page, and how many letters there are."""
    total = (await session.exec(select(func.count()).select_from(Letter))).one()
    query = select(Letter).order_by(col(Letter.written_at).desc(), col(Letter.id)).limit(PER_PAGE)
    return list((await session.exec(query.offset((page - 1) * PER_PAGE))).all()), total


async def count_letters(session: AsyncSession) -> dict[str, int]:
    """Count the letters by fate."""
    rows = await session.exec(select(Letter.fate, func.count()).group_by(col(Letter.fate)))
    return {str(fate): number for fate, number in rows.all()}
