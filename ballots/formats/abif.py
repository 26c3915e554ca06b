"""ABIF, the Aggregated Ballot Information Format: readable by people, and the form in which we publish ballots.

    # a remark                           {"title": "a line in braces describes the file"}
    =WI:[Write-in]                       an option: the short name for the ballots, and its name
    =c2:"Swimming [indoor]"              names with brackets stand in quotes
    12:WI>c2                             twelve ballots
    3:WI=c2                              three with equal ranks (a comma does the same)
    2:WI/5,c2/3                          two with points only: more points, better rank
    7:                                   seven blank ballots

Where no option is declared, the ballots tell who they are. Points beside a written order change nothing.
Source: github.com/electorama/abif, grammar 0.31 (2024).
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from ballots.counting.types import UNRANKED, Profile
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import Ranking, Sheet, number_lines, parse_count

SAMPLE_OPTION = "=A:[Name]"
SAMPLE_BALLOT = "12:A>B=C"

# Every repetition below is possessive (`*+`): the patterns never step back, so a line is read in one pass.
BRACKETS = r'\[(?P<{0}bracket>[^\[\]]*+)\]|(?P<{0}quote>"(?:[^"\\]|\\.)*+")'
NAME = rf'(?:{BRACKETS}|(?P<{{0}}bare>[^\s\[\]"<>=,/*:{{{{}}}}#][^\[\]"<>=,/*:{{{{}}}}#]*+))'
POINTS = r"(?:[/*]\s*+(?P<points>-?\d{1,9}(?:\.\d{1,9})?)\s*+)?"
COUNT = re.compile(r"\s*+(?P<count>\d++)\s*+[:*]")
ITEM = re.compile(rf"\s*+{NAME.format('')}\s*+{POINTS}(?P<mark>[>=,#]|:\s*+\{{|$)")
OPTION = re.compile(
    rf"\s*+(?P<mark>=?)\s*+{NAME.format('short_')}\s*+:\s*+"
    rf"(?:{BRACKETS.format('')}|(?P<bare>[^\s\[\]\"#][^\[\]#]*+))\s*+(?:#.*+)?"
)
SPECIAL = re.compile(r'[\[\]"<,/*:{}#]')
REMARK = re.compile(r"\s*+(?:#.*+|\{.*+|ABIF\b.*+)?")
NOTHING = re.compile(r"\s*+(?:#.*+|:\s*+\{.*+)?")
INVALID = re.compile(r'\s*+\{\s*+"?invalid_ballots"?\s*+:\s*+"?(\d++)"?\s*+\}\s*+(?:#.*+)?')
EXPLICIT = re.compile(r'\s*+\{\s*+"?implicit_ranking"?\s*+:\s*+"?false"?\s*+\}\s*+(?:#.*+)?', re.IGNORECASE)


def read(text: str) -> Profile:
    """Read a file of ballots.

    text:   lines end in LF. Two describing lines of ours are understood: {"invalid_ballots": 3} tells of ballots that
            are not in the file, {"implicit_ranking": false} that whoever is left out is not placed at all.
    Raises: BallotFileError.
    Cost:   linear in the length of the text.
    """
    sheet = Sheet()
    invalid, implicit = 0, True
    for line, content in number_lines(text):
        if REMARK.fullmatch(content):
            if said := INVALID.fullmatch(content):
                invalid = parse_count(said[1], line)
            implicit = implicit and not EXPLICIT.fullmatch(content)
        elif not COUNT.match(content):
            _read_option(sheet, content, line)
    if not sheet.options:
        for line, _, ballot in _ballots(text):
            for name, _, _ in _items(ballot, line):
                if name not in sheet.numbers:
                    sheet.add_option(name, line)
    for line, count, ballot in _ballots(text):
        sheet.add_ranking(_parse_ranking(sheet, ballot, line), count, line)
    return sheet.close(invalid=invalid, implicit=implicit)


def _ballots(text: str) -> Iterator[tuple[int, int, str]]:
    for line, content in number_lines(text):
        if count := COUNT.match(content):
            yield line, parse_count(count["count"], line), content[count.end() :]


def write(profile: Profile) -> str:
    """Write a profile in the one form that each machine writes alike: the options in their order, each different
    ballot once, the most frequent first and equally frequent ones by their text; UTF-8 (to be encoded), LF.

    Returns: text that `read` turns into an equal profile.
    """
    lines = [f"=c{i}:{_quote(name)}" for i, name in enumerate(profile.options, start=1)]
    lines += ['{"implicit_ranking": false}'] * (not profile.implicit)
    lines += [f'{{"invalid_ballots": {profile.invalid}}}'] * (profile.invalid > 0)
    ballots = {_write_ballot(row): weight for row, weight in profile.rows().items()}
    if profile.blank:
        ballots[""] = profile.blank
    lines += [f"{weight}:{ballot}" for ballot, weight in sorted(ballots.items(), key=lambda b: (-b[1], b[0]))]
    return "\n".join(lines) + "\n"


def _write_ballot(row: bytes) -> str:
    ranked = sorted((rank, i) for i, rank in enumerate(row, start=1) if rank != UNRANKED)
    return ">".join("=".join(f"c{i}" for _, i in group) for _, group in groupby(ranked, key=lambda pair: pair[0]))


def _quote(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if "[" in name or "]" in name else f"[{name}]"


def _read_option(sheet: Sheet, content: str, line: int) -> None:
    option = OPTION.fullmatch(content)
    # Without "=", only a name in brackets shows that this is an option and not a ballot with a broken number.
    if not option or not (option["mark"] or option["bracket"]):
        raise BallotFileError("line", line, content, SAMPLE_OPTION if "=" in content[:1] else SAMPLE_BALLOT)
    sheet.add_option(_name(option, "", line), line, short=_name(option, "short_", line))


def _name(found: re.Match[str], prefix: str, line: int) -> str:
    """Return a name from its brackets, its quotes, or bare."""
    quoted = found[f"{prefix}quote"]
    if quoted is None:
        return (found[f"{prefix}bracket"] or found[f"{prefix}bare"] or "").strip()
    try:
        return str(json.loads(quoted)).strip()
    except ValueError:
        raise BallotFileError("line", line, quoted, '"Name \\"in\\" quotes"') from None


def _items(content: str, line: int) -> list[tuple[str, str | None, str]]:
    """Take a ballot apart: each name with its points, if any, and the mark after it; the last mark is empty."""
    items: list[tuple[str, str | None, str]] = []
    if NOTHING.fullmatch(content):
        return items
    position, mark = 0, ">"
    while mark in {">", "=", ","}:
        item = ITEM.match(content, position)
        if not item:
            raise BallotFileError("line", line, content, SAMPLE_BALLOT)
        position, mark = item.end(), item["mark"]
        items.append((_name(item, "", line), item["points"], mark if mark in {">", "=", ","} else ""))
    return items


def _parse_ranking(sheet: Sheet, content: str, line: int) -> Ranking:
    if not SPECIAL.search(content):  # most ballots by far: plain names in a plain order
        names = [[name.strip() for name in group.split("=")] for group in content.split(">")]
        if all(name in sheet.numbers for group in names for name in group):
            return [[sheet.numbers[name] for name in group] for group in names]
    items = _items(content, line)
    numbers = [sheet.find_option(name, line) for name, _, _ in items]
    marks = {mark for _, _, mark in items}
    if "," in marks and marks <= {",", ""} and all(points for _, points, _ in items):
        scores = [Decimal(points or 0) for _, points, _ in items]
        return [[n for n, s in zip(numbers, scores, strict=True) if s == score] for score in sorted({*scores})[::-1]]
    ranking: list[list[int]] = [[]]
    for number, (_, _, mark) in zip(numbers, items, strict=True):
        ranking[-1].append(number)
        if mark == ">":
            ranking.append([])
    return ranking if items else []
