"""Every page and every mistake, in four languages, four looks and three widths, as seen by axe, browser and keyboard.

The quick form shows each page in Arabic and in one other language, each mistake in one of the two, and every triple of
values on some page; the full one (`khma test --full`) shows all. The list of pages is held against the app's own
routes: a new page must be added to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations, groupby, product
from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute
from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

from app.config import LANGUAGES, Config
from app.i18n import translations
from app.main import create_app
from tests.accessibility.cases import ALL, CASES, NOBODY, PAGES, RESULT, Case
from tests.accessibility.keys import lost, walk
from tests.plumbing.browser import axe, overflows
from tests.plumbing.sizes import FULL
from tests.plumbing.town import RunningTown

LOOKS = ("light", "dark", "contrast", "large")
LEFT_TO_RIGHT = tuple(language for language in LANGUAGES if language != "ar")
WIDTHS = (320, 768, 1440)
HEIGHT = 900
Combination = tuple[str, str, int]


def combinations_for(place: int, *, full: bool = FULL) -> list[Combination]:
    """Choose language, look and width for the case at a place of the list: in 72 cases all triples come by."""
    if full:
        return list(product(LANGUAGES, LOOKS, WIDTHS))
    pair, is_other = divmod(place, 2)
    if is_other:
        return [(LEFT_TO_RIGHT[pair % 3], LOOKS[(pair + 2) % 4], WIDTHS[(pair + pair // 12) % 3])]
    return [("ar", LOOKS[pair % 4], WIDTHS[pair // 4 % 3])]


@dataclass
class Watch:
    """What the browser noticed while a page was open."""

    base: str
    wrong: list[str] = field(default_factory=list)
    status: int = 0

    def console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings, except that a page we wanted to be an error is one."""
        wanted = "Failed to load resource" in message.text and message.location["url"].startswith(self.base + "/")
        if message.type in {"error", "warning"} and not (wanted and "static" not in message.location["url"]):
            self.wrong.append(f"console: {message.text}")

    def script(self, error: Error) -> None:
        """Keep what a script stumbled over."""
        self.wrong.append(f"script: {error}")

    def request(self, request: Request) -> None:
        """Keep what goes to anybody else."""
        if not request.url.startswith((f"{self.base}/", "data:")):
            self.wrong.append(f"request to {request.url}")

    def response(self, response: Response) -> None:
        """Remember the status of the last page."""
        if response.request.is_navigation_request() and not 300 <= response.status < 400:
            self.status = response.status


@contextmanager
def watched(window: Page, base: str) -> Iterator[Watch]:
    """Watch a window for the time of one case, and leave nothing of it behind."""
    watch = Watch(base)
    heard = {"console": watch.console, "pageerror": watch.script, "request": watch.request, "response": watch.response}
    for event, hear in heard.items():
        window.on(event, hear)  # type: ignore[call-overload]
    try:
        yield watch
    finally:
        for event, hear in heard.items():
            window.remove_listener(event, hear)
        window.unroute_all()


@contextmanager
def shown(
    window: Page, case: Case, places: dict[str, str], town: RunningTown, who: str, combination: Combination
) -> Iterator[tuple[Page, Watch]]:
    """Open a case as somebody sees it, and bring it into its state. A look is a cookie, or the device's own wish."""
    language, look, width = combination
    base = places[case.place]
    wishes = {"light": "theme=light", "dark": "", "contrast": "theme=contrast", "large": "text=large"}[look]
    cookies: list[Any] = [{"name": "khma-look", "value": f"{wishes}.lang={language}".lstrip("."), "url": base}]
    town.forgive()  # in the full form one mistake is made sixteen times
    window.context.clear_cookies()
    window.context.add_cookies([*cookies, *([] if who == NOBODY else [town.cookie(who)])])
    window.set_viewport_size({"width": width, "height": HEIGHT})
    window.emulate_media(color_scheme="dark" if look == "dark" else "light")
    with watched(window, base) as watch:
        window.goto(f"{base}/{language}{case.path}")
        if case.act is not None:
            case.act(window, town)
            window.wait_for_load_state()
        yield window, watch


