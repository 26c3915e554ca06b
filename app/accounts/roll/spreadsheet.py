"""A workbook of a spreadsheet program (.xlsx) becomes the text that `importing` reads: a line a row. Pure.

Only its first sheet is read. A workbook is a zip of XML, and both can be made to swell: how much is unpacked, how many
rows and cells are read, is limited before anything is kept; an XML file that declares entities is refused unread.
Formulas are never computed: the value that the program stored beside one is taken.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

from app.accounts.roll.importing import LARGEST_BYTES, LONGEST_LINE, MOST_LINES
from commons.errors import Invalid

SIGNATURE = b"PK\x03\x04"
MOST_FILES = 500
MOST_BYTES = 100_000_000
"""How much may be unpacked of one file inside the workbook."""
MOST_COLUMNS = 200
_CHUNK = 1 << 18
_CELL = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_BREAKS = re.compile(r"[\t\r\n]+")
# What zipfile raises for files that are no workbook, among them NotImplementedError for a way of packing that it does
# not know and RuntimeError for a locked file. Each is answered as "cannot be read as a spreadsheet".
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, LookupError)
_WORKBOOK, _RELATIONS, _STRINGS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"


def is_workbook(data: bytes) -> bool:
    """Tell whether a file is to be read as a workbook."""
    return data.startswith(SIGNATURE)


def text_of_sheet(data: bytes) -> str:
    """Read the first sheet as text: one line a row, so that numbers of lines are numbers of rows; cells parted by tabs.

    Raises:  Invalid for the field "file": "roll.no_workbook", "roll.too_many_lines" or "roll.file_too_large".
    Cost:    O(unpacked bytes), under ten seconds at the limit; call it beside the event loop.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            if len(pack.infolist()) > MOST_FILES:
                raise Invalid("roll.no_workbook", field="file")
            first = _First()
            _read(pack, _WORKBOOK, first.start)
            _read(pack, _RELATIONS, first.relate)
            strings = _Strings()
            if _STRINGS in pack.namelist():
                _read(pack, _STRINGS, strings.start, strings.end, strings.text)
            sheet = _Sheet(strings.found)
            _read(pack, first.path, sheet.start, sheet.end, sheet.text)
    except (*_BROKEN, expat.ExpatError, UnicodeDecodeError, ValueError) as broken:
        raise Invalid("roll.no_workbook", field="file") from broken
    return "".join(f"{line}\n" for line in sheet.lines)


def _read(
    pack: zipfile.ZipFile,
    name: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Read one XML file of the pack, a piece at a time."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, given: start(tag.rpartition(":")[2], given)
    if end is not None:
        parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    left = MOST_BYTES
    with pack.open(name) as file:
        while piece := file.read(_CHUNK):
            left -= len(piece)
            if left < 0:
                raise Invalid("roll.file_too_large", field="file", limit=MOST_BYTES // 1_000_000)
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def _refuse(*_: object) -> None:
    """Refuse a document type: it is where entities are declared, and no spreadsheet program writes one."""
    raise Invalid("roll.no_workbook", field="file")


class _First:
    """Finds the file of the first sheet."""

    def __init__(self) -> None:
        self.id, self.path = "", ""

    def start(self, tag: str, given: dict[str, str]) -> None:
        """Take the relation of the first sheet."""
        if tag == "sheet" and not self.id:
            self.id = next((value for name, value in given.items() if name.endswith(":id")), "")

    def relate(self, tag: str, given: dict[str, str]) -> None:
        """Take the file that this relation leads to."""
        if tag == "Relationship" and given.get("Id") == self.id:
            target = given.get("Target", "")
            self.path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


class _Texts:
    """Gathers the text of cells; hints for reading East Asian letters aloud are left out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._takes = self._aloud = False

    def text(self, part: str) -> None:
        """Take a piece of text."""
        if self._takes and not self._aloud:
            self._parts.append(part)

    def _open(self, tag: str, *takers: str) -> None:
        self._aloud |= tag == "rPh"
        self._takes = tag in takers

    def _close(self, tag: str) -> None:
        self._aloud &= tag != "rPh"
        self._takes = False


class _Strings(_Texts):
    """Reads the table of texts that cells point into."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def start(self, tag: str, _: dict[str, str]) -> None:
        """Begin a text."""
        if tag == "si":
            self._parts = []
        self._open(tag, "t")

    def end(self, tag: str) -> None:
        """Keep a text."""
        self._close(tag)
        if tag == "si":
            self.found.append("".join(self._parts))


class _Sheet(_Texts):
    """Reads the cells of a sheet into lines."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._strings, self._cells = strings, dict[int, str]()
        self._row = self._column = 0
        self._kind, self._left = "", LARGEST_BYTES

    def start(self, tag: str, given: dict[str, str]) -> None:
        """Begin a row or a cell."""
        self._open(tag, "v", "t")
        if tag == "row":
            self._row = int(given.get("r", self._row + 1))
            self._cells, self._column = {}, -1
            if not len(self.lines) < self._row <= MOST_LINES + 2:
                raise Invalid("roll.too_many_lines", field="file", limit=MOST_LINES)
        elif tag == "c":
            place = _CELL.fullmatch(given.get("r", ""))
            self._column = _number(place[1]) if place else self._column + 1
            self._kind, self._parts = given.get("t", "n"), []

    def end(self, tag: str) -> None:
        """Keep a cell, or a row."""
        self._close(tag)
        if tag == "c" and self._column < MOST_COLUMNS and self._parts:
            self._cells[self._column] = self._value("".join(self._parts))[: LONGEST_LINE + 1]
        elif tag == "row":
            self.lines += [""] * (self._row - 1 - len(self.lines))
            width = max(self._cells, default=-1) + 1
            self.lines.append("\t".join(_quoted(self._cells.get(column, "")) for column in range(width)))
            self._left -= len(self.lines[-1])  # one long text may stand in every row
            if self._left < 0:
                raise Invalid("roll.file_too_large", field="file", limit=LARGEST_BYTES // 1_000_000)

    def _value(self, text: str) -> str:
        if self._kind == "s":
            return self._strings[int(text)]
        return _plain(text) if self._kind == "n" else text


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _plain(text: str) -> str:
    """Write a whole number without point and exponent: 1.7E+3 is the person 1700."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return f"{number:f}".partition(".")[0] if number.is_finite() and number == int(number) and len(text) < 40 else text


def _quoted(cell: str) -> str:
    cell = _BREAKS.sub(" ", cell)
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell
