"""Ballots to measure with: always the same for a size, and hardly two alike: nothing can be laid together."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ballots.counting.contest import Contest, Grades, Money
from ballots.counting.types import UNRANKED, Profile

DEPTH = 10
TOP = 5
SEATS = 5
BLOCK = 50_000


def names_of(m: int) -> tuple[str, ...]:
    """Name m options."""
    return tuple(f"Option {i}" for i in range(1, m + 1))


def make_pile(n: int, m: int) -> Profile:
    """Draw n ballots that rank 1 to DEPTH of m options; always the same ones. Memory: the pile and little more."""
    dice = np.random.default_rng(1)
    ranks = np.full((n, m), UNRANKED, dtype=np.uint8, order="F")
    for start in range(0, n, BLOCK):
        block = ranks[start : start + BLOCK]
        order = np.argsort(dice.random(block.shape), axis=1)
        depth = dice.integers(1, min(DEPTH, m), size=len(block), endpoint=True)
        for place in range(min(DEPTH, m)):
            rows = np.flatnonzero(depth > place)
            block[rows, order[rows, place]] = place + 1
    return Profile(names_of(m), ranks, np.ones(n, dtype=np.int64))


def make_grades(n: int, m: int, top: int = TOP) -> Grades:
    """Draw n ballots that give each of m options 0 to top points."""
    dice = np.random.default_rng(1)
    grades = np.empty((n, m), dtype=np.uint8, order="F")
    for column in range(m):
        grades[:, column] = dice.integers(0, top, size=n, endpoint=True, dtype=np.uint8)
    return Grades(names_of(m), grades, np.ones(n, dtype=np.int64), top)


def make_approvals(n: int, m: int) -> Grades:
    """Draw n ballots that approve of 1 to DEPTH of m options."""
    pile = make_pile(n, m)
    return Grades(pile.options, (pile.ranks != UNRANKED).astype(np.uint8), pile.weights, 1)


def make_budget(n: int, m: int, units: int = 1, *, small: bool = False) -> Contest:
    """Draw a budget of `units` of money for each of n voters.

    small: projects cost 1 % to 10 % of the budget, so that 22 of 30 are funded; else 3 % to 15 %, and 15 are.
    """
    dice = np.random.default_rng(2)
    budget = n * units
    least, most = (10, 100) if small else (30, 150)
    costs = tuple(Fraction(max(1, budget * int(share) // 1000)) for share in dice.integers(least, most, size=m))
    return Contest(grades=make_approvals(n, m), money=Money(Fraction(budget), costs))


KINDS: dict[str, Callable[[int, int], Contest]] = {
    "ranks": lambda n, m: Contest(make_pile(n, m), seats=min(SEATS, m)),
    "approvals": lambda n, m: Contest(grades=make_approvals(n, m)),
    "grades": lambda n, m: Contest(grades=make_grades(n, m)),
    "budget": make_budget,
    "budget, 10 units a voter": lambda n, m: make_budget(n, m, 10),
    "budget, small projects": lambda n, m: make_budget(n, m, small=True),
    "budget, small projects, 10 units a voter": lambda n, m: make_budget(n, m, 10, small=True),
}
"""Contests of n ballots and m options, by what their ballots hold."""
