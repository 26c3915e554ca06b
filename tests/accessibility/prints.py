"""Print runs as the accessibility tests bring them about: what is on their page, and every mistake in its forms."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from playwright.sync_api import Page

from tests.accessibility.furniture import ROLL
from tests.accessibility.votes import OPEN
from tests.plumbing.town import RunningTown

PRINTER, MANAGER, ADMIN = "print_officer", "manager", "admin"
PRINTS = f"/manage/rolls/{ROLL}/prints"
Act = Callable[[Page, RunningTown], None]


def press(page: Page, form: str) -> None:
    """Press the first button of the first form that a selector finds, folded away or not."""
    with page.expect_navigation():
        page.locator(f"main {form}").first.locator("button").first.evaluate("button => button.click()")


def asked(size: int = 1, kind: str = "letters", reason: str = "Letters") -> Act:
    """Ask for a print run."""

    def act(page: Page, town: RunningTown) -> None:
        page.check(f'main [value="{kind}"]')
        page.fill("#f-size", str(size))
        page.fill("#f-reason", reason)
        press(page, "form:has(#f-reason)")

    return act


def unsure(page: Page, town: RunningTown) -> None:
    """Declare a run void without saying that one is sure."""
    press(page, 'form[action$="/void"]')


def release(page: Page, town: RunningTown) -> None:
    """Let a manager release the newest run, in a browser of their own; then look at it again."""
    assert page.context.browser is not None
    with closing(page.context.browser.new_context(base_url=town.base)) as other:
        other.add_cookies([town.cookie(MANAGER)])  # type: ignore[list-item]
        second = other.new_page()
        second.goto(page.url)
        press(second, "form:has([value=agree])")
    page.goto(page.url)


def all_slips(page: Page, town: RunningTown) -> None:
    """Make slips for everybody on a roll, however many times it was done before."""
    while page.locator('form[action$="/void"]').count():
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
        page.locator('[name^="sure-"]').first.check()
        press(page, 'form[action$="/void"]')
    asked(int(page.input_value("#f-size")))(page, town)
    release(page, town)
    press(page, 'form[action$="/slips"]')


# As the words of `cases.Case`, which stands on this file.
PAGES: list[tuple[Any, ...]] = [
    ("prints", "prints.index", PRINTS, (PRINTER,)),
    ("slips-open", "votes.slips", f"/votes/{OPEN}/slips"),
]
MISTAKES: list[tuple[Any, ...]] = [
    ("print-number", "prints.index", PRINTS, (PRINTER,), asked(501), 422, 1),
    ("print-unsaid", "prints.index", PRINTS, (PRINTER,), asked(reason=""), 422, 1),
    ("print-unsure", "prints.index", PRINTS, (PRINTER,), unsure, 422, 1),
    ("prints-manager", "prints.index", PRINTS, (MANAGER, ADMIN)),
    ("slips-closed", "votes.slips", "/votes/a-vote-that-is-closed/slips"),
    ("slips", "prints.index", PRINTS, (PRINTER,), all_slips),
]
