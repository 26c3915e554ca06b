"""The attack on a release: it finds what figures force, lets go what they do not, and agrees with trying every list."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from polls.kinds import Kind, Paper
from results import attack
from results.attack import forces
from results.figures import UNTOLD, Figures, Form, adds, count_figures, gathered

THREE = (1, 2, 3)
STRICT = Paper(Kind.RANKING, THREE, 3, equal=False)
YES = Paper(Kind.APPROVAL, THREE, 1)
FULL_RANKINGS = [bytes(row) for row in permutations(THREE)]


def test_of_three_options_the_comparisons_and_first_choices_together_are_the_ballots() -> None:
    opened = dict(zip(FULL_RANKINGS, (40, 30, 25, 20, 15, 3), strict=True))
    # Where everybody ranks all, six kinds of ballots stand against six figures: one list fits, and it names the three.
    assert _forces_among(FULL_RANKINGS, [Form.PAIRS, Form.TOTALS], opened)
    assert not _forces_among(FULL_RANKINGS, [Form.PAIRS], opened)


def _forces_among(patterns: list[bytes], forms: list[Form], opened: dict[bytes, int]) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attack, "_all", lambda _: iter(patterns))
        return forces(forms, STRICT, opened, blank_told=False)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        ({bytes([1, 0, 0]): 60, bytes([0, 1, 0]): 20, bytes([0, 0, 1]): 9}, True),  # nine for the third: told outright
        ({bytes([1, 0, 0]): 60, bytes([0, 1, 0]): 20, bytes([0, 0, 1]): 10}, False),
        ({bytes([1, 0, 0]): 60, bytes([0, 1, 0]): 20}, False),  # nobody for the third
        ({bytes([1, 0, 0]): 60, bytes([0, 1, 0]): 20, bytes(3): 4}, True),  # four blank: the total less the votes
    ],
)
def test_of_single_choices_the_totals_are_the_ballots(opened: dict[bytes, int], expected: bool) -> None:
    paper = Paper(Kind.SINGLE, THREE, 1, most=1)
    assert forces([Form.TOTALS], paper, opened, blank_told=False) is expected


@settings(max_examples=80, deadline=None)
@example(votes=[20, 30, 4], blank=12)
@example(votes=[20, 30, 10], blank=1)
@example(votes=[20, 4, 0], blank=12)
@given(votes=st.lists(st.integers(0, 30), min_size=3, max_size=5), blank=st.integers(0, 14))
def test_of_single_choices_gathered_totals_force_nothing(votes: list[int], blank: int) -> None:
    names = tuple("ABCDE"[: len(votes)])
    paper = Paper(Kind.SINGLE, tuple(range(1, len(votes) + 1)), 1, most=1)
    opened = {bytes(int(i == j) for i in range(len(votes))): n for j, n in enumerate(votes) if n}
    opened |= {bytes(len(votes)): blank} if blank else {}
    assume(opened and any(votes))
    figures = gathered(Figures.of(Form.TOTALS, paper, names, opened), blank)
    untold = [i for i, (cell,) in enumerate(figures.table.tolist()) if cell == UNTOLD]
    assume(len(untold) < len(votes))
    is_told = blank >= 10
    hidden = {each: n for each, n in opened.items() if any(each) or not is_told}
    assert not forces([Form.TOTALS], paper, hidden, blank_told=is_told, untold=untold)
    shown = [n for i, n in enumerate(votes) if i not in untold]
    assert all(n == 0 or n >= 10 for n in shown)
    assert bool(untold) == (any(0 < n < 10 for n in votes) or 0 < blank < 10)
    counted = sum(votes) + blank
    order = count_figures(figures, "plurality", paper, counted, blank if is_told else None, 0).order
    assert [n for place in order for n in place if names.index(n) in untold] == (order[-1] if untold else [])


def test_of_approvals_a_lone_taste_hides_among_others_and_a_lone_yes_does_not() -> None:
    crowd = {bytes([1, 1, 0]): 30, bytes([0, 1, 1]): 30, bytes([1, 0, 1]): 30, bytes([1, 0, 0]): 20}
    assert not forces([Form.TOTALS], YES, crowd | {bytes([1, 1, 1]): 1}, blank_told=False)
    # Everybody says yes to the first, nobody to the third: who said yes to the second as well said just these two.
    told = {bytes([1, 0, 0]): 60, bytes([1, 1, 0]): 4}
    assert forces([Form.TOTALS], YES, told, blank_told=False)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 6), min_size=4, max_size=4))
def test_with_two_options_it_agrees_with_trying_every_list(counts: list[int]) -> None:
    paper = Paper(Kind.APPROVAL, (1, 2), 1)
    patterns = [bytes(row) for row in product((0, 1), repeat=2)]
    opened = {pattern: number for pattern, number in zip(patterns, counts, strict=True) if number}
    assume(opened)
    total = sum(counts)
    rows = adds(Form.TOTALS, paper.kind, np.array([list(pattern) for pattern in patterns], dtype=np.uint8)).astype(int)
    target = np.array(counts) @ rows
    lists = [
        each
        for each in product(range(total + 1), repeat=3)
        if sum(each) <= total and (np.array([*each, total - sum(each)]) @ rows == target).all()
    ]
    full = [(*each, total - sum(each)) for each in lists]
    pinned = any(0 < counts[i] < 3 and all(each[i] > 0 for each in full) for i in range(4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attack, "FEWEST_HOLDERS", 3)
        assert forces([Form.TOTALS], paper, opened, blank_told=False) is pinned


@pytest.mark.parametrize(
    ("paper", "row"),
    [
        (Paper(Kind.RANKING, tuple(range(1, 13)), 5, equal=False), bytes([5, 4, 3, 2, 1, *[0] * 7])),
        (Paper(Kind.RANKING, tuple(range(1, 9)), 8), bytes([1, 1, 2, 3, 3, 4, 0, 0])),
        (Paper(Kind.GRADES, tuple(range(1, 9)), 6), bytes([6, 5, 4, 3, 2, 1, 0, 6])),
        (Paper(Kind.POINTS, tuple(range(1, 9)), 10, most=10, costs=(1,) * 8), bytes([5, 3, 2, 0, 0, 0, 0, 0])),
    ],
)
def test_where_there_are_too_many_kinds_some_stand_for_all_and_each_can_be(paper: Paper, row: bytes) -> None:
    opened = {row: 1, bytes(len(row)): 2, row[::-1]: 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attack, "MOST_PATTERNS", 500)
        universe = list(attack._universe(paper, opened, blank_told=True))
    assert 100 < len(universe) <= 501
    assert bytes(len(row)) not in universe
    for each in universe:
        assert attack._can_be(each, paper)
