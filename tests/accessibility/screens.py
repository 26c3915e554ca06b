"""A counter's second screen as the accessibility tests bring it about: joined, called, at the ballot, asked."""

from contextlib import closing
from typing import Any

from playwright.sync_api import Page

from tests.accessibility.prints import AGENT, COUNTER, press
from tests.accessibility.votes import OPEN
from tests.plumbing.town import RunningTown

SETTING_UP, SCREEN = "/counter/screen", "/screen"
NOBODY = ("nobody",)


def code_made(page: Page, town: RunningTown) -> None:
    """Make a code for a browser that is to join; a screen that joined before parts first."""
    if page.locator(part := 'main form[action$="/screen/part"]').count():
        press(page, part.removeprefix("main "))
    press(page, f'form[action$="{SETTING_UP}"]')


def mistyped(page: Page, town: RunningTown) -> None:
    """Type half a code."""
    page.fill("#f-screen_code", "7K3D")
    press(page, "form:has(#f-screen_code)")


def called(page: Page, town: RunningTown) -> None:
    """Join this browser to a counter, and have the agent open somebody's ballot on it."""
    assert page.context.browser is not None
    with closing(page.context.browser.new_context(base_url=town.base)) as other:
        other.add_cookies([town.cookie(AGENT)])  # type: ignore[list-item]
        desk = other.new_page()
        desk.goto(f"/en{SETTING_UP}")
        code_made(desk, town)
        page.goto(f"{page.url.partition('#')[0]}#{desk.locator('.receipt-code').inner_text()}")
        page.reload()
        press(page, "form:has(#f-screen_code)")
        desk.goto(f"/en{COUNTER}/people/{town.votes[OPEN].lines[1]}")
        desk.check("#f-seen_screen")
        press(desk, 'form[action$="/screen"]')
        page.goto(page.url)


def begun(page: Page, town: RunningTown) -> None:
    """Come to the ballot there."""
    called(page, town)
    press(page, 'form[action$="/begin"]')


def asked(page: Page, town: RunningTown) -> None:
    """Come to the page that asks whether somebody is still there."""
    place = page.url.partition("#")[0]
    begun(page, town)
    page.goto(place)


# As the words of `cases.Case`, which stands on this file.
PAGES: list[tuple[Any, ...]] = [
    ("screen", "screens.show", SCREEN, NOBODY),
    ("counter-screen", "counter.screen", SETTING_UP, (AGENT,), code_made),
]
STATES: list[tuple[Any, ...]] = [
    ("screen-mistyped", "screens.show", SCREEN, NOBODY, mistyped, 422, 1),
    ("screen-called", "screens.show", SCREEN, NOBODY, called),
    ("screen-ballot", "screens.show", SCREEN, NOBODY, begun),
    ("screen-asked", "screens.show", SCREEN, NOBODY, asked),
]
