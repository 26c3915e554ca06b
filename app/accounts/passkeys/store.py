"""Passkeys as rows: added, shown, taken away."""

import hashlib
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.store import tidy_up
from app.accounts.passkeys.answers import Answer, NewPasskey, Site, check_shown
from app.accounts.passkeys.questions import Question
from app.accounts.tables import Passkey, SpentLink
from commons.clock import now
from commons.errors import Conflict, Invalid

MOST = 10


async def list_passkeys(session: AsyncSession, account_id: UUID) -> list[Passkey]:
    """List somebody's passkeys, the oldest first."""
    query = select(Passkey).where(Passkey.account_id == account_id).order_by(col(Passkey.added_at), col(Passkey.id))
    return list((await session.exec(query)).all())


async def find_owner(session: AsyncSession, credential_id: bytes) -> UUID | None:
    """Find whose a passkey is, by what it calls itself."""
    return (await session.exec(select(Passkey.account_id).where(Passkey.credential_id == credential_id))).first()


async def add_passkey(session: AsyncSession, account_id: UUID, question: Question, new: NewPasskey) -> None:
    """Add a passkey under the name that its question carries. Of answers to one question, one adds.

    Raises: Conflict "passkey.there", "passkey.many"; Invalid "passkey.used".
    """
    await _spend(session, question)
    has = select(func.count()).select_from(Passkey).where(Passkey.account_id == account_id)
    if (await session.exec(has)).one() >= MOST:
        raise Conflict("passkey.many", limit=MOST)
    row = Passkey(
        account_id=account_id, credential_id=new.credential_id, public_key=new.public_key, sign_count=new.sign_count,
        name=question.name, added_at=await now(session),
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError as there:
        raise Conflict("passkey.there") from there


async def take_passkey(session: AsyncSession, site: Site, account_id: UUID, answer: Answer, question: Question) -> None:
    """Take what somebody's passkey signed, so that it never works again; of many at once, one is taken.

    Raises: Invalid "passkey.unknown", "passkey.not_yours", "passkey.foreign", "passkey.wrong", "passkey.used",
            "passkey.copied" where it counts back: then two devices hold the same key.
    """
    query = select(Passkey).where(Passkey.credential_id == answer.credential_id)
    if (passkey := (await session.exec(query)).first()) is None:
        raise Invalid("passkey.unknown")
    if passkey.account_id != account_id or answer.owner not in {None, account_id.bytes}:
        raise Invalid("passkey.not_yours")
    count = check_shown(site, answer, question, passkey.public_key)
    await _spend(session, question)
    this, before = col(Passkey.id) == passkey.id, col(Passkey.sign_count)
    went_on = before < count if count else before == 0  # many count nothing, and say 0 for ever
    if not (await session.exec(update(Passkey).where(this, went_on).values(sign_count=count))).rowcount:
        raise Invalid("passkey.copied")


async def remove_passkey(session: AsyncSession, account_id: UUID, passkey_id: UUID) -> bool:
    """Take one of somebody's passkeys away. Returns whether it was there."""
    theirs = (col(Passkey.id) == passkey_id) & (col(Passkey.account_id) == account_id)
    if not (await session.exec(delete(Passkey).where(theirs))).rowcount:
        return False
    await tidy_up(session, account_id)
    return True


async def _spend(session: AsyncSession, question: Question) -> None:
    """Use a question up, in the transaction of what its answer does."""
    mark = hashlib.sha256(b"passkey\0" + question.challenge).digest()
    try:
        async with session.begin_nested():
            session.add(SpentLink(mark=mark, spent_at=await now(session)))
            await session.flush()
    except IntegrityError as used:
        raise Invalid("passkey.used") from used
