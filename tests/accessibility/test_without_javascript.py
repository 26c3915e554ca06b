"""Pages as plain as they come: without scripts, without htmx, on paper, spaced out, magnified, in forced colours."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.demo.walk import SHEET
from tests.accessibility.acts import past_vote
from tests.accessibility.cases import ADMIN, BROKEN, MANAGER, PAGES, Case
from tests.accessibility.test_pages import shown
from tests.plumbing.browser import axe, opened_page, overflows
from tests.plumbing.town import RunningTown

HTMX = "**/htmx.min.js"
WITHOUT = ("javascript", "htmx")
PLAIN = [case for case in PAGES if case.who not in {(MANAGER,), (ADMIN,)} and case.name != "components"]
# WCAG 1.4.12: what a reader may set without losing anything.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
                         word-spacing: 0.16em !important } p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""
# Text that is cut off by its own box; what is there for the ear alone is left out.
CUT = """() => [...document.querySelectorAll("body *")].filter(each => {
  const style = getComputedStyle(each), text = each.innerText?.trim();
  if (!text || style.clipPath !== "none" || each.closest(".hidden-text, .skip, .scroll, pre")) return false;
  const wide = style.overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1;
  const high = style.overflowY !== "visible" && each.scrollHeight > each.clientHeight + 1;
  return wide || high;
}).map(each => each.outerHTML.slice(0, 120))"""


def without(page: Page, what: str) -> None:
    """Let htmx not arrive; JavaScript is switched off where the page is opened."""
    if what == "htmx":
        page.route(HTMX, lambda route: route.abort())


@pytest.mark.parametrize("what", WITHOUT)
def test_a_citizen_signs_in_changes_the_name_and_goes_without(chromium: Browser, town: RunningTown, what: str) -> None:
    with opened_page(chromium, town.base, javascript=what != "javascript", width=320) as page:
        without(page, what)
        page.goto("/en/me")
        assert page.url.endswith("/en/sign-in?next=/en/me")
        page.fill("#f-email", town.people["citizen"]["email"])
        page.fill("#f-password", "wrong")
        page.click("main form button")
        assert page.locator(".errors a").get_attribute("href") == "#f-email"
        assert page.input_value("#f-email") == town.people["citizen"]["email"]
        page.fill("#f-password", town.people["citizen"]["password"])
        page.click("main form button")
        page.wait_for_url("**/en/me")
        page.fill("#f-name", "Nino Beridze")
        page.locator("main form").first.locator("button").click()
        page.wait_for_url("**/en/me?done=saved")
        assert page.locator("main [data-kind=done]").inner_text() == "Saved."
        page.click(".masthead summary")
        page.locator(".masthead details form button").click()
        page.wait_for_url("**/en?done=signed-out")


@pytest.mark.parametrize("what", WITHOUT)
def test_a_past_vote_is_mended_and_published_without(
    chromium: Browser, places: dict[str, str], town: RunningTown, what: str
) -> None:
    with opened_page(chromium, town.base, javascript=what != "javascript") as page:
        without(page, what)
        page.context.add_cookies([town.cookie(MANAGER)])  # type: ignore[list-item]
        page.goto("/en/manage/results/new")
        past_vote(sheet=BROKEN, title_en=f"Without {what}")(page, town)
        assert "Line 5" in page.locator(".errors").inner_text()
        assert page.input_value("#f-title_en") == f"Without {what}"
        page.fill("#f-sheet_text", SHEET)
        page.locator("main form button").click()
        page.wait_for_url(f"**/en/results/without-{what}?done=published")


@pytest.mark.parametrize("what", WITHOUT)
def test_services_are_searched_settings_kept_and_languages_changed_without(
    chromium: Browser, town: RunningTown, what: str
) -> None:
    with opened_page(chromium, town.base, javascript=what != "javascript", width=320) as page:
        without(page, what)
        page.goto("/en/services")
        page.fill("#f-q", "გვიანი")
        page.click("main form button")
        assert page.locator(".catalogue h2").all_inner_texts() == ["Late desk"]
        page.click(".tools summary")
        page.click(".tools details a[hreflang=ka]")
        assert page.locator(".catalogue h2").all_inner_texts() == ["გვიანი მაგიდა"]
        page.click(".tool-row a[href*=settings]")
        page.check("input[name=theme][value=contrast]")
        page.click("main form button")
        page.wait_for_url(re.compile(r"/ka/services\?q="))
        assert page.locator("html").get_attribute("class") == "theme-contrast"


@pytest.mark.parametrize("case", PLAIN, ids=[case.name for case in PLAIN])
def test_a_page_says_the_same_magnified_four_times_and_spaced_out(
    window: Page, places: dict[str, str], town: RunningTown, case: Case
) -> None:
    with shown(window, case, places, town, case.who[0], ("fr", "light", 1280)) as (page, _):
        said = words(page)
        for width in (640, 320):  # 200 % and 400 % of a window of 1280
            page.set_viewport_size({"width": width, "height": 800})
            assert not overflows(page)
            assert words(page) == said
        page.evaluate(SPACED)
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).letterSpacing") != "normal"
        assert not overflows(page)
        assert page.evaluate(CUT) == []


def words(page: Page) -> list[str]:
    """Give every word of the page's main part that a reader can see."""
    return page.locator("main").inner_text().split()


# Chromium forces the colours as it paints, and axe still measures those of the sheet.
ODD: dict[str, dict[str, Any]] = {
    "forced colours": {"forced_colors": "active"},
    "less motion": {"reduced_motion": "reduce"},
    "more contrast": {"contrast": "more"},
}


@pytest.mark.parametrize("wish", ODD)
def test_pages_hold_for_readers_with_other_wishes(chromium: Browser, town: RunningTown, wish: str) -> None:
    wrong = []
    rules = {"color-contrast": {"enabled": wish != "forced colours"}}
    with opened_page(chromium, town.base, width=768, **ODD[wish]) as page:
        for path in ("/en", "/ar/results/debian-project-leader-2007", "/ka/components", "/fr/sign-in"):
            page.goto(path)
            wrong += [f"{path}: {found}" for found in axe(page, rules=rules)] + [path] * overflows(page)
            assert page.evaluate("document.getAnimations().length") == 0
            if wish == "forced colours":
                drawn = page.evaluate(
                    "[...document.querySelectorAll('.voices path')].map(e => getComputedStyle(e).stroke)"
                )
                assert set(drawn) <= {"rgb(0, 0, 0)"}
    assert wrong == []


@pytest.mark.parametrize("path", ["/en", "/ar/results/debian-project-leader-2007", "/ka/services/late-desk"])
def test_paper_has_no_navigation_and_all_the_text(chromium: Browser, town: RunningTown, path: str) -> None:
    with opened_page(chromium, town.base, dark=True) as page:
        page.goto(path)
        said = words(page)
        left_out = set(" ".join(page.locator("main nav, main .button").all_inner_texts()).split())
        page.emulate_media(media="print", color_scheme="dark")
        assert [each for each in page.locator("nav, summary, .skip, .tools").all() if each.is_visible()] == []
        assert page.locator("h1").is_visible()
        assert set(said) - set(words(page)) <= left_out
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
