"""Rolls that belong to one vote open to all, and their lines: found, added, forgotten."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Identity, Roll, RollLine
from commons.clock import now
from commons.errors import Forbidden
from commons.ids import new_id
from polls.lifecycle import State
from polls.tables import Poll


async def give_roll(session: AsyncSession, poll: Poll) -> None:
    """Make the roll of a vote open to all, while it is being locked. No page of an office shows such a roll."""
    roll = Roll(
        organisation_id=poll.organisation_id, names=dict(poll.titles), made_at=await now(session), poll_id=poll.id
    )
    session.add(roll)
    await session.flush()
    poll.roll_id = roll.id


async def find_newcomer(session: AsyncSession, roll_id: UUID, account_id: UUID, mark: bytes) -> UUID | None:
    """Find the line of an account, or of whoever took part before by what the mark stands for.

    Returns: the account whose line that is.
    Raises:  Forbidden "voter.address_used" where it is not this account's, or belongs to nobody any more.
    """
    theirs = (col(RollLine.account_id) == account_id) | (col(RollLine.person_mac) == mark)
    owners = set(await session.exec(select(RollLine.account_id).where(RollLine.roll_id == roll_id, theirs)))
    if owners and account_id not in owners:
        raise Forbidden("voter.address_used")
    return account_id if owners else None


async def add_newcomer(session: AsyncSession, roll_id: UUID, account_id: UUID, mark: bytes) -> None:
    """Add the line of an account; of two at once the unique keys let one in, and the other finds it there.

    Raises: Forbidden "voter.address_used".
    """
    line_id = new_id()
    line = RollLine(id=line_id, roll_id=roll_id, reference=str(line_id), account_id=account_id, person_mac=mark)
    try:
        async with session.begin_nested():
            session.add(line)
            await session.flush()
    except IntegrityError:
        await find_newcomer(session, roll_id, account_id, mark)


async def find_vouchers(session: AsyncSession, account_id: UUID) -> list[tuple[str, bytes]]:
    """Find the providers of sign-ins that vouch for somebody: issuer and the keyed hash of its name for them."""
    query = select(Identity.issuer, Identity.subject_mac).where(Identity.account_id == account_id)
    return [(issuer, mac) for issuer, mac in await session.exec(query.order_by(col(Identity.issuer)))]


async def newcomers(session: AsyncSession, roll_id: UUID) -> list[bytes]:
    """Read the fixed bytes of everybody's line, for `ballots.preparing.fix_roll`."""
    return [line_id.bytes for line_id in await session.exec(select(RollLine.id).where(RollLine.roll_id == roll_id))]


async def find_joined(session: AsyncSession, account_id: UUID) -> list[str]:
    """Find the votes open to all in which somebody asked to take part, by address."""
    query = select(Poll.slug).join(Roll, col(Roll.poll_id) == Poll.id).join(RollLine, col(RollLine.roll_id) == Roll.id)
    return list(await session.exec(query.where(RollLine.account_id == account_id).order_by(col(Poll.slug))))


async def forget_newcomers(session: AsyncSession, kept: timedelta) -> None:
    """Delete who asked to take part in votes whose objections have been over for so long; the public lists stay."""
    moment = await now(session)
    is_over = col(Poll.state).in_([State.PUBLISHED, State.ANNULLED]) & (col(Poll.objections_until) < moment - kept)
    polls = (await session.exec(select(Poll).where(is_over, col(Poll.open_to_all)))).all()
    over = [poll.roll_id for poll in polls if poll.objections_end < moment - kept]
    await session.exec(delete(RollLine).where(col(RollLine.roll_id).in_(over)))
