"""Sessions: who is signed in, by a random cookie of which only the hash is kept; and the devices they came from.

A session is made when somebody signs in and at no other time; an id that the store does not know is never taken up.
It gets a new id at sign-in, when a code or password is shown again, at a change of password or factor and at a change
of role, and dies at sign-out.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.store import PASSKEY, best_factor
from app.accounts.tables import Account, Device, Grant, Session
from app.security import Role, Roles
from commons.clock import moment_in, now
from commons.errors import Forbidden
from commons.organisations.store import host_id

IDLE = timedelta(hours=24)  # longer than 20 hours, so nobody is hurried out of a form (WCAG 2.2.1)
LONGEST = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)
WARNED_BEFORE = timedelta(minutes=30)
DEVICE_KNOWN_FOR = timedelta(days=400)  # as long as browsers keep a cookie


@dataclass(frozen=True)
class SignedIn:
    """Who a cookie stands for, their roles, and whether "last seen" is old enough to be written down.

    has_factor: whether they have a second factor. has_passkey: whether it is a passkey, or one of them is.
    proved_ago: how long since this browser showed one.
    entered_ago: how long since this browser signed in. shown_ago: since its owner did, or showed a password or code.
    ends_soon:  whether the session's longest time is nearly over.
    """

    account: Account
    roles: Roles
    session: Session
    stale: bool
    has_factor: bool
    has_passkey: bool
    entered_ago: timedelta
    shown_ago: timedelta
    proved_ago: timedelta | None
    ends_soon: bool


def hash_of(token: str) -> bytes:
    """Find what is kept of a session's token."""
    return hashlib.sha256(token.encode()).digest()


async def open_session(
    session: AsyncSession, account_id: UUID, browser: str, *, proved: bool = False, shown_ago: timedelta = timedelta(0)
) -> str:
    """Sign somebody in.

    proved:    they showed their second factor.
    shown_ago: how long ago they showed who they are; a provider may have known them for hours.
    Returns: the cookie's token: 256 random bits, told once and kept nowhere.
    """
    token = secrets.token_urlsafe(32)
    moment = await now(session)
    session.add(
        Session(
            id_hash=hash_of(token),
            account_id=account_id,
            browser=browser,
            created_at=moment,
            seen_at=moment,
            expires_at=moment - shown_ago + LONGEST,
            proved_at=moment if proved else None,
        )
    )
    await session.flush()
    return token


async def renew_session(session: AsyncSession, token: str, *, proved: bool) -> str:
    """Give a session a new id and its full time again. proved: the second factor was just shown.

    Returns: the new token; the old one is dead.
    Raises:  Forbidden "door.stale_form" where the session was renewed or closed meanwhile.
    """
    renewed, moment = secrets.token_urlsafe(32), await now(session)
    values = {"id_hash": hash_of(renewed), "seen_at": moment, "expires_at": moment + LONGEST}
    there = update(Session).where(col(Session.id_hash) == hash_of(token))
    if not (await session.exec(there.values(values | ({"proved_at": moment} if proved else {})))).rowcount:
        raise Forbidden("door.stale_form")
    return renewed


async def find_signed_in(session: AsyncSession, token: str) -> SignedIn | None:
    """Find who a cookie stands for; None when it is unknown, too old, or was not used for a day. One query."""
    clock = moment_in((await session.connection()).dialect.name)
    held = (col(Grant.account_id) == Account.id) & col(Grant.ended_at).is_(None) & (Grant.organisation_id == host_id())
    query = (
        select(Session, Account, best_factor(Account.id), Grant.role, clock)  # type: ignore[call-overload]  # up to four
        .select_from(Session)
        .join(Account)
        .outerjoin(Grant, held)
        .where(Session.id_hash == hash_of(token))
    )
    if not (rows := (await session.exec(query)).all()):
        return None
    opened, account, factor, _, moment = rows[0]
    if moment >= opened.expires_at or moment - opened.seen_at > IDLE:
        return None
    return SignedIn(
        account,
        frozenset({Role.CITIZEN, *(Role(role) for *_, role, _ in rows if role is not None)}),
        opened,
        stale=moment - opened.seen_at > SEEN_EVERY,
        has_factor=bool(factor),
        has_passkey=factor == PASSKEY,
        entered_ago=moment - opened.created_at,
        shown_ago=moment - (opened.expires_at - LONGEST),  # whenever they do, the session gets its full time again
        proved_ago=moment - opened.proved_at if opened.proved_at else None,
        ends_soon=opened.expires_at - moment <= WARNED_BEFORE,
    )


