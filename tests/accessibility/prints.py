"""Print runs and the counter as the accessibility tests bring them about: their pages, and every mistake there."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from playwright.sync_api import Page

from app.accounts.prints.serials import written
from tests.accessibility.furniture import ROLL
from tests.accessibility.votes import OPEN, VOTERS
from tests.plumbing.town import RunningTown

PRINTER, AGENT, MANAGER, ADMIN = "print_officer", "counter_agent", "manager", "admin"
PRINTS = f"/manage/rolls/{ROLL}/prints"
COUNTER = f"/counter/{OPEN}"
NO_SLIP = written(9, 1)
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


def found(name: str) -> Act:
    """Search for somebody at the counter."""

    def act(page: Page, town: RunningTown) -> None:
        page.fill("#f-q", name)
        press(page, "form:has(#f-q)")

    return act


def at_the_counter(place: int, form: str = "", **fields: str) -> Act:
    """Open the page of somebody on the roll, by their place; then fill in one of its forms, ticked, and send it."""

    def act(page: Page, town: RunningTown) -> None:
        page.goto(f"{page.url}/people/{town.votes[OPEN].lines[place]}")
        if form:
            for name, text in fields.items():
                page.fill(f"#f-{name}", text)
            for box in page.locator(f'form[action$="/{form}"] [type=checkbox]').all():
                box.check()
            press(page, f'form[action$="/{form}"]')

    return act


def on_paper(page: Page, town: RunningTown) -> None:
    """Mark somebody who did not vote as voting on paper, if they are not marked yet."""
    at_the_counter(VOTERS - 3)(page, town)
    if page.locator('form[action$="/paper"]').count():
        page.check("#f-seen_paper")
        press(page, 'form[action$="/paper"]')


def asked_back(page: Page, town: RunningTown) -> None:
    """Mark somebody, and ask that the mark be taken back, if nobody asked yet."""
    on_paper(page, town)
    if page.locator("#f-reason").count():
        page.fill("#f-reason", "The neighbour was meant.")
        press(page, 'form[action$="/back"]')


# As the words of `cases.Case`, which stands on this file.
PAGES: list[tuple[Any, ...]] = [
    ("prints", "prints.index", PRINTS, (PRINTER,)),
    ("counter", "counter.index", "/counter", (AGENT,)),
    ("counter-search", "counter.vote", COUNTER, (AGENT,)),
    ("counter-person", "counter.person", COUNTER, (AGENT,), at_the_counter(0)),
    ("slips-open", "votes.slips", f"/votes/{OPEN}/slips"),
]
MISTAKES: list[tuple[Any, ...]] = [
    ("print-number", "prints.index", PRINTS, (PRINTER,), asked(501), 422, 1),
    ("print-unsaid", "prints.index", PRINTS, (PRINTER,), asked(reason=""), 422, 1),
    ("print-unsure", "prints.index", PRINTS, (PRINTER,), unsure, 422, 1),
    ("prints-manager", "prints.index", PRINTS, (MANAGER, ADMIN)),
    ("slips-closed", "votes.slips", "/votes/a-vote-that-is-closed/slips"),
    ("counter-short", "counter.vote", COUNTER, (AGENT,), found("V"), 422, 1),
    ("counter-found", "counter.vote", COUNTER, (AGENT,), found("Voter 1")),
    ("counter-nobody", "counter.vote", COUNTER, (AGENT,), found("zzz")),
    ("counter-closed", "counter.vote", "/counter/a-vote-that-is-closed", (AGENT,)),
    ("counter-void", "counter.person", COUNTER, (AGENT,), at_the_counter(0, "slip", slip="3-17"), 422, 1),
    ("counter-slipless", "counter.person", COUNTER, (AGENT,), at_the_counter(0, "slip", slip=NO_SLIP), 422, 1),
    (
        "counter-voted",
        "counter.person",
        COUNTER,
        (AGENT,),
        at_the_counter(0, "paper"),
        409,
        1,
        "town",
        False,
    ),  # nothing to mend
    ("counter-paper", "counter.person", COUNTER, (AGENT,), on_paper),
    ("counter-back", "counter.person", COUNTER, (AGENT,), asked_back),
    ("slips", "prints.index", PRINTS, (PRINTER,), all_slips),
]
