"""How people come into the states of the pages about the second factor: acts for the list of cases."""

import time
from collections.abc import Callable

from playwright.sync_api import Page

from app.accounts.factors.codes import STEP_SECONDS, app_code
from tests.plumbing.town import RunningTown

Act = Callable[[Page, RunningTown], None]


def _send(page: Page, **fields: str) -> None:
    """Type into fields by name, and send the form that the last of them stands in."""
    field = page.locator("main form").first
    for name, text in fields.items():
        field = page.locator(f'main [name="{name}"]')
        field.fill(text)
    field.locator("xpath=ancestor::form").locator("button").click()


def halfway(code: str = "") -> Act:
    """Send a manager's password; and a code, if one is given."""

    def act(page: Page, town: RunningTown) -> None:
        maia = town.people["manager"]
        _send(page, email=maia["email"], password=maia["password"])
        page.wait_for_url("**/sign-in/code")
        if code:
            _send(page, _code=code)
            page.wait_for_load_state()
            town.forgive()

    return act


def wrong_code(page: Page, town: RunningTown) -> None:
    """Type a code that is none, beside the right password where one is asked for."""
    if page.locator('main [name="current"]').count():
        page.fill('main [name="current"]', town.people["citizen"]["password"])
    _send(page, _code="12345")
    page.wait_for_load_state()
    town.forgive()


def recovery_codes(page: Page, town: RunningTown) -> None:
    """Set a second factor up; when its recovery codes are on the page, take it away for the next one who comes."""
    secret = page.locator(".receipt-code code").inner_text().replace(" ", "")
    page.fill('main [name="current"]', town.people["citizen"]["password"])
    _send(page, _code=app_code(secret, int(time.time()) // STEP_SECONDS))
    page.wait_for_selector("main ul code")
    token = page.locator('[name="_token"]').first.get_attribute("value") or ""
    code = page.locator("main ul code").first.inner_text()
    page.request.post(f"{town.base}/en/me/factor/remove", form={"_token": token, "_code": code})
    town.forget("citizen")


def too_long_ago(code: str = "") -> Act:
    """Ask for a withdrawal when the second factor was shown too long ago."""

    def act(page: Page, town: RunningTown) -> None:
        town.put_sessions(proved_at=3600)
        _send(page, reason="A line was counted twice.")
        page.wait_for_selector('[name="_code"]')
        if code:
            wrong_code(page, town)
        town.put_sessions(proved_at=0)

    return act


def shown_long_ago(page: Page, town: RunningTown) -> None:
    """Sign out everywhere, without a second factor, when the password was shown too long ago."""
    town.put_sessions(expires_at=-500_000)
    page.locator('form[action$="/sign-out-everywhere"] button').click()
    page.wait_for_selector('[name="current"]')
    town.put_sessions(expires_at=-600_000)


def nearly_over(page: Page, town: RunningTown) -> None:
    """Come in the last half hour of a session."""
    town.put_sessions(expires_at=-1200)
    page.reload()
    town.put_sessions(expires_at=-600_000)
