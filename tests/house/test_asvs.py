"""The list of OWASP ASVS 5.0 is whole, and no line of it names a test or a page that is not there."""

import ast
import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "docs" / "security" / "asvs.csv"
VERDICTS = {"shown", "written", "n/a", "open"}
# Items of level 1 and of level 2 in each chapter of the standard, 5.0.0.
CHAPTERS = {
    1: (8, 19), 2: (4, 7), 3: (8, 11), 4: (2, 8), 5: (4, 5), 6: (13, 22), 7: (6, 12), 8: (4, 3), 9: (4, 3),
    10: (5, 24), 11: (3, 11), 12: (3, 6), 13: (1, 12), 14: (2, 7), 15: (3, 10), 16: (0, 16), 17: (0, 7),
}  # fmt: skip


def rows() -> list[dict[str, str]]:
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def names_in(path: str) -> frozenset[str]:
    """Name the tests of a file; none where it is not there."""
    if not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in tree.body if isinstance(each, kinds) and each.name.startswith("test_"))


def faults_of(row: dict[str, str]) -> list[str]:
    """Tell what is wrong with one line of the list."""
    by, verdict = row["shown_by"], row["verdict"]
    if verdict not in VERDICTS or not by or not row["what"]:
        return [f"{row['id']}: {verdict!r} {by!r}"]
    if verdict == "written":
        return [] if (ROOT / by).is_file() else [f"{row['id']}: there is no {by}"]
    if verdict == "shown":
        named = [each.split("::") for each in by.split("; ")]
        return [
            f"{row['id']}: there is no {each}" for each in named if len(each) != 2 or each[1] not in names_in(each[0])
        ]
    return [] if len(by.split()) > 1 else [f"{row['id']}: no reason"]


def test_every_named_test_and_page_exists() -> None:
    assert [fault for row in rows() for fault in faults_of(row)] == []


def test_every_item_of_both_levels_is_there_once_and_in_order() -> None:
    ids = [row["id"] for row in rows()]
    numbers = [tuple(map(int, re.fullmatch(r"V(\d+)\.(\d+)\.(\d+)", each).groups())) for each in ids]  # type: ignore[union-attr]
    assert numbers == sorted(set(numbers))
    counted = Counter((number[0], row["level"]) for number, row in zip(numbers, rows(), strict=True))
    assert {chapter: (counted[chapter, "1"], counted[chapter, "2"]) for chapter in CHAPTERS} == CHAPTERS
    assert sum(counted.values()) == sum(map(sum, CHAPTERS.values()))


@pytest.mark.parametrize(
    ("verdict", "by"),
    [
        ("shown", "tests/house/test_asvs.py::test_that_nobody_wrote"),
        ("shown", "tests/nowhere.py::test_every_named_test_and_page_exists"),
        ("shown", "tests/house/test_asvs.py"),
        ("written", "docs/nowhere.md"),
        ("n/a", ""),
        ("n/a", "never"),
        ("surely", "it is so"),
    ],
)
def test_a_claim_that_nothing_shows_would_be_found(verdict: str, by: str) -> None:
    assert faults_of({"id": "V1.1.1", "what": "something", "verdict": verdict, "shown_by": by})
