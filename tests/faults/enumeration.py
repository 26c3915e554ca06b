"""Whether a stranger can tell who has an account, or which codes exist, by an answer or by how long it takes.

    python -m tests.faults.enumeration [--tries 1000] [--database sqlite] [--form forgot]

Each form is sent with things that are known here and things that are not, in an order drawn anew for every round, over
one connection to `khma serve`. Status, headers and body must be the same once what was typed and what is named in
VARYING is masked; times must not tell known and unknown apart: AUC < 0.55 and medians less than 5 ms apart.
"""

import argparse
import asyncio
import http.client
import os
import random
import re
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import app_code, step_at
from app.accounts.factors.recovery import draw_sheet
from app.accounts.factors.store import add_factor
from app.accounts.passwords import Passwords
from app.accounts.roll.codes import MODULUS, RANDOM_SIGNS, SIGNS, new_code, shown
from app.accounts.store import add_account
from app.accounts.tokens import make_token
from app.db import Database, upgrade
from commons.clock import now
from tests.faults.telling_apart import MOST_AUC, MOST_MILLISECONDS, auc, difference
from tests.plumbing.booths import hold_vote, settings
from tests.plumbing.house import APP_SECRET
from tests.plumbing.postgres import APP, OWNER, running_postgres
from tests.plumbing.server import SECRET, running_server

KINDS = ("sqlite", "postgresql")
PEOPLE = 40
WARM = 10
TOKEN = re.compile(r'name="_token" value="([^"]+)"')
VARYING = (re.compile(r'name="_token" value="([^"]+)"'), re.compile(r'name="turn" value="([^"]+)"'))
UNTIMED = {"date"}


@dataclass(frozen=True)
class Asked:
    """One form: its page, where it goes, and for each class of things what is sent.

    classes: name → from the number of a try to the address it is sent to, its fields, and what of them is to be masked.
    """

    page: str
    classes: Mapping[str, Callable[[int], tuple[str, dict[str, str], str]]]


@dataclass
class Found:
    """What came back for one form: by class the times in milliseconds, and each different answer, masked."""

    times: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, set[str]] = field(default_factory=dict)

    def faults(self, *, timed: bool) -> list[str]:
        """Say what tells two classes apart. timed: whether the times were taken often enough to be judged."""
        faults = []
        if len({frozenset(answers) for answers in self.answers.values()}) != 1:
            faults.append("answers differ")
        for one, other in combinations(self.times, 2):
            chance, apart = self.compare(one, other)
            if timed and (chance >= MOST_AUC or apart >= MOST_MILLISECONDS):
                faults.append(f"{one} and {other}: AUC {chance:.3f}, medians {apart:.2f} ms apart")
        return faults

    def compare(self, one: str, other: str) -> tuple[float, float]:
        """Compare the times of two classes: how well they are told apart, and how far their medians are."""
        return auc(self.times[one], self.times[other]), difference(self.times[one], self.times[other])


class Stranger:
    """A browser with one open connection, and nothing but the cookie of a form."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._connection = http.client.HTTPConnection(urlsplit(base).netloc)
        self._cookie = self._token = ""

    def look(self, path: str) -> None:
        """Open a page with a form."""
        self._connection.request("GET", path, headers={"Accept-Language": "en", "Cookie": self._cookie})
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self._cookie = cookie.split(";")[0]
        found = TOKEN.search(body)
        if found is None:
            raise RuntimeError(f"{path}: {answer.status}, and no form")
        self._token = found[1]

    def send(self, path: str, fields: Mapping[str, str], masked: str) -> tuple[float, str]:
        """Send a form. Returns the milliseconds until all of the answer was there, and the answer, masked."""
        body = urlencode({"_token": self._token} | dict(fields))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self._base,
            "Sec-Fetch-Site": "same-origin",
            "Accept-Language": "en",
            "Cookie": self._cookie,
        }
        began = time.perf_counter()
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        took = (time.perf_counter() - began) * 1000
        for pattern in VARYING:
            text = pattern.sub("…", text)
        heads = sorted(f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in UNTIMED)
        whole = "\n".join([str(answer.status), *heads, text])
        return took, whole.replace(masked, "…") if masked else whole

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def ask(base: str, limits: Path, form: Asked, tries: int, draw: random.Random) -> Found:
    """Send one form with all its classes, interleaved. limits: the server's counters, emptied before each try."""
    found = Found({name: [] for name in form.classes}, {name: set() for name in form.classes})
    with closing(Stranger(base)) as stranger, closing(sqlite3.connect(limits, isolation_level=None)) as file:
        stranger.look(form.page)
        for number in range(-WARM, tries):
            for name in draw.sample(list(form.classes), len(form.classes)):
                file.execute("DELETE FROM tried")
                took, answer = stranger.send(*form.classes[name](number))
                if number >= 0:
                    found.times[name].append(took)
                    found.answers[name].add(answer)
    return found


