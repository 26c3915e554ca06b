"""Small things under seal: what only this house can read back, made for one purpose and bound to one thing. Pure."""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES, TAG_BYTES = 12, 16


def key_for(secret: str, purpose: str) -> bytes:
    """Make the key for one purpose from the house's secret: 32 bytes."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode())


def seal(secret: str, purpose: str, bound_to: bytes, text: bytes) -> bytes:
    """Seal a text. Returns 28 bytes more than it has."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key_for(secret, purpose)).encrypt(nonce, text, _about(purpose, bound_to))


def unseal(secret: str, purpose: str, bound_to: bytes, sealed: bytes) -> bytes | None:
    """Read it back; None where it was changed, or made for another purpose, another thing or another house."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        return None
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key_for(secret, purpose)).decrypt(nonce, rest, _about(purpose, bound_to))
    except InvalidTag:
        return None


def as_text(sealed: bytes) -> str:
    """Write it for a cookie: signs that need no escaping."""
    return base64.urlsafe_b64encode(sealed).decode()


def from_text(text: str) -> bytes | None:
    """Read that back; None for any other spelling, since Python reads over strange signs."""
    if not text.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(text)
    except binascii.Error:
        return None
    return sealed if as_text(sealed) == text else None


def _about(purpose: str, bound_to: bytes) -> bytes:
    return purpose.encode() + b" " + bound_to
