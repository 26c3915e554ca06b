"""Ward files of Scottish council elections (CSV, as mggg/scot-elex lays them out): ballots first, names at the end.

    4,3,                                   four candidates, three seats
    155,1,                                 155 ballots: candidate 1 and nobody else
    17,1,,3,4,                             the second rank was left empty
    "Candidate 1","Ann","Ahrens","Independent (Ind)",
    "Candidate 2","Bo Berg","Labour (Lab)",
    …
    "Name of the ward",                    passed over

The name is all that stands between the number and the party, joined by single blanks; where nothing else stands there,
it is the name alone. Commas at the ends of lines, quotes and blanks around numbers may be there or not.
Source: github.com/mggg/scot-elex (2007 to 2022), as read there by blt_to_csv.py.
"""

import csv
import re

from ballots.counting.contest import Contest
from ballots.counting.types import MAX_OPTIONS
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import Sheet, cut_at_skips, different_lines, first_line, number_lines, parse_count

SAMPLE_HEAD = "4,3,"
SAMPLE_BALLOT = "17,1,3,4,"
HEAD = re.compile(r'[\s"]*+(\d{1,9})[\s"]*+,[\s"]*+(\d{1,9})[\s",]*+')
OPTION = re.compile(r'[\s"]*+candidate\s*+(\d++)', re.IGNORECASE)
NAMES = re.compile(r'^(?:[^\S\n]|")*+candidate[^\S\n]*+\d', re.MULTILINE | re.IGNORECASE)
"""Where the ballots are over."""


def read(text: str, max_skips: int | None = None) -> Contest:
    """Read a ward.

    text:      lines end in LF.
    max_skips: so many ranks left empty in a row end a ballot; None = they close up.
    Returns:   rankings and seats.
    Raises:    BallotFileError.
    Cost:      linear in the length of the text.
    """
    begun, content, start = first_line(text)
    head = HEAD.fullmatch(content)
    if not head:
        raise BallotFileError("line", begun, content, SAMPLE_HEAD)
    options, seats = int(head[1]), int(head[2])
    if not 1 <= options <= MAX_OPTIONS:
        raise BallotFileError("no_options", begun, options, f"1–{MAX_OPTIONS}")
    sheet = Sheet(options)
    first_name = NAMES.search(text, start)
    end = first_name.start() if first_name else len(text)
    for line, content, times in different_lines(text[:end], start, begun):
        if not content.strip():
            continue
        count, *ranks = content.replace('"', "").split(",")
        ranking = [[_parse_option(sheet, rank, line)] if rank.strip() else [] for rank in ranks]
        sheet.add_ranking(cut_at_skips(ranking, max_skips), _parse_count(count, line) * times, line)
    names: list[tuple[int, str]] = []
    for line, content in number_lines(text[end:], text.count("\n", 0, end)):
        if OPTION.match(content):
            names.append((line, _parse_name(content, len(names) + 1, line)))
        elif content.strip() and len(names) < options:
            raise BallotFileError("option", line, content, _sample_option(len(names) + 1))
    sheet.name_options(names)
    return Contest(sheet.close(), seats=seats)


def _parse_name(content: str, expected: int, line: int) -> str:
    """Read who stands; the numbers must come in their order."""
    try:
        called, *fields = [field.strip() for field in next(csv.reader([content], skipinitialspace=True))]
    except csv.Error:  # a field of more than 131,072 signs
        raise BallotFileError("option", line, content, _sample_option(expected)) from None
    while fields and not fields[-1]:
        fields.pop()
    number = OPTION.fullmatch(called)
    if not number or not fields or number[1] != str(expected):
        raise BallotFileError("option", line, content, _sample_option(expected))
    return " ".join(filter(None, fields[:-1])) or fields[0]


def _parse_count(count: str, line: int) -> int:
    if not count.strip().isdigit() and not count.strip().startswith("-"):  # no ballot at all
        raise BallotFileError("line", line, count, SAMPLE_BALLOT)
    return parse_count(count, line)


def _parse_option(sheet: Sheet, rank: str, line: int) -> int:
    number = sheet.numbers.get(rank)
    if number is None:
        digits = rank.strip()
        if not (digits.isascii() and digits.isdigit()):
            raise BallotFileError("line", line, rank, SAMPLE_BALLOT)
        number = sheet.numbers.get(digits.lstrip("0"))
    if number is None:
        raise BallotFileError("unknown_option", line, rank, f"1–{len(sheet.options)}")
    return number


def _sample_option(number: int) -> str:
    return f'"Candidate {number}","Ann","Ahrens","Party",'
