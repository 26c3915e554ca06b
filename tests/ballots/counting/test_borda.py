"""Borda: the published scores, and what must hold for any pile of ballots."""

import json
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import borda
from ballots.counting.contest import Contest, Variants
from ballots.counting.pairwise import count_pairs
from ballots.counting.types import UNRANKED, Profile
from ballots.formats.reading import read_contest
from tests.ballots.counting.test_plurality import TENNESSEE
from tests.ballots.formats.test_reading import VOTES, needs_votes
from tests.strategies import profiles, relabel


def points(profile: Profile, variants: Variants = Variants()) -> dict[str, Fraction]:  # noqa: B008  # frozen
    scores = borda.count(Contest(profile), variants).certificate["scores"]
    return {name: Fraction(score) for name, score in scores.items()}


@needs_votes
def test_tideman_a10_gives_every_published_score() -> None:
    published = json.loads((VOTES / "tideman-A10.implicit.BordaCount.json").read_text())
    outcome = borda.count(read_contest((VOTES / "tideman-A10.cvotes").read_bytes(), "tideman-A10.cvotes"))
    assert " > ".join(" = ".join(place) for place in outcome.order) == published["Ranking"]
    scores = outcome.certificate["scores"]
    assert {name: float(Fraction(score)) for name, score in scores.items()} == published["Stats"]
    assert scores["14"] == "1941/2"


def test_the_published_example_is_reproduced() -> None:
    outcome = borda.count(Contest(TENNESSEE))
    # Published with nought for the last place: a point for each of the 100 voters less.
    assert outcome.certificate["scores"] == {"Memphis": 226, "Nashville": 294, "Chattanooga": 273, "Knoxville": 207}
    assert outcome.order == [["Nashville"], ["Chattanooga"], ["Memphis"], ["Knoxville"]]
    assert outcome.pairwise["Nashville"]["Memphis"] == 58


def test_ties_share_the_average_of_their_places_and_the_left_out_are_tied_last() -> None:
    profile = Profile.of("ABCD", [([["A", "B"]], 1)])
    assert points(profile) == {"A": Fraction(7, 2), "B": Fraction(7, 2), "C": Fraction(3, 2), "D": Fraction(3, 2)}
    ignored = Variants(unranked="ignored")
    assert points(profile, ignored) == {"A": Fraction(3, 2), "B": Fraction(3, 2), "C": 0, "D": 0}
    assert borda.count(Contest(profile), ignored).certificate["variants"] == {"unranked": "ignored"}


@given(profiles(implicit=st.booleans()))
def test_points_are_those_counted_by_hand(profile: Profile) -> None:
    by_hand = dict.fromkeys(profile.options, Fraction(0))
    for row, weight in profile.rows().items():
        there = [i for i in range(len(row)) if profile.implicit or row[i] != UNRANKED]
        for i in there:
            below = sum(row[j] > row[i] for j in there)
            tied = sum(row[j] == row[i] for j in there) - 1
            by_hand[profile.options[i]] += weight * (1 + below + Fraction(tied, 2))
    assert points(profile) == by_hand
    order = borda.count(Contest(profile)).order
    assert [by_hand[place[0]] for place in order] == sorted(set(by_hand.values()), reverse=True)
    assert sorted(name for place in order for name in place) == sorted(profile.options)


@given(profiles())
def test_the_comparisons_alone_give_the_same_count(profile: Profile) -> None:
    again = borda.order_pairs(
        profile.options, count_pairs(profile), profile.ballots, profile.blank, profile.invalid
    ).as_json()
    assert again == borda.count(Contest(profile)).as_json()


@given(profiles(), st.data())
def test_renaming_and_shuffling_the_options_renames_the_order(profile: Profile, data: st.DataObject) -> None:
    shuffled = relabel(profile, data.draw(st.permutations(range(len(profile.options)))))
    assert points(profile) == points(shuffled)


@given(profiles(implicit=st.booleans()))
def test_splitting_and_shuffling_the_ballots_changes_nothing(profile: Profile) -> None:
    one_each = np.repeat(np.arange(len(profile.weights)), profile.weights)[::-1]
    ones = np.ones(len(one_each), dtype=np.int64)
    spread = Profile(
        profile.options, profile.ranks[one_each], ones, profile.blank, profile.invalid, implicit=profile.implicit
    )
    assert borda.count(Contest(spread)).as_json() == borda.count(Contest(profile)).as_json()


@given(profiles(), st.data())
def test_who_is_raised_on_a_ballot_falls_behind_nobody(profile: Profile, data: st.DataObject) -> None:
    if not len(profile.weights):
        return
    row = data.draw(st.integers(0, len(profile.weights) - 1))
    raised = data.draw(st.integers(0, len(profile.options) - 1))
    ranks = profile.ranks.copy()
    above = data.draw(st.integers(0, int(ranks[row, raised])))
    # Twice the place leaves room between the places; gaps make no difference to what is counted, but are no profile.
    doubled = [2 * int(rank) for rank in ranks[row]]
    doubled[raised] = min(doubled[raised], 2 * above + 1) if above < ranks[row, raised] else doubled[raised]
    places = sorted(set(doubled))
    ranks[row] = [UNRANKED if rank == 2 * UNRANKED else places.index(rank) + 1 for rank in doubled]
    after = Profile(profile.options, ranks, profile.weights)
    old, new = points(profile), points(after)
    name = profile.options[raised]
    assert all(new[name] >= new[other] for other in old if old[name] >= old[other])
