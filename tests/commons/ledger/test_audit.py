"""Tampering with the tables, one statement at a time: each is found by whoever has the verifier key."""

import pytest

from app.db import Database
from commons.errors import NotFound
from commons.ledger import store
from commons.ledger.lines import hash_of_leaf, words_digest
from commons.ledger.proof import check_proof
from commons.ledger.reading import audit, prove
from commons.ledger.sequence import append
from tests.commons.ledger.written import NEXT_KEY, VERIFIER, add, batch, tamper
from tests.conftest import Addresses

pytestmark = pytest.mark.anyio

LEAF, WORDS = "commons_ledger_leaf", "commons_ledger_words"
CHECKPOINT, HEAD = "commons_ledger_checkpoint", "commons_ledger_head"
TAMPERED = {
    "kind": [f"UPDATE {LEAF} SET kind = 'poll.opened' WHERE position = 3"],
    "minute": [f"UPDATE {LEAF} SET minute = '2026-01-01 00:00:00.000000' WHERE position = 3"],
    "digest": [f"UPDATE {LEAF} SET digest = leaf_hash WHERE position = 3"],
    "leaf hash": [f"UPDATE {LEAF} SET leaf_hash = digest WHERE position = 3"],
    "place": [f"DELETE FROM {WORDS} WHERE position = 5", f"UPDATE {LEAF} SET position = 50 WHERE position = 5"],
    "two lines swapped": [
        f"CREATE TABLE kept AS SELECT * FROM {LEAF} WHERE position IN (1, 2)",
        *(
            f"UPDATE {LEAF} SET {column} = (SELECT {column} FROM kept WHERE kept.position = 3 - {LEAF}.position)"
            " WHERE position IN (1, 2)"
            for column in ("digest", "leaf_hash")
        ),
        f"CREATE TABLE said AS SELECT * FROM {WORDS} WHERE position IN (1, 2)",
        *(
            f"UPDATE {WORDS} SET {column} = (SELECT {column} FROM said WHERE said.position = 3 - {WORDS}.position)"
            " WHERE position IN (1, 2)"
            for column in ("salt", "words")
        ),
    ],
    "line lost": [f"DELETE FROM {WORDS} WHERE position = 2", f"DELETE FROM {LEAF} WHERE position = 2"],
    "last line lost": [f"DELETE FROM {WORDS} WHERE position = 5", f"DELETE FROM {LEAF} WHERE position = 5"],
    "line added": [f"INSERT INTO {LEAF} SELECT 6, kind, minute, digest, leaf_hash FROM {LEAF} WHERE position = 5"],
    "words changed": [f"UPDATE {WORDS} SET words = '{{\"number\"\\: 9}}' WHERE position = 3"],
    "subject changed": [f"UPDATE {WORDS} SET subject = 'vote/roads' WHERE position = 3"],
    "salt changed": [f"UPDATE {WORDS} SET salt = (SELECT digest FROM {LEAF} WHERE position = 0) WHERE position = 3"],
    "words erased in silence": [f"DELETE FROM {WORDS} WHERE position = 3"],
    "note changed": [f"UPDATE {CHECKPOINT} SET note = replace(note, '6', '7') WHERE size = 6"],
    "root beside the note changed": [f"UPDATE {CHECKPOINT} SET root = (SELECT digest FROM {LEAF} WHERE position = 0)"],
    "size beside the note changed": [f"UPDATE {CHECKPOINT} SET size = 5 WHERE size = 6"],
    "every checkpoint lost": [f"DELETE FROM {CHECKPOINT}"],
}


async def two_batches(db: Database) -> str:
    """Make a log of six lines, and give the note that a citizen kept of it."""
    await add(db, 1, 2, 3)
    await batch(db)
    await add(db, 4, 5, 6)
    signed = await batch(db)
    assert signed is not None
    return signed.note


@pytest.mark.parametrize("tampering", TAMPERED)
async def test_tampering_is_found(db: Database, addresses: Addresses, tampering: str) -> None:
    await two_batches(db)
    async with db.reading() as session:
        assert await audit(session, [VERIFIER]) == []
    tamper(addresses, *TAMPERED[tampering])
    async with db.reading() as session:
        assert await audit(session, [VERIFIER]) != []


async def test_a_rewrite_that_fits_together_is_found_by_the_signature(db: Database, addresses: Addresses) -> None:
    await two_batches(db)
    async with db.reading() as session:
        line = await store.find_line(session, 3)
    assert line is not None
    assert line.salt is not None
    digest = words_digest(line.salt, line.subject or "", {"number": 999})
    tamper(
        addresses,
        f"UPDATE {LEAF} SET digest = :digest, leaf_hash = :leaf WHERE position = 3",
        f"UPDATE {WORDS} SET words = '{{\"number\"\\: 999}}' WHERE position = 3",
        digest=digest,
        leaf=hash_of_leaf(line.kind, line.minute, digest),
    )
    async with db.reading() as session:
        assert [finding.where for finding in await audit(session, [VERIFIER])] == ["checkpoint 1", "log"]
        assert list(check_proof(await prove(session, 3), VERIFIER)) != []


async def test_a_log_written_anew_under_another_key_is_found(db: Database, addresses: Addresses) -> None:
    await two_batches(db)
    tamper(addresses, *(f"DELETE FROM {table}" for table in (WORDS, LEAF, CHECKPOINT, HEAD)))
    await add(db, *range(6))
    await batch(db, NEXT_KEY)
    async with db.reading() as session:
        assert await audit(session, [VERIFIER]) != []


async def test_a_rollback_is_found_by_a_note_that_somebody_kept(db: Database, addresses: Addresses) -> None:
    kept = await two_batches(db)
    tamper(
        addresses,
        f"DELETE FROM {WORDS} WHERE position >= 3",
        f"DELETE FROM {LEAF} WHERE position >= 3",
        f"DELETE FROM {CHECKPOINT} WHERE size > 3",
        f"UPDATE {HEAD} SET size = 3",
    )
    async with db.reading() as session:
        assert await audit(session, [VERIFIER]) == []  # from inside it cannot be seen
        assert [each.expected for each in await audit(session, [VERIFIER], [kept])] == ["6 lines"]
    await add(db, 7, 8, 9)
    await batch(db)  # the log forks: as long as the kept one, and signed with the same key
    async with db.reading() as session:
        findings = await audit(session, [VERIFIER], [kept])
    assert [finding.where for finding in findings] == ["checkpoint 2"]


async def test_every_line_can_be_proved(db: Database) -> None:
    await two_batches(db)
    async with db.reading() as session:
        for position in range(6):
            assert list(check_proof(await prove(session, position), VERIFIER)) == []
        with pytest.raises(NotFound, match=r"ledger.line_unknown"):
            await prove(session, 6)


async def test_a_line_that_says_redacted_must_be_true(db: Database) -> None:
    await two_batches(db)
    await db.write(lambda session: append(session, "redacted", {"position": 2, "rule": "none", "reason": "none"}))
    await batch(db)
    async with db.reading() as session:
        assert [finding.where for finding in await audit(session, [VERIFIER])] == ["line 2, words"]
