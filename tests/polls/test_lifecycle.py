"""The states of a vote: the whole road, the exceptions, the edge of the clock, and the times that two people move."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.errors import Conflict, Invalid
from polls.lifecycle import (
    CHANGES,
    LEADS_TO,
    WHILE,
    Kind,
    State,
    Times,
    amend_times,
    check_accepting,
    check_change,
    check_kind,
)  # fmt: skip

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, MILLISECOND = timedelta(hours=1), timedelta(milliseconds=1)
TIMES = Times(NOON + 6 * HOUR, NOON + 8 * HOUR)


def test_the_road_of_a_vote_to_which_nothing_happens() -> None:
    road = [State.DRAFT, State.LOCKED, State.OPEN, State.CLOSING, State.CLOSED, State.PUBLISHED]
    for before, after in pairwise(road):
        check_change(before, after)


def test_what_is_not_in_the_table_does_not_happen() -> None:
    for before in State:
        for after in State:
            if (before, after) not in CHANGES:
                with pytest.raises(Conflict, match=r"poll\.change"):
                    check_change(before, after)
    assert not [after for before, after in CHANGES if before in {State.PUBLISHED, State.ANNULLED}]
    assert not [before for before, after in CHANGES if after in {State.DRAFT}]


def test_every_amendment_that_leads_somewhere_may_go_there() -> None:
    for kind, after in LEADS_TO.items():
        for before in WHILE[kind]:
            check_change(before, after)
    with pytest.raises(Conflict, match=r"poll\.amendment_untimely"):
        check_kind(Kind.RESUME, State.OPEN)


def test_the_closing_time_itself_is_too_late() -> None:
    check_accepting(State.OPEN, NOON, NOON - MILLISECOND)
    for moment in (NOON, NOON + MILLISECOND):
        with pytest.raises(Conflict, match=r"poll\.closed"):
            check_accepting(State.OPEN, NOON, moment)


@given(st.timedeltas(timedelta(0), 6 * HOUR), st.timedeltas(timedelta(0), 100 * HOUR))
def test_whoever_resumes_gives_back_the_time_that_was_left(into: timedelta, pause: timedelta) -> None:
    suspended = amend_times(Kind.SUSPEND, TIMES, NOON + into, None)
    resumed = amend_times(Kind.RESUME, suspended, NOON + into + pause, None)
    assert resumed.closes_at == TIMES.closes_at + pause
    assert resumed.publishes_at >= resumed.closes_at
    assert resumed.suspended_at is None
    with pytest.raises(Invalid, match=r"time\.not_later"):
        amend_times(Kind.RESUME, suspended, NOON + into + pause, resumed.closes_at - MILLISECOND)


def test_times_move_one_way_only() -> None:
    assert amend_times(Kind.EXTEND, TIMES, NOON, NOON + 9 * HOUR) == Times(NOON + 9 * HOUR, NOON + 9 * HOUR)
    assert amend_times(Kind.CLOSE_EARLY, TIMES, NOON, None).closes_at == NOON
    assert amend_times(Kind.POSTPONE, TIMES, NOON, NOON + 9 * HOUR) == Times(NOON + 6 * HOUR, NOON + 9 * HOUR)
    wrong = [
        (Kind.EXTEND, NOON + 6 * HOUR, "time.not_later"),
        (Kind.EXTEND, None, "time.missing"),
        (Kind.POSTPONE, NOON + 7 * HOUR, "time.not_later"),
        (Kind.CLOSE_EARLY, NOON - MILLISECOND, "time.past"),
        (Kind.CLOSE_EARLY, NOON + 6 * HOUR, "time.not_earlier"),
    ]
    for kind, wanted, code in wrong:
        with pytest.raises(Invalid) as refused:
            amend_times(kind, TIMES, NOON, wanted)
        assert refused.value.code == code