async def mark_seen(session: AsyncSession, id_hash: bytes) -> None:
    """Write down that a session is in use; called every five minutes at most."""
    statement = update(Session).where(col(Session.id_hash) == id_hash).values(seen_at=await now(session))
    await session.exec(statement)


async def close_session(session: AsyncSession, token: str) -> None:
    """Sign one browser out."""
    await session.exec(delete(Session).where(col(Session.id_hash) == hash_of(token)))


async def close_one_session(session: AsyncSession, account_id: UUID, id_hash: bytes) -> None:
    """Sign another browser of the same person out, as their list of sessions names it."""
    ours = (col(Session.id_hash) == id_hash) & (col(Session.account_id) == account_id)
    await session.exec(delete(Session).where(ours))


async def close_other_sessions(session: AsyncSession, account_id: UUID, token: str) -> None:
    """Sign a person out everywhere but here."""
    others = (col(Session.account_id) == account_id) & (col(Session.id_hash) != hash_of(token))
    await session.exec(delete(Session).where(others))


async def close_all_sessions(session: AsyncSession, account_id: UUID) -> None:
    """Sign a person out everywhere."""
    await session.exec(delete(Session).where(col(Session.account_id) == account_id))


async def list_sessions(session: AsyncSession, account_id: UUID) -> list[Session]:
    """List the browsers a person is signed in with, the latest first."""
    query = select(Session).where(Session.account_id == account_id).order_by(col(Session.created_at).desc()).limit(50)
    return list((await session.exec(query)).all())


def device_mark(secret: str, device: str) -> bytes:
    """Find what is kept of a device's cookie."""
    return hmac.digest(secret.encode(), b"device\0" + device.encode(), "sha256")


async def knows_device(session: AsyncSession, secret: str, account_id: UUID, device: str) -> bool:
    """Tell whether a person signed in from a device before."""
    return await session.get(Device, (account_id, device_mark(secret, device))) is not None


async def find_at_door(
    session: AsyncSession, secret: str, address: str, device: str
) -> tuple[Account, bool, bool] | None:
    """Find who has an address, in one query, so that it takes as long where nobody has it.

    Returns: the account, whether it has a second factor, and whether its owner signed in from this device before.
    """
    known = (col(Device.account_id) == Account.id) & (col(Device.mark) == device_mark(secret, device))
    query = (
        select(Account, best_factor(Account.id), Device.account_id)
        .outerjoin(Device, known)
        .where(Account.email == address)
    )
    if (row := (await session.exec(query)).first()) is None:
        return None
    account, factor, seen = row
    return account, bool(factor), seen is not None


async def meet_device(session: AsyncSession, secret: str, account_id: UUID, device: str) -> bool:
    """Write down that a person signed in from a device.

    device:  its random cookie.
    Returns: True for one that is new, while others are known; the very first tells nobody anything.
    """
    mark, moment = device_mark(secret, device), await now(session)
    this = (col(Device.account_id) == account_id) & (col(Device.mark) == mark)
    if (await session.exec(update(Device).where(this).values(seen_at=moment))).rowcount:
        return False
    known = (await session.exec(select(Device.account_id).where(Device.account_id == account_id).limit(1))).first()
    try:
        async with session.begin_nested():
            session.add(Device(account_id=account_id, mark=mark, seen_at=moment))
            await session.flush()
    except IntegrityError:  # from another window of the same browser, at this moment
        return False
    return known is not None


async def sweep_sessions(session: AsyncSession) -> int:
    """Delete sessions that are over. Returns how many."""
    moment: datetime = await now(session)
    over = (col(Session.expires_at) <= moment) | (col(Session.seen_at) <= moment - IDLE)
    return (await session.exec(delete(Session).where(over))).rowcount


async def sweep_devices(session: AsyncSession, kept: timedelta) -> None:
    """Forget devices that nobody came from for so long."""
    await session.exec(delete(Device).where(col(Device.seen_at) <= await now(session) - kept))
