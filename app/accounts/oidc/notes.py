"""What a browser carries while its owner is at the provider, and afterwards until a question is answered. Pure.

Both notes are sealed and bound to the cookie that the browser had when it left: a link of somebody else's, or the same
link in another browser, opens nothing. The house keeps nothing meanwhile.
"""

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.accounts.sealing import seal, unseal

VALID_FOR = timedelta(minutes=10)
LEAVING = "khma-leaving-2"
JOINING = "khma-joining-1"
LONGEST_PLACE = 500
LONGEST_TURN = 64  # of a place in the queue of a network; a note is longer


@dataclass(frozen=True)
class Leaving:
    """What must come back as it went: the state, the nonce, the verifier of PKCE.

    wanted: where to go afterwards. turn: a place in the queue of the network, or nothing. again: they left to show that
    it is still them.
    """

    state: str
    nonce: str
    verifier: str
    wanted: str
    turn: str = ""
    again: bool = False

    @property
    def challenge(self) -> str:
        """The verifier's hash, which the provider sees first (RFC 7636, S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Joining:
    """An identity that was proved, and the account it may be joined to once that account's password was shown."""

    account_id: UUID
    subject_mac: bytes
    person_mac: bytes | None
    wanted: str


def new_leaving(wanted: str, turn: str = "", *, again: bool = False) -> Leaving:
    """Draw three secrets of 256 bits. wanted: dropped where it is longer than a cookie should be."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Leaving(state, nonce, verifier, wanted if len(wanted) <= LONGEST_PLACE else "", turn, again)


def seal_leaving(secret: str, cookie: str, leaving: Leaving, moment: datetime) -> str:
    """Write it down for one browser, valid for ten minutes. Returns characters that need no escaping in a cookie."""
    facts = [leaving.state, leaving.nonce, leaving.verifier, leaving.wanted, leaving.turn, "1" if leaving.again else ""]
    return _seal(secret, LEAVING, cookie, facts, moment)


def open_leaving(secret: str, cookie: str, text: str, moment: datetime) -> Leaving | None:
    """Read it back; None where it is too old, was changed, or belongs to another browser or another house."""
    if (facts := _open(secret, LEAVING, cookie, text, moment)) is None:
        return None
    state, nonce, verifier, wanted, turn, again = facts
    return Leaving(state, nonce, verifier, wanted, turn, bool(again))


def seal_joining(secret: str, cookie: str, joining: Joining, moment: datetime) -> str:
    """Write it down for one browser, valid for ten minutes. Returns characters that need no escaping in a cookie."""
    person = (joining.person_mac or b"").hex()
    facts = [joining.account_id.hex, joining.subject_mac.hex(), person, joining.wanted]
    return _seal(secret, JOINING, cookie, facts, moment)


def open_joining(secret: str, cookie: str, text: str, moment: datetime) -> Joining | None:
    """Read it back; None where it is too old, was changed, or belongs to another browser or another house."""
    if (facts := _open(secret, JOINING, cookie, text, moment)) is None:
        return None
    account, subject, person, wanted = facts
    return Joining(UUID(account), bytes.fromhex(subject), bytes.fromhex(person) or None, wanted)


def _seal(secret: str, purpose: str, cookie: str, facts: list[str], moment: datetime) -> str:
    text = json.dumps([int((moment + VALID_FOR).timestamp()), *facts]).encode()
    return base64.urlsafe_b64encode(seal(secret, purpose, cookie.encode(), text)).decode()


def _open(secret: str, purpose: str, cookie: str, text: str, moment: datetime) -> list[str] | None:
    try:
        sealed = base64.urlsafe_b64decode(text)
    except (ValueError, binascii.Error):
        return None
    if not cookie or (opened := unseal(secret, purpose, cookie.encode(), sealed)) is None:
        return None
    until, *facts = json.loads(opened)
    return facts if moment.timestamp() < until else None
