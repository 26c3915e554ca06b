"""The booth pass: once a code was accepted, half an hour in which it need not be typed again. Pure.

The pass is sealed under a key that follows from the house's secret and bound to one vote. The browser keeps it, the
house keeps nothing: no row says who is voting now. Whoever reads it must still ask whether the code became void.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.accounts.roll.voters import Voter
from app.accounts.sealing import NONCE_BYTES, TAG_BYTES, as_text, from_text, seal, unseal

VALID_FOR = timedelta(minutes=30)
PURPOSE = "khma-booth-pass-1"
_LINE, _SERIAL, _UNTIL = 16, 5, 8  # a pass has 57 bytes, a multiple of three: base64 leaves no bit unused
PASS_SIGNS = (NONCE_BYTES + _LINE + _SERIAL + _UNTIL + TAG_BYTES) // 3 * 4


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
    return as_text(seal(secret, PURPOSE, poll_id.bytes + voter.session, text))


def open_pass(secret: str, poll_id: UUID, text: str, moment: datetime, session: bytes = b"") -> Pass | None:
    """Read a pass back; None where it is too old, was changed, or was made for another vote or another house.

    session: the one that lasts at this second screen; nothing where this browser is none. A pass of one is worth
             nothing without it.
    """
    sealed = from_text(text) if len(text) == PASS_SIGNS else None
    if sealed is None or (opened := unseal(secret, PURPOSE, poll_id.bytes + session, sealed)) is None:
        return None
    serial, until = opened[_LINE : _LINE + _SERIAL], opened[_LINE + _SERIAL :]
    if moment.timestamp() >= int.from_bytes(until):
        return None
    return Pass(UUID(bytes=opened[:_LINE]), int.from_bytes(serial))
