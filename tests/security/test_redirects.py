"""Nobody is led away: not by a wish in an address, not by a Host header, not by a strange path: bar 24."""

import re
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest

from app.letters.sending import compose
from tests.plumbing.house import BASE, PEOPLE, Town
from tests.plumbing.server import running_server

pytestmark = pytest.mark.anyio

EMAIL = PEOPLE["citizen"][1]
WISHES = [
    "https://evil.example", "http://evil.example/en", "//evil.example", "///evil.example", "////evil.example/en",
    "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/en\\..\\..\\evil", "/%2f%2fevil.example",
    "/%5cevil.example", "/en/../..//evil.example", "/./..//evil.example", "/en/..//evil.example", "javascript:alert(1)",
    "data:text/html,x", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "//[", "https://[",
    "//evil.example\\@127.0.0.1:8000/en", "http://127.0.0.1:8000@evil.example/", "/en\r\nSet-Cookie: khma=x",
    "https:evil.example", "evil.example", "/xx", "", "/en@evil.example", "/ენ", "//evil。example",
]  # fmt: skip
HOSTS = [
    "evil.example", "evil.example:8000", "127.0.0.1:8000.evil.example", "127.0.0.1:8000@evil.example", "", "evil",
    "evil.example/en", "evil.example?x=", "evil.example#", "127.0.0.1:9999", "[::1]", "evil.example\\", "evil example",
    "127.0.0.1:8000, evil.example", "EVIL.EXAMPLE",
]  # fmt: skip
PATHS = [
    "//evil.example", "///evil.example/", "/\\evil.example", "/%2f%2fevil.example", "/%5cevil.example",
    "//evil.example/%2e%2e", "/.//evil.example", "/..//evil.example", "/%09//evil.example", "/https://evil.example",
    "/%0d%0aSet-Cookie:%20khma=x",
    "/%0aLocation:%20https://evil.example", "/ხმა", "/%00", "/%ff%fe", "/@evil.example", "/;//evil.example",
]  # fmt: skip


def leads_home(place: str, origin: str = BASE) -> bool:
    """Tell whether a browser that follows a Location stays; browsers read a backslash as a slash, and drop tabs."""
    assert re.fullmatch(r"[!-~]*", place), f"{place!r} is no plain address"
    parts = urlsplit(urljoin(f"{origin}/en/x", place.replace("\\", "/")))
    return f"{parts.scheme}://{parts.netloc}" == origin and place.startswith("/") and place[1:2] not in {"/", "\\"}


def test_the_measure_knows_a_foreign_place() -> None:
    assert not leads_home("https://evil.example")
    assert not leads_home("//evil.example")
    assert not leads_home("/\\evil.example")
    assert leads_home("/en/results?page=2")


@pytest.mark.parametrize("wish", WISHES)
async def test_a_wish_leads_to_a_page_of_ours(one_town: Town, wish: str) -> None:
    signing_in = await one_town.browser().sign_in(EMAIL, next=wish)
    choosing = await one_town.browser().send("/en/settings", {"back": wish})
    for answer in (signing_in, choosing):
        assert answer.status_code == 303
        assert leads_home(answer.headers["location"])
        assert "khma=x" not in answer.headers.get("set-cookie", "")
    shown = await one_town.browser().get(f"/en/settings?back={quote(wish)}")
    back = re.search(r'name="back" value="([^"]*)"', shown.text)
    assert shown.status_code == 200
    assert back is not None
    assert leads_home(back[1])
    piece = await one_town.browser().send("/en/settings", {"back": wish}, headers={"HX-Request": "true"})
    assert leads_home(piece.headers["hx-redirect"])


async def test_a_wish_for_a_page_of_ours_is_granted(one_town: Town) -> None:
    answer = await one_town.browser().sign_in(EMAIL, next="/ka/results?page=2")
    assert answer.headers["location"] == "/ka/results?page=2"
    answer = await one_town.browser().send("/en/settings", {"back": "/en/results?page=2", "lang": "ka"})
    assert answer.headers["location"] == "/ka/results?page=2"


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_without_a_language_stays_here(one_town: Town, path: str) -> None:
    answer = await one_town.browser().http.get(f"{BASE}{path}")
    assert answer.status_code in {303, 404}
    if answer.status_code == 303:
        assert leads_home(answer.headers["location"])
        assert answer.headers["location"].startswith("/en/")


async def test_a_strange_path_is_told_to_sign_in_whole(one_town: Town) -> None:
    answer = await one_town.browser().get("/en/manage/services/a%26b%0d%0aX:%20y")
    assert answer.headers["location"] == "/en/sign-in?next=/en/manage/services/a%26b%0D%0AX%3A%20y"


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_header_appears_nowhere(one_town: Town, host: str) -> None:
    browser = one_town.browser()
    names = ("Host", "X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded")
    token, evil = await browser.token("/en/forgot"), dict.fromkeys(names, host) | {"Forwarded": f"host={host}"}
    answers = [await browser.http.get(path, headers=evil) for path in ("/", "/en", "/sign-in", "/en/manage")]
    answers.append(await browser.http.post("/en/forgot", data={"_token": token, "email": EMAIL}, headers=evil))
    assert answers[-1].status_code in {303, 400}  # 400: no such thing can be a host
    for answer in answers:
        assert leads_home(answer.headers.get("location", "/"))
        if len(host) > 4:
            assert host.lower() not in answer.text.lower()
    for letter in await one_town.letters(EMAIL):
        text = compose(letter, one_town.config, "Vardisi").get_content()
        assert re.findall(r"\w+://[^/\s]+", text) == [BASE]
    assert len(await one_town.letters(EMAIL)) == (answers[-1].status_code == 303)


def test_the_real_server_splits_no_header_and_names_itself_nowhere(sqlite_addresses: object, tmp_path: object) -> None:
    settings = {"KHMA_DATABASE_URL": sqlite_addresses.url, "KHMA_DATA": str(tmp_path)}  # type: ignore[attr-defined]
    with running_server(settings) as base:
        for path in ("/%0d%0aX-Split:%201", "/en/manage/services/%0d%0aX-Split:%201", "/%e1%83%90"):
            answer = httpx.get(base + path, trust_env=False)
            assert answer.status_code == 303
            assert "x-split" not in answer.headers
            assert "server" not in answer.headers
        head = httpx.head(f"{base}/en/sign-in", trust_env=False)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 1000
