"""The receipt: a signed promise that one sealed ballot is in the box. Pure.

It proves that the ballot is in, never what it says. Until closing the server can make the same receipt again for its
voter. At closing the signing key is destroyed: from then on nobody can make one up.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from commons.errors import Invalid
from commons.merkle import leaf_hash

FORMAT = "khma-receipt-1"
GROUP = 4


def commitment_of(poll_id: UUID, ciphertext: bytes) -> bytes:
    """Compute C = SHA-256(0x00 ‖ vote ‖ sealed ballot): its line in box.txt, and an RFC 6962 leaf hash."""
    return leaf_hash(poll_id.bytes + ciphertext)


def tag_hash(poll_id: UUID, tag: bytes) -> bytes:
    """Hash a voter's tag for the public lists of the roll and of those who took part: SHA-256(0x00 ‖ vote ‖ tag)."""
    return leaf_hash(poll_id.bytes + tag)


def form_hash_of(poll_id: UUID, form_key: bytes) -> bytes:
    """Hash a form's key: what is kept of the last accepted form, and what the next one must know as `after`."""
    return hashlib.sha256(b"khma-form-1" + poll_id.bytes + form_key).digest()


@dataclass(frozen=True)
class Receipt:
    """One promise: this commitment is in the box of this vote, unless its voter changes it before closing.

    commitment: 32 bytes. signature: 64 bytes, Ed25519 by the vote's receipt key over `promise`.
    """

    poll_id: UUID
    commitment: bytes
    signature: bytes

    @property
    def promise(self) -> bytes:
        """The three lines that are signed."""
        return f"{FORMAT}\n{self.poll_id}\n{self.commitment.hex()}\n".encode()

    @property
    def code(self) -> str:
        """The commitment as people read it: 16 groups of four hex digits, as in box.txt but for the blanks."""
        digits = self.commitment.hex()
        return " ".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))

    def text(self) -> str:
        """Write the whole receipt as one line, for a QR code or a file: format, vote, commitment, signature."""
        return f"{FORMAT} {self.poll_id} {self.commitment.hex()} {b64encode(self.signature).decode()}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `text` wrote. Raises Invalid "receipt.malformed"."""
        try:
            name, poll_id, commitment, signature = text.split()
            receipt = cls(UUID(poll_id), bytes.fromhex(commitment), b64decode(signature, validate=True))
        except ValueError as reason:
            raise Invalid("receipt.malformed", field="receipt") from reason
        if name != FORMAT or receipt.text() != text.strip():
            raise Invalid("receipt.malformed", field="receipt")
        return receipt


def sign_receipt(poll_id: UUID, ciphertext: bytes, key: Ed25519PrivateKey) -> Receipt:
    """Make the receipt of a sealed ballot; the same ballot always has the same one."""
    unsigned = Receipt(poll_id, commitment_of(poll_id, ciphertext), b"")
    return Receipt(poll_id, unsigned.commitment, key.sign(unsigned.promise))


def check_receipt(receipt: Receipt, public: bytes) -> None:
    """Check a receipt by the key on the vote's rule card. Raises Invalid "receipt.signature_wrong"."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(receipt.signature, receipt.promise)
    except InvalidSignature as reason:
        raise Invalid("receipt.signature_wrong", field="receipt") from reason


def read_receipt(typed: str, poll_id: UUID, public: bytes) -> bytes:
    """Read what somebody typed as their receipt: its code, or its whole text, whose signature is then checked too.

    Returns: the commitment.
    Raises:  Invalid "receipt.malformed", "receipt.of_another_vote" or "receipt.signature_wrong".
    """
    if not typed.strip().startswith(FORMAT):
        return read_code(typed)
    receipt = Receipt.from_text(typed)
    if receipt.poll_id != poll_id:
        raise Invalid("receipt.of_another_vote", field="receipt")
    check_receipt(receipt, public)
    return receipt.commitment


def read_code(typed: str) -> bytes:
    """Read a commitment that somebody typed, with or without blanks. Raises Invalid "receipt.malformed"."""
    try:
        commitment = bytes.fromhex("".join(typed.split()))
    except ValueError as reason:
        raise Invalid("receipt.malformed", field="receipt") from reason
    if len(commitment) != 32:
        raise Invalid("receipt.malformed", field="receipt")
    return commitment
