"""A dump of the database against a dictionary of all numbers that an office gives out: what is masked stays masked.

Readable on purpose, as long as the line is on a list: the office's own number for a person (`app_roll_line.reference`)
and the name beside it, since slips must find their way and a counter must find a person. Nothing else of a person on a
list is readable, in no other table. Striking a line off and the retention clock erase it: then no column leads back to
it, the hashes of the lists that it was on included. The official number, and a provider's own name for somebody, are
never readable: keyed by the house's secret, which is in no database.

`khma test --faults` tries a million numbers, otherwise twenty thousand.
"""

import os
import random
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.marks import PersonMarker, subject_mark
from app.accounts.oidc.store import add_identity
from app.accounts.rights.erasing import erase
from app.accounts.rights.store import forget_struck_lines
from app.accounts.roll.filling.plan import plan_of
from app.accounts.roll.filling.store import begin, newest_version, take, write_on
from app.accounts.roll.importing import examine
from app.accounts.roll.store import add_roll, find_on_roll, strike
from app.accounts.store import add_account
from app.accounts.tables import RollLine
from commons.organisations.store import get_host
from tests.faults.dictionary import ISSUER, Attack, Dump, dump, guessed_keys, naive, spelled
from tests.plumbing.house import QUICK, Town
from tests.plumbing.votes import hold_vote

pytestmark = pytest.mark.anyio

CANDIDATES = 1_000_000 if os.environ.get("KHMA_TEST_FAULTS") == "1" else 20_000
READABLE = {"app_roll_line.reference"}
DRAW = random.Random(6)
NUMBERS = DRAW.sample(range(CANDIDATES), 60)
LISTED, STRUCK, LONG, LONG_STRUCK = NUMBERS[:20], NUMBERS[20:23], NUMBERS[30:34], NUMBERS[34]
SIGNED_IN, LEFT = NUMBERS[40:50], NUMBERS[50:]
"""Whose numbers are on a list, were struck off it, came with a long list; who signs in by a provider, and who left."""


async def fill(town: Town) -> list[UUID]:
    """Bring people onto two lists, by both ways; let others sign in by a provider; hold a vote. Returns the lists."""
    mark, manager = PersonMarker(town.config.secret), town.people["manager"]

    async def bring_in(session: AsyncSession) -> list[UUID]:
        host = await get_host(session)
        rolls = [await add_roll(session, host.id, {"en": name}) for name in ("Short", "Long")]
        rows = "".join(f"{spelled(n)[0]},Person {n % 7},{spelled(n)[2]}\n" for n in (*LISTED, *STRUCK))
        report = examine("reference,name,identifier\n" + rows, [], mark)
        assert len(report.new) == len(LISTED) + len(STRUCK)
        await take(session, rolls[0].id, report, manager)
        there = await find_on_roll(session, rolls[1].id)
        listed = examine("".join(f"{spelled(n)[0]}\n" for n in (*LONG, LONG_STRUCK)), there)
        seen = await newest_version(session, rolls[1].id)
        filling = await begin(session, rolls[1].id, plan_of(listed, there, withdraw=False), seen, manager)
        while await write_on(session, filling.id):
            pass
        return [roll.id for roll in rolls]

    async def sign_in(session: AsyncSession) -> None:
        for number in (*SIGNED_IN, *LEFT):
            account = await add_account(session, None, "", QUICK)
            _, subject, official = spelled(number)
            subject_mac = subject_mark(town.config.secret, ISSUER, subject)
            await add_identity(session, ISSUER, subject_mac, account.id, mark(official))
            if number in LEFT:
                await erase(session, account.id, "test")

    rolls = await town.house.db.write(bring_in)
    await town.house.db.write(sign_in)
    vote = await hold_vote(town.house)
    for code in vote.codes:
        await vote.cast(code)
    await vote.publish()
    return rolls


async def erase_struck(town: Town, rolls: list[UUID]) -> None:
    """Strike some off, and let the clock of struck lines run out."""

    async def work(session: AsyncSession) -> None:
        for roll_id, numbers in zip(rolls, (STRUCK, [LONG_STRUCK]), strict=True):
            for number in numbers:
                found = select(RollLine.id).where(RollLine.roll_id == roll_id, RollLine.reference == spelled(number)[0])
                await strike(session, roll_id, (await session.exec(found)).one())

    await town.house.db.write(work)
    await town.house.db.write(lambda session: forget_struck_lines(session, timedelta(0)))


def attacked(columns: Dump, more: Dump, keys: list[bytes]) -> dict[str, set[int]]:
    """Try everything on a dump, and on more columns beside it."""
    lists: dict[object, list[str]] = {}
    references, rolls = columns["app_roll_line.reference"], columns["app_roll_line.roll_id"]
    for reference, roll in zip(references, rolls, strict=True):
        lists.setdefault(str(roll), []).append(f"{reference}\t\n")
    return Attack({**columns, **more}, keys, lists.values()).run(CANDIDATES)


async def test_no_masked_column_falls_to_a_dictionary(town: Town) -> None:
    rolls = await fill(town)
    used = dump(town.owner_url)
    on_lists = {*LISTED, *STRUCK, *LONG, LONG_STRUCK}
    found = Attack(used, []).run(CANDIDATES)
    assert {column: numbers for column, numbers in found.items() if numbers & {*NUMBERS}} == {
        "app_roll_line.reference": on_lists
    }

    await erase_struck(town, rolls)
    columns = dump(town.owner_url)
    assert len(columns["app_identity.subject_mac"]) == len(columns["app_identity.person_mac"]) == len(SIGNED_IN)
    assert len(columns["app_roll_line.person_mac"]) == len(LISTED)  # there is something to attack
    keys = guessed_keys(columns)
    control = {name: [kept(number) for number in LEFT] for name, kept in naive(LEFT, keys).items()}
    # The other lines of a list can be read: with its hash of before, the one that was erased could be tried.
    lists = {"kept.version": used["app_roll_version.hash"], "kept.import": used["app_roll_import.hash"]}
    assert {"", *columns["app_roll_version.hash"]} - {*used["app_roll_version.hash"]} == {""}
    found = attacked(columns, control | lists, keys)
    assert {column: found[column] for column in control} == {column: {*LEFT} for column in control}
    assert {column: found[column] for column in lists} == {column: {LONG_STRUCK} for column in lists}
    left = {column: numbers for column, numbers in found.items() if column not in control | lists}
    assert set(left) <= READABLE
    assert left.get("app_roll_line.reference", set()) == {*LISTED, *LONG}
