"""Ranked pairs: the published order of locking, and what must hold for any pile of ballots."""

import json
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import ranked_pairs
from ballots.counting.contest import Contest, Variants
from ballots.counting.pairwise import count_pairs
from ballots.counting.types import UNRANKED, Counts, Profile
from ballots.formats.reading import read_contest
from commons.errors import Invalid
from tests.ballots.counting.test_plurality import TENNESSEE
from tests.ballots.formats.test_reading import VOTES, needs_votes
from tests.strategies import profiles, relabel

LETTERS = st.sampled_from("ABCDEFGH")


def order_of(profile: Profile) -> list[set[str]]:
    return list(map(set, ranked_pairs.count(Contest(profile)).order))


@needs_votes
def test_tideman_a10_gives_the_published_order_and_locks_in_the_published_order() -> None:
    published = json.loads((VOTES / "tideman-A10.implicit.Ranked-Pairs-Winning.json").read_text())
    outcome = ranked_pairs.count(read_contest((VOTES / "tideman-A10.cvotes").read_bytes(), "tideman-A10.cvotes"))
    assert " > ".join(" = ".join(place) for place in outcome.order) == published["Ranking"]
    steps = outcome.certificate["steps"]
    assert [[(step["for"], step["against"], *pair) for pair in step["locked"]] for step in steps] == [
        sorted(
            ((arc["win"], arc["minority"], arc["from"], arc["to"]) for arc in step.values()),
            key=lambda arc: (int(arc[2]), int(arc[3])),
        )
        for step in published["Stats"]["tally"].values()
    ]
    assert sum(len(step["locked"]) for step in steps) == len(published["Stats"]["arcs"])


def test_the_published_example_is_reproduced() -> None:
    outcome = ranked_pairs.count(Contest(TENNESSEE))
    assert outcome.order == [["Nashville"], ["Chattanooga"], ["Knoxville"], ["Memphis"]]
    told = [(step["for"], step["against"], step["locked"]) for step in outcome.certificate["steps"]]
    assert told == [
        (83, 17, [["Chattanooga", "Knoxville"]]),
        (68, 32, [["Nashville", "Chattanooga"], ["Nashville", "Knoxville"]]),
        (58, 42, [["Nashville", "Memphis"], ["Chattanooga", "Memphis"], ["Knoxville", "Memphis"]]),
    ]


CIRCLE = [([["A"], ["B"], ["C"]], 4), ([["B"], ["C"], ["A"]], 3), ([["C"], ["A"], ["B"]], 2)]


def test_what_contradicts_clearer_wins_is_passed_over_with_the_chain_that_it_contradicts() -> None:
    outcome = ranked_pairs.count(Contest(Profile.of("ABC", CIRCLE)))
    assert outcome.order == [["A"], ["B"], ["C"]]
    assert outcome.certificate["steps"][-1] == {
        "for": 5,
        "against": 4,
        "locked": [],
        "passed": [{"pair": ["C", "A"], "path": ["A", "B", "C"]}],
    }
    assert outcome.certificate["neighbours"][0] == {
        "above": "A", "below": "B", "tied": False, "for": 6, "against": 3, "neither": 0,
    }  # fmt: skip


def test_of_equal_wins_that_turn_in_a_circle_none_is_kept_by_luck() -> None:
    even = Profile.of("ABC", [(ranking, 1) for ranking, _ in CIRCLE])
    outcome = ranked_pairs.count(Contest(even))
    assert outcome.order == [["A", "B", "C"]]
    (step,) = outcome.certificate["steps"]
    assert step["locked"] == []
    assert {tuple(each["pair"]) for each in step["passed"]} == {("A", "B"), ("B", "C"), ("C", "A")}


def test_of_equal_wins_the_one_with_fewer_against_it_is_the_clearer() -> None:
    wins = np.array([[0, 5, 1], [3, 0, 5], [5, 2, 0]])
    assert [step.strength for step in ranked_pairs.lock_pairs(wins)] == [(5, 1), (5, 2), (5, 3)]
    outcome = ranked_pairs.order_pairs(("A", "B", "C"), wins, 9, 0, 0)
    assert outcome.order == [["B"], ["C"], ["A"]]


def reaches(pairs: list[Any], start: str, end: str) -> bool:
    found, new = {start}, {start}
    while new:
        new = {b for a, b in pairs if a in new} - found
        found |= new
    return end in found


