"""The demonstration checks itself: the main journey by HTTP, as a browser without scripts would make it."""

import html
import http.cookiejar
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from app.accounts.factors.codes import STEP_SECONDS, app_code
from app.accounts.factors.store import FIELD
from app.config import LANGUAGES
from results.verify import verify

WAIT_SECONDS = 20
SHEET = """\
=A:[Evening hours]
=B:[Birth certificate by post]
=C:[Home visits]
7:A>B>C
5:B>C
4:C>A=B
2:
"""
MULTIPART = "khma-walk-7f3a"


class Broken(Exception):
    """A step of the walk did not go as it must; says which, what was expected and what came."""


class Browser:
    """A small browser: cookies, redirects, forms; no scripts."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({})
        )

    def open(self, path: str, fields: dict[str, str] | None = None, *, files: bool = False) -> tuple[int, str, bytes]:
        """Open an address, or send a form to it. Returns status, final address and body."""
        request = urllib.request.Request(urllib.parse.urljoin(self.base, path))  # noqa: S310 - always http
        if fields is not None and files:
            request.data = _multipart(fields)
            request.add_header("Content-Type", f"multipart/form-data; boundary={MULTIPART}")
        elif fields is not None:
            request.data = urllib.parse.urlencode(fields).encode()
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, answer.url, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.url or path, refused.read()

    def token(self, path: str) -> str:
        """Open a page with a form and read the form's token."""
        _, _, body = self.open(path)
        found = re.search(r'name="_token" value="([^"]+)"', body.decode())
        if found is None:
            raise Broken(f"{path}: a form with a token was expected")
        return found[1]


def _multipart(fields: dict[str, str]) -> bytes:
    """Write a form with one file, `sheet`, whose name is the field `sheet_filename`."""
    name = fields.get("sheet_filename", "")
    parts = []
    for key, value in fields.items():
        if key == "sheet_filename":
            continue
        extra = f'; filename="{name}"\r\nContent-Type: text/plain' if key == "sheet" else ""
        parts.append(f'--{MULTIPART}\r\nContent-Disposition: form-data; name="{key}"{extra}\r\n\r\n{value}\r\n')
    return ("".join(parts) + f"--{MULTIPART}--\r\n").encode()


def expect(step: str, expected: object, found: object) -> None:
    """Hold a step against what must come of it. Raises Broken."""
    if expected != found:
        raise Broken(f"{step}: expected {expected!r}, found {found!r}")


def walk(base: str, manager: dict[str, str]) -> Iterator[str]:
    """Walk the main journey. Yields a sentence after each step. Raises Broken at the first that did not go well."""
    citizen = Browser(base)
    for language in LANGUAGES:
        status, _, body = citizen.open(f"/{language}")
        expect(f"front page in {language}", (200, True), (status, f'<html lang="{language}"'.encode() in body))
    yield "the front page speaks four languages"

    status, _, body = citizen.open("/en/results/debian-project-leader-2007")
    said = html.unescape(body.decode())
    expect("published result", (200, True, True), (status, "Sam Hocevar" in said, "211" in said and "203" in said))
    yield "a real vote is published and explained"
    recount(citizen, "debian-project-leader-2007")
    yield "a stranger recounts it from its files, and checks the ledger's signature"

    worker = Browser(base)
    token = worker.token("/en/sign-in")
    status, place, _ = worker.open(
        "/en/sign-in", {"_token": token, "email": manager["email"], "password": manager["password"], "next": ""}
    )
    expect("signing in with a password alone", "/en/sign-in/code", urllib.parse.urlsplit(place).path)
    # The code of this half minute may have set the factor up, when the town was built; the next one is taken already.
    code = app_code(manager["factor"], int(time.time()) // STEP_SECONDS + 1)
    status, place, _ = worker.open("/en/sign-in/code", {"_token": token, FIELD: code, "next": ""})
    expect("signing in as manager", (200, "/en/manage"), (status, urllib.parse.urlsplit(place).path))
    yield "a manager signs in, with a password and a code"

    token = worker.token("/en/manage/results/new")
    title = f"Check of {time.strftime('%H:%M:%S')}"
    form = {
        "_token": token,
        "rule": "schulze",
        "title_en": title,
        "source_name": "Khma's own check",
        "source_url": "https://example.org/check",
        "held_on": "2026-01-31",
        "ballots_public": "yes",
        "sheet": SHEET.replace("7:A", "seven:A"),
        "sheet_filename": "check.abif",
    }
    status, _, body = worker.open("/en/manage/results/new", form, files=True)
    said = html.unescape(body.decode())
    expect("a broken file", (422, True, True), (status, "line 4" in said.lower(), f'value="{title}"' in said))
    yield "a broken file is refused by its line, and nothing typed is lost"

    status, place, body = worker.open("/en/manage/results/new", form | {"sheet": SHEET}, files=True)
    path = urllib.parse.urlsplit(place).path
    expect("publishing", (200, True), (status, path.startswith("/en/results/")))
    recount(citizen, path.rpartition("/")[2])
    yield "a vote is brought in, published, signed into the ledger and recounted"

    token = worker.token("/en/me")
    worker.open("/en/sign-out", {"_token": token})
    status, place, _ = worker.open("/en/manage")
    expect("signing out", "/en/sign-in", urllib.parse.urlsplit(place).path)
    yield "the manager signs out"


def recount(browser: Browser, slug: str) -> None:
    """Fetch a result's files, its proof in the ledger included, and verify them without us."""
    until = time.monotonic() + WAIT_SECONDS
    while (proof := browser.open(f"/archive/{slug}/ledger.json"))[0] != 200:
        if time.monotonic() > until:
            raise Broken(f"{slug}: its line was not in the ledger within {WAIT_SECONDS} seconds")
        time.sleep(0.2)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ledger.json").write_bytes(proof[2])
        _, _, sums = browser.open(f"/archive/{slug}/SHA256SUMS")
        names = [line.split()[1] for line in sums.decode().splitlines()]
        for name in ["SHA256SUMS", *names]:
            status, _, data = browser.open(f"/archive/{slug}/{name}")
            expect(f"file {name}", 200, status)
            (Path(folder) / name).write_bytes(data)
        _, _, page = browser.open(f"/en/results/{slug}")
        key = re.search(r"--key ([^\s<]+)", html.unescape(page.decode()))
        expect(f"the ledger's key on the page of {slug}", True, key is not None)
        expect(f"recount of {slug}", [], list(verify(Path(folder), key[1] if key else "")))
