"""The measure of the enumeration program: its definition, its ends, and a planted difference."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.telling_apart import MOST_AUC, auc, difference

TIMES = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=30)


@given(TIMES, TIMES)
def test_it_is_the_share_of_pairs_and_ties_count_half(one: list[float], other: list[float]) -> None:
    pairs = [(mine > peer) + (mine == peer) / 2 for mine in one for peer in other]
    share = sum(pairs) / len(pairs)
    assert auc(one, other) == pytest.approx(max(share, 1 - share))
    assert auc(one, other) == pytest.approx(auc(other, one))
    assert 0.5 <= auc(one, other) <= 1


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [([1, 2, 3], [4, 5], 1.0), ([4, 5], [1, 2, 3], 1.0), ([1, 1], [1], 0.5), ([1, 3], [2], 0.5), ([1, 2], [1], 0.75)],
)
def test_cases_worked_out_by_hand(one: list[float], other: list[float], expected: float) -> None:
    assert auc(one, other) == expected


def test_a_thousand_tries_find_a_small_difference_and_none_where_there_is_none() -> None:
    draw = random.Random(26)
    same = [[draw.gauss(30, 3) for _ in range(1000)] for _ in range(2)]
    slower = [each + 1 for each in same[1]]  # a third of the spread: 59 of 100 guesses
    assert auc(*same) < MOST_AUC < auc(same[0], slower)
    assert difference(same[0], slower) == pytest.approx(1, abs=0.3)
