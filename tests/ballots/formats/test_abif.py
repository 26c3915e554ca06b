"""The form in which we publish: what is written is read again as the same ballots, on every machine alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting.contest import Grades
from ballots.counting.registry import count
from ballots.counting.types import Profile
from ballots.formats import abif, points
from ballots.formats.errors import BallotFileError
from ballots.formats.reading import read_contest, read_profile
from tests.graded import grade_piles, spread_out
from tests.strategies import option_names, profiles

PUBLISHED = """\
=c1:[Ann, "A."]
=c2:"Bo [b]"
=c3:[ბიბლიოთეკა]
{"invalid_ballots": 2}
12:c3>c1=c2
5:
5:c1
5:c2>c1
"""


def test_the_published_form_is_pinned() -> None:
    names = ['Ann, "A."', "Bo [b]", "ბიბლიოთეკა"]
    ballots = [
        ([[names[1]], [names[0]]], 5),
        ([[names[2]], [names[1], names[0]]], 7),
        ([[names[0]]], 5),
        ([[names[2]], names[:2]], 5),
    ]
    assert abif.write(Profile.of(names, ballots, blank=5, invalid=2)) == PUBLISHED


@given(profiles(implicit=st.booleans()).filter(lambda profile: profile.ballots > 0))
def test_what_is_written_is_read_again_and_written_alike(profile: Profile) -> None:
    text = abif.write(profile)
    again = read_profile(text.encode(), "votes.abif")
    assert again == profile
    assert abif.write(again) == text


@given(profiles(), st.data())
def test_the_order_of_arrival_leaves_no_trace(profile: Profile, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(profile.weights))))
    shuffled = Profile(
        profile.options, profile.ranks[order], profile.weights[order], profile.blank, profile.invalid, profile.implicit
    )
    assert abif.write(shuffled) == abif.write(profile)


def read(text: str) -> Grades | None:
    contest = read_contest(text.encode(), "votes.abif")
    assert contest.rankings == abif.read(text)
    return contest.grades


GRADED = """\
=c1:[Ann]
=c2:[Bo]
=c3:[Cy]
{"highest_grade": 5}
{"invalid_ballots": 2}
12:c3/5,c1/3,c2/0
7:c1/0
5:
5:c2/4
"""


def test_the_published_form_of_grades_is_pinned() -> None:
    ballots = [
        ({"Ann": 0}, 7),
        ({"Ann": 3, "Cy": 5, "Bo": 0}, 4),
        ({}, 5),
        ({"Bo": 4}, 5),
        ({"Cy": 5, "Bo": 0, "Ann": 3}, 8),
    ]
    pile = Grades.of(["Ann", "Bo", "Cy"], ballots, top=5, invalid=2)
    assert abif.write(pile) == GRADED
    assert read(GRADED) == pile


@given(grade_piles(names=option_names).filter(lambda pile: pile.ballots > 0))
def test_written_grades_are_read_again_and_written_alike(pile: Grades) -> None:
    text = abif.write(pile)
    again = read_contest(text.encode(), "votes.abif")
    assert again.grades == pile
    assert abif.write(again.grades) == text
    assert abif.write(spread_out(pile)) == text
    assert read_contest(abif.write(again.grades).encode(), "votes.abif") == again


@pytest.mark.parametrize("size", [255, 256, 65_535, 65_536, 999_999_999])
def test_points_of_any_size_are_kept_in_the_smallest_numbers_that_hold_them(size: int) -> None:
    pile = read(f"2:A/{size},B/1\n3:B/{size}\n")
    assert pile is not None
    assert pile.grades.tolist() == [[size, 1], [0, size]]
    assert (pile.top, pile.grades.dtype) == (size, np.min_scalar_type(size))
    assert count("score", read_contest(f"9:A/{size},B/1\n".encode(), "a.abif")).rounds == [
        {"tally": {"A": 9 * size, "B": 9}}
    ]


def test_points_beside_a_written_order_are_grades_and_leave_the_order() -> None:
    # electowiki, ABIF: 400 less the miles to each city. 42 * 400 + 26 * 200 + 15 * 133 + 17 * 45 = 24760 for Memphis.
    text = """\
=Memph:[Memphis, TN]
=Nash:[Nashville, TN]
=Chat:[Chattanooga, TN]
=Knox:[Knoxville, TN]
42:Memph/400>Nash/200>Chat/133>Knox/45
26:Nash/400>Chat/290>Knox/240>Memph/200
15:Chat/400>Knox/296>Nash/290>Memph/133
17:Knox/400>Chat/296>Nash/240>Memph/45
"""
    contest = read_contest(text.encode(), "tennessee.abif")
    assert count("score", contest).certificate["points"] == {
        "Memphis, TN": 24760, "Nashville, TN": 27230, "Chattanooga, TN": 24158, "Knoxville, TN": 19370,
    }  # fmt: skip
    assert count("star", contest).rounds[0]["runoff"] == {"Memphis, TN": 42, "Nashville, TN": 58}
    odd = read_contest(b"1:A/1>B/5\n", "odd.abif")
    assert (count("schulze", odd).winners, count("score", odd).winners) == (["A"], ["B"])


@pytest.mark.parametrize(
    "ballot",
    ["A/5,B", "A>B/3", "A>B", "A/5,B/2.5", "A/5,B/-1", "A/5,B/-0.5"],
)
def test_one_ballot_that_is_no_grades_leaves_the_rankings_alone(ballot: str) -> None:
    for text in (f"2:A/5,B/3\n1:{ballot}\n", f"1:{ballot}\n2:A/5,B/3\n"):
        assert read(text) is None


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert read("1:A/5.0,B/0.00\n") == read("1:A/5,B/0\n") == Grades.of("AB", [({"A": 5, "B": 0}, 1)])


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3)), min_size=1, max_size=3, unique_by=lambda i: i[0]))
def test_plain_points_are_read_as_those_written_with_trimmings(items: list[tuple[str, int]]) -> None:
    head = "=A:[A]\n=B:[B]\n=C:[C]\n"
    plain = head + "2:" + ",".join(f"{name}/{given}" for name, given in items)
    trimmed = head + "2: " + " , ".join(f'"{name}" / {given}' for name, given in items) + " # so"
    assert read_contest(plain.encode(), "a.abif") == read_contest(trimmed.encode(), "a.abif")


def test_blank_ballots_alone_are_grades_as_well_as_rankings() -> None:
    assert read("=A:[A]\n3:\n") == Grades.of("A", [], blank=3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"highest_grade": 5}\n1:A/6,B/1\n', 0),
        ('1:A/5\n{"highest_grade": 0}\n', 2),
        ('{"highest_grade": 1000000001}\n1:A/5\n', 1),
        ('{"highest_grade": ' + "9" * 100_000 + "}\n1:A/5\n", 1),
    ],
)
def test_a_highest_grade_that_cannot_be_or_is_surpassed_is_refused(text: str, line: int) -> None:
    with pytest.raises(BallotFileError) as refused:
        read_contest(text.encode(), "votes.abif")
    assert (refused.value.code, refused.value.facts["line"]) == ("file.line", line)


def test_more_grades_than_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MAX_CELLS", 5)
    assert read("1:A/1,B/2\n1:A/2,B/1\n") is not None
    with pytest.raises(BallotFileError, match=r"file\.too_large"):
        read("1:A/1,B/2\n1:A/2,B/1\n1:A/3\n")
