"""What is kept of an official number: the same for every spelling, and nothing to try a list of numbers against."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.oidc.marks import PersonMarker, subject_mark
from tests.plumbing.server import SECRET

MARK = PersonMarker(SECRET)


@pytest.mark.parametrize("spelled", ["01-017 0123", "010170123", " 01.017.0123 ", "٠١٠١٧٠١٢٣", "０１０１７０１２３"])
def test_one_number_has_one_mark_however_it_is_spelled(spelled: str) -> None:
    assert MARK(spelled) == MARK("010170123")


def test_letters_count_without_their_case() -> None:
    assert MARK("ab-12") == MARK("AB12")
    assert MARK("AB12") != MARK("AC12")


@pytest.mark.parametrize("nothing", ["", " ", "-", "…"])
def test_no_number_has_no_mark(nothing: str) -> None:
    assert MARK(nothing) is None


@given(st.integers(0, 10**11), st.integers(0, 10**11))
def test_two_numbers_have_two_marks(one: int, other: int) -> None:
    assert (MARK(f"{one:011}") == MARK(f"{other:011}")) == (one == other)


def test_marks_follow_from_the_secret_and_tell_their_purpose_apart() -> None:
    assert PersonMarker(SECRET + "x")("7") != MARK("7")
    assert subject_mark(SECRET, "", "7") != MARK("7")
    assert subject_mark(SECRET, "https://a.example", "7") != subject_mark(SECRET, "https://b.example", "7")
    assert subject_mark(SECRET, "https://a.example", "Ab") != subject_mark(SECRET, "https://a.example", "AB")
