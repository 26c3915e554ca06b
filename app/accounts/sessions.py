"""Sessions: who is signed in, by a random cookie of which only the hash is kept.

A session is made when somebody signs in and at no other time; an id that the store does not know is never taken up.
It gets a new id at sign-in, at a change of password and at a change of role, and dies at sign-out.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Account, Grant, Session
from app.security import Role, Roles
from commons.clock import now
from commons.organisations.store import host_id

IDLE = timedelta(hours=24)  # longer than 20 hours, so nobody is hurried out of a form (WCAG 2.2.1)
LONGEST = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class SignedIn:
    """Who a cookie stands for, their roles, and whether "last seen" is old enough to be written down."""

    account: Account
    roles: Roles
    session: Session
    stale: bool


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def open_session(session: AsyncSession, account_id: UUID, browser: str) -> str:
    """Sign somebody in. Returns the cookie's token: 256 random bits, told once and kept nowhere."""
    token = secrets.token_urlsafe(32)
    moment = await now(session)
    session.add(
        Session(
            id_hash=_hash(token),
            account_id=account_id,
            browser=browser,
            created_at=moment,
            seen_at=moment,
            expires_at=moment + LONGEST,
        )
    )
    await session.flush()
    return token


async def find_signed_in(session: AsyncSession, token: str) -> SignedIn | None:
    """Find who a cookie stands for; None when it is unknown, too old, or was not used for a day. One query."""
    held = (col(Grant.account_id) == Account.id) & col(Grant.ended_at).is_(None) & (Grant.organisation_id == host_id())
    query = select(Session, Account, Grant.role).select_from(Session).join(Account).outerjoin(Grant, held)
    if not (rows := (await session.exec(query.where(Session.id_hash == _hash(token)))).all()):
        return None
    opened, account, _ = rows[0]
    roles = frozenset({Role.CITIZEN, *(Role(role) for _, _, role in rows if role is not None)})
    moment = await now(session)
    if moment >= opened.expires_at or moment - opened.seen_at > IDLE:
        return None
    return SignedIn(account, roles, opened, stale=moment - opened.seen_at > SEEN_EVERY)


async def mark_seen(session: AsyncSession, id_hash: bytes) -> None:
    """Write down that a session is in use; called every five minutes at most."""
    statement = update(Session).where(col(Session.id_hash) == id_hash).values(seen_at=await now(session))
    await session.exec(statement)


async def close_session(session: AsyncSession, token: str) -> None:
    """Sign one browser out."""
    await session.exec(delete(Session).where(col(Session.id_hash) == _hash(token)))


async def close_all_sessions(session: AsyncSession, account_id: UUID) -> None:
    """Sign a person out everywhere."""
    await session.exec(delete(Session).where(col(Session.account_id) == account_id))


async def list_sessions(session: AsyncSession, account_id: UUID) -> list[Session]:
    """List the browsers a person is signed in with, the latest first."""
    query = select(Session).where(Session.account_id == account_id).order_by(col(Session.created_at).desc()).limit(50)
    return list((await session.exec(query)).all())


async def sweep_sessions(session: AsyncSession) -> int:
    """Delete what is over. Returns how many."""
    moment: datetime = await now(session)
    over = (col(Session.expires_at) <= moment) | (col(Session.seen_at) <= moment - IDLE)
    return (await session.exec(delete(Session).where(over))).rowcount
