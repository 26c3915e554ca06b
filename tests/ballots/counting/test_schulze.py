"""Schulze: the published examples, and what must hold for any pile of ballots."""

import json
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import schulze
from ballots.counting.contest import Contest
from ballots.counting.pairwise import count_pairs
from ballots.counting.types import Counts, Profile
from commons.errors import Invalid
from tests.strategies import add_twin, profiles, relabel

VECTORS = Path(__file__).parents[2] / "vectors" / "counting" / "schulze.json"
EXAMPLE = json.loads(VECTORS.read_text(encoding="utf-8"))["45 voters"]
LETTERS = st.sampled_from("ABCDEFGH")


def test_the_published_example_is_reproduced() -> None:
    ballots = [(ballot.split(">"), weight) for ballot, weight in EXAMPLE["ballots"].items()]
    profile = Profile.of(EXAMPLE["options"], ballots)
    assert count_pairs(profile).tolist() == EXAMPLE["pairwise"]
    assert schulze.strongest_paths(np.array(EXAMPLE["pairwise"])).strength.tolist() == EXAMPLE["strengths"]
    outcome = schulze.count(Contest(profile))
    assert outcome.order == EXAMPLE["order"]
    assert outcome.winners == ["E"]
    first = outcome.certificate["neighbours"][0]
    assert (first["above"], first["below"], first["tied"]) == ("E", "A", False)
    assert (first["for"], first["against"], first["neither"]) == (23, 22, 0)
    assert (first["chain"], first["strength"]) == (["E", "B", "A"], 25)
    assert (first["back"], first["back_strength"]) == (["A", "C", "E"], 24)


def test_the_order_is_peeled_not_counted_by_won_chains() -> None:
    # c beats nobody and is beaten by a alone; b beats d and e. Counting won chains would put b before c.
    wins = np.zeros((5, 5), dtype=np.int64)
    for winner, loser in [(0, 2), (0, 1), (1, 3), (1, 4)]:
        wins[winner, loser] = 5
    assert schulze.peel(schulze.strongest_paths(wins).strength) == [[0], [1, 2], [3, 4]]


@given(profiles(max_options=5))
def test_strengths_are_the_best_of_all_chains_there_are(profile: Profile) -> None:
    table = count_pairs(profile)
    m = len(table)
    paths = schulze.strongest_paths(table)
    for a, b in permutations(range(m), 2):
        inner = [k for k in range(m) if k not in (a, b)]
        chains = [(a, *middle, b) for length in range(m - 1) for middle in permutations(inner, length)]
        strengths = [
            min(int(table[x, y]) if table[x, y] > table[y, x] else 0 for x, y in pairwise(chain)) for chain in chains
        ]
        assert paths.strength[a, b] == max(strengths)
        if max(strengths):
            assert strengths[chains.index(tuple(paths.chain(a, b)))] == max(strengths)


@given(profiles(), st.data())
def test_renaming_and_shuffling_the_options_renames_the_order(profile: Profile, data: st.DataObject) -> None:
    shuffled = relabel(profile, data.draw(st.permutations(range(len(profile.options)))))
    mine, other = schulze.count(Contest(profile)).order, schulze.count(Contest(shuffled)).order
    assert list(map(set, mine)) == list(map(set, other))
    assert all(place == [a for a in shuffled.options if a in place] for place in other)


@given(profiles())
def test_splitting_merging_and_shuffling_the_ballots_changes_nothing(profile: Profile) -> None:
    one_each = np.repeat(np.arange(len(profile.weights)), profile.weights)[::-1]
    ones = np.ones(len(one_each), dtype=np.int64)
    spread = Profile(profile.options, profile.ranks[one_each], ones, profile.blank, profile.invalid)
    assert schulze.count(Contest(spread)).as_json() == schulze.count(Contest(profile)).as_json()


@given(profiles(names=LETTERS), st.data())
def test_a_twin_shares_the_place_of_its_like_and_moves_nobody(profile: Profile, data: st.DataObject) -> None:
    like = data.draw(st.integers(0, len(profile.options) - 1))
    order = schulze.count(Contest(add_twin(profile, like, "twin"))).order
    home = next(place for place in order if "twin" in place)
    assert profile.options[like] in home
    assert [[a for a in place if a != "twin"] for place in order] == schulze.count(Contest(profile)).order


@given(profiles())
def test_who_beats_all_others_one_to_one_comes_first_alone(profile: Profile) -> None:
    table = count_pairs(profile)
    beats_all = [i for i in range(len(table)) if (table[i] > table[:, i]).sum() == len(table) - 1]
    for i in beats_all:
        assert schulze.count(Contest(profile)).winners == [profile.options[i]]


@given(profiles())
def test_the_order_names_every_option_once(profile: Profile) -> None:
    assert sorted(a for place in schulze.count(Contest(profile)).order for a in place) == sorted(profile.options)


@pytest.mark.parametrize("table", [np.zeros((2, 3), dtype=np.int64), np.eye(2, dtype=np.int64)])
def test_a_table_that_is_not_square_with_an_empty_diagonal_is_refused(table: Counts) -> None:
    with pytest.raises(Invalid, match=r"count\.not_square"):
        schulze.strongest_paths(table)
