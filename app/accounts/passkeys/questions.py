"""Questions to a passkey: 32 random bytes for it to sign, good for five minutes in one browser. Pure.

A question is sealed into a cookie, bound to the cookie that the browser had before, and to what it is asked for. The
house keeps nothing of it before it was answered well; from then on a mark says that it was used.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.accounts.sealing import seal, unseal

VALID_FOR = timedelta(minutes=5)
SHOWING, ADDING = "khma-passkey-show-1", "khma-passkey-add-1"
"""What a question is for: to show a passkey that is known, or to add one, by somebody whose password was right."""


@dataclass(frozen=True)
class Question:
    """What a passkey is to sign. name: what a new one shall be called."""

    challenge: bytes
    name: str = ""


def new_question(name: str = "") -> Question:
    """Draw a question of 256 bits."""
    return Question(secrets.token_bytes(32), name)


def seal_question(secret: str, cookie: str, aim: str, question: Question, moment: datetime) -> str:
    """Write it down for one browser, valid for five minutes. Returns characters that need no escaping in a cookie."""
    until = int((moment + VALID_FOR).timestamp())
    text = json.dumps([until, question.challenge.hex(), question.name]).encode()
    return base64.urlsafe_b64encode(seal(secret, aim, cookie.encode(), text)).decode()


def open_question(secret: str, cookie: str, aim: str, text: str, moment: datetime) -> Question | None:
    """Read it back; None where it is too old, was changed, or belongs to another browser, aim or house."""
    try:
        sealed = base64.urlsafe_b64decode(text)
    except (ValueError, binascii.Error):
        return None
    if not cookie or (opened := unseal(secret, aim, cookie.encode(), sealed)) is None:
        return None
    until, challenge, name = json.loads(opened)
    return Question(bytes.fromhex(challenge), name) if moment.timestamp() < until else None
