"""By keyboard alone: the journeys of somebody without a mouse; every page is walked through in test_pages."""

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.accessibility.acts import past_vote
from tests.accessibility.cases import BROKEN, MANAGER, NOBODY, PAGES, Case
from tests.accessibility.keys import walk
from tests.accessibility.test_pages import shown
from tests.plumbing.browser import opened_page
from tests.plumbing.town import RunningTown

PLANTED = """<!doctype html><html lang="en"><style>
  :focus { outline: 3px solid red; box-shadow: 0 0 3px blue } #plain:focus { outline: 0 }
  #lid { position: fixed; inset: auto 0 0 0; height: 90px; background: black }
  #under { position: fixed; bottom: 30px }
</style><body><button>One</button><button id="plain">Two</button><button id="under">Three</button><div id="lid"></div>
<input type="radio" name="a"><input type="radio" name="a"><details><summary>More</summary><a href="#">In</a></details>
%s</body></html>"""


def test_the_walk_finds_what_is_planted_and_nothing_else(chromium: Browser) -> None:
    with opened_page(chromium) as page:
        page.set_content(PLANTED % "")
        found = [(fault.partition(":")[0], re.findall(r'id="(\w+)"', fault)) for fault in walk(page)]
        assert found == [("no ring", ["plain"]), ("covered", ["under"])]
        page.set_content(PLANTED % "<button tabindex='1'>First</button>")
        assert walk(page)[-1].startswith("expected <button")


def tab_to(page: Page, selector: str) -> None:
    """Press the tabulator key until the focus is there."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} is not reached by keyboard")


def test_the_skip_link_comes_first_is_shown_and_leads_past_the_menu(chromium: Browser, town: RunningTown) -> None:
    with opened_page(chromium, town.base) as page:
        page.goto("/en/services")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('a.skip')")
        box = page.locator("a.skip").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "f-q"


def test_sign_in_is_two_words_and_enter(chromium: Browser, town: RunningTown) -> None:
    with opened_page(chromium, town.base) as page:
        page.goto("/en/sign-in")
        tab_to(page, "#f-email")
        page.keyboard.type(town.people["citizen"]["email"])
        page.keyboard.press("Tab")
        page.keyboard.type(town.people["citizen"]["password"])
        page.keyboard.press("Enter")
        page.wait_for_url("**/en/me")
        assert page.locator("h1").inner_text() == "My account"


def test_a_past_vote_is_mended_by_keyboard_after_an_error(
    window: Page, places: dict[str, str], town: RunningTown
) -> None:
    case = Case(
        "broken", "results.import", "/manage/results/new", (MANAGER,), past_vote(sheet=BROKEN, title_en="By keys")
    )
    with shown(window, case, places, town, MANAGER, ("en", "light", 1440)) as (page, _):
        tab_to(page, "a[href='#f-sheet_text']")
        page.keyboard.press("Enter")
        page.wait_for_function("document.activeElement.id === 'f-sheet_text'")
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(BROKEN.replace("five:B", "5:B"))
        tab_to(page, "main form button")
        page.keyboard.press("Space")
        page.wait_for_url("**/en/results/by-keys?done=published")
        assert "Published." in page.locator("main").inner_text()


def test_settings_are_chosen_by_arrows(chromium: Browser, town: RunningTown) -> None:
    with opened_page(chromium, town.base) as page:
        page.goto("/en/settings?back=/en/results")
        tab_to(page, "#f-theme")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        tab_to(page, "#f-text")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/en/results")
        assert set((page.locator("html").get_attribute("class") or "").split()) == {"theme-dark", "text-large"}


def test_the_language_is_changed_by_keyboard(chromium: Browser, town: RunningTown) -> None:
    with opened_page(chromium, town.base) as page:
        page.goto("/en/services?q=a")
        tab_to(page, ".tool-row a[hreflang='ka']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/ka/services?q=a")
        assert page.locator("html").get_attribute("lang") == "ka"


def test_a_page_that_renews_itself_leaves_the_focus_where_it_is(
    window: Page, places: dict[str, str], town: RunningTown
) -> None:
    case = next(case for case in PAGES if case.name == "roll-import")
    with shown(window, case, places, town, MANAGER, ("en", "light", 1440)) as (page, _):
        tab_to(page, "#progress a")
        for _ in range(2):  # the first is in its place when the second comes
            with page.expect_response(lambda answer: "/imports/" in answer.url):
                pass
        assert page.evaluate("document.activeElement.matches('#progress a')")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_on_a_phone_menu_and_languages_unfold_by_keyboard(
    window: Page, places: dict[str, str], town: RunningTown, language: str
) -> None:
    case = Case("home", "home", "")
    with shown(window, case, places, town, NOBODY, (language, "light", 320)) as (page, _):
        for fold in (".tools details", ".masthead details"):
            tab_to(page, f"{fold} > summary")
            page.keyboard.press("Enter")
            assert page.locator(f"{fold} a").first.is_visible()
        assert walk(page) == []
        tab_to(page, ".masthead details a[href$='/results']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{language}/results")
