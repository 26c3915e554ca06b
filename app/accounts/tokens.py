"""Links in letters: sealed, dated, and made for one purpose. Nothing is stored until one is used.

An address of a page goes through logs and lists of pages seen, so nothing that a link knows can be read in it.
"""

import base64
import json
import time

from app.accounts.sealing import seal, unseal
from commons.errors import NotFound


def make_token(secret: str, purpose: str, facts: dict[str, str], *, hours: int, now: float | None = None) -> str:
    """Seal facts for one purpose, for a number of hours. Returns characters that need no escaping in an address."""
    until = int((time.time() if now is None else now) + hours * 3600)
    return _written(seal(secret, _purpose(purpose), b"", json.dumps([until, facts]).encode()))


def read_token(secret: str, purpose: str, token: str, *, now: float | None = None) -> dict[str, str]:
    """Read the facts back.

    Raises: NotFound("link.dead") when the link is too old, was changed, or was made for something else; also for
            another spelling of a good one, so that a link that was used cannot come back in other signs.
    """
    try:
        sealed = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except ValueError as broken:
        raise NotFound("link.dead") from broken
    if _written(sealed) != token or (opened := unseal(secret, _purpose(purpose), b"", sealed)) is None:
        raise NotFound("link.dead")
    until, facts = json.loads(opened)
    if (time.time() if now is None else now) >= until:
        raise NotFound("link.dead")
    return dict(facts)


def _purpose(purpose: str) -> str:
    return f"khma-letter-{purpose}"


def _written(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
