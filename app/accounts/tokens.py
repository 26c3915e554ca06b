"""Links in letters: signed or sealed, dated, and made for one purpose. Nothing is stored until one is used."""

import base64
import hmac
import json
import time

from app.accounts.sealing import seal, unseal
from commons.errors import NotFound


def make_token(secret: str, purpose: str, facts: dict[str, str], *, hours: int, now: float | None = None) -> str:
    """Sign facts for one purpose, for a number of hours. Returns characters that need no escaping in an address."""
    until = int((time.time() if now is None else now) + hours * 3600)
    body = base64.urlsafe_b64encode(json.dumps([until, facts], separators=(",", ":")).encode()).rstrip(b"=")
    return f"{body.decode()}.{_mark(secret, purpose, body)}"


def read_token(secret: str, purpose: str, token: str, *, now: float | None = None) -> dict[str, str]:
    """Read the facts back.

    Raises: NotFound("link.dead") when the link is too old, was changed, or was made for something else.
    """
    body, _, mark = token.encode("utf-8", "replace").partition(b".")
    if not hmac.compare_digest(mark, _mark(secret, purpose, body).encode()):
        raise NotFound("link.dead")
    until, facts = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    if (time.time() if now is None else now) >= until:
        raise NotFound("link.dead")
    return dict(facts)


def seal_token(secret: str, purpose: str, facts: dict[str, str], *, hours: int, now: float | None = None) -> str:
    """Do as `make_token` with facts that nobody else can read, such as an address that must not stand in another."""
    until = int((time.time() if now is None else now) + hours * 3600)
    sealed = seal(secret, f"khma-letter-{purpose}", b"", json.dumps([until, facts]).encode())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_token(secret: str, purpose: str, token: str, *, now: float | None = None) -> dict[str, str]:
    """Read sealed facts back. Raises as `read_token`."""
    try:
        sealed = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except ValueError as broken:
        raise NotFound("link.dead") from broken
    if (opened := unseal(secret, f"khma-letter-{purpose}", b"", sealed)) is None:
        raise NotFound("link.dead")
    until, facts = json.loads(opened)
    if (time.time() if now is None else now) >= until:
        raise NotFound("link.dead")
    return dict(facts)


def _mark(secret: str, purpose: str, body: bytes) -> str:
    digest = hmac.digest(secret.encode(), b"letter\0" + purpose.encode() + b"\0" + body, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
