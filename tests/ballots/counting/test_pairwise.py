"""One-to-one comparisons: the fast kernel against counting by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import pairwise
from ballots.counting.types import Profile
from tests.strategies import plain_pairs, profiles


def test_left_out_is_below_all_ranked_or_no_opinion_as_the_profile_says() -> None:
    ballots = [([["A"]], 3), ([["B"], ["A", "C"]], 2)]
    assert pairwise.count_pairs(Profile.of("ABC", ballots)).tolist() == [[0, 3, 3], [2, 0, 2], [0, 0, 0]]
    without = Profile.of("ABC", ballots, implicit=False)
    assert pairwise.count_pairs(without).tolist() == [[0, 0, 0], [2, 0, 2], [0, 0, 0]]


@given(profiles(implicit=st.booleans()))
def test_the_kernel_counts_as_by_hand(profile: Profile) -> None:
    assert pairwise.count_pairs(profile).tolist() == plain_pairs(profile)


def test_a_pile_longer_than_one_block_is_counted_whole() -> None:
    n = pairwise.BLOCK + 5
    ranks = np.tile(np.array([[1, 2]], dtype=np.uint8), (n, 1))
    ranks[-2:] = [2, 1]
    weights = np.ones(n, dtype=np.int64)
    weights[[0, -1]] = 10**9
    assert pairwise.count_pairs(Profile(("A", "B"), ranks, weights)).tolist() == [
        [0, n - 3 + 10**9],
        [10**9 + 1, 0],
    ]
