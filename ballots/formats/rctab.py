"""Ranks as a table (.csv), as RCTab writes them and cities publish them: a column for every rank, a name in each cell.

    count,rank1,rank2,rank3                       the head: how many ballots look so (1 without it), and the ranks
    4207,Ann Ahrens,Bo Berg,undervote
    12,"Cy, the elder",overvote,Ann Ahrens        several marks at the second rank
    3,Ann Ahrens|Bo Berg,,UWI                     the same, saying whose; nothing; an undeclared write-in

Heads such as "Rank 1", "1st Choice" or "Choice_1" do as well; other columns (ids, precincts) are passed over. An empty
rank is an empty cell, "undervote", "skipped" or "blank". A rank with several marks is "overvote", or the names with
"|" or "//" between them (";", "/" or "=", where each of them also stands alone in a cell). A name that was ranked
before is passed over. "UWI" and "Undeclared Write-ins" are an option that nobody can elect.
Source: github.com/BrightSpots/rcv (RCTab 2.0): its conversions of cast vote records, and docs/configuration.
"""

import csv
import re
from array import array
from collections.abc import Container
from typing import NamedTuple

import numpy as np

from ballots.counting.contest import Contest
from ballots.counting.slips import CUT, DONE, OVERVOTED, Slips
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import Sheet, different_lines, first_line, parse_count

SAMPLE = "count,rank1,rank2,rank3"
MAX_MARKS = 1_500_000
"""Different ballots times ranks: what can be taken apart in two seconds."""

MAX_CELLS = 20_000
"""Different cells: the names, and some joined to one another."""

MAX_LINE = 20_000
"""Signs in a line."""

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
WORD = r"(?:rank(?:ing)?|choice|preference)"
RANK = (
    rf"{WORD}[ _.#-]{{0,3}}(\d{{1,3}})(?!\d)"
    rf"|(?<!\d)(\d{{1,3}})(?:st|nd|rd|th)[ _-]{{0,3}}{WORD}"
    rf"|({'|'.join(ORDINALS)})[ _-]{{0,3}}{WORD}"
)
HEAD = re.compile(RANK, re.IGNORECASE)
SIGN = re.compile(rf"\A\s*+[^\n]{{0,{MAX_LINE}}}?(?:{RANK})", re.IGNORECASE)
"""How the format gives itself away: a rank among the heads."""

COUNT = {"count", "counts", "ballots", "ballotcount", "numberofballots", "weight", "votes", "frequency", "n"}
EMPTY = {"", "undervote", "undervotes", "undervoted", "skipped", "skippedrank", "skip", "blank"}
OVERVOTE = {"overvote", "overvotes", "overvoted"}
UNDECLARED = {"uwi", "undeclaredwritein", "undeclaredwriteins"}
JOINED = re.compile(r"\|++|//++")
PERHAPS_JOINED = (";", "/", "=")


class Head(NamedTuple):
    """How many columns there are; which one holds the number of ballots, and which ones the ranks, the first first."""

    width: int
    weight: int | None
    ranks: list[int]


class Cell(NamedTuple):
    """One rank of one ballot: the numbers of the options marked there; overvoted also where nobody knows whose."""

    options: tuple[int, ...] = ()
    overvoted: bool = False


class Pile(NamedTuple):
    """The table as it stands: each different ballot, as packed numbers of cells, and how often; each cell, its line."""

    ballots: dict[bytes, int]
    cells: dict[str, int]
    lines: list[int]


def read(text: str, max_skips: int | None = None) -> Contest:
    """Read a table of ranks.

    text:      lines end in LF.
    max_skips: so many ranks left empty in a row end a ballot, if it marks something below them; None = never.
    Returns:   rankings, in which what was overvoted without names is closed up, and ballots that mark something but
               rank nobody are invalid; and slips, which tell of both.
    Raises:    BallotFileError.
    Cost:      linear in the length of the text.
    """
    pile = _lay_together(text)
    sheet = Sheet()
    cells = _understand(pile, sheet)
    slips: dict[bytes, int] = {}
    invalid = 0
    for ballot, weight in pile.ballots.items():
        marked = [cells[number] for number in memoryview(ballot).cast("H")]
        if not any(cell.options or cell.overvoted for cell in marked):
            sheet.add_ranking([], weight, 0)
            continue
        ranking, row = _follow(marked, max_skips)
        slips[row] = slips.get(row, 0) + weight
        if ranking:
            sheet.add_ranking(ranking, weight, 0)
        else:
            invalid += weight
    profile = sheet.close(invalid=invalid)
    marks = np.frombuffer(b"".join(slips), dtype=np.uint8).reshape(len(slips), max(map(len, slips), default=1))
    weights = np.fromiter(slips.values(), dtype=np.int64, count=len(slips))
    undeclared = tuple(name for name in sheet.options if _word(name) in UNDECLARED)
    return Contest(
        profile, slips=Slips(profile.options, np.asfortranarray(marks), weights, profile.blank, undeclared=undeclared)
    )


