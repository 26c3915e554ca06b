"""Messages that a gateway passes on: whether they are its own, which number they came from, which code they hold. Pure.

Who sends an SMS can be made up. So a number that came this way says nothing of who somebody is, and no level of
assurance counts it.
"""

import hmac
import json
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.accounts.sealing import key_for, seal, unseal
from commons.errors import Forbidden, Invalid

CODE_DIGITS = 10
LONGEST_TEXT = 1_000
FRESH_FOR = timedelta(minutes=5)
CODE, NUMBER, SEALED = "khma-phone-code-1", "khma-phone-number-1", "khma-phone-1"
_NUMBER = re.compile(r"[1-9][0-9]{7,14}")
_BETWEEN = str.maketrans("", "", " -./()\u00a0\u2010\u2011\u2012\u2013")


@dataclass(frozen=True)
class Message:
    """What somebody sent. number: as in E.164, with its plus. code: ten digits, or nothing where there is no code."""

    number: str
    code: str


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a message as a gateway does: HMAC-SHA256 over the timestamp, a dot and the body. Returns 64 hex digits."""
    return hmac.digest(secret.encode(), timestamp.encode("utf-8", "replace") + b"." + body, "sha256").hex()


def check_signature(secret: str, timestamp: str, body: bytes, signature: str) -> None:
    """Check that a message came from the gateway. Raises Forbidden "message.unsigned", always where there is no secret.

    timestamp: seconds since 1970, as it was signed.
    """
    expected = sign(secret, timestamp, body).encode()
    if not secret or not hmac.compare_digest(signature.lower().encode("utf-8", "replace"), expected):
        raise Forbidden("message.unsigned")


def check_fresh(timestamp: str, moment: datetime) -> None:
    """Check that a message was passed on within five minutes. Raises Forbidden "message.stale"."""
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(int(timestamp) - moment.timestamp()) > FRESH_FOR.seconds:
        raise Forbidden("message.stale")


def read_message(body: bytes) -> Message:
    """Read a message: JSON with `from`, a number with its country, and `text`.

    Raises: Invalid "message.malformed", "phone.malformed".
    """
    try:
        told = json.loads(body)
        sender, text = told["from"], told["text"]
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise Invalid("message.malformed") from broken
    if not isinstance(sender, str) or not isinstance(text, str):
        raise Invalid("message.malformed")
    return Message(read_number(sender), read_code(text))


def read_number(text: str) -> str:
    """Bring a telephone number into its one spelling (E.164). Raises Invalid "phone.malformed"; also without a country.

    Returns: a plus and 8 to 15 digits, such as +995555123456.
    """
    plain = "".join(_digit(sign) for sign in text[:100].translate(_BETWEEN))
    number = plain[1:] if plain.startswith("+") else plain[2:] if plain.startswith("00") else ""
    if not _NUMBER.fullmatch(number):
        raise Invalid("phone.malformed")
    return f"+{number}"


def read_code(text: str) -> str:
    """Find the code in a message, whatever words stand around it: its digits, of any script, are ten; else nothing."""
    digits = "".join(_digit(sign) for sign in text[:LONGEST_TEXT] if sign.isdecimal())
    return digits if len(digits) == CODE_DIGITS and len(text) <= LONGEST_TEXT else ""


def new_code() -> str:
    """Draw a code: ten digits, which every keypad has."""
    return str(secrets.randbelow(10**CODE_DIGITS)).zfill(CODE_DIGITS)


def code_hash(secret: str, code: str) -> bytes:
    """Find what is kept of a code: a hash under the house's secret."""
    return hmac.digest(key_for(secret, CODE), code.encode(), "sha256")


def number_mark(secret: str, number: str) -> bytes:
    """Find what tells that two numbers are one: a hash under the house's secret, since all numbers can be tried."""
    return hmac.digest(key_for(secret, NUMBER), number.encode(), "sha256")


def seal_number(secret: str, account_id: UUID, number: str) -> bytes:
    """Seal a number for keeping. secret: the house's, which is in no database."""
    return seal(secret, SEALED, account_id.bytes, number.encode())


def open_number(secret: str, account_id: UUID, sealed: bytes) -> str:
    """Read a number back; nothing where it was sealed for somebody else, or the house's secret is another."""
    opened = unseal(secret, SEALED, account_id.bytes, sealed)
    return "" if opened is None else opened.decode()


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)
