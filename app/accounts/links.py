"""Links in letters: which letter answers a form, what a link is still good for, and that each is used once.

Who asks for a letter is answered before anybody looks whether the address is known: the worker looks, later. So neither
the words nor the time of the answer can tell.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.halfway import mark_of
from app.accounts.store import find_account
from app.accounts.tables import Account, SpentLink
from app.accounts.tokens import make_token, read_token
from app.letters.outbox import write_letter
from commons.clock import now
from commons.errors import NotFound

WELCOME, RESET = "welcome", "reset"
PURPOSES = frozenset({WELCOME, RESET})
"""What links are made for. Each one's row in tests/security/test_links.py says how it dies."""
LINK_HOURS = 24
INVITATION_HOURS = 72
SPENT_KEPT = timedelta(hours=INVITATION_HOURS + 1)


async def answer_form(session: AsyncSession, secret: str, form: str, email: str, language: str) -> None:
    """Write the letter that somebody asked for by a form, if there is one to write.

    form: "sign_up" or "forgot". email: in its one spelling.
    """
    account = await find_account(session, email)
    if account is not None:
        facts = {"email": email, "mark": password_mark(account.password_hash)}
        token = make_token(secret, RESET, facts, hours=LINK_HOURS)
        kind = "reset" if form == "forgot" else "sign_up_known"
        await write_letter(session, email, kind, language, name=account.name, token=token)
    elif form == "sign_up":
        token = make_token(secret, WELCOME, {"email": email}, hours=LINK_HOURS)
        await write_letter(session, email, "sign_up", language, token=token)


def password_mark(password_hash: str) -> str:
    """Mark a password without telling it, so that a link to change it dies with it."""
    return mark_of(password_hash).hex()[:32]


async def open_welcome(session: AsyncSession, secret: str, token: str) -> Mapping[str, str]:
    """Read what a link to a new account says.

    Raises: NotFound "link.dead", also for one whose account was made and is gone. Where it still is there, the form
            may be shown, and says that the address is taken: sign in.
    """
    facts = read_token(secret, WELCOME, token)
    used = await session.get(SpentLink, _mark(token)) is not None
    if used and await find_account(session, facts["email"]) is None:
        raise NotFound("link.dead")
    return facts


async def open_reset(session: AsyncSession, secret: str, token: str, *, lock: bool = False) -> Account:
    """Find whose password a link changes. Raises NotFound "link.dead", also where the password it speaks of is gone."""
    facts = read_token(secret, RESET, token)
    account = await find_account(session, facts["email"], lock=lock)
    if account is None or password_mark(account.password_hash) != facts["mark"]:
        raise NotFound("link.dead")
    return account


async def spend(session: AsyncSession, token: str) -> None:
    """Use a link up, in the transaction of what it does. Of many at once, one does. Raises NotFound "link.dead"."""
    try:
        async with session.begin_nested():
            session.add(SpentLink(mark=_mark(token), spent_at=await now(session)))
            await session.flush()
    except IntegrityError as used:
        raise NotFound("link.dead") from used


async def sweep_links(session: AsyncSession) -> None:
    """Forget used links that are too old by now anyway."""
    await session.exec(delete(SpentLink).where(col(SpentLink.spent_at) < await now(session) - SPENT_KEPT))


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
