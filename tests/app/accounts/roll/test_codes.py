"""Voter codes: drawn by chance, read from any hand, and no slip of the pen leads to another voter."""

import itertools
import secrets
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.roll.codes import CODE_SIGNS, MODULUS, RANDOM_SIGNS, SIGNS, hash_of, new_code, read_code, shown
from commons.errors import Invalid

BASE = len(SIGNS)
FIXED = "0123456789ABCDEFGHDE"


def code_of(number: int) -> str:
    check = number % MODULUS
    signs = [number // BASE**place % BASE for place in reversed(range(RANDOM_SIGNS))] + list(divmod(check, BASE))
    return "".join(SIGNS[sign] for sign in signs)


CODES = [FIXED, *(code_of(number * 0x1F3D5B79A2468ACE13579 % BASE**RANDOM_SIGNS) for number in range(1, 21))]
"""Drawn once, so that all of several test processes try the same."""


def is_read(typed: str) -> bool:
    try:
        read_code(typed)
    except Invalid as error:
        return (error.code, error.field) != ("code.mistyped", "code")
    return True


def test_a_code_has_ninety_random_bits_and_unmistakable_signs() -> None:
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(len(code) == CODE_SIGNS and set(code) <= set(SIGNS) for code in codes)
    assert not set("ILOU") & set(SIGNS)
    assert RANDOM_SIGNS * 5 >= 80
    for place in range(RANDOM_SIGNS):  # each random place takes every sign; 2,000 draws miss one of 32 by chance 1e-26
        assert {code[place] for code in codes} == set(SIGNS), place


def test_the_check_signs_are_those_of_the_first_day() -> None:
    number = int("".join(f"{SIGNS.index(sign):05b}" for sign in FIXED[:18]), 2)
    assert divmod(number % MODULUS, BASE) == (SIGNS.index(FIXED[18]), SIGNS.index(FIXED[19]))
    assert read_code(FIXED) == FIXED


@pytest.mark.parametrize("code", CODES[:6])
def test_every_single_wrong_sign_is_noticed(code: str) -> None:
    for place, sign in itertools.product(range(CODE_SIGNS), SIGNS):
        if sign != code[place]:
            assert not is_read(code[:place] + sign + code[place + 1 :]), (place, sign)


@pytest.mark.parametrize("code", CODES)
def test_every_swap_of_two_signs_is_noticed(code: str) -> None:
    for a, b in itertools.combinations(range(CODE_SIGNS), 2):
        swapped = list(code)
        swapped[a], swapped[b] = swapped[b], swapped[a]
        if code[a] != code[b]:
            assert not is_read("".join(swapped)), (a, b)


def test_both_hold_for_every_code_there_is() -> None:
    """What a wrong sign or a swap adds to `number - check` is never a multiple of the modulus, whatever the code."""
    weights = [pow(BASE, RANDOM_SIGNS - 1 - place, MODULUS) for place in range(RANDOM_SIGNS)]
    signed = [*weights, -BASE, -1]  # the check signs count the other way
    differences = [d for d in range(-BASE + 1, BASE) if d]
    assert all(d * weight % MODULUS for d in differences for weight in signed)
    for a, b in itertools.combinations(signed, 2):
        assert all(d * (a - b) % MODULUS for d in differences), (a, b)


def test_check_signs_above_the_modulus_are_none() -> None:
    """1021 is the same as 0 to the modulus, so a second spelling must not be read."""
    assert is_read("0" * 20)
    assert not is_read("0" * 18 + "ZX")


@pytest.mark.parametrize(
    "typed",
    [
        shown(FIXED),
        FIXED.lower(),
        " 0123 4567 89ab cdef ghde\n",
        "0123–4567—89AB‑CDEF−GHDE",
        "O123-4567-89AB-CDEF-GHDE",
        "oi23-4567-89AB-CDEF-GHDE",
        "0L23-4567-89AB-CDEF-GHDE",
        "0l23-4567-89AB-CDEF-GHDE",
        "٠١٢٣-٤٥٦٧-٨٩AB-CDEF-GHDE",
        "۰۱۲۳-۴۵۶۷-۸۹AB-CDEF-GHDE",
        "\u200f0123\u00a04567\u00ad89AB\u200bCDEF\tGHDE",
        unicodedata.normalize("NFKC", "０１２３４５６７８９ＡＢＣＤＥＦＧＨＤＥ"),
        "０１２３４５６７８９ａｂｃｄｅｆｇｈｄｅ",
        "०१२३४५६७८९ABCDEFGHDE",
    ],
)
def test_a_code_is_read_from_any_hand(typed: str) -> None:
    assert read_code(typed) == FIXED


@pytest.mark.parametrize(
    "typed",
    ["", "-", FIXED[:-1], FIXED + "0", FIXED[:-1] + "U", FIXED[:-1] + "ß", "ß" * 20, "½" + FIXED[1:],
     FIXED + "." , FIXED + " " * 200, "0" * 10_000_000, "\0" * 20],
)  # fmt: skip
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert not is_read(typed)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(typed: str) -> None:
    is_read(typed)


def test_what_is_shown_is_read_and_what_is_kept_leads_back_to_nothing() -> None:
    code = new_code()
    assert read_code(shown(code)) == code
    assert [len(group) for group in shown(code).split("-")] == [4] * 5
    assert len(hash_of(code)) == 32
    assert hash_of(code) != hash_of(new_code())
    assert code.encode() not in hash_of(code)
    assert (
        hash_of(FIXED).hex() == "0614749eb5e6523a30c887f5b53fb51e48b99769ade222d06a27893a91c6b638"
    )  # codes on paper outlive the program that made them


def test_chance_comes_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(secrets, "randbits", lambda bits: asked.append(bits) or 7)
    assert new_code() == "0" * 17 + "7" + "07"
    assert asked == [90]
