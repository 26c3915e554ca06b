"""Sorting by name in one place, so that both databases and every page agree."""

import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


def sorted_by_name(things: Iterable[Thing], name_of: Callable[[Thing], str]) -> list[Thing]:
    """Sort by name: letters without their accents first, then as written. Scripts follow one another as in Unicode."""

    def key(thing: Thing) -> tuple[str, str]:
        name = name_of(thing)
        plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        return plain.casefold(), name

    return sorted(things, key=key)
