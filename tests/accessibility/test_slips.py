"""Slips on paper: several on a page, and none broken over two; measured in the PDF that a real browser prints."""

import re

from playwright.sync_api import Browser

from tests.accessibility.prints import PRINTER, PRINTS, all_slips
from tests.plumbing.browser import opened_page
from tests.plumbing.town import RunningTown

A4_WIDTH, A4_HEIGHT, MARGIN = 794, 1123, 38  # CSS pixels; the margin is Chromium's own, 1 cm


def test_no_slip_is_broken_over_two_pages(chromium: Browser, town: RunningTown) -> None:
    with opened_page(chromium, town.base, width=A4_WIDTH - 2 * MARGIN) as page:
        page.context.add_cookies([town.cookie(PRINTER)])
        page.goto(f"/en{PRINTS}")
        all_slips(page, town)
        page.emulate_media(media="print")
        slips = page.locator(".slip")
        assert slips.first.evaluate("slip => getComputedStyle(slip).breakInside") == "avoid"
        heights = slips.evaluate_all("slips => slips.map(slip => slip.getBoundingClientRect().height)")
        top = slips.first.evaluate("slip => slip.getBoundingClientRect().top + scrollY")
        room = A4_HEIGHT - 2 * MARGIN
        assert len(heights) >= 50
        assert top + 2 * max(heights) < room  # two rows of two stand on the first page too
        pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(format="A4", margin=dict.fromkeys(
            ("top", "right", "bottom", "left"), f"{MARGIN}px"))))  # fmt: skip
        assert pages == -(-len(heights) // 4)  # four on each page; broken ones would fill the gaps and need fewer
