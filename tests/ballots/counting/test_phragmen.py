"""Phragmén: the published loads, and what must hold for any pile of approvals."""

import json
import re
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ballots.counting import phragmen
from ballots.counting.contest import Contest, Grades, Variants
from ballots.counting.types import Outcome, Profile
from commons.errors import Invalid
from tests.ballots.formats.test_reading import VOTES, needs_votes
from tests.strategies import option_names

BOOK_1 = [("ab", 3), ("ac", 3), ("ad", 2), ("bcf", 1), ("e", 1), ("f", 1), ("g", 1)]
BOOK_12 = [("cd", 3), ("ab", 2), ("ac", 2), ("bd", 1)]
"""Two examples of Lackner and Skowron, Multi-Winner Voting with Approval Preferences (2023), with the loads that
abcvoting (MIT) publishes in tests/expected_output/test_abcbook_example09_py and …example12_py."""


def pile(names: str, ballots: list[tuple[str, int]]) -> Contest:
    return Contest(grades=Grades.of(names, [(dict.fromkeys(marks, 1), weight) for marks, weight in ballots], top=1))


def of(contest: Contest, seats: int | None = None, tiebreak_seed: str | None = None) -> Outcome:
    return phragmen.count(contest, Variants(seats=seats, tiebreak_seed=tiebreak_seed))


def loads(outcome: Outcome) -> list[Fraction]:
    return [Fraction(place["load"]) for place in outcome.certificate["bought"]]


@st.composite
def approvals(draw: st.DrawFn, names: st.SearchStrategy[str] = option_names) -> Grades:
    options = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    marks = st.sets(st.integers(0, len(options) - 1)).map(lambda marked: tuple((i, 1) for i in sorted(marked)))
    return Grades.of_rows(options, draw(st.dictionaries(marks, st.integers(1, 9), max_size=8)), top=1)


def test_the_published_example_is_reproduced_with_its_loads() -> None:
    outcome = of(pile("abcd", BOOK_12))
    assert outcome.order[:3] == [["c"], ["b"], ["d"]]
    assert outcome.winners == ["c"]
    assert [place["load"] for place in outcome.certificate["bought"]][:3] == ["1/5", "1/3", "29/60"]
    assert outcome.rounds[0] == {"tally": {"a": "1/4", "b": "1/3", "c": "1/5", "d": "1/4"}, "chosen": ["c"]}
    assert outcome.certificate["bought"][2]["paid"] == {"d": {"1": 3, "2": 1}}
    assert outcome.certificate["neighbours"][0] == {
        "above": "c", "below": "b", "tied": False, "load": "1/5", "other": "1/3", "by": "load",
    }  # fmt: skip


def test_the_published_tie_of_two_with_a_common_supporter_is_broken_by_lot_and_told() -> None:
    drawn = set()
    for seed in map(str, range(8)):
        outcome = of(pile("abcdefgh", BOOK_1), tiebreak_seed=seed)
        (a,), (second,), (third,), *_ = outcome.order
        drawn.add((a, second, third))
        assert outcome.certificate["lots"] == [{"among": ["b", "c"], "drawn": [second, third]}]
        assert loads(outcome)[:4] == [Fraction(1, 8), Fraction(11, 32), Fraction(55, 128), Fraction(5, 8)]
        told = outcome.certificate["neighbours"][1]
        assert (told["above"], told["below"], told["by"]) == (second, third, "lot")
        assert (told["load"], told["other"]) == ("11/32", "11/32")
        # h has no supporters; e, f and g reach their credit at moments of their own, d before them.
        assert (outcome.order[3], outcome.order[-1]) == (["d"], ["h"])
    assert drawn == {("a", "b", "c"), ("a", "c", "b")}


@needs_votes
@pytest.mark.parametrize("name", ["abc-instanceS0000.yaml", "abc-instanceS0001.yaml"])
def test_published_committees_are_found_all_of_them_and_no_other(name: str) -> None:
    text = (VOTES / name).read_text()
    ballots = json.loads(re.search(r"^profile: (.*)$", text, re.MULTILINE)[1])
    published = json.loads(re.search(r"rule_id: seqphragmen\n  result: (.*)$", text, re.MULTILINE)[1])
    contest = pile("012345", [("".join(map(str, marks)), 1) for marks in ballots])
    found = {frozenset(of(contest, seats=3, tiebreak_seed=str(seed)).elected) for seed in range(12)}
    assert found == {frozenset(map(str, committee)) for committee in published}


