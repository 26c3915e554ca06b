"""From a file or a pasted list to the lines of a roll: read, checked and compared, with nothing written yet. Pure.

A table with a heading holds the column "reference" (the office's own number for a person) and may hold "name";
"identifier", the official number by which a provider of sign-ins knows the person, which is marked at once; "fact", the
second fact that whoever votes by a letter is asked for, of which a mark is kept too; and the facts that a vote's rule
needs. A list without a heading holds one reference a line. Two references that differ only in case, width or accents'
encoding are one person; two that merely look alike, such as a Latin and a Cyrillic A, stay two, and the report says so.
Where the roll has a person already, a new name takes the place of the old one; no name says nothing.
"""

import codecs
import csv
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from uuid import UUID

from app.accounts.roll.facts import NOTHING, Kept, Needs, read_facts
from app.accounts.roll.headings import columns_of
from app.accounts.roll.second_fact import SecondFactMark, is_second_fact
from commons.canonical import canonical, digest
from commons.errors import Invalid

LARGEST_BYTES = 20_000_000
MOST_LINES = 200_000
LONGEST_LINE = 2_000
LONGEST_REFERENCE = 60
LONGEST_NAME = 120
DELIMITERS = "\t;,"

_SHAPES = str.maketrans(
    dict(zip("АВЕЅІЈКМНОРСТУХҺԚԜ", "ABESIJKMHOPCTYXHQW", strict=True))
    | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
)
_JOINERS = str.maketrans("", "", "\u200c\u200d")  # some scripts spell names with them
_WORD = re.compile(r"[^\W\d_]+")
_BLANKS = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")