@given(profiles(names=LETTERS, implicit=st.booleans()))
def test_the_certificate_proves_the_order_by_plain_means(profile: Profile) -> None:
    outcome = ranked_pairs.count(Contest(profile))
    table = outcome.pairwise
    wins = {(a, b) for a, b in permutations(profile.options, 2) if table[a][b] > table[b][a]}
    kept: list[tuple[str, str]] = []
    strengths, dealt_with = [], set()
    for step in outcome.certificate["steps"]:
        strengths.append((-step["for"], step["against"]))
        locked = [tuple(pair) for pair in step["locked"]]
        passed = [tuple(each["pair"]) for each in step["passed"]]
        dealt_with |= {*locked, *passed}
        assert all((table[a][b], table[b][a]) == (step["for"], step["against"]) for a, b in locked + passed)
        together = kept + locked + passed
        assert all(not reaches(together, b, a) for a, b in locked)
        for each in step["passed"]:
            a, b = each["pair"]
            path = each["path"]
            assert (path[0], path[-1]) == (b, a)
            before = kept if reaches(kept, b, a) else together
            assert set(pairwise(path)) <= set(before)
        kept += locked
    assert strengths == sorted(set(strengths))
    assert dealt_with == wins
    height = dict.fromkeys(profile.options, 0)
    for _ in profile.options:
        for a, b in kept:
            height[b] = max(height[b], height[a] + 1)
    assert all(height[a] == i for i, place in enumerate(outcome.order) for a in place)
    for pair in outcome.certificate["neighbours"]:
        assert pair["tied"] == ((pair["above"], pair["below"]) not in kept)
        assert pair["tied"] == (height[pair["above"]] == height[pair["below"]])
        assert pair["for"] + pair["against"] + pair["neither"] == outcome.counted


@given(profiles())
def test_the_comparisons_alone_give_the_same_count(profile: Profile) -> None:
    again = ranked_pairs.order_pairs(
        profile.options, count_pairs(profile), profile.ballots, profile.blank, profile.invalid
    ).as_json()
    assert again == ranked_pairs.count(Contest(profile)).as_json()


@given(profiles(), st.data())
def test_renaming_and_shuffling_the_options_renames_the_order(profile: Profile, data: st.DataObject) -> None:
    shuffled = relabel(profile, data.draw(st.permutations(range(len(profile.options)))))
    assert order_of(profile) == order_of(shuffled)


@given(profiles())
def test_splitting_and_shuffling_the_ballots_changes_nothing(profile: Profile) -> None:
    one_each = np.repeat(np.arange(len(profile.weights)), profile.weights)[::-1]
    ones = np.ones(len(one_each), dtype=np.int64)
    spread = Profile(profile.options, profile.ranks[one_each], ones, profile.blank, profile.invalid)
    assert ranked_pairs.count(Contest(spread)).as_json() == ranked_pairs.count(Contest(profile)).as_json()


@given(profiles())
def test_who_beats_all_others_one_to_one_comes_first_alone(profile: Profile) -> None:
    table = count_pairs(profile)
    for i in range(len(table)):
        if (table[i] > table[:, i]).sum() == len(table) - 1:
            assert ranked_pairs.count(Contest(profile)).winners == [profile.options[i]]


@given(profiles(names=LETTERS, max_options=5), st.data())
def test_a_winner_who_is_raised_on_a_ballot_still_wins(profile: Profile, data: st.DataObject) -> None:
    if not len(profile.weights):
        return
    winner = profile.options.index(data.draw(st.sampled_from(ranked_pairs.count(Contest(profile)).winners)))
    row = data.draw(st.integers(0, len(profile.weights) - 1))
    ranks = profile.ranks.copy()
    place = data.draw(st.integers(1, 2 * int(ranks[row, winner])))
    raised = [2 * int(rank) for rank in ranks[row]]
    raised[winner] = place
    places = sorted(set(raised))
    ranks[row] = [UNRANKED if rank == 2 * UNRANKED else places.index(rank) + 1 for rank in raised]
    after = Profile(profile.options, ranks, profile.weights)
    assert profile.options[winner] in ranked_pairs.count(Contest(after)).winners


@given(profiles(names=LETTERS, max_options=5), st.data())
def test_like_options_that_stand_together_on_every_ballot_change_nobody_elses_chance(
    profile: Profile, data: st.DataObject
) -> None:
    like = data.draw(st.integers(0, len(profile.options) - 1))
    rows: dict[bytes, int] = {}
    for row, weight in profile.rows().items():
        doubled = [2 * rank for rank in row]
        # On each ballot the new one stands right above, beside or right below its like: beside it where others do too.
        twin = doubled[like] + (data.draw(st.integers(-1, 1)) if row.count(row[like]) == 1 else 0)
        places = sorted({*doubled, twin})
        ranked = [UNRANKED if rank >= 2 * UNRANKED - 1 else places.index(rank) + 1 for rank in [*doubled, twin]]
        rows[bytes(ranked)] = rows.get(bytes(ranked), 0) + weight
    with_twin = Profile.of_rows((*profile.options, "twin"), rows)
    before, after = order_of(profile)[0], order_of(with_twin)[0]
    name = profile.options[like]
    assert after - {name, "twin"} == before - {name}
    assert bool(after & {name, "twin"}) == (name in before)


def test_left_out_as_no_opinion_is_told_in_the_certificate() -> None:
    profile = Profile.of("AB", [([["A"]], 3), ([["B"], ["A"]], 2)])
    assert ranked_pairs.count(Contest(profile)).winners == ["A"]
    ignored = ranked_pairs.count(Contest(profile), Variants(unranked="ignored"))
    assert (ignored.winners, ignored.certificate["variants"]) == (["B"], {"unranked": "ignored"})


@pytest.mark.parametrize("table", [np.zeros((2, 3), dtype=np.int64), np.eye(2, dtype=np.int64)])
def test_a_table_that_is_not_square_with_an_empty_diagonal_is_refused(table: Counts) -> None:
    with pytest.raises(Invalid, match=r"count\.not_square"):
        ranked_pairs.lock_pairs(table)
