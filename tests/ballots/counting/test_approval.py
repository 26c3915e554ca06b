"""Approval: the published example, seats, thresholds and lots, and what must hold for any pile of ballots."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import approval
from ballots.counting.contest import Contest, Grades, Variants, draw_lot
from ballots.counting.types import Profile
from commons.errors import Invalid
from tests.graded import by_hand, grade_piles, relabelled, spread_out

ONE = st.just(1)
CITIES = ("Memphis", "Nashville", "Chattanooga", "Knoxville")
# Wikipedia, Approval voting, "Tennessee": every voter approves of the two cities next to them.
TENNESSEE = Grades.of(
    CITIES,
    [
        ({"Memphis": 1, "Nashville": 1}, 42),
        ({"Nashville": 1, "Chattanooga": 1}, 26),
        ({"Chattanooga": 1, "Knoxville": 1}, 15),
        ({"Knoxville": 1, "Chattanooga": 1}, 17),
    ],
)


def test_the_published_example_is_reproduced() -> None:
    outcome = approval.count(Contest(grades=TENNESSEE))
    assert outcome.order == [["Nashville"], ["Chattanooga"], ["Memphis"], ["Knoxville"]]
    assert outcome.rounds == [{"tally": {"Memphis": 42, "Nashville": 68, "Chattanooga": 58, "Knoxville": 32}}]
    assert outcome.winners == ["Nashville"]
    proof = outcome.certificate
    assert proof["shares"] == {"Memphis": "21/50", "Nashville": "17/25", "Chattanooga": "29/50", "Knoxville": "8/25"}
    assert proof["neighbours"][0] == {
        "above": "Nashville", "below": "Chattanooga", "tied": False, "approvals": [68, 58], "by_lot": False,
    }  # fmt: skip
    assert proof["variants"] == {"seats": None, "threshold": None, "tiebreak_seed": ""}


@pytest.mark.parametrize("contest", [Contest(grades=TENNESSEE, seats=2), Contest(grades=TENNESSEE, seats=3)])
def test_the_seats_asked_for_go_before_those_of_the_file(contest: Contest) -> None:
    outcome = approval.count(contest, Variants(seats=2))
    assert outcome.order == [["Nashville"], ["Chattanooga"], ["Memphis", "Knoxville"]]
    assert outcome.winners == ["Nashville", "Chattanooga"]
    assert outcome.certificate["variants"]["seats"] == 2


def test_only_who_has_more_than_the_threshold_wins() -> None:
    def winners(threshold: str, seats: int | None = None) -> list[str]:
        return approval.count(
            Contest(grades=TENNESSEE), Variants(threshold=Fraction(threshold), seats=seats)
        ).winners  # fmt: skip

    assert winners("17/25") == []  # 68 of 100 are not more than 17/25
    assert winners("67/100") == ["Nashville"]
    assert winners("1/2", seats=3) == ["Nashville", "Chattanooga"]


def test_equals_for_the_last_seat_draw_a_lot_that_anybody_can_draw_again() -> None:
    pile = Grades.of("ABCD", [({"A": 1, "B": 1, "C": 1, "D": 1}, 2), ({"A": 1}, 1)])
    outcome = approval.count(Contest(grades=pile), Variants(seats=3, tiebreak_seed="42"))
    drawn = draw_lot("42", "BCD")[:2]
    assert outcome.certificate["lots"] == [{"among": ["B", "C", "D"], "drawn": drawn}]
    assert outcome.order == [["A"], sorted(drawn), [name for name in "BCD" if name not in drawn]]
    assert [pair["by_lot"] for pair in outcome.certificate["neighbours"]] == [False, False, True]
    seeds = {tuple(approval.count(Contest(grades=pile), Variants(seats=3, tiebreak_seed=s)).winners) for s in "abcdefg"}
    assert len(seeds) > 1


def test_equals_who_all_get_a_seat_draw_no_lot() -> None:
    pile = Grades.of("ABC", [({"A": 1, "B": 1}, 2)])
    outcome = approval.count(Contest(grades=pile), Variants(seats=2))
    assert (outcome.order, outcome.winners, outcome.certificate["lots"]) == ([["A", "B"], ["C"]], ["A", "B"], [])


def test_rankings_in_one_place_are_approvals_and_others_are_refused() -> None:
    assert approval.count(Contest(Profile.of("ABC", [([["B", "C"]], 3), ([["C"]], 1)]))).order == [["C"], ["B"], ["A"]]
    with pytest.raises(Invalid, match=r"count\.needs_approvals"):
        approval.count(Contest(Profile.of("AB", [([["A"], ["B"]], 1)])))
    with pytest.raises(Invalid, match=r"count\.needs_approvals"):
        approval.count(Contest(grades=Grades.of("AB", [({"A": 2}, 1)])))


@pytest.mark.parametrize("seats", [0, -1, 5])
def test_seats_that_cannot_be_filled_are_refused(seats: int) -> None:
    with pytest.raises(Invalid, match=r"count\.seats"):
        approval.count(Contest(grades=TENNESSEE), Variants(seats=seats))


def test_ballots_that_are_all_blank_leave_all_tied() -> None:
    outcome = approval.count(Contest(grades=Grades.of("AB", [({}, 3)])))
    assert (outcome.order, outcome.ballots, outcome.blank) == ([["A", "B"]], 3, 3)
    assert outcome.certificate["shares"] == {"A": 0, "B": 0}
    nobody = approval.count(Contest(grades=Grades.of("AB", [({}, 3)])), Variants(threshold=Fraction(0)))
    assert nobody.winners == []


@given(grade_piles(top=ONE), st.data())
def test_nothing_depends_on_how_ballots_and_options_are_written_down(pile: Grades, data: st.DataObject) -> None:
    variants = Variants(seats=data.draw(st.none() | st.integers(1, len(pile.options))))
    outcome = approval.count(Contest(grades=pile), variants)
    assert approval.count(Contest(grades=spread_out(pile)), variants).as_json() == outcome.as_json()
    other = relabelled(pile, data.draw(st.permutations(range(len(pile.options)))))
    assert list(map(set, approval.count(Contest(grades=other), variants).order)) == list(map(set, outcome.order))


@given(grade_piles(top=ONE), st.data())
def test_one_more_approval_never_moves_an_option_down(pile: Grades, data: st.DataObject) -> None:
    a = data.draw(st.sampled_from(pile.options))
    more = Grades.of(pile.options, [*((ballot, 1) for ballot in by_hand(pile)), ({a: 1}, 1)])
    before, after = (approval.count(Contest(grades=each)).order for each in (pile, more))
    behind = {b for place in before[[a in place for place in before].index(True) :] for b in place}
    assert behind <= {b for place in after[[a in place for place in after].index(True) :] for b in place}
