"""What goes from a counter to its second screen: for whom, readable there alone; and how long a session lasts. Pure.

Between the agent's click and the screen's, the row must hold for whom the ballot is opened. It is sealed to a key that
lies in the screen's own browser: the database, its log and a copy of both hold noise, also for whoever has the secret.
When a session began and ends is under the house's seal: no row says in plain numbers when somebody stood there.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from app.accounts.booth import VALID_FOR
from app.accounts.sealing import seal, unseal
from ballots.sealing import SUITE

OFFERED_FOR = timedelta(minutes=5)
LASTS = VALID_FOR  # as long as a pass; each "I am still here" begins it anew
PURPOSE, LEASE = b"khma-screen-hand-1", "khma-screen-lease-1"
SESSION_BYTES, _UNTIL = 16, 8


def new_session() -> bytes:
    """Draw what one session's passes are bound to."""
    return secrets.token_bytes(SESSION_BYTES)


def hand_over(public: bytes, screen_id: UUID, poll_id: UUID, line_id: UUID) -> bytes:
    """Seal for whom a ballot is opened, to a screen's public key. Returns 80 bytes, other ones each time."""
    text = poll_id.bytes + line_id.bytes
    return SUITE.encrypt(text, X25519PublicKey.from_public_bytes(public), PURPOSE + screen_id.bytes)


def take_over(private: bytes, screen_id: UUID, sealed: bytes) -> tuple[UUID, UUID] | None:
    """Read which vote and which roll line; None where it was sealed to another screen."""
    try:
        text = SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private), PURPOSE + screen_id.bytes)
    except (InvalidTag, ValueError):
        return None
    return UUID(bytes=text[:16]), UUID(bytes=text[16:])


def seal_lease(secret: str, screen_id: UUID, session: bytes, until: datetime) -> bytes:
    """Seal a session and its end, under the house's secret. Returns 52 bytes."""
    return seal(secret, LEASE, screen_id.bytes, session + int(until.timestamp()).to_bytes(_UNTIL))


def open_lease(secret: str, screen_id: UUID, sealed: bytes | None, moment: datetime) -> bytes | None:
    """Read which session lasts; None where there is none, or it is over."""
    opened = None if sealed is None else unseal(secret, LEASE, screen_id.bytes, sealed)
    if opened is None or moment.timestamp() >= int.from_bytes(opened[SESSION_BYTES:]):
        return None
    return opened[:SESSION_BYTES]
