"""From any office's file to a report: every line is added, known, there twice or wrong, and none is lost."""

import codecs
import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.roll.importing import (
    LARGEST_BYTES,
    LONGEST_LINE,
    LONGEST_NAME,
    LONGEST_REFERENCE,
    MOST_LINES,
    Entry,
    Fault,
    OnRoll,
    Report,
    Wrong,
    examine,
    key_of,
    text_of,
)
from commons.errors import Invalid

PEOPLE = [Entry("A-1", "Nino Beridze", 2), Entry("A-2", "ლუკა", 3)]
TABLE = "reference,name\nA-1,Nino Beridze\nA-2,ლუკა\n"


def read(text: str | bytes, on_roll: Iterable[str | OnRoll] = ()) -> Report:
    there = [each if isinstance(each, OnRoll) else OnRoll(each) for each in on_roll]
    return examine(text if isinstance(text, str) else text_of(text), there)


def refused(data: str | bytes) -> Invalid:
    with pytest.raises(Invalid) as error:
        read(data)
    assert error.value.field == "file"
    return error.value


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        codecs.BOM_UTF8 + TABLE.encode(),
        codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        TABLE.rstrip().encode(),
        b'"Reference","NAME"\n"A-1","Nino Beridze"\n' + 'A-2,"ლუკა"'.encode(),
        " REF. , Full  name \n A-1 ,  Nino\u00a0 Beridze \nA-2,ლუკა\n,\n\n".encode(),
        "Numéro;Nom\nA-1;Nino Beridze\nA-2;ლუკა;;\n".encode(),
        "ნომერი,სახელი\nA-1,Nino Beridze\nA-2,ლუკა".encode(),
        "المرجع;الاسم\nA-1;Nino Beridze\nA-2;ლუკა".encode(),
    ],
)
def test_files_of_many_offices_say_the_same(data: bytes) -> None:
    report = read(data)
    assert (report.new, report.wrong, report.unread, report.total) == (PEOPLE, [], [], 2)


def test_columns_stand_in_any_order_and_what_is_not_kept_is_named() -> None:
    report = read("Born;Name;Street;ID\n1980;Nino;Main;7\n1990;Luka;;8;\n")
    assert report.new == [Entry("7", "Nino", 2), Entry("8", "Luka", 3)]
    assert report.unread == ["born", "street"]


@pytest.mark.parametrize("text", ["17\n18\n", "reference\n17\n18", "\n17;\n18;\n", '"17"\n"18"', "17\r\n18\r\n\r\n"])
def test_a_pasted_column_is_references(text: str) -> None:
    assert [entry.reference for entry in read(text).new] == ["17", "18"]


def test_every_line_has_its_fate_and_its_number() -> None:
    long_reference, long_name = "x" * (LONGEST_REFERENCE + 1), "n" * (LONGEST_NAME + 1)
    text = (
        "reference,name\n"
        "1,new\n"  # 2
        "2,known\n"  # 3
        ",nobody\n"  # 4
        "\n"
        "1,again\n"  # 6
        f"{long_reference},x\n"  # 7
        f"3,{long_name}\n"  # 8
        "4\u200b,hidden\n"  # 9
        "5,bell\a\n"  # 10
        '6,"open\n'  # 11
        "7,one,more\n"  # 12
        "8\n"  # 13
        " 1 ,third\n"  # 14
        "9,می\u200cخواهم\n"  # 15: a joiner that Persian is written with
    )
    report = read(text, [OnRoll("2", "known")])
    assert report.new == [Entry("1", "new", 2), Entry("8", "", 13), Entry("9", "می\u200cخواهم", 15)]
    assert report.known == [Entry("2", "known", 3)]
    assert report.twice == [(Entry("1", "again", 6), 2), (Entry("1", "third", 14), 2)]
    assert [(each.line, each.fault) for each in report.wrong] == [
        (4, Fault.EMPTY), (7, Fault.TOO_LONG), (8, Fault.TOO_LONG), (9, Fault.INVISIBLE), (10, Fault.INVISIBLE),
        (11, Fault.QUOTES), (12, Fault.COLUMNS),
    ]  # fmt: skip
    assert report.wrong[3] == Wrong(9, Fault.INVISIBLE, "4\ufffd,hidden")
    assert report.total == 13


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a-1", "A-1"),
        ("Ａ-１", "A-1"),
        ("é", "e\u0301"),
        ("straße", "STRASSE"),
        ("ﬁ", "fi"),
        ("Ⅳ", "iv"),
        (" A  1 ", "A 1"),
    ],
)
def test_spellings_of_one_reference_are_one_person(one: str, other: str) -> None:
    assert len(read(f"{one}\n{other}\n").twice) == 1
    assert len(read(f"{one}\n", [other.strip()]).known) == 1
    assert read(f"{one}\n{other}\n").alike == []


@pytest.mark.parametrize(("latin", "other"), [("AB-1", "АВ-1"), ("pace", "расе"), ("KOTE", "ΚΟΤΕ"), ("AB", "аb")])
def test_what_only_looks_alike_stays_two_and_is_told(latin: str, other: str) -> None:
    within = read(f"{latin}\n{other}\n")
    assert len(within.new) == 2
    assert within.alike == [(Entry(other, "", 2), latin)]
    assert read(f"{other}\n", [latin]).alike == [(Entry(other, "", 1), latin)]
    assert read(f"{latin}\n", ["7"]).alike == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("1,2\n3,4\n", 1), ("\nname\nNino\n", 2), ("id,reference\n1,2\n", 1), ("reference,name,nom\n1,2,3", 1)],
)
def test_a_table_without_a_clear_heading_is_refused(text: str, line: int) -> None:
    error = refused(text)
    assert (error.code, error.facts["line"]) == ("roll.heading", line)


