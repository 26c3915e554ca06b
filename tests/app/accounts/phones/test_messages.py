"""Messages from telephones: one spelling of a number, the code in any words, and a signature that fits one message."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.phones.messages import (
    FRESH_FOR,
    check_fresh,
    check_signature,
    new_code,
    number_mark,
    open_number,
    read_code,
    read_message,
    read_number,
    seal_number,
    sign,
)
from commons.errors import Forbidden, Invalid

SECRET = "a secret that the gateway and the house share"
MOMENT = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "spelling",
    ["+995555123456", "00995 555 12-34-56", " +995 (555) 123.456 ", "+٩٩٥٥٥٥١٢٣٤٥٦", "+995\u00a0555\u2011123456"],
)
def test_all_spellings_of_a_number_are_one(spelling: str) -> None:
    assert read_number(spelling) == "+995555123456"


@pytest.mark.parametrize(
    "wrong",
    ["", "555123456", "995555123456", "+0995555123456", "+1234567", "+1234567890123456", "KHMA", "+99555512345a", "+",
     "++995555123456"],
)  # fmt: skip
def test_what_names_no_country_or_is_no_number_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid, match=r"phone\.malformed"):
        read_number(wrong)


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_whatever_comes_is_a_number_in_one_spelling_or_refused(text: str) -> None:
    try:
        number = read_number(text)
    except Invalid:
        return
    assert read_number(number) == number
    assert number[1:].isascii()


def test_the_code_is_found_in_any_words_and_script() -> None:
    code = new_code()
    assert len(code) == 10
    arabic = code.translate({ord(str(digit)): chr(0x0660 + digit) for digit in range(10)})
    for text in (code, f"Khma: {code[:4]} {code[4:8]} {code[8:]}.", arabic, f"{code}\n"):
        assert read_code(text) == code
    for text in ("", "no code", code[:9], code + "1", f"{code} {code}", "²" * 10, code + " " * 1_000):
        assert read_code(text) == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b'{"from": "+995555123456"}', b'{"from": 1, "text": "a"}', b"\xff", b"[" * 100_000,
     b'{"from": "+995555123456", "text": null}'],
)  # fmt: skip
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match=r"message\.malformed"):
        read_message(body)


@given(st.binary(max_size=50), st.integers(0, 2**33).map(str), st.integers(0, 10_000))
def test_a_signature_fits_its_message_and_moment_and_no_other(body: bytes, timestamp: str, place: int) -> None:
    signature = sign(SECRET, timestamp, body)
    check_signature(SECRET, timestamp, body, signature)
    changed = bytearray(body + b".")
    changed[place % len(changed)] ^= 1
    for secret, moment, said, signed in (
        ("another secret", timestamp, body, signature),
        (SECRET, timestamp + "0", body, signature),
        (SECRET, timestamp, bytes(changed), signature),
        (SECRET, timestamp, body, signature[:-1]),
        (SECRET, timestamp, body, ""),
        (SECRET, timestamp, body, "é"),
    ):
        with pytest.raises(Forbidden, match=r"message\.unsigned"):
            check_signature(secret, moment, said, signed)


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(Forbidden):
        check_signature("", "1", b"", sign("", "1", b""))


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(0, True), (-300, True), (300, True), (-301, False), (301, False), (-(10**9), False)]
)
def test_a_message_is_taken_within_five_minutes(seconds: int, fresh: bool) -> None:
    timestamp = str(int((MOMENT + timedelta(seconds=seconds)).timestamp()))
    if fresh:
        check_fresh(timestamp, MOMENT)
        return
    with pytest.raises(Forbidden, match=r"message\.stale"):
        check_fresh(timestamp, MOMENT)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1.5", "1e9", "٣", "9" * 40, " 1"])
def test_a_moment_that_is_no_number_is_stale(timestamp: str) -> None:
    with pytest.raises(Forbidden, match=r"message\.stale"):
        check_fresh(timestamp, MOMENT)
    assert timedelta(minutes=5) == FRESH_FOR


def test_a_number_is_sealed_for_one_account_and_one_house() -> None:
    owner, number = uuid4(), "+995555123456"
    sealed = seal_number(SECRET, owner, number)
    assert open_number(SECRET, owner, sealed) == number
    assert (
        open_number(SECRET, uuid4(), sealed) == open_number("x", owner, sealed) == open_number(SECRET, owner, b"") == ""
    )
    assert number[1:].encode() not in sealed
    assert number_mark(SECRET, number) != number_mark("x", number)
