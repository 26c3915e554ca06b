"""Greedy and Equal Shares: pabutools' answers on 200 budgets, recorded; asked afresh where .venv-oracles has pabutools.

To record anew: `KHMA_PABUTOOLS=/tmp/pb/bin/python python -m tests.ballots.counting.test_budgets_oracle`.
"""

import os
import random
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ballots.counting import equal_shares, greedy
from ballots.counting.contest import Contest, Grades, Money, Variants
from tests.plumbing.oracles import PILES, PYTHON, Oracle

LENT = Path(os.environ.get("KHMA_PABUTOOLS", PYTHON))


def has_oracle() -> bool:
    return (
        LENT.exists()
        and not subprocess.run([LENT, "-c", "import pabutools"], capture_output=True, check=False).returncode
    )


def make_piles(number: int) -> list[dict[str, Any]]:
    """Make small budgets with equal costs, equal totals and blank votes; every project has a supporter."""
    dice = random.Random(2023)
    piles: list[dict[str, Any]] = []
    while len(piles) < number:
        m = dice.randint(2, 7)
        approval = bool(dice.randint(0, 2))
        points = [0, 0, 1] if approval else [0, 0, 1, 2, 5]
        rows = {tuple(dice.choice(points) for _ in range(m)): dice.randint(1, 4) for _ in range(dice.randint(1, 9))}
        costs = [dice.choice([3, 5, 8, 10, 13, 20, 40]) for _ in range(m)]
        if all(any(row[i] for row in rows) for i in range(m)) and (approval or any(max(row) > 1 for row in rows)):
            budget = dice.randint(max(5, sum(costs) // 4), sum(costs) + 10)
            ballots = [[list(row), weight] for row, weight in rows.items()]
            piles.append({"budget": budget, "costs": costs, "approval": approval, "ballots": ballots})
    return piles


ORACLE = Oracle("budgets", make_piles, LENT)


def count(pile: dict[str, Any]) -> dict[str, list[int]]:
    """Count one budget ourselves, in the words of the oracle."""
    names = [str(i) for i in range(len(pile["costs"]))]
    ballots = [({str(i): n for i, n in enumerate(row) if n}, weight) for row, weight in pile["ballots"]]
    contest = Contest(
        grades=Grades.of(names, ballots),
        money=Money(Fraction(pile["budget"]), tuple(map(Fraction, pile["costs"]))),
    )
    found = {name: equal_shares.count(contest, Variants(completion=name)) for name in ("none", "add1", "add1u")}
    found["greedy"] = greedy.count(contest)
    return {name: [int(option) for option in outcome.elected or []] for name, outcome in found.items()}


def test_we_agree_with_the_recorded_answers() -> None:
    recorded = ORACLE.recorded
    assert [pile for pile, _ in recorded] == make_piles(PILES)
    assert [comparable(count(pile)) for pile, _ in recorded] == [comparable(answer) for _, answer in recorded]
    # The piles are worth asking about: the four ways often fund different projects.
    assert sum(len({tuple(sorted(chosen)) for chosen in answer.values()}) > 2 for _, answer in recorded) >= 20


def comparable(found: dict[str, list[int]]) -> dict[str, list[int]]:
    """Where purses were raised until everything was funded, they raise them further, and the order may be another."""
    return {name: chosen if name in {"none", "greedy"} else sorted(chosen) for name, chosen in found.items()}


@pytest.mark.skipif(not has_oracle(), reason="pabutools is not installed in .venv-oracles")
def test_the_oracle_still_says_what_was_recorded() -> None:
    assert ORACLE.still_agrees()


if __name__ == "__main__":
    ORACLE.record()
