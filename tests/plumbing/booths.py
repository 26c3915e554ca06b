"""A vote with a roll and codes in a house of its own, and small browsers that cast in it by HTTP and do nothing else.

They send what a browser sends, byte for byte, over a connection that stays open, and read no more than they must: so
many of them cost little beside the server that is tried.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import shown
from app.accounts.roll.freezing import roll_lines
from app.accounts.roll.importing import Entry
from app.accounts.roll.store import add_lines, add_roll, issue_codes
from app.db import Database
from ballots.answers import order_of
from ballots.keys import prove
from ballots.preparing import accept_proof, start
from ballots.receipts import form_hash_of
from commons.organisations.store import find_host, found
from tests.ballots.voting import NAMES, Vote, locked_vote
from tests.plumbing.server import SECRET

NONE_BEFORE = "0" * 64
TOKEN = re.compile(r'name="_token" value="([^"]+)"')
RECEIPT = re.compile(r'<p class="receipt-code" dir="ltr"><code>([0-9a-f ]+)</code>')


async def hold_vote(
    db: Database, folder: Path, voters: int, names: Sequence[str] = NAMES, **changed: object
) -> tuple[Vote, list[str]]:
    """Open a vote for a roll of so many people. Returns it, and a code for each of them.

    folder:  where its keys and boxes lie, as `settings` names it. changed: as for `locked_vote`.
    """
    (folder / "keys").mkdir(mode=0o700, exist_ok=True)

    async def make_roll(session: AsyncSession) -> tuple[object, list[str]]:
        host = await find_host(session) or await found(session, {"en": "Hall"}, {}, "UTC")
        roll = await add_roll(session, host.id, {"en": "Residents"})
        await add_lines(session, roll.id, [Entry(f"V-{number:06}", "Somebody") for number in range(voters)])
        codes: list[str] = []
        while issued := await issue_codes(session, roll.id):
            codes += [code for _, code in issued]
        return roll.id, codes

    roll_id, codes = await db.write(make_roll)
    vote = await locked_vote(db, folder, names, roll_id=roll_id, **changed)
    for custodian, seed in vote.seeds.items():
        proof = prove(seed, vote.poll.id, vote.keys.copies(vote.poll.id, custodian))
        await db.write(lambda s, c=custodian, p=proof: accept_proof(s, vote.keys, vote.poll.id, c, p))  # type: ignore[misc]

    async def begin(session: AsyncSession) -> None:
        vote.poll = await start(session, vote.keys, vote.poll.id, await roll_lines(session, roll_id))  # type: ignore[arg-type]

    await db.write(begin)
    return vote, codes


def settings(url: str, owner_url: str, folder: Path) -> dict[str, str]:
    """Say to `khma serve` where a vote of `hold_vote` lies."""
    owner = "" if url.startswith("sqlite") else owner_url
    places = {"KHMA_DATA": str(folder), "KHMA_KEYS": str(folder / "keys"), "KHMA_SECRET": SECRET}
    return {"KHMA_DATABASE_URL": url, "KHMA_OWNER_DATABASE_URL": owner} | places


@dataclass
class Form:
    """One ballot, filled in.

    ranking: numbers of options, best first. after: hash of the form before it. code: nothing where a pass is held.
    """

    vote: Vote
    ranking: Sequence[int]
    code: str = ""
    after: bytes | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def hash(self) -> bytes:
        """What the next form must know as `after`."""
        return form_hash_of(self.vote.poll.id, self.key)

    def fields(self, token: str) -> dict[str, str]:
        """Write it as a browser sends it."""
        order = order_of(self.vote.poll.option_ids, self.key)
        ranks = [self.ranking.index(option) + 1 if option in self.ranking else 0 for option in order]
        filled = {f"position_{number}": f"{rank:02}" for number, rank in enumerate(ranks, start=1)}
        after = NONE_BEFORE if self.after is None else self.after.hex()
        code = {"code": shown(self.code)} if self.code else {}
        return {"_token": token, "form": self.key.hex(), "after": after} | filled | code


@dataclass(frozen=True)
class Answer:
    """What came back: the first line's number, the headers by small name (cookies by theirs), the body."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: str

    @property
    def receipt(self) -> str:
        """The receipt's code without blanks, or nothing."""
        shown_code = RECEIPT.search(self.body)
        return shown_code[1].replace(" ", "") if shown_code else ""


class Client:
    """One browser with one open connection, and its cookies."""

    def __init__(self, base: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.base, self.cookies, self.token = base, dict[str, str](), ""
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, base: str) -> Self:
        """Connect."""
        where = urlsplit(base)
        return cls(base, *await asyncio.open_connection(where.hostname, where.port))

    async def get(self, path: str) -> Answer:
        """Open a page; its form's token is kept."""
        answer = await self._ask(request_of(self.base, path, self.cookies))
        if token := TOKEN.search(answer.body):
            self.token = token[1]
        return answer

    async def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form. A redirect is not followed."""
        return await self._ask(request_of(self.base, path, self.cookies, fields))

    async def cast(self, form: Form) -> Answer:
        """Cast a ballot; the page with the form must have been opened."""
        return await self.post(f"/en/votes/{form.vote.poll.slug}", form.fields(self.token))

    async def reconnect(self) -> None:
        """Connect again, with the same cookies."""
        self._writer.close()
        where = urlsplit(self.base)
        self._reader, self._writer = await asyncio.open_connection(where.hostname, where.port)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def _ask(self, request: str) -> Answer:
        self._writer.write(request.encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        lines = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in head[1:])]
        cookies = dict(value.split(";")[0].split("=", 1) for name, value in lines if name == "set-cookie")
        self.cookies |= cookies
        headers = dict(lines)
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split(" ", 2)[1]), headers, cookies, body.decode())


def request_of(base: str, path: str, cookies: dict[str, str], fields: dict[str, str] | None = None) -> str:
    """Write a whole request as a browser would: a GET, or a POST of a form."""
    body = "" if fields is None else urlencode(fields)
    headers = {
        "Host": urlsplit(base).netloc,
        "Accept": "text/html",
        "Accept-Language": "en",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    if fields is not None:
        headers |= {"Origin": base, "Sec-Fetch-Site": "same-origin", "Content-Length": str(len(body))}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"}
    lines = [f"{'GET' if fields is None else 'POST'} {path} HTTP/1.1"]
    return "\r\n".join(lines + [f"{name}: {value}" for name, value in headers.items() if value]) + f"\r\n\r\n{body}"
