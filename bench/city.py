"""A whole vote of a small city in one command: prepared, opened, voted in, closed, published, fetched and verified.

In a throw-away folder `khma serve` and `khma worker` run as an operator starts them, with every limit on. A roll of
people has a code each, two custodians prove their copies, and the worker opens the vote. All voters come by HTTP from
one network, with browsers of their own: page, cast, receipt (bench/voters.py). Meanwhile a stranger tries wrong codes
from there. The worker closes at the announced time, opens the box, counts it, attacks what is to be released, and
publishes. The archive is fetched by HTTP, and `khma verify` counts it again. What must hold is in bench/held.py.
"""

import argparse
import asyncio
import io
import json
import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from app.accounts.roll.codes import new_code, shown
from app.cli.verify import fetch, verify
from app.config import load
from app.db import Database, upgrade
from app.keys import find_ledger_key, ledger_origin
from ballots.store import get_box
from bench.databases import KINDS, NAMES, fresh_databases
from bench.held import Held, Times, must_hold, tell
from bench.voters import CHANGED, LOST, MISTYPED, PLAIN, TWICE, Crowd, Told, Voter, fill
from commons.checkpoint import verifier_key
from polls import amendments
from polls.lifecycle import Kind, State
from results.archive import LEDGER
from results.store import find_of_poll
from results.vote_archive import BOX, MINUTES
from tests.ballots.voting import Vote
from tests.plumbing.booths import prepare_vote, settings
from tests.plumbing.clients import Client
from tests.plumbing.postgres import APP
from tests.plumbing.server import ROOT, running_program, running_worker

WAYS = {PLAIN: 84, MISTYPED: 2, LOST: 4, TWICE: 4, CHANGED: 6}
"""Of a hundred voters, how many do what."""
BLANK = 0.02
VOTERS_A_SECOND = 30
MARGIN_SECONDS = 10
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 900
LATER = "Many people are still waiting to vote."


