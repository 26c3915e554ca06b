"""The key folder: the secrets of each vote, outside the database and outside every backup.

    votes/<vote>/roll.key    turns a roll line into a tag; kept until the objection period ends
    votes/<vote>/box.key     where envelopes lie, how they are wrapped, who signs receipts; destroyed at closing
    custody/<vote>/<custodian>.roll, .box      copies of both, each sealed to one custodian
    openers/<vote>.key       opens the box, where no trustees do (a demonstration)

Deleting a file is not unwriting it: docs/operating.md says what that means on which disk.
"""

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ballots.files import destroy, keep
from ballots.sealing import KEY_BYTES, SUITE, BoxKeys
from commons.canonical import digest
from commons.errors import Conflict, Invalid

ROLL, BOX = "roll", "box"


class Keys:
    """One installation's key folder. Every app node must reach the same one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, poll_id: UUID) -> None:
        """Make both keys of a vote; keys that are there already stay."""
        for name in (ROLL, BOX):
            keep(self._key(poll_id, name), secrets.token_bytes(KEY_BYTES))

    def tag(self, poll_id: UUID, line: bytes) -> bytes:
        """Find a voter's tag: HMAC(roll.key, vote ‖ roll line). Raises Conflict "keys.gone"."""
        return self.tags(poll_id, [line])[0]

    def tags(self, poll_id: UUID, lines: Iterable[bytes]) -> list[bytes]:
        """Find the tags of many roll lines, in their order. Raises Conflict "keys.gone"."""
        key = self._read(poll_id, ROLL)
        return [hmac.digest(key, poll_id.bytes + line, "sha256") for line in lines]

    def counter_mark(self, poll_id: UUID, line: bytes) -> bytes:
        """Find what stands for a voter where acts at a counter are kept: no tag. Raises Conflict "keys.gone"."""
        return hmac.digest(self._read(poll_id, ROLL), b"khma-counter-1" + poll_id.bytes + line, "sha256")

    def box(self, poll_id: UUID) -> BoxKeys:
        """Derive what follows from the box key. Raises Conflict "keys.gone" once it is destroyed."""
        return BoxKeys.of(self._read(poll_id, BOX), poll_id)

    def has_box(self, poll_id: UUID) -> bool:
        """Tell whether a box key of this vote, or a sealed copy of it, is still here."""
        return bool([path for path in (self._key(poll_id, BOX), *self._copies(poll_id, BOX)) if path.exists()])

    def is_whole(self, poll_id: UUID) -> bool:
        """Tell whether both keys of a vote are here, so that it can go on."""
        return all(self._key(poll_id, name).exists() for name in (ROLL, BOX))

    def destroy_box(self, poll_id: UUID) -> None:
        """Delete the box key and its sealed copies, and look again. Raises Conflict "keys.still_there"."""
        destroy([*self._copies(poll_id, BOX), self._key(poll_id, BOX)])
        if self.has_box(poll_id):
            raise Conflict("keys.still_there")

    def destroy_roll(self, poll_id: UUID) -> None:
        """Delete the roll key and its copies, at the end of the objection period."""
        destroy([*self._copies(poll_id, ROLL), self._key(poll_id, ROLL)])

    def give(self, poll_id: UUID, custodian_id: UUID, public: bytes) -> None:
        """Write copies of both keys, sealed to one custodian's public key (64 bytes, as `Custodian.public`)."""
        recipient = X25519PublicKey.from_public_bytes(public[:KEY_BYTES])
        for name in (ROLL, BOX):
            sealed = SUITE.encrypt(self._read(poll_id, name), recipient, _custody_info(poll_id, name))
            keep(self._copy(poll_id, custodian_id, name), sealed)

    def copies(self, poll_id: UUID, custodian_id: UUID) -> tuple[bytes, bytes]:
        """Read one custodian's sealed copies, (roll, box). Raises Conflict "custody.gone"."""
        try:
            roll, box = (self._copy(poll_id, custodian_id, name).read_bytes() for name in (ROLL, BOX))
        except FileNotFoundError as gone:
            raise Conflict("custody.gone") from gone
        return roll, box

    def check_proof(self, poll_id: UUID, public: bytes, proof: bytes) -> None:
        """Check that a custodian opened both copies. Raises Invalid "custody.proof_wrong"."""
        expected = _proof(poll_id, public, self._read(poll_id, ROLL), self._read(poll_id, BOX))
        if not hmac.compare_digest(proof, expected):
            raise Invalid("custody.proof_wrong", field="proof")

    def make_opener(self, poll_id: UUID) -> bytes:
        """Make the key that opens this box, in a file, for a demonstration. Returns its public half."""
        path = self._opener(poll_id)
        keep(path, X25519PrivateKey.generate().private_bytes_raw())
        return X25519PrivateKey.from_private_bytes(path.read_bytes()).public_key().public_bytes_raw()

    def opener(self, poll_id: UUID) -> X25519PrivateKey:
        """Read the key that opens this box. Raises Conflict "keys.gone"."""
        try:
            return X25519PrivateKey.from_private_bytes(self._opener(poll_id).read_bytes())
        except FileNotFoundError as gone:
            raise Conflict("keys.gone") from gone

    def has_opener(self, poll_id: UUID) -> bool:
        """Tell whether the key that opens this box is here."""
        return self._opener(poll_id).exists()

    def destroy_opener(self, poll_id: UUID) -> None:
        """Delete the key that opens this box: it can never be opened again."""
        destroy([self._opener(poll_id)])

    def _read(self, poll_id: UUID, name: str) -> bytes:
        try:
            return self._key(poll_id, name).read_bytes()
        except FileNotFoundError as gone:
            raise Conflict("keys.gone") from gone

    def _key(self, poll_id: UUID, name: str) -> Path:
        return self._folder / "votes" / str(poll_id) / f"{name}.key"

    def _copy(self, poll_id: UUID, custodian_id: UUID, name: str) -> Path:
        return self._folder / "custody" / str(poll_id) / f"{custodian_id}.{name}"

    def _copies(self, poll_id: UUID, name: str) -> list[Path]:
        return sorted((self._folder / "custody" / str(poll_id)).glob(f"*.{name}"))

    def _opener(self, poll_id: UUID) -> Path:
        return self._folder / "openers" / f"{poll_id}.key"