def _follow(cells: list[Cell], max_skips: int | None) -> tuple[list[list[int]], bytes]:
    """Go down the ranks of one ballot. Returns its places, and its marks for `Slips`, one more than it has ranks."""
    ranking: list[list[int]] = []
    ranked: set[int] = set()
    marks = bytearray()
    empty = 0
    for cell in cells:
        if not cell.options and not cell.overvoted:
            empty += 1
            continue
        if max_skips is not None and empty >= max_skips:
            marks.append(CUT)
            break
        empty = 0
        if cell.overvoted:
            marks.append(OVERVOTED)
        elif cell.options[0] not in marks:
            marks.append(cell.options[0])
        if new := [option for option in cell.options if option not in ranked]:
            ranking.append(new)
            ranked.update(new)
    return ranking, bytes(marks).ljust(len(cells) + 1, bytes([DONE]))


def _lay_together(text: str) -> Pile:
    """Read all lines, and lay equal ballots together before it is known what their cells mean."""
    pile = Pile({}, {}, [])
    begun, content, start = first_line(text)
    delimiter = max(",;\t", key=content[:MAX_LINE].count)
    if not begun:
        return pile
    head = _read_head(_split(content, delimiter, begun), begun)
    for line, content, times in different_lines(text, start, begun):
        if not content.strip():
            continue
        row = _split(content, delimiter, line)
        if len(row) != head.width:
            raise BallotFileError("line", line, ",".join(row), ",".join(["…"] * head.width))
        weight = times * (1 if head.weight is None else parse_count(row[head.weight], line))
        ballot = array("H", [_number(pile, row[column].strip(), line) for column in head.ranks]).tobytes()
        pile.ballots[ballot] = pile.ballots.get(ballot, 0) + weight
        if len(pile.ballots) * len(head.ranks) > MAX_MARKS:
            raise BallotFileError("too_large", line, len(pile.ballots) * len(head.ranks), MAX_MARKS)
    return pile


def _split(content: str, delimiter: str, line: int) -> list[str]:
    """Return the cells of a line. A line ends where it ends, even inside quotes: so one that is never closed is found
    where it stands, and swallows nothing.
    """
    if len(content) > MAX_LINE:
        raise BallotFileError("line", line, content, SAMPLE)
    if '"' not in content:
        return content.split(delimiter)
    try:
        return next(csv.reader([content], delimiter=delimiter, strict=True))
    except csv.Error:
        raise BallotFileError("line", line, content, '12,"Name, with a comma",Name') from None


def _read_head(row: list[str], line: int) -> Head:
    columns: dict[int, int] = {}
    counts = [column for column, name in enumerate(row) if _word(name) in COUNT]
    for column, name in enumerate(row):
        if column in counts or not (found := HEAD.search(name)):
            continue
        rank = ORDINALS.index(found[3].lower()) + 1 if found[3] else int(found[1] or found[2])
        if rank in columns:
            raise BallotFileError("repeated", line, name, 1)
        columns[rank] = column
    if len(counts) > 1:
        raise BallotFileError("repeated", line, row[counts[1]], 1)
    if not columns or sorted(columns) != list(range(1, len(columns) + 1)):
        raise BallotFileError("line", line, ",".join(row), SAMPLE)
    return Head(len(row), counts[0] if counts else None, [columns[rank] for rank in sorted(columns)])


def _number(pile: Pile, cell: str, line: int) -> int:
    number = pile.cells.get(cell)
    if number is None:
        number = pile.cells[cell] = len(pile.lines)
        if number == MAX_CELLS:
            raise BallotFileError("too_large", line, number + 1, MAX_CELLS)
        pile.lines.append(line)
    return number


def _understand(pile: Pile, sheet: Sheet) -> list[Cell]:
    """Find out what each cell means, and note the options in the order in which they first come."""
    cells = []
    for (text, _), line in zip(pile.cells.items(), pile.lines, strict=True):
        parts = _take_apart(text, pile.cells)
        names = [part for part in parts if _word(part) not in EMPTY | OVERVOTE]
        for name in names:
            if name not in sheet.numbers:
                sheet.add_option(name, line)
        options = tuple(dict.fromkeys(sheet.numbers[name] for name in names))
        cells.append(Cell(options, len(options) > 1 or any(_word(part) in OVERVOTE for part in parts)))
    return cells


def _take_apart(text: str, alone: Container[str]) -> list[str]:
    if JOINED.search(text):
        return [part.strip() for part in JOINED.split(text)]
    for sign in PERHAPS_JOINED:
        parts = [part.strip() for part in text.split(sign)]
        if len(parts) > 1 and all(part in alone for part in parts):
            return parts
    return [text]


def _word(text: str) -> str:
    """Take away what is written differently here and there: "Under-vote", "UNDERVOTE", "[undervote]"."""
    return re.sub(r"[\s_\[\]()-]++", "", text.lower())
