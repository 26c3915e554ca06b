"""The booth pass: once a code was accepted, half an hour in which it need not be typed again. Pure.

The pass is sealed under a key that follows from the house's secret and bound to one vote. The browser keeps it, the
house keeps nothing: no row says who is voting now. Whoever reads it must still ask whether the code became void.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.accounts.roll.voters import Voter

VALID_FOR = timedelta(minutes=30)
NONCE_BYTES = 12
_LINE, _SERIAL, _UNTIL = 16, 5, 8  # a pass has 57 bytes, a multiple of three: base64 leaves no bit unused
PASS_SIGNS = (NONCE_BYTES + _LINE + _SERIAL + _UNTIL + 16) // 3 * 4


@dataclass(frozen=True)
class Pass:
    """What a pass says: the roll line, and which of its codes was shown."""

    line_id: UUID
    serial: int


def seal_pass(secret: str, poll_id: UUID, voter: Voter, moment: datetime) -> str:
    """Write a pass for one vote, valid for 30 minutes.

    secret:  the house's.
    Returns: always 76 characters that need no escaping in a cookie.
    """
    until = int((moment + VALID_FOR).timestamp())
    text = voter.line_id.bytes + voter.serial.to_bytes(_SERIAL) + until.to_bytes(_UNTIL)
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(secret)).encrypt(nonce, text, _bound_to(poll_id))
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def open_pass(secret: str, poll_id: UUID, text: str, moment: datetime) -> Pass | None:
    """Read a pass back; None where it is too old, was changed, or was made for another vote or another house."""
    if len(text) != PASS_SIGNS or not text.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(text)
        if base64.urlsafe_b64encode(sealed).decode() != text:  # Python reads over strange signs
            return None
        opened = AESGCM(_key(secret)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(poll_id))
    except (InvalidTag, binascii.Error):
        return None
    serial, until = opened[_LINE : _LINE + _SERIAL], opened[_LINE + _SERIAL :]
    if moment.timestamp() >= int.from_bytes(until):
        return None
    return Pass(UUID(bytes=opened[:_LINE]), int.from_bytes(serial))


def _key(secret: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"khma-booth-pass-1").derive(secret.encode())


def _bound_to(poll_id: UUID) -> bytes:
    return b"khma-booth-pass-1 " + poll_id.bytes