def new_custodian() -> tuple[bytes, bytes]:
    """Make a custodian's keys, on the custodian's own machine. Returns (secret seed, 32; public keys, 64 bytes)."""
    seed = secrets.token_bytes(KEY_BYTES)
    return seed, public_of(seed)


def public_of(seed: bytes) -> bytes:
    """Find a custodian's public keys: X25519 ‖ Ed25519."""
    opening, signing = _custodian_keys(seed)
    return opening.public_key().public_bytes_raw() + signing.public_key().public_bytes_raw()


def prove(seed: bytes, poll_id: UUID, copies: tuple[bytes, bytes]) -> bytes:
    """Open both sealed copies as their custodian, and write what shows it without telling the keys.

    Raises:  Invalid "custody.not_opened".
    """
    opening, _ = _custodian_keys(seed)
    try:
        roll, box = (
            SUITE.decrypt(sealed, opening, _custody_info(poll_id, name))
            for name, sealed in zip((ROLL, BOX), copies, strict=True)
        )
    except (InvalidTag, ValueError) as reason:
        raise Invalid("custody.not_opened") from reason
    return _proof(poll_id, public_of(seed), roll, box)


def destruction_line(poll_id: UUID) -> bytes:
    """Write the line that a custodian signs after closing."""
    return f"khma-custody-1 no copy of the box key of vote {poll_id} is left with me\n".encode()


def confirm_destroyed(seed: bytes, poll_id: UUID) -> bytes:
    """Sign, as a custodian, that no copy of the box key is left."""
    return _custodian_keys(seed)[1].sign(destruction_line(poll_id))


def check_destroyed(poll_id: UUID, public: bytes, signature: bytes) -> None:
    """Check a custodian's signed line. Raises Invalid "custody.signature_wrong"."""
    try:
        Ed25519PublicKey.from_public_bytes(public[KEY_BYTES:]).verify(signature, destruction_line(poll_id))
    except InvalidSignature as reason:
        raise Invalid("custody.signature_wrong", field="signature") from reason


def _custody_info(poll_id: UUID, name: str) -> bytes:
    return b"khma-custody-1 " + name.encode() + poll_id.bytes


def _proof(poll_id: UUID, public: bytes, roll: bytes, box: bytes) -> bytes:
    return digest("khma-custody-proof-1", poll_id.bytes, public, roll, box)


def _custodian_keys(seed: bytes) -> tuple[X25519PrivateKey, Ed25519PrivateKey]:
    def derive(name: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"khma-custodian-1 " + name).derive(seed)

    return (
        X25519PrivateKey.from_private_bytes(derive(b"open")),
        Ed25519PrivateKey.from_private_bytes(derive(b"sign")),
    )
