"""In a crowded hall somebody asks for a letter: with scripts a sum takes the place of waiting, else they wait."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.accounts.limits import LETTER_FROM_NETWORK, Limits
from app.accounts.puzzles import is_solved
from tests.plumbing.browser import opened_page
from tests.plumbing.server import SECRET
from tests.plumbing.town import served

QUEUE = 30  # a minute, at two seconds each


@pytest.fixture
def hall(sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """Serve the pages to a network whose free letters are spent, while others queue there."""
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'khma.sqlite3')}"
    with served(url, tmp_path) as base, closing(Limits(tmp_path / "limits.sqlite3", SECRET)) as limits:
        for _ in range(LETTER_FROM_NETWORK.free):
            limits.count(LETTER_FROM_NETWORK.scope, "127.0.0.1")
        for _ in range(QUEUE):
            limits.next_turn(LETTER_FROM_NETWORK, "127.0.0.1")
        yield base


def ask(page: Page) -> None:
    """Ask for a letter, and be told to wait."""
    page.goto("/en/sign-up")
    page.fill("#f-email", "nino@vardisi.example")
    page.click("main form button")
    page.wait_for_selector("[data-errors]")
    assert "Your place in the queue is kept" in page.locator("[data-errors]").inner_text()


def test_with_scripts_a_sum_is_done_and_the_form_goes_at_once(chromium: Browser, hall: str) -> None:
    with opened_page(chromium, hall) as page:
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if "429" not in message.text else None)
        ask(page)
        news = page.locator("main [role=status]")
        assert "Your browser is doing a sum" in news.inner_text() or "You need not wait" in news.inner_text()
        page.wait_for_function("document.querySelector('[name=proof]').value !== ''", timeout=20_000)
        assert news.inner_text() == "You need not wait any more: send the form now."
        turn, proof = (page.locator(f"[name={name}]").get_attribute("value") for name in ("turn", "proof"))
        assert is_solved(turn or "", proof or page.input_value("[name=proof]"))
        assert page.input_value("#f-email") == "nino@vardisi.example"
        page.click("main form button")
        page.wait_for_url("**/en/letter-sent")
        assert wrong == []


def test_without_scripts_one_waits_and_nothing_speaks_of_sums(chromium: Browser, hall: str) -> None:
    with opened_page(chromium, hall, javascript=False) as page:
        ask(page)
        assert "sum" not in page.locator("main").inner_text()
        assert page.input_value("[name=proof]") == ""
        page.click("main form button")  # too early: the place is kept, and what was typed too
        page.wait_for_selector("[data-errors]")
        assert page.input_value("#f-email") == "nino@vardisi.example"
