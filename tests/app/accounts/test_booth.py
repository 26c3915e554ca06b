"""The booth pass: nobody makes one, changes one, keeps one too long, or uses one for another vote."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.booth import PASS_SIGNS, VALID_FOR, Pass, open_pass, seal_pass
from app.accounts.roll.voters import Voter

SECRET = "s" * 40
NOON = datetime(2026, 11, 22, 12, 0, 0, 700_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLL, VOTER = uuid4(), Voter(uuid4(), uuid4(), 3)
TEXT = seal_pass(SECRET, POLL, VOTER, NOON)


def test_a_pass_says_which_line_and_which_code() -> None:
    assert open_pass(SECRET, POLL, TEXT, NOON) == Pass(VOTER.line_id, 3)


def test_a_pass_lives_for_half_an_hour() -> None:
    assert timedelta(minutes=30) == VALID_FOR
    assert open_pass(SECRET, POLL, TEXT, NOON + VALID_FOR - SECOND) is not None
    assert open_pass(SECRET, POLL, TEXT, NOON + VALID_FOR) is None
    assert open_pass(SECRET, POLL, TEXT, NOON + VALID_FOR + SECOND) is None


def test_a_pass_is_for_one_vote_and_one_house() -> None:
    assert open_pass(SECRET, uuid4(), TEXT, NOON) is None
    assert open_pass("t" * 40, POLL, TEXT, NOON) is None


def test_every_changed_byte_kills_it() -> None:
    data = base64.urlsafe_b64decode(TEXT)
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            assert open_pass(SECRET, POLL, base64.urlsafe_b64encode(changed).decode(), NOON) is None, place


def test_every_changed_sign_kills_it_however_it_is_spelled() -> None:
    for place, sign in enumerate(TEXT):
        for other in {"A", "B", "-", "_", "+", "/", "=", ".", " ", "é"} - {sign}:
            assert open_pass(SECRET, POLL, TEXT[:place] + other + TEXT[place + 1 :], NOON) is None, (place, other)
    assert all(open_pass(SECRET, POLL, TEXT[:length], NOON) is None for length in range(len(TEXT)))
    assert open_pass(SECRET, POLL, TEXT + "=", NOON) is None
    for spelled in (TEXT.replace("-", "+").replace("_", "/"), TEXT.swapcase()):
        assert spelled == TEXT or open_pass(SECRET, POLL, spelled, NOON) is None


@pytest.mark.parametrize("serial", [1, 2**31])
@pytest.mark.parametrize("line", [UUID(int=0), UUID(int=2**128 - 1)])
def test_every_pass_has_one_length_and_no_two_are_alike(serial: int, line: UUID) -> None:
    texts = {seal_pass(SECRET, POLL, Voter(line, uuid4(), serial), NOON) for _ in range(20)}
    assert {len(text) for text in texts} == {PASS_SIGNS} == {76}
    assert len(texts) == 20
    assert all(sign.isalnum() or sign in "-_" for text in texts for sign in text)
    assert {open_pass(SECRET, POLL, text, NOON) for text in texts} == {Pass(line, serial)}


@given(st.text(max_size=100) | st.text("abcXYZ019-_", min_size=76, max_size=76))
def test_no_text_is_a_pass(text: str) -> None:
    assert open_pass(SECRET, POLL, text, NOON) is None


def test_a_pass_tells_nothing_in_the_clear() -> None:
    assert VOTER.line_id.bytes not in base64.urlsafe_b64decode(TEXT)
