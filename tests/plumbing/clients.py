"""Small browsers that speak HTTP and do nothing else, of the standard library alone.

They send what a browser sends, byte for byte, over a connection that stays open, and read no more than they must: so
many of them cost little beside the server that is tried, and a program of a few of them starts at once.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode, urlsplit

TOKEN = re.compile(r'name="_token" value="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
POSITION = re.compile(r'<label for="f-(position_\d+)">([^<]*)</label>')
RECEIPT = re.compile(r'<p class="receipt-code" dir="ltr"><code>([0-9a-f ]+)</code>')


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

    async def send_and_leave(self, path: str, fields: dict[str, str]) -> None:
        """Send a form, and lose the connection before the answer comes."""
        self._writer.write(request_of(self.base, path, self.cookies, fields).encode())
        await self._writer.drain()
        await self.reconnect()

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
