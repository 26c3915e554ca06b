"""Every answer is what its type says, in the letters its type says; and what each page must have is on each."""

import json
import re
from datetime import date
from xml.etree import ElementTree

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import ROOT
from app.web.static import kept_files
from commons.media.store import add_picture
from commons.organisations.store import get_host
from commons.services.store import get_service
from results.publication import prepare_import, publish
from tests.plumbing.house import SHEET, Browser, Places, Town
from tests.security.test_ownership import png
from tests.security.test_routes import ROUTES, address

pytestmark = pytest.mark.anyio

LOOKS = [path for method, path in ROUTES if method == "GET"]
WRITTEN = {"text/html", "text/plain", "text/css", "text/csv", "text/javascript", "image/svg+xml"}  # need a charset
BEGINS = {
    "application/zip": b"PK\x03\x04",
    "image/png": b"\x89PNG",
    "font/woff2": b"wOF2",
    "image/webp": b"RIFF",
}
OUR_NAME = re.compile(r'attachment; filename="[a-z0-9.-]+"')
OLD_TECHNIQUES = re.compile(
    r"<(?:applet|object|embed|frame|frameset|marquee|portal|keygen)\b|ActiveX|document\.write", re.I
)
HOSTILE = 'x"; filename="evil.html\r\nX-Split: 1 ../../etc/passwd\u202egnp.exe <b>'


def fault_of(kind: str, body: bytes) -> str:
    """Name what does not fit between a Content-Type and a body; nothing where all does."""
    media, _, rest = kind.partition(";")
    if media in WRITTEN and rest.strip() != "charset=utf-8":
        return f"no charset in {kind!r}"
    try:
        return "" if not body or _fits(media, body) else f"no {media}"
    except (ValueError, ElementTree.ParseError) as broken:
        return f"{media}: {type(broken).__name__}"


def _fits(media: str, body: bytes) -> bool:
    """Tell whether a body is of a type; one that nobody knows, none is. Raises ValueError, ParseError."""
    text = body.decode("utf-8") if media in WRITTEN or media == "application/json" else ""
    if media == "application/json":
        return isinstance(json.loads(text), dict | list)
    if media == "image/svg+xml":
        return ElementTree.fromstring(text).tag.endswith("svg")
    if media in WRITTEN:
        return (media == "text/html") == text.lstrip().lower().startswith("<!doctype html")
    return media in BEGINS and body.startswith(BEGINS[media])


async def furnished(town: Town) -> tuple[Places, str]:
    """Put one of each thing into a town, with a picture. Returns the picture's address too."""
    places = await town.furnish()

    async def work(session: AsyncSession) -> str:
        host = await get_host(session)
        picture = await add_picture(session, host.id, png(), {"en": "A hall."})
        service = await get_service(session, host.id, places.service)
        service.picture = picture.id
        session.add(service)
        return f"/pictures/{picture.id}"

    return places, await town.house.db.write(work)


async def test_every_answer_is_of_its_type_and_says_its_letters(one_town: Town) -> None:
    """On the way each page of a manager is looked at for the button that signs out: it costs a second to ask again."""
    places, picture = await furnished(one_town)
    browser = await one_town.signed_in("manager")
    archive = (await browser.get(f"/archive/{places.result}/SHA256SUMS")).text
    files = [line.split()[-1] for line in archive.splitlines()] + [f"{places.result}.zip"]
    addresses = [
        *(address(path, places) for path in LOOKS),
        *(f"/archive/{places.result}/{name}" for name in files),
        *(f"/static/0/{name}" for name in kept_files()),
        *("/en/nowhere", "/no/where", "/en/votes/none", "/archive/none/a.json", picture),
    ]
    routed = {address(path, places) for path in LOOKS}
    wrong, kinds = {}, set()
    for place in addresses:
        answer = await browser.get(place)
        kind = answer.headers["content-type"]
        kinds.add(kind.partition(";")[0])
        if fault := fault_of(kind, answer.content):
            wrong[place] = fault
        if place in routed and is_page(answer) and not can_sign_out(answer.text):
            wrong[place] = "no way out"
    data = await browser.send("/en/me/data", page="/en/me")
    wrong |= {"my data": fault} if (fault := fault_of(data.headers["content-type"], data.content)) else {}
    assert wrong == {}
    assert kinds == WRITTEN | {"application/json", "application/zip", "font/woff2", "image/webp"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<!DOCTYPE html>"),
        ("text/plain; charset=utf-8", b"<!doctype html>"),
        ("text/html; charset=utf-8", b'{"a": 1}'),
        ("text/html; charset=utf-8", b"<!doctype html>\xff"),
        ("application/json", b"<html>"),
        ("image/svg+xml; charset=utf-8", b"<html></html>"),
        ("image/png", b"GIF89a"),
        ("application/octet-stream", b"x"),
    ],
)
def test_an_answer_of_another_type_would_be_found(kind: str, body: bytes) -> None:
    assert fault_of(kind, body)


