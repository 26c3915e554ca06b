"""Find who holds which role, and write down that one was given or ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from app.accounts.tables import Account, Grant
from app.security import Role, Roles
from commons.clock import now
from commons.errors import Conflict
from commons.organisations.store import host_id

PER_PAGE = 25


@dataclass(frozen=True)
class FoundPeople:
    """One page of people, each with what they hold now."""

    people: list[tuple[Account, list[Grant]]]
    total: int
    page: int
    pages: int


async def find_people(session: AsyncSession, wanted: str = "", page: int = 1) -> FoundPeople:
    """Find people whose name or address holds every wanted word; without a word, those who hold a role.

    Three queries, whatever there is.
    """
    query = select(Account)
    if words := wanted.split()[:10]:
        for word in words:
            query = query.where(_has(word))
    else:
        query = query.where(col(Account.id).in_(_held().with_only_columns(col(Grant.account_id))))
    total = (await session.exec(select(func.count()).select_from(query.subquery()))).one()
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, page), pages)
    ordered = query.order_by(col(Account.name), col(Account.id)).offset((page - 1) * PER_PAGE).limit(PER_PAGE)
    accounts = (await session.exec(ordered)).all()
    held = await find_grants(session, [account.id for account in accounts])
    rows = [(account, [grant for grant in held if grant.account_id == account.id]) for account in accounts]
    return FoundPeople(rows, total, page, pages)


async def find_grants(session: AsyncSession, account_ids: Collection[UUID]) -> Sequence[Grant]:
    """Find what people hold in the hosting organisation now, by when it was given."""
    query = _held().where(col(Grant.account_id).in_(account_ids))
    return (await session.exec(query.order_by(col(Grant.granted_at), col(Grant.id)))).all()


async def find_roles(session: AsyncSession, account_id: UUID) -> Roles:
    """Find which roles somebody with an account has in the hosting organisation: a citizen at least."""
    return frozenset({Role.CITIZEN, *(grant.role for grant in await find_grants(session, [account_id]))})


async def find_holders(session: AsyncSession, role: Role) -> set[UUID]:
    """Find the accounts that hold a role in the hosting organisation, or in a unit of it."""
    return {grant.account_id for grant in await session.exec(_held().where(Grant.role == role))}


async def find_grant(session: AsyncSession, account_id: UUID, role: Role, unit: str = "") -> Grant | None:
    """Find the grant of a role that somebody holds now."""
    query = _held().where(Grant.account_id == account_id, Grant.role == role, Grant.unit == unit)
    return (await session.exec(query)).first()


async def add_grant(
    session: AsyncSession,
    organisation_id: UUID,
    account_id: UUID,
    role: Role,
    unit: str = "",
    *,
    asked_by: UUID | None = None,
    approved_by: UUID | None = None,
) -> Grant:
    """Give a role. Raises Conflict "role.held"."""
    grant = Grant(
        account_id=account_id, organisation_id=organisation_id, role=role, unit=unit,
        granted_at=await now(session), asked_by=asked_by, approved_by=approved_by,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(grant)
            await session.flush()
    except IntegrityError as held:
        raise Conflict("role.held", field="role") from held
    return grant


async def end_grant(session: AsyncSession, grant: Grant) -> None:
    """End a role; the row stays and says when."""
    grant.ended_at = await now(session)
    session.add(grant)
    await session.flush()


def _has(word: str) -> ColumnElement[bool]:
    """Tell whether a name or an address holds a word, in a likely case: SQLite knows no case beyond ASCII."""
    spellings = sorted({word, word.lower(), word.upper(), word.capitalize()})
    names = [col(Account.name).icontains(spelling, autoescape=True) for spelling in spellings]
    return or_(*names, col(Account.email).contains(word.lower(), autoescape=True))


def _held() -> SelectOfScalar[Grant]:
    """Write the question for all that is held in the hosting organisation now."""
    return select(Grant).where(col(Grant.ended_at).is_(None), Grant.organisation_id == host_id())
