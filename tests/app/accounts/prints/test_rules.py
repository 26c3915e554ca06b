"""Who may ask for slips, and the number on a slip: the right one always fits, a wrong digit never does."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.prints.rules import check_asking, read_size
from app.accounts.prints.serials import read, written
from commons.errors import Forbidden, Invalid

MAIA, EKA, BOTH = uuid4(), uuid4(), uuid4()
RUNS, SERIALS = st.integers(1, 9_999), st.integers(1, 9_999)


@pytest.mark.parametrize(
    ("asker", "managers", "printers", "may"),
    [
        (EKA, {MAIA}, {EKA}, True),
        (MAIA, {MAIA}, set(), True),
        (MAIA, {MAIA}, {EKA}, False),
        (BOTH, {BOTH, MAIA}, {BOTH}, True),
        (BOTH, {BOTH, MAIA}, {BOTH, EKA}, False),
        (BOTH, {BOTH, MAIA}, {BOTH, MAIA}, True),
    ],
)
def test_who_manages_votes_asks_only_where_nobody_else_prints(
    asker: UUID, managers: set[UUID], printers: set[UUID], may: bool
) -> None:
    if may:
        check_asking(asker, managers, printers)
    else:
        with pytest.raises(Forbidden, match=r"print\.officer_asks"):
            check_asking(asker, managers, printers)


@given(st.sets(st.sampled_from([MAIA, EKA, BOTH])), st.sets(st.sampled_from([MAIA, EKA, BOTH]), min_size=1))
def test_there_is_always_somebody_who_may(managers: set[UUID], printers: set[UUID]) -> None:
    def may(asker: UUID) -> bool:
        try:
            check_asking(asker, managers, printers)
        except Forbidden:
            return False
        return True

    assert any(may(each) for each in printers)


@given(RUNS, SERIALS)
def test_a_number_is_read_as_it_was_written(run: int, serial: int) -> None:
    number = written(run, serial)
    spellings = (number, number.lower(), f" {number.replace('-', ' ')} ", number.replace("-", " – "))
    assert {read(each) for each in spellings} == {(run, serial)}


def test_digits_of_any_script_are_read() -> None:
    number = written(3, 17)
    assert read(number.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})) == (3, 17)


@given(RUNS, SERIALS, st.data())
def test_one_wrong_digit_or_two_that_changed_places_are_noticed(run: int, serial: int, data: st.DataObject) -> None:
    number = written(run, serial)
    digits = [place for place, sign in enumerate(number[:-2]) if sign.isdigit()]
    place = data.draw(st.sampled_from(digits))
    other = data.draw(st.sampled_from("0123456789"))
    wrong = number[:place] + other + number[place + 1 :]
    if wrong != number:
        with pytest.raises(Invalid, match=r"slip\.mistyped"):
            read(wrong)
    swapped = list(number)
    if place + 1 in digits and swapped[place] != swapped[place + 1]:
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
        with pytest.raises(Invalid, match=r"slip\.mistyped"):
            read("".join(swapped))


@pytest.mark.parametrize("typed", ["", "3", "3-17", "0-0001-0", "3-0017-", "3-17-K", "x" * 500, "3-0017-KK", "٣"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match=r"slip\.mistyped"):
        read(typed)


@given(st.text(), st.integers(1, 500))
def test_a_size_is_a_number_in_its_bounds_or_refused(typed: str, most: int) -> None:
    try:
        assert 1 <= read_size(typed, most) <= most
    except Invalid as refused:
        assert (refused.code, refused.facts["limit"]) == ("print.number", most)  # noqa: PT017 - either is right


@given(st.integers(1, 500), st.integers(1, 500))
def test_every_size_in_its_bounds_is_taken(size: int, most: int) -> None:
    if size <= most:
        assert read_size(f" {size} ", most) == size
