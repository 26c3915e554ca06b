"""Ways to change a box behind the program's back: every one stops the closing and is told by its kind.

Each kind is tried three times on each database, and ten times with `khma test --faults`.
"""

import random
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots.inspecting import Fault
from ballots.keys import Keys
from ballots.receipts import form_hash_of, tag_hash
from ballots.sealing import OVERHEAD, slot_of
from ballots.store import all_envelopes, get_list, hashes_of
from ballots.tables import Envelope, Participation
from tests.ballots.voting import NAMES, Vote, open_vote
from tests.plumbing.sizes import tries

pytestmark = pytest.mark.anyio

SEALED = OVERHEAD + 1 + len(NAMES)
"""Bytes of an envelope of these votes."""
LINES, ENVELOPES = sa.inspect(Participation).local_table, sa.inspect(Envelope).local_table
MUTATIONS = tries(60, 200)
VOTERS = 30
Rows = dict[str, list[dict[str, Any]]]

KINDS = (
    "insert a line", "insert a line of the roll", "insert an envelope", "copy an envelope", "copy a line",
    "swap envelopes", "swap forms", "move an envelope", "move a line to another vote",
    "move an envelope to another vote", "change a tag", "change a channel", "change a form", "forget a form",
    "change a sealed byte", "cut an envelope", "delete a line", "delete an envelope", "put back an envelope",
    "put back a line",
)  # fmt: skip


async def rows_of(db: Database) -> Rows:
    async with db.reading() as session:
        connection = await session.connection()
        return {
            table.name: [dict(row._mapping) for row in await connection.execute(sa.select(table))]
            for table in (LINES, ENVELOPES)
        }


async def put(db: Database, rows: Rows) -> None:
    """Make both tables hold exactly these rows."""

    async def work(session: AsyncSession) -> None:
        connection = await session.connection()
        for table in (LINES, ENVELOPES):
            await connection.execute(sa.delete(table))
            await connection.execute(sa.insert(table), rows[table.name])

    await db.write(work)


def mutated(  # noqa: PLR0912, PLR0915 - one case for each kind
    kind: str, draw: random.Random, now: Rows, before: Rows, spare: list[bytes], other: UUID
) -> Rows:
    """Change one row, or swap two, as a hand with the whole database but without the keys could."""
    lines, envelopes = ([dict(row) for row in now[table.name]] for table in (LINES, ENVELOPES))
    poll_id = lines[0]["poll_id"]
    mine = draw.randrange(len(lines))
    line, envelope = lines[mine], envelopes[draw.randrange(len(envelopes))]
    second = draw.choice([each for each in envelopes if each is not envelope])
    match kind:
        case "insert a line":
            lines.append(line | {"tag": draw.randbytes(32)})
        case "insert a line of the roll":
            lines.append(line | {"tag": draw.choice(spare)})
        case "insert an envelope":
            envelopes.append({"poll_id": poll_id, "slot": draw.randbytes(32), "sealed": draw.randbytes(SEALED)})
        case "copy an envelope":
            envelopes.append(envelope | {"slot": draw.randbytes(32)})
        case "copy a line":
            lines.append(line | {"tag": draw.choice(spare), "form_key": draw.choice(lines)["form_key"]})
        case "swap envelopes":
            envelope["sealed"], second["sealed"] = second["sealed"], envelope["sealed"]
        case "swap forms":
            far = draw.choice([each for each in lines if each is not line])
            line["form_key"], far["form_key"] = far["form_key"], line["form_key"]
        case "move an envelope":
            envelope["slot"] = draw.randbytes(32)
        case "move a line to another vote":
            line["poll_id"] = other
        case "move an envelope to another vote":
            envelope["poll_id"] = other
        case "change a tag":
            line["tag"] = draw.choice(spare)
        case "change a channel":
            line["channel"] = draw.choice(["desk", "kiosk", "paper"])
        case "change a form":
            line["form_key"] = draw.randbytes(32)
        case "forget a form":
            line["form_key"] = None
        case "change a sealed byte":
            place = draw.randrange(SEALED)
            sealed = bytearray(envelope["sealed"])
            sealed[place] ^= 1 << draw.randrange(8)
            envelope["sealed"] = bytes(sealed)
        case "cut an envelope":
            envelope["sealed"] = envelope["sealed"][: draw.randrange(SEALED)]
        case "delete a line":
            lines.remove(line)
        case "delete an envelope":
            envelopes.remove(envelope)
        case "put back an envelope":
            old = draw.choice([each for each in before[ENVELOPES.name] if each not in envelopes])
            next(each for each in envelopes if each["slot"] == old["slot"])["sealed"] = old["sealed"]
        case "put back a line":
            old = draw.choice([each for each in before[LINES.name] if each not in lines])
            next(each for each in lines if each["tag"] == old["tag"])["form_key"] = old["form_key"]
    return {LINES.name: lines, ENVELOPES.name: envelopes}


