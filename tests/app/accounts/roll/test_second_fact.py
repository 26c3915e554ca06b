"""A second fact: however it is spelled one mark, for each line another, and none that a dictionary finds."""

import hashlib
import hmac
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.oidc.marks import plain
from app.accounts.roll.importing import Fault, OnRoll, Report, examine
from app.accounts.roll.second_fact import (
    LONGEST_NAME,
    MOST_SIGNS,
    SecondFactMarker,
    check_fact_names,
    is_right_fact,
    is_second_fact,
)
from commons.errors import Invalid

SECRET, LINE = "s" * 40, UUID(int=7)
MARK = SecondFactMarker(SECRET)


@pytest.mark.parametrize("typed", ["1987", " 19 87 ", "١٩٨٧", "1-9-8-7", "19.87"])
def test_one_fact_has_many_spellings(typed: str) -> None:
    assert is_right_fact(SECRET, LINE, MARK(LINE, "1987"), typed)


@pytest.mark.parametrize("typed", ["", "1986", "198", "19870", "1987" * 100])
def test_another_is_no_fact_of_theirs(typed: str) -> None:
    assert not is_right_fact(SECRET, LINE, MARK(LINE, "1987"), typed)
    assert is_right_fact(SECRET, LINE, None, typed)  # who has none needs none


@given(st.text(max_size=MOST_SIGNS), st.text(max_size=MOST_SIGNS))
def test_what_fits_is_what_reads_the_same(kept: str, typed: str) -> None:
    assert is_right_fact(SECRET, LINE, MARK(LINE, kept), typed) == (plain(kept) == plain(typed))


def test_the_line_is_the_salt_and_the_secret_the_key() -> None:
    marks = {MARK(LINE, "1987"), MARK(uuid4(), "1987"), MARK(LINE, "1988"), SecondFactMarker("t" * 40)(LINE, "1987")}
    assert len(marks) == 4


def test_a_dictionary_of_all_years_finds_nothing_without_the_secret() -> None:
    kept = MARK(LINE, "1987")
    for year in map(str, range(1900, 2030)):
        line = LINE.bytes + year.encode()
        guesses = [hashlib.sha256(year.encode()).digest(), hashlib.sha256(line).digest()]
        guesses += [hmac.digest(key, line, "sha256") for key in (b"", LINE.bytes, b"khma-fact-1", bytes(32))]
        assert kept not in guesses


def test_how_short_and_how_long_a_fact_may_be() -> None:
    assert [is_second_fact(text) for text in ("12", "1-2", "123", "x" * 40, "x" * 41, "---")] == [0, 0, 1, 1, 0, 0]


def test_a_fact_has_a_name_in_some_languages() -> None:
    assert check_fact_names({"en": " Year of birth ", "ka": " "}) == {"en": "Year of birth"}
    with pytest.raises(Invalid) as refused:
        check_fact_names({"fr": "x" * (LONGEST_NAME + 1)})
    assert (refused.value.code, refused.value.field) == ("text.too_long", "fact_fr")


LIST = "reference,name,fact\n1,Nino,1987\n2,Luka,87\n3,Eka,\n"


def report(text: str = LIST, *on_roll: OnRoll) -> Report:
    return examine(text, on_roll, mark_fact=MARK)


def test_a_list_is_read_with_its_facts() -> None:
    found = report()
    assert [(each.reference, each.fact) for each in found.new] == [("1", "1987"), ("3", "")]
    assert [(each.line, each.fault, each.found) for each in found.wrong] == [(3, Fault.FACT, "2")]
    assert (found.has_second_facts, [each.reference for each in found.factless], found.unread) == (True, ["3"], [])
    assert examine(LIST, []).unread == ["fact"]


def test_only_another_fact_is_a_change() -> None:
    old = OnRoll("1", "Nino", line_id=LINE, fact=MARK(LINE, "1987"))
    assert report("reference,fact\n1,19-87\n", old).changed == []
    assert report("reference,fact\n1,\n", old).changed == []  # no fact says nothing
    ((entry, found),) = report("reference,fact\n1,1988\n", old).changed
    assert (entry.fact, found) == ("1988", old)
    assert report("reference,fact\n1,1988\n").mark != report("reference,fact\n1,1989\n").mark
