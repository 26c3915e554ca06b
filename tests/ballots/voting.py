"""A sealed vote to try things on: made, locked, proved and opened through the services, on any database."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots.answers import order_of
from ballots.casting import Cast, cast
from ballots.eligibility import VoterFacts
from ballots.keys import Keys, new_custodian, prove
from ballots.preparing import accept_proof, register_custodian, start
from commons.clock import now
from commons.organisations.store import find_host, found
from polls.drafting import Plan, draft
from polls.lifecycle import Kind, State
from polls.store import get_poll
from polls.tables import Amendment, Poll
from tests.commons.ledger.written import batch
from tests.plumbing.locking import lock_by_two

NAMES = ("Buses", "Parks", "Clinics")


@dataclass
class Vote:
    """An open vote and what belongs to it.

    tags: one per line of the roll. seeds: custodian id -> their secret.
    """

    db: Database
    keys: Keys
    folder: Path
    poll: Poll
    tags: list[bytes]
    seeds: dict[UUID, bytes]

    @property
    def facts(self) -> VoterFacts:
        assert self.poll.roll_id is not None
        return VoterFacts(self.poll.roll_id)

    def ranks(self, ranking: Sequence[int], form_key: bytes) -> list[int]:
        """Fill a form: the rank of each position, for a ranking of option numbers."""
        order = order_of(self.poll.option_ids, form_key)
        return [ranking.index(option) + 1 if option in ranking else 0 for option in order]

    async def cast(self, tag: bytes, ranking: Sequence[int], form_key: bytes = b"", after: bytes | None = None) -> Cast:
        key = form_key or secrets.token_bytes(16)
        ranks = self.ranks(ranking, key)
        return await self.db.write(
            lambda session: cast(session, self.keys, self.poll.id, ranks, self.facts, tag, key, after)
        )

    async def set_time(self, column: str, seconds: float) -> None:
        """Move an effective time to so many seconds from the database's present moment."""

        async def work(session: AsyncSession) -> None:
            moment = await now(session) + timedelta(seconds=seconds)
            poll = await get_poll(session, self.poll.id)
            setattr(poll, column, moment)
            session.add(poll)

        await self.db.write(work)

    async def end(self) -> None:
        """Let the closing time and the publication time pass, as two people may agree; the minutes will say so."""
        await self.set_time("closes_at", -1)
        await self.set_time("publishes_at", -1)

        async def amend(session: AsyncSession) -> None:
            moment = await now(session)
            session.add(
                Amendment(
                    poll_id=self.poll.id,
                    kind=Kind.CLOSE_EARLY,
                    reason="The test cannot wait.",
                    asked_by=uuid4(),
                    asked_at=moment,
                    agreed_by=uuid4(),
                    agreed_at=moment,
                )
            )

        await self.db.write(amend)

    async def refreshed(self) -> Poll:
        async with self.db.reading() as session:
            return await get_poll(session, self.poll.id)

    async def close(self) -> str:
        """Close the vote; if it closes, let the ledger sign what was said about it."""
        from ballots.closing import close

        state = await close(self.db, self.keys, [self.folder], self.poll.id)
        if state is State.CLOSED:
            await self.sign()
        return state.value

    async def sign(self) -> None:
        """Put every waiting line into the ledger, and sign it."""
        while await batch(self.db) is not None:
            pass

    async def rows(self, query: str, **facts: object) -> list[tuple[object, ...]]:
        async with self.db.reading() as session:
            connection = await session.connection()
            return [tuple(row) for row in await connection.execute(text(query), facts)]


def plan(names: Sequence[str] = NAMES, **changed: object) -> Plan:
    moment = datetime.now(UTC)
    given: dict[str, object] = {
        "titles": {"en": f"Which first? {uuid4().hex[:6]}"},
        "questions": {"en": "Which of these services should come first?"},
        "options": [({"en": name}, "") for name in names],
        "most_ranked": min(5, len(names)),
        "opens_at": moment - timedelta(minutes=1),
        "closes_at": moment + timedelta(days=1),
        "publishes_at": moment + timedelta(days=1),
        "objections": {"en": "At the town hall"},
        "objections_until": moment + timedelta(days=30),
        "roll_id": uuid4(),
    }
    return Plan(**(given | changed))  # type: ignore[arg-type]


async def locked_vote(db: Database, folder: Path, names: Sequence[str] = NAMES, **changed: object) -> Vote:
    keys = Keys(folder / "keys")

    async def make(session: AsyncSession) -> tuple[Poll, dict[UUID, bytes]]:
        host = await find_host(session) or await found(session, {"en": "Hall"}, {}, "UTC")
        seeds = {}
        for function in ("Archive", "Notary"):
            seed, public = new_custodian()
            seeds[await register_custodian(session, host.id, {"en": function}, public)] = seed
        return await draft(session, host.id, plan(names, **changed)), seeds

    poll, seeds = await db.write(make)
    opener = keys.make_opener(poll.id)
    poll = await db.write(lambda session: lock_by_two(session, keys, poll.id, opener))
    return Vote(db, keys, folder / "boxes", poll, [], seeds)


async def open_vote(
    db: Database, folder: Path, voters: int = 12, names: Sequence[str] = NAMES, **changed: object
) -> Vote:
    vote = await locked_vote(db, folder, names, **changed)
    for custodian, seed in vote.seeds.items():
        proof = prove(seed, vote.poll.id, vote.keys.copies(vote.poll.id, custodian))
        await db.write(lambda s, c=custodian, p=proof: accept_proof(s, vote.keys, vote.poll.id, c, p))  # type: ignore[misc]
    lines = [uuid4().bytes for _ in range(voters)]
    vote.poll = await db.write(lambda session: start(session, vote.keys, vote.poll.id, lines))
    vote.tags = vote.keys.tags(vote.poll.id, lines)
    return vote