async def fill(vote: Vote) -> tuple[Rows, Rows]:
    """Let everybody vote, then some of them again. Returns both tables before and after the second thoughts."""
    keys = {tag: secrets.token_bytes(16) for tag in vote.tags[:VOTERS]}
    for tag, key in keys.items():
        await vote.cast(tag, [1, 2], key)
    before = await rows_of(vote.db)
    for tag in list(keys)[: VOTERS // 2]:
        await vote.cast(tag, [3], after=form_hash_of(vote.poll.id, keys[tag]))
    return before, await rows_of(vote.db)


async def reopen(vote: Vote) -> None:
    """Take the halted vote back to where it was, so that the next mutation finds it closing anew."""

    async def work(session: AsyncSession) -> None:
        connection = await session.connection()
        await connection.execute(sa.text("UPDATE polls_poll SET state = 'open' WHERE state <> 'locked'"))
        await connection.execute(sa.text("UPDATE ballots_box SET step = 'casting', faults = '{}'"))
        await connection.execute(sa.text("DELETE FROM ballots_urn"))

    await vote.db.write(work)


def turns() -> Iterator[str]:
    for number in range(MUTATIONS):
        yield KINDS[number % len(KINDS)]


async def test_every_row_changed_alone_stops_the_closing(db: Database, tmp_path: Path) -> None:
    vote, other = await open_vote(db, tmp_path, VOTERS + 5), await open_vote(db, tmp_path / "other", 1)
    before, after = await fill(vote)
    await vote.end()
    draw, named = random.Random(7), []
    for kind in turns():
        await put(db, mutated(kind, draw, after, before, vote.tags[VOTERS:], other.poll.id))
        state = await vote.close()
        box = await vote.rows("SELECT faults FROM ballots_box WHERE step = 'casting' AND halted_at IS NOT NULL")
        named.append((kind, state, bool(box)))
        told = await vote.rows("SELECT kind FROM commons_ledger_pending WHERE kind = 'poll.halted'")
        assert len(told) == len(named), named[-1]
        await reopen(vote)
    assert [each for each in named if each[1:] != ("halted", True)] == []
    assert len(named) == MUTATIONS
    await put(db, after)  # and without any of them the same box closes
    assert await vote.close() == "closed"


async def test_what_is_told_is_how_many_of_which_kind_and_never_a_tag(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    for tag in vote.tags:
        await vote.cast(tag, [1])
    rows = await rows_of(db)
    del rows[LINES.name][:2]
    del rows[ENVELOPES.name][5]
    await put(db, rows)
    await vote.end()
    assert await vote.close() == "halted"
    (said,) = await vote.rows("SELECT words FROM commons_ledger_pending WHERE kind = 'poll.halted'")
    told = str(said)
    assert Fault.NO_LINE in told
    assert not [tag for tag in vote.tags if tag.hex() in told]


async def test_pairs_deleted_together_show_in_the_receipt_and_the_line(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 40)
    receipts = {tag: (await vote.cast(tag, [2])).receipt for tag in vote.tags}
    box = Keys(tmp_path / "keys").box(vote.poll.id)
    gone = vote.tags[:20]
    rows = await rows_of(db)
    slots = {slot_of(box, tag) for tag in gone}
    rows[LINES.name] = [row for row in rows[LINES.name] if row["tag"] not in gone]
    rows[ENVELOPES.name] = [row for row in rows[ENVELOPES.name] if row["slot"] not in slots]
    await put(db, rows)
    await vote.end()
    assert await vote.close() == "closed"  # from inside it can't be seen
    async with db.reading() as session:
        listed = set(hashes_of(await get_list(session, vote.poll.id, "box")))
        took_part = set(hashes_of(await get_list(session, vote.poll.id, "took_part")))
    assert [receipts[tag].commitment in listed for tag in vote.tags] == [tag not in gone for tag in vote.tags]
    assert [tag_hash(vote.poll.id, tag) in took_part for tag in vote.tags] == [tag not in gone for tag in vote.tags]


async def test_pairs_put_back_together_show_in_the_receipt(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 20)
    keys = {tag: secrets.token_bytes(16) for tag in vote.tags}
    for tag, key in keys.items():
        await vote.cast(tag, [1], key)
    before = await rows_of(db)
    changed = [(await vote.cast(tag, [2], after=form_hash_of(vote.poll.id, key))).receipt for tag, key in keys.items()]
    await put(db, before)
    await vote.end()
    assert await vote.close() == "closed"
    async with db.reading() as session:
        assert await all_envelopes(session, vote.poll.id) == {}
        listed = set(hashes_of(await get_list(session, vote.poll.id, "box")))
    assert len(listed) == 20
    assert not [receipt for receipt in changed if receipt.commitment in listed]
