"""The pictures in README.md, taken from the real program: an invented town is built, opened and photographed.

    .venv/bin/python -m docs.screenshots.make

Run it from the top folder when a page has changed its face; the pictures are committed. Needs Chromium.
"""

import asyncio
import io
import logging
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from app.cli.demo import demo_config
from app.db import upgrade
from app.demo.town import build_town
from app.demo.votes import OPEN
from app.house import open_house
from app.jobs.schedule import WORK
from app.jobs.worker import Worker
from app.log import set_up
from tests.plumbing.browser import opened_page, running_chromium
from tests.plumbing.postgres import free_port
from tests.plumbing.server import running_server

HERE = Path(__file__).parent
LARGEST_BYTES = 300_000
COLOURS = 256  # the look has few; a palette makes a picture three times smaller
SIZES = {"": (1440, 900), "-small": (390, 844)}
# name -> address, and where the window begins; "" is the top
PAGES = {
    "home": ("/en", ""),
    "ballot": ("/en/votes/which-services-should-open-first", "h1"),
    "result": ("/en/results/debian-project-leader-2007", "section:has(> .order)"),
}


async def _build(folder: Path) -> dict[str, str]:
    """Build the town and do all its work. Returns the settings a server needs to show it."""
    config = demo_config(folder, free_port())
    upgrade(config.database_url)
    house = open_house(config)
    try:
        await build_town(house, [OPEN])
        await Worker(house, WORK, lambda _: None).do_all()
    finally:
        await house.close()
    return {
        "KHMA_DATA": str(config.data),
        "KHMA_DATABASE_URL": config.database_url,
        "KHMA_KEYS": str(config.keys),
        "KHMA_DEMONSTRATION": "1",
    }


def _photograph(browser: Browser, base: str, path: str, start: str, size: tuple[int, int]) -> bytes:
    """Take one page as it stands in a window of this size, in pixels. Returns a PNG of few colours."""
    with opened_page(browser, base, width=size[0], height=size[1], reduced_motion="reduce") as page:
        answer = page.goto(path)
        if answer is None or not answer.ok:
            raise RuntimeError(f"{path} did not answer as it should")
        page.evaluate("document.fonts.ready")
        if start:
            page.locator(start).evaluate("element => element.scrollIntoView()")
        taken = Image.open(io.BytesIO(page.screenshot()))
    small = io.BytesIO()
    taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> int:
    """Take every picture. Returns 1 when one is too large to be in a README."""
    set_up(logging.WARNING)
    too_large = False
    with tempfile.TemporaryDirectory(prefix="khma-screenshots-") as folder:
        settings = asyncio.run(_build(Path(folder)))
        with running_server(settings) as base, running_chromium() as browser:
            for name, (path, start) in PAGES.items():
                for suffix, size in SIZES.items():
                    picture = _photograph(browser, base, path, start, size)
                    target = HERE / f"{name}{suffix}.png"
                    target.write_bytes(picture)
                    too_large = too_large or len(picture) > LARGEST_BYTES
                    sys.stdout.write(f"{target.name}: {size[0]} x {size[1]}, {len(picture):,} bytes\n")
    return int(too_large)


if __name__ == "__main__":
    sys.exit(main())
