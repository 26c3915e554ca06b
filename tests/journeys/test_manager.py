"""A manager's work: bring in a past vote, take it back with a second person, add a service, change a page."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.plumbing.browser import opened_page
from tests.plumbing.server import ROOT
from tests.plumbing.town import RunningTown

GOOD = ROOT / "tests" / "vectors" / "formats" / "good"
REASON = "One line of the tally sheet was read twice."
MAKER = "A Camera That Tells"


@contextmanager
def managers(chromium: Browser, town: RunningTown) -> Iterator[tuple[Page, Page]]:
    """Open the pages of both managers, each in a browser of their own."""
    with ExitStack() as stack:
        pages = []
        for who in ("manager", "second manager"):
            page = stack.enter_context(opened_page(chromium, town.base))
            cookies: list[Any] = [town.cookie(who)]
            page.context.add_cookies(cookies)
            pages.append(page)
        yield pages[0], pages[1]


def status_of(page: Page, address: str) -> int:
    """Open an address in somebody's browser, and tell the answer's status."""
    answer = page.goto(address)
    assert answer is not None
    return answer.status


def test_a_past_vote_is_brought_in_after_a_mistake_and_taken_back_by_two(
    chromium: Browser, each_town: RunningTown
) -> None:
    town = each_town
    sheet = (GOOD / "debian-public_tally.txt").read_text("utf-8")
    number = next(n for n, line in enumerate(sheet.splitlines(), 1) if line.startswith("V: 112"))
    broken = sheet.replace("V: 112", "V: 1?2")
    typed = {
        "#f-title_en": "A leader, counted again",
        "#f-title_ka": "ხელმძღვანელი ხელახლა",
        "#f-source_name": "Debian Project",
        "#f-source_url": "https://www.debian.org/vote/",
        "#f-held_on": "2007-04-07",
    }
    with managers(chromium, town) as (asks, decides):
        asks.goto("/en/manage")
        asks.get_by_role("link", name="Bring in a past vote").last.click()
        for field, text in typed.items():
            asks.fill(field, text)
        asks.set_input_files("#f-sheet", {"name": "t.txt", "mimeType": "text/plain", "buffer": broken.encode()})
        asks.check("#f-ballots_public")
        asks.click("main form button")
        assert f"Line {number}" in asks.locator(".errors").inner_text()
        assert {field: asks.input_value(field) for field in typed} == typed
        assert asks.is_checked("#f-ballots_public")
        assert asks.input_value("#f-sheet_text").split() == broken.split()
        asks.fill("#f-sheet_text", sheet)
        asks.click("main form button")
        asks.wait_for_url("**/en/results/a-leader-counted-again?done=published")
        address = asks.url.partition("?")[0]

        asks.fill("#f-reason", REASON)
        asks.get_by_role("button", name="Ask for it").click()
        asks.wait_for_url("**done=asked")
        asks.goto("/en/manage")
        panel = asks.locator(".panel")
        assert REASON in panel.inner_text()
        assert panel.locator("button").count() == 0

        decides.goto("/en/manage")
        action = decides.locator(".panel form").get_attribute("action")
        token = asks.locator("[name=_token]").first.get_attribute("value") or ""
        refused = asks.request.post(f"{town.base}{action}", form={"_token": token, "decision": "approve"})
        assert (refused.status, status_of(asks, address)) == (403, 200)
        decides.get_by_role("button", name="Withdraw it").click()
        decides.wait_for_load_state()
        assert "Withdrawn." in decides.locator("main").inner_text()

        with opened_page(chromium, town.base) as visitor:
            assert status_of(visitor, address) == 410
            assert visitor.locator("blockquote").inner_text() == REASON
            files = f"{town.base}/archive/a-leader-counted-again"
            gone = [httpx.get(f"{files}/{name}", trust_env=False).status_code for name in ("card.json", "SHA256SUMS")]
            assert gone == [404, 404]
            visitor.goto("/en/results")
            assert visitor.locator("main").get_by_text("A leader, counted again").count() == 0
            visitor.goto("/en/ledger")
            said = until_told(visitor, "A result was withdrawn")
            assert "A result was published: a-leader-counted-again" in said
            assert "A result was withdrawn: a-leader-counted-again" in said


def until_told(page: Page, words: str) -> str:
    """Load a page again until the worker has written what it is to say. Returns its text."""
    said = ""
    for _ in range(200):
        page.reload()
        said = page.locator("main").inner_text()
        if words in said:
            break
    return said


def photograph() -> bytes:
    """Make a photograph that tells by which camera it was taken."""
    picture = Image.new("RGB", (800, 500), "#2b2e8c")
    told = picture.getexif()
    told[0x010F] = MAKER
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=told)
    return out.getvalue()


def test_a_service_has_four_names_and_a_picture_that_tells_nothing(chromium: Browser, each_town: RunningTown) -> None:
    mark = uuid4().hex[:8]
    names = {"en": f"Lending {mark}", "fr": f"Prêt {mark}", "ka": f"გაქირავება {mark}", "ar": f"إعارة {mark}"}
    assert MAKER.encode() in photograph()
    with managers(chromium, each_town) as (page, _):
        page.goto("/en/services")
        page.get_by_role("link", name="Add a service").click()
        for code, name in names.items():
            page.fill(f"#f-name_{code}", name)
        page.click("main form button")
        page.wait_for_url("**/en/services/lending-*?done=saved")
        page.get_by_role("link", name="Change this service").click()
        page.set_input_files("#f-picture", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
        page.fill("#f-description_en", "A blue wall.")
        page.get_by_role("button", name="Use this picture").click()
        page.wait_for_url("**/en/services/lending-*?done=saved")
        shown = page.get_by_alt_text("A blue wall.")
        given = httpx.get(f"{each_town.base}{shown.get_attribute('src')}", trust_env=False)
        assert (given.status_code, given.headers["content-type"]) == (200, "image/webp")
        assert MAKER.encode() not in given.content
        assert dict(Image.open(io.BytesIO(given.content)).getexif()) == {}
    with opened_page(chromium, each_town.base) as visitor:
        for code, name in names.items():
            visitor.goto(f"/{code}/services")
            visitor.fill("#f-q", name.upper() if code in {"en", "fr"} else name)
            visitor.press("#f-q", "Enter")
            visitor.get_by_role("link", name=name).click()
            assert visitor.locator("h1").inner_text() == name


def test_a_page_takes_the_organisation_s_own_words_and_gives_them_back(
    chromium: Browser, each_town: RunningTown
) -> None:
    with managers(chromium, each_town) as (page, _):
        page.goto("/fr/pages/contact")
        first = page.locator("main").inner_text()
        page.click("main a.button")
        page.fill("#f-title", "Nous écrire")
        page.fill("#f-body", "## Au guichet\n\nDe **neuf** à cinq. <script>alert(1)</script>")
        page.click("main form button")
        page.wait_for_url("**/fr/pages/contact?done=saved")
        assert page.locator("h1").inner_text() == "Nous écrire"
        assert page.locator(".prose h2").inner_text() == "Au guichet"
        assert page.locator(".prose strong, .prose b").inner_text() == "neuf"
        assert "<script>alert(1)</script>" in page.locator(".prose").inner_text()
        page.goto("/en/pages/contact")
        assert page.locator("h1").inner_text() == "Contact"
        page.goto("/fr/manage/pages/contact")
        page.fill("#f-title", "")
        page.fill("#f-body", "")
        page.click("main form button")
        page.wait_for_url("**/fr/pages/contact?done=saved")
        page.goto("/fr/pages/contact")
        assert page.locator("main").inner_text() == first