class Phases:
    """Prints how long each part took. Each ends where the next one begins."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def end(self, name: str) -> None:
        """Call what went on since the last end by a name."""
        ended = time.perf_counter()
        print(f"  {name:<22}{ended - self._began:8.1f} s", flush=True)
        self._began = ended


def main(argv: list[str]) -> int:
    """Hold the vote, and print its figures.

    Returns: 0 when all holds, else 1.
    """
    parser = argparse.ArgumentParser(prog="khma bench city", description=__doc__)
    parser.add_argument("--voters", type=int, default=5000)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--servers", type=int, default=2, help="processes that answer")
    parser.add_argument("--crowds", type=int, default=2, help="processes that send")
    parser.add_argument("--at-once", type=int, default=8, help="voters at one moment in each of them")
    parser.add_argument("--options", type=int, default=8)
    parser.add_argument("--guesses", type=int, default=150, help="wrong codes that a stranger tries meanwhile")
    parser.add_argument("--seconds", type=float, help="from now to the announced closing; else by the number of voters")
    asked = parser.parse_args(argv)
    print(f"{asked.voters:,} voters on {NAMES[asked.database]}, {asked.servers} processes of khma serve")
    print(f"  load of this machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors", flush=True)
    with tempfile.TemporaryDirectory(prefix="khma-city-") as room, ExitStack() as stack:
        folder, phases = Path(room), Phases()
        url, owner_url, _ = stack.enter_context(fresh_databases(asked.database, folder))
        upgrade(owner_url, None if asked.database == "sqlite" else APP)
        phases.end("databases made")
        held = asyncio.run(_hold(asked, folder, url, settings(url, owner_url, folder), phases))
    print("\n".join(tell(held)))
    bars = list(must_hold(held))
    print("must hold")
    for holds, said in bars:
        print(f"  {'yes' if holds else 'NO '}  {said}")
    return 0 if all(holds for holds, _ in bars) else 1


async def _hold(asked: argparse.Namespace, folder: Path, url: str, env: dict[str, str], phases: Phases) -> Held:
    """Hold the vote from the first page to the last check."""
    db = Database(url)
    serve = ("serve", "--workers", str(asked.servers))
    try:
        with running_program(env, serve) as (base, server):
            env |= {"KHMA_BASE_URL": base}
            phases.end("pages up")
            with running_worker(env) as worker:
                vote, (late_code, *codes) = await _prepare(asked, db, folder)
                keeping = asyncio.create_task(_keep_open(vote, _window(asked) / 2))
                phases.end("roll, codes, keys")
                await _until(vote, State.OPEN)
                phases.end("opened by the worker")
                late, sheet = await _open(base, vote, late_code)
                voters = _voters(vote, codes)
                (told, voting), slowed = await asyncio.gather(
                    _vote(asked, base, vote, voters), _guess(base, vote, asked.guesses)
                )
                keeping.cancel()
                phases.end("voting")
                closes_at = (await vote.refreshed()).closes_at
                await asyncio.sleep(max(0.0, (closes_at - datetime.now(UTC)).total_seconds()))
                phases.end("until it closes")
                await late.reconnect()  # the server hung up long ago
                came_late = (await late.post(_path(vote), sheet)).status
                late.close()
                await _until(vote, State.CLOSED)
                closing = (datetime.now(UTC) - closes_at).total_seconds()
                phases.end("closed by the worker")
                await _until(vote, State.PUBLISHED)
                files = await _fetch(f"{base}/archive/{vote.poll.slug}")
                phases.end("published, fetched")
                memory = {"khma serve": _peaks(server.pid), "khma worker": _peaks(worker.pid)}
        code, said = _verify(folder, env, files)
        phases.end("verified")
        return Held(
            ways=[voter["way"] for voter in voters],
            told=told,
            guesses=asked.guesses,
            slowed=slowed,
            late=came_late,
            box=files[BOX].decode().split(),
            minutes=json.loads(files[MINUTES]),
            archive=sum(map(len, files.values())),
            verified=code,
            said=said,
            times=Times(voting, closing, *await _published(vote)),
            memory=memory,
        )
    finally:
        await db.close()


async def _prepare(asked: argparse.Namespace, db: Database, folder: Path) -> tuple[Vote, list[str]]:
    """Prepare a vote of so many people and one more, who comes too late."""
    closes_at = datetime.now(UTC) + timedelta(seconds=_window(asked))
    names = [f"Service {number}" for number in range(1, asked.options + 1)]
    return await prepare_vote(db, folder, asked.voters + 1, names, closes_at=closes_at, publishes_at=closes_at)


def _window(asked: argparse.Namespace) -> float:
    """Say how many seconds before its end a vote is announced."""
    return float(asked.seconds or MARGIN_SECONDS + asked.voters / VOTERS_A_SECOND)


def _voters(vote: Vote, codes: list[str]) -> list[Voter]:
    """Draw what everybody does and wishes: early options are liked more, and few voters rank all they may."""
    chance, names = random.Random(1), [option["names"]["en"] for option in vote.poll.options]
    ways = list(WAYS)

    def wish() -> list[str]:
        if chance.random() < BLANK:
            return []
        liked = sorted(names, key=lambda name: chance.expovariate(1) * (names.index(name) + 2))
        return liked[: chance.randint(1, vote.poll.most_ranked)]

    drawn = [*ways, *chance.choices(ways, list(WAYS.values()), k=len(codes))][: len(codes)]  # each way occurs
    return [
        Voter(code=shown(code), way=way, wishes=[wish() for _ in range(2 if way == CHANGED else 1)])
        for code, way in zip(codes, drawn, strict=True)
    ]


async def _vote(asked: argparse.Namespace, base: str, vote: Vote, voters: list[Voter]) -> tuple[list[Told], float]:
    """Let crowds vote beside one another. Returns what each voter tells, in their order, and the seconds it took."""
    began = time.perf_counter()
    crowds = await asyncio.gather(
        *(_send(asked, base, vote, voters[first :: asked.crowds]) for first in range(asked.crowds))
    )
    told = dict[int, Told]()
    for first, crowd in enumerate(crowds):
        told |= dict(zip(range(first, len(voters), asked.crowds), crowd, strict=True))
    return [told[number] for number in range(len(voters))], time.perf_counter() - began


async def _send(asked: argparse.Namespace, base: str, vote: Vote, voters: list[Voter]) -> list[Told]:
    crowd = Crowd(base=base, path=_path(vote), at_once=asked.at_once, wrong=shown(new_code()), voters=voters)
    pipe = asyncio.subprocess.PIPE
    program = [sys.executable, "-m", "bench.voters"]
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdin=pipe, stdout=pipe)
    said, _ = await process.communicate(json.dumps(crowd).encode())
    told: list[Told] = json.loads(said)
    return told


async def _keep_open(vote: Vote, seconds: float) -> None:
    """Have two people extend the vote where voters are still on their way shortly before it closes."""
    while True:
        closes_at = (await vote.refreshed()).closes_at
        left = (closes_at - datetime.now(UTC)).total_seconds()
        if left > MARGIN_SECONDS / 2:
            await asyncio.sleep(left - MARGIN_SECONDS / 2)
            continue
        time_ = {"time": (closes_at + timedelta(seconds=seconds)).isoformat()}
        amendment = await vote.db.write(
            lambda session, time_=time_: amendments.ask(session, vote.poll.id, Kind.EXTEND, LATER, uuid4(), time_)  # type: ignore[misc]
        )
        await vote.db.write(lambda session, id_=amendment.id: amendments.agree(session, id_, uuid4()))  # type: ignore[misc]


async def _guess(base: str, vote: Vote, guesses: int) -> int:
    """Be a stranger who tries wrong codes. Returns how often they were told to wait."""
    client, sheet = await _open(base, vote, new_code())
    slowed = 0
    for _ in range(guesses):
        slowed += (await client.post(_path(vote), sheet | {"code": shown(new_code())})).status == 429
    client.close()
    return slowed


async def _open(base: str, vote: Vote, code: str) -> tuple[Client, dict[str, str]]:
    """Open the ballot. Returns the browser, and the form filled in."""
    client = await Client.open(base)
    page = await client.get(_path(vote))
    return client, fill(page.body, ["Service 1"]) | {"code": shown(code)}


def _path(vote: Vote) -> str:
    return f"/en/votes/{vote.poll.slug}"


async def _until(vote: Vote, state: State) -> None:
    """Wait until the worker brought the vote into a state. Raises RuntimeError where it never comes."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (there := (await vote.refreshed()).state) is not state:
        if there is State.HALTED or time.monotonic() > until:
            raise RuntimeError(f"the vote is {there.value}, and not {state.value}")
        await asyncio.sleep(LOOK_SECONDS)


