"""How a browser becomes a counter's second screen: a short code, and what that browser carries from then on. Pure."""

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.accounts.roll.codes import LONGEST_TYPED, SIGNS, signs_in
from app.accounts.sealing import as_text, from_text, key_for, seal, unseal
from commons.errors import Invalid

CODE_SIGNS = 8
CODE_LIVES = timedelta(minutes=15)
LASTS = timedelta(hours=12)  # a working day; then it is joined anew
CODE, CODE_HASH, SCREEN = "khma-screen-code-1", "khma-screen-code-hash-1", "khma-screen-1"
_ID, _PRIVATE = 16, 32


@dataclass(frozen=True)
class Joined:
    """What the second browser carries. private: opens what is handed to it, and lies nowhere else.

    lang: of the pages on which it was set up; the next person begins in it.
    """

    screen_id: UUID
    private: bytes = field(repr=False)
    lang: str

    @property
    def public(self) -> bytes:
        """The other half of its key, which the house keeps."""
        return X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()


def new_joined(screen_id: UUID, lang: str) -> Joined:
    """Draw a key for a browser that joins."""
    return Joined(screen_id, X25519PrivateKey.generate().private_bytes_raw(), lang)


def seal_joined(secret: str, joined: Joined) -> str:
    """Write the cookie of a second screen: always 104 signs that need no escaping. secret: the house's."""
    text = joined.screen_id.bytes + joined.private + joined.lang.encode()
    return as_text(seal(secret, SCREEN, b"", text))


def open_joined(secret: str, text: str) -> Joined | None:
    """Read it back; None where it was changed or made by another house. Whether it still holds, its row says."""
    sealed = from_text(text)
    opened = None if sealed is None else unseal(secret, SCREEN, b"", sealed)
    if opened is None:
        return None
    key_from = _ID + _PRIVATE
    return Joined(UUID(bytes=opened[:_ID]), opened[_ID:key_from], opened[key_from:].decode())


def code_of(secret: str, screen_id: UUID) -> str:
    """Make the code of a screen that is to join: eight signs, 40 bits. It follows from the row and is kept nowhere."""
    number = int.from_bytes(hmac.digest(key_for(secret, CODE), screen_id.bytes, "sha256"))
    return "".join(SIGNS[number >> 5 * place & 31] for place in range(CODE_SIGNS))


def read_code(typed: str) -> str:
    """Read what somebody typed, as `roll.codes.read_code` does. Raises Invalid "screen.mistyped" for "screen_code"."""
    signs = signs_in(typed) if len(typed) <= LONGEST_TYPED else None
    if signs is None or len(signs) != CODE_SIGNS:
        raise Invalid("screen.mistyped", field="screen_code")
    return signs


def code_hash(secret: str, code: str) -> bytes:
    """Find what is kept of a code: a hash under the house's secret, since all codes could be tried."""
    return hmac.digest(key_for(secret, CODE_HASH), code.encode(), "sha256")


def number_of(screen_id: UUID) -> int:
    """Give the two digits by which people see that two browsers belong together; no secret."""
    return 10 + int.from_bytes(screen_id.bytes[:4]) % 90
