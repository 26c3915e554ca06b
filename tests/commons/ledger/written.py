"""A log to try things on: lines are added and sequenced through the product's own database door."""

from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database, driver_url
from commons.checkpoint import verifier_key
from commons.ledger.sequence import append, sequence
from commons.ledger.tables import StoredCheckpoint
from tests.conftest import Addresses

ORIGIN = "khma.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NEXT_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
VERIFIER = verifier_key(ORIGIN, KEY.public_key())


async def add(db: Database, *numbers: int, subject: str = "vote/parks") -> list[UUID]:
    async def work(session: AsyncSession) -> list[UUID]:
        return [await append(session, "poll.closed", {"number": number}, subject=subject) for number in numbers]

    return await db.write(work)


async def batch(db: Database, key: Ed25519PrivateKey = KEY, previous: str | None = None) -> StoredCheckpoint | None:
    return await db.write(lambda session: sequence(session, key, ORIGIN, previous))


def tamper(addresses: Addresses, *statements: str, **facts: object) -> None:
    """Change the tables as their owner, who may do what the product may not and can drop what guards them."""
    engine = sa.create_engine(driver_url(addresses.owner_url, asynchronous=False))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            guards = (
                connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            )
            for guard in guards:
                connection.execute(sa.text(f"DROP TRIGGER {guard}"))
        for statement in statements:
            connection.execute(sa.text(statement), facts)
    engine.dispose()
