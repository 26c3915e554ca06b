"""A running town for browsers: the demonstration's people, services and vote, served and worked for as in a real place.

The pages and the worker are processes of their own, started by the commands that an operator uses. Small odd places
(nothing founded, nothing in it, its database away) are served from a thread, because they cost no second then.
"""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import STEP_SECONDS, app_code
from app.accounts.factors.store import FIELD
from app.config import Config
from app.demo.town import build_town
from app.house import House, open_house
from app.main import create_app
from tests.conftest import Addresses
from tests.plumbing.postgres import free_port
from tests.plumbing.server import SECRET, running_server, running_worker
from tests.plumbing.votes import HeldVote

TOKEN = re.compile(r'name="_token" value="([^"]+)"')
WAIT_SECONDS = 20
PROVED_SECONDS = 240  # less than a shown code is good for
Furnish = Callable[[AsyncSession], Awaitable[None]]
Hold = Callable[[House], Awaitable[dict[str, HeldVote]]]


@dataclass
class RunningTown:
    """A town that answers at `base`.

    people: sign-ins by name: citizen, manager, second manager, admin, officer …; each with email, password, name and
            factor.
    votes:  those that were held in it, by name, for their slips; the house that they name is closed.
    """

    base: str
    folder: Path
    people: dict[str, dict[str, str]]
    votes: dict[str, HeldVote]
    _cookies: dict[str, tuple[str, float]] = field(default_factory=dict)
    _built: int = field(default_factory=lambda: int(time.time()) // STEP_SECONDS)  # by then all factors were set up
    _shown: dict[str, int] = field(default_factory=dict)

    def cookie(self, who: str) -> dict[str, str]:
        """Give the cookie of somebody who is signed in, as a browser's context takes it.

        It is used again for as long as a code that was shown is good for everything.
        """
        value, since = self._cookies.get(who, ("", float("-inf")))
        if time.monotonic() - since > PROVED_SECONDS:
            self._cookies[who] = value, _ = self._sign_in(who), time.monotonic()
        return {"name": "khma", "value": value, "url": self.base}

    def next_code(self, who: str) -> str:
        """Read a code from somebody's app that was not shown yet; comes back when there is one."""
        step = self._shown[who] = max(int(time.time()) // STEP_SECONDS, self._shown.get(who, self._built) + 1)
        while int(time.time()) // STEP_SECONDS + 1 < step:
            time.sleep(0.05)
        return app_code(self.people[who]["factor"], step)

    def _sign_in(self, who: str) -> str:
        person = self.people[who]
        with httpx.Client(base_url=self.base, trust_env=False) as client:
            token = TOKEN.search(client.get("/en/sign-in").text)
            assert token is not None
            form = {"_token": token[1], "email": person["email"], "password": person["password"], "next": ""}
            answer = client.post("/en/sign-in", data=form)
            if person["factor"]:
                form = {"_token": token[1], FIELD: self.next_code(who), "next": ""}
                answer = client.post("/en/sign-in/code", data=form)
            assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
            return str(client.cookies["khma"])

    def put_sessions(self, **ago_seconds: float) -> None:
        """Move moments of all sessions into the past, or into the future by less than nothing; on SQLite."""
        moments = {name: datetime.now(UTC) - timedelta(seconds=ago) for name, ago in ago_seconds.items()}
        with closing(sqlite3.connect(self.folder / "khma.sqlite3", isolation_level=None, timeout=20)) as file:
            for name, moment in moments.items():
                shown = "" if name != "proved_at" else " WHERE proved_at IS NOT NULL"
                file.execute(f"UPDATE app_session SET {name} = ?{shown}", (f"{moment:%Y-%m-%d %H:%M:%S.%f}",))

    def forget(self, who: str) -> None:
        """Sign somebody in anew when their cookie is next asked for."""
        self._cookies.pop(who, None)

    def letter(self, address: str, number: int = 1) -> str:
        """Read the nth letter to an address where the worker printed it; comes back when it is there."""
        parts = re.compile(rf"^--- letter to {re.escape(address)}: (.*?)^---$", re.DOTALL | re.MULTILINE)
        until = time.monotonic() + WAIT_SECONDS
        while len(found := parts.findall((self.folder / "worker").read_text("utf-8"))) < number:
            assert time.monotonic() < until, f"{len(found)} letters to {address}, expected {number}"
            time.sleep(0.05)
        return str(found[number - 1])

    def link_in(self, letter: str) -> str:
        """Give the address that a letter leads to."""
        found = re.search(rf"{re.escape(self.base)}\S+", letter)
        assert found is not None, letter
        return found[0]

    def forgive(self) -> None:
        """Forget the failed tries of all, as the operator's `rm` of that file would."""
        with closing(sqlite3.connect(self.folder / "limits.sqlite3", isolation_level=None, timeout=5)) as file:
            file.execute("DELETE FROM tried")


@contextmanager
def running_town(
    addresses: Addresses,
    folder: Path,
    furnish: Furnish | None = None,
    hold: Hold | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[RunningTown]:
    """Build the demonstration town in an empty database that has its tables, and run its pages and its worker.

    furnish:  what else shall be in it, done before the doors open. hold: votes that shall be held in it.
    settings: further KHMA_… ones.
    Cost:    three seconds.
    """
    env = {
        "KHMA_DATABASE_URL": addresses.url,
        "KHMA_OWNER_DATABASE_URL": "" if addresses.url.startswith("sqlite") else addresses.owner_url,
        "KHMA_DATA": str(folder),
        "KHMA_KEYS": str(folder / "keys"),
        "KHMA_DEMONSTRATION": "1",
        **(settings or {}),
    }
    config = Config(database_url=addresses.url, secret=SECRET, data=folder, keys=folder / "keys", demonstration=True)
    signins, votes = in_thread(_build(config, furnish, hold))
    names = {"nino": "citizen", "maia": "manager", "giorgi": "second manager", "salome": "admin"}
    names |= {"tamar": "second admin", "levan": "officer", "eka": "print_officer", "davit": "counter_agent"}
    names |= {"ana": "auditor"}
    people = {names[person["email"].partition("@")[0]]: person for person in signins}
    with (
        running_server(env) as base,
        (folder / "worker").open("wb") as said,
        running_worker({"KHMA_BASE_URL": base} | env, said),
    ):
        yield RunningTown(base, folder, people, votes)


async def _build(
    config: Config, furnish: Furnish | None, hold: Hold | None
) -> tuple[list[dict[str, str]], dict[str, HeldVote]]:
    house = open_house(config)
    try:
        signins = await build_town(house)
        if furnish is not None:
            await house.db.write(furnish)
        return signins, {} if hold is None else await hold(house)
    finally:
        await house.close()


def in_thread(work: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the work gives
    """Do asynchronous work while Playwright's loop holds this thread."""

    async def run() -> Any:  # noqa: ANN401
        return await work

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


@contextmanager
def served(url: str, folder: Path, name: str = "127.0.0.1", **settings: str) -> Iterator[str]:
    """Serve the pages over a database from a thread, whatever state it is in. Yields the base address.

    name:     of this machine, as it stands in the address. settings: further ones of Config.
    """
    port = free_port()
    base = f"http://{name}:{port}"
    own: dict[str, Any] = {"database_url": url, "base_url": base, "secret": SECRET, "data": folder}
    app = create_app(Config(**own, keys=folder / "keys", **settings))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, access_log=False, log_config=None, server_header=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + WAIT_SECONDS
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started
        yield base
    finally:
        server.should_exit = True
        thread.join()
