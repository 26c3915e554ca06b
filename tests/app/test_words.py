"""Every code that the program can raise has a sentence in every language, and every sentence has its code."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from app.config import LANGUAGES, ROOT
from app.i18n import explain, words
from app.web.errors import KNOWN
from app.web.respond import NOTICES
from commons.errors import Invalid

PACKAGES = ("app", "commons", "polls", "ballots", "results")
FOUR = {"NotFound", "Forbidden", "Conflict", "Invalid"}
CODE = re.compile(r"[a-z_]+(\.[a-z_-]+)+")
WRITTEN = [code for code in LANGUAGES if code == "en" or (ROOT / "app" / "locale" / f"{code}.po").exists()]


class Whatever(dict[str, Any]):
    """Facts that have everything a sentence may ask for."""

    def __missing__(self, key: str) -> int:
        return 3


def trees() -> Iterator[ast.AST]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(path.read_text("utf-8"))


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def find_codes() -> dict[str, list[set[str] | None]]:
    """Find every code that is raised or said, and the facts given beside it; None where a class gives its own."""
    everything = [node for tree in trees() for node in ast.walk(tree)]
    kinds = set(FOUR)
    for _ in range(3):  # subclasses of subclasses
        for node in everything:
            if isinstance(node, ast.ClassDef) and {getattr(base, "id", "") for base in node.bases} & kinds:
                kinds.add(node.name)
    found: dict[str, list[set[str] | None]] = defaultdict(list)
    for node in everything:
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        code, name = str(node.args[0].value), called(node)
        if name == "BallotFileError":
            found[f"file.{code}"].append(None)
        elif CODE.fullmatch(code) and name in kinds | {"__init__"}:
            facts = {keyword.arg or "" for keyword in node.keywords} - {"field"}
            found[code].append(facts if name in FOUR else None)
    for node in everything:
        if isinstance(node, ast.Call) and called(node) == "words" and len(node.args) > 1:
            said = node.args[1]
            if isinstance(said, ast.Constant):
                found[str(said.value)].append(None)
    for code in (*KNOWN.values(), *(f"done.{notice}" for notice in NOTICES)):
        found[code].append(None)
    return dict(found)


CODES = find_codes()
SENTENCES = set(re.findall(r'code == "([^"]+)"', (ROOT / "templates/macros/words.html").read_text("utf-8")))


def test_the_search_finds_codes_of_each_kind() -> None:
    assert {"address.taken", "door.bug", "door.nowhere", "done.saved", "file.line", "text.too_long"} <= set(CODES)
    assert {"limit", "found"} in CODES["text.too_long"]


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert sorted(set(CODES) - SENTENCES) == []
    assert sorted(SENTENCES - set(CODES)) == []


@pytest.mark.parametrize("lang", WRITTEN)
def test_every_sentence_can_be_said_with_the_facts_that_are_given(lang: str) -> None:
    for code, uses in CODES.items():
        for facts in uses:
            given: dict[str, Any] = Whatever() if facts is None else dict.fromkeys(facts, 3)
            sentence = words(lang, code, given)
            assert sentence
            assert "%(" not in sentence, (lang, code)


def test_a_sentence_names_the_limit_in_the_words_of_the_reader() -> None:
    short = Invalid("password.too_short", field="password", limit=15, found=3)
    said = {lang: explain(lang, short) for lang in WRITTEN}
    assert said["en"].startswith("Use 15 characters or more.")
    assert len(set(said.values())) == len(WRITTEN)
    assert all("15" in sentence for sentence in said.values())


def test_a_code_without_a_sentence_is_a_fault() -> None:
    with pytest.raises(LookupError, match=r"no\.such\.code"):
        words("en", "no.such.code", {})


def test_plural_forms_follow_the_language() -> None:
    assert words("en", "door.too_many", {"minutes": 1}) == "Too many tries. Wait 1 minute, then try again."
    assert words("en", "door.too_many", {"minutes": 5}) == "Too many tries. Wait 5 minutes, then try again."
    if "ar" in WRITTEN:  # Arabic has a form for two, one for few, one for many
        assert len({re.sub(r"\d+", "", words("ar", "door.too_many", {"minutes": n})) for n in (1, 2, 5, 15)}) >= 3
