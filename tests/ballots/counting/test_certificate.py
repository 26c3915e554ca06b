"""The certificate: true ones pass, and a change of any single number or place is found."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ballots.counting import schulze
from ballots.counting.certificate import Finding, check_schulze
from ballots.counting.contest import Contest
from ballots.counting.types import Profile
from tests.strategies import profiles

LETTERS = st.sampled_from("ABCDEFGH")


def check(found: dict[str, Any]) -> list[Finding]:
    return list(check_schulze(found["pairwise"], found["order"], found["certificate"], found["counted"]))


@given(profiles())
def test_every_true_certificate_passes(profile: Profile) -> None:
    outcome = schulze.count(Contest(profile))
    assert check(outcome.as_json()) == []
    assert list(check_schulze(outcome.pairwise, outcome.order, outcome.certificate)) == []


def numbers(value: dict[str, Any] | list[Any], where: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield every number and flag in a JSON value with the place it stands in."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from numbers(inner, f"{where}/{key}")
        elif isinstance(inner, int):
            yield f"{where}/{key}", value, key


@given(profiles(names=LETTERS, max_options=4, max_rows=5), st.data())
def test_one_changed_number_anywhere_is_found_where_it_stands(profile: Profile, data: st.DataObject) -> None:
    found = copy.deepcopy(schulze.count(Contest(profile)).as_json())
    places = list(numbers(found["certificate"], "/certificate"))
    assume(places)
    where, holder, key = data.draw(st.sampled_from(places))
    holder[key] = (
        not holder[key] if isinstance(holder[key], bool) else holder[key] + data.draw(st.sampled_from([-1, 1]))
    )
    named = {finding.where for finding in check(found)}
    # A strength that is too large is seen on the chain that should reach it.
    assert {where, where.replace("/strengths/", "/next/")} & named


@given(profiles(names=LETTERS, max_options=5), st.data())
def test_two_places_swapped_or_joined_are_found(profile: Profile, data: st.DataObject) -> None:
    found = schulze.count(Contest(profile)).as_json()
    order = found["order"]
    assume(len(order) > 1)
    i = data.draw(st.integers(0, len(order) - 2))
    swapped = [*order[:i], order[i + 1], order[i], *order[i + 2 :]]
    joined = [*order[:i], order[i] + order[i + 1], *order[i + 2 :]]
    for wrong in (swapped, joined, order[:-1], [*order, order[0]]):
        findings = check({**found, "order": wrong})
        assert any(finding.where.startswith("/order/") for finding in findings)


def test_all_disagreements_are_told_with_both_sides() -> None:
    found = copy.deepcopy(schulze.count(Contest(Profile.of("ABC", [([["A"], ["B"], ["C"]], 3)]))).as_json())
    found["certificate"]["strengths"]["A"]["B"] = 4
    found["certificate"]["neighbours"][1]["for"] = 2
    assert Finding("/certificate/next/A/B", expected=4, found=3) in check(found)
    assert Finding("/certificate/neighbours/1/for", expected=3, found=2) in check(found)


def test_strengths_that_chase_one_another_are_reported_and_bring_the_check_to_an_end() -> None:
    found = copy.deepcopy(schulze.count(Contest(Profile.of("ABC", [([["A", "B", "C"]], 3)]))).as_json())
    for a, b in ("AB", "BC", "CA"):
        found["certificate"]["strengths"][a][b] = 2
    assert {finding.where for finding in check(found)} >= {"/certificate/next/A/B", "/order/0"}


def test_a_weaker_chain_that_holds_is_still_not_the_strongest() -> None:
    # A wins over C with 3 directly, and with 4 over B: who claims the direct win hides the stronger chain.
    ballots = [([["A"], ["B"], ["C"]], 3), ([["B"], ["C"], ["A"]], 1), ([["C"], ["A"], ["B"]], 1)]
    found = copy.deepcopy(schulze.count(Contest(Profile.of("ABC", ballots))).as_json())
    assert found["certificate"]["next"]["A"]["C"] == "B"
    found["certificate"]["next"]["A"]["C"] = "C"
    found["certificate"]["strengths"]["A"]["C"] = 3
    assert Finding("/certificate/strengths/A/C", expected=4, found=3) in check(found)


def test_an_explanation_is_always_given_by_an_option_that_truly_beats_the_next() -> None:
    # A and B share the second place, and B is shown last; but only A beats C.
    ballots = [
        ([["B"], ["A", "D"]], 3),
        ([["D"], ["C"], ["B"], ["A"]], 2),
        ([["A"], ["C", "D"], ["B"]], 3),
    ]
    outcome = schulze.count(Contest(Profile.of("ABCD", ballots)))
    assert outcome.order == [["D"], ["A", "B"], ["C"]]
    last = outcome.certificate["neighbours"][-1]
    assert (last["above"], last["below"], last["strength"], last["back_strength"]) == ("A", "C", 6, 5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from("ABC"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ABC"), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["pairwise", "order", "strengths", "next", "neighbours"]), JSON)
def test_any_json_in_any_part_is_found_out_and_never_raised(part: str, value: object) -> None:
    found = copy.deepcopy(schulze.count(Contest(Profile.of("ABC", [([["A"], ["B", "C"]], 3)]))).as_json())
    holder = found["certificate"] if part in found["certificate"] else found
    assume(value != holder[part])
    holder[part] = value
    assert check(found) or part == "next"


@pytest.mark.parametrize("value", [None, 7, "text", [], {"strengths": None}])
def test_a_certificate_of_the_wrong_shape_is_reported(value: object) -> None:
    found = schulze.count(Contest(Profile.of("AB", [([["A"]], 1)]))).as_json()
    assert check({**found, "certificate": value})
