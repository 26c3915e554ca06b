"""What every door and every worker needs at hand: settings, the database, the password pool and the counters."""

import asyncio
import time
from dataclasses import dataclass, field

from app.accounts.limits import Limits
from app.accounts.oidc.provider import Provider
from app.accounts.passwords import Passwords
from app.config import Config
from app.db import Database
from commons.organisations.store import find_host
from commons.organisations.tables import Organisation

KNOWN_FOR_SECONDS = 30


@dataclass
class House:
    """One process's hold on the things it must let go of again."""

    config: Config
    db: Database
    passwords: Passwords
    limits: Limits
    provider: Provider | None = None
    _host: Organisation | None = None
    _asked_at: float = field(default=float("-inf"))
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def known_host(self) -> Organisation | None:
        """The hosting organisation as last heard of; for pages that must not ask the database."""
        return self._host

    async def host(self) -> Organisation | None:
        """Find the hosting organisation, asked for every 30 seconds at most; None before one is founded."""
        async with self._asking:
            if self._host is None or time.monotonic() - self._asked_at > KNOWN_FOR_SECONDS:
                async with self.db.reading() as session:
                    self._host = await find_host(session)
                self._asked_at = time.monotonic()
        return self._host

    async def close(self) -> None:
        """Let go of connections, threads and files."""
        await self.db.close()
        if self.provider is not None:
            await self.provider.close()
        self.passwords.close()
        self.limits.close()


def open_house(config: Config) -> House:
    """Open everything a process needs. Call it where the event loop runs."""
    return House(
        config=config,
        db=Database(config.database_url),
        passwords=Passwords(),
        limits=Limits(config.data / "limits.sqlite3", config.secret),
        provider=Provider(config) if config.oidc_issuer else None,
    )
