"""`khma demo`: the invented town, its pages and its worker, in one process on this machine."""

import argparse
import asyncio
import json
import logging
import secrets
import shutil
import socket
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

import uvicorn

from app.accounts.roll.codes import shown
from app.config import ROOT, Config
from app.db import pending_revision, upgrade
from app.demo.town import build_town, is_built
from app.demo.votes import BUDGET, CHECK, DONE, GRADED, OPEN, SOON, Free, keep_custody
from app.demo.walk import Broken, walk
from app.demo.walk_vote import walk_vote
from app.house import open_house
from app.jobs.schedule import WORK, by_the_clock
from app.jobs.worker import Worker
from app.letters.sending import print_letter
from app.log import set_up
from app.main import create_app

FOLDER = ROOT / "var" / "demo"
GRACE_SECONDS = 5


def demo(argv: list[str]) -> int:
    """Run the demonstration until told to stop; with `--check`, walk through a fresh one and stop.

    Returns: 0; 1 when a step of the walk did not go well, or the port is taken.
    """
    parser = argparse.ArgumentParser(prog="khma demo", description="One small invented town on this machine.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fresh", action="store_true", help="forget the town and build it anew")
    parser.add_argument("--check", action="store_true", help="walk through a town of its own, and say if all is well")
    options = parser.parse_args(argv)
    set_up(logging.WARNING)
    if options.check:
        with tempfile.TemporaryDirectory(prefix="khma-check-") as folder:
            return asyncio.run(_run(Path(folder), _free_port(), check=True))
    if _is_taken(options.port):
        print(f"khma: port {options.port} is taken; try: khma demo --port {options.port + 1}", file=sys.stderr)
        return 1
    if options.fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        return asyncio.run(_run(FOLDER, options.port, check=False))
    except KeyboardInterrupt:
        return 0


def demo_config(folder: Path, port: int) -> Config:
    """Make the settings of a demonstration; its secret is drawn once and kept in its folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = folder / "secret"
    if not secret.exists():
        secret.write_text(secrets.token_hex(32))
        secret.chmod(0o600)
    return Config(
        database_url=f"sqlite:///{folder / 'khma.sqlite3'}",
        base_url=f"http://127.0.0.1:{port}",
        secret=secret.read_text(),
        data=folder,
        keys=folder / "keys",
        demonstration=True,
    )


class _Server(uvicorn.Server):
    """A server that says when it is open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors, and say so."""
        await super().startup(sockets)
        self.open.set()


async def _run(folder: Path, port: int, *, check: bool) -> int:
    began = time.monotonic()
    config = demo_config(folder, port)
    if pending_revision(config.database_url):
        upgrade(config.database_url)
    house = open_house(config)
    if not await is_built(house):
        print("Building the town of Vardisi …", flush=True)
        _keep(folder, await build_town(house, [DONE, GRADED, SOON, OPEN, BUDGET, *([CHECK] if check else [])]))
    server = _Server(
        uvicorn.Config(
            create_app(config),
            host="127.0.0.1",
            port=port,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    stop = asyncio.Event()
    worker = Worker(house, WORK, (lambda _: None) if check else print_letter)
    clock = by_the_clock(house)

    async def tend() -> None:
        await clock()
        await keep_custody(house)

    working = asyncio.create_task(worker.run(stop, tend))
    serving = asyncio.create_task(server.serve())
    code = 0
    try:
        await asyncio.wait({serving, asyncio.create_task(server.open.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if check:
            code = await asyncio.to_thread(_check, config.base_url, _signins(folder), _codes(folder))
            server.should_exit = True
        elif server.open.is_set():
            _announce(config, _signins(folder), _codes(folder), time.monotonic() - began)
        await serving
    finally:
        stop.set()
        await working
        await house.close()
    return code


def _keep(folder: Path, signins: list[dict[str, str]]) -> None:
    """Keep the sign-ins where only this user reads them."""
    path = folder / "signins.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(signins, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _signins(folder: Path) -> list[dict[str, str]]:
    return list(json.loads((folder / "signins.json").read_text("utf-8")))


def _codes(folder: Path) -> dict[str, Free]:
    return dict(json.loads((folder / "codes.json").read_text("utf-8")))


def _announce(config: Config, signins: list[dict[str, str]], codes: dict[str, Free], seconds: float) -> None:
    print(f"\nKhma is open at {config.base_url} ({seconds:.1f} s). Stop it with Ctrl-C.\n")
    for person in signins:
        print(f"  {person['role']:<14} {person['email']:<24} {person['password']}")
    print("\nWhoever manages needs a code as well: its page shows it, since this is a demonstration.")
    print("\nTo vote, as from the QR code of a slip:\n")
    for name in (OPEN.name, BUDGET.name, SOON.name):
        print(f"  {name:<13} {config.base_url}/en/votes/{codes[name]['vote']}#{shown(codes[name]['codes'][0])}")
    print(f"\nSign-ins and more codes are also in {config.data}: signins.json, codes.json\n", flush=True)


def _check(base: str, signins: list[dict[str, str]], codes: dict[str, Free]) -> int:
    manager = next(person for person in signins if person["role"] == "manager")
    try:
        for sentence in chain(walk_vote(base, codes[CHECK.name]), walk(base, manager)):
            print(f"  ok  {sentence}", flush=True)
    except Broken as broken:
        print(f"  BROKEN  {broken}", file=sys.stderr)
        return 1
    print("All is well.")
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
