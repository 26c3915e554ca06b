"""`khma serve` and `khma worker`: the two kinds of process an installation runs."""

import argparse
import asyncio
import signal
import sys

import uvicorn

from app.config import Config, check, load
from app.db import pending_revision, works_as_owner
from app.house import open_house
from app.jobs.schedule import WORK, by_the_clock
from app.jobs.worker import Worker
from app.letters.sending import sender_for
from app.log import set_up

GRACE_SECONDS = 10


def refuse_unsafe(config: Config) -> bool:
    """Name every unsafe setting on standard error. Returns True when there is one."""
    troubles = list(check(config))
    if not troubles and (revision := pending_revision(config.database_url)):
        troubles = [("KHMA_DATABASE_URL", f"the tables are not up to date ({revision}); run: khma migrate")]
    if not troubles and works_as_owner(config.database_url):
        troubles = [("KHMA_DATABASE_URL", "works as the owner of the tables; use a role that can only work in them")]
    for name, trouble in troubles:
        print(f"khma: {name} {trouble}", file=sys.stderr)
    return bool(troubles)


def serve(argv: list[str]) -> int:
    """Serve the pages until told to stop. Returns 1 when a setting is unsafe."""
    parser = argparse.ArgumentParser(prog="khma serve", description="Serve the web pages.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a proxy with https stands before it")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, help="processes that answer")
    options = parser.parse_args(argv)
    if refuse_unsafe(load()):
        return 1
    uvicorn.run(
        "app.main:serving",
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        proxy_headers=False,  # who is believed about X-Forwarded-For is a setting of ours
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


def worker(argv: list[str]) -> int:
    """Do the work behind the pages until told to stop. Returns 1 when a setting is unsafe."""
    argparse.ArgumentParser(prog="khma worker", description="Do the work behind the pages.").parse_args(argv)
    config = load()
    if refuse_unsafe(config):
        return 1
    set_up()
    asyncio.run(work_until_stopped(config))
    return 0


async def work_until_stopped(config: Config) -> None:
    """Run one worker until SIGTERM or SIGINT; the job in hand is finished first."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    house = open_house(config)
    try:
        await Worker(house, WORK, sender_for(config)).run(stop, by_the_clock(house))
    finally:
        await house.close()
