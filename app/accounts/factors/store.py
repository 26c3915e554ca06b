"""Apps and recovery codes as rows, and whether there is a factor at all: set up, shown once each, taken away."""

from uuid import UUID

from sqlalchemy import Case, case, delete, exists, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import (
    APP_DIGITS,
    app_code,
    find_step,
    open_app_secret,
    read_digits,
    seal_app_secret,
    step_at,
)
from app.accounts.factors.recovery import DIGITS, Sheet, is_kept, keep, open_kept, salt_of
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


async def check_first(session: AsyncSession, account_id: UUID, app_secret: str, typed: str) -> int:
    """Check that an app may become a factor: there is none yet, and a code of it was shown.

    Returns: the half minute of the code.
    Raises:  Invalid "factor.wrong"; Conflict "factor.there".
    """
    if await find_factor(session, account_id) is not None:
        raise Conflict("factor.there")
    step = find_step(app_secret, read_digits(typed), await now(session))
    if step is None:
        raise Invalid("factor.wrong", field=FIELD)
    return step


async def add_factor(
    session: AsyncSession, secret: str, account_id: UUID, app_secret: str, typed: str, sheet: Sheet
) -> None:
    """Make an app a second factor, once a first code of it was shown; the sheet's recovery codes go with it.

    secret: the house's.
    Raises: Invalid "factor.wrong"; Conflict "factor.there".
    """
    step = await check_first(session, account_id, app_secret, typed)
    sealed = seal_app_secret(secret, account_id, app_secret)
    try:
        async with session.begin_nested():
            session.add(Factor(account_id=account_id, sealed=sealed, last_step=step, added_at=await now(session)))
            await session.flush()
    except IntegrityError as there:
        raise Conflict("factor.there") from there
    await renew_recovery_codes(session, secret, account_id, sheet)


async def find_salt(session: AsyncSession, account_id: UUID) -> bytes:
    """Find the salt of somebody's recovery codes; nothing where there is none, or they are from before salts."""
    return next((salt for kept in await _kept(session, account_id) if (salt := salt_of(kept))), b"")


async def take_code(session: AsyncSession, secret: str, account_id: UUID, typed: str, hashed: bytes) -> bool:
    """Take a code that somebody shows, so that it never works again; of many at once, one is taken.

    hashed:  the same code slowly, with the salt of their sheet, where it may be one of that.
    Returns: whether it was a recovery code.
    Raises:  Invalid "factor.wrong", "factor.used".
    """
    digits = read_digits(typed)
    for kept in await _kept(session, account_id) if len(digits) == DIGITS else []:
        if is_kept(secret, account_id, kept, digits, hashed):
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


async def renew_recovery_codes(session: AsyncSession, secret: str, account_id: UUID, sheet: Sheet) -> None:
    """Let the codes of a sheet work; those of before stop working."""
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account_id))
    kept = (keep(secret, account_id, sheet.salt, hashed) for hashed in sheet.hashes)
    session.add_all(RecoveryCode(account_id=account_id, code_hash=each) for each in kept)
    await session.flush()


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


async def reseal_factors(session: AsyncSession, old: str, new: str) -> tuple[int, int]:
    """Put apps and recovery codes under a new secret of the house's; what is under it already stays as it is.

    Returns: how many were sealed anew, and how many neither secret opens; codes from before salts are among these.
    """
    anew = lost = 0
    for factor in (await session.exec(select(Factor).with_for_update())).all():
        if open_app_secret(new, factor.account_id, factor.sealed) is None:
            app_secret = open_app_secret(old, factor.account_id, factor.sealed)
            if app_secret is None:
                lost += 1
                continue
            factor.sealed = seal_app_secret(new, factor.account_id, app_secret)
            session.add(factor)
            anew += 1
    for code in (await session.exec(select(RecoveryCode).with_for_update())).all():
        if open_kept(new, code.account_id, code.code_hash) is None:
            hashed = open_kept(old, code.account_id, code.code_hash)
            if hashed is None:
                lost += 1
                continue
            code.code_hash = keep(new, code.account_id, salt_of(code.code_hash), hashed)
            session.add(code)
            anew += 1
    await session.flush()
    return anew, lost


async def _kept(session: AsyncSession, account_id: UUID) -> list[bytes]:
    query = select(RecoveryCode.code_hash).where(RecoveryCode.account_id == account_id)
    return list((await session.exec(query)).all())
