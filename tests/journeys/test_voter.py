"""A voter's way in a real browser, from the slip to the receipt: by hand, by keyboard, without scripts, in Arabic."""

import re

import pytest
from playwright.sync_api import Browser, Page

from app.accounts.roll.codes import shown
from tests.accessibility.test_keyboard import tab_to
from tests.plumbing.booth import CAST, CHOICE, SERVICES, Booth, Hand, order_on, receipt_on
from tests.plumbing.browser import opened_page, overflows


@pytest.mark.parametrize("has_fragment", [True, False], ids=["by the slip's QR", "typed"])
@pytest.mark.parametrize("kind", ["booth", "postgres_booth"])
def test_from_the_slip_to_the_receipt_in_n_clicks_and_one(
    chromium: Browser, request: pytest.FixtureRequest, kind: str, has_fragment: bool
) -> None:
    booth: Booth = request.getfixturevalue(kind)
    code = booth.slip()
    with opened_page(chromium, booth.base, width=390, height=800) as page:
        hand = Hand(page)
        page.goto(booth.path() + (f"#{shown(code)}" if has_fragment else ""))
        assert page.url == f"{booth.base}{booth.path()}"
        page.wait_for_load_state("networkidle")
        before = len(hand.asked)
        if not has_fragment:
            hand.type_code(code)
        assert page.input_value("#f-code") == shown(code)
        hand.add(*CHOICE)
        assert order_on(page) == list(CHOICE)
        assert len(hand.asked) == before  # no move is told to anybody
        hand.cast()
        page.wait_for_url("**/receipt?done=first")
        assert (hand.clicks, hand.fields) == (len(CHOICE) + 1, 0 if has_fragment else 1)
        assert page.locator("h1").inner_text() == "Your vote is in the box."
        assert re.fullmatch("[0-9a-f]{64}", receipt_on(page))
        posts = [each for each in hand.asked if each.method == "POST"]
        assert [each.url for each in posts] == [f"{booth.base}{booth.path()}"]
        for each in hand.asked:
            headers = {name: value for name, value in each.all_headers().items() if name != "cookie"}
            for secret in (code, shown(code), receipt_on(page)):
                assert secret not in f"{each.url} {headers}"
        kept = page.evaluate("({...localStorage, ...sessionStorage})")
        assert (kept, page.evaluate("indexedDB.databases()")) == ({}, [])
        assert {cookie.get("name") for cookie in page.context.cookies()} == {"khma", "khma-booth"}
        page.go_back()
        assert shown(code) not in page.url + page.content()


def test_without_javascript_it_is_one_select_a_place_and_the_code_typed(chromium: Browser, booth: Booth) -> None:
    code = booth.slip()
    with opened_page(chromium, booth.base, javascript=False, width=320, height=700) as page:
        hand = Hand(page)
        page.goto(booth.path())
        for place, name in enumerate(CHOICE, start=1):
            page.get_by_label(name, exact=True).select_option(f"{place:02}")
            hand.clicks += 1
        hand.type_code(code)
        hand.cast()
        assert page.url == f"{booth.base}{booth.path()}/receipt?done=first"
        assert (hand.clicks, hand.fields) == (len(CHOICE) + 1, 1)
        assert page.locator("h1").inner_text() == "Your vote is in the box."
        receipt = receipt_on(page)
        page.get_by_role("link", name="Change my vote").click()
        assert "This ballot starts empty" in page.locator("main").inner_text()
        assert [each.input_value() for each in page.locator("select").all()] == ["00"] * len(SERVICES)
        page.get_by_label(CHOICE[0], exact=True).select_option("01")
        page.get_by_label(CHOICE[1], exact=True).select_option("01")
        page.click(CAST)
        assert "The number 1 was given twice." in page.locator(".errors").inner_text()
        assert page.get_by_label(CHOICE[0], exact=True).input_value() == "01"
        page.get_by_label(CHOICE[1], exact=True).select_option("02")
        page.click(CAST)
        assert page.locator("h1").inner_text() == "Your new vote is in the box."
        assert receipt_on(page) != receipt
        page.get_by_role("button", name="Done: forget me on this device").click()
        assert page.url == f"{booth.base}{booth.path()}?done=left-booth"
        assert page.locator("#f-code").input_value() == ""


