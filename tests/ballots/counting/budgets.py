"""Budgets to count: published ones, small ones by hand, and any."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from ballots.counting.contest import Contest, Grades, Money
from ballots.formats.reading import read_contest

VOTES = Path(__file__).parents[4] / "shared" / "data" / "votes"
needs_votes = pytest.mark.skipif(not VOTES.is_dir(), reason="the published votes are not beside this checkout")


def read_published(name: str) -> Contest:
    """Read one of the published files."""
    return read_contest((VOTES / name).read_bytes(), name)


def selected(name: str) -> set[str]:
    """Return what the city itself selected: its column `selected`."""
    rows = list(csv.reader((VOTES / name).read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    start = rows.index(["PROJECTS"]) + 1
    projects = [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 : rows.index(["VOTES"])]]
    return {project["project_id"] for project in projects if project["selected"] == "1"}


def make(budget: int, costs: dict[str, int], votes: list[tuple[str, int]]) -> Contest:
    """Make a budget with approvals such as ("AB", 3): three ballots for A and B."""
    return Contest(
        grades=Grades.of(costs, [(dict.fromkeys(vote, 1), weight) for vote, weight in votes], top=1),
        money=Money(Fraction(budget), tuple(map(Fraction, costs.values()))),
    )


@st.composite
def budgets(draw: st.DrawFn, most: st.SearchStrategy[int] = st.sampled_from([1, 1, 3])) -> Contest:  # noqa: B008
    """Draw a small budget: approvals or points, equal costs, blank ballots, projects that nobody chose."""
    names = "ABCDE"[: draw(st.integers(1, 5))]
    top = draw(most)
    row = st.tuples(*[st.integers(0, top)] * len(names))
    rows = draw(st.dictionaries(row, st.integers(1, 4), max_size=8))
    ballots = [(dict(zip(names, marks, strict=True)), weight) for marks, weight in rows.items() if any(marks)]
    ballots = [({name: mark for name, mark in marks.items() if mark}, weight) for marks, weight in ballots]
    money = st.integers(0, 30).map(Fraction)
    costs = tuple(draw(money) for _ in names)
    grades = Grades.of(names, ballots, top=top, blank=draw(st.integers(0, 2)))
    return Contest(grades=grades, money=Money(draw(money), costs))


def spread(contest: Contest, order: list[int]) -> Contest:
    """Write the same budget down ballot by ballot, last first, with its projects in another order."""
    grades, money = contest.grades, contest.money
    assert grades is not None
    assert money is not None
    each = np.repeat(np.arange(len(grades.weights)), grades.weights)[::-1]
    marks = grades.grades[each][:, order]
    names = tuple(grades.options[i] for i in order)
    ones = np.ones(len(each), dtype=np.int64)
    return Contest(
        grades=Grades(names, marks, ones, grades.top, grades.blank, grades.invalid),
        money=Money(money.budget, tuple(money.costs[i] for i in order)),
    )
