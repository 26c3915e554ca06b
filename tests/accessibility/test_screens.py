"""The one thing of the second screen that a script does: it asks whether somebody is there, and clears the screen."""

from playwright.sync_api import Browser

from tests.accessibility.screens import SCREEN, begun
from tests.plumbing.browser import opened_page
from tests.plumbing.town import RunningTown


def test_who_left_without_a_word_is_asked_and_then_forgotten(chromium: Browser, town: RunningTown) -> None:
    with opened_page(chromium, town.base) as page:
        page.goto(f"/en{SCREEN}")
        begun(page, town)
        ballot = page.url
        page.clock.install()
        page.reload()
        box = page.locator("[data-idle]")
        page.clock.run_for(59_000)
        assert not box.is_visible()
        page.clock.run_for(3_000)
        assert box.is_visible()
        assert box.locator("button").evaluate("button => button === document.activeElement")
        page.keyboard.press("Shift")
        assert not box.is_visible()
        page.clock.run_for(62_000)
        assert box.is_visible()
        with page.expect_navigation(url=f"**/en{SCREEN}"):
            page.clock.run_for(60_000)
        assert "Waiting for the next person" in page.locator("h1").inner_text()
        page.goto(ballot)
        assert "Nobody votes on this screen now." in page.locator("main").inner_text()
