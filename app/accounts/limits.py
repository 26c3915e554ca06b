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
SLOW = "slow: "
SLOW_FIRST_WAIT_SECONDS = 60 * 60
SLOW_SECONDS = 30 * 24 * 60 * 60

_HASH_BYTES = 32


@dataclass(frozen=True)
class Limit:
    """How many failures within 15 minutes are free before waiting begins; each further one doubles the wait.

    Of what has so few values that all could be tried in an afternoon failures are forgotten after a month, and the
    first wait is an hour: its scope begins with SLOW.
    """

    scope: str
    free: int

    @property
    def first_wait(self) -> int:
        """How many seconds the first wait lasts."""
        return SLOW_FIRST_WAIT_SECONDS if self.scope.startswith(SLOW) else FIRST_WAIT_SECONDS

    @property
    def longest_wait(self) -> int:
        """How many seconds a wait lasts at most; after more without a try all failures are forgotten."""
        return SLOW_SECONDS if self.scope.startswith(SLOW) else LONGEST_WAIT_SECONDS


@dataclass(frozen=True)
class Pace:
    """How many tries a network has free within 15 minutes; after them one each so many seconds, in turn."""

    scope: str
    free: int
    seconds: float


WIDER = 4  # so many times the free tries of an address, or of one line's /64, has the /24 or /56 around it
EARLY = 3  # so many times the free tries of a network may go before their turn, by a sum that a browser did
PASSWORD_OF_ACCOUNT = Limit("password of account", 10)
PASSWORD_OF_DEVICE = Limit("password of device", 10)
FACTOR_OF_ACCOUNT = Limit("factor of account", 5)
FACTOR_OF_DEVICE = Limit("factor of device", 5)
FACT_OF_CODE = Limit(SLOW + "fact of code", 5)
CODE_FROM_NETWORK = Limit("code from network", 100)
CODE_FROM_AROUND = Limit("code from around", WIDER * CODE_FROM_NETWORK.free)
SCREEN_CODE_FROM_NETWORK = Limit("screen code from network", 20)
SCREEN_CODE_FROM_AROUND = Limit("screen code from around", WIDER * SCREEN_CODE_FROM_NETWORK.free)
LETTER_TO_ADDRESS = Limit("letter to address", 3)
PASSWORD_FROM_NETWORK = Pace("password from network", 100, 1)
LETTER_FROM_NETWORK = Pace("letter from network", 30, 2)
PROVIDER_FROM_NETWORK = Pace("provider from network", 100, 1)


