"""The sequencer: one order without gaps, nothing lost, nothing signed over a changed past."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from commons.checkpoint import open_note, verifier_key
from commons.errors import Conflict, DomainError, Invalid, NotFound
from commons.ledger import store
from commons.ledger.reading import audit, page, prove
from commons.ledger.sequence import BATCH, append, redact, sequence
from commons.merkle import check_consistency, consistency_proof
from tests.commons.ledger.written import KEY, NEXT_KEY, ORIGIN, VERIFIER, add, batch, tamper
from tests.conftest import Addresses

pytestmark = pytest.mark.anyio


async def test_every_waiting_line_gets_a_place_and_the_log_is_signed(db: Database) -> None:
    await add(db, 1, 2, 3)
    signed = await batch(db)
    assert signed is not None
    assert open_note(signed.note, VERIFIER).size == signed.size == 3
    assert await batch(db) is None
    async with db.reading() as session:
        lines = await store.all_lines(session)
        assert await audit(session, [VERIFIER]) == []
    assert [line.position for line in lines] == [0, 1, 2]
    assert sorted(str(line.words) for line in lines) == [str({"number": number}) for number in (1, 2, 3)]
    assert {(line.minute.second, line.minute.microsecond) for line in lines} == {(0, 0)}


async def test_the_order_is_that_of_random_ids_not_of_arrival(db: Database) -> None:
    came = [identity for number in range(30) for identity in await add(db, number)]
    await batch(db)
    async with db.reading() as session:
        numbers = [line.words["number"] for line in await store.all_lines(session) if line.words]
    assert [came[int(number)] for number in numbers] == sorted(came)
    assert numbers != sorted(numbers)  # by chance once in 30! runs


async def test_a_flood_of_lines_is_signed_in_batches(db: Database) -> None:
    await add(db, *range(BATCH + 1))
    sizes = [signed.size for signed in [await batch(db), await batch(db), await batch(db)] if signed]
    assert sizes == [BATCH, BATCH + 1]


async def test_a_later_log_begins_with_the_earlier_one(db: Database) -> None:
    await add(db, *range(5))
    first = await batch(db)
    await add(db, *range(8))
    second = await batch(db)
    assert first is not None
    assert second is not None
    async with db.reading() as session:
        hashes = await store.leaf_hashes(session)
    check_consistency(first.size, first.root, second.size, second.root, consistency_proof(hashes, first.size))


async def test_what_was_rolled_back_was_never_said(db: Database) -> None:
    async def fail(session: AsyncSession) -> None:
        await append(session, "poll.closed", {"number": 1})
        raise Conflict("test.change_of_mind")

    with pytest.raises(Conflict):
        await db.write(fail)
    assert await batch(db) is None


async def test_eight_sequencers_at_once_give_one_order_without_gaps(db: Database) -> None:
    async def clerk(number: int) -> list[int]:
        sizes = []
        for step in range(5):
            await add(db, number * 5 + step)
            sizes += [signed.size for signed in [await batch(db)] if signed]
        return sizes

    sizes = [size for each in await asyncio.gather(*map(clerk, range(8))) for size in each]
    async with db.reading() as session:
        lines = await store.all_lines(session)
        assert await audit(session, [VERIFIER]) == []
    assert [line.position for line in lines] == list(range(40))
    assert {line.words["number"] for line in lines if line.words} == set(range(40))
    assert max(sizes) == 40
    assert len(set(sizes)) == len(sizes)


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)  # SQLite has one writer, whatever it does
async def test_a_second_sequencer_waits_for_the_first(db: Database) -> None:
    await add(db, 1)
    await batch(db)
    await add(db, 2)

    async def second(session: AsyncSession) -> None:
        await (await session.connection()).execute(text("SET LOCAL lock_timeout = '100ms'"))
        await sequence(session, KEY, ORIGIN)

    async def first(session: AsyncSession) -> None:
        await store.lock_head(session)
        with pytest.raises(DBAPIError) as refused:
            await db.write(second)
        assert getattr(refused.value.orig, "sqlstate", None) == "55P03"  # lock not available

    await db.write(first)
    assert await batch(db) is not None


@pytest.mark.parametrize(
    "act",
    [
        "DELETE FROM commons_ledger_leaf",
        "UPDATE commons_ledger_leaf SET kind = 'redacted'",
        "DELETE FROM commons_ledger_checkpoint",
        "UPDATE commons_ledger_checkpoint SET size = 7",
    ],
)
async def test_the_product_itself_may_only_add(db: Database, act: str) -> None:
    await add(db, 1)
    await batch(db)

    async def change(session: AsyncSession) -> None:
        await (await session.connection()).execute(text(act))

    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        await db.write(change)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("poll.invented", {}),
        ("poll.closed", {"share": 0.5}),
        ("poll.closed", {"open": True}),
        ("poll.closed", {"half": "\ud800"}),
        ("poll.closed", {"nul": "a\0b"}),
    ],
)
async def test_a_line_that_could_stop_the_sequencer_never_waits(db: Database, kind: str, words: dict[str, str]) -> None:
    with pytest.raises((ValueError, TypeError)):
        await db.write(lambda session: append(session, kind, words))
    assert await batch(db) is None


CHANGED = {
    "leaf hash changed": ["UPDATE commons_ledger_leaf SET leaf_hash = digest WHERE position = 1"],
    "last leaf lost": [f"DELETE FROM commons_ledger_{table} WHERE position = 2" for table in ("words", "leaf")],
    "checkpoint lost": ["DELETE FROM commons_ledger_checkpoint"],
    "head set back": ["UPDATE commons_ledger_head SET size = 2"],
    "note forged": ["UPDATE commons_ledger_checkpoint SET note = replace(note, 'khma.example/log', 'khma.example/l')"],
}


@pytest.mark.parametrize("change", CHANGED)
async def test_nothing_is_signed_over_a_changed_past(db: Database, addresses: Addresses, change: str) -> None:
    await add(db, 1, 2, 3)
    await batch(db)
    tamper(addresses, *CHANGED[change])
    await add(db, 4)
    with pytest.raises(DomainError, match=r"ledger.history_changed|checkpoint"):
        await batch(db)


async def test_a_stranger_cannot_go_on_with_the_log_but_its_next_key_can(db: Database) -> None:
    await add(db, 1)
    await batch(db)
    await add(db, 2)
    with pytest.raises(Invalid, match=r"checkpoint.key_unknown"):
        await batch(db, NEXT_KEY)
    signed = await batch(db, NEXT_KEY, previous=VERIFIER)
    assert signed is not None
    async with db.reading() as session:
        assert await audit(session, [VERIFIER, verifier_key(ORIGIN, NEXT_KEY.public_key())]) == []
        assert await audit(session, [VERIFIER]) != []


async def test_redacting_erases_words_and_salt_and_says_so(db: Database) -> None:
    await add(db, 1, 2, 3)
    await batch(db)
    async with db.reading() as session:
        before = await prove(session, 1)
    await db.write(lambda session: redact(session, 1, "court order", "named a neighbour"))
    async with db.reading() as session:
        assert await audit(session, [VERIFIER]) == []  # the erasure waits for its line, and is not a fault meanwhile
    await batch(db)
    async with db.reading() as session:
        line, announced = await store.find_line(session, 1), await store.find_line(session, 3)
        assert await audit(session, [VERIFIER]) == []
        after = await prove(session, 1)
    assert line is not None
    assert announced is not None
    assert (line.subject, line.salt, line.words) == (None, None, None)
    assert (announced.kind, announced.subject) == ("redacted", "vote/parks")
    assert announced.words == {"position": 1, "rule": "court order", "reason": "named a neighbour"}
    assert after["digest"] == before["digest"]


async def test_what_cannot_be_redacted(db: Database) -> None:
    await add(db, 1)
    await batch(db)
    await db.write(lambda session: redact(session, 0, "rule", "reason"))
    await batch(db)
    for position, refusal, code in (
        (0, Conflict, "ledger.already_redacted"),
        (1, Conflict, "ledger.redaction_stays"),
        (2, NotFound, "ledger.line_unknown"),
    ):
        with pytest.raises(refusal, match=code):
            await db.write(partial(redact, position=position, rule="rule", reason="reason"))


async def test_a_page_shows_the_newest_lines_of_what_was_asked_for(db: Database) -> None:
    for subject in ("vote/parks", "vote/roads", "vote/parks"):
        await add(db, 1, 2, subject=subject)
        await batch(db)
    async with db.reading() as session:
        all_lines = await page(session, limit=4)
        parks = await page(session, subject="vote/parks", offset=1, limit=2)
        none = await page(session, kinds=["box.sealed"])
    assert ([line.position for line in all_lines.lines], all_lines.total) == ([5, 4, 3, 2], 6)
    assert ([line.position for line in parks.lines], parks.total) == ([4, 1], 4)
    assert (none.lines, none.total) == ([], 0)
