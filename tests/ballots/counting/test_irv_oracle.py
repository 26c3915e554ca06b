"""Instant run-off: pref_voting's answers on 200 piles, recorded; asked afresh where .venv-oracles is installed.

To record anew: `python -m tests.ballots.counting.test_irv_oracle`.
"""

import random
from typing import Any

import pytest

from ballots.counting import irv
from ballots.counting.contest import Contest, Variants
from ballots.counting.types import Profile, close_up
from tests.plumbing.oracles import PILES, PYTHON, Oracle


def make_piles(number: int) -> list[dict[str, Any]]:
    """Make small piles of partial ballots, some with equal ranks; the same ones each time."""
    dice = random.Random(2009)
    piles = []
    for _ in range(number):
        m = dice.randint(2, 6)
        rows = {}
        for _ in range(dice.randint(2, 8)):
            ranks: list[int | None] = [None] * m
            for place, option in enumerate(dice.sample(range(m), dice.randint(1, m)), start=1):
                ranks[option] = max(1, place - (dice.random() < 0.1))
            rows[tuple(ranks)] = dice.randint(1, 4)
        # Without a first choice on any ballot there is nothing to ask the oracle about.
        rows[(1,) + (None,) * (m - 1)] = dice.randint(1, 3)
        piles.append({"options": m, "ballots": [[list(row), weight] for row, weight in rows.items()]})
    return piles


ORACLE = Oracle("irv", make_piles)


def count(pile: dict[str, Any], seed: str) -> str:
    """Count one pile ourselves, with a seed: so that never more than one is left out at a time, as the oracle does."""
    rows: dict[bytes, int] = {}
    for ranks, weight in pile["ballots"]:
        rows[close_up(ranks)] = rows.get(close_up(ranks), 0) + weight
    names = [str(i) for i in range(pile["options"])]
    (winner,) = irv.count(Contest(Profile.of_rows(names, rows)), Variants(tiebreak_seed=seed)).winners
    return winner


def test_our_winner_is_one_whom_the_oracle_lets_win_and_the_only_one_where_there_is_one() -> None:
    recorded = ORACLE.recorded
    assert [pile for pile, _ in recorded] == make_piles(PILES)
    for pile, answer in recorded:
        assert {int(count(pile, seed)) for seed in "abc"} <= set(answer["winners"])
    # The piles are worth asking about: mostly one can win, sometimes several.
    assert 20 <= sum(len(answer["winners"]) > 1 for _, answer in recorded) <= 100


@pytest.mark.skipif(not PYTHON.exists(), reason="the oracles are not installed in .venv-oracles")
def test_the_oracle_still_says_what_was_recorded() -> None:
    assert ORACLE.still_agrees()


if __name__ == "__main__":
    ORACLE.record()
