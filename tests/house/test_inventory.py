"""The inventory tells the truth: each number in it is the number in the code, and no limit of a form is left out."""

import importlib
import re
from pathlib import Path

import pytest

from app.accounts.oidc.claims import SMALLEST_RSA_BITS
from app.accounts.passwords import ARGON2
from app.security import Role

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security" / "inventory.md").read_text("utf-8")
ROW = re.compile(r"^\| (.+) \| ([\d,]+)(?: (\w+))? \| `([a-z_.]+)\.([A-Z_]+)` \|$", re.MULTILINE)
UNITS = {"MB": 1_000_000, "MiB": 1024 * 1024}
LIMIT = re.compile(r"^((?:LONGEST|LARGEST|MOST)_?[A-Z_]*)(?:: \w+)? = ", re.MULTILINE)
NOT_TYPED = {
    "app.accounts.sessions.LONGEST": "a time",
    "app.accounts.limits.LONGEST_WAIT_SECONDS": "a time",
    "app.accounts.oidc.claims.LONGEST_SUBJECT": "a provider's",
    "app.accounts.oidc.notes.LONGEST_PLACE": "an address of ours",
    "app.accounts.oidc.notes.LONGEST_TURN": "a cookie of ours",
    "app.accounts.prints.running.MOST_WAITING": "what a page shows",
    "app.accounts.roll.importing.LONGEST_NAME": "a line of a file",
    "app.accounts.roll.importing.LONGEST_REFERENCE": "a line of a file",
    "app.accounts.roll.spreadsheet.MOST_COLUMNS": "a line of a file",
    "app.cli.count.LONGEST": "what a command shows",
    "app.cli.telling.LONGEST_NUMBER": "what a command shows",
    "app.cli.telling.MOST_LINES": "what a command shows",
    "app.cli.verify.MOST_FILES": "a command's",
    "app.web.asking.MOST_LINES": "what a page shows",
    "app.web.asking.MOST_TICKED": "what a page shows",
    "app.web.counter.LONGEST_SEARCH": "as with people",
    "app.web.home.MOST_SHOWN": "what a page shows",
    "app.web.results.MOST_LINES": "what a page shows",
    "app.web.rolls.LONGEST_SEARCH": "as with people",
    "app.web.services.LONGEST_SEARCH": "as with people",
    "commons.approvals.store.MOST_SHOWN": "what a page shows",
    "commons.media.pictures.LONGEST_EDGE": "what it becomes",
    "polls.drafting.LONGEST_NOTE": "beside the question",
    "polls.rulecard.LONGEST_SOURCE": "beside the address",
    "polls.store.MOST_WAITING": "what a page shows",
    "polls.tables.MOST_RANKED": "what a form begins with",
    "polls.typed.MOST_DIGITS": "of a number that has a limit of its own",
    "results.attack.LONGEST_SECONDS": "a time",
    "results.attack.MOST_CELLS": "what the worker tries",
    "results.attack.MOST_PATTERNS": "what the worker tries",
    "results.archive.MOST_GRADES": "what a page shows",
    "results.differences.LONGEST_EXCERPT": "what a command shows",
    "results.examination.MOST_FINDINGS_A_FILE": "what a command shows",
    "results.publication.LONGEST_REASON": "as with approvals",
    "results.recount.MOST_GRADES": "what an archive holds",
    "results.publication.MOST_PROOFS": "what a command shows",
}


def kept(module: str, name: str) -> int:
    """Give the number that a name stands for; of a limit of tries, how many are free."""
    value = getattr(importlib.import_module(module), name)
    return int(getattr(value, "free", value))


def lies_in(text: str) -> list[str]:
    """Name each row whose number is not that of the code."""
    return [
        f"{module}.{name}: {number} {unit} is not {kept(module, name)}"
        for _, number, unit, module, name in ROW.findall(text)
        if int(number.replace(",", "")) * UNITS.get(unit, 1) != kept(module, name)
    ]


def test_every_number_is_that_of_the_code() -> None:
    assert lies_in(TEXT) == []
    assert len(ROW.findall(TEXT)) == len(re.findall(r"\| `[a-z_.]+\.[A-Z_]+` \|$", TEXT, re.MULTILINE)) >= 45


def test_every_limit_in_the_code_is_told_or_is_none_of_a_form() -> None:
    found = {
        f"{path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')}.{name}"
        for package in ("app", "commons", "polls", "ballots", "results")
        for path in (ROOT / package).rglob("*.py")
        for name in LIMIT.findall(path.read_text("utf-8"))
    }
    told = {f"{module}.{name}" for *_, module, name in ROW.findall(TEXT)}
    assert found - told == set(NOT_TYPED)


def test_what_it_says_of_hashing_and_of_keys_is_so() -> None:
    assert (ARGON2.type.name, ARGON2.memory_cost // 1024, ARGON2.time_cost) == ("ID", 19, 2)
    assert "Argon2id, 19 MiB, 2 rounds" in TEXT
    assert f"RSA of {SMALLEST_RSA_BITS} bits or more" in TEXT


def test_who_it_names_is_a_role() -> None:
    part = TEXT.partition("## Who may read")[2].partition("\n## ")[0]
    words = {role.value.replace("_", " ").replace("admin", "administrator") for role in Role}
    for word in ("administrators", "auditors", "managers", "officers", "print officers", "counter agents"):
        assert word.removesuffix("s") in words
        assert word in part


@pytest.mark.parametrize(
    "row",
    [
        "| a form | 2 MB | `app.main.LARGEST_BODY_BYTES` |",
        "| wrong codes | 6 | `app.accounts.limits.FACTOR_OF_ACCOUNT` |",
        "| a picture | 8 MB | `commons.media.pictures.LARGEST_FILE_BYTES` |",
    ],
)
def test_a_number_that_is_not_so_would_be_found(row: str) -> None:
    assert lies_in(row)
