"""Sealing a ballot twice: once for those who open the box, once more for as long as the vote is open. Pure.

The inner seal (HPKE) is to the vote's public key, whose private half is not on the server: nobody reads it before the
opening. The outer one (AES-GCM) is under a key of the box that is destroyed at closing: while it lives the server can
tell whether an envelope was moved, changed or put back; once it is gone, no envelope in any old copy of the database
leads to a ballot in the urn.
"""

import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from commons.errors import Invalid

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
KEY_BYTES = 32
NONCE_BYTES = 12
OVERHEAD = 32 + 16 + NONCE_BYTES + 16
"""Bytes that sealing and wrapping add to a written answer: key, tag, nonce, tag."""


@dataclass(frozen=True)
class BoxKeys:
    """What follows from one vote's box.key: where envelopes lie, how they are wrapped, who signs receipts."""

    slot: bytes
    wrap: bytes
    receipt_seed: bytes

    @property
    def receipt(self) -> Ed25519PrivateKey:
        """The key that signs receipts."""
        return Ed25519PrivateKey.from_private_bytes(self.receipt_seed)

    @classmethod
    def of(cls, box_key: bytes, poll_id: UUID) -> "BoxKeys":
        """Derive the three by HKDF-SHA256, each under its own name."""

        def derive(name: bytes) -> bytes:
            return HKDF(SHA256(), KEY_BYTES, salt=poll_id.bytes, info=b"khma-box-1 " + name).derive(box_key)

        return cls(derive(b"slot"), derive(b"wrap"), derive(b"receipt"))


def slot_of(keys: BoxKeys, tag: bytes) -> bytes:
    """Find where a voter's envelope lies: 32 bytes that nobody without the key can lead back to the tag."""
    return hmac.digest(keys.slot, tag, "sha256")


def paper_mark(keys: BoxKeys, tag: bytes) -> bytes:
    """Make what the line of somebody who votes on paper carries: 32 bytes that nobody makes without the key."""
    return hmac.digest(keys.slot, b"khma-paper-1" + tag, "sha256")


def seal(plaintext: bytes, public: bytes, poll_id: UUID, card_hash: str) -> bytes:
    """Seal a written answer to the vote's public key; fresh each time, so that equal ballots look different.

    plaintext: as `answers.write` gives it, of one length in one vote: that is part of the secret.
    Returns:   48 bytes more: encapsulated key (32) ‖ AES-256-GCM of it with its tag (16).
    """
    return SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), _info(poll_id, card_hash))


def unseal(ciphertext: bytes, private: X25519PrivateKey, poll_id: UUID, card_hash: str) -> bytes:
    """Open the inner seal. Raises Invalid "ballot.unreadable" for anything not sealed to this vote and this card."""
    try:
        return SUITE.decrypt(ciphertext, private, _info(poll_id, card_hash))
    except (InvalidTag, ValueError) as reason:
        raise Invalid("ballot.unreadable") from reason


def wrap(keys: BoxKeys, ciphertext: bytes, poll_id: UUID, slot: bytes, channel: str, form_hash: bytes) -> bytes:
    """Put a sealed ballot into its envelope, bound to its vote, place, channel and form.

    Returns: 28 bytes more: nonce (12) ‖ AES-256-GCM of it with its tag (16).
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(keys.wrap).encrypt(nonce, ciphertext, _bound(poll_id, slot, channel, form_hash))


def unwrap(keys: BoxKeys, sealed: bytes, poll_id: UUID, slot: bytes, channel: str, form_hash: bytes) -> bytes:
    """Take a sealed ballot out of its envelope. Raises Invalid "ballot.damaged" when anything about it was changed."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(keys.wrap).decrypt(nonce, body, _bound(poll_id, slot, channel, form_hash))
    except (InvalidTag, ValueError) as reason:
        raise Invalid("ballot.damaged") from reason


def _info(poll_id: UUID, card_hash: str) -> bytes:
    return b"khma-ballot-1" + poll_id.bytes + bytes.fromhex(card_hash)


def _bound(poll_id: UUID, slot: bytes, channel: str, form_hash: bytes) -> bytes:
    return poll_id.bytes + slot + channel.encode() + form_hash  # only the channel's length varies
