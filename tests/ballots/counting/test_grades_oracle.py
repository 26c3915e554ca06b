"""Score, STAR, majority judgment and approval: pref_voting's answers on 200 piles, recorded; live where installed.

Where pref_voting leaves a tie that the rule itself breaks further, our winners are among theirs: it tries every way to
break a tie of points in STAR, and stops at the majority gauge in majority judgment. Else the winners are the same.

To record anew: `python -m tests.ballots.counting.test_grades_oracle`.
"""

import random
from typing import Any

import pytest

from ballots.counting import approval, majority_judgment, score, star
from ballots.counting.contest import Contest, Grades, Variants
from ballots.counting.types import Outcome
from tests.plumbing.oracles import PILES, PYTHON, Oracle


def make_piles(number: int) -> list[dict[str, Any]]:
    """Make small piles in which sums, medians and run-offs are often equal; the same ones each time."""
    dice = random.Random(2014)
    piles = []
    for _ in range(number):
        m = dice.randint(2, 6)
        grades = [None, *range(6)] if dice.random() < 0.5 else [None, 0, 3, 5]
        rows = {tuple(dice.choice(grades) for _ in range(m)): dice.randint(1, 3) for _ in range(dice.randint(1, 7))}
        ballots = [[list(row), weight] for row, weight in rows.items() if any(each is not None for each in row)]
        piles.append({"options": m, "ballots": ballots or [[[5] * m, 1]]})
    return piles


ORACLE = Oracle("grades", make_piles)


def count(pile: dict[str, Any]) -> dict[str, Outcome]:
    """Count one pile ourselves, by the names of the oracle."""
    names = [str(i) for i in range(pile["options"])]
    rows = [({str(i): g for i, g in enumerate(row) if g is not None}, n) for row, n in pile["ballots"]]
    contest = Contest(grades=Grades.of(names, rows, top=5))
    marks = Grades.of(names, [({a: int(g >= 3) for a, g in row.items()}, n) for row, n in rows])
    return {
        "score": score.count(contest),
        "mean": score.count(contest, Variants(unranked="ignored")),
        "star": star.count(contest),
        "median": majority_judgment.count(contest),
        "approval": approval.count(Contest(grades=marks)),
    }


def winners(outcome: Outcome) -> list[int]:
    return sorted(map(int, outcome.winners))


RECORD = ORACLE.recorded


def test_the_piles_are_those_that_were_asked_about() -> None:
    assert [pile for pile, _ in RECORD] == make_piles(PILES)


@pytest.mark.parametrize("rule", ["score", "mean", "approval"])
def test_we_agree_with_the_recorded_answers(rule: str) -> None:
    assert [winners(count(pile)[rule]) for pile, _ in RECORD] == [answer[rule] for _, answer in RECORD]


@pytest.mark.parametrize("rule", ["star", "median"])
def test_our_winners_are_theirs_or_among_those_they_leave_tied(rule: str) -> None:
    narrower = 0
    for pile, answer in RECORD:
        ours = set(winners(count(pile)[rule]))
        assert ours <= set(answer[rule])
        narrower += ours < set(answer[rule])
    assert 5 <= narrower <= 100


@pytest.mark.skipif(not PYTHON.exists(), reason="the oracles are not installed in .venv-oracles")
def test_the_oracle_still_says_what_was_recorded() -> None:
    assert ORACLE.still_agrees()


if __name__ == "__main__":
    ORACLE.record()