class TooMany(Exception):
    """Too many failures: a 429 that says when to try again.

    turn: what keeps one's place in the queue of a network, to be sent along then; nothing where there is no queue.
    """

    def __init__(self, seconds: int, turn: str = "") -> None:
        super().__init__(seconds, turn)
        self.seconds, self.turn = seconds, turn


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
        key = self._key(limit.scope, name)
        counted = self._file.execute(
            "INSERT INTO tried VALUES (:key, 1, :now) ON CONFLICT (key) DO UPDATE SET"
            " times = CASE WHEN :now - last > :window THEN 1 ELSE times + 1 END, last = :now"
            " WHERE times < :free OR :now - last >= min(:longest, :first * (1 << min(times - :free, 20)))"
            " RETURNING times",
            {
                "key": key,
                "now": now,
                "window": limit.longest_wait,
                "free": limit.free,
                "first": limit.first_wait,
                "longest": limit.longest_wait,
            },
        ).fetchone()
        if counted is None:
            times, last = self._file.execute("SELECT times, last FROM tried WHERE key = ?", (key,)).fetchone()
            wait = min(limit.longest_wait, limit.first_wait * 2 ** min(times - limit.free, 20))
            raise TooMany(max(1, round(wait - (now - last))))

    def count(self, scope: str, name: str, *, now: float | None = None) -> int:
        """Count a try without refusing it. Returns how many there were within 15 minutes of each other."""
        row = self._file.execute(
            "INSERT INTO tried VALUES (:key, 1, :now) ON CONFLICT (key) DO UPDATE SET"
            " times = CASE WHEN :now - last > :window THEN 1 ELSE times + 1 END, last = :now RETURNING times",
            {"key": self._key(scope, name), "now": time.time() if now is None else now, "window": WINDOW_SECONDS},
        ).fetchone()
        return int(row[0])

    def next_turn(self, pace: Pace, name: str, *, now: float | None = None) -> float:
        """Take the next turn in the queue of a network. Returns when it comes; a quarter of an hour ahead at most."""
        now = time.time() if now is None else now
        row = self._file.execute(
            "INSERT INTO tried VALUES (:key, 0, :now + :each) ON CONFLICT (key) DO UPDATE SET"
            " last = min(max(last, :now), :now + :longest) + :each RETURNING last",
            {
                "key": self._key(f"queue of {pace.scope}", name),
                "now": now,
                "each": pace.seconds,
                "longest": LONGEST_WAIT_SECONDS,
            },
        ).fetchone()
        return float(row[0]) - pace.seconds

    def is_first(self, scope: str, name: str, *, now: float | None = None) -> bool:
        """Tell whether something comes for the first time; of many at once, one does."""
        moment = time.time() if now is None else now
        done = self._file.execute(
            "INSERT INTO tried VALUES (?, 1, ?) ON CONFLICT (key) DO NOTHING", (self._key(scope, name), moment)
        )
        return done.rowcount == 1

    def succeeded(self, scope: str, name: str) -> int:
        """Forget the failures: the right person came. Returns how many were counted."""
        row = self._file.execute(
            "DELETE FROM tried WHERE key = ? RETURNING times", (self._key(scope, name),)
        ).fetchone()
        return int(row[0]) if row else 0

    def take_back(self, scope: str, name: str, times: int = 1) -> None:
        """Take counted tries back: they succeeded, but say nothing about the others from there."""
        self._file.execute("UPDATE tried SET times = max(0, times - ?) WHERE key = ?", (times, self._key(scope, name)))

    def sweep(self, *, now: float | None = None) -> None:
        """Forget what is over."""
        moment = time.time() if now is None else now
        for is_slow, longest in ((False, WINDOW_SECONDS + LONGEST_WAIT_SECONDS), (True, SLOW_SECONDS)):
            which = (moment - longest, _HASH_BYTES, is_slow)
            self._file.execute("DELETE FROM tried WHERE last < ? AND (length(key) > ?) = ?", which)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _key(self, scope: str, name: str) -> bytes:
        """Name a counter; those that are kept for long have a longer name, so that `sweep` tells them from others."""
        key = hmac.digest(self._secret, f"{scope}\0{name}".encode(), "sha256")
        return key + SLOW.encode() if scope.startswith(SLOW) else key


def networks_of(connection: ASGIConnection, trusted_proxy: str) -> tuple[str, str]:  # type: ignore[type-arg]
    """Name the network a request comes from, and the one around it: an IPv4 address and its /24, an IPv6 /64 and /56.

    X-Forwarded-For is read only when the configured proxy is the peer, and then only the hop that proxy added.
    """
    peer = connection.client.host if connection.client else ""
    if trusted_proxy and peer == trusted_proxy:
        hops = ",".join(connection.headers.getall("x-forwarded-for", [peer]))  # a proxy may add a line of its own
        peer = hops.rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown", "unknown"
    if mapped := getattr(address, "ipv4_mapped", None):  # as a socket for both kinds names an IPv4 address
        address = mapped
    narrow, wide = (32, 24) if address.version == 4 else (64, 56)
    around = ipaddress.ip_network((address, wide), strict=False)
    if address.version == 4:
        return str(address), str(around)
    return str(ipaddress.ip_network((address, narrow), strict=False)), str(around)
