"""A real Chromium, driven as a person would: with and without JavaScript, at any width, in any language."""

import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.plumbing.used import note

FLAGS = [
    "--no-sandbox",  # containers and root have no user namespaces; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window.

    Raises: FileNotFoundError when it is not installed.
    Cost:   half a second.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FileNotFoundError("Chromium is not installed; ./khma test installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            note("Chromium", browser.version)
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_page(
    browser: Browser,
    base_url: str = "",
    *,
    javascript: bool = True,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    language: str = "en",
    **more: Any,  # noqa: ANN401 - whatever else a Playwright context takes
) -> Iterator[Page]:
    """Open one page in a context of its own: no cookie of another test is in it.

    base_url: what "/en/" is relative to.
    more:     other words of Playwright's `new_context`, such as forced_colors="active" or reduced_motion="reduce".
    """
    context = browser.new_context(
        base_url=base_url or None,
        java_script_enabled=javascript,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale=language,
        **more,
    )
    try:
        yield context.new_page()
    finally:
        context.close()


@functools.cache
def _axe_source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def axe(page: Page, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - axe's own vocabulary
    """Check the page with axe-core and give what it found wrong.

    options: axe's run options, such as runOnly=["wcag2a", "wcag2aa"]; by default all its rules.
    Returns: one dict for each rule broken: rule, impact, help, and nodes (selector: what to change).
    Source:  the script goes in through the debugging door, so the page keeps its own Content-Security-Policy.
    """
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(_axe_source())
    # Half the time: it tells no more about what is right, and fetches no sounds, of which no page has any.
    options = {"resultTypes": ["violations"], "preload": False} | options
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        {
            "rule": violation["id"],
            "impact": violation["impact"],
            "help": violation["help"],
            "nodes": {" ".join(map(str, node["target"])): node["failureSummary"] for node in violation["nodes"]},
        }
        for violation in found["violations"]
    ]


def overflows(page: Page) -> bool:
    """Tell whether the page must be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
