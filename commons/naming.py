"""Names: picked in a language, and sorted in one place so that both databases and every page agree."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

Thing = TypeVar("Thing")


def sorted_by_name(things: Iterable[Thing], name_of: Callable[[Thing], str]) -> list[Thing]:
    """Sort by name: letters without their accents first, then as written. Scripts follow one another as in Unicode."""

    def key(thing: Thing) -> tuple[str, str]:
        name = name_of(thing)
        plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        return plain.casefold(), name

    return sorted(things, key=key)


def text_in(texts: Mapping[str, str], language: str, fallback: str = "en") -> str:
    """Pick the text in a language; else in the organisation's language; else in the first code of the alphabet.

    texts:    language code -> text; an empty text counts as missing.
    Returns:  "" only where there is no text at all.
    """
    for code in (language, fallback, *sorted(texts)):
        if text := texts.get(code):
            return text
    return ""