def at(page: Page) -> tuple[str, str]:
    """Tell which button has the keyboard: what it does, and to which option."""
    return tuple(page.evaluate("[document.activeElement.dataset.act, document.activeElement.parentElement.innerText]"))


def test_by_keyboard_alone(chromium: Browser, booth: Booth) -> None:
    code = booth.slip()
    with opened_page(chromium, booth.base) as page:
        page.goto(booth.path())
        news = page.locator("[data-ballot-news]")
        assert news.get_attribute("role") == "status"
        rest = page.locator("[data-ballot] li label").all_inner_texts()
        tab_to(page, "[data-ballot] .move")
        assert at(page) == ("add", rest[0])
        page.keyboard.press("Enter")
        assert (at(page), news.inner_text()) == (("add", rest[1]), f"{rest[0]}, now number 1 of 1")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        assert order_on(page) == rest[:3]
        page.keyboard.press("Enter")  # a fourth one does not fit
        assert (at(page), news.inner_text()) == (("add", rest[3]), "Your order is full. Take one out first.")
        tab_back_to(page, "[data-order] li:nth-child(3) [data-act=up]")
        page.keyboard.press("Enter")
        assert (at(page), news.inner_text()) == (("up", rest[2]), f"{rest[2]}, now number 2 of 3")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")  # it is first already
        assert (at(page), order_on(page)) == (("up", rest[2]), [rest[2], rest[0], rest[1]])
        page.keyboard.press("Tab")
        assert at(page) == ("down", rest[2])
        page.keyboard.press("Space")
        assert (at(page), news.inner_text()) == (("down", rest[2]), f"{rest[2]}, now number 2 of 3")
        page.keyboard.press("Tab")
        assert at(page) == ("out", rest[2])
        page.keyboard.press("Enter")
        assert (at(page), news.inner_text()) == (("out", rest[1]), f"{rest[2]} is not ranked")
        assert order_on(page) == [rest[0], rest[1]]
        sent = {each.get_attribute("name"): each.input_value() for each in page.locator("select").all()}
        assert sorted(sent.values()) == ["00", "00", "00", "01", "02"]
        tab_to(page, "#f-code")
        page.keyboard.type(shown(code))
        page.keyboard.press("Enter")
        page.wait_for_url("**/receipt?done=first")
        tab_to(page, "a[href$='open-first']")
        tab_to(page, "form[action$='/done'] button")
        page.keyboard.press("Enter")
        page.wait_for_url("**?done=left-booth")


def tab_back_to(page: Page, selector: str) -> None:
    """Press the tabulator key backwards until the focus is there."""
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} is not reached backwards")


@pytest.mark.parametrize("javascript", [True, False])
def test_in_arabic_on_the_smallest_phone_nothing_is_scrolled_sideways(
    chromium: Browser, booth: Booth, javascript: bool
) -> None:
    code = booth.slip()
    with opened_page(chromium, booth.base, width=320, height=640, language="ar", javascript=javascript) as page:
        page.goto(booth.path("ar"))
        assert page.locator("html").get_attribute("dir") == "rtl"
        assert page.locator("#f-code").get_attribute("dir") == "ltr"
        assert not overflows(page)
        names = page.locator("[data-ballot] li label").all_inner_texts()
        assert set(names) == set(SERVICES.values())
        for place, name in enumerate(names[:3], start=1):
            if javascript:
                page.locator("[data-ballot] li", has_text=name).locator("[data-act=add]").click()
            else:
                page.get_by_label(name, exact=True).select_option(f"{place:02}")
        assert not overflows(page)
        page.fill("#f-code", shown(code)[:-1])
        page.click(CAST)
        page.wait_for_selector(".errors")
        assert not overflows(page)
        assert page.input_value("#f-code") == shown(code)[:-1]
        if javascript:
            assert order_on(page) == names[:3]  # nothing chosen is lost
        page.fill("#f-code", shown(code))
        page.click(CAST)
        page.wait_for_url("**/ar/votes/*/receipt?done=first")
        assert not overflows(page)
        assert page.locator(".receipt-code").get_attribute("dir") == "ltr"
        page.locator("details summary").last.click()
        assert not overflows(page)
