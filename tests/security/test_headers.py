"""What is said with every answer, errors and addresses that lead nowhere included: bars 31 and 33."""

import pytest

from app import main
from app.accounts.limits import LETTER_TO_ADDRESS
from tests.plumbing.house import BASE, Browser, Places, Town
from tests.security.test_routes import ROUTES, address

pytestmark = pytest.mark.anyio

POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def missing(answer_headers: dict[str, str]) -> set[str]:
    """Name what an answer lacks."""
    wrong = {name for name, value in ALWAYS.items() if answer_headers.get(name) != value}
    csp = answer_headers.get("content-security-policy", "")
    if set(csp.split("; ")) != POLICY and csp != "sandbox":
        wrong.add("content-security-policy")
    if "camera=()" not in answer_headers.get("permissions-policy", ""):
        wrong.add("permissions-policy")
    wrong |= {name for name in ("server", "x-powered-by", "access-control-allow-origin") if name in answer_headers}
    wrong |= {name for name in ("cache-control", "vary") if not answer_headers.get(name)}
    return wrong


async def every_answer(town: Town, browser: Browser, places: Places) -> dict[str, tuple[int, dict[str, str]]]:
    """Ask in every way that gives another status, and keep the headers."""
    answers = {f"GET {path}": await browser.get(address(path, places)) for method, path in ROUTES if method == "GET"}
    answers["unrouted"] = await browser.get("/en/nowhere")
    answers["unrouted, no language"] = await browser.get("/no/where")
    answers["unrouted POST"] = await browser.http.post("/en/nowhere")
    answers["405"] = await browser.http.put("/en")
    answers["403"] = await browser.http.post("/en/settings", data={"_token": "x"})
    answers["413"] = await browser.http.post("/en/settings", content=b"x=" + b"y" * 1_100_000, headers=FORM)
    answers["415"] = await browser.http.post("/en/settings", json={})
    answers["400"] = await browser.http.post("/en/settings", content=b"--x", headers=BROKEN)
    answers["422"] = await browser.send("/en/sign-up", {"email": "nobody"})
    answers["303"] = await browser.send("/en/settings", {"theme": "dark"})
    answers["OPTIONS"] = await browser.http.options("/en")
    return {name: (answer.status_code, dict(answer.headers)) for name, answer in answers.items()}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BROKEN = {"Content-Type": "multipart/form-data"}


@pytest.mark.parametrize("person", [None, "manager"])
async def test_every_answer_says_what_it_must(town: Town, places: Places, person: str | None) -> None:
    browser = await town.signed_in(person) if person else town.browser()
    answers = await every_answer(town, browser, places)
    for name in ("413", "415", "400", "405", "403", "422", "303"):
        assert answers[name][0] == int(name)
    assert {name: missing(headers) for name, (_, headers) in answers.items() if missing(headers)} == {}
    assert not [name for name, (_, headers) in answers.items() if "strict-transport-security" in headers]


async def test_a_bug_says_it_too(one_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.web.ledger.newest_checkpoint", broken)
    answer = await one_town.browser().get("/en/ledger")
    assert answer.status_code == 500
    assert missing(dict(answer.headers)) == set()
    assert answer.headers["cache-control"] == "no-store"
    assert "ZeroDivisionError" not in answer.text
    assert "The fault is ours" in answer.text


async def test_a_wait_says_it_too(one_town: Town) -> None:
    browser = one_town.browser()
    for _ in range(LETTER_TO_ADDRESS.free + 1):
        answer = await browser.send("/en/forgot", {"email": "nobody@vardisi.example"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert missing(dict(answer.headers)) == set()


async def test_no_policy_allows_anything_unsafe_or_foreign() -> None:
    assert set(main.CSP.split("; ")) == POLICY
    assert "unsafe" not in main.CSP
    assert "//" not in main.CSP


async def test_every_answer_behind_https_asks_for_https_next_time(secure_town: Town) -> None:
    browser = secure_town.browser()
    for path in ("/", "/en", "/en/nowhere", "/healthz", "/static/0/khma.css", "/en/manage"):
        answer = await browser.get(path)
        age = int(answer.headers["strict-transport-security"].partition("=")[2].partition(";")[0])
        assert age >= 365 * 24 * 3600


async def test_what_somebody_signed_in_sees_is_kept_by_nobody(town: Town, places: Places) -> None:
    browser, stranger = await town.signed_in("manager"), town.browser()
    kept = []
    for method, path in ROUTES:
        if method == "GET" and path.startswith("/{lang}"):
            answer = await browser.get(address(path, places))
            if answer.headers["cache-control"] != "no-store":
                kept.append(path)
    assert kept == []
    assert (await stranger.get("/en/nowhere")).headers["cache-control"] == "no-store"
    assert (await stranger.get("/en/sign-in")).headers["cache-control"] == "no-store"  # its token is one browser's
    assert (await stranger.get("/en/results")).headers["cache-control"] == "no-store"  # it has a cookie by now
    assert (await town.browser().get("/en/results")).headers["cache-control"] == "no-cache"


async def test_static_files_are_kept_for_ever_by_everybody(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    page = (await browser.get("/en")).text
    address_of_sheet = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    for each in (browser, one_town.browser()):
        answer = await each.get(address_of_sheet)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "set-cookie" not in answer.headers
    old = await one_town.browser().get("/static/old/khma.css")
    assert old.headers["cache-control"] == "no-cache"


async def test_a_page_differs_by_what_vary_names(one_town: Town) -> None:
    vary = {word.strip() for word in (await one_town.browser().get("/en/results")).headers["vary"].split(",")}
    assert {"Accept-Language", "Cookie", "HX-Request", "HX-Request-Type", "HX-History-Restore-Request"} <= vary


async def test_no_page_names_another_origin_to_load_from(town: Town, places: Places) -> None:
    browser = await town.signed_in("manager")
    for method, path in ROUTES:
        answer = await browser.get(address(path, places)) if method == "GET" else None
        if answer is not None and answer.headers["content-type"].startswith("text/html"):
            for start in (
                'src="http',
                'src="//',
                '<link rel="stylesheet" href="http',
                "<style",
                " style=",
                " onclick=",
            ):
                assert start not in answer.text.replace(BASE, ""), path


async def test_signing_out_clears_what_the_browser_kept(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    assert (await browser.send("/en/sign-out")).headers["clear-site-data"] == '"cache"'
