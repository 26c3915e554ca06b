"""A second factor that its owner lost: forgotten a day after two people agreed, unless the owner objects by a link.

Whoever asks for another person's factor to be forgotten could be after their account. So the owner is told at once, by
a letter whose link stops it, and nothing changes for a day. The operator's command line does it at once, and tells too.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.store import has_factor, remove_all_factors
from app.accounts.sessions import close_all_sessions, hash_of
from app.accounts.store import get_account
from app.accounts.tables import Account, Event, FactorLoss
from app.letters.outbox import write_letter
from commons.clock import now
from commons.errors import Conflict, NotFound

WAITED = timedelta(hours=24)


async def check_forgettable(session: AsyncSession, account_id: UUID) -> None:
    """Check that there is a factor to forget. Raises Conflict "factor.none", "factor.forgetting"."""
    if not await has_factor(session, account_id):
        raise Conflict("factor.none", field="role")
    if await session.get(FactorLoss, account_id) is not None:
        raise Conflict("factor.forgetting", field="role")


async def begin_forgetting(session: AsyncSession, account: Account, language: str) -> None:
    """Let the day begin, and tell the owner. Who calls this sees to it that `forget_due` is called when it is over."""
    token, due_at = secrets.token_urlsafe(24), await now(session) + WAITED
    session.add(FactorLoss(account_id=account.id, link_hash=hash_of(token), language=language, due_at=due_at))
    await session.flush()
    await write_letter(session, account.email, "factor_loss", language, token=token)


async def find_loss(session: AsyncSession, token: str, *, lock: bool = False) -> FactorLoss:
    """Find what a link can still stop; locked, nobody else stops it meanwhile. Raises NotFound "link.dead"."""
    query = select(FactorLoss).where(FactorLoss.link_hash == hash_of(token))
    if (loss := (await session.exec(query.with_for_update() if lock else query)).first()) is None:
        raise NotFound("link.dead")
    return loss


async def stop_forgetting(session: AsyncSession, token: str, browser: str) -> None:
    """Keep the factor, because its owner has it or did not ask. Raises NotFound "link.dead"."""
    loss = await find_loss(session, token, lock=True)
    await note(session, Event.FACTOR_LOSS_STOPPED, whom=loss.account_id, browser=browser)
    await session.delete(loss)
    await session.flush()


async def forget_due(session: AsyncSession) -> None:
    """Forget every factor whose day is over."""
    query = select(FactorLoss).where(col(FactorLoss.due_at) <= await now(session)).with_for_update()
    for loss in (await session.exec(query)).all():
        await forget_factor(session, await get_account(session, loss.account_id), loss.language)


async def forget_factor(session: AsyncSession, account: Account, language: str) -> None:
    """Take app and passkeys away at once, sign the person out everywhere, tell them. Raises Conflict "factor.none"."""
    if not await has_factor(session, account.id):
        raise Conflict("factor.none", field="role")
    await remove_all_factors(session, account.id)
    await close_all_sessions(session, account.id)
    await note(session, Event.FACTOR_FORGOTTEN, whom=account.id)
    await write_letter(session, account.email, "factor_forgotten", language)
