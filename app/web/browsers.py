"""What a browser tells of itself, and what it is asked to keep."""

from datetime import timedelta
from typing import Any

from litestar.connection import ASGIConnection

from app.config import Config


def browser_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Name the browser in a few words, for the list of sessions."""
    agent = connection.headers.get("user-agent", "")
    named = next((name for name in ("Firefox", "Edg", "OPR", "Chrome", "Safari", "curl") if name in agent), "")
    system = next((name for name in ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux") if name in agent), "")
    return " · ".join(part for part in ({"Edg": "Edge", "OPR": "Opera"}.get(named, named), system) if part)


def set_cookie(config: Config, name: str, value: str, lasts: timedelta) -> str:
    """Write a Set-Cookie: for this host alone, unreadable to scripts, only over https where there is one.

    value: signs that need no escaping; nothing takes the cookie away.
    """
    seconds = int(lasts.total_seconds()) if value else 0
    secure = "; Secure" if config.secure else ""
    return f"{name}={value}; HttpOnly; Max-Age={seconds}; Path=/; SameSite=lax{secure}"
