"""Plurality, Borda and ranked pairs: pref_voting's answers, recorded; asked afresh where .venv-oracles is installed.

To record anew: `python -m tests.ballots.counting.test_orders_oracle`.
"""

import random
from fractions import Fraction
from typing import Any

import pytest

from ballots.counting import borda, plurality, ranked_pairs
from ballots.counting.contest import Contest
from ballots.counting.types import Profile, close_up
from tests.plumbing.oracles import PILES, PYTHON, Oracle


def make_piles(number: int) -> list[dict[str, Any]]:
    """Make small piles with circles, equal ranks and partial ballots; the same ones each time.

    Weights differ enough for most comparisons to differ in strength; half of the piles are made of turned rankings, so
    that circles are common.
    """
    dice = random.Random(1987)
    piles = []
    for _ in range(number):
        m = dice.randint(2, 6)
        ranks = [None, *range(1, m + 1)]
        rows = {tuple(dice.choice(ranks) for _ in range(m)): dice.randint(1, 99) for _ in range(dice.randint(2, 7))}
        if dice.random() < 0.5:
            turned = [tuple((i + turn) % m + 1 for i in range(m)) for turn in range(m)]
            rows |= {row: dice.randint(100, 199) for row in turned}
        ballots = [[list(row), weight] for row, weight in rows.items() if any(row)]
        piles.append({"options": m, "ballots": ballots or [[[1] * m, 1]]})
    return piles


ORACLE = Oracle("orders", make_piles)


def count(pile: dict[str, Any]) -> dict[str, Any]:
    """Count one pile ourselves, in the words of the oracle."""
    rows: dict[bytes, int] = {}
    for ranks, weight in pile["ballots"]:
        rows[close_up(ranks)] = rows.get(close_up(ranks), 0) + weight
    m = pile["options"]
    contest = Contest(Profile.of_rows(map(str, range(m)), rows))
    points = borda.count(contest)
    steps = ranked_pairs.count(contest).certificate["steps"]
    # Of every ballot the middle place gives (m + 1) / 2 points; theirs are counted from there, and doubled.
    middle = points.counted * (m + 1)
    is_plain = len({step["for"] for step in steps}) == m * (m - 1) // 2
    return {
        "plurality": list(plurality.count(contest).certificate["votes"].values()),
        "borda": [int(2 * Fraction(score)) - middle for score in points.certificate["scores"].values()],
        "locked": sorted([int(a), int(b)] for step in steps for a, b in step["locked"]) if is_plain else None,
    }


def test_we_agree_with_the_recorded_answers() -> None:
    recorded = ORACLE.recorded
    assert [pile for pile, _ in recorded] == make_piles(PILES)
    assert [count(pile) for pile, _ in recorded] == [answer for _, answer in recorded]
    # The piles are worth asking about: in some of them a comparison contradicts clearer ones.
    comparisons = [(pile["options"] * (pile["options"] - 1) // 2, answer["locked"]) for pile, answer in recorded]
    assert sum(locked is not None and len(locked) < pairs for pairs, locked in comparisons) >= 10


@pytest.mark.skipif(not PYTHON.exists(), reason="the oracles are not installed in .venv-oracles")
def test_the_oracle_still_says_what_was_recorded() -> None:
    assert ORACLE.still_agrees()


if __name__ == "__main__":
    ORACLE.record()
