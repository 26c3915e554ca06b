"""Schulze: pref_voting's answers on 200 piles, recorded; asked afresh where .venv-oracles is installed.

To record anew: `python -m tests.ballots.counting.test_schulze_oracle`.
"""

import random
from typing import Any

import pytest

from ballots.counting import schulze
from ballots.counting.contest import Contest
from ballots.counting.types import Profile, close_up
from tests.plumbing.oracles import PILES, PYTHON, Oracle


def make_piles(number: int) -> list[dict[str, Any]]:
    """Make small piles with circles, equal ranks and partial ballots; the same ones each time."""
    dice = random.Random(2011)
    piles = []
    for _ in range(number):
        m = dice.randint(2, 7)
        ranks = [None, *range(1, m + 1)]
        rows = {tuple(dice.choice(ranks) for _ in range(m)): dice.randint(1, 3) for _ in range(dice.randint(1, 7))}
        ballots = [[list(row), weight] for row, weight in rows.items() if any(row)]
        piles.append({"options": m, "ballots": ballots or [[[1] * m, 1]]})
    return piles


ORACLE = Oracle("schulze", make_piles)


def count(pile: dict[str, Any]) -> dict[str, Any]:
    """Count one pile ourselves, in the words of the oracle."""
    rows: dict[bytes, int] = {}
    for ranks, weight in pile["ballots"]:
        rows[close_up(ranks)] = rows.get(close_up(ranks), 0) + weight
    names = [str(i) for i in range(pile["options"])]
    outcome = schulze.count(Contest(Profile.of_rows(names, rows)))
    strengths = outcome.certificate["strengths"]
    return {
        "winners": sorted(map(int, outcome.winners)),
        "defeats": sorted(
            [int(a), int(b)] for a in names for b in names if a != b and strengths[a][b] > strengths[b][a]
        ),
    }


def test_we_agree_with_the_recorded_answers() -> None:
    recorded = ORACLE.recorded
    assert [pile for pile, _ in recorded] == make_piles(PILES)
    assert [count(pile) for pile, _ in recorded] == [answer for _, answer in recorded]
    # The piles are worth asking about: in many of them nobody wins alone.
    assert sum(len(answer["winners"]) > 1 for _, answer in recorded) >= 20


@pytest.mark.skipif(not PYTHON.exists(), reason="the oracles are not installed in .venv-oracles")
def test_the_oracle_still_says_what_was_recorded() -> None:
    assert ORACLE.still_agrees()


if __name__ == "__main__":
    ORACLE.record()
