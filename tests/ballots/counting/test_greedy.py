"""Greedy budgets: the published ones, and what must hold for any."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import greedy
from ballots.counting.contest import Contest, Grades, Money, Variants, draw_lot
from ballots.counting.types import Profile
from commons.errors import Invalid
from tests.ballots.counting.budgets import budgets, make, needs_votes, read_published, selected, spread


@needs_votes
@pytest.mark.parametrize(
    ("name", "funded", "spent"),
    [
        ("poland_lodz_2022_rokicie.pb", 10, 555_100),
        ("poland_krakow_2019_podgorze-duchackie.pb", 16, 1_195_190),
    ],
)
def test_cities_selected_the_same_projects(name: str, funded: int, spent: int) -> None:
    outcome = greedy.count(read_published(name))
    assert (len(outcome.winners), outcome.certificate["spent"]) == (funded, spent)
    assert set(outcome.winners) == selected(name)


@needs_votes
def test_wieliczka_by_greed_would_have_been_the_published_other_list() -> None:
    outcome = greedy.count(read_published("poland_wieliczka_2023.pb"))
    assert (len(outcome.winners), outcome.certificate["spent"]) == (23, 998_997)


def test_what_no_longer_fits_is_passed_over_and_each_step_is_told() -> None:
    outcome = greedy.count(make(10, {"A": 6, "B": 5, "C": 4, "D": 1}, [("ABC", 2), ("AB", 1), ("A", 1)]))
    assert outcome.order == [["A"], ["C"], ["B", "D"]]
    assert outcome.certificate["steps"] == [
        {"option": "A", "total": 4, "cost": 6, "left": 10, "funded": True},
        {"option": "B", "total": 3, "cost": 5, "left": 4, "funded": False},
        {"option": "C", "total": 2, "cost": 4, "left": 4, "funded": True},
    ]
    assert outcome.certificate["with_a_funded_project"] == {"voters": 4, "share": 1}


def test_points_count_as_many_times_as_they_are() -> None:
    grades = Grades.of("AB", [({"A": 1}, 3), ({"B": 4}, 1)])
    assert greedy.count(Contest(grades=grades, money=Money(Fraction(5), (Fraction(5), Fraction(5))))).winners == ["B"]


def test_equals_are_parted_by_cost_then_by_a_lot_that_the_certificate_tells() -> None:
    contest = make(9, {"A": 5, "B": 5, "C": 4}, [("ABC", 1)])
    outcome = greedy.count(contest, Variants(tiebreak_seed="2 5 8"))
    drawn = draw_lot("2 5 8", "AB")
    assert outcome.winners == ["C", drawn[0]]
    assert outcome.certificate["lots"] == [{"among": ["A", "B"], "drawn": drawn}]
    assert outcome.certificate["ties"] == [{"among": ["A", "B", "C"], "first": "C", "by": "cost"}]


@given(budgets())
def test_nothing_is_overspent_and_nothing_that_fits_is_left_out(contest: Contest) -> None:
    outcome = greedy.count(contest)
    costs = dict(zip(outcome.options, contest.money.costs, strict=True))
    left = contest.money.budget - sum(costs[name] for name in outcome.winners)
    assert left >= 0
    for name in set(outcome.options) - set(outcome.winners):
        assert costs[name] > left or not outcome.certificate["totals"][name]


@given(budgets(), st.data())
def test_how_ballots_lie_together_and_who_stands_where_changes_nothing(contest: Contest, data: st.DataObject) -> None:
    again = spread(contest, data.draw(st.permutations(range(len(contest.grades.options)))))
    assert greedy.count(again).winners == greedy.count(contest).winners


def test_without_money_or_with_rankings_alone_it_is_refused() -> None:
    for contest in (Contest(grades=Grades.of("AB", [({"A": 1}, 1)])), Contest(Profile.of("AB", [([["A"]], 1)]))):
        with pytest.raises(Invalid, match=r"count\.needs_budget"):
            greedy.count(contest)


def test_nothing_to_spend_and_nobody_who_chose_are_counted() -> None:
    assert greedy.count(make(0, {"A": 1}, [("A", 1)])).order == [["A"]]
    assert greedy.count(make(5, {"A": 1}, [("", 3)])).order == [["A"]]
    assert greedy.count(make(5, {"A": 1}, [("A", 3)]), Variants(budget=Fraction(1, 2))).winners == []
