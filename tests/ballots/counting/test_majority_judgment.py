"""Majority judgment: the Orsay experiment, ties down to the last grade, and what must hold for any pile of ballots."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import majority_judgment
from ballots.counting.contest import Contest, Grades
from ballots.counting.types import Profile
from commons.errors import Invalid
from tests.graded import by_hand, grade_piles, relabelled, spread_out

# Balinski and Laraki, Election by Majority Judgment: Experimental Evidence (Orsay, 22 April 2007; 1733 valid ballots):
# per mille for Excellent, Very good, Good, Acceptable, Poor; the rest rejected or gave no grade, which counts the same.
ORSAY = {
    "Besancenot": (41, 99, 163, 160, 226),
    "Buffet": (25, 76, 125, 206, 264),
    "Schivardi": (5, 10, 39, 95, 249),
    "Bayrou": (136, 307, 251, 148, 84),
    "Bové": (15, 60, 114, 160, 257),
    "Voynet": (29, 93, 175, 237, 261),
    "Villiers": (24, 64, 87, 113, 158),
    "Royal": (167, 227, 191, 168, 122),
    "Nihous": (3, 18, 53, 110, 267),
    "Le Pen": (30, 46, 62, 65, 54),
    "Laguiller": (21, 53, 102, 166, 259),
    "Sarkozy": (191, 198, 143, 115, 71),
}
# The order and the majority grades they found, 5 = Excellent.
PUBLISHED = {
    "Bayrou": 3, "Royal": 3, "Sarkozy": 3, "Voynet": 2, "Besancenot": 1, "Buffet": 1, "Bové": 1, "Laguiller": 1,
    "Nihous": 0, "Villiers": 0, "Schivardi": 0, "Le Pen": 0,
}  # fmt: skip


def from_columns(columns: dict[str, list[int]]) -> Grades:
    """Make ballots from the list of grades of each option: the first of each list is one ballot, and so on."""
    rows = zip(*columns.values(), strict=True)
    return Grades.of(columns, [(dict(zip(columns, row, strict=True)), 1) for row in rows], top=5)


def test_the_orsay_experiment_is_reproduced() -> None:
    columns = {}
    for name, row in ORSAY.items():
        graded = [grade for grade, ballots in zip((5, 4, 3, 2, 1), row, strict=True) for _ in range(ballots)]
        columns[name] = graded + [0] * (1000 - len(graded))
    outcome = majority_judgment.count(Contest(grades=from_columns(columns)))
    assert outcome.order == [[name] for name in PUBLISHED]
    majority = outcome.certificate["majority"]
    assert {name: majority[name]["grade"] for name in ORSAY} == PUBLISHED
    # 136 + 307 above Good, 1000 - 443 - 251 below: he is Good+.
    assert majority["Bayrou"] == {"grade": 3, "above": 443, "below": 306}
    # Both others are Good-: 468 are below Good for Sarkozy, 416 for Royal, so he falls first. After 64 grades were
    # taken away he has 936 left, and the lower one in the middle, the 468th from below, is no longer Good.
    second = outcome.certificate["neighbours"][1]
    assert second == {"above": "Royal", "below": "Sarkozy", "tied": False, "removed": 64, "grades": [3, 2]}


def test_the_majority_gauge_ties_where_the_grades_do_not() -> None:
    # Tennessee in words, as in Wikipedia: Excellent 3, Good 2, Fair 1, Poor 0. Chattanooga and Knoxville both have
    # 32 above Fair and 42 below; only the last grades taken away, 17 Excellent against 15, put Knoxville first.
    cities = ("Memphis", "Nashville", "Chattanooga", "Knoxville")
    ballots = [((3, 1, 0, 0), 42), ((0, 3, 1, 1), 26), ((0, 1, 3, 2), 15), ((0, 1, 2, 3), 17)]
    pile = Grades.of(cities, [(dict(zip(cities, row, strict=True)), weight) for row, weight in ballots])
    outcome = majority_judgment.count(Contest(grades=pile))
    assert outcome.order == [["Nashville"], ["Knoxville"], ["Chattanooga"], ["Memphis"]]
    assert outcome.certificate["majority"] == {
        "Memphis": {"grade": 0, "above": 42, "below": 0},
        "Nashville": {"grade": 1, "above": 26, "below": 0},
        "Chattanooga": {"grade": 1, "above": 32, "below": 42},
        "Knoxville": {"grade": 1, "above": 32, "below": 42},
    }
    assert outcome.certificate["grades"]["Knoxville"] == [[3, 17], [2, 15], [1, 26], [0, 42]]
    # The 17th best grade is at the 34th step to the upper side of the middle: 2 * (51 - 17) - 1 = 67 taken away.
    assert outcome.certificate["neighbours"][1] == {
        "above": "Knoxville", "below": "Chattanooga", "tied": False, "removed": 67, "grades": [3, 2],
    }  # fmt: skip


def test_of_an_even_number_the_lower_middle_grade_counts() -> None:
    outcome = majority_judgment.count(Contest(grades=from_columns({"A": [5, 1], "B": [2, 2], "C": [5, 1]})))
    assert outcome.order == [["B"], ["A", "C"]]
    assert outcome.certificate["majority"]["A"] == {"grade": 1, "above": 1, "below": 0}
    assert [(pair["tied"], pair["removed"], pair["grades"]) for pair in outcome.certificate["neighbours"]] == [
        (False, 0, [2, 1]),
        (True, None, None),
    ]


def test_whoever_is_left_out_has_the_lowest_grade() -> None:
    outcome = majority_judgment.count(Contest(grades=Grades.of("AB", [({"A": 4}, 2), ({"A": 1, "B": 5}, 1)], top=5)))
    assert outcome.order == [["A"], ["B"]]
    assert outcome.certificate["grades"]["B"] == [[5, 1], [0, 2]]


def test_no_ballot_and_one_option_are_counted() -> None:
    blank = majority_judgment.count(Contest(grades=Grades.of("AB", [({}, 3)])))
    assert (blank.order, blank.certificate["majority"]) == ([["A", "B"]], {"A": None, "B": None})
    assert majority_judgment.count(Contest(grades=Grades.of("A", [({"A": 1}, 1)]))).order == [["A"]]


def test_rankings_are_refused() -> None:
    with pytest.raises(Invalid, match=r"count\.needs_grades"):
        majority_judgment.count(Contest(Profile.of("AB", [([["A"]], 1)])))


def majority_value(grades: list[int]) -> list[int]:
    """Take the majority grades away one by one, as the book says."""
    left = sorted(grades)
    return [left.pop((len(left) - 1) // 2) for _ in range(len(left))]


TOPS = st.sampled_from([1, 3, 1000])


@given(grade_piles(top=TOPS, max_rows=12))
def test_the_order_is_that_of_the_grades_taken_away_one_by_one(pile: Grades) -> None:
    ballots = by_hand(pile)
    value = {a: majority_value([ballot.get(a, 0) for ballot in ballots]) for a in pile.options}
    outcome = majority_judgment.count(Contest(grades=pile))
    heights = sorted(map(list, {tuple(each) for each in value.values()}), reverse=True)
    assert outcome.order == [[a for a in pile.options if value[a] == height] for height in heights]
    order = [a for place in outcome.order for a in place]
    for (a, b), told in zip(pairwise(order), outcome.certificate["neighbours"], strict=True):
        differing = [i for i, (x, y) in enumerate(zip(value[a], value[b], strict=True)) if x != y]
        assert told["tied"] is (not differing)
        assert told["removed"] == (differing[0] if differing else None)
        assert told["grades"] == ([value[a][differing[0]], value[b][differing[0]]] if differing else None)


@given(grade_piles(), st.data())
def test_nothing_depends_on_how_ballots_and_options_are_written_down(pile: Grades, data: st.DataObject) -> None:
    outcome = majority_judgment.count(Contest(grades=pile))
    assert majority_judgment.count(Contest(grades=spread_out(pile))).as_json() == outcome.as_json()
    other = relabelled(pile, data.draw(st.permutations(range(len(pile.options)))))
    assert list(map(set, majority_judgment.count(Contest(grades=other)).order)) == list(map(set, outcome.order))


@given(grade_piles(), st.data())
def test_a_better_grade_never_moves_an_option_down(pile: Grades, data: st.DataObject) -> None:
    ballots = by_hand(pile)
    a = data.draw(st.sampled_from(pile.options))
    raised = [ballot | {a: min(pile.top, ballot.get(a, 0) + data.draw(st.integers(0, 2)))} for ballot in ballots]
    better = Grades.of(pile.options, [(ballot, 1) for ballot in raised], top=pile.top)
    before, after = (majority_judgment.count(Contest(grades=each)).order for each in (pile, better))
    ahead = {b for place in before[: [a in place for place in before].index(True)] for b in place}
    assert {b for place in after[: [a in place for place in after].index(True)] for b in place} <= ahead