def forms_of(vote: str, code: str) -> dict[str, Asked]:
    """List the forms. vote: the address of an open one; code: one that is on its roll."""
    return {
        "sign in": Asked(
            "/en/sign-in",
            {
                kind: lambda number, kind=kind: _typed("/en/sign-in", kind, number, password="a wrong password " * 2)
                for kind in ("citizen", "manager", "unknown")
            },
        ),
        **{
            name: Asked(
                path,
                {kind: lambda number, p=path, kind=kind: _typed(p, kind, number) for kind in ("citizen", "unknown")},
            )
            for name, path in (("sign up", "/en/sign-up"), ("forgot", "/en/forgot"))
        },
        "reset": Asked("/en/settings", {kind: _forged("reset", kind) for kind in ("citizen", "unknown")}),
        "invitation": Asked("/en/settings", {kind: _forged("welcome", kind) for kind in ("citizen", "unknown")}),
        "voter code": Asked(
            f"{vote}/receipt",
            {
                "near": lambda number: _coded(f"{vote}/receipt", near(code, number)),
                "far": lambda _: _coded(f"{vote}/receipt", new_code()),
            },
        ),
    }


def address(kind: str, number: int) -> str:
    """Give the address of one of the people of a kind; all are of one length."""
    return f"{kind:_<8}{number % PEOPLE:03}@vardisi.example"


def near(code: str, number: int) -> str:
    """Give a code that nobody has, and that differs from a real one in its last random signs only."""
    value = sum(SIGNS.index(sign) << 5 * place for place, sign in enumerate(reversed(code[:RANDOM_SIGNS])))
    value ^= 1 + number % 31
    rest = value % MODULUS
    signs = [SIGNS[value >> 5 * place & 31] for place in reversed(range(RANDOM_SIGNS))]
    return "".join(signs) + SIGNS[rest >> 5] + SIGNS[rest & 31]


def _typed(path: str, kind: str, number: int, **more: str) -> tuple[str, dict[str, str], str]:
    email = address(kind, number)
    return path, {"email": email, "next": ""} | more, email


def _forged(page: str, kind: str) -> Callable[[int], tuple[str, dict[str, str], str]]:
    """Send a link that names somebody, under a secret that is not the house's."""

    def make(number: int) -> tuple[str, dict[str, str], str]:
        token = make_token("not the secret of this house at all", page, {"email": address(kind, number)}, hours=1)
        return f"/en/{page}/{token}", {"name": "Nino", "password": "four other words together"}, token

    return make


def _coded(path: str, code: str) -> tuple[str, dict[str, str], str]:
    return path, {"code": shown(code)}, shown(code)


@contextmanager
def deployment(kind: str, folder: Path) -> Iterator[tuple[str, dict[str, Asked]]]:
    """Run `khma serve` with people, managers with a second factor, and an open vote. Yields its address and forms."""
    with ExitStack() as stack:
        if kind == "sqlite":
            url = owner = f"sqlite:///{folder / 'khma.sqlite3'}"
        else:
            server = stack.enter_context(running_postgres())
            server.run(f"CREATE DATABASE khma OWNER {OWNER}")
            url, owner = server.url("khma", APP), server.url("khma", OWNER)
        upgrade(owner, None if kind == "sqlite" else APP)
        vote, code = asyncio.run(_settle(url, folder))
        base = stack.enter_context(running_server(settings(url, owner, folder)))
        yield base, forms_of(vote, code)


async def _settle(url: str, folder: Path) -> tuple[str, str]:
    db, passwords = Database(url), Passwords()
    password, sheet = await passwords.hash(secrets.token_urlsafe(20)), draw_sheet()

    async def work(session: AsyncSession) -> None:
        for number in range(PEOPLE):
            await add_account(session, address("citizen", number), "Nino Beridze", password)
            manager = await add_account(session, address("manager", number), "Maia Lomidze", password)
            long_ago = app_code(APP_SECRET, step_at(await now(session)) - 1)
            await add_factor(session, SECRET, manager.id, APP_SECRET, long_ago, sheet)

    vote, codes = await hold_vote(db, folder, 1)
    await db.write(work)
    await db.close()
    passwords.close()
    return f"/en/votes/{vote.poll.slug}", codes[0]


def main(argv: list[str]) -> int:
    """Try the forms and print what was found. Returns 1 where known and unknown can be told apart."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.enumeration", description=__doc__)
    parser.add_argument("--tries", type=int, default=1000, help="for each class; fewer than 1,000 give false alarms")
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--form", help="this one only")
    options = parser.parse_args(argv)
    told = False
    for kind in KINDS if options.database == "both" else (options.database,):
        with (
            tempfile.TemporaryDirectory(prefix="khma-enumeration-") as folder,
            deployment(kind, Path(folder)) as (base, forms),
        ):
            say(f"\n{kind}: {options.tries} tries a class, load {os.getloadavg()[0]:.1f}")
            for name, form in forms.items():
                if options.form in (None, name):
                    found = ask(base, Path(folder) / "limits.sqlite3", form, options.tries, random.Random(26))
                    told |= _tell(name, found)
    return int(told)


def say(line: str) -> None:
    """Write a line down at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell(name: str, found: Found) -> bool:
    for one, other in combinations(found.times, 2):
        chance, apart = found.compare(one, other)
        middle = statistics.median(found.times[one])
        say(f"  {name:<12} {one:>8} / {other:<8} AUC {chance:.3f}  medians {middle:7.2f} ms, {apart:.2f} ms apart")
    faults = found.faults(timed=True)
    for fault in faults:
        say(f"  {name:<12} TOLD APART: {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
