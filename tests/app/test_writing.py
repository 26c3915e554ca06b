"""What an officer writes becomes a few harmless kinds of HTML, whatever was hidden in it."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.writing import TAGS, to_html
from tests.plumbing.house import Town

SCHEMES = {"", "http", "https", "mailto", "tel"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<style>body{display:none}</style>",
    "<iframe src='https://evil.example'></iframe>",
    "<a href='https://evil.example' onclick='go()'>x</a>",
    "<form action='https://evil.example'><input name=password></form>",
    "<base href='https://evil.example'><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x]( \x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](ftp://evil.example/a)",
    "[x](ms-settings:privacy)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    '[x](https://evil.example "onmouseover=alert(1)")',
    '[x](https://evil.example"onmouseover="alert(1))',
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    "# <img src=x onerror=alert(1)>",
    "- <b onclick=alert(1)>x</b>",
    "<!-- --><script>alert(1)</script><!-- -->",
    "<<script>script>alert(1)<</script>/script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
]
PIECES = [
    "<",
    ">",
    "script",
    "javascript:",
    "[x](",
    ")",
    '"',
    "'",
    "onerror=",
    "&#106;",
    "![",
    "]",
    "`",
    "\n",
    "a",
    "<a href=",
    "-->",
]


class Kinds(HTMLParser):
    """Collects the tags of a text with their attributes, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_comment(self, data: str) -> None:
        self.found.append(("!--", {}))


def faults(text: str) -> list[str]:
    """Name all in a piece of HTML that may not be in our pages."""
    wrong = []
    for tag, attrs in Kinds(text).found:
        if tag not in TAGS or (attrs and tag != "a") or not set(attrs) <= {"href", "rel"}:
            wrong.append(f"<{tag} {attrs}>")
        elif "href" in attrs and urlsplit(attrs["href"].strip()).scheme.lower() not in SCHEMES:
            wrong.append(attrs["href"])
        elif "href" in attrs and set(attrs.get("rel", "").split()) != {"nofollow", "noopener", "noreferrer"}:
            wrong.append(f"rel of {attrs}")
    return wrong


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_left_of_what_was_written(text: str) -> None:
    assert faults(to_html(text)) == []


@given(st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=150)
def test_no_mixture_of_pieces_becomes_hostile(pieces: list[str]) -> None:
    assert faults(to_html("".join(pieces))) == []


def test_what_is_harmless_stays() -> None:
    text = to_html("## Hours\n\nWe are **open**: [ask](https://town.example/a?b=c), [write](mailto:hall@town.example).")
    kinds = Kinds(text).found
    assert [tag for tag, _ in kinds] == ["h2", "p", "strong", "a", "a"]
    assert [attrs["href"] for tag, attrs in kinds if tag == "a"] == [
        "https://town.example/a?b=c",
        "mailto:hall@town.example",
    ]


def test_a_fault_would_be_found() -> None:
    for text in ("<script>", "<p onclick=a>", '<a href="javascript:a">', '<a href="https://a.example">', "<img src=a>"):
        assert faults(text)


@pytest.mark.anyio
async def test_an_own_page_shows_none_of_it(one_town: Town) -> None:
    browser = await one_town.signed_in("manager")
    form = {"lang": "en", "title": "About <us>", "body": "\n\n".join(HOSTILE)}
    assert (await browser.send("/en/manage/pages/about", form)).status_code == 303
    page = (await one_town.browser().get("/en/pages/about")).text
    _, _, body = page.partition("<main")
    main = body.partition("</main>")[0]
    assert "&lt;script&gt;" in main  # shown as what it is
    for word in ("<script", "onerror=alert(1)>", "<iframe", "<img", 'href="java', 'href="data', "<form"):
        assert word not in main.lower(), word
