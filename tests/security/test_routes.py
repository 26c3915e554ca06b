"""Who may use which address, written down here a second time, by hand: bar 17 of the security notes."""

import re
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from app import security
from app.main import create_app
from app.security import EVERY_ROLE, MAY, may
from tests.plumbing.house import Browser, Places, Town

pytestmark = pytest.mark.anyio

ROLES = (
    *("visitor", "citizen", "counter_agent", "print_officer", "officer"),
    *("manager", "forum_member", "auditor", "trustee", "admin"),
)
ANYBODY = frozenset(ROLES)
SIGNED_IN = ANYBODY - {"visitor"}
OFFICIALS = SIGNED_IN - {"citizen", "forum_member", "trustee"}
EDITORS = frozenset({"officer", "manager"})
MANAGERS = frozenset({"manager"})
READERS_OF_VOTES = frozenset({"manager", "auditor"})
READERS_OF_ROLLS = frozenset({"manager", "print_officer", "auditor"})
PRINTERS = frozenset({"manager", "print_officer"})
READERS_OF_PRINTS = frozenset({"manager", "print_officer", "auditor", "admin"})
RELEASERS = frozenset({"manager", "print_officer", "admin"})
READERS_OF_LETTERS = frozenset({"manager", "auditor", "admin"})
AGENTS = frozenset({"counter_agent"})
AT_THE_COUNTER = frozenset({"counter_agent", "manager"})
ADMINS = frozenset({"admin"})
READERS_OF_PEOPLE = frozenset({"admin", "auditor"})
SECONDS = frozenset({"admin", "manager"})
ROUTES = {
    ("GET", "/"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    ("GET", "/static/{version}/{name}"): ANYBODY,
    ("GET", "/pictures/{picture_id}"): ANYBODY,
    ("GET", "/archive/{slug}/{name}"): ANYBODY,
    ("GET", "/recount.py"): ANYBODY,
    ("GET", "/ledger/checkpoint"): ANYBODY,
    ("GET", "/{lang}"): ANYBODY,
    ("GET", "/{lang}/components"): ANYBODY,
    ("GET", "/{lang}/ledger"): ANYBODY,
    ("GET", "/{lang}/measures"): ANYBODY,
    ("GET", "/{lang}/pages/{key}"): ANYBODY,
    ("GET", "/{lang}/results"): ANYBODY,
    ("GET", "/{lang}/results/{slug}"): ANYBODY,
    ("GET", "/{lang}/services"): ANYBODY,
    ("GET", "/{lang}/services/{slug}"): ANYBODY,
    ("GET", "/{lang}/settings"): ANYBODY,
    ("POST", "/{lang}/settings"): ANYBODY,
    ("GET", "/{lang}/votes"): ANYBODY,
    ("GET", "/{lang}/secrecy"): ANYBODY,
    ("GET", "/votes/{slug}/{name}"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/own"): SIGNED_IN,
    ("POST", "/{lang}/votes/{slug}/done"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/receipt"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/receipt"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/receipt/check"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/my-line"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/my-line"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/my-line/file"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/eligible"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/slips"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/eligible"): ANYBODY,
    ("GET", "/{lang}/sign-up"): ANYBODY,
    ("POST", "/{lang}/sign-up"): ANYBODY,
    ("GET", "/{lang}/letter-sent"): ANYBODY,
    ("GET", "/{lang}/welcome/{token}"): ANYBODY,
    ("POST", "/{lang}/welcome/{token}"): ANYBODY,
    ("GET", "/{lang}/sign-in"): ANYBODY,
    ("POST", "/{lang}/sign-in"): ANYBODY,
    ("GET", "/{lang}/sign-in/code"): ANYBODY,
    ("POST", "/{lang}/sign-in/code"): ANYBODY,
    ("GET", "/{lang}/forgot"): ANYBODY,
    ("POST", "/{lang}/forgot"): ANYBODY,
    ("GET", "/{lang}/reset/{token}"): ANYBODY,
    ("POST", "/{lang}/reset/{token}"): ANYBODY,
    ("GET", "/{lang}/sign-in/provider"): ANYBODY,
    ("GET", "/{lang}/sign-in/back"): ANYBODY,
    ("GET", "/{lang}/sign-in/join"): ANYBODY,
    ("POST", "/{lang}/sign-in/join"): ANYBODY,
    ("POST", "/{lang}/me/provider/remove"): SIGNED_IN,
    ("POST", "/{lang}/sign-out"): SIGNED_IN,
    ("GET", "/{lang}/me"): SIGNED_IN,
    ("POST", "/{lang}/me/name"): SIGNED_IN,
    ("POST", "/{lang}/me/password"): SIGNED_IN,
    ("POST", "/{lang}/me/sign-out-everywhere"): SIGNED_IN,
    ("POST", "/{lang}/me/sign-out-one"): SIGNED_IN,
    ("GET", "/{lang}/me/prove"): SIGNED_IN,
    ("POST", "/{lang}/me/prove"): SIGNED_IN,
    ("GET", "/{lang}/me/factor"): SIGNED_IN,
    ("POST", "/{lang}/me/factor"): SIGNED_IN,
    ("POST", "/{lang}/me/factor/codes"): SIGNED_IN,
    ("POST", "/{lang}/me/factor/remove"): SIGNED_IN,
    ("POST", "/{lang}/passkey"): ANYBODY,
    ("POST", "/{lang}/sign-in/passkey"): ANYBODY,
    ("GET", "/{lang}/me/passkeys"): SIGNED_IN,
    ("POST", "/{lang}/me/passkeys"): SIGNED_IN,
    ("POST", "/{lang}/me/passkeys/add"): SIGNED_IN,
    ("POST", "/{lang}/me/passkeys/remove"): SIGNED_IN,
    ("POST", "/{lang}/me/data"): SIGNED_IN,
    ("GET", "/{lang}/me/phone"): SIGNED_IN,
    ("POST", "/{lang}/me/phone"): SIGNED_IN,
    ("POST", "/{lang}/me/phone/remove"): SIGNED_IN,
    ("POST", "/gateway/messages"): ANYBODY,  # and then only what the gateway signed
    ("GET", "/{lang}/me/address"): SIGNED_IN,
    ("POST", "/{lang}/me/address"): SIGNED_IN,
    ("GET", "/{lang}/me/address/{token}"): SIGNED_IN,
    ("POST", "/{lang}/me/address/{token}"): SIGNED_IN,
    ("GET", "/{lang}/address-undo/{token}"): ANYBODY,
    ("POST", "/{lang}/address-undo/{token}"): ANYBODY,
    ("GET", "/{lang}/me/erase"): SIGNED_IN,
    ("POST", "/{lang}/me/erase"): SIGNED_IN,
    ("GET", "/{lang}/counter"): AT_THE_COUNTER,
    ("GET", "/{lang}/counter/{slug}"): AT_THE_COUNTER,
    ("POST", "/{lang}/counter/{slug}"): AT_THE_COUNTER,
    ("GET", "/{lang}/counter/{slug}/people/{line_id}"): AT_THE_COUNTER,
    ("POST", "/{lang}/counter/{slug}/people/{line_id}/slip"): AGENTS,
    ("POST", "/{lang}/counter/{slug}/people/{line_id}/paper"): AGENTS,
    ("POST", "/{lang}/counter/{slug}/people/{line_id}/back"): AT_THE_COUNTER,
    ("POST", "/{lang}/counter/{slug}/people/{line_id}/back/decide"): AT_THE_COUNTER,
    ("POST", "/{lang}/counter/{slug}/people/{line_id}/screen"): AGENTS,
    ("GET", "/{lang}/counter/screen"): AGENTS,
    ("POST", "/{lang}/counter/screen"): AGENTS,
    ("POST", "/{lang}/counter/screen/free"): AGENTS,
    ("POST", "/{lang}/counter/screen/part"): AGENTS,
    ("GET", "/{lang}/screen"): ANYBODY,
    ("POST", "/{lang}/screen"): ANYBODY,
    ("POST", "/{lang}/screen/begin"): ANYBODY,
    ("POST", "/{lang}/screen/part"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/still"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/leave"): ANYBODY,
    ("GET", "/{lang}/manage"): OFFICIALS,
    ("GET", "/{lang}/manage/letters"): READERS_OF_LETTERS,
    ("GET", "/{lang}/manage/pages/{key}"): EDITORS,
    ("POST", "/{lang}/manage/pages/{key}"): EDITORS,
    ("GET", "/{lang}/manage/new-service"): EDITORS,
    ("POST", "/{lang}/manage/new-service"): EDITORS,
    ("GET", "/{lang}/manage/services/{slug}"): EDITORS,
    ("POST", "/{lang}/manage/services/{slug}"): EDITORS,
    ("POST", "/{lang}/manage/services/{slug}/picture"): EDITORS,
    ("POST", "/{lang}/manage/services/{slug}/hide"): EDITORS,
    ("POST", "/{lang}/manage/services/{slug}/show-again"): EDITORS,
    ("GET", "/{lang}/manage/results/new"): MANAGERS,
    ("POST", "/{lang}/manage/results/new"): MANAGERS,
    ("POST", "/{lang}/manage/results/{slug}/withdraw"): MANAGERS,
    ("GET", "/{lang}/manage/votes"): READERS_OF_VOTES,
    ("GET", "/{lang}/manage/votes/new"): MANAGERS,
    ("POST", "/{lang}/manage/votes/new"): MANAGERS,
    ("GET", "/{lang}/manage/votes/{slug}"): READERS_OF_VOTES,
    ("POST", "/{lang}/manage/votes/{slug}"): MANAGERS,
    ("GET", "/{lang}/manage/votes/{slug}/amend"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/amend"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/lock"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/agree"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/open"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/repeat"): MANAGERS,
    ("POST", "/{lang}/manage/amendments/{amendment_id}"): MANAGERS,
    ("POST", "/{lang}/manage/withdrawals/{approval_id}"): MANAGERS,
    ("GET", "/{lang}/manage/people"): READERS_OF_PEOPLE,
    ("GET", "/{lang}/manage/people/{account_id}"): READERS_OF_PEOPLE,
    ("POST", "/{lang}/manage/people/{account_id}"): ADMINS,
    ("POST", "/{lang}/manage/people/{account_id}/sign-out"): ADMINS,
    ("POST", "/{lang}/manage/roles/{approval_id}"): SECONDS,
    ("POST", "/{lang}/manage/roles/{approval_id}/take-back"): ADMINS,
    ("GET", "/{lang}/keep-factor/{token}"): ANYBODY,
    ("POST", "/{lang}/keep-factor/{token}"): ANYBODY,
    ("GET", "/{lang}/manage/security"): READERS_OF_PEOPLE,
    ("GET", "/{lang}/manage/rolls"): READERS_OF_ROLLS,
    ("GET", "/{lang}/manage/rolls/new"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/new"): MANAGERS,
    ("GET", "/{lang}/manage/rolls/{roll_id}"): READERS_OF_ROLLS,
    ("GET", "/{lang}/manage/rolls/{roll_id}/add"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/add"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/lines/{line_id}"): MANAGERS,
    ("GET", "/{lang}/manage/rolls/{roll_id}/lines/{line_id}/change"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/lines/{line_id}/change"): MANAGERS,
    ("POST", "/{lang}/manage/roll-changes/{approval_id}"): MANAGERS,
    ("GET", "/{lang}/manage/rolls/{roll_id}/imports/{import_id}"): READERS_OF_ROLLS,
    ("GET", "/{lang}/manage/rolls/{roll_id}/prints"): READERS_OF_PRINTS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/prints"): PRINTERS,
    ("POST", "/{lang}/manage/prints/{run_id}"): RELEASERS,
    ("POST", "/{lang}/manage/prints/{run_id}/slips"): PRINTERS,
    ("POST", "/{lang}/manage/prints/{run_id}/void"): PRINTERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/void"): MANAGERS,
}
NOT_FOR_YOU = "Your account may not use this page."


def address(path: str, places: Places) -> str:
    """Fill a route's address in with things that are there."""
    slugs = {"services": places.service, "votes": places.vote, "counter": places.vote}
    approvals = {"roles": places.wish, "roll-changes": places.change}
    names = {"static": "khma.css", "votes": "card.json"}
    filled = {
        "lang": "en",
        "version": "0",
        "name": next((name for part, name in names.items() if f"/{part}/" in path), "SHA256SUMS"),
        "picture_id": "00000000-0000-4000-8000-000000000000",
        "approval_id": str(next((each for part, each in approvals.items() if f"/{part}/" in path), places.approval)),
        "import_id": str(places.filling),
        "account_id": str(places.person),
        "roll_id": str(places.roll),
        "line_id": str(places.line),
        "run_id": str(places.run),
        "amendment_id": str(places.amendment),
        "slug": next((slug for part, slug in slugs.items() if f"/{part}/" in path), places.result),
        "key": "about",
        "token": "no.link",
    }
    return path.format(**filled)


def routes_of(app: Litestar) -> dict[tuple[str, str], str | None]:
    return {
        (method, route.path_format): handler.name
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in map(str, cast("Any", handler).http_methods)
        if method not in {"OPTIONS", "HEAD"}
    }


def let_in(answer: httpx.Response) -> bool:
    """Tell whether a request got past the door; anything else than a clear yes or no is a fault."""
    assert answer.status_code < 500, answer.text
    if answer.status_code == 303 and re.match("/en/sign-in($|[?]next=)", answer.headers["location"]):
        return False
    return not (answer.status_code == 403 and NOT_FOR_YOU in answer.text)


async def test_the_app_has_the_routes_written_down_here_and_no_other(one_town: Town) -> None:
    assert set(routes_of(one_town.app)) == set(ROUTES)


async def test_every_route_is_in_the_table_of_permissions_and_every_entry_has_a_route(one_town: Town) -> None:
    assert set(routes_of(one_town.app).values()) == set(MAY)


async def test_an_unlisted_route_keeps_the_app_from_starting(one_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(security.MAY, "manage.home")
    with pytest.raises(RuntimeError, match=r"manage\.home"):
        create_app(one_town.config)
    assert not may("manage.home", EVERY_ROLE)


async def test_a_stranger_is_shown_to_sign_in_and_a_citizen_is_refused(town: Town) -> None:
    stranger = await town.browser().get("/en/manage/letters")
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/en/sign-in?next=/en/manage/letters")
    citizen = await (await town.signed_in("citizen")).get("/en/manage/letters")
    assert citizen.status_code == 403
    piece = await town.browser().get("/en/manage/letters", HX_Request="true")
    assert (piece.status_code, piece.headers["hx-redirect"], piece.text) == (401, "/en/sign-in", "")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"])
async def test_a_method_that_a_route_does_not_have_is_refused(one_town: Town, method: str) -> None:
    browser = await one_town.signed_in("admin")
    for path in ("/", "/en", "/en/me", "/en/manage", "/healthz"):
        answer = await browser.http.request(method, path)
        assert answer.status_code == 405, (method, path)
        assert "GET" in answer.headers["allow"]
        assert "cannot be used in this way" in answer.text


async def test_who_looks_at_an_address_that_takes_forms_alone_is_led_to_the_page_above(
    town: Town, places: Places
) -> None:
    """A tab of before, a bookmark, the address bar: whatever a form answered with can be looked at again."""
    browser, nowhere, seen = await town.signed_in("manager"), set(), {}
    before = await town.rows()
    for method, path in ROUTES:
        if method == "POST" and ("GET", path) not in ROUTES:
            answer = await browser.get(address(path, places))
            if answer.status_code == 405:
                nowhere.add(path)
                continue
            assert answer.status_code == 303, path
            above = seen[path] = answer.headers["location"]
            assert address(path, places).startswith(f"{above}/")
            assert (await browser.get(above)).status_code in {200, 303, 403, 404}, above
            assert (await browser.http.head(address(path, places))).headers["location"] == above
    assert seen["/{lang}/sign-in/passkey"] == "/en/sign-in"
    assert seen["/{lang}/me/passkeys/add"] == "/en/me/passkeys"
    assert seen["/{lang}/manage/votes/{slug}/open"] == f"/en/manage/votes/{places.vote}"
    assert nowhere == {"/{lang}/sign-out", "/{lang}/passkey", "/gateway/messages"}  # only the first page is above
    assert await town.rows() == before


@pytest.mark.parametrize("path", ["//evil.example/sign-in/passkey", "/xx/sign-in/passkey", "/en//sign-in/passkey"])
async def test_nobody_is_led_away_by_the_page_above(one_town: Town, path: str) -> None:
    answer = await one_town.browser().http.get(f"{one_town.config.base_url}{path}")
    place = answer.headers.get("location", "/en/")
    assert (place.startswith("/en/"), answer.status_code in {303, 404, 405}) == (True, True), place


async def test_options_are_told_to_nobody(one_town: Town) -> None:
    assert (await one_town.browser().http.options("/en")).status_code == 403


async def test_a_head_tells_what_a_get_would(town: Town, places: Places) -> None:
    browser = await town.signed_in("manager")
    for method, path in ROUTES:
        if method == "GET":
            place = address(path, places)
            get, head = await browser.get(place), await browser.http.head(place)
            assert (head.status_code, head.headers.get("content-type")) == (
                get.status_code, get.headers.get("content-type"),
            ), path  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "place"),
    [
        ("/", 303, "/en"),
        ("/sign-in", 303, "/en/sign-in"),
        ("/xx/manage", 303, "/en/xx/manage"),
        ("/results/first?page=2", 303, "/en/results/first?page=2"),
        ("/en/nowhere", 404, None),
        ("/en/xx/manage", 404, None),
        ("/ka/pages/nothing", 404, None),
        ("/en/services/none", 404, None),
        ("/en/components", 404, None),  # for whoever changes the look: in a demonstration alone
        ("/archive/none/a.json", 404, None),
        ("/pictures/no-uuid", 303, "/en/pictures/no-uuid"),
        ("/static/0/none.css", 404, None),
    ],
)
async def test_unknown_addresses(one_town: Town, path: str, status: int, place: str | None) -> None:
    answer = await one_town.browser().get(path)
    assert (answer.status_code, answer.headers.get("location")) == (status, place)


async def test_a_way_to_a_language_ends_after_one_step(one_town: Town) -> None:
    browser: Browser = one_town.browser()
    answer = await browser.get("/xx/nothing/here")
    assert (await browser.get(answer.headers["location"])).status_code == 404


async def test_a_form_to_an_address_without_a_language_is_refused(one_town: Town) -> None:
    rows = await one_town.rows()
    answer = await one_town.browser().send("/xx/sign-up", {"email": "nino@vardisi.example"})
    assert answer.status_code == 404
    assert await one_town.rows() == rows
