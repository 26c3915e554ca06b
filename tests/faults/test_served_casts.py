"""Casting by HTTP against several server processes: all at once, and while they are killed.

Whatever happens, each voter has one ballot in the box, and every ballot that was acknowledged is there. The quick run
races a few voters over two processes; `khma test --faults` races 50 with 32 forms each over four, and kills 20 servers.
"""

import asyncio
import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from app.accounts.roll.store import find_voter
from app.db import Database
from ballots.casting import find_receipt
from tests.ballots.voting import Vote
from tests.conftest import Addresses
from tests.plumbing.booths import Form, hold_vote, settings
from tests.plumbing.clients import Answer, Client
from tests.plumbing.server import running_program, running_server
from tests.plumbing.sizes import FAULTS, tries

pytestmark = pytest.mark.anyio
SERVED = ("serve", "--workers", str(tries(2, 4)))
VOTERS, FORMS, AT_ONCE = tries(4, 50), tries(12, 32), 2
KILLS, BETWEEN, CASTERS = 20, 6, 12
with_faults = pytest.mark.skipif(not FAULTS, reason="takes minutes: khma test --faults")
LOST = (asyncio.IncompleteReadError, ConnectionError)


async def enter(base: str, vote: Vote, number: int) -> list[Client]:
    """Let so many browsers open the ballot."""
    clients = [await Client.open(base) for _ in range(number)]
    for client in clients:
        assert (await client.get(f"/en/votes/{vote.poll.slug}")).status == 200
        assert client.token
    return clients


async def cast(client: Client, form: Form) -> Answer:
    """Cast one form; a house that says it is too busy took nothing, and is sent the same form again."""
    while (answer := await form.cast(client)).status == 503:
        pass
    return answer


async def at_once(clients: list[Client], forms: list[Form]) -> list[Answer]:
    """Let each browser cast one form, all at one moment, each over a connection of its own."""
    await asyncio.gather(*(client.reconnect() for client in clients))
    return await asyncio.gather(*(cast(client, form) for client, form in zip(clients, forms, strict=True)))


def happened(answer: Answer) -> str:
    """Say in a word what an answer to a cast says."""
    if answer.status == 303:
        return answer.headers["location"].partition("?done=")[2]
    assert (answer.status, "recorded meanwhile" in answer.body) == (409, True)
    return "meanwhile"


async def box_of(vote: Vote) -> list[str]:
    """Close the vote, and read the list of its box."""
    await vote.end()
    assert await vote.close() == "closed"
    return (vote.folder / str(vote.poll.id) / "box.txt").read_text().split()


async def test_of_many_forms_at_once_one_is_recorded_each(db: Database, addresses: Addresses, tmp_path: Path) -> None:
    vote, codes = await hold_vote(db, tmp_path, VOTERS)
    with running_server(settings(addresses.url, addresses.owner_url, tmp_path), SERVED) as base:
        clients = await enter(base, vote, FORMS * AT_ONCE)
        for start in range(0, VOTERS, AT_ONCE):
            some = codes[start : start + AT_ONCE]
            forms = [Form(vote, [1 + number % 3], code) for code in some for number in range(FORMS)]
            answers = await at_once(clients, forms)
            for at in range(0, len(forms), FORMS):
                told = Counter(happened(answer) for answer in answers[at : at + FORMS])
                assert told == {"first": 1, "meanwhile": FORMS - 1}
        for client in clients:
            client.close()
    assert await vote.rows("SELECT count(*) FROM ballots_participation") == [(VOTERS,)]
    assert len(set(await box_of(vote))) == VOTERS


@with_faults
async def test_one_form_sent_many_times_at_once_is_one_ballot(
    db: Database, addresses: Addresses, tmp_path: Path
) -> None:
    vote, (code,) = await hold_vote(db, tmp_path, 1)
    form = Form(vote, [2, 1], code)
    with running_server(settings(addresses.url, addresses.owner_url, tmp_path), SERVED) as base:
        clients = await enter(base, vote, FORMS)
        told = Counter(happened(each) for each in await at_once(clients, [form] * FORMS))
        assert told == {"first": 1, "repeated": FORMS - 1}
        await asyncio.gather(*(client.reconnect() for client in clients))
        receipts = {(await client.get(f"/en/votes/{vote.poll.slug}/receipt")).receipt for client in clients}
        for client in clients:
            client.close()
    assert len(receipts) == 1
    assert await box_of(vote) == list(receipts)


@with_faults
async def test_no_acknowledged_ballot_is_lost_when_servers_are_killed(
    db: Database, addresses: Addresses, tmp_path: Path
) -> None:
    """Who loses the connection sends the same form again, or, every second one, gives up."""
    vote, codes = await hold_vote(db, tmp_path, KILLS * BETWEEN * 4)
    acknowledged: dict[str, str] = {}
    waiting, cut = list(reversed(codes)), 0
    enough = asyncio.Event()

    async def cast_some(client: Client) -> None:
        nonlocal cut
        while waiting and not enough.is_set():
            form = Form(vote, [1, 3], waiting.pop())
            while True:
                try:
                    acknowledged[form.code] = happened(await form.cast(client))
                    break
                except LOST:
                    cut += 1
                    await client.reconnect()
                    if codes.index(form.code) % 2:
                        break

    async def kill_some(supervisor: int) -> None:
        draw = random.Random(12)
        for _ in range(KILLS):
            before = len(acknowledged)
            while len(acknowledged) < before + BETWEEN or not (alive := workers_of(supervisor)):
                assert waiting, "nobody is left to cast"
                await asyncio.sleep(0.01)
            os.kill(draw.choice(alive), signal.SIGKILL)
        enough.set()

    with running_program(settings(addresses.url, addresses.owner_url, tmp_path), SERVED) as (base, server):
        clients = await enter(base, vote, CASTERS)
        await asyncio.gather(kill_some(server.pid), *(cast_some(client) for client in clients))
        for client in clients:
            client.close()
    assert cut >= KILLS / 2  # they were in the middle of things
    assert set(acknowledged.values()) <= {"first", "repeated"}
    ((lines,),) = await vote.rows("SELECT count(*) FROM ballots_participation")
    assert await vote.rows("SELECT count(*) FROM ballots_envelope") == [(lines,)]
    receipts = await receipts_of(vote, list(acknowledged))
    box = await box_of(vote)
    assert len(set(box)) == len(box) == lines
    assert receipts <= set(box)
    assert len(receipts) == len(acknowledged)


def workers_of(supervisor: int) -> list[int]:
    """Find the processes that answer now."""
    words = ["pgrep", "-P", str(supervisor), "-f", "spawn_main"]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


async def receipts_of(vote: Vote, codes: list[str]) -> set[str]:
    """Make the receipts of some voters again, as the server does."""
    async with vote.db.reading() as session:
        tags = [vote.keys.tag(vote.poll.id, (await find_voter(session, code)).line) for code in codes]
        receipts = [await find_receipt(session, vote.keys, vote.poll, tag) for tag in tags]
    return {receipt.commitment.hex() for receipt in receipts if receipt is not None}
