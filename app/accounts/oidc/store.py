"""Identities as rows, and the lines of rolls that belong to whoever is signed in."""

from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Select, bindparam, case, literal
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.voters import BY_SIGN_IN, Voter
from app.accounts.tables import Account, Identity, Roll, RollLine
from commons.clock import now
from commons.errors import Conflict
from commons.rows import within


async def find_identity(session: AsyncSession, issuer: str, subject_mac: bytes) -> tuple[Identity, Account] | None:
    """Find whose identity this is."""
    query = select(Identity, Account).join(Account).where(Identity.issuer == issuer)
    return (await session.exec(query.where(Identity.subject_mac == subject_mac))).first()


async def find_own_identity(session: AsyncSession, account_id: UUID, issuer: str) -> Identity | None:
    """Find the identity that somebody has at an issuer."""
    query = select(Identity).where(Identity.account_id == account_id, Identity.issuer == issuer)
    return (await session.exec(query)).first()


async def add_identity(
    session: AsyncSession, issuer: str, subject_mac: bytes, account_id: UUID, person_mac: bytes | None
) -> None:
    """Join an identity to an account. Raises Conflict "identity.taken": it has an owner, or the account has one."""
    identity = Identity(
        issuer=issuer, subject_mac=subject_mac, account_id=account_id, person_mac=person_mac,
        linked_at=await now(session),
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(identity)
            await session.flush()
    except IntegrityError as taken:
        raise Conflict("identity.taken") from taken


async def remove_identity(session: AsyncSession, account_id: UUID, issuer: str) -> bool:
    """Take an identity away. Returns whether there was one."""
    theirs = (col(Identity.account_id) == account_id) & (col(Identity.issuer) == issuer)
    return bool((await session.exec(delete(Identity).where(theirs))).rowcount)


async def is_checked(session: AsyncSession, account_id: UUID) -> bool:
    """Tell whether an official bound a line of a roll to somebody's account."""
    query = select(RollLine.id).join(Roll).where(RollLine.account_id == account_id, col(RollLine.struck_at).is_(None))
    by_office = col(Roll.poll_id).is_(None)  # in a vote open to all a line is made for whoever asks
    return (await session.exec(query.where(by_office).limit(1))).first() is not None


async def find_own_line(session: AsyncSession, roll_id: UUID, account_id: UUID) -> Voter | None:
    """Find the line of a roll that is somebody's own: bound to their account, else to their official number."""
    return await within(session, find_line_of, roll_id, account_id)


def find_line_of(connection: Connection, roll_id: UUID, account_id: UUID) -> Voter | None:
    """Find the same, over a plain connection."""
    return _find(connection, "roll", {"roll_id": roll_id, "account_id": account_id})


def find_own_line_again(connection: Connection, line_id: UUID, account_id: UUID) -> Voter | None:
    """Find a line that was somebody's own when they got their booth pass, if it still is; in one statement."""
    return _find(connection, "line", {"line_id": line_id, "account_id": account_id})


def _find(connection: Connection, by: str, given: dict[str, Any]) -> Voter | None:
    row = connection.execute(_finding(by), given).first()
    return None if row is None else Voter(*row)


@cache
def _finding(by: str) -> Select[Any]:
    account: BindParameter[UUID] = bindparam("account_id")
    numbers = select_columns(col(Identity.person_mac)).where(col(Identity.account_id) == account)
    is_bound = col(RollLine.account_id) == account
    is_own = is_bound | col(RollLine.person_mac).in_(numbers)
    wanted = col(RollLine.roll_id) == bindparam("roll_id") if by == "roll" else col(RollLine.id) == bindparam("line_id")
    is_struck = col(RollLine.struck_at).is_not(None)
    came = (literal(BY_SIGN_IN), is_struck, literal(False))
    found = select_columns(col(RollLine.id), col(RollLine.roll_id), *came, col(RollLine.facts))
    return cast("Select[Any]", found.where(wanted, is_own).order_by(case((is_bound, 0), else_=1)).limit(1))