@pytest.mark.parametrize("person", ["citizen", "admin"])
async def test_signing_out_is_in_sight_on_every_page(one_town: Town, person: str) -> None:
    places, browser, pages, without = await one_town.furnish(), await one_town.signed_in(person), 0, []
    for path in LOOKS:  # an address that leads nowhere asks nobody who they are
        answer = await browser.get(address(path, places))
        if is_page(answer):
            pages += 1
            without += [] if can_sign_out(answer.text) else [path]
    assert without == []
    assert pages > 30
    assert not can_sign_out((await one_town.browser().get("/en")).text)


def is_page(answer: httpx.Response) -> bool:
    return answer.headers["content-type"].startswith("text/html") and answer.status_code != 303


def can_sign_out(page: str) -> bool:
    """Tell whether a page's head has the button twice: in the menu, and in the one that small screens unfold."""
    head = page.partition("<header>")[2].partition("</header>")[0]
    return len(re.findall(r'<form method="post" action="/en/sign-out"><input[^>]*><button[^>]*>Sign out<', head)) == 2


async def test_no_name_that_somebody_gave_becomes_the_name_of_a_file(one_town: Town) -> None:
    async def work(session: AsyncSession) -> str:
        host = await get_host(session)
        given = {"titles": {"en": " ".join(HOSTILE.split())}, "source_name": "V", "source_url": "https://example.org"}
        day = date(2026, 1, 31)
        prepared = prepare_import(
            **given, held_on=day, rule="schulze", ballots_public=True, data=SHEET, filename="x.abif", today=day
        )
        return (await publish(session, host.id, prepared)).slug

    slug = await one_town.house.db.write(work)
    assert re.fullmatch(r"[a-z0-9-]+", slug)
    browser = await one_town.signed_in("citizen")
    await browser.send("/en/me/name", {"name": HOSTILE.partition("\r")[0]}, page="/en/me")
    answers = [
        await browser.get(f"/archive/{slug}/{slug}.zip"),
        await browser.get(f"/archive/{slug}/SHA256SUMS"),
        await browser.send("/en/me/data", page="/en/me"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "x-split" not in answer.headers
        given = answer.headers.get("content-disposition", 'attachment; filename="a"')
        assert OUR_NAME.fullmatch(given), given
    said = [line for path in (ROOT / "app").rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    named = [
        line.strip() for line in said if "Content-Disposition" in line and "request" not in line and "parts" not in line
    ]
    assert named
    assert [line for line in named if 'filename="{FILE}"' not in line] == []  # a constant of the module


async def test_no_folder_of_source_control_and_no_file_beside_the_static_ones_is_served(one_town: Town) -> None:
    browser: Browser = one_town.browser()
    for folder in ("", "/en", "/static/0", "/static/0/..", "/archive"):
        for name in (
            ".git/config",
            ".gitignore",
            ".svn/entries",
            ".env",
            "%2e%2e/app/config.py",
            "..%2f..%2fREADME.md",
        ):
            answer = await browser.http.get(f"http://127.0.0.1:8000{folder}/{name}", follow_redirects=True)
            assert answer.status_code in {400, 404}, (folder, name)
    for name in ("make.py", "README.md", "%2e%2e/config.py", "fonts/../make.py", "fonts"):
        assert (await browser.http.get(f"http://127.0.0.1:8000/static/0/{name}")).status_code == 404, name
    assert not [name for name in kept_files() if any(part.startswith(".") for part in name.split("/"))]


def test_only_techniques_that_browsers_keep_are_used() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "app" / "static").glob("*.js")]
    assert len(files) > 50
    assert [path.name for path in files if OLD_TECHNIQUES.search(path.read_text("utf-8"))] == []
    for planted in ("<object data=a>", "<applet>", "<EMBED src=a>", "new ActiveXObject('x')"):
        assert OLD_TECHNIQUES.search(planted)
