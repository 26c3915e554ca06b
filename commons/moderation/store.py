"""Take something off the pages in public, show it again, and find what is off."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.clock import now
from commons.errors import Conflict, Invalid
from commons.ledger.sequence import append
from commons.moderation.tables import Measure, Rule

LONGEST_REASON = 1000
PER_PAGE = 20


async def hide(session: AsyncSession, subject: str, rule: str, reason: str, taken_by: UUID) -> Measure:
    """Take something off the pages, with a line in the ledger that says by which house rule and why.

    subject: the address of what is taken off, such as "services/passports"; whoever shows it asks `find_measure`.
    rule:    one of `Rule`. reason: the public reads it, in the ledger too: no person's name in it.
    Raises:  Invalid without a known rule or a reason; Conflict when it is off already.
    """
    if rule not in set(Rule):
        raise Invalid("rule.unknown", field="rule")
    reason = _check_reason(reason)
    measure = Measure(subject=subject, rule=Rule(rule), reason=reason, taken_by=taken_by, taken_at=await now(session))
    try:
        async with session.begin_nested():
            session.add(measure)
            await session.flush()
    except IntegrityError as off:
        raise Conflict("moderation.hidden_already") from off
    await append(session, "moderation.hidden", {"what": subject, "rule": rule, "reason": reason}, subject=subject)
    return measure


async def show_again(session: AsyncSession, subject: str, reason: str, lifted_by: UUID) -> Measure:
    """Lift the measure in force; it stays on the list with both reasons.

    Raises: Invalid without a reason; Conflict when nothing is off.
    """
    reason = _check_reason(reason)
    query = _IN_FORCE.where(Measure.subject == subject).with_for_update().execution_options(populate_existing=True)
    if (measure := (await session.exec(query)).first()) is None:
        raise Conflict("moderation.not_hidden")
    measure.lifted_by, measure.lifted_at, measure.lifted_because = lifted_by, await now(session), reason
    session.add(measure)
    await session.flush()
    await append(session, "moderation.shown", {"what": subject, "reason": reason}, subject=subject)
    return measure


async def find_measure(session: AsyncSession, subject: str) -> Measure | None:
    """Find the measure in force; None for what is shown."""
    return (await session.exec(_IN_FORCE.where(Measure.subject == subject))).first()


async def find_hidden(session: AsyncSession, prefix: str) -> set[str]:
    """Find all that is off among the addresses that begin with "services/", or with another prefix. One query."""
    query = select(Measure.subject).where(
        col(Measure.lifted_at).is_(None), col(Measure.subject).startswith(prefix, autoescape=True)
    )
    return set((await session.exec(query)).all())


async def list_measures(session: AsyncSession, page: int) -> tuple[list[Measure], int]:
    """List one page of all that was ever taken off, the newest first, and tell how many there are in all."""
    query = select(Measure).order_by(col(Measure.taken_at).desc(), col(Measure.id))
    total = (await session.exec(select(func.count()).select_from(Measure))).one()
    return list((await session.exec(query.offset((page - 1) * PER_PAGE).limit(PER_PAGE))).all()), total


_IN_FORCE = select(Measure).where(col(Measure.lifted_at).is_(None))


def _check_reason(reason: str) -> str:
    if not (reason := reason.strip()):
        raise Invalid("reason.missing", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("text.too_long", field="reason", limit=LONGEST_REASON, found=len(reason))
    return reason
