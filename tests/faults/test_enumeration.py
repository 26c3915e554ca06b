"""Nobody can tell who has an account by what a form answers; `khma test --faults` looks at the time as well: bar 26."""

import random
from pathlib import Path

import pytest

from tests.faults.enumeration import KINDS, Found, ask, deployment
from tests.plumbing.sizes import FAULTS, tries

TRIES = tries(3, 1000)


@pytest.mark.parametrize("kind", KINDS)
def test_known_and_unknown_cannot_be_told_apart(kind: str, tmp_path: Path) -> None:
    faults = {}
    with deployment(kind, tmp_path) as (base, forms):
        for name, form in forms.items():
            found = ask(base, tmp_path / "limits.sqlite3", form, TRIES, random.Random(26))
            assert all(len(answers) == 1 for answers in found.answers.values()), (name, found.answers)
            if told := found.faults(timed=FAULTS):
                faults[name] = told
    assert faults == {}


def test_a_difference_would_be_told() -> None:
    same = {"known": {"303"}, "unknown": {"303"}}
    assert Found({"known": [1.0, 2.0], "unknown": [1.0, 2.0]}, same).faults(timed=True) == []
    assert Found({"known": [2.0, 3.0], "unknown": [1.0, 1.5]}, same).faults(timed=True) != []
    assert Found({"known": [9.0, 9.0], "unknown": [9.0, 9.0]}, same | {"known": {"422"}}).faults(timed=False) != []
