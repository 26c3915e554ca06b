"""A voter who comes again: another mind, another device, another person, a line that broke; each told what is true."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.conftest import Addresses
from tests.plumbing.booth import CAST, CHOICE, Booth, Hand, opened_booth, order_on, receipt_on, voted
from tests.plumbing.browser import opened_page


def test_a_change_of_mind_and_a_second_device(chromium: Browser, booth: Booth) -> None:
    code = booth.slip()
    with opened_page(chromium, booth.base) as phone, opened_page(chromium, booth.base) as tablet:
        first = voted(phone, booth, code, *CHOICE)
        phone.get_by_role("link", name="Change my vote").click()
        assert order_on(phone) == []
        assert "we cannot read what you chose" in phone.locator("main").inner_text()
        hand = Hand(phone)
        hand.add(CHOICE[2])
        hand.cast()
        phone.wait_for_url("**/receipt?done=changed")
        second = receipt_on(phone)
        assert (phone.locator("h1").inner_text(), second != first) == ("Your new vote is in the box.", True)

        tablet.goto(f"{booth.path()}#{code}")
        other = Hand(tablet)
        other.add(CHOICE[1])
        other.cast()
        tablet.wait_for_selector(".errors")
        said = tablet.locator(".errors").inner_text()
        assert "What you chose now was not recorded. Here is a fresh ballot" in said
        assert (order_on(tablet), tablet.locator("#f-code").count()) == ([], 0)
        tablet.goto(f"{booth.path()}/receipt")
        assert receipt_on(tablet) == second  # the first device's ballot is the one in the box
        tablet.goto(booth.path())
        other.add(CHOICE[0])
        other.cast()
        tablet.wait_for_url("**/receipt?done=changed")
        assert receipt_on(tablet) != second


def test_a_second_slip_on_one_phone_is_another_person(chromium: Browser, booth: Booth) -> None:
    mother, son = booth.slip(), booth.slip()
    with opened_page(chromium, booth.base, width=390) as page:
        first = voted(page, booth, mother, *CHOICE)
        page.goto("about:blank")  # as the camera opens the page anew
        page.goto(f"{booth.path()}#{son}")
        page.wait_for_function("document.getElementById('f-code')?.value")
        assert (page.input_value("#f-code"), page.url) == (son, f"{booth.base}{booth.path()}")
        assert "You have voted already" not in page.locator("main").inner_text()
        hand = Hand(page)
        hand.add(CHOICE[1])
        hand.cast()
        page.wait_for_url("**/receipt?done=first")
        assert receipt_on(page) != first
        page.goto("about:blank")
        page.goto(f"{booth.path()}/receipt#{mother}")
        page.wait_for_function("document.getElementById('f-code')?.value")
        assert (page.input_value("#f-code"), page.url) == (mother, f"{booth.base}{booth.path()}")


def cut(page: Page, *, before: bool) -> None:
    """Cut the line at the next ballot that is sent: before it arrives, or before its answer does."""

    def lose(route: Route) -> None:
        if route.request.method == "POST":
            if not before:
                assert route.fetch(max_redirects=0).status == 303
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/votes/*", lose)
    with page.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-error:")):
        page.click(CAST)
    page.unroute("**/votes/*")


LOST = {
    "before it arrived": (True, "Your vote is in the box."),
    "before the answer": (False, "This form was already recorded, once."),
}


@pytest.mark.parametrize("how", LOST)
def test_a_lost_connection_and_the_same_form_again(chromium: Browser, booth: Booth, how: str) -> None:
    before, heading = LOST[how]
    with opened_page(chromium, booth.base, width=390) as page:
        page.goto(f"{booth.path()}#{booth.slip()}")
        Hand(page).add(*CHOICE)
        cut(page, before=before)
        page.reload()  # what a browser offers: send it again
        page.wait_for_url("**/receipt?done=*")
        assert page.locator("h1").inner_text() == heading
        assert re.fullmatch("[0-9a-f]{64}", receipt_on(page))


def test_a_lost_answer_and_a_fresh_form_are_told_apart(chromium: Browser, booth: Booth) -> None:
    code = booth.slip()
    with opened_page(chromium, booth.base, width=390) as page:
        page.goto(f"{booth.path()}#{code}")
        Hand(page).add(*CHOICE)
        cut(page, before=False)
        page.goto(f"{booth.path()}#{code}")  # the slip is read once more
        hand = Hand(page)
        hand.add(CHOICE[2])
        hand.cast()
        page.wait_for_selector(".errors")
        assert "Your ballot was recorded meanwhile, from another form." in page.locator(".errors").inner_text()


def test_back_and_other_ranks_on_the_same_form_are_not_recorded(chromium: Browser, booth: Booth) -> None:
    with opened_page(chromium, booth.base) as page:
        page.goto(f"{booth.path()}#{booth.slip()}")
        kept = {name: page.input_value(f"[name={name}]") for name in ("form", "after")}
        hand = Hand(page)
        hand.add(*CHOICE)
        hand.cast()
        page.wait_for_url("**/receipt?done=first")
        receipt = receipt_on(page)
        page.go_back()
        assert (
            page.input_value("[name=form]") != kept["form"]
        )  # this browser asks for a fresh ballot; some keep the old
        assert order_on(page) == []
        page.evaluate(
            "kept => { for (const name in kept) document.querySelector(`[name=${name}]`).value = kept[name] }", kept
        )
        hand.add(CHOICE[1])
        hand.cast()
        page.wait_for_url("**/receipt?done=repeated")
        said = page.locator("main").inner_text()
        assert page.locator("h1").inner_text() == "This form was already recorded, once."
        assert "If you changed anything since, that was not recorded: open a fresh ballot." in said
        assert receipt_on(page) == receipt


def test_a_late_retry_gets_its_receipt_and_a_late_ballot_is_refused(
    chromium: Browser, sqlite_addresses: Addresses, tmp_path: Path
) -> None:
    with (
        opened_booth(sqlite_addresses.url, tmp_path) as booth,
        opened_page(chromium, booth.base) as page,
        opened_page(chromium, booth.base) as late,
    ):
        for each in (page, late):
            each.goto(f"{booth.path()}#{booth.slip()}")
            Hand(each).add(*CHOICE)
        cut(page, before=False)
        booth.do(lambda vote: vote.let_time_pass(closes_at=-1))
        page.reload()
        page.wait_for_url("**/receipt?done=repeated")
        assert page.locator("h1").inner_text() == "This form was already recorded, once."
        late.click(CAST)
        late.wait_for_selector(".errors")
        assert "Voting has ended." in late.locator("main").inner_text()
        assert late.locator("[data-ballot]").count() == 0
