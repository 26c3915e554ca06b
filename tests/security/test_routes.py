"""Who may use which address, written down here a second time, by hand: bar 17 of the security notes."""

from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from app import security
from app.main import create_app
from app.security import MAY, Role, may
from tests.plumbing.house import Browser, Places, Town

pytestmark = pytest.mark.anyio

ANYBODY, SIGNED_IN, MANAGERS = "anybody", "signed in", "managers"
ROUTES = {
    ("GET", "/"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    ("GET", "/static/{version}/{name}"): ANYBODY,
    ("GET", "/pictures/{picture_id}"): ANYBODY,
    ("GET", "/archive/{slug}/{name}"): ANYBODY,
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
    ("POST", "/{lang}/votes/{slug}/done"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/receipt"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/receipt"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/receipt/check"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/my-line"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/my-line"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/my-line/file"): ANYBODY,
    ("GET", "/{lang}/votes/{slug}/eligible"): ANYBODY,
    ("POST", "/{lang}/votes/{slug}/eligible"): ANYBODY,
    ("GET", "/{lang}/sign-up"): ANYBODY,
    ("POST", "/{lang}/sign-up"): ANYBODY,
    ("GET", "/{lang}/letter-sent"): ANYBODY,
    ("GET", "/{lang}/welcome/{token}"): ANYBODY,
    ("POST", "/{lang}/welcome/{token}"): ANYBODY,
    ("GET", "/{lang}/sign-in"): ANYBODY,
    ("POST", "/{lang}/sign-in"): ANYBODY,
    ("GET", "/{lang}/forgot"): ANYBODY,
    ("POST", "/{lang}/forgot"): ANYBODY,
    ("GET", "/{lang}/reset/{token}"): ANYBODY,
    ("POST", "/{lang}/reset/{token}"): ANYBODY,
    ("POST", "/{lang}/sign-out"): SIGNED_IN,
    ("GET", "/{lang}/me"): SIGNED_IN,
    ("POST", "/{lang}/me/name"): SIGNED_IN,
    ("POST", "/{lang}/me/password"): SIGNED_IN,
    ("POST", "/{lang}/me/sign-out-everywhere"): SIGNED_IN,
    ("GET", "/{lang}/manage"): MANAGERS,
    ("GET", "/{lang}/manage/letters"): MANAGERS,
    ("GET", "/{lang}/manage/pages/{key}"): MANAGERS,
    ("POST", "/{lang}/manage/pages/{key}"): MANAGERS,
    ("GET", "/{lang}/manage/new-service"): MANAGERS,
    ("POST", "/{lang}/manage/new-service"): MANAGERS,
    ("GET", "/{lang}/manage/services/{slug}"): MANAGERS,
    ("POST", "/{lang}/manage/services/{slug}"): MANAGERS,
    ("POST", "/{lang}/manage/services/{slug}/picture"): MANAGERS,
    ("POST", "/{lang}/manage/services/{slug}/hide"): MANAGERS,
    ("POST", "/{lang}/manage/services/{slug}/show-again"): MANAGERS,
    ("GET", "/{lang}/manage/results/new"): MANAGERS,
    ("POST", "/{lang}/manage/results/new"): MANAGERS,
    ("POST", "/{lang}/manage/results/{slug}/withdraw"): MANAGERS,
    ("GET", "/{lang}/manage/votes"): MANAGERS,
    ("GET", "/{lang}/manage/votes/new"): MANAGERS,
    ("POST", "/{lang}/manage/votes/new"): MANAGERS,
    ("GET", "/{lang}/manage/votes/{slug}"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}"): MANAGERS,
    ("GET", "/{lang}/manage/votes/{slug}/amend"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/amend"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/lock"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/open"): MANAGERS,
    ("POST", "/{lang}/manage/votes/{slug}/repeat"): MANAGERS,
    ("POST", "/{lang}/manage/amendments/{amendment_id}"): MANAGERS,
    ("POST", "/{lang}/manage/withdrawals/{approval_id}"): MANAGERS,
    ("GET", "/{lang}/manage/rolls"): MANAGERS,
    ("GET", "/{lang}/manage/rolls/new"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/new"): MANAGERS,
    ("GET", "/{lang}/manage/rolls/{roll_id}"): MANAGERS,
    ("GET", "/{lang}/manage/rolls/{roll_id}/add"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/add"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/lines/{line_id}"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/slips"): MANAGERS,
    ("POST", "/{lang}/manage/rolls/{roll_id}/void"): MANAGERS,
}
ADMITTED: dict[str, set[str | None]] = {
    ANYBODY: {None, "citizen", "manager", "admin"},
    SIGNED_IN: {"citizen", "manager", "admin"},
    MANAGERS: {"manager", "admin"},
}
NOT_FOR_YOU = "Your account may not use this page."


def address(path: str, places: Places) -> str:
    """Fill a route's address in with things that are there."""
    slugs = {"services": places.service, "votes": places.vote}
    names = {"static": "khma.css", "votes": "card.json"}
    filled = {
        "lang": "en",
        "version": "0",
        "name": next((name for part, name in names.items() if f"/{part}/" in path), "SHA256SUMS"),
        "picture_id": "00000000-0000-4000-8000-000000000000",
        "approval_id": str(places.approval),
        "roll_id": str(places.roll),
        "line_id": str(places.line),
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
    if answer.status_code == 303 and answer.headers["location"].startswith("/en/sign-in?next="):
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
    assert not may("manage.home", Role.ADMIN)


@pytest.mark.parametrize("person", [None, "citizen", "manager", "admin"])
async def test_every_route_admits_whom_it_should(town: Town, places: Places, person: str | None) -> None:
    wrong = []
    for (method, path), group in ROUTES.items():
        browser = await town.signed_in(person) if person else town.browser()
        place = address(path, places)
        answer = await (browser.get(place) if method == "GET" else browser.send(place))
        sent_to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/en/sign-in")
        admitted = let_in(answer) and not (sent_to_sign_in and group != ANYBODY)
        if admitted != (person in ADMITTED[group]):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


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
