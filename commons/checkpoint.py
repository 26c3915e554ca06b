"""A checkpoint: the one line with which the public ledger says, under signature, how long it is and what is in it.

The format is C2SP tlog-checkpoint, a signed note with an Ed25519 key, so that tools of other people read it too.
Whoever keeps an old checkpoint can later show that the ledger was changed behind it.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from commons.errors import Invalid

ED25519 = b"\x01"  # the signature type that C2SP gives to Ed25519
MAX_NOTE_CHARACTERS = 100_000


@dataclass(frozen=True)
class Checkpoint:
    """How long a log is, and the root above all its leaves. Signed, it looks like this.

        khma.example/log
        8
        XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

        — khma.example/log 1QZbStjFN0lsupkFfp6Lrf6iycCe8mDkhJQqwhcbYbzB3YJ4lN51wb8rR7ZN+vFJ+DFzD/Evfyrhfy6lLSzlb4TUZAo=

    origin: name of the log: no space, no plus; best an address without "https://".
    size:   number of leaves.
    root:   32 bytes, RFC 6962.
    Source: C2SP tlog-checkpoint; tests/vectors/checkpoint/example.json holds these bytes and their key.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Write the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the three lines; any spelling but the one that `text` writes is refused, extension lines too.

        Raises:  Invalid("checkpoint.malformed").
        """
        try:
            origin, size, root, end = text.split("\n")
            checkpoint = cls(origin, int(size), b64decode(root, validate=True))
        except ValueError as reason:
            raise Invalid("checkpoint.malformed", part="text") from reason
        if (
            end
            or not _is_name(origin)
            or len(checkpoint.root) != 32
            or checkpoint.size < 0
            or checkpoint.text() != text
        ):
            raise Invalid("checkpoint.malformed", part="text")
        return checkpoint


def key_id(name: str, public: bytes) -> bytes:
    """Find the four bytes by which a note names its key: SHA-256(name ‖ LF ‖ 0x01 ‖ public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """Write the public key as people pass it on: name+hex(key id)+base64(0x01 ‖ key)."""
    public = key.public_bytes_raw()
    return f"{name}+{key_id(name, public).hex()}+{b64encode(ED25519 + public).decode()}"


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Write and sign a checkpoint in the name of its log.

    Raises:  Invalid("checkpoint.malformed") for an origin that cannot name a key.
    """
    Checkpoint.from_text(checkpoint.text())
    return sign_text(checkpoint.text(), checkpoint.origin, key)


def open_note(note: str, verifier: str) -> Checkpoint:
    """Check a signed checkpoint and read it.

    verifier: the log's verifier key; its name must be the checkpoint's origin.
    Raises:   Invalid with the code checkpoint.malformed, .key_malformed, .key_unknown, .signature_wrong or
              .other_origin (found, expected).
    """
    checkpoint = Checkpoint.from_text(open_text(note, verifier))
    name = verifier.split("+", maxsplit=1)[0]
    if checkpoint.origin != name:
        raise Invalid("checkpoint.other_origin", found=checkpoint.origin, expected=name)
    return checkpoint


def read_unsigned(note: str) -> Checkpoint:
    """Read a checkpoint without looking at its signature: for those who have no key and say so."""
    return Checkpoint.from_text(_parts(note)[0])


def sign_text(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Sign any text as a note (C2SP signed-note)."""
    signature = key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n— {name} {b64encode(signature).decode()}\n"


def open_text(note: str, verifier: str) -> str:
    """Check a signed note by one known key and give back its text. Signatures of other keys are ignored.

    Raises:  Invalid with the code checkpoint.malformed, .key_malformed, .key_unknown or .signature_wrong.
    """
    name, known_id, public = _read_verifier(verifier)
    text, signatures = _parts(note)
    ours = [signature[4:] for signer, signature in signatures if (signer, signature[:4]) == (name, known_id)]
    if not ours:
        raise Invalid("checkpoint.key_unknown", expected=f"{name}+{known_id.hex()}")
    try:
        for signature in ours:
            public.verify(signature, text.encode())
    except InvalidSignature as reason:
        raise Invalid("checkpoint.signature_wrong", expected=f"{name}+{known_id.hex()}") from reason
    return text


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Part a note at its last empty line into the text and (name, key id ‖ signature) pairs."""
    text, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n") or len(note) > MAX_NOTE_CHARACTERS:
        raise Invalid("checkpoint.malformed", part="note")
    if any(character < " " and character != "\n" for character in note):
        raise Invalid("checkpoint.malformed", part="note")
    return text + "\n", [_signature(line) for line in block[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes]:
    """Read one signature line; base64 that another spelling would decode to the same bytes is refused."""
    match line.split(" "):
        case ["—", name, encoded] if _is_name(name):
            signature = _decode(encoded)
            if signature is not None and len(signature) > 4:
                return name, signature
    raise Invalid("checkpoint.malformed", part="signature")


def _read_verifier(verifier: str) -> tuple[str, bytes, Ed25519PublicKey]:
    match verifier.split("+", 2):  # base64 may hold a plus of its own
        case [name, hex_id, encoded] if _is_name(name):
            typed = _decode(encoded)
            if typed is not None and len(typed) == 33 and typed[:1] == ED25519:
                public = typed[1:]
                if hex_id == key_id(name, public).hex():
                    return name, key_id(name, public), Ed25519PublicKey.from_public_bytes(public)
    raise Invalid("checkpoint.key_malformed")


def _decode(encoded: str) -> bytes | None:
    """Decode base64 if it is spelled in the one standard way."""
    try:
        decoded = b64decode(encoded, validate=True)
    except ValueError:
        return None
    return decoded if b64encode(decoded).decode() == encoded else None


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)
