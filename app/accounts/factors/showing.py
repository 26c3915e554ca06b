"""What somebody shows as their second factor: a code that they typed, or the answer of their passkey."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.codes import read_digits
from app.accounts.factors.recovery import DIGITS, slow_hash
from app.accounts.factors.store import count_recovery_codes, find_salt, take_code
from app.accounts.passkeys.answers import Answer, Site, read_answer
from app.accounts.passkeys.questions import SHOWING, Question, open_question
from app.accounts.passkeys.store import take_passkey
from app.accounts.passwords import Passwords
from app.accounts.store import get_account
from app.accounts.tables import Event
from app.config import Config
from app.db import Database
from app.letters.outbox import write_letter
from commons.errors import Invalid


@dataclass(frozen=True)
class Shown:
    """One of the two: a code, or an answer with the question that it answers.

    hashed: the code slowly, where it may be one of the owner's recovery codes.
    """

    code: str = ""
    hashed: bytes = b""
    answer: Answer | None = None
    question: Question | None = None


def read_shown(config: Config, cookie: str, sent: tuple[str, str], sealed: str, moment: datetime) -> Shown:
    """Read what a form shows.

    cookie: the browser's own. sent: the code and the passkey's answer, of which one is empty. sealed: the question.
    Raises: Invalid "passkey.late", and those of `read_answer`; none of these was a try.
    """
    code, text = sent
    if not text:
        return Shown(code)
    answer = read_answer(text)
    if (question := open_question(config.secret, cookie, SHOWING, sealed, moment)) is None:
        raise Invalid("passkey.late")
    return Shown(answer=answer, question=question)


async def hash_shown(db: Database, passwords: Passwords, account_id: UUID, shown: Shown) -> Shown:
    """Hash what may be a recovery code, before any transaction waits for it. Raises Busy."""
    digits = read_digits(shown.code)
    if len(digits) != DIGITS:
        return shown
    async with db.reading() as session:
        salt = await find_salt(session, account_id)
    return replace(shown, hashed=await passwords.run(slow_hash, digits, salt)) if salt else shown


async def take_shown(
    session: AsyncSession, config: Config, account_id: UUID, shown: Shown, browser: str, language: str
) -> None:
    """Take it, so that it never works again; of a recovery code the owner is told by letter.

    Raises: Invalid "factor.wrong", "factor.used", and those of `take_passkey`.
    """
    if shown.answer and shown.question:
        await take_passkey(session, Site(config.host, config.origin), account_id, shown.answer, shown.question)
    elif await take_code(session, config.secret, account_id, shown.code, shown.hashed):
        left, account = await count_recovery_codes(session, account_id), await get_account(session, account_id)
        await note(session, Event.RECOVERY_CODE_USED, who=account_id, browser=browser)
        await write_letter(session, account.email, "recovery_used", language, left=str(left))
