"""Tallies of grades: as by hand, whatever the size of the numbers; and the pile that keeps a 0 apart from a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting.contest import Contest, Grades, Variants, ranked
from ballots.counting.grading import MAX_SPREAD, count_grade, count_named, spread, sum_points
from ballots.counting.pairwise import count_preferences
from commons.errors import Invalid
from tests.graded import by_hand, grade_piles, relabelled, spread_out

TOPS = st.sampled_from([1, 5, 255, 256, MAX_SPREAD, 65_536, 1_000_000_000])


@given(grade_piles(top=TOPS))
def test_every_tally_is_what_one_would_count_by_hand(pile: Grades) -> None:
    ballots = by_hand(pile)
    for i, a in enumerate(pile.options):
        given_to = [ballot.get(a, 0) for ballot in ballots]
        assert sum_points(pile)[i] == sum(given_to)
        assert count_named(pile)[i] == sum(a in ballot for ballot in ballots)
        assert count_grade(pile, pile.top)[i] == given_to.count(pile.top)
        if pile.top <= MAX_SPREAD:
            assert spread(pile)[i] == {grade: given_to.count(grade) for grade in sorted(set(given_to), reverse=True)}
        for j, b in enumerate(pile.options):
            above = sum(ballot.get(a, 0) > ballot.get(b, 0) for ballot in ballots)
            assert count_preferences(pile)[i, j] == above


def test_the_most_points_there_can_be_do_not_run_over() -> None:
    pile = Grades.of("AB", [({"A": 1_000_000_000, "B": 999_999_999}, 10_000_000_000)])
    assert sum_points(pile) == [10**19, 9_999_999_990_000_000_000]


def test_points_too_fine_for_grades_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        spread(Grades.of("AB", [({"A": 1}, 1)], top=MAX_SPREAD + 1))
    assert (refused.value.code, refused.value.facts) == ("count.grades", {"found": 10_001, "limit": 10_000})


def test_a_zero_that_was_given_is_not_an_option_left_out() -> None:
    given, left_out = (Grades.of("AB", [(ballot, 1)], top=5) for ballot in ({"A": 3, "B": 0}, {"A": 3}))
    assert given.named.tolist() == [[True, True]]
    assert left_out.named.tolist() == [[True, False]]
    assert left_out.zeros is None
    assert given != left_out
    as_last = Variants(unranked="ignored")
    assert [ranked(Contest(grades=pile), as_last).ranks.tolist() for pile in (given, left_out)] == [
        [[1, 2]],
        [[1, 255]],
    ]


def test_a_mark_of_zero_where_a_grade_stands_is_no_zero() -> None:
    everywhere = np.ones((1, 2), dtype=np.bool_)
    pile = Grades(("A", "B"), np.array([[3, 0]], dtype=np.uint8), np.array([1]), 5, zeros=everywhere)
    assert pile.zeros is not None
    assert pile.zeros.tolist() == [[False, True]]


@pytest.mark.parametrize("zeros", [np.ones((2, 2), dtype=np.bool_), np.ones((1, 2), dtype=np.uint8)])
def test_marks_of_another_shape_or_kind_are_refused(zeros: np.ndarray) -> None:
    with pytest.raises(Invalid) as refused:
        Grades(("A", "B"), np.array([[3, 0]], dtype=np.uint8), np.array([1]), 5, zeros=zeros)
    assert refused.value.facts == {"part": "zeros"}


@given(grade_piles())
def test_piles_are_equal_however_they_are_laid_together(pile: Grades) -> None:
    assert spread_out(pile) == pile
    assert pile != object()


@given(grade_piles(), st.data())
def test_piles_with_another_ballot_top_or_order_of_options_are_not_equal(pile: Grades, data: st.DataObject) -> None:
    more = Grades.of(
        pile.options, [*((ballot, 1) for ballot in by_hand(pile)), ({pile.options[0]: 1}, 1)], top=pile.top
    )
    assert more != pile
    assert (
        Grades.of(pile.options, [(ballot, 1) for ballot in by_hand(pile)], top=pile.top + 1, blank=pile.blank) != pile
    )
    order = data.draw(st.permutations(range(len(pile.options))))
    assert (relabelled(pile, order) == pile) is (order == sorted(order))
