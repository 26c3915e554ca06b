"""Workbooks: what a spreadsheet program wrote is read row by row; what means harm is refused before it swells."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.roll.importing import LONGEST_LINE, MOST_LINES, Entry, Fault, examine
from app.accounts.roll.spreadsheet import MOST_FILES, is_workbook, text_of_sheet
from commons.errors import Invalid

PEOPLE = Path(__file__).parents[3] / "vectors" / "rolls" / "people.xlsx"  # as openpyxl writes it
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
WORKBOOK = (
    '<workbook xmlns:r="urn:r"><sheets><sheet name="A" r:id="rId7"/><sheet name="B" r:id="rId8"/></sheets></workbook>'
)
RELATIONS = '<Relationships><Relationship Id="rId7" Target="worksheets/sheet1.xml"/></Relationships>'


def packed(rows: str, **others: str) -> bytes:
    """Make a workbook by hand. others: more parts of the pack, or others, by name."""
    parts = {
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        SHEET: f"<worksheet><sheetData>{rows}</sheetData></worksheet>",
    } | others
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, text in parts.items():
            pack.writestr(name, text)
    return file.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(Invalid) as error:
        text_of_sheet(data)
    assert error.value.field == "file"
    return error.value.code


def test_what_a_spreadsheet_program_wrote_is_read_row_by_row() -> None:
    data = PEOPLE.read_bytes()
    assert is_workbook(data)
    report = examine(text_of_sheet(data), [])
    assert report.new == [
        Entry("17", "Nino Beridze", 2),
        Entry("0018", 'Luka "Lu" B.', 3),
        Entry("1234567890", "სკოლა & <b>", 5),
        Entry("1", "yes", 7),
        Entry("2.5", "half", 8),
    ]
    assert [(each.line, each.fault) for each in report.wrong] == [(6, Fault.EMPTY), (9, Fault.EMPTY)]  # no formula
    assert report.unread == ["born"]


def test_rows_and_cells_stand_where_they_say() -> None:
    rows = (
        '<row r="2"><c r="C2" t="inlineStr"><is><r><t>na</t></r><r><t>me</t></r><rPh><t>aloud</t></rPh></is></c>'
        '<c r="A2" t="str"><f>A1</f><v>reference</v></c></row>'
        '<row r="5"><c r="A5"><v>1.7E+3</v></c><c r="C5" t="str"><v>one\ntwo</v></c></row>'
        "<row><c><v>7.0</v></c></row>"
    )
    assert text_of_sheet(packed(rows)) == "\nreference\t\tname\n\n\n1700\t\tone two\n7\n"


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 and then nothing",
        PEOPLE.read_bytes()[:2000],
        packed("", **{"xl/workbook.xml": ""}),
        packed("<row>"),
        packed('<row r="x"/>'),
        packed('<row r="0"/>'),
        packed('<row r="2"/><row r="1"/>'),
        packed('<row><c t="s"><v>7</v></c></row>'),
        packed("", **{SHEET: '<!DOCTYPE a [<!ENTITY b "bb">]><worksheet/>'}),
        packed("", **{SHEET: '<!DOCTYPE a SYSTEM "http://example.org/a"><worksheet/>'}),
        packed("", **{"xl/_rels/workbook.xml.rels": "<Relationships/>"}),
        packed("", **{f"xl/{number}": "" for number in range(MOST_FILES)}),
    ],
    ids=range(12),
)
def test_what_is_no_workbook_or_means_harm_is_refused(data: bytes) -> None:
    assert refused(data) in {"roll.no_workbook", "roll.too_many_lines"}


LONG = "x" * 1_000_000
SWELLING = {
    "unpacked bytes": packed("", **{SHEET: "<worksheet>" + " " * 110_000_000 + "</worksheet>"}),
    "texts": packed("", **{STRINGS: "<sst>" + f"<si><t>{LONG}</t></si>" * 110 + "</sst>"}),
    "rows": packed("<row/>" * (MOST_LINES + 3)),
    "a far row": packed('<row r="999999999"/>'),
    "one text in every row": packed(
        '<row><c t="s"><v>0</v></c></row>' * 20_000, **{STRINGS: f"<sst><si><t>{LONG}</t></si></sst>"}
    ),
}


@pytest.mark.parametrize("how", SWELLING)
def test_what_swells_is_refused_before_it_does(how: str) -> None:
    tracemalloc.start()
    assert refused(SWELLING[how]) in {"roll.file_too_large", "roll.too_many_lines", "roll.no_workbook"}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 250_000_000


def test_one_long_cell_makes_one_long_line() -> None:
    text = text_of_sheet(packed(f'<row><c t="str"><v>{LONG}</v></c></row>'))
    assert len(text) == LONGEST_LINE + 2
    with pytest.raises(Invalid, match=r"roll\.line_too_long"):
        examine(text, [])


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert refused(b"PK\x03\x04" + data) == "roll.no_workbook"
