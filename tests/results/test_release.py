"""What is published of a sealed vote: by size alone, and never a pair about which nobody differs."""

import pytest

from ballots.counting.contest import Contest
from ballots.counting.pairwise import count_pairs
from ballots.counting.registry import count
from ballots.counting.types import Profile
from results.figures import Figures, Form
from results.release import Plan, Reason, Release, could_be, decide, in_tens
from tests.results.sealed import NAMES, profile_of

FIVE = (*NAMES, "Library")


def release_of(profile: Profile) -> Release:
    figures = Figures(Form.PAIRS, profile.options, count_pairs(profile))
    return decide(count("schulze", Contest(profile)), figures)


def unanimous(about: str) -> Profile:
    """Make sixty ballots that differ about every pair but one: all put A before B, or nobody puts B before A."""
    rankings = [
        ([["A"], ["B"], ["C"], ["D"]], 20),
        ([["D"], ["C"], ["A"], ["B"]], 20),
        ([["C"], ["A"], ["D"], ["B"]], 10),
    ]
    last = {"all": [["A"], ["D"], ["C"], ["B"]], "nobody": [["C"]], "differ": [["B"], ["D"], ["C"], ["A"]]}[about]
    return Profile.of("ABCD", [*rankings, (last, 10)])


def test_fifty_counted_ballots_and_four_options_are_enough() -> None:
    assert release_of(profile_of(50, blank=0, invalid=0)) == Release(Plan.FULL)
    assert release_of(profile_of(49, blank=0, invalid=0)) == Release(Plan.ORDER, (Reason.BALLOTS,))
    assert release_of(profile_of(60, FIVE[:3])) == Release(Plan.ORDER, (Reason.OPTIONS,))
    assert release_of(profile_of(20, FIVE[:3])) == Release(Plan.ORDER, (Reason.BALLOTS, Reason.OPTIONS))
    assert decide(None, None) == Release(Plan.NONE, (Reason.SHUT,))


def test_blank_and_unreadable_ballots_hide_nobody() -> None:
    assert release_of(profile_of(52, blank=2, invalid=0)).plan is Plan.FULL
    assert release_of(profile_of(52, blank=3, invalid=0)).because == (Reason.BALLOTS,)
    assert release_of(profile_of(52, blank=0, invalid=3)).because == (Reason.BALLOTS,)


@pytest.mark.parametrize(("about", "because"), [("all", (Reason.PAIR,)), ("nobody", (Reason.PAIR,)), ("differ", ())])
def test_a_pair_on_which_nobody_disagrees_keeps_the_comparisons_in(about: str, because: tuple[Reason, ...]) -> None:
    assert release_of(unanimous(about)).because == because


@pytest.mark.parametrize(("number", "tens"), [(0, 0), (4, 0), (5, 10), (14, 10), (15, 20), (47, 50), (100, 100)])
def test_totals_are_rounded_to_ten(number: int, tens: int) -> None:
    assert in_tens(number) == tens


@pytest.mark.parametrize(
    ("release", "box", "options"),
    [
        (Release(Plan.FULL), 49, 4),
        (Release(Plan.FULL), 50, 3),
        (Release(Plan.FULL, (Reason.PAIR,)), 50, 4),
        (Release(Plan.NONE, (Reason.SHUT,)), 10, 4),
        (Release(Plan.ORDER, (Reason.BALLOTS,)), 9, 4),
        (Release(Plan.ORDER), 60, 4),
        (Release(Plan.ORDER, (Reason.PAIR,)), 49, 4),
        (Release(Plan.ORDER, (Reason.BALLOTS,)), 30, 3),
        (Release(Plan.ORDER, (Reason.OPTIONS,)), 60, 4),
        (Release(Plan.ORDER, (Reason.PAIR, Reason.BALLOTS)), 60, 4),
    ],
)
def test_a_release_that_the_rule_never_makes_is_told(release: Release, box: int, options: int) -> None:
    assert not could_be(release, box, options, Form.PAIRS)


@pytest.mark.parametrize("options", [2, 3, 4, 5])
@pytest.mark.parametrize("ballots", [10, 49, 50, 60])
def test_whatever_the_rule_makes_could_be(ballots: int, options: int) -> None:
    profile = profile_of(ballots, FIVE[:options])
    assert could_be(release_of(profile), profile.ballots, options, Form.PAIRS)
    assert could_be(decide(None, None), 9, options, Form.PAIRS)
