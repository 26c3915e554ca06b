"""Telling a count: a real order with its ties, Schulze's own example with its chains, and shares that add up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.counting import schulze
from ballots.counting.contest import Contest
from ballots.counting.types import Profile
from ballots.formats.reading import read_profile
from results.explanation import Explanation, Split, explain, per_cent, split_of
from results.standings import find_places
from tests.results.test_archive import VOTES
from tests.strategies import profiles

SCHULZE_45 = {
    "ACBED": 5, "ADECB": 5, "BEDAC": 8, "CABED": 3, "CAEBD": 7, "CBADE": 2, "DCEBA": 7, "EBADC": 8,
}  # fmt: skip


def explanation_of(profile: Profile) -> Explanation:
    outcome = schulze.count(Contest(profile))
    return explain(outcome.as_json() | {"places": [place._asdict() for place in find_places(profile, outcome.order)]})


def test_a_chain_of_wins_is_told_with_its_links() -> None:
    profile = Profile.of("ABCDE", [([[name] for name in ballot], weight) for ballot, weight in SCHULZE_45.items()])
    told = explanation_of(profile)
    assert told.winners == ("E",)
    assert [(each.above, each.below, each.kind) for each in told.sentences] == [
        ("E", "A", "chain"),
        ("A", "C", "chain"),
        ("C", "B", "direct"),
        ("B", "D", "direct"),
    ]
    first = told.sentences[0]
    assert (first.ahead, first.behind, first.neither, first.strength, first.back_strength) == (23, 22, 0, 25, 24)
    assert first.split == Split(51, 0, 49)


@pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")
def test_debian_2007_begins_with_211_to_203() -> None:
    name = "debian-2007_tally.txt"
    told = explanation_of(read_profile((VOTES / name).read_bytes(), name))
    first = told.sentences[0]
    assert (first.kind, first.above, first.below) == ("direct", "Sam Hocevar", "Steve McIntyre")
    assert (first.ahead, first.behind) == (211, 203)
    assert first.ahead + first.behind + first.neither == sum(
        getattr(told.matrix[0].cells[1], part) for part in ("ahead", "behind", "neither")
    )
    assert [(rank.place, rank.tied) for rank in told.places] == [(place, False) for place in range(1, 10)]
    cell, twin = told.matrix[0].cells[1], told.matrix[1].cells[0]
    assert cell is not None
    assert twin is not None
    assert (cell.share, cell.tone, cell.won) == (51, 1, True)
    assert (twin.share, twin.tone, twin.won) == (49, 0, False)
    assert (told.places[0].options[0].first_three, told.places[0].options[0].share_of_largest) == (279, 100)


@pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")
def test_tideman_a10_tells_its_ties() -> None:
    name = "tideman-A10.cvotes"
    told = explanation_of(read_profile((VOTES / name).read_bytes(), name))
    assert [(rank.place, [each.name for each in rank.options]) for rank in told.places if rank.tied] == [
        (2, ["1", "13"]),
        (14, ["2", "10"]),
    ]
    ties = {(each.above, each.below): each for each in told.sentences if each.kind.startswith("tie")}
    assert set(ties) == {("1", "13"), ("2", "10")}
    assert all(each.strength == each.back_strength for each in ties.values())


def test_ballots_that_are_all_alike_tie_without_a_chain() -> None:
    told = explanation_of(Profile.of(["A", "B"], [([["A", "B"]], 3)]))
    assert (told.winners, told.sentences[0].kind) == (("A", "B"), "tie")
    assert told.sentences[0].split == Split(0, 100, 0)
    assert told.matrix[0].cells[1] is not None
    assert told.matrix[0].cells[1].share is None


def test_a_vote_of_blanks_only_is_told_too() -> None:
    told = explanation_of(Profile.of(["A", "B"], [], blank=4))
    assert (told.places[0].tied, told.sentences[0].split) == (True, Split(0, 0, 0))


@settings(deadline=None)  # other work may share the machine
@given(profiles())
def test_what_is_told_is_what_was_counted(profile: Profile) -> None:
    told, outcome = explanation_of(profile), schulze.count(Contest(profile))
    assert [[each.name for each in rank.options] for rank in told.places] == outcome.order
    assert [each for row in told.matrix for each in row.cells].count(None) == len(profile.options)
    for row in told.matrix:
        for cell in filter(None, row.cells):
            assert cell.ahead == outcome.pairwise[row.name][cell.against]
            assert cell.ahead + cell.behind + cell.neither == profile.counted
            assert not cell.tone or cell.won
    for each in told.sentences:
        assert each.kind.startswith("tie") == (each.strength <= each.back_strength)


@given(st.tuples(*[st.integers(0, 10**9)] * 3))
def test_a_split_adds_up_and_is_never_a_whole_per_cent_off(parts: tuple[int, int, int]) -> None:
    shares = split_of(*parts)
    whole = sum(parts)
    assert shares.ahead + shares.neither + shares.behind == (100 if whole else 0)
    for part, share in zip(parts, (shares.ahead, shares.neither, shares.behind), strict=True):
        assert abs(100 * part - share * whole) < max(whole, 1)


@pytest.mark.parametrize(("part", "whole", "share"), [(0, 0, 0), (1, 8, 13), (1, 3, 33), (2, 3, 67), (211, 414, 51)])
def test_halves_are_rounded_up(part: int, whole: int, share: int) -> None:
    assert per_cent(part, whole) == share


@pytest.mark.parametrize(("ahead", "tone"), [(50, 0), (51, 1), (54, 1), (55, 2), (60, 3), (65, 4), (72, 5), (100, 5)])
def test_tones_begin_where_the_look_says(ahead: int, tone: int) -> None:
    profile = Profile.of(["A", "B"], [([["A"]], ahead), *([([["B"]], 100 - ahead)] if ahead < 100 else [])])
    told = explanation_of(profile)
    cell = next(cell for row in told.matrix if row.name == "A" for cell in row.cells if cell)
    assert cell.tone == tone