class Fault(StrEnum):
    """Why a line cannot be taken."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    INVISIBLE = "invisible"
    QUOTES = "quotes"
    COLUMNS = "columns"
    SAME_PERSON = "same_person"
    DAY = "day"
    FACT = "fact"


@dataclass(frozen=True)
class Entry:
    """One person as the file has them. line: its number there, from 1. person: the mark of their official number.

    facts: what it tells of them that a rule needs; None where it tells nothing.
    fact:  the second fact beside their code, as it was typed; never kept.
    """

    reference: str
    name: str = ""
    line: int = 0
    person: bytes | None = None
    facts: Kept | None = None
    fact: str = ""

    def facts_after(self, old: "OnRoll") -> Kept | None:
        """Tell what the roll will know of a person: what is told anew takes the place of what was known."""
        return (old.facts or {}) | (self.facts or {}) or None


@dataclass(frozen=True)
class OnRoll:
    """One person as the roll has them. fact: the mark of their second fact."""

    reference: str
    name: str = ""
    is_struck: bool = False
    person: bytes | None = None
    facts: Kept | None = None
    line_id: UUID | None = field(default=None, compare=False)
    fact: bytes | None = None


@dataclass(frozen=True)
class Wrong:
    """A line that cannot be taken. found: how it begins."""

    line: int
    fault: Fault
    found: str


@dataclass
class Report:
    """What would happen.

    new: lines to add. changed: (entry with another name, official number, facts or fact, the line as the roll has it).
    known: on the roll, just so. struck: struck off the roll, and so they stay.
    missing: on the roll and not in the file. twice: (entry, line that had this reference before).
    wrong: lines that cannot be taken.
    alike: (entry to add, other reference that looks the same and is not).
    mixed: entries to add or change with letters of two alphabets in one word. unread: columns that are not kept.
    has_second_facts: whether a line of the file tells a second fact.
    """

    new: list[Entry] = field(default_factory=list)
    changed: list[tuple[Entry, OnRoll]] = field(default_factory=list)
    known: list[Entry] = field(default_factory=list)
    struck: list[Entry] = field(default_factory=list)
    missing: list[OnRoll] = field(default_factory=list)
    twice: list[tuple[Entry, int]] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    alike: list[tuple[Entry, str]] = field(default_factory=list)
    mixed: list[Entry] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    has_second_facts: bool = False

    @property
    def total(self) -> int:
        """How many lines of the file say something."""
        on_roll = len(self.changed) + len(self.known) + len(self.struck)
        return len(self.new) + on_roll + len(self.twice) + len(self.wrong)

    @property
    def factless(self) -> list[Entry]:
        """Those to add whose letter would vote with its code alone."""
        return [each for each in self.new if not each.fact]

    @property
    def mark(self) -> str:
        """A hash of what would be added, changed and struck off: whoever confirms this has seen just this."""
        new = [[each.reference, each.name, (each.person or b"").hex(), each.facts, each.fact] for each in self.new]
        changed = [
            [
                *(old.reference, old.name, (old.person or b"").hex(), old.facts),
                *(entry.name, (entry.person or b"").hex(), entry.facts, entry.fact),
            ]
            for entry, old in self.changed
        ]
        missing = [each.reference for each in self.missing]
        return digest("khma-roll-report-4", canonical([new, changed, missing])).hex()


def text_of(data: bytes) -> str:
    """Read a file as text: UTF-8 with or without a mark, or UTF-16 with one.

    Raises:  Invalid for the field "file": "roll.file_too_large", or "file.not_text" with the line.
    """
    if len(data) > LARGEST_BYTES:
        raise Invalid("roll.file_too_large", field="file", limit=LARGEST_BYTES // 1_000_000)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
        place = text.find("\0")  # as UTF-16 without its mark has them
        before, sign = text[: max(place, 0)], "U+0000" if place >= 0 else ""
    except UnicodeDecodeError as broken:
        before = data[: broken.start].decode("utf-16" if wide else "utf-8", "replace")
        sign = data[broken.start : broken.start + 1].hex()
    if sign:
        line = len(re.findall(r"\r\n|\r|\n", before)) + 1
        raise Invalid("file.not_text", field="file", line=line, found=sign, expected="UTF-8")
    return text


def no_mark(_: str) -> None:
    """Mark no official number: where no provider of sign-ins tells one, none is kept."""
    return


def examine(
    text: str,
    on_roll: Iterable[OnRoll],
    mark: Callable[[str], bytes | None] = no_mark,
    needs: Needs = NOTHING,
    mark_fact: SecondFactMark | None = None,
) -> Report:
    """Read a table separated by commas, semicolons or tabs, or a list, and compare it with the lines of a roll.

    mark:    makes of an official number what is kept of it. needs: what else a rule needs to know of a person.
             mark_fact: makes the mark of a second fact; None: second facts are not read.
    Raises:  Invalid for the field "file": "roll.line_too_long", "roll.too_many_lines", "roll.no_lines" or
             "roll.heading".
    Cost:    O(signs): 200,000 lines take about two seconds; a text beyond the limits is refused in milliseconds.
    """
    lines = _lines(text)
    report, there, seen = Report(), {key_of(each.reference): each for each in on_roll}, dict[str, int]()
    persons = {each.person: key for key, each in there.items() if each.person}
    for found in _entries(lines, report, mark, needs, reads_fact=mark_fact is not None):
        if isinstance(found, Wrong):
            report.wrong.append(found)
        elif found.person and persons.setdefault(found.person, key_of(found.reference)) != key_of(found.reference):
            report.wrong.append(Wrong(found.line, Fault.SAME_PERSON, found.reference))
        elif (key := key_of(found.reference)) in seen:
            report.twice.append((found, seen[key]))
        else:
            seen[key] = found.line
            report.has_second_facts = report.has_second_facts or bool(found.fact)
            _place(report, found, there.get(key), mark_fact)
    if not report.total:
        raise Invalid("roll.no_lines", field="file")
    report.missing = [each for key, each in there.items() if key not in seen and not each.is_struck]
    _find_alike(report, [each.reference for each in there.values()])
    report.mixed = [each for each in (*report.new, *(entry for entry, _ in report.changed)) if _is_mixed(each)]
    return report


def _place(report: Report, entry: Entry, old: OnRoll | None, mark_fact: SecondFactMark | None) -> None:
    if old is None:
        report.new.append(entry)
    elif old.is_struck:
        report.struck.append(entry)
    elif (
        entry.name not in {"", old.name}
        or entry.person not in {None, old.person}
        or entry.facts_after(old) != old.facts
        or mark_fact_of(entry, old.line_id, mark_fact) not in {None, old.fact}
    ):
        report.changed.append((entry, old))
    else:
        report.known.append(entry)


def mark_fact_of(entry: Entry, line_id: UUID | None, mark_fact: SecondFactMark | None) -> bytes | None:
    """Mark the second fact of an entry for its line; None where it tells none."""
    return mark_fact(line_id, entry.fact) if entry.fact and line_id and mark_fact else None


def key_of(reference: str) -> str:
    """Bring a reference into the spelling by which two of them are compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())


def hash_of_lines(lines: Iterable[OnRoll]) -> str:
    """Hash a list: SHA-256 of its lines, sorted, each a reference, a tab, a name and a line feed; 64 hex digits."""
    written = sorted(f"{each.reference}\t{each.name}\n".encode() for each in lines)
    return hashlib.sha256(b"".join(written)).hexdigest()


