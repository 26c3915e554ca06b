"""A manager's list: a long one comes in while they look on, with scripts and without."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.plumbing.browser import opened_page
from tests.plumbing.town import RunningTown

PEOPLE = 6_000
LIST = "reference,name\n" + "".join(f"L-{number:05},Voter {number}\n" for number in range(PEOPLE))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_long_list_ends_by_itself_or_after_looking_again(chromium: Browser, town: RunningTown, scripts: bool) -> None:
    with opened_page(chromium, town.base, javascript=scripts) as page:
        cookies: list[Any] = [town.cookie("manager")]
        page.context.add_cookies(cookies)
        page.goto("/en/manage/rolls/new")
        page.fill("#f-name_en", f"Everybody, {'with' if scripts else 'without'} scripts")
        file: Any = {"name": "roll.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
        page.set_input_files("#f-file", file)
        page.get_by_role("button", name="Check the list").click()
        page.get_by_role("button", name="Add 6,000 people").click()
        expect(page.get_by_role("heading", name="A long list")).to_be_visible()
        done = page.get_by_role("status").filter(has_text="The list is in force.")
        while not scripts and not done.count():  # on the way from page to page there is neither
            if page.get_by_role("link", name="Look again").count():
                page.get_by_role("link", name="Look again").click()
        expect(done).to_be_visible(timeout=20_000)
        page.get_by_role("link", name="To the list").click()
        expect(page.get_by_role("rowheader", name="L-00000")).to_be_visible()
