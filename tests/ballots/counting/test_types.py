"""The pile of ballots: what it takes in, what it refuses, and when two piles are the same."""

import json

import numpy as np
import pytest
from hypothesis import given

from ballots.counting import schulze
from ballots.counting.contest import Contest
from ballots.counting.types import UNRANKED, Profile, close_up
from commons.errors import Invalid
from tests.strategies import profiles


def test_skipped_ranks_are_closed_up() -> None:
    assert list(close_up([1, 4, 4, None, 9])) == [1, 2, 2, UNRANKED, 3]


def test_an_empty_ranking_is_a_blank_ballot_that_takes_part_but_is_not_counted() -> None:
    profile = Profile.of("AB", [([["A"]], 4), ([], 2)], blank=1, invalid=5)
    assert (profile.ballots, profile.counted, profile.blank, profile.invalid) == (12, 4, 3, 5)


@given(profiles())
def test_a_pile_laid_out_ballot_by_ballot_and_shuffled_is_the_same_pile(profile: Profile) -> None:
    one_each = np.repeat(np.arange(len(profile.weights)), profile.weights)[::-1]
    spread = Profile(
        profile.options,
        profile.ranks[one_each],
        np.ones(len(one_each), dtype=np.int64),
        profile.blank,
        profile.invalid,
    )
    assert spread == profile
    assert spread != Profile.of_rows(profile.options, profile.rows(), blank=profile.blank + 1, invalid=profile.invalid)


@given(profiles())
def test_an_outcome_is_plain_json_with_exactly_the_published_keys(profile: Profile) -> None:
    found = schulze.count(Contest(profile)).as_json()
    assert list(found) == [
        "rule", "options", "ballots", "blank", "invalid", "counted",
        "order", "winners", "rounds", "pairwise", "certificate",
    ]  # fmt: skip
    assert json.loads(json.dumps(found)) == found
    assert found["winners"] == found["order"][0]


@pytest.mark.parametrize(
    ("part", "options", "ranks", "weights"),
    [
        ("options", ("A", "A"), [[1, 2]], [1]),
        ("options", ("A", " B"), [[1, 2]], [1]),
        ("options", ("A", "B\n"), [[1, 2]], [1]),
        ("options", (), [[]], [1]),
        ("ranks", ("A", "B"), [[1, 2, 3]], [1]),
        ("ranks", ("A", "B"), [[2, 3]], [1]),
        ("ranks", ("A", "B"), [[UNRANKED, UNRANKED]], [1]),
        ("weights", ("A", "B"), [[1, 2]], [0]),
    ],
)
def test_a_pile_that_cannot_be_is_refused(
    part: str, options: tuple[str, ...], ranks: list[list[int]], weights: list[int]
) -> None:
    with pytest.raises(Invalid, match=r"count\.profile") as refused:
        Profile(options, np.array(ranks, dtype=np.uint8), np.array(weights, dtype=np.int64))
    assert refused.value.facts == {"part": part}
