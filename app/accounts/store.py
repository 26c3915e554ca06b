"""Find accounts and change them. An address is kept in one spelling, so that it belongs to one person."""

import unicodedata
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.passwords import is_chosen
from app.accounts.tables import Account, Event, SecurityEvent
from commons.clock import now
from commons.errors import Conflict, Invalid, NotFound

LONGEST_ADDRESS = 254
LONGEST_NAME = 100
EVENTS_PER_PAGE = 50


def check_address(text: str, field: str = "email") -> str:
    """Bring an e-mail address into its one spelling. Raises Invalid when it cannot be one."""
    address = unicodedata.normalize("NFC", text.strip()).lower()
    before, at, domain = address.rpartition("@")
    strange = any(c.isspace() or not c.isprintable() or c in '<>,;:"()[]\\' for c in address)
    if (
        not before
        or not at
        or "@" in before
        or "." not in domain.strip(".")
        or strange
        or len(address) > LONGEST_ADDRESS
    ):
        raise Invalid("address.wrong", field=field)
    return address


def check_name(text: str) -> str:
    """Tidy the name a person wants to be called by. Raises Invalid when it is empty or too long."""
    name = " ".join(text.split())
    if not name:
        raise Invalid("text.missing", field="name")
    if len(name) > LONGEST_NAME:
        raise Invalid("text.too_long", field="name", limit=LONGEST_NAME, found=len(name))
    return name


async def find_account(session: AsyncSession, address: str, *, lock: bool = False) -> Account | None:
    """Find who has an address; locked, until this transaction ends nobody else changes them."""
    query = select(Account).where(Account.email == address)
    return (await session.exec(query.with_for_update() if lock else query)).first()


async def get_account(session: AsyncSession, account_id: UUID) -> Account:
    """Get one account. Raises NotFound."""
    if (account := await session.get(Account, account_id)) is None:
        raise NotFound("account.unknown")
    return account


async def find_accounts(session: AsyncSession, account_ids: Collection[UUID]) -> dict[UUID, Account]:
    """Find accounts by their ids; one that is gone is left out."""
    query = select(Account).where(col(Account.id).in_(account_ids))
    return {account.id: account for account in await session.exec(query)}


def has_password(account: Account) -> bool:
    """Tell whether somebody has a password to show: who came by a provider has none before they choose one."""
    return bool(account.email) and is_chosen(account.password_hash)


async def add_account(session: AsyncSession, address: str | None, name: str, password_hash: str) -> Account:
    """Add somebody who confirmed their address, or for whom a provider of sign-ins vouches.

    name:   nothing where a provider tells none; pages then have words of their own for it, in the reader's language.
    Raises: Conflict "address.taken"; Invalid for the name.
    """
    called = check_name(name) if name else ""
    account = Account(email=address, name=called, password_hash=password_hash, created_at=await now(session))
    try:
        async with session.begin_nested():
            session.add(account)
            await session.flush()
    except IntegrityError as taken:
        raise Conflict("address.taken", field="email") from taken
    return account


async def remember_language(session: AsyncSession, account_id: UUID, language: str) -> None:
    """Note in which language somebody came in, so that letters nobody asked for are written in it."""
    await session.exec(update(Account).where(col(Account.id) == account_id).values(language=language))


async def count_events(session: AsyncSession, whom: UUID, since: datetime) -> dict[Event, int]:
    """Count the lines of the security log about somebody since a moment: event -> how many."""
    query = select(SecurityEvent.event, func.count()).where(SecurityEvent.whom == whom)
    rows = await session.exec(query.where(SecurityEvent.happened_at > since).group_by(col(SecurityEvent.event)))
    return {Event(event): number for event, number in rows.all()}


async def find_events(
    session: AsyncSession, person: UUID | None = None, page: int = 1
) -> tuple[list[SecurityEvent], int, int]:
    """Read the security log, the newest lines first: of everybody, or of one person, whether they acted or not.

    Returns: one page of it, which page that is, and how many there are.
    """
    query = select(SecurityEvent)
    if person is not None:
        query = query.where((SecurityEvent.who == person) | (SecurityEvent.whom == person))
    total = (await session.exec(select(func.count()).select_from(query.subquery()))).one()
    pages = max(1, -(-total // EVENTS_PER_PAGE))
    page = min(max(1, page), pages)
    ordered = query.order_by(col(SecurityEvent.happened_at).desc(), col(SecurityEvent.id))
    rows = (await session.exec(ordered.offset((page - 1) * EVENTS_PER_PAGE).limit(EVENTS_PER_PAGE))).all()
    return list(rows), page, pages