def _lines(text: str) -> list[str]:
    lines = re.split(r"\r\n|\r|\n", text)
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE:
            raise Invalid("roll.line_too_long", field="file", line=number, limit=LONGEST_LINE, found=len(line))
    if len(lines) > MOST_LINES + 2 and sum(1 for line in lines if line.strip()) > MOST_LINES + 1:
        raise Invalid("roll.too_many_lines", field="file", limit=MOST_LINES)
    return lines


def _entries(
    lines: list[str], report: Report, mark: Callable[[str], bytes | None], needs: Needs, *, reads_fact: bool
) -> Iterator[Entry | Wrong]:
    """Read each line that says something; a heading only tells what stands where."""
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    delimiter = max(DELIMITERS, key=lines[first].count)
    heading = [_cell_key(cell) for cell in _cells(lines[first], delimiter) or []]
    wanted = (True, True, mark is not no_mark, reads_fact, *needs.columns)
    try:
        columns = columns_of(heading, wanted)
    except ValueError:
        raise Invalid("roll.heading", field="file", line=first + 1, found=_beginning(lines[first])) from None
    if columns is not None:
        first += 1
        report.unread = [cell for place, cell in enumerate(heading) if cell and place not in columns]
    else:
        columns, heading = [0, *[None] * (len(wanted) - 1)], [""]
    for number, line in enumerate(lines[first:], start=first + 1):
        if line.strip():
            cells = _cells(line, delimiter)
            if cells is None:
                yield Wrong(number, Fault.QUOTES, _beginning(line))
            elif any(cell.strip() for cell in cells[len(heading) :]):
                yield Wrong(number, Fault.COLUMNS, _beginning(line))
            elif any(cell.strip() for cell in cells):
                kept = [None if place is None else "" if place >= len(cells) else cells[place] for place in columns]
                yield _entry(number, line, kept, mark, needs)


def _cells(line: str, delimiter: str) -> list[str] | None:
    """Take a line apart; None where its quotes do not close."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _entry(
    number: int, line: str, cells: list[str | None], mark: Callable[[str], bytes | None], needs: Needs
) -> Entry | Wrong:
    reference, name, identifier, fact = (_tidy(cell or "") for cell in cells[:4])
    told = [None if cell is None else _tidy(cell) for cell in cells[4:]]
    if not all(text.translate(_JOINERS).isprintable() for text in (name, *filter(None, told))) or not (
        reference.isprintable()
    ):
        return Wrong(number, Fault.INVISIBLE, _beginning(line))
    if not reference:
        return Wrong(number, Fault.EMPTY, _beginning(line))
    if len(reference) > LONGEST_REFERENCE or len(name) > LONGEST_NAME:
        return Wrong(number, Fault.TOO_LONG, _beginning(line))
    try:
        facts = read_facts(told, needs)
    except ValueError:
        return Wrong(number, Fault.DAY, _beginning(line))
    if fact and not is_second_fact(fact):
        return Wrong(number, Fault.FACT, reference)
    return Entry(reference, name, number, mark(identifier) if identifier else None, facts, fact)


def _find_alike(report: Report, on_roll: Iterable[str]) -> None:
    """Note each new reference that looks like another one of the roll or the file."""
    shapes: dict[str, str] = {}
    for reference in (*on_roll, *(entry.reference for entry in report.new)):
        shapes.setdefault(_shape(reference), reference)
    for entry in report.new:
        if key_of(other := shapes[_shape(entry.reference)]) != key_of(entry.reference):
            report.alike.append((entry, other))


def _shape(reference: str) -> str:
    return key_of(reference).upper().translate(_SHAPES)


def _is_mixed(entry: Entry) -> bool:
    """Tell whether one word of an entry is spelled with letters of two alphabets."""
    text = f"{entry.reference} {entry.name}"
    return not text.isascii() and any(len({*map(_alphabet, word)} - {""}) > 1 for word in _WORD.findall(text))


@cache
def _alphabet(letter: str) -> str:
    """Name a letter's alphabet, such as LATIN, as the name of the letter begins; nothing where it has no name."""
    return unicodedata.name(letter, "").partition(" ")[0]


def _tidy(cell: str) -> str:
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", cell).strip(" "))


def _cell_key(cell: str) -> str:
    return key_of(_tidy(cell)).strip(" .:")


def _beginning(line: str) -> str:
    """How a line begins, with what cannot be seen shown as a box."""
    cut = line[:60] + ("…" if len(line) > 60 else "")
    return "".join(sign if sign.isprintable() or sign == "\t" else "\ufffd" for sign in cut)
