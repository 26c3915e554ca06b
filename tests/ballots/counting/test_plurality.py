"""Plurality: first choices, what is no choice, and the share that a winner must pass."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import plurality
from ballots.counting.contest import Contest, Grades, Variants
from ballots.counting.types import UNRANKED, Profile
from commons.errors import Invalid
from tests.strategies import profiles, relabel

CITIES = ("Memphis", "Nashville", "Chattanooga", "Knoxville")
TENNESSEE = Profile.of(
    CITIES,
    [
        ([["Memphis"], ["Nashville"], ["Chattanooga"], ["Knoxville"]], 42),
        ([["Nashville"], ["Chattanooga"], ["Knoxville"], ["Memphis"]], 26),
        ([["Chattanooga"], ["Knoxville"], ["Nashville"], ["Memphis"]], 15),
        ([["Knoxville"], ["Chattanooga"], ["Nashville"], ["Memphis"]], 17),
    ],
)
"""The example of Wikipedia's pages on voting rules: where should the capital of Tennessee be?"""


def passing(share: str) -> list[str] | None:
    return plurality.count(Contest(TENNESSEE), Variants(threshold=Fraction(share))).elected


def test_the_published_example_is_reproduced() -> None:
    outcome = plurality.count(Contest(TENNESSEE))
    assert outcome.order == [["Memphis"], ["Nashville"], ["Knoxville"], ["Chattanooga"]]
    assert outcome.certificate["votes"] == dict(zip(CITIES, [42, 26, 15, 17], strict=True))
    assert (outcome.winners, outcome.pairwise, outcome.rounds) == (["Memphis"], None, None)


def test_a_winner_has_more_than_the_threshold_not_as_much() -> None:
    assert passing("41/100") == ["Memphis"]
    assert passing("42/100") == []
    outcome = plurality.count(Contest(TENNESSEE), Variants(threshold=Fraction(1, 2)))
    assert (outcome.winners, outcome.certificate["needed"]) == ([], 51)
    assert outcome.certificate["variants"] == {"threshold": "1/2"}
    assert outcome.order[0] == ["Memphis"]


def test_several_options_at_the_first_place_count_for_nobody_and_are_told() -> None:
    ballots = [([["A", "B"]], 5), ([["B"], ["A"]], 2), ([["C"]], 1)]
    outcome = plurality.count(Contest(Profile.of("ABC", ballots, blank=3)), Variants(threshold=Fraction(1, 4)))
    assert outcome.certificate["votes"] == {"A": 0, "B": 2, "C": 1}
    assert outcome.certificate["overvoted"] == 5
    assert (outcome.ballots, outcome.counted) == (11, 8)
    assert outcome.elected == []  # 2 of the 8 counted ballots are not more than a quarter of them


def test_a_ballot_with_grades_is_a_vote_for_the_one_that_it_marks_highest() -> None:
    ballots = [({"A": 1}, 4), ({"A": 1, "B": 3}, 2), ({"B": 2, "C": 2}, 9), ({"C": 0}, 7)]
    outcome = plurality.count(Contest(grades=Grades.of("ABC", ballots)))
    assert outcome.certificate["votes"] == {"A": 4, "B": 2, "C": 0}
    assert outcome.certificate["overvoted"] == 9


@pytest.mark.parametrize("share", [Fraction(1), Fraction(-1, 2)])
def test_a_threshold_that_nobody_or_everybody_passes_is_refused(share: Fraction) -> None:
    with pytest.raises(Invalid, match=r"count\.choice"):
        plurality.count(Contest(TENNESSEE), Variants(threshold=share))


@given(profiles())
def test_votes_are_those_counted_by_hand_and_all_are_accounted_for(profile: Profile) -> None:
    votes, overvoted = dict.fromkeys(profile.options, 0), 0
    for row, weight in profile.rows().items():
        first = [name for name, rank in zip(profile.options, row, strict=True) if rank == 1]
        if len(first) == 1:
            votes[first[0]] += weight
        else:
            overvoted += weight
    outcome = plurality.count(Contest(profile))
    assert (outcome.certificate["votes"], outcome.certificate["overvoted"]) == (votes, overvoted)
    assert sum(votes.values()) + overvoted == outcome.counted
    assert [votes[place[0]] for place in outcome.order] == sorted(set(votes.values()), reverse=True)


@given(profiles(), st.data())
def test_renaming_and_shuffling_the_options_renames_the_order(profile: Profile, data: st.DataObject) -> None:
    shuffled = relabel(profile, data.draw(st.permutations(range(len(profile.options)))))
    mine, other = plurality.count(Contest(profile)).order, plurality.count(Contest(shuffled)).order
    assert list(map(set, mine)) == list(map(set, other))


@given(profiles())
def test_what_stands_below_the_first_place_makes_no_difference(profile: Profile) -> None:
    ranks = profile.ranks.copy()
    ranks[ranks > 1] = UNRANKED
    cut = Profile(profile.options, ranks, profile.weights, profile.blank, profile.invalid)
    assert plurality.count(Contest(cut)).as_json() == plurality.count(Contest(profile)).as_json()
