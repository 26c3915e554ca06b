"""Apps and recovery codes as rows, and whether there is a factor at all: set up, shown once each, taken away."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Case, case, delete, exists, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import (
    APP_DIGITS,
    PAPER_DIGITS,
    app_code,
    find_step,
    new_recovery_codes,
    open_app_secret,
    read_digits,
    recovery_hash,
    seal_app_secret,
    step_at,
)
from app.accounts.tables import Factor, FactorLoss, Passkey, RecoveryCode
from commons.clock import now
from commons.errors import Conflict, Invalid

PASSKEY, APP = "passkey", "app"
FIELD = "_code"  # one name on every page, which no other form uses


async def find_factor(session: AsyncSession, account_id: UUID) -> Factor | None:
    """Find somebody's app, if it is a factor of theirs."""
    return await session.get(Factor, account_id)


async def has_factor(session: AsyncSession, account_id: UUID) -> bool:
    """Tell whether somebody has a second factor: an app, or a passkey."""
    return bool((await session.exec(select(best_factor(account_id)))).first())


def best_factor(account_id: object) -> Case[str]:
    """Write which factor somebody has, as a column: PASSKEY, else APP, else nothing.

    account_id: one, or the column that holds it.
    """
    passkey = exists().where(col(Passkey.account_id) == account_id)
    app = exists().where(col(Factor.account_id) == account_id)
    return case((passkey, PASSKEY), (app, APP), else_="")


async def add_factor(session: AsyncSession, secret: str, account_id: UUID, app_secret: str, typed: str) -> list[str]:
    """Make an app a second factor, once a first code of it was shown.

    secret:  the house's.
    Returns: ten recovery codes, told once and kept nowhere.
    Raises:  Invalid "factor.wrong"; Conflict "factor.there".
    """
    moment = await now(session)
    step = find_step(app_secret, read_digits(typed), moment)
    if step is None:
        raise Invalid("factor.wrong", field=FIELD)
    sealed = seal_app_secret(secret, account_id, app_secret)
    try:
        async with session.begin_nested():
            session.add(Factor(account_id=account_id, sealed=sealed, last_step=step, added_at=moment))
            await session.flush()
    except IntegrityError as there:
        raise Conflict("factor.there") from there
    return await renew_recovery_codes(session, secret, account_id)


async def take_code(session: AsyncSession, secret: str, account_id: UUID, typed: str) -> bool:
    """Take a code that somebody shows, so that it never works again; of many at once, one is taken.

    Returns: whether it was a recovery code.
    Raises:  Invalid "factor.wrong", "factor.used".
    """
    digits = read_digits(typed)
    if len(digits) == PAPER_DIGITS:
        kept = recovery_hash(secret, account_id, digits)
        found = delete(RecoveryCode).where(
            col(RecoveryCode.account_id) == account_id, col(RecoveryCode.code_hash) == kept
        )
        if (await session.exec(found)).rowcount:
            return True
    factor = await find_factor(session, account_id)
    app_secret = open_app_secret(secret, account_id, factor.sealed) if factor else None
    step = find_step(app_secret, digits, await now(session)) if app_secret and len(digits) == APP_DIGITS else None
    if step is None:
        raise Invalid("factor.wrong", field=FIELD)
    newer = update(Factor).where(col(Factor.account_id) == account_id, col(Factor.last_step) < step)
    if not (await session.exec(newer.values(last_step=step))).rowcount:
        raise Invalid("factor.used", field=FIELD)
    return False


async def remove_factor(session: AsyncSession, account_id: UUID) -> None:
    """Take the app away."""
    await session.exec(delete(Factor).where(col(Factor.account_id) == account_id))
    await tidy_up(session, account_id)


async def remove_all_factors(session: AsyncSession, account_id: UUID) -> None:
    """Take app and passkeys away."""
    await session.exec(delete(Passkey).where(col(Passkey.account_id) == account_id))
    await remove_factor(session, account_id)


async def tidy_up(session: AsyncSession, account_id: UUID) -> None:
    """Let the recovery codes, and a request that the factor be forgotten, go with somebody's last factor."""
    if await has_factor(session, account_id):
        return
    await session.exec(delete(FactorLoss).where(col(FactorLoss.account_id) == account_id))
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account_id))


async def renew_recovery_codes(session: AsyncSession, secret: str, account_id: UUID) -> list[str]:
    """Make ten new recovery codes; those of before stop working. Returns them, told once and kept nowhere."""
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account_id))
    codes = new_recovery_codes()
    session.add_all(_rows(secret, account_id, codes))
    await session.flush()
    return codes


async def count_recovery_codes(session: AsyncSession, account_id: UUID) -> int:
    """Count the recovery codes that still work."""
    query = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.account_id == account_id)
    return (await session.exec(query)).one()


async def next_code(session: AsyncSession, secret: str, account_id: UUID) -> str:
    """Work out the code that would be taken next, for a demonstration; nothing where there is none at the moment."""
    factor = await find_factor(session, account_id)
    app_secret = open_app_secret(secret, account_id, factor.sealed) if factor else None
    if factor is None or app_secret is None:
        return ""
    present = step_at(await now(session))
    step = max(present, factor.last_step + 1)
    return app_code(app_secret, step) if step <= present + 1 else ""


def _rows(secret: str, account_id: UUID, codes: Sequence[str]) -> list[RecoveryCode]:
    return [RecoveryCode(account_id=account_id, code_hash=recovery_hash(secret, account_id, code)) for code in codes]
