"""Equal Shares: the published budget, each completion step by step in plain fractions, and what must hold for any."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import equal_shares, purses
from ballots.counting.contest import Contest, Grades, Money, Variants, draw_lot
from ballots.counting.shares import Shop
from commons.errors import Invalid
from tests.ballots.counting.budgets import budgets, make, needs_votes, read_published, selected, spread

WIELICZKA = "poland_wieliczka_2023.pb"


@needs_votes
def test_wieliczka_2023_is_the_published_list() -> None:
    outcome = equal_shares.count(read_published(WIELICZKA))
    assert (len(outcome.winners), outcome.certificate["spent"]) == (30, 995_079)
    assert set(outcome.winners) == selected(WIELICZKA)
    assert not [step for step in outcome.certificate["completed"] if step["funded"]]
    assert outcome.certificate["variants"] == {"budget": 1_000_000, "completion": "add1u", "tiebreak_seed": ""}


@needs_votes
def test_wieliczka_without_completion_leaves_more_than_half() -> None:
    outcome = equal_shares.count(read_published(WIELICZKA), Variants(completion="none"))
    assert (len(outcome.winners), outcome.certificate["spent"]) == (21, 450_548)
    assert (outcome.certificate["steps"], outcome.certificate["purse"]) == (0, "500000/3293")


def plainly(contest: Contest, purse: Fraction) -> tuple[list[str], Fraction]:
    """Buy with purses of this size as one would by hand: voter by voter, in fractions.

    Returns: the projects in order, and the money left in all purses of ballots that mark something.
    """
    grades, money = contest.grades, contest.money
    costs = dict(zip(grades.options, money.costs, strict=True))
    voters = [
        (dict(zip(grades.options, row, strict=True)), weight)
        for row, weight in zip(grades.grades.tolist(), grades.weights.tolist(), strict=True)
    ]
    held = [purse] * len(voters)
    totals = {name: sum(marks[name] * weight for marks, weight in voters) for name in costs}
    left = [name for name in costs if totals[name] and costs[name]]
    order: list[str] = []
    while True:
        found: list[Any] = []
        for name in left:
            unit = costs[name] if grades.top == 1 else Fraction(1)
            givers = sorted((held[i] / marks[name], i) for i, (marks, _) in enumerate(voters) if marks[name])
            cost, points = costs[name], totals[name] * unit
            for most, i in givers:
                if cost / points * unit <= most:
                    found.append((cost / points, -totals[name], costs[name], draw_lot("", left).index(name), name))
                    break
                cost -= held[i] * voters[i][1]
                points -= voters[i][0][name] * voters[i][1] * unit
                if not points:
                    break
        if not found:
            return order, sum((h * w for h, (_, w) in zip(held, voters, strict=True)), Fraction(0))
        price, *_, name = min(found)
        unit = costs[name] if grades.top == 1 else Fraction(1)
        held = [h - min(h, price * unit * marks[name]) for h, (marks, _) in zip(held, voters, strict=True)]
        order.append(name)
        left.remove(name)


def step_by_step(contest: Contest) -> tuple[int, list[str], Fraction]:
    """Add one unit after the other, with a whole count each time."""
    grades, money = contest.grades, contest.money
    costs = dict(zip(grades.options, money.costs, strict=True))
    share = money.budget / max(1, grades.counted + grades.blank)
    all_of_them = sum(1 for i, cost in enumerate(money.costs) if cost and grades.grades[:, i].any())
    step, (order, held) = 0, plainly(contest, share)
    while money.budget and len(order) < all_of_them:
        raised, raised_held = plainly(contest, share + step + 1)
        if sum(costs[name] for name in raised) > money.budget:
            break
        step, order, held = step + 1, raised, raised_held
    return step, order, held


@pytest.mark.parametrize(("small", "many"), [(20_000, 4096), (0, 4096), (0, 0)])
@given(contest=budgets())
def test_the_count_is_what_it_is_by_hand_however_voters_are_grouped(contest: Contest, small: int, many: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(purses, "SMALL", small)
        patch.setattr(purses, "MANY", many)
        outcome = equal_shares.count(contest, Variants(completion="add1"))
    told = outcome.certificate
    step, order, held = step_by_step(contest)
    assert [name for name in outcome.winners if name not in told["free"]] == order
    assert told["steps"] == step
    blank_money = Fraction(told["purse"]) * contest.grades.blank
    assert Fraction(told["held"]) == (held + blank_money if contest.money.budget else 0)


def test_groups_of_many_voters_pay_what_each_of_them_would_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(7)
    marks = dice.integers(0, 3, size=(400, 6)).astype(np.uint8)
    marks[:, 0] |= 1
    ones = np.ones(400, dtype=np.int64)
    for top in (1, 2):
        grades = Grades(tuple("ABCDEF"), np.minimum(marks, top), ones, top)
        contest = Contest(
            grades=grades, money=Money(Fraction(9000), tuple(map(Fraction, (1500, 2500, 3000, 4100, 4200, 900))))
        )
        apart = equal_shares.count(contest).as_json()
        monkeypatch.setattr(purses, "SMALL", 0)
        shop_size = Shop(equal_shares.Projects.of(contest, Variants())).pile.root.size
        together = equal_shares.count(contest).as_json()
        monkeypatch.setattr(purses, "MANY", 1)
        assert shop_size == 1
        assert together == apart == equal_shares.count(contest).as_json()
        monkeypatch.undo()


@given(budgets())
def test_money_adds_up_to_the_last_fraction(contest: Contest) -> None:
    told = equal_shares.count(contest).certificate
    costs = dict(zip(contest.grades.options, contest.money.costs, strict=True))
    paid = sum((costs[entry["option"]] for entry in told["funded"]), Fraction(0))
    voters = contest.grades.counted + contest.grades.blank
    assert Fraction(told["purse"]) * voters - paid == Fraction(told["held"])
    assert Fraction(told["spent"]) <= contest.money.budget
    assert sum(each["voters"] for each in told["purses"]) == voters
    for entry in told["funded"]:
        assert 0 <= entry["gave_all"] < entry["paid"] <= entry["supporters"]
        if entry["price_of"] == "supporter":
            full = Fraction(entry["price"]) * (entry["paid"] - entry["gave_all"])
            assert full + Fraction(entry["gave_all_together"]) == Fraction(entry["cost"])


@given(budgets(), st.data(), st.sampled_from(["none", "add1", "add1u"]))
def test_how_ballots_lie_together_and_who_stands_where_changes_nothing(
    contest: Contest, data: st.DataObject, completion: str
) -> None:
    again = spread(contest, data.draw(st.permutations(range(len(contest.grades.options)))))
    said = Variants(completion=completion)
    mine, other = equal_shares.count(contest, said), equal_shares.count(again, said)
    assert other.winners == mine.winners
    for key in ("funded", "purses", "steps"):
        assert other.certificate[key] == mine.certificate[key]
    drawn = [[lot["drawn"] for lot in each.certificate["lots"]] for each in (mine, other)]
    assert drawn[0] == drawn[1]


@given(budgets())
def test_a_group_large_enough_gets_what_its_part_of_the_money_buys(contest: Contest) -> None:
    # Whoever supports nothing that was bought has kept the whole purse: together they cannot pay what they want.
    outcome = equal_shares.count(contest, Variants(completion="none"))
    told = {entry["option"]: entry for entry in outcome.certificate["not_funded"]}
    costs = dict(zip(contest.grades.options, contest.money.costs, strict=True))
    for name, entry in told.items():
        assert Fraction(entry["held"]) < costs[name] or not entry["supporters"]
        assert Fraction(entry["missing"]) == costs[name] - Fraction(entry["held"])


def test_by_hand_two_groups_each_get_their_part() -> None:
    # Six voters for A, B and C, four for D: by greed the four would go away empty-handed.
    contest = make(100, {"A": 30, "B": 30, "C": 40, "D": 40}, [("ABC", 6), ("D", 4)])
    outcome = equal_shares.count(contest, Variants(completion="none"))
    told = outcome.certificate
    assert outcome.winners == [*draw_lot("", "AB"), "D"]
    assert [entry["price"] for entry in told["funded"]] == [5, 5, 10]
    assert told["not_funded"] == [{"option": "C", "cost": 40, "supporters": 6, "held": 0, "missing": 40}]
    assert told["with_a_funded_project"] == {"voters": 10, "share": 1}
    assert told["lots"] == [{"among": ["A", "B"], "drawn": draw_lot("", "AB")}]


def test_who_lacks_the_full_price_gives_all_that_is_left() -> None:
    # Everybody has 10. A costs its two supporters 6 each; so of B's, one has 4 left and the other pays the rest.
    votes = [("AB", 1), ("A", 1), ("B", 1)]
    told = equal_shares.count(make(30, {"A": 12, "B": 13}, votes), Variants(completion="none")).certificate
    second = told["funded"][1]
    assert (second["option"], second["gave_all"], second["gave_all_together"], second["price"]) == ("B", 1, 4, 9)
    told = equal_shares.count(make(30, {"A": 12, "B": 15}, votes), Variants(completion="none")).certificate
    assert told["not_funded"] == [{"option": "B", "cost": 15, "supporters": 2, "held": 14, "missing": 1}]


@pytest.mark.parametrize("top", [1, 2])
def test_purses_may_have_to_grow_a_very_long_way(top: int) -> None:
    # Steps of one unit to 10^14, but only a few counts: a run vouches for all steps that buy the same.
    costs = (Fraction(10**12), Fraction(10**12), Fraction(10**15), Fraction(10**12))
    grades = Grades.of(
        "ABCD", [({"A": 1}, 1), ({"A": 1, "B": 1, "D": top}, 3), ({"B": 1, "D": top}, 5), ({"C": 1}, 9)], top=top
    )
    contest = Contest(grades=grades, money=Money(Fraction(10**12), costs))
    told = equal_shares.count(contest).certificate
    assert told["steps"] > 10**10
    assert told["stopped"] > 10**12


def test_zero_budgets_blank_piles_and_what_costs_nothing_are_counted() -> None:
    assert equal_shares.count(make(0, {"A": 1}, [("A", 1)])).order == [["A"]]
    assert equal_shares.count(make(5, {"A": 1}, [("", 3)])).order == [["A"]]
    outcome = equal_shares.count(make(0, {"A": 1, "B": 0, "C": 0}, [("AB", 1)]))
    assert outcome.order == [["B"], ["A", "C"]]
    assert equal_shares.count(make(5, {"A": 5}, [("A", 3)])).order == [["A"]]


def test_what_is_no_completion_is_refused_with_those_there_are() -> None:
    with pytest.raises(Invalid) as refused:
        equal_shares.count(make(5, {"A": 5}, [("A", 3)]), Variants(completion="add2"))
    assert refused.value.facts == {"name": "completion", "found": "add2", "known": "add1u, add1, none"}
