"""What is kept of one person, looked up and erased; and what goes when its time is over. Nothing is decided here."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.filling.tables import RollImport
from app.accounts.roll.store import FROZEN, hold_roll
from app.accounts.tables import (
    Account,
    Device,
    FactorLoss,
    Grant,
    RollLine,
    RollVersion,
    SecurityEvent,
    Session,
    VoterCode,
)
from commons.clock import now
from commons.moderation.tables import Measure
from polls.lifecycle import State
from polls.tables import Amendment, Poll

EVENTS_KEPT = timedelta(days=365)
"""As the tables themselves know it: nothing younger can be deleted by the app (docs/adr/0018)."""

FORGET_EVENTS = {
    "sqlite": "DELETE FROM app_security_event WHERE happened_at < strftime('%Y-%m-%d %H:%M:%f', 'now', '-365 days')",
    "postgresql": "SELECT app_forget_security_events()",
}


async def forget_old_events(session: AsyncSession) -> None:
    """Delete the lines of the security log that are older than a year; the database sees to it that none is younger."""
    connection = await session.connection()
    await connection.execute(text(FORGET_EVENTS[connection.dialect.name]))


async def forget_struck_lines(session: AsyncSession, kept: timedelta) -> None:
    """Delete lines that were struck off longer ago, with their codes, once no vote can need them any more.

    A vote needs them from its opening to the end of the objections: its list was frozen with them. The hashes of the
    lists that they were on go with them: whoever has the other lines could try all numbers until the hash fits.
    """
    moment = await now(session)
    over = col(RollLine.struck_at) < moment - kept
    for roll_id in (await session.exec(select(RollLine.roll_id).where(over).distinct())).all():
        await hold_roll(session, roll_id)
        opened = select(Poll).where(Poll.roll_id == roll_id, col(Poll.opened_at).is_not(None))
        polls = (await session.exec(opened)).all()
        if any(poll.state in {*FROZEN, State.CLOSED} or poll.objections_end > moment for poll in polls):
            continue
        lines = select(RollLine.id).where(over, RollLine.roll_id == roll_id)
        theirs = select(func.max(RollLine.struck_at)).where(over, RollLine.roll_id == roll_id)
        for table, made_at in ((RollVersion, RollVersion.made_at), (RollImport, RollImport.asked_at)):
            with_them = (col(table.roll_id) == roll_id) & (col(made_at) < theirs.scalar_subquery())
            await session.exec(update(table).where(with_them).values(hash=""))
        await session.exec(delete(VoterCode).where(col(VoterCode.line_id).in_(lines)))
        await session.exec(delete(RollLine).where(over, col(RollLine.roll_id) == roll_id))


async def find_sessions(session: AsyncSession, account_id: UUID) -> list[Session]:
    """Find every browser that somebody is signed in with."""
    query = select(Session).where(Session.account_id == account_id).order_by(col(Session.created_at))
    return list((await session.exec(query)).all())


async def find_devices(session: AsyncSession, account_id: UUID) -> list[Device]:
    """Find the browsers that somebody came from before."""
    return list((await session.exec(select(Device).where(Device.account_id == account_id))).all())


async def find_waiting_loss(session: AsyncSession, account_id: UUID) -> FactorLoss | None:
    """Find whether somebody's second factor will be forgotten."""
    return await session.get(FactorLoss, account_id)


async def find_all_grants(session: AsyncSession, account_id: UUID) -> list[Grant]:
    """Find every role that somebody holds or held, in any organisation."""
    query = select(Grant).where(Grant.account_id == account_id).order_by(col(Grant.granted_at), col(Grant.id))
    return list((await session.exec(query)).all())


async def find_all_events(session: AsyncSession, account_id: UUID) -> list[SecurityEvent]:
    """Find every line of the security log about somebody, whether they acted or not, oldest first."""
    about = (col(SecurityEvent.who) == account_id) | (col(SecurityEvent.whom) == account_id)
    query = select(SecurityEvent).where(about).order_by(col(SecurityEvent.happened_at), col(SecurityEvent.id))
    return list((await session.exec(query)).all())


async def find_amendments_by(session: AsyncSession, account_id: UUID) -> list[tuple[Amendment, str]]:
    """Find the changes of votes that somebody asked for or decided on, each with the address of its vote."""
    by = (Amendment.asked_by, Amendment.agreed_by, Amendment.refused_by)
    query = select(Amendment, Poll.slug).join(Poll)
    query = query.where((by[0] == account_id) | (by[1] == account_id) | (by[2] == account_id))
    return [
        (amendment, slug) for amendment, slug in (await session.exec(query.order_by(col(Amendment.asked_at)))).all()
    ]


async def find_measures_by(session: AsyncSession, account_id: UUID) -> list[Measure]:
    """Find what somebody took off the pages or showed again."""
    by = (col(Measure.taken_by) == account_id) | (col(Measure.lifted_by) == account_id)
    return list((await session.exec(select(Measure).where(by).order_by(col(Measure.taken_at)))).all())


async def find_roll_versions_by(session: AsyncSession, account_id: UUID) -> list[RollVersion]:
    """Find the imports into rolls that somebody made."""
    query = select(RollVersion).where(RollVersion.made_by == account_id).order_by(col(RollVersion.made_at))
    return list((await session.exec(query)).all())


async def delete_account(session: AsyncSession, account: Account) -> None:
    """Delete an account; its sessions, devices, factor, recovery codes and grants go with it, by their foreign keys."""
    await session.exec(delete(Account).where(col(Account.id) == account.id))