async def _fetch(address: str) -> dict[str, bytes]:
    """Fetch the archive by HTTP, once the public log has its line."""
    while True:
        files = await asyncio.to_thread(fetch, address)
        if LEDGER in files:
            return files
        await asyncio.sleep(2 * LOOK_SECONDS)


def _verify(folder: Path, env: dict[str, str], files: dict[str, bytes]) -> tuple[int, str]:
    """Run `khma verify` on files, with the key of this house's log. Returns its exit code, and all that it says."""
    archive, config = folder / "archive", load(env)
    archive.mkdir()
    for name, data in files.items():
        (archive / name).write_bytes(data)
    key = find_ledger_key(config)
    assert key is not None
    with redirect_stdout(io.StringIO()) as said:
        code = verify([str(archive), "--key", verifier_key(ledger_origin(config), key.public_key())])
    return code, said.getvalue().strip()


async def _published(vote: Vote) -> tuple[float, float]:
    """Read off the database's clock how long the opening took after the announced time, and the rest after that."""
    async with vote.db.reading() as session:
        box, result = await get_box(session, vote.poll.id), await find_of_poll(session, vote.poll.id)
    poll = await vote.refreshed()
    assert box.opened_at is not None
    assert result is not None
    return (box.opened_at - poll.publishes_at).total_seconds(), (result.published_at - box.opened_at).total_seconds()


def _peaks(pid: int) -> list[int]:
    """Read the most memory that a process and its children ever had, in MB each."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    statuses = [Path(f"/proc/{each}/status").read_text() for each in [str(pid), *children]]
    return [int(status.partition("VmHWM:")[2].split()[0]) // 1024 for status in statuses if "VmHWM:" in status]
