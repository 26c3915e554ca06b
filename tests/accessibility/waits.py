"""How people come to be told to wait: acts for the list of cases. Afterwards everybody is forgiven."""

from contextlib import closing

from playwright.sync_api import Page

from app.accounts.limits import PASSWORD_FROM_NETWORK, PASSWORD_OF_ACCOUNT, Limits
from tests.plumbing.server import SECRET
from tests.plumbing.town import RunningTown

SOMEBODY, HERE = "somebody@vardisi.example", "127.0.0.1"


def too_often(page: Page, town: RunningTown) -> None:
    """Ask for letters to one address until it is too many."""
    token = page.locator('main [name="_token"]').get_attribute("value") or ""
    for _ in range(3):
        page.request.post(page.url, form={"_token": token, "email": SOMEBODY})
    _send(page, town, email=SOMEBODY)


def crowded(page: Page, town: RunningTown) -> None:
    """Sign in from a network whose free tries are spent, while others queue."""
    with closing(Limits(town.folder / "limits.sqlite3", SECRET)) as limits:
        for _ in range(PASSWORD_FROM_NETWORK.free):
            limits.count(PASSWORD_FROM_NETWORK.scope, HERE)
        for _ in range(60):
            limits.next_turn(PASSWORD_FROM_NETWORK, HERE)
    _send(page, town, email=SOMEBODY, password="wrong")


def guessed_at(page: Page, town: RunningTown) -> None:
    """Sign in as somebody whose password others guess."""
    with closing(Limits(town.folder / "limits.sqlite3", SECRET)) as limits:
        for _ in range(PASSWORD_OF_ACCOUNT.free):
            limits.try_one(PASSWORD_OF_ACCOUNT, SOMEBODY)
    _send(page, town, email=SOMEBODY, password="wrong")


def _send(page: Page, town: RunningTown, **fields: str) -> None:
    for name, text in fields.items():
        page.locator(f'main [name="{name}"]').fill(text)
    page.locator("main form button").first.click()
    page.wait_for_load_state()
    town.forgive()
