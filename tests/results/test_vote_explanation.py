"""Telling the result of a sealed vote: the majority grade, worked out again from the published table."""

import pytest

from results.vote_explanation import Standing


@pytest.mark.parametrize(
    ("grades", "majority"),
    [
        ((0, 0, 48, 34, 46, 52), (4, 54)),  # 52 excellent are not half of 180; with 46 very good, 98 are
        ((5, 0, 0, 0, 0, 5), (0, 100)),  # of an even number the lower one in the middle
        ((4, 0, 0, 0, 0, 5), (5, 56)),
        ((0, 0, 0, 0, 0, 0), (0, 100)),
    ],
)
def test_the_majority_grade_is_the_one_that_more_than_half_gave_or_passed(
    grades: tuple[int, ...], majority: tuple[int, int]
) -> None:
    assert Standing("A", grades=grades).majority == majority
