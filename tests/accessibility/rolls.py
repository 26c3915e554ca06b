"""The pages about changes of a list and long lists on their way, for the list of cases, and how people come to them."""

from playwright.sync_api import Page

from app.accounts.roll.filling.tables import Stage
from tests.accessibility.furniture import FILLED, FILLINGS, ON_FILLED, STRUCK
from tests.plumbing.town import RunningTown

ROLL = f"/manage/rolls/{FILLED}"
PAGES = {
    "change": ("rolls.change", f"{ROLL}/lines/{ON_FILLED}/change"),
    "import": ("rolls.import", f"{ROLL}/imports/{FILLINGS[Stage.WRITING]}"),
}
STATES = {
    "filled": ("rolls.show", ROLL),
    "put-back": ("rolls.change", f"{ROLL}/lines/{STRUCK}/change"),
    "import-done": ("rolls.import", f"{ROLL}/imports/{FILLINGS[Stage.DONE]}"),
    "import-failed": ("rolls.import", f"{ROLL}/imports/{FILLINGS[Stage.FAILED]}"),
}
"""Name of a case -> its route and its address."""


def strike_without_reason(page: Page, town: RunningTown) -> None:
    """Find a list with a vote under way, and ask for somebody on it to be struck off without a reason."""
    lists = [link.get_attribute("href") for link in page.locator("main .catalogue a").all()]
    way = page.locator('main a[href$="/change"]').first
    while not way.count():
        page.goto(town.base + str(lists.pop()))
    way.click()
    page.locator('main [name="reason"]').fill(" ")
    page.locator("main form button").last.click()
