"""Plain writing turned into HTML: Markdown without raw HTML, and then cleaned all the same."""

from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {"p", "h2", "h3", "ul", "ol", "li", "a", "strong", "em", "br", "blockquote", "hr", "code"}


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def to_html(text: str) -> Markup:
    """Turn Markdown into HTML of a few harmless kinds; links may lead to http, https, mail and telephone."""
    html = _markdown().render(text)
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"*": set(), "a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="nofollow noopener noreferrer",
    )
    return Markup(clean)  # noqa: S704 - the only place where text becomes HTML, and just cleaned
