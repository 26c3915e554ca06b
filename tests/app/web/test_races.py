"""Many forms at once, and servers killed in the middle: over four processes each voter has one ballot, none is lost."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.db import Database
from ballots.casting import find_receipt
from tests.ballots.voting import Vote
from tests.conftest import Addresses
from tests.plumbing.booths import Client, Form, hold_vote, settings
from tests.plumbing.server import running_server

pytestmark = pytest.mark.anyio
FOUR = ("serve", "--workers", "4")
VOTERS, FORMS = 50, 32
KILLS, CASTERS = 20, 8


async def opened(base: str, vote: Vote) -> Client:
    """Open a browser on the ballot; a server that was just killed is asked again."""
    while True:
        try:
            client = await Client.open(base)
            await client.get(f"/en/votes/{vote.poll.slug}")
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.01)
        else:
            return client


async def closed_box(vote: Vote) -> list[str]:
    await vote.end()
    assert await vote.close() == "closed"
    return (vote.folder / str(vote.poll.id) / "box.txt").read_text().split()


async def test_of_many_forms_over_four_processes_one_is_recorded(
    db: Database, addresses: Addresses, tmp_path: Path
) -> None:
    vote, codes = await hold_vote(db, tmp_path, VOTERS)
    with running_server(settings(addresses.url, addresses.owner_url, tmp_path), FOUR) as base:
        clients = [await opened(base, vote) for _ in range(FORMS)]
        for number, code in enumerate(codes):
            forms = [Form(vote, [1 + (number + turn) % 3], code) for turn in range(FORMS)]
            answers = await asyncio.gather(*(client.cast(form) for client, form in zip(clients, forms, strict=True)))
            assert sorted(answer.status for answer in answers) == [303] + [409] * (FORMS - 1)
            assert all("recorded meanwhile" in answer.body for answer in answers if answer.status == 409)
        again = Form(vote, [2, 1], codes[0], after=None)
        same = await asyncio.gather(*(client.cast(again) for client in clients))
        assert {answer.status for answer in same} == {409}  # it follows nothing, and somebody was first
    assert len(await closed_box(vote)) == VOTERS


async def test_no_ballot_is_lost_or_doubled_when_servers_are_killed(
    db: Database, addresses: Addresses, tmp_path: Path
) -> None:
    vote, codes = await hold_vote(db, tmp_path, KILLS * 15)
    waiting, acknowledged, killed = list(enumerate(codes)), set[int](), 0
    with running_server(settings(addresses.url, addresses.owner_url, tmp_path), FOUR) as base:
        server = server_of(base)

        async def cast_some() -> None:
            client = await opened(base, vote)
            while waiting:
                number, code = waiting.pop()
                form = Form(vote, [1 + number % 3], code)
                while True:  # the same form, until it is answered: a late retry
                    try:
                        answer = await client.cast(form)
                        break
                    except (OSError, asyncio.IncompleteReadError):
                        client = await opened(base, vote)
                assert answer.status == 303, answer.body[:300]
                acknowledged.add(number)

        async def kill_some() -> None:
            nonlocal killed
            while killed < KILLS and waiting:
                wanted = len(acknowledged) + 10
                while len(acknowledged) < wanted and waiting:  # noqa: ASYNC110 - the others say nothing
                    await asyncio.sleep(0.002)
                if workers := children_of(server):
                    os.kill(workers[killed % len(workers)], signal.SIGKILL)
                    killed += 1

        await asyncio.gather(kill_some(), *(cast_some() for _ in range(CASTERS)))
    assert killed == KILLS
    assert len(acknowledged) == len(codes)
    async with db.reading() as session:
        receipts = [await find_receipt(session, vote.keys, vote.poll, tag) for tag in await tags_of(vote)]
    box = await closed_box(vote)
    assert len(box) == len(codes)
    assert {receipt.commitment.hex() for receipt in receipts if receipt} == set(box)


async def tags_of(vote: Vote) -> list[bytes]:
    rows = await vote.rows("SELECT id FROM app_roll_line")
    ids = [bytes.fromhex(str(row).replace("-", "")) for (row,) in rows]
    return vote.keys.tags(vote.poll.id, ids)


def server_of(base: str) -> int:
    """Find the process that serves at an address: the one that was started with its port."""
    port = str(urlsplit(base).port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "--port" in words and port in words and "app.cli" in words:
            return int(folder.name)
    raise LookupError(base)


def children_of(process: int) -> list[int]:
    """Find the worker processes of a server; the one that only watches shared memory is none of them."""
    found = []
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"resource_tracker" not in words:
            found.append(int(child))
    return found
