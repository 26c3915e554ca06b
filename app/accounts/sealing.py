"""Small things under seal: what only this house can read back, made for one purpose and bound to one thing. Pure."""

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


def _about(purpose: str, bound_to: bytes) -> bytes:
    return purpose.encode() + b" " + bound_to
