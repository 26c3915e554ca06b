"""A mail scanner with a whole browser opens every link of our letters: nothing is used up, nobody is signed in."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.conftest import Addresses
from tests.plumbing.browser import opened_page
from tests.plumbing.house import PASSWORD, all_rows, opened_town
from tests.plumbing.server import SECRET
from tests.plumbing.town import in_thread, served
from tests.security.test_links import LINKS

STAYS_MS = 500


async def _found(addresses: Addresses, folder: Path) -> None:
    async with opened_town(addresses.url, addresses.owner_url, folder):
        pass


def test_a_scanner_that_runs_scripts_uses_nothing_up(
    chromium: Browser, sqlite_addresses: Addresses, tmp_path: Path
) -> None:
    in_thread(_found(sqlite_addresses, tmp_path))
    before = all_rows(sqlite_addresses.owner_url)
    with served(sqlite_addresses.url, tmp_path) as base:
        for link in LINKS.values():
            with opened_page(chromium, base) as page:
                asked: list[str] = []
                page.on("request", lambda request, asked=asked: asked.append(request.method))
                for _ in range(2):
                    answer = page.goto(link.page + link.token(SECRET), wait_until="networkidle")
                    assert answer is not None
                    assert answer.status == 200
                page.wait_for_timeout(STAYS_MS)
                assert set(asked) == {"GET"}
                assert not [each for each in page.context.cookies() if each.get("value", "").startswith("s")]
        assert all_rows(sqlite_addresses.owner_url) == before
        with opened_page(chromium, base) as page:
            link = LINKS["reset"]
            page.goto(link.page + link.token(SECRET))
            page.locator('main [name="password"]').fill(PASSWORD + " anew")
            page.locator("main form button").click()
            page.wait_for_url("**/sign-in?done=password-changed")
