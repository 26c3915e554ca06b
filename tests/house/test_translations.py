"""Four languages are complete: every message of the sources stands in every catalogue, whole, and nothing else does."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.config import LANGUAGES

ROOT = Path(__file__).parents[2]
TRANSLATED = sorted(set(LANGUAGES) - {"en"})
PLACEHOLDER = re.compile(r"%\(\w+\)s|</?\w+>")

Id = tuple[str, ...]


@cache
def asked_for() -> frozenset[Id]:
    """Every message of the sources, as (singular,) or (singular, plural)."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(each["pattern"], each["method"]) for each in settings]
    options = {each["pattern"]: {k: v for k, v in each.items() if k not in {"pattern", "method"}} for each in settings}
    found = set()
    for _, _, message, _, _ in extract_from_dir(
        ROOT, methods, options, keywords={"_": None, "gettext": None, "ngettext": (1, 2)}
    ):
        found.add((message,) if isinstance(message, str) else tuple(message[:2]))
    return frozenset(found)


def catalogue(language: str) -> Catalog:
    with (ROOT / "app" / "locale" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def id_of(message: Message) -> Id:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def forms(message: Message) -> Iterator[str]:
    yield from [message.string] if isinstance(message.string, str) else message.string


def test_the_sources_are_read() -> None:
    assert ("Results",) in asked_for()  # in a template and in Python
    assert ("%(shown)s service", "%(shown)s services") in asked_for()
    assert len(asked_for()) > 300


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    written = {id_of(message) for message in catalogue(language) if message.id}
    assert asked_for() - written == set()
    assert written - asked_for() == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_form_is_there_and_keeps_its_placeholders(language: str) -> None:
    read = catalogue(language)
    for message in read:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        strings = list(forms(message))
        assert len(strings) == (1 if isinstance(message.id, str) else read.num_plurals), message.id
        plural = set(PLACEHOLDER.findall(id_of(message)[-1]))
        singular = set(PLACEHOLDER.findall(id_of(message)[0]))
        for string in strings:
            assert string.strip(), message.id
            used = set(PLACEHOLDER.findall(string))
            # A language may leave the number out where the form itself says it ("one voter", a dual).
            assert used <= plural | singular, (message.id, string)
            assert plural - used <= {"%(shown)s", "%(count)s", "%(drawn)s"}, (message.id, string)
