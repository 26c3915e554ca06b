"""Slips on paper: several on a page, and none broken over two; measured in the PDF that a real browser prints.

In large print too; and the corner to cut off is the one at the square, from right to left as well.
"""

import re

from playwright.sync_api import Browser

from tests.accessibility.prints import PRINTER, PRINTS, all_slips
from tests.plumbing.browser import opened_page
from tests.plumbing.town import RunningTown

A4_WIDTH, A4_HEIGHT, MARGIN = 794, 1123, 38  # CSS pixels; the margin is Chromium's own, 1 cm
LEAST_LARGE = 24  # CSS pixels: 18 points
SMALLEST_TEXT = """slip => Math.min(...[...slip.querySelectorAll("*")]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
ROWS_OF = "all => all.map(each => new Set([...each.getClientRects()].map(box => Math.round(box.top))).size)"
FROM_CORNERS = """slip => {
    const [at, cut, square] = [slip, ...["svg.mirror", "svg.qr"].map(each => slip.querySelector(each))]
        .map(each => each.getBoundingClientRect());
    const far = (x, y) => Math.hypot(square.x + square.width / 2 - x, square.y + square.height / 2 - y);
    const corners = [[at.left, at.top], [at.right, at.top], [at.left, at.bottom], [at.right, at.bottom]];
    const nearest = corners.reduce((one, other) => far(...one) <= far(...other) ? one : other);
    const x = Math.abs(nearest[0] - (nearest[0] === at.left ? cut.left : cut.right));
    const y = Math.abs(nearest[1] - cut.bottom);
    const clear = Math.abs(nearest[0] - (nearest[0] === at.left ? square.left : square.right))
        + Math.abs(nearest[1] - square.bottom);
    return [x <= 2 && y <= 2, clear > cut.width];
}"""


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
        assert slips.evaluate_all(f"all => all.slice(0, 2).map({FROM_CORNERS})") == [[True, True]] * 2
        codes, numbers = page.locator(".slip-code code"), page.locator(".serial")
        assert set(codes.evaluate_all(ROWS_OF)) == {1}
        page.emulate_media(media="screen")
        page.check("[data-large]")
        page.emulate_media(media="print")
        assert slips.first.evaluate(SMALLEST_TEXT) >= LEAST_LARGE
        assert set(codes.evaluate_all(ROWS_OF)) == {1}
        assert slips.first.evaluate("slip => slip.scrollWidth <= slip.clientWidth")
        assert slips.first.evaluate("slip => slip.getBoundingClientRect().height") < room
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert slips.first.evaluate(FROM_CORNERS) == [True, True]
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 320, "height": 900})
        assert numbers.count() >= len(heights)
        assert set(numbers.evaluate_all(ROWS_OF)) == {1}
