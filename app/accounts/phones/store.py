"""Numbers and codes as rows: a code shown, a message taken, a number taken away; its owner is told by letter."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.links import spend
from app.accounts.phones.messages import Message, code_hash, new_code, number_mark, open_number, seal_number
from app.accounts.phones.tables import Phone, PhoneCode
from app.accounts.store import get_account
from app.accounts.tables import Account, Event
from app.letters.outbox import write_letter
from commons.clock import now
from commons.errors import Conflict, Forbidden, NotFound

CODE_LIVES = timedelta(minutes=15)
MOST_OPEN = 5
SHOWN_OF_NUMBER = 2


async def find_phone(session: AsyncSession, account_id: UUID) -> Phone | None:
    """Find the number of an account."""
    return await session.get(Phone, account_id)


async def add_code(session: AsyncSession, secret: str, account_id: UUID) -> str:
    """Draw a code for an account; of more than five that wait, the oldest are dropped. Returns it, told once."""
    await session.get(Account, account_id, with_for_update=True)  # so that five at once are five
    query = select(PhoneCode.code_hash).where(PhoneCode.account_id == account_id)
    waiting = (await session.exec(query.order_by(col(PhoneCode.ends_at).desc()).offset(MOST_OPEN - 1))).all()
    await session.exec(delete(PhoneCode).where(col(PhoneCode.code_hash).in_(waiting)))
    ends_at = await now(session) + CODE_LIVES
    while True:
        code = new_code()
        try:
            async with session.begin_nested():
                session.add(PhoneCode(code_hash=code_hash(secret, code), account_id=account_id, ends_at=ends_at))
                await session.flush()
        except IntegrityError:  # somebody has this one at the moment
            continue
        return code


async def take_message(session: AsyncSession, secret: str, message: Message, signature: str) -> bool:
    """Add the number that a code came from to the account that was shown it; a number belongs to one account.

    Who had it before loses it and is told: numbers are given to other people, and a refusal would tell whose it is.

    signature: of the message, which is taken once.
    Returns:   whether the code was one that waited.
    Raises:    Forbidden "message.replayed".
    """
    try:
        await spend(session, f"message {signature}")
    except NotFound as replayed:
        raise Forbidden("message.replayed") from replayed
    found = delete(PhoneCode).where(col(PhoneCode.code_hash) == code_hash(secret, message.code))
    row = (await session.exec(found.returning(col(PhoneCode.account_id), col(PhoneCode.ends_at)))).first()
    if row is None or row[1] <= await now(session):
        return False
    account_id: UUID = row[0]
    mark = number_mark(secret, message.number)
    owner = (await session.exec(select(Phone.account_id).where(Phone.mark == mark))).first()
    if owner is not None and owner != account_id:
        await remove_phone(session, secret, owner)
    await session.exec(delete(Phone).where(col(Phone.account_id) == account_id))
    sealed = seal_number(secret, account_id, message.number)
    session.add(Phone(account_id=account_id, sealed=sealed, mark=mark, added_at=await now(session)))
    try:
        await session.flush()
    except IntegrityError as taken:  # by another message at this moment
        raise Conflict("message.meanwhile") from taken
    await note(session, Event.PHONE_ADDED, whom=account_id)
    await _tell(session, account_id, "phone_added", message.number)
    return True


async def remove_phone(session: AsyncSession, secret: str, account_id: UUID, browser: str | None = None) -> bool:
    """Take a number away, and the codes that wait. Returns whether there was one.

    browser: of its owner, who does it; None where another account takes the number over.
    """
    await session.exec(delete(PhoneCode).where(col(PhoneCode.account_id) == account_id))
    gone = delete(Phone).where(col(Phone.account_id) == account_id).returning(col(Phone.sealed))
    if (row := (await session.exec(gone)).first()) is None:
        return False
    who = None if browser is None else account_id
    await note(session, Event.PHONE_REMOVED, who=who, whom=account_id, browser=browser or "")
    await _tell(session, account_id, "phone_removed", open_number(secret, account_id, row[0]))
    return True


async def reseal_numbers(session: AsyncSession, old: str, new: str) -> tuple[int, int]:
    """Put numbers under a new secret of the house's; what is under it already stays as it is.

    Returns: how many were sealed anew, and how many neither secret opens.
    """
    anew = lost = 0
    for phone in (await session.exec(select(Phone).with_for_update())).all():
        if not open_number(new, phone.account_id, phone.sealed):
            if number := open_number(old, phone.account_id, phone.sealed):
                phone.sealed, phone.mark = seal_number(new, phone.account_id, number), number_mark(new, number)
                session.add(phone)
                anew += 1
            else:
                lost += 1
    await session.flush()
    return anew, lost


async def sweep_codes(session: AsyncSession) -> None:
    """Forget codes that no message came for in time."""
    await session.exec(delete(PhoneCode).where(col(PhoneCode.ends_at) < await now(session)))


async def _tell(session: AsyncSession, account_id: UUID, kind: str, number: str) -> None:
    account = await get_account(session, account_id)
    ending = number[-SHOWN_OF_NUMBER:]
    await write_letter(session, account.email, kind, account.language or "en", ending=ending)
