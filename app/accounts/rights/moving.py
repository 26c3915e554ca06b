"""Another e-mail address for an account: confirmed by a letter to the new one, undone by a letter to the old one.

Who has somebody's browser and password could move the account to an address of their own. So the old address is told,
with a link that moves it back for a week, whatever happened since; the password is void then, for a stranger knew it.
"""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.halfway import mark_of
from app.accounts.passwords import no_password
from app.accounts.sessions import close_all_sessions
from app.accounts.store import find_account
from app.accounts.tables import Account, Event
from app.accounts.tokens import make_token, read_token
from app.letters.outbox import claim_letters, write_letter
from commons.errors import Conflict, Forbidden, Invalid, NotFound

LINK_HOURS = 24
UNDO_HOURS = 7 * 24
CONFIRM, UNDO = "address-confirm", "address-undo"


async def ask_to_move(session: AsyncSession, secret: str, account: Account, address: str, language: str) -> None:
    """Write to a new address. To one that has an account another letter goes, and who asks learns nothing.

    Raises: Invalid "address.same".
    """
    if address == account.email:
        raise Invalid("address.same", field="email")
    if await find_account(session, address) is not None:
        await write_letter(session, address, "address_known", language, account_id=account.id)
        return
    facts = {"account": str(account.id), "from": account.email or "", "address": address, "mark": _mark(account)}
    token = make_token(secret, CONFIRM, facts, hours=LINK_HOURS)
    await write_letter(session, address, "address_new", language, account_id=account.id, token=token)


def read_new_address(secret: str, account: Account, token: str) -> str:
    """Read which address a link confirms. Raises NotFound "link.dead"; Forbidden "link.foreign" to another account."""
    facts = read_token(secret, CONFIRM, token)
    if facts["account"] != str(account.id):
        raise Forbidden("link.foreign")
    if (facts["from"], facts["mark"]) != (account.email or "", _mark(account)):
        raise NotFound("link.dead")
    return facts["address"]


async def move(session: AsyncSession, secret: str, account_id: UUID, token: str, language: str, browser: str) -> None:
    """Change the address, once, and tell the old one. Raises as `read_new_address`; Conflict "address.taken"."""
    account = await _hold(session, account_id)
    address, before = read_new_address(secret, account, token), account.email or ""
    facts = {"account": str(account.id), "address": before}
    undo = make_token(secret, UNDO, facts, hours=UNDO_HOURS)
    if not before:  # who had no address had no password that anybody knew
        account.password_hash = no_password()
    await _set(session, account, address)
    await claim_letters(session, account.id, before)
    await note(session, Event.ADDRESS_CHANGED, who=account.id, browser=browser)
    await write_letter(session, before, "address_changed", language, account_id=account.id, token=undo)


async def find_moved(session: AsyncSession, secret: str, token: str, *, lock: bool = False) -> tuple[Account, str]:
    """Find whose address a link moves back, and to which one. Raises NotFound "link.dead"."""
    facts = read_token(secret, UNDO, token)
    try:
        account = await _hold(session, UUID(facts["account"]), lock=lock)
    except NotFound as gone:
        raise NotFound("link.dead") from gone
    if account.email == facts["address"]:
        raise NotFound("link.dead")
    return account, facts["address"]


async def move_back(session: AsyncSession, secret: str, token: str, language: str, browser: str) -> None:
    """Give an account its old address back: signed out everywhere, the password void, a letter to choose a new one.

    Raises: NotFound "link.dead"; Conflict "address.taken", should somebody have joined with the old one meanwhile.
    """
    account, address = await find_moved(session, secret, token, lock=True)
    account.password_hash = no_password()
    await _set(session, account, address)
    await close_all_sessions(session, account.id)
    await note(session, Event.ADDRESS_CHANGED_BACK, whom=account.id, browser=browser)
    facts = {"email": address, "mark": _mark(account)}
    reset = make_token(secret, "reset", facts, hours=LINK_HOURS)
    await write_letter(session, address, "address_back", language, token=reset)


async def _hold(session: AsyncSession, account_id: UUID, *, lock: bool = True) -> Account:
    query = select(Account).where(col(Account.id) == account_id).execution_options(populate_existing=True)
    if (account := (await session.exec(query.with_for_update() if lock else query)).first()) is None:
        raise NotFound("account.unknown")
    return account


async def _set(session: AsyncSession, account: Account, address: str) -> None:
    try:
        async with session.begin_nested():
            account.email = address
            session.add(account)
            await session.flush()
    except IntegrityError as taken:
        raise Conflict("address.taken") from taken


def _mark(account: Account) -> str:
    """Mark the password as links that change it do, so that they all die with it."""
    return mark_of(account.password_hash).hex()[:32]
