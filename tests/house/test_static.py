"""What goes to the browser: nothing inline, nothing unescaped, and of others' scripts exactly the ones we read."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "app" / "static"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LETTERS = ROOT / "templates" / "letters"  # mail programs read no style sheets of ours
FORBIDDEN = {
    "inline style": r"<[^>]*\sstyle\s*=",
    "inline handler": r"<[^>]*\son[a-z]+\s*=",
    "inline script": r"<script(?![^>]*\ssrc\s*=)",
    "inline style sheet": r"<style\b",
    "script address": r"javascript:",
    "htmx that evaluates": r"\bhx-on\b|\"js:|'js:|hx-trigger=[\"'][^\"']*\[",
    "another site": r"(?:src|href)\s*=\s*[\"'](?:https?:)?//[^\"']+\.(?:js|css|woff2?|png|svg|jpe?g)",
    "unescaped": r"\|\s*safe\b|autoescape\s+false",
}
MAY_BE_UNESCAPED = frozenset[str]()  # names of templates, each with the reason beside it

PLANTED = {
    "inline style": '<p class="a" style="color:red">',
    "inline handler": '<a href="/" onclick="go()">',
    "inline script": "<script>go()</script>",
    "inline style sheet": "<style>p{}</style>",
    "script address": '<a href="javascript:go()">',
    "htmx that evaluates": """<b hx-vals='js:{a: 1}'>""",
    "another site": '<script src="https://far.example/a.js"></script>',
    "unescaped": "{{ words | safe }}",
}


def faults(text: str) -> set[str]:
    """Name all that a page of ours must not hold; comments of the template language are not sent."""
    sent = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    return {name for name, pattern in FORBIDDEN.items() if re.search(pattern, sent, re.IGNORECASE)}


@pytest.mark.parametrize("fault", FORBIDDEN)
def test_a_planted_fault_is_found(fault: str) -> None:
    assert fault in faults(PLANTED[fault])


def test_a_sound_page_has_no_fault() -> None:
    page = '<link rel="stylesheet" href="/static/khma.css"><script src="/static/htmx.min.js" defer></script>'
    assert faults(page + '<form action="/en/" data-style="a" hx-get="/en/"><p>on=1, safe</p></form>') == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_hold_nothing_inline_and_nothing_unescaped(path: Path) -> None:
    allowed = {"unescaped"} if str(path.relative_to(ROOT / "templates")) in MAY_BE_UNESCAPED else set[str]()
    if LETTERS in path.parents:
        allowed |= {"inline style"}
    assert faults(path.read_text("utf-8")) - allowed == set()


def test_vendored_files_are_the_ones_that_were_read() -> None:
    rows = [re.findall(r"[^|`\s]+", line) for line in (STATIC / "README.md").read_text("utf-8").splitlines()]
    told = {row[0]: row for row in rows if row and (STATIC / row[0]).is_file()}
    digest = hashlib.sha512((STATIC / "htmx.min.js").read_bytes())
    written = {digest.hexdigest(), base64.b64encode(digest.digest()).decode()}
    assert written & {word.removeprefix("sha512-") for word in told["htmx.min.js"]}
    for name, row in told.items():
        for word in row:
            if re.fullmatch(r"[0-9a-f]{128}", word):
                assert hashlib.sha512((STATIC / name).read_bytes()).hexdigest() == word, name


def test_style_sheets_fetch_nothing_from_elsewhere() -> None:
    for path in STATIC.glob("*.css"):
        assert re.findall(r"(?:url\(\s*['\"]?|@import\s+['\"]?)(?:https?:)?//[^)]*", path.read_text("utf-8")) == []