@pytest.mark.parametrize(
    ("data", "line", "found"),
    [
        (b"reference\n1\nNin\xf3\n", 3, "f3"),
        (b"\xff", 1, "ff"),
        ("reference\n1\n".encode("utf-16-le"), 1, "U+0000"),
        (codecs.BOM_UTF16_LE + "1\n2\n".encode("utf-16-le") + b"\x00", 3, "00"),
        (codecs.BOM_UTF32_LE + "1\n".encode("utf-32-le"), 1, "U+0000"),
        (b"1\r\n2\r\n3\0\r\n", 3, "U+0000"),
    ],
)
def test_what_is_no_text_names_the_line(data: bytes, line: int, found: str) -> None:
    error = refused(data)
    assert (error.code, error.facts["line"], error.facts["found"]) == ("file.not_text", line, found)


@pytest.mark.parametrize("data", ["", "\n \n", "reference\n", "reference,name\n,\n , \n", codecs.BOM_UTF8])
def test_nobody_is_nobody(data: str | bytes) -> None:
    assert refused(data).code == "roll.no_lines"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * 10_000_000, "roll.line_too_long"),
        (b"reference" + b"," * 1_000_000, "roll.line_too_long"),
        (b"1\n" + b'"' * 10_000_000, "roll.line_too_long"),
        (b"1\n" * (LARGEST_BYTES // 2) + b"2", "roll.file_too_large"),
        (b"1\n" * (MOST_LINES + 2), "roll.too_many_lines"),
        (b"1" * (LONGEST_LINE + 1), "roll.line_too_long"),
    ],
    ids=["one line", "columns", "quotes", "bytes", "lines", "one sign more"],
)
def test_what_is_beyond_the_limits_is_refused_at_once(data: bytes, code: str) -> None:
    began = time.perf_counter()
    assert refused(data).code == code
    assert time.perf_counter() - began < 2  # milliseconds on a quiet machine


def test_the_limits_themselves_are_taken() -> None:
    text = "reference\n" + "".join(f"{number}\n" for number in range(MOST_LINES))
    assert len(read(text).new) == MOST_LINES
    assert read("1" * LONGEST_REFERENCE).total == 1
    assert read("1" * LONGEST_LINE).wrong[0].fault is Fault.TOO_LONG


def test_a_newer_list_is_compared_with_the_roll_person_by_person() -> None:
    roll = [
        OnRoll("1", "Nino"),
        OnRoll("2", "Luka"),
        OnRoll("3", "Eka"),
        OnRoll("4", "Gia", is_struck=True),
        OnRoll("5"),
    ]
    report = read(
        "reference,name\n1,Nino\n2,Luka Beridze\n3,\n4,Gia\n6,Tamar\n", [*roll, OnRoll("7", "", is_struck=True)]
    )
    assert report.new == [Entry("6", "Tamar", 6)]
    assert report.changed == [(Entry("2", "Luka Beridze", 3), roll[1])]
    assert report.known == [Entry("1", "Nino", 2), Entry("3", "", 4)]  # no name says nothing
    assert report.struck == [Entry("4", "Gia", 5)]
    assert report.missing == [roll[4]]
    assert report.total == 5


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("reference,name\n1,Nіno\n2,Nino\n", [2]),  # a Cyrillic i
        ("reference,name\nА1,Nino\n", []),  # one letter of one alphabet
        ("reference,name\nАB1,Nino\n", [2]),
        ("reference,name\n1,ნინო Beridze\n2,José Müller-Łoś\n3,نينو Nino\n", []),  # each word in one
    ],
)
def test_two_alphabets_in_one_word_are_told(text: str, lines: list[int]) -> None:
    assert [each.line for each in read(text).mixed] == lines


def test_only_what_would_be_written_is_looked_at_for_alphabets() -> None:
    assert read("reference,name\n1,Nіno\n", [OnRoll("1", "Nіno")]).mixed == []
    assert [each.reference for each in read("reference,name\n1,Nіno\n", [OnRoll("1", "Nino")]).mixed] == ["1"]


def test_the_mark_is_of_what_would_be_added_changed_and_missing() -> None:
    assert read("1\n2\n").mark == read("reference,name\n1,\n2\n2\n").mark
    assert len({read("1\n2\n").mark, read("1\n").mark, read("2\n1\n").mark, read("reference,name\n1,2").mark}) == 4
    assert read("1\n2\n", ["2"]).mark == read("1\n").mark
    named = "reference,name\n1,Nino\n"
    marks = [read(named, [OnRoll("1", old), *more]).mark for old in ("Nina", "Nini") for more in ([], [OnRoll("2")])]
    assert len(set(marks)) == 4


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    try:
        report = read(data)
    except Invalid:
        return
    assert report.total > 0
    keys = [key_of(entry.reference) for entry in report.new]
    assert len(set(keys)) == len(keys)
    assert all(entry.reference and entry.reference.isprintable() for entry in report.new)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z0-9é/. -]{1,20}", fullmatch=True), st.text("ab,;\"' ", max_size=9))))
def test_what_a_spreadsheet_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    import csv
    import io

    file = io.StringIO()
    csv.writer(file).writerows([("reference", "name"), *rows])
    named = [(" ".join(one.split(" ")).strip(), other) for one, other in rows if one.strip() or other.strip()]
    if not named:
        assert refused(file.getvalue()).code == "roll.no_lines"
        return
    report = read(file.getvalue())
    assert report.total == len(named)
    assert {key_of(" ".join(one.split())) for one, _ in named if one} == {key_of(each.reference) for each in report.new}
