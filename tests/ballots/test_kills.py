"""Killed in the middle: no acknowledged ballot is lost, none counts twice, and a closing goes on where it stood."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.db import Database
from ballots.casting import find_receipt
from tests.ballots.voting import open_vote
from tests.conftest import Addresses
from tests.plumbing.sizes import tries

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
KILLS, EACH = tries(8, 20), 40


def run(*words: str, told: str = "") -> list[str]:
    command = [sys.executable, "-m", "tests.faults.boxes", *words]
    return subprocess.run(
        command, cwd=ROOT, input=told, capture_output=True, text=True, check=True, timeout=500
    ).stdout.splitlines()


async def test_no_acknowledged_ballot_is_lost(db: Database, addresses: Addresses, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, KILLS * EACH)
    tags = "\n".join(tag.hex() for tag in vote.tags)
    names = [str(vote.poll.id), str(vote.poll.roll_id), str(KILLS)]
    lines = run("cast", addresses.url, str(tmp_path), *names, told=tags)
    acknowledged = dict(line.split() for line in lines)
    assert KILLS <= len(acknowledged) < len(vote.tags)  # each round was killed in the middle, not at its end
    async with db.reading() as session:
        for tag, commitment in acknowledged.items():
            receipt = await find_receipt(session, vote.keys, vote.poll, bytes.fromhex(tag))
            assert receipt is not None
            assert receipt.commitment.hex() == commitment
    (lines_kept,) = await vote.rows("SELECT count(*) FROM ballots_participation")
    (envelopes,) = await vote.rows("SELECT count(*) FROM ballots_envelope")
    assert lines_kept == envelopes
    assert lines_kept[0] >= len(acknowledged)
    await vote.end()
    assert await vote.close() == "closed"
    box = (vote.folder / str(vote.poll.id) / "box.txt").read_text().split()
    assert len(box) == lines_kept[0]
    assert set(acknowledged.values()) <= set(box)


async def test_a_closing_killed_at_every_step_happens_once(db: Database, addresses: Addresses, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 20)
    receipts = [(await vote.cast(tag, [2, 1])).receipt for tag in vote.tags]
    await vote.end()
    told = run("close", addresses.url, str(tmp_path), str(vote.poll.id))
    kills = told.count("killed")
    assert kills >= (24 if db.embedded else 10)  # twice in every transaction: before and after its commit
    assert told[-1] == "3"
    assert (await vote.refreshed()).state.value == "closed"
    kinds = [kind for (kind,) in await vote.rows("SELECT kind FROM commons_ledger_pending")]
    for kind in ("box.sealed", "took_part.root", "poll.closed", "box.key_destroyed"):
        assert kinds.count(kind) == 1, kind
    assert "poll.halted" not in kinds
    assert await vote.rows("SELECT count(*) FROM ballots_urn") == [(20,)]
    assert await vote.rows("SELECT count(*) FROM ballots_envelope") == [(0,)]
    assert await vote.rows("SELECT count(*), count(form_key) FROM ballots_participation") == [(20, 0)]
    box = (vote.folder / str(vote.poll.id) / "box.txt").read_text().split()
    assert box == sorted(receipt.commitment.hex() for receipt in receipts)
    assert not vote.keys.has_box(vote.poll.id)
