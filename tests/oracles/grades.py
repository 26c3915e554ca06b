"""A second opinion on grades, by pref_voting; run with the Python of .venv-oracles, never imported by Khma.

    .venv-oracles/bin/python tests/oracles/grades.py < piles.json > answers.json

In:  a list of {"options": m, "ballots": [[[grade or null for each option], how many], …]}; grades 0 to 5.
Out: for each the winners by {"score": […], "mean": […], "star": […], "median": […], "approval": […]}.
     score: sums, left out as 0. mean: of those who gave a grade. star: every way to break a tie of points is tried.
     median: left out as 0; ties by the majority gauge. approval: a grade of 3 or more is an approval.
"""

import json
import sys
from typing import Any

from pref_voting.grade_methods import approval, majority_judgement, score_voting, star
from pref_voting.grade_profiles import GradeProfile

GRADES = [0, 1, 2, 3, 4, 5]


def lay_out(options: int, rows: list[tuple[dict[int, int], int]], grades: list[int]) -> GradeProfile:
    """Make their profile."""
    return GradeProfile(
        [row for row, _ in rows], grades, gcounts=[weight for _, weight in rows], candidates=list(range(options))
    )


def answer(options: int, ballots: list[tuple[list[int | None], int]]) -> dict[str, Any]:
    """Count one pile by each rule."""
    full = lay_out(options, [(dict(enumerate(g or 0 for g in row)), n) for row, n in ballots], GRADES)
    given = lay_out(options, [({i: g for i, g in enumerate(row) if g is not None}, n) for row, n in ballots], GRADES)
    marks = lay_out(options, [({i: int((g or 0) >= 3) for i, g in enumerate(row)}, n) for row, n in ballots], [0, 1])
    found = {
        "score": score_voting(full),
        "mean": score_voting(given, evaluation_method="mean"),
        "star": star(full),
        "median": majority_judgement(full),
        "approval": approval(marks),
    }
    return {name: sorted(map(int, winners)) for name, winners in found.items()}


if __name__ == "__main__":
    json.dump([answer(**pile) for pile in json.load(sys.stdin)], sys.stdout)
