"""Whom a round of notices tells: nobody can be told from nine others by the rounds that told them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.telling.rounds import (
    FEWEST,
    SHORTEST,
    Marker,
    Times,
    Told,
    is_last_round,
    is_morning_round,
    whom_to_tell,
)

ZONE = "Asia/Tbilisi"
SEVEN = datetime(2027, 3, 10, 3, tzinfo=UTC)  # seven in the morning there
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def line(number: int) -> bytes:
    return number.to_bytes(4)


def box(*numbers: int, ballot: bytes = b"first") -> dict[bytes, bytes]:
    return {line(number): ballot for number in numbers}


def test_nine_first_ballots_wait_and_ten_are_told_of() -> None:
    assert whom_to_tell(box(*range(FEWEST - 1)), {}) == []
    assert sorted(whom_to_tell(box(*range(FEWEST)), {})) == [line(number) for number in range(FEWEST)]


def test_changes_are_told_of_by_ten_of_one_round_and_never_twice() -> None:
    told = {line(number): Told(b"first", 1 + number % 2, again=False) for number in range(20)}
    changed = box(*range(20)) | box(*range(10), ballot=b"other")  # five of each round
    assert whom_to_tell(changed, told) == []
    of_one = box(*range(20)) | box(*range(0, 20, 2), ballot=b"other")
    assert sorted(whom_to_tell(of_one, told)) == [line(number) for number in range(0, 20, 2)]
    assert whom_to_tell(of_one, {tag: Told(b"first", 1, again=True) for tag in told}) == []


def test_who_did_not_change_is_not_left_behind_by_fewer_than_ten() -> None:
    told = {line(number): Told(b"first", 1, again=False) for number in range(20)}
    assert whom_to_tell(box(*range(20)) | box(*range(11), ballot=b"other"), told) == []  # nine would stand out
    assert len(whom_to_tell(box(*range(20)) | box(*range(10), ballot=b"other"), told)) == 10
    assert len(whom_to_tell(box(*range(20), ballot=b"other"), told)) == 20


@given(st.lists(st.lists(st.integers(0, 59), max_size=60), max_size=12), st.integers(10, 60))
def test_whatever_people_do_ten_share_each_history(days: list[list[int]], voters: int) -> None:
    cast: dict[bytes, bytes] = {}
    told: dict[bytes, Told] = {}
    histories: dict[bytes, tuple[int, ...]] = {}
    for number, day in enumerate(days, start=1):
        for voter in day:
            tag = line(voter % voters)
            cast[tag] = bytes([cast.get(tag, b"\0")[0] + 1])
        for tag in whom_to_tell(cast, told):
            told[tag] = Told(cast[tag], told[tag].first_round if tag in told else number, again=tag in told)
            histories[tag] = (*histories.get(tag, ()), number)
        assert all(many >= FEWEST for many in Counter(histories.values()).values())
        assert all(len(history) <= 2 for history in histories.values())


def times(**given: datetime | None) -> Times:
    usual = {"opened_at": SEVEN - 2 * DAY, "closes_at": SEVEN + 9 * DAY, "looked_at": None, "told_at": None}
    return Times(**(usual | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "given", "due"),
    [
        (SEVEN, {}, True),
        (SEVEN + 16 * timedelta(hours=1), {}, True),  # the worker was away
        (SEVEN - MINUTE, {"looked_at": SEVEN - DAY}, False),
        (SEVEN, {"looked_at": SEVEN - DAY}, True),
        (SEVEN + MINUTE, {"looked_at": SEVEN}, False),
        (SEVEN, {"told_at": SEVEN - SHORTEST}, True),
        (SEVEN, {"told_at": SEVEN - SHORTEST + MINUTE}, False),
        (SEVEN, {"opened_at": SEVEN - SHORTEST + MINUTE}, False),  # who voted at once would be known to the hour
        (SEVEN, {"closes_at": SEVEN + SHORTEST - MINUTE}, False),  # the last round would be too short
        (SEVEN, {"closes_at": SEVEN + SHORTEST}, True),
    ],
)
def test_a_round_comes_once_a_morning_and_covers_a_day(moment: datetime, given: dict[str, datetime], due: bool) -> None:
    assert is_morning_round(times(**given), moment, ZONE) is due


@pytest.mark.parametrize(
    ("moment", "given", "due"),
    [
        (SEVEN, {}, True),
        (SEVEN - MINUTE, {}, False),
        (SEVEN, {"opened_at": SEVEN - timedelta(hours=3)}, True),  # the whole of a short vote is no finer than the vote
        (SEVEN, {"told_at": SEVEN - SHORTEST}, True),
        (SEVEN, {"told_at": SEVEN - SHORTEST + MINUTE}, False),  # closed early
        (SEVEN + MINUTE, {"looked_at": SEVEN}, False),
    ],
)
def test_the_last_round_comes_at_closing_unless_it_would_tell_the_hour(
    moment: datetime, given: dict[str, datetime], due: bool
) -> None:
    assert is_last_round(times(closes_at=SEVEN, **given), moment) is due


@settings(max_examples=15)
@given(st.integers(0, 730 * 24 * 60), st.sampled_from(["Asia/Tbilisi", "Europe/Paris"]))
def test_asked_every_ten_minutes_for_a_week_there_is_one_round_a_day(start: int, zone: str) -> None:
    moment, looked = SEVEN - 300 * DAY + start * MINUTE, None
    opened, rounds = moment - 2 * DAY, list[datetime]()
    for _ in range(7 * 24 * 6):
        told = rounds[-1] if rounds else None
        if is_morning_round(Times(opened, opened + 99 * DAY, looked, told), moment, zone):
            rounds.append(moment)
            looked = moment
        moment += 10 * MINUTE
    assert len(rounds) >= 6
    assert all(later - earlier >= SHORTEST for earlier, later in pairwise(rounds))


def test_a_mark_is_of_one_house_one_vote_one_line_and_one_ballot() -> None:
    poll, other = uuid4(), uuid4()
    mark = Marker("s" * 40, poll)
    marks = [
        mark(b"tag", b"form"), mark(b"tag", b"other"), mark(b"gat", b"form"),
        Marker("t" * 40, poll)(b"tag", b"form"), Marker("s" * 40, other)(b"tag", b"form"),
    ]  # fmt: skip
    assert (len(set(marks)), mark(b"tag", b"form")) == (5, marks[0])
