"""Ask for an act that needs two people, and decide on it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.approvals.tables import Approval, Decision
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid, NotFound

LONGEST_REASON = 1000
MOST_SHOWN = 50


async def ask(session: AsyncSession, action: str, subject: str, reason: str, asked_by: UUID) -> Approval:
    """Ask for an act, with the reason the public will read.

    action:  dotted name of the act, such as "result.withdraw"; subject: the address of what it is done to.
    Raises:  Invalid without a reason; Conflict when the same is being asked already.
    """
    if not (reason := reason.strip()):
        raise Invalid("reason.missing", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("text.too_long", field="reason", limit=LONGEST_REASON, found=len(reason))
    approval = Approval(action=action, subject=subject, reason=reason, asked_by=asked_by, asked_at=await now(session))
    try:
        async with session.begin_nested():
            session.add(approval)
            await session.flush()
    except IntegrityError as waiting:
        raise Conflict("approval.waiting") from waiting
    return approval


async def decide(
    session: AsyncSession, approval_id: UUID, decided_by: UUID, decision: Decision, *, single_handed: bool = False
) -> Approval:
    """Decide on a request; the one who asked may not, except in a body with one officer.

    Raises: NotFound · Conflict when it is decided already · Forbidden when the same person would say both.
    """
    query = select(Approval).where(Approval.id == approval_id).with_for_update()
    if (approval := (await session.exec(query)).first()) is None:
        raise NotFound("approval.unknown")
    if approval.decision is not Decision.WAITING:
        raise Conflict("approval.decided")
    if approval.asked_by == decided_by and not single_handed:
        raise Forbidden("approval.same_person")
    approval.decision, approval.decided_by, approval.decided_at = decision, decided_by, await now(session)
    session.add(approval)
    await session.flush()
    return approval


async def take_back(session: AsyncSession, approval_id: UUID, asked_by: UUID) -> Approval:
    """Take a request back that nobody decided on yet; only the one who asked may.

    Raises: NotFound · Conflict when it is decided already · Forbidden "approval.not_yours".
    """
    query = select(Approval).where(Approval.id == approval_id).with_for_update()
    if (approval := (await session.exec(query)).first()) is None:
        raise NotFound("approval.unknown")
    if approval.asked_by != asked_by:
        raise Forbidden("approval.not_yours")
    if approval.decision is not Decision.WAITING:
        raise Conflict("approval.decided")
    approval.decision, approval.decided_by, approval.decided_at = Decision.TAKEN_BACK, asked_by, await now(session)
    session.add(approval)
    await session.flush()
    return approval


async def find_about(session: AsyncSession, subject: str) -> list[Approval]:
    """Find every request about what lies under an address, such as "people/<id>/", decided or not, oldest first."""
    query = select(Approval).where(col(Approval.subject).startswith(subject, autoescape=True))
    return list((await session.exec(query.order_by(col(Approval.asked_at), col(Approval.id)))).all())


async def erase_about(session: AsyncSession, subject: str) -> None:
    """Erase every request about what lies under an address, with its reason: what it was about is gone."""
    await session.exec(delete(Approval).where(col(Approval.subject).startswith(subject, autoescape=True)))


async def find_by(session: AsyncSession, person: UUID) -> list[Approval]:
    """Find every request that somebody asked for or decided on, oldest first."""
    query = select(Approval).where((col(Approval.asked_by) == person) | (col(Approval.decided_by) == person))
    return list((await session.exec(query.order_by(col(Approval.asked_at), col(Approval.id)))).all())


async def get_approval(session: AsyncSession, approval_id: UUID) -> Approval:
    """Get one request. Raises NotFound."""
    if (approval := await session.get(Approval, approval_id)) is None:
        raise NotFound("approval.unknown")
    return approval


async def find_waiting(session: AsyncSession, actions: Collection[str], subject: str | None = None) -> list[Approval]:
    """Find what still waits for a second person, oldest first: acts of some names, of one subject or of all."""
    query = select(Approval).where(Approval.decision == Decision.WAITING, col(Approval.action).in_(actions))
    if subject is not None:
        query = query.where(Approval.subject == subject)
    return list((await session.exec(query.order_by(col(Approval.asked_at)).limit(MOST_SHOWN))).all())