def test_options_that_delay_nobody_share_a_place_and_the_unsupported_stand_last() -> None:
    outcome = of(pile("ABCDE", [("A", 4), ("B", 4), ("C", 3)]))
    assert outcome.order == [["A", "B"], ["C"], ["D", "E"]]
    assert outcome.certificate["lots"] == []
    assert [(pair["tied"], pair["by"]) for pair in outcome.certificate["neighbours"]] == [
        (True, None), (False, "load"), (False, "load"), (True, None),
    ]  # fmt: skip


def test_of_equal_loads_with_a_common_supporter_more_approvals_come_first() -> None:
    # C comes first, at 1/6. Then A needs 1/3 of each of its three, and so does B of four, two of whom have paid 1/6.
    outcome = of(pile("ABC", [("C", 4), ("BC", 2), ("B", 1), ("AB", 1), ("A", 2)]))
    assert outcome.rounds[1] == {"tally": {"A": "1/3", "B": "1/3"}, "chosen": ["B"]}
    assert outcome.rounds[2]["tally"] == {"A": "4/9"}
    assert outcome.certificate["lots"] == []
    assert outcome.certificate["neighbours"][1] == {
        "above": "B", "below": "A", "tied": False, "load": "1/3", "other": "1/3", "by": "approvals",
    }  # fmt: skip


def test_the_last_seat_of_a_shared_place_goes_by_approvals_then_by_lot() -> None:
    even = pile("ABC", [("A", 2), ("B", 2), ("C", 2)])
    found = {tuple(of(even, seats=1, tiebreak_seed=seed).elected) for seed in "abcdefgh"}
    assert found == {("A",), ("B",), ("C",)}
    outcome = of(even, seats=2)
    (lot,) = outcome.certificate["lots"]
    assert lot["among"] == ["A", "B", "C"]
    assert set(outcome.elected) == set(lot["drawn"][:2])
    assert outcome.order == [outcome.elected, lot["drawn"][2:]]
    assert outcome.certificate["neighbours"][-1]["by"] == "lot"
    nobody = of(pile("ABC", [("A", 1)]), seats=2, tiebreak_seed="x")
    assert nobody.elected[0] == "A"
    assert nobody.certificate["variants"] == {"seats": 2, "tiebreak_seed": "x"}


def test_seats_of_the_file_count_unless_others_are_asked_for() -> None:
    given_seats = Contest(grades=pile("ABC", [("AB", 2), ("C", 1)]).grades, seats=2)
    assert len(of(given_seats).elected) == 2
    assert len(of(given_seats, seats=1).elected) == 1
    assert of(pile("ABC", [("AB", 2), ("C", 1)])).elected is None
    with pytest.raises(Invalid, match=r"count\.seats"):
        of(given_seats, seats=4)


def test_ballots_that_put_one_before_another_are_refused() -> None:
    with pytest.raises(Invalid, match=r"count\.needs_approvals"):
        of(Contest(Profile.of("AB", [([["A"], ["B"]], 1)])))
    with pytest.raises(Invalid, match=r"count\.needs_approvals"):
        of(Contest(grades=Grades.of("AB", [({"A": 2}, 1)])))


def test_nobody_approves_anything() -> None:
    outcome = of(Contest(grades=Grades.of("AB", [({}, 3)], top=1)))
    assert (outcome.order, outcome.rounds, outcome.blank, outcome.counted) == ([["A", "B"]], [], 3, 0)
    assert len(of(Contest(grades=Grades.of("AB", [({}, 3)], top=1)), seats=1).elected) == 1


def voters(pile_: Grades) -> list[set[str]]:
    return [
        {name for name, mark in zip(pile_.options, row, strict=True) if mark}
        for row, weight in zip(pile_.grades.tolist(), pile_.weights.tolist(), strict=True)
        for _ in range(weight)
    ]


@given(approvals(), st.text(max_size=3))
def test_option_after_option_has_the_least_load_voter_by_voter(pile_: Grades, seed: str) -> None:
    outcome = of(Contest(grades=pile_), tiebreak_seed=seed)
    ballots = voters(pile_)
    load = [Fraction(0)] * len(ballots)
    left = {name for name in pile_.options if any(name in ballot for ballot in ballots)}
    assert {name for place in outcome.order[: len(outcome.rounds)] for name in place} == left
    assert outcome.order[len(outcome.rounds) :] in ([], [[name for name in pile_.options if name not in left]])

    def burden(name: str) -> Fraction:
        supporters = [i for i, ballot in enumerate(ballots) if name in ballot]
        return (1 + sum(load[i] for i in supporters)) / Fraction(len(supporters))

    for place, told, bought in zip(outcome.order, outcome.rounds, outcome.certificate["bought"], strict=False):
        now = {name: burden(name) for name in left}
        assert {name: Fraction(number) for name, number in told["tally"].items()} == now
        assert Fraction(bought["load"]) == min(now.values())
        for name in place:
            assert burden(name) == min(now.values())
            load = [
                Fraction(bought["load"]) if name in ballot else each for each, ballot in zip(load, ballots, strict=True)
            ]
        left -= set(place)
        # Whatever could still come at this load is in the place already.
        assert all(burden(name) > min(now.values()) for name in left)


