"""Codes of the second factor: the standard's own example, clocks that differ, and whatever fingers type."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.factors.codes import (
    STEP_SECONDS,
    app_address,
    app_code,
    find_step,
    open_app_secret,
    read_digits,
    seal_app_secret,
    shown,
    step_at,
)
from app.accounts.factors.halfway import VALID_FOR, Halfway, open_halfway, seal_halfway
from app.accounts.factors.recovery import (
    LANES,
    MEMORY_KIB,
    ROUNDS,
    draw_sheet,
    is_kept,
    keep,
    quick_hash,
    salt_of,
    slow_hash,
)
from app.accounts.passwords import ARGON2

HOUSE, OTHER_HOUSE = "s" * 40, "t" * 40
RFC = base64.b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B, SHA-1; we show the last six of its eight digits.
EXAMPLES = {
    59: "287082",
    1_111_111_109: "081804",
    1_111_111_111: "050471",
    1_234_567_890: "005924",
    2_000_000_000: "279037",
}
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("seconds", EXAMPLES)
def test_the_examples_of_the_standard(seconds: int) -> None:
    assert app_code(RFC, step_at(datetime.fromtimestamp(seconds, UTC))) == EXAMPLES[seconds]


@given(MOMENTS, st.integers(-4, 4))
def test_a_clock_may_be_one_step_off_and_no_more(moment: datetime, off: int) -> None:
    step = step_at(moment + timedelta(seconds=off * STEP_SECONDS))
    near = {step_at(moment) + each for each in (-1, 0, 1)}
    found = find_step(RFC, app_code(RFC, step), moment)
    by_chance = {each for each in near if app_code(RFC, each) == app_code(RFC, step)}
    assert found == max(by_chance | ({step} & near), default=None)


@given(st.text())
def test_whatever_is_typed_is_read_as_digits_or_as_nothing(typed: str) -> None:
    digits = read_digits(typed)
    assert digits == "" or (digits.isascii() and digits.isdigit())
    assert find_step(RFC, digits if len(digits) != 6 else "", NOON) is None


@pytest.mark.parametrize("typed", ["287082", " 287 082 ", "287-082", "٢٨٧٠٨٢", "２８７０８２"])
def test_digits_of_any_script_are_digits(typed: str) -> None:
    assert read_digits(typed) == "287082"


def test_a_code_with_a_letter_is_none() -> None:
    assert read_digits("28708Z") == read_digits("1" * 101) == ""


def test_an_apps_secret_opens_for_its_owner_in_its_house_alone() -> None:
    nino, luka = uuid4(), uuid4()
    sealed = seal_app_secret(HOUSE, nino, RFC)
    assert RFC.encode() not in sealed
    assert open_app_secret(HOUSE, nino, sealed) == RFC
    assert open_app_secret(HOUSE, luka, sealed) is None
    assert open_app_secret(OTHER_HOUSE, nino, sealed) is None
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        assert open_app_secret(HOUSE, nino, changed) is None


def test_recovery_codes_are_ten_and_kept_slowly_hashed_under_the_house_and_the_person() -> None:
    sheet = draw_sheet()
    assert (len(set(sheet.codes)), {len(code) for code in sheet.codes}) == (10, {12})
    assert all(read_digits(shown(code)) == code for code in sheet.codes)
    assert (sheet.salt == draw_sheet().salt, len(sheet.salt), len(set(sheet.hashes))) == (False, 16, 10)
    nino, luka, code = uuid4(), uuid4(), sheet.codes[0]
    kept, hashed = keep(HOUSE, nino, sheet.salt, sheet.hashes[0]), slow_hash(code, sheet.salt)
    assert (salt_of(kept), is_kept(HOUSE, nino, kept, code, hashed)) == (sheet.salt, True)
    # not even this house finds a code from what is kept without the slow hash
    assert not is_kept(HOUSE, nino, kept, code, b"")
    assert not is_kept(HOUSE, nino, kept, code, slow_hash(sheet.codes[1], sheet.salt))
    assert not is_kept(HOUSE, luka, kept, code, hashed)
    assert not is_kept(OTHER_HOUSE, nino, kept, code, hashed)
    assert sheet.hashes[0] not in kept


def test_a_code_is_hashed_as_a_password_is() -> None:
    """What the library itself writes for passwords, read as its standard form says, is the same hash."""
    salt = b"s" * 16
    text = ARGON2.hash("123456789012", salt=salt)
    assert text.split("$")[1:4] == ["argon2id", "v=19", f"m={MEMORY_KIB},t={ROUNDS},p={LANES}"]
    assert base64.b64decode(text.split("$")[5] + "=") == slow_hash("123456789012", salt)


def test_a_code_from_before_salts_still_fits_its_owner() -> None:
    nino, luka, code = uuid4(), uuid4(), "012345678901"
    kept = quick_hash(HOUSE, nino, code)
    assert (salt_of(kept), is_kept(HOUSE, nino, kept, code, b"")) == (b"", True)
    assert not is_kept(HOUSE, luka, kept, code, b"")
    assert not is_kept(HOUSE, nino, kept, "012345678902", b"")


def test_the_address_for_an_app_names_place_and_person() -> None:
    address = app_address(RFC, "nino@vardisi.example", "Hall: Vardisi")
    assert address.startswith("otpauth://totp/Hall%20%20Vardisi:nino%40vardisi.example?secret=" + RFC)


def test_halfway_is_for_one_browser_one_house_and_ten_minutes() -> None:
    halfway = Halfway(uuid4(), b"m" * 32)
    text = seal_halfway(HOUSE, "a1.x", halfway, NOON)
    assert open_halfway(HOUSE, "a1.x", text, NOON) == halfway
    assert open_halfway(HOUSE, "a1.x", text, NOON + VALID_FOR - timedelta(seconds=1)) == halfway
    assert open_halfway(HOUSE, "a1.x", text, NOON + VALID_FOR) is None
    assert open_halfway(HOUSE, "a2.x", text, NOON) is None
    assert open_halfway(OTHER_HOUSE, "a1.x", text, NOON) is None
    for broken in ("", "x", text[:-1], text + "AAAA", "é" * 40, text.replace(text[20], "-", 1) + "="):
        assert open_halfway(HOUSE, "a1.x", broken, NOON) is None