def announced(language: str, errors: int) -> str:
    """Say in a language how a title begins when answers came back."""
    return translations(language).ngettext("%(count)s error", "%(count)s errors", errors) % {"count": errors} + ": "


def faults(page: Page, case: Case, language: str) -> Iterator[str]:
    """Tell everything that is not as it must be on a page."""
    for found in axe(page):
        yield f"axe {found['rule']} ({found['impact']}): {found['help']}: {found['nodes']}"
    if overflows(page):
        yield "must be scrolled sideways"
    if (heads := page.locator("h1").count()) != 1:
        yield f"has {heads} h1"
    if not page.title().partition(" – ")[0].strip():
        yield "has no title"
    if page.title().startswith(announced(language, max(1, case.errors))) != bool(case.errors):
        yield f"title {page.title()!r} with {case.errors} errors"
    root = page.locator("html")
    seen = (root.get_attribute("lang"), root.get_attribute("dir"))
    if seen != (language, "rtl" if language == "ar" else "ltr"):
        yield f"html has {seen}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_page_holds(window: Page, places: dict[str, str], town: RunningTown, case: Case) -> None:
    wrong = []
    plan = groupby(combinations_for(CASES.index(case)), key=lambda combination: combination[:2])
    for number, ((language, look), group) in enumerate(plan):
        widths = [width for _, _, width in group]
        who = case.who[(number + CASES.index(case)) % len(case.who)]
        with shown(window, case, places, town, who, (language, look, widths[0])) as (page, watch):
            for width in widths:  # the same page in a window made wider: what is served does not depend on it
                page.set_viewport_size({"width": width, "height": HEIGHT})
                wrong += [f"{who} {language} {look} {width}: {each}" for each in faults(page, case, language)]
            if case.errors and case.mends:
                watch.wrong += lost(page)
            if number == 0 and case in PAGES:
                watch.wrong += walk(page)
            if watch.status != case.status:
                watch.wrong.append(f"status {watch.status}, expected {case.status}")
        wrong += [f"{who} {language} {look}: {each}" for each in watch.wrong]
    assert wrong == []


def test_every_page_of_the_app_is_in_the_list() -> None:
    app = create_app(Config(database_url="sqlite:///nowhere", secret="x" * 40))
    routes = {
        handler.name
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/{lang}")
        for handler in route.route_handlers
        if "GET" in handler.http_methods
    }
    assert {case.route for case in PAGES} == routes


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/ledger/checkpoint", f"/archive/{RESULT}/card.json", "/static/0/khma.css"],
)
def test_an_address_without_a_language_is_no_page(town: RunningTown, path: str) -> None:
    answer = httpx.get(town.base + path, trust_env=False)
    assert (answer.status_code, answer.headers["content-type"].startswith("text/html")) == (200, False)


def test_in_the_quick_form_every_second_case_is_arabic_and_all_triples_come_by() -> None:
    plan = [triple for place in range(len(CASES)) for triple in combinations_for(place, full=False)]
    assert [language == "ar" for language, _, _ in plan] == [place % 2 == 0 for place in range(len(CASES))]
    assert set(plan) == set(product(LANGUAGES, LOOKS, WIDTHS))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_pages_have_the_same_title(town: RunningTown, language: str) -> None:
    titles: dict[str, str] = {}
    for case in [case for case in PAGES if not case.errors]:
        who = next(iter(set(case.who) - {NOBODY}), NOBODY) if case.who != ALL else NOBODY
        cookies = {} if who == NOBODY else {"khma": town.cookie(who)["value"]}
        text = httpx.get(f"{town.base}/{language}{case.path}", cookies=cookies, trust_env=False).text
        titles[case.name] = text.partition("<title>")[2].partition("</title>")[0]
    twins = {"me", "me-saved"}, {"services", "services-second"}, {"counter-search", "counter-person"}
    same = [{a, b} for a, b in combinations(titles, 2) if titles[a] == titles[b]]
    assert [pair for pair in same if pair not in twins] == []
