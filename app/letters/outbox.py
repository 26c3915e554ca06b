"""The outbox: a letter is a row in the transaction it speaks of, so neither exists without the other.

Sending comes later, from a worker. A letter that was handed over when the worker died is sent again under the same
Message-ID; better twice than never.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, update
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.letters.tables import Fate, Letter
from commons.clock import now
from commons.ids import new_id

CAST = "ballot_cast"
UNSEEN = (CAST,)
"""Kinds that tell who voted: they stand on no page and in no count, and their rows go as soon as they are sent."""
WAITS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
PER_PAGE = 50


async def write_letter(
    session: AsyncSession, address: str | None, kind: str, language: str, account_id: UUID | None = None, **facts: str
) -> None:
    """Put a letter into the outbox.

    address:    nothing for somebody who has none; then nothing is written.
    kind:       a folder of `templates/letters/`. facts: what its words need.
    account_id: whose letter it is, where it goes to another address than their account's, so that it is found when
                they ask what is kept, or have it erased.
    """
    if not address:
        return
    moment = await now(session)
    letter = Letter(
        address=address, account_id=account_id, kind=kind, language=language, facts=facts,
        written_at=moment, due_at=moment,
    )  # fmt: skip
    session.add(letter)
    await session.flush()


@dataclass(frozen=True)
class Note:
    """One letter of many that are written at once. due_at: from when on it may go."""

    address: str
    language: str
    facts: Mapping[str, str]
    due_at: datetime


async def write_notes(session: AsyncSession, kind: str, notes: Sequence[Note]) -> None:
    """Put many letters of one kind into the outbox, in the order in which they are given."""
    moment = await now(session)
    same = {"account_id": None, "kind": kind, "fate": Fate.WAITING, "attempts": 0, "written_at": moment}
    rows = [
        {"id": new_id(), "address": note.address, "language": note.language, "facts": dict(note.facts)}
        | same
        | {"due_at": note.due_at, "answer": ""}
        for note in notes
    ]
    if rows:
        await session.exec(insert(Letter), params=rows)


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
    """Write down that a letter was handed over, and forget what it said; of UNSEEN kinds, that there was one."""
    if await _drop_unseen(session, letter_id):
        return
    moment = await now(session)
    await session.exec(
        update(Letter).where(col(Letter.id) == letter_id).values(fate=Fate.SENT, sent_at=moment, facts={}, answer="")
    )


async def record_refusal(session: AsyncSession, letter: Letter, answer: str, *, final: bool) -> None:
    """Write down what the mail server said; a final no, or one no too many, makes it bounced."""
    bounced = final or letter.attempts > len(WAITS)
    if bounced and await _drop_unseen(session, letter.id):
        return
    values = {"answer": answer[:500]} | ({"fate": Fate.BOUNCED, "facts": {}} if bounced else {})
    await session.exec(update(Letter).where(col(Letter.id) == letter.id).values(values))


async def _drop_unseen(session: AsyncSession, letter_id: UUID) -> bool:
    """Delete a letter that nobody is to see later. Returns whether it was one."""
    unseen = (col(Letter.id) == letter_id) & col(Letter.kind).in_(UNSEEN)
    return bool((await session.exec(delete(Letter).where(unseen))).rowcount)


async def find_letters_of(session: AsyncSession, account_id: UUID, address: str) -> list[Letter]:
    """Find all letters to a person: to the address of their account, and those that are marked as theirs."""
    query = select(Letter).where(_of(account_id, address)).order_by(col(Letter.written_at), col(Letter.id))
    return list((await session.exec(query)).all())


async def claim_letters(session: AsyncSession, account_id: UUID, address: str) -> None:
    """Mark the letters to an address that somebody gives up as theirs, so that they are still found as such."""
    await session.exec(update(Letter).where(col(Letter.address) == address).values(account_id=account_id))


async def erase_letters_of(session: AsyncSession, account_id: UUID, address: str) -> None:
    """Erase all letters to a person, whether they were sent or not."""
    await session.exec(delete(Letter).where(_of(account_id, address)))


async def sweep_letters(session: AsyncSession, kept: timedelta, kinds: Collection[str] = ()) -> None:
    """Forget letters that were written longer ago and wait no more: of some kinds, or of all."""
    over = (col(Letter.fate) != Fate.WAITING) & (col(Letter.written_at) < await now(session) - kept)
    await session.exec(delete(Letter).where(over & col(Letter.kind).in_(kinds) if kinds else over))


def _of(account_id: UUID, address: str) -> ColumnElement[bool]:
    return (col(Letter.account_id) == account_id) | (col(Letter.address) == address)


async def list_letters(session: AsyncSession, page: int) -> tuple[list[Letter], int]:
    """List the outbox, the newest first: one page, and how many letters there are."""
    shown = col(Letter.kind).not_in(UNSEEN)
    total = (await session.exec(select(func.count()).select_from(Letter).where(shown))).one()
    query = select(Letter).where(shown).order_by(col(Letter.written_at).desc(), col(Letter.id)).limit(PER_PAGE)
    return list((await session.exec(query.offset((page - 1) * PER_PAGE))).all()), total


async def count_letters(session: AsyncSession) -> dict[str, int]:
    """Count the letters by fate, without those that would tell how many voted."""
    counted = select(Letter.fate, func.count()).where(col(Letter.kind).not_in(UNSEEN))
    rows = await session.exec(counted.group_by(col(Letter.fate)))
    return {str(fate): number for fate, number in rows.all()}
