"""How often someone may try: only failures count, and nobody is ever locked out, only slowed down.

The counters live in a small file of their own, outside the database and its backups: they say who tried when.
One file serves all workers of a machine; each count is one atomic statement.
"""

import hmac
import ipaddress
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from litestar.connection import ASGIConnection

WINDOW_SECONDS = 15 * 60
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 15 * 60


@dataclass(frozen=True)
class Limit:
    """How many failures within 15 minutes are free before waiting begins; each further one doubles the wait."""

    scope: str
    free: int


PASSWORD_OF_ACCOUNT = Limit("password of account", 10)
PASSWORD_FROM_NETWORK = Limit("password from network", 100)
FACTOR_OF_ACCOUNT = Limit("factor of account", 5)
FACTOR_FROM_NETWORK = Limit("factor from network", 100)
CODE_FROM_NETWORK = Limit("code from network", 100)
PROVIDER_FROM_NETWORK = Limit("provider from network", 100)
LETTER_TO_ADDRESS = Limit("letter to address", 3)
LETTER_FROM_NETWORK = Limit("letter from network", 30)


class TooMany(Exception):
    """Too many failures: a 429 that says when to try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Limits:
    """The counters of one machine.

    path: file of its own; it may be deleted at any time. secret: keys the names, so that the file holds no address.
    """

    def __init__(self, path: Path, secret: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._secret = secret.encode()
        self._file = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=OFF")  # a power cut may forget them
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS tried (key BLOB PRIMARY KEY, times INTEGER NOT NULL, last REAL NOT NULL)"
            " WITHOUT ROWID"
        )

    def try_one(self, limit: Limit, name: str, *, now: float | None = None) -> None:
        """Count a try before it is made, so that a thousand at once cannot all pass; `succeeded` takes it back.

        Raises: TooMany with the seconds to wait; a try within the wait is refused and not counted.
        """
        now = time.time() if now is None else now
        key = self._key(limit, name)
        counted = self._file.execute(
            "INSERT INTO tried VALUES (:key, 1, :now) ON CONFLICT (key) DO UPDATE SET"
            " times = CASE WHEN :now - last > :window THEN 1 ELSE times + 1 END, last = :now"
            " WHERE times < :free OR :now - last >= min(:longest, :first * (1 << min(times - :free, 20)))"
            " RETURNING times",
            {
                "key": key,
                "now": now,
                "window": WINDOW_SECONDS,
                "free": limit.free,
                "first": FIRST_WAIT_SECONDS,
                "longest": LONGEST_WAIT_SECONDS,
            },
        ).fetchone()
        if counted is None:
            times, last = self._file.execute("SELECT times, last FROM tried WHERE key = ?", (key,)).fetchone()
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(times - limit.free, 20))
            raise TooMany(max(1, round(wait - (now - last))))

    def succeeded(self, limit: Limit, name: str) -> None:
        """Forget the failures: the right person came."""
        self._file.execute("DELETE FROM tried WHERE key = ?", (self._key(limit, name),))

    def take_back(self, limit: Limit, name: str) -> None:
        """Take one counted try back: it succeeded, but says nothing about the others from there."""
        self._file.execute("UPDATE tried SET times = max(0, times - 1) WHERE key = ?", (self._key(limit, name),))

    def sweep(self, *, now: float | None = None) -> None:
        """Forget what is over."""
        before = (time.time() if now is None else now) - WINDOW_SECONDS - LONGEST_WAIT_SECONDS
        self._file.execute("DELETE FROM tried WHERE last < ?", (before,))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _key(self, limit: Limit, name: str) -> bytes:
        return hmac.digest(self._secret, f"{limit.scope}\0{name}".encode(), "sha256")


def network_of(connection: ASGIConnection, trusted_proxy: str) -> str:  # type: ignore[type-arg]
    """Name the network a request comes from: an IPv4 address, or the /64 of an IPv6 one.

    X-Forwarded-For is read only when the configured proxy is the peer, and then only the hop that proxy added.
    """
    peer = connection.client.host if connection.client else ""
    if trusted_proxy and peer == trusted_proxy:
        hops = ",".join(connection.headers.getall("x-forwarded-for", [peer]))  # a proxy may add a line of its own
        peer = hops.rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    if mapped := getattr(address, "ipv4_mapped", None):  # as a socket for both kinds names an IPv4 address
        address = mapped
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
