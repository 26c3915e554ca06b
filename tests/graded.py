"""Shared strategies for graded ballots: small piles with few grades, so that ties are common."""

import numpy as np
from hypothesis import strategies as st

from ballots.counting.contest import Grades

LETTERS = st.sampled_from("ABCDEFGH")
HIGHEST = st.integers(1, 5)


@st.composite
def grade_piles(
    draw: st.DrawFn,
    *,
    names: st.SearchStrategy[str] = LETTERS,
    max_options: int = 5,
    max_rows: int = 7,
    top: st.SearchStrategy[int] = HIGHEST,
) -> Grades:
    """Draw a pile in which options are left out, graded 0, and equal; with blank and invalid ballots."""
    options = draw(st.lists(names, min_size=1, max_size=max_options, unique=True))
    highest = draw(top)
    ballot = st.dictionaries(st.sampled_from(options), st.integers(0, highest))
    ballots = draw(st.lists(st.tuples(ballot, st.integers(1, 4)), max_size=max_rows))
    return Grades.of(options, ballots, top=highest, invalid=draw(st.integers(0, 2)))


def relabelled(pile: Grades, order: list[int]) -> Grades:
    """Write the same ballots down with the options in another order."""
    names = tuple(pile.options[i] for i in order)
    zeros = None if pile.zeros is None else pile.zeros[:, order]
    return Grades(names, pile.grades[:, order], pile.weights, pile.top, pile.blank, pile.invalid, zeros)


def spread_out(pile: Grades) -> Grades:
    """Write each ballot down on its own, the last ones first, in wider numbers."""
    rows = np.repeat(np.arange(len(pile.weights)), pile.weights)[::-1]
    zeros = None if pile.zeros is None else pile.zeros[rows]
    ones = np.ones(len(rows), dtype=np.int64)
    grades = pile.grades[rows].astype(np.uint32)
    return Grades(pile.options, grades, ones, pile.top, pile.blank, pile.invalid, zeros)


def by_hand(pile: Grades) -> list[dict[str, int]]:
    """Lay the ballots out one by one, as one would read them: who is named, with which grade."""
    ballots = []
    for row, named, weight in zip(pile.grades.tolist(), pile.named.tolist(), pile.weights.tolist(), strict=True):
        ballots += [{o: g for o, g, n in zip(pile.options, row, named, strict=True) if n}] * weight
    return ballots
