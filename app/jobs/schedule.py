"""What the worker knows how to do, and what it does by the clock."""

import time
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.losing import forget_due
from app.accounts.links import answer_form
from app.accounts.roll.filling.store import give_up_imports, write_on
from app.house import House
from app.jobs.clocks import CLOCKS
from app.jobs.notices import tell_each_morning
from app.jobs.store import enqueue
from app.jobs.votes import tend_votes
from app.jobs.worker import Work
from app.keys import find_ledger_key, ledger_origin, make_ledger_key
from commons.checkpoint import verifier_key
from commons.clock import now
from commons.ledger.reading import told_key
from commons.ledger.sequence import append, sequence
from results.publication import MOST_PROOFS, add_proofs
from results.store import forget_proofs


class KeyMissing(Exception):
    """The ledger was signed before, and its key is not in the key folder: nothing is signed until it is."""


async def sequence_ledger(house: House, session: AsyncSession, _: Mapping[str, str]) -> None:
    """Bring the waiting lines into the ledger, sign it, and give each new result its proof.

    Raises: KeyMissing; a folder that was not mounted must not look like a new key. `khma admin ledger-key` makes one.
    """
    told, origin = await told_key(session), ledger_origin(house.config)
    key = find_ledger_key(house.config)
    if key is None and told is not None:
        raise KeyMissing
    key = key or make_ledger_key(house.config)
    verifier = verifier_key(origin, key.public_key())
    if told != verifier:  # the first key, or a new one: the log itself says so, and the new key signs that it does
        await append(session, "ledger.key", {"key": verifier}, subject="ledger")
        await forget_proofs(session)
    signed = await sequence(session, key, origin, previous=told)
    proven = await add_proofs(session)
    if signed is not None or proven == MOST_PROOFS:
        await enqueue(session, "ledger.sequence")  # a batch is a transaction; there may be another


async def answer_by_letter(house: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
    """Write the letter that a form asked for. The address is forgotten with the job's other facts once it is done."""
    await answer_form(session, house.config.secret, facts["form"], facts["email"], facts["language"])


async def sweep(house: House, session: AsyncSession, _: Mapping[str, str]) -> None:
    """Throw away all whose time is over, by the table of clocks, and ask for what was given up."""
    for clock in CLOCKS:
        await clock.sweep(house, session)
    for import_id in await give_up_imports(session):
        await enqueue(session, "roll.import", {"import": str(import_id)})  # which tidies up after it
    await enqueue(session, "ledger.sequence")  # should an earlier one have been given up


async def fill_roll(house: House, session: AsyncSession, facts: Mapping[str, str]) -> None:
    """Do one piece of a long list's way into its roll, and ask for the next: other work comes in between."""
    if await write_on(session, UUID(facts["import"])):
        await enqueue(session, "roll.import", dict(facts))


async def forget_factors(_: House, session: AsyncSession, __: Mapping[str, str]) -> None:
    """Forget second factors whose owners were told a day ago that they will be, and did not object."""
    await forget_due(session)


ASK_EVERY_SECONDS = 600

WORK: dict[str, Work] = {
    "factors.forget": forget_factors,
    "ledger.sequence": sequence_ledger,
    "letters.answer": answer_by_letter,
    "roll.import": fill_roll,
    "sweep": sweep,
}


def by_the_clock(house: House) -> Callable[[], Awaitable[None]]:
    """Make what a worker does once a second: tend votes; hourly the sweep, each morning the notices, once for all.

    What was deleted leaves SQLite's log file then, too.
    """
    asked_at = float("-inf")
    told: dict[UUID, str] = {}

    async def ask(session: AsyncSession) -> None:
        hour = (await now(session)).strftime("%Y-%m-%d %H")
        await enqueue(session, "sweep", key=f"sweep {hour}")

    async def tend() -> None:
        nonlocal asked_at
        await tend_votes(house, told)
        if time.monotonic() - asked_at > ASK_EVERY_SECONDS:
            await house.db.write(ask)
            await tell_each_morning(house)
            await house.db.shorten_log()
            asked_at = time.monotonic()

    return tend
