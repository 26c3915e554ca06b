"""Forms: only one from a page of ours, shown to this very browser, changes anything: bar 18."""

import re

import pytest

from tests.plumbing.house import BASE, PASSWORD, PEOPLE, Browser, Places, Town, link_in
from tests.security.test_routes import ROUTES, address

pytestmark = pytest.mark.anyio

FILLED = {
    "email": "stranger@vardisi.example", "password": "four other words together", "current": PASSWORD,
    "name": "Somebody Else", "theme": "dark", "title": "Other", "body": "Other", "name_en": "Other",
    "summary_en": "Other", "reason": "A reason", "decision": "approve", "description_en": "Other",
}  # fmt: skip
FOREIGN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "CROSS-SITE", "Origin": BASE},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "http://127.0.0.1:8000.evil.example"},
    {"Origin": "https://127.0.0.1:8000"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": ""},
)
UNSAFE = [(path, group) for (method, path), group in ROUTES.items() if method != "GET"]


async def filled_address(path: str, town: Town, places: Places) -> str:
    """Fill the address in so that the form would do something if it were let in."""
    if "{token}" not in path:
        return address(path, places)
    browser, kind = town.browser(), "sign-up" if "welcome" in path else "forgot"
    email = "new@vardisi.example" if kind == "sign-up" else PEOPLE["citizen"][1]
    await browser.send(f"/en/{kind}", {"email": email})
    return path.format(lang="en", token=link_in((await town.letters(email))[-1]))


async def refused(browser: Browser, path: str, token: str | None, **headers: str) -> str:
    """Send a form and expect that it is refused. Returns what was wrong, or nothing."""
    answer = await browser.http.post(path, data=FILLED | ({"_token": token} if token else {}), headers=headers)
    if answer.status_code != 403 or "set-cookie" in answer.headers:
        return f"{path}: {answer.status_code} for {token!r}, {headers}"
    return ""


async def test_a_form_from_elsewhere_is_refused_by_every_route(town: Town, places: Places) -> None:
    wrong = []
    own = {"Origin": town.config.origin, "Sec-Fetch-Site": "same-origin"}
    filled = [(await filled_address(path, town, places), group) for path, group in UNSAFE]
    browser, attacker, stranger = (
        await town.signed_in("second manager"),
        await town.signed_in("citizen"),
        town.browser(),
    )
    anonymous = await stranger.token("/en/sign-in")
    before = await town.rows()
    for place, group in filled:
        right, of_attacker = town.token_of(browser.cookie), town.token_of(attacker.cookie)
        tokens = (None, "", "x", right[:-1], right + "A", right.swapcase(), of_attacker, anonymous)
        wrong += [await refused(browser, place, token, **own) for token in tokens]
        wrong += [await refused(browser, place, right, **headers) for headers in FOREIGN]
        if "visitor" in group:
            # E9: the attacker's own cookie and token, put into the victim's browser and sent from their page
            injected = town.browser(stranger.cookie)
            attack = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
            wrong.append(await refused(injected, place, anonymous, **attack))
            wrong.append(await refused(town.browser(), place, anonymous, **own))  # without its cookie
            made_up = "a" + "A" * 24
            wrong.append(await refused(town.browser(made_up), place, town.token_of(made_up), **own))
    assert await town.rows() == before
    assert [each for each in wrong if each] == []


async def test_an_old_browser_that_says_nothing_of_its_site_may_send_forms(town: Town) -> None:
    browser = await town.signed_in("citizen")
    data = {"_token": town.token_of(browser.cookie), "name": "Nino B."}
    assert (await browser.http.post("/en/me/name", data=data)).status_code == 303
    assert "Nino B." in (await browser.get("/en/me")).text


async def test_htmx_may_send_the_token_in_a_header(town: Town) -> None:
    browser = await town.signed_in("citizen")
    headers = {"X-CSRF-Token": town.token_of(browser.cookie), "HX-Request": "true", "Sec-Fetch-Site": "same-origin"}
    answer = await browser.http.post("/en/me/name", data={"name": "Nino C."}, headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/en/me?done=saved")
    headers["X-CSRF-Token"] = "x"
    assert (await browser.http.post("/en/me/name", data={"name": "X"}, headers=headers)).status_code == 403


async def test_a_token_in_the_address_is_not_looked_at(town: Town) -> None:
    browser = await town.signed_in("citizen")
    place = f"/en/me/name?_token={town.token_of(browser.cookie)}"
    assert (await browser.http.post(place, data={"name": "X"})).status_code == 403


async def test_a_new_session_means_new_tokens(town: Town) -> None:
    browser = town.browser()
    before = await browser.token("/en/sign-in")
    await browser.sign_in(PEOPLE["citizen"][1])
    answer = await browser.http.post("/en/me/name", data={"_token": before, "name": "X"})
    assert answer.status_code == 403
    assert before != await browser.token("/en/me")


async def test_the_token_tells_nothing_of_the_cookie(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    page = (await browser.get("/en/me")).text
    assert browser.cookie[1:] not in page
    assert len(await browser.token("/en/me")) == 43  # 256 bits


async def test_following_every_link_changes_no_row(one_town: Town) -> None:
    town, places = one_town, await one_town.furnish()  # every route and role, on both databases: test_roles
    browser = await town.signed_in("manager")
    before = await town.rows()
    seen: set[str] = set()
    todo = {address(path, places) for method, path in ROUTES if method == "GET"}
    while todo - seen:
        path = min(todo - seen)
        seen.add(path)
        answer = await browser.get(path)
        assert answer.status_code < 500, path
        await browser.http.head(path)
        if answer.headers.get("content-type", "").startswith("text/html"):
            found = re.findall(r'(?:href|src|hx-get)="(/[^"#]*)', answer.text)
            todo |= {each.replace("&amp;", "&") for each in found if not each.startswith(("/fr", "/ka", "/ar"))}
    assert len(seen) > 40
    assert await town.rows() == before


async def test_opening_a_link_from_a_letter_changes_no_row(town: Town) -> None:
    await town.browser().send("/en/sign-up", {"email": "new@vardisi.example"})
    await town.browser().send("/en/forgot", {"email": PEOPLE["citizen"][1]})
    (welcome,), (reset,) = await town.letters("new@vardisi.example"), await town.letters(PEOPLE["citizen"][1])
    before = await town.rows()
    for place in (f"/en/welcome/{link_in(welcome)}", f"/en/reset/{link_in(reset)}"):
        for _ in range(3):
            browser = town.browser()
            assert (await browser.get(place)).status_code == 200
            await browser.http.head(place)
    assert await town.rows() == before
