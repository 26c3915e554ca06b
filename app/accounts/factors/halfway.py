"""Halfway in: the password was right, the code is still to come. Pure.

What stands between the two is sealed into a cookie of ten minutes, bound to the cookie that the browser had before.
The house keeps nothing: nobody is signed in, and no row says who nearly was.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.accounts.sealing import seal, unseal

VALID_FOR = timedelta(minutes=10)
PURPOSE = "khma-halfway-1"
_ID, _MARK, _UNTIL = 16, 32, 8


@dataclass(frozen=True)
class Halfway:
    """Who is halfway in, and a mark of the password they gave: it must still be theirs when the code comes."""

    account_id: UUID
    mark: bytes


def mark_of(password_hash: str) -> bytes:
    """Mark a password without telling it."""
    return hashlib.sha256(password_hash.encode()).digest()


def seal_halfway(secret: str, cookie: str, halfway: Halfway, moment: datetime) -> str:
    """Write it down for one browser, valid for ten minutes. Returns characters that need no escaping in a cookie."""
    until = int((moment + VALID_FOR).timestamp())
    text = halfway.account_id.bytes + halfway.mark + until.to_bytes(_UNTIL)
    return base64.urlsafe_b64encode(seal(secret, PURPOSE, cookie.encode(), text)).decode()


def open_halfway(secret: str, cookie: str, text: str, moment: datetime) -> Halfway | None:
    """Read it back; None where it is too old, was changed, or belongs to another browser or another house."""
    try:
        sealed = base64.urlsafe_b64decode(text)
    except (ValueError, binascii.Error):
        return None
    opened = unseal(secret, PURPOSE, cookie.encode(), sealed)
    if opened is None or moment.timestamp() >= int.from_bytes(opened[_ID + _MARK :]):
        return None
    return Halfway(UUID(bytes=opened[:_ID]), opened[_ID : _ID + _MARK])