@given(approvals())
def test_every_load_follows_from_whole_numbers_of_ballots_alone(pile_: Grades) -> None:
    outcome = of(Contest(grades=pile_))
    known = [Fraction(0)]
    for bought in outcome.certificate["bought"]:
        for name, paid in bought["paid"].items():
            assert sum(paid.values()) == outcome.certificate["supporters"][name]
            spent = sum(n * known[int(at)] for at, n in paid.items())
            assert Fraction(bought["load"]) == (1 + spent) / Fraction(sum(paid.values()))
        known.append(Fraction(bought["load"]))
    assert known == sorted(set(known))


@given(approvals())
def test_whoever_agrees_gets_their_share_of_every_beginning(pile_: Grades) -> None:
    order = [name for place in of(Contest(grades=pile_)).order for name in place]
    for row, weight in zip(pile_.grades.tolist(), pile_.weights.tolist(), strict=True):
        wanted = {name for name, mark in zip(pile_.options, row, strict=True) if mark}
        for k in range(1, len(order) + 1):
            share = floor(Fraction(weight, pile_.counted) * k)
            assert len(wanted & set(order[:k])) >= min(share, len(wanted))


@given(approvals(), st.integers(1, 6))
def test_the_elected_are_the_first_of_the_order_up_to_a_tie(pile_: Grades, seats: int) -> None:
    assume(seats <= len(pile_.options))
    whole = of(Contest(grades=pile_)).order
    some = of(Contest(grades=pile_), seats=seats)
    assert len(some.elected) == seats
    reached = 0
    for place in whole:
        if reached + len(place) <= seats:
            assert set(place) <= set(some.elected)
        elif reached < seats:
            assert set(some.elected[reached:]) <= set(place)
        reached += len(place)
    assert [name for place in some.order for name in place][:seats] == some.elected
    assert sorted(name for place in some.order for name in place) == sorted(pile_.options)


@given(approvals(), st.data())
def test_renaming_and_shuffling_the_options_renames_the_order(pile_: Grades, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(pile_.options))))
    shuffled = Grades(tuple(pile_.options[i] for i in order), pile_.grades[:, order], pile_.weights, pile_.top)
    mine, other = of(Contest(grades=pile_)), of(Contest(grades=shuffled))
    assert list(map(set, mine.order)) == list(map(set, other.order))
    assert loads(mine) == loads(other)


@given(approvals())
def test_splitting_and_shuffling_the_ballots_changes_nothing(pile_: Grades) -> None:
    one_each = np.repeat(np.arange(len(pile_.weights)), pile_.weights)[::-1]
    ones = np.ones(len(one_each), dtype=np.int64)
    spread = Grades(pile_.options, pile_.grades[one_each], ones, pile_.top, pile_.blank)
    assert of(Contest(grades=spread)).as_json() == of(Contest(grades=pile_)).as_json()


@given(approvals())
def test_laying_equal_ballots_together_changes_nothing(pile_: Grades) -> None:
    doubled = Grades(pile_.options, np.repeat(pile_.grades, 64, axis=0), np.repeat(pile_.weights, 64), pile_.top)
    together = of(Contest(grades=doubled))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phragmen, "FEW", 0)
        assert of(Contest(grades=doubled)).as_json() == together.as_json()


@given(approvals())
def test_floating_numbers_only_leave_out_who_cannot_come(pile_: Grades) -> None:
    usual = of(Contest(grades=pile_))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phragmen, "MAX_OPTIONS", 0)
        near = of(Contest(grades=pile_))
    assert (near.order, near.certificate["bought"]) == (usual.order, usual.certificate["bought"])


def test_long_fractions_are_cut_off_where_they_are_told_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phragmen, "DIGITS", 10)
    outcome = of(pile("abcd", BOOK_12))
    assert [bought["load"] for bought in outcome.certificate["bought"]][:3] == [
        "1/5", "1/3", "0.483333333333333333333333333333",
    ]  # fmt: skip
    assert outcome.order[:3] == [["c"], ["b"], ["d"]]
