"""A log to try things on: lines are added and sequenced through the product's own database door."""

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from commons.checkpoint import verifier_key
from commons.ledger.sequence import append, sequence
from commons.ledger.tables import StoredCheckpoint

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


async def run(db: Database, statement: str) -> None:
    async def work(session: AsyncSession) -> None:
        await (await session.connection()).execute(text(statement))

    await db.write(work)
