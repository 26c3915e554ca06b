"""ABIF, the Aggregated Ballot Information Format: readable by people, and the form in which we publish ballots.

    # a remark                           {"title": "a line in braces describes the file"}
    =WI:[Write-in]                       an option: the short name for the ballots, and its name
    =c2:"Swimming [indoor]"              names with brackets stand in quotes
    12:WI>c2                             twelve ballots
    3:WI=c2                              three with equal ranks (a comma does the same)
    2:WI/5,c2/3                          two with points only: more points, better rank
    7:                                   seven blank ballots
    {"highest_grade": 5}                 ours: what could be given; else the highest points that were

Where no option is declared, the ballots tell who they are. Points beside a written order do not change this order.
Where all ballots have whole points from 0 on for all they name, these are grades, too (see `points.Points`).
Source: github.com/electorama/abif, grammar 0.31 (2024).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import groupby

import numpy as np

from ballots.counting.contest import MAX_GRADE, Contest, Grades
from ballots.counting.types import UNRANKED, Profile
from ballots.formats.errors import BallotFileError
from ballots.formats.points import Points
from ballots.formats.sheet import Ranking, Sheet, different_lines, parse_count

SAMPLE_OPTION = "=A:[Name]"
SAMPLE_BALLOT = "12:A>B=C"

# Every repetition below is possessive (`*+`): the patterns never step back, so a line is read in one pass.
BRACKETS = r'\[(?P<{0}bracket>[^\[\]]*+)\]|(?P<{0}quote>"(?:[^"\\]|\\.)*+")'
NAME = rf'(?:{BRACKETS}|(?P<{{0}}bare>[^\s\[\]"<>=,/*:{{{{}}}}#][^\[\]"<>=,/*:{{{{}}}}#]*+))'
POINTS = r"(?:[/*]\s*+(?P<points>-?\d{1,9}(?:\.\d{1,9})?)\s*+)?"
COUNT = re.compile(r"\s*+(?P<count>\d++)\s*+[:*]")
OTHER = re.compile(r"^(?![^\S\n]*+\d++[^\S\n]*+[:*])[^\n]++", re.MULTILINE)
ITEM = re.compile(rf"\s*+{NAME.format('')}\s*+{POINTS}(?P<mark>[>=,#]|:\s*+\{{|$)")
OPTION = re.compile(
    rf"\s*+(?P<mark>=?)\s*+{NAME.format('short_')}\s*+:\s*+"
    rf"(?:{BRACKETS.format('')}|(?P<bare>[^\s\[\]\"#][^\[\]#]*+))\s*+(?:#.*+)?"
)
SPECIAL = re.compile(r'[\[\]"<,/*:{}#]')
REMARK = re.compile(r"\s*+(?:#.*+|\{.*+|ABIF\b.*+)?")
NOTHING = re.compile(r"\s*+(?:#.*+|:\s*+\{.*+)?")
INVALID = re.compile(r'\s*+\{\s*+"?invalid_ballots"?\s*+:\s*+"?(\d++)"?\s*+\}\s*+(?:#.*+)?')
HIGHEST = re.compile(r'\s*+\{\s*+"?highest_grade"?\s*+:\s*+"?(\d++)"?\s*+\}\s*+(?:#.*+)?')
EXPLICIT = re.compile(r'\s*+\{\s*+"?implicit_ranking"?\s*+:\s*+"?false"?\s*+\}\s*+(?:#.*+)?', re.IGNORECASE)

MAX_KNOWN = 10_000
"""Names with points that are remembered while reading, so that they need not be taken apart again."""

Mark = tuple[int, int]
"""The number of an option, and its points."""


def read(text: str) -> Profile:
    """Read the rankings of a file of ballots. As `read_contest`."""
    return _read(text)[0]


def read_contest(text: str) -> Contest:
    """Read a file of ballots.

    text:    lines end in LF. Three describing lines of ours are understood: {"invalid_ballots": 3} tells of ballots
             that are not in the file, {"implicit_ranking": false} that whoever is left out is not placed at all,
             {"highest_grade": 5} what could be given.
    Returns: rankings, and grades where all ballots that are not blank have whole points from 0 on for all they name.
    Raises:  BallotFileError.
    Cost:    linear in the length of the text.
    """
    return Contest(*_read(text))


def _read(text: str) -> tuple[Profile, Grades | None]:
    sheet, points = Sheet(), Points()
    invalid, implicit, top = 0, True, None
    for line, content in _other_lines(text):
        if REMARK.fullmatch(content):
            if said := INVALID.fullmatch(content):
                invalid = parse_count(said[1], line)
            if said := HIGHEST.fullmatch(content):
                top = _parse_highest(said[1], line)
            implicit = implicit and not EXPLICIT.fullmatch(content)
        else:
            _read_option(sheet, content, line)
    if not sheet.options:
        met: set[str] = set()
        for line, _, ballot in _ballots(text):
            tokens = ballot.split(">")
            if met.issuperset(tokens):
                continue
            for name, _, _ in _items(ballot, line):
                if name not in sheet.numbers:
                    sheet.add_option(name, line)
            if len(met) < MAX_KNOWN and "=" not in ballot and '"' not in ballot:
                met.update(tokens)
    words, known = _words(sheet), dict[str, Mark]()
    for line, count, ballot in _ballots(text):
        sheet.add_ranking(_parse_ranking(sheet, ballot, line, points, count, words, known), count, line)
    profile = sheet.close(invalid=invalid, implicit=implicit)
    return profile, points.close(sheet.options, top=top, invalid=invalid)


def _parse_highest(digits: str, line: int) -> int:
    if len(digits) > 20 or not 1 <= int(digits) <= MAX_GRADE:
        raise BallotFileError("line", line, digits, f'{{"highest_grade": 1–{MAX_GRADE}}}')
    return int(digits)


def _other_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is neither empty nor a ballot, with its number."""
    line, counted = 1, 0
    for other in OTHER.finditer(text):
        line += text.count("\n", counted, other.start())
        counted = other.start()
        yield line, other[0]


def _ballots(text: str) -> Iterator[tuple[int, int, str]]:
    for line, content, times in different_lines(text):
        if count := COUNT.match(content):
            yield line, parse_count(count["count"], line) * times, content[count.end() :]


def write(pile: Profile | Grades) -> str:
    """Write ballots in the one form that each machine writes alike: the options in their order, each different
    ballot once, the most frequent first and equally frequent ones by their text; UTF-8 (to be encoded), LF.

    pile:    rankings; or grades of at most MAX_OPTIONS options: on each ballot the highest first.
    Returns: text that `read` turns into an equal profile, and `read_contest` into equal grades beside the rankings
             that follow from them.
    """
    lines = [f"=c{i}:{_quote(name)}" for i, name in enumerate(pile.options, start=1)]
    if isinstance(pile, Profile):
        lines += ['{"implicit_ranking": false}'] * (not pile.implicit)
        ballots = {_write_ballot(row): weight for row, weight in pile.rows().items()}
    else:
        lines += [f'{{"highest_grade": {pile.top}}}']
        ballots = {_write_grades(row): weight for row, weight in pile.rows().items()}
    lines += [f'{{"invalid_ballots": {pile.invalid}}}'] * (pile.invalid > 0)
    if pile.blank:
        ballots[""] = pile.blank
    lines += [f"{weight}:{ballot}" for ballot, weight in sorted(ballots.items(), key=lambda b: (-b[1], b[0]))]
    return "\n".join(lines) + "\n"


def _write_ballot(row: bytes) -> str:
    ranked = sorted((rank, i) for i, rank in enumerate(row, start=1) if rank != UNRANKED)
    return ">".join("=".join(f"c{i}" for _, i in group) for _, group in groupby(ranked, key=lambda pair: pair[0]))


def _write_grades(row: bytes) -> str:
    raised = np.frombuffer(row, dtype=np.uint32).tolist()  # a grade and one more; 0 = left out
    given = sorted((-grade, i) for i, grade in enumerate(raised, start=1) if grade)
    return ",".join(f"c{i}/{-grade - 1}" for grade, i in given)


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


def _parse_ranking(
    sheet: Sheet, content: str, line: int, points: Points, count: int, words: Mapping[str, int], known: dict[str, Mark]
) -> Ranking:
    """Read the order of one ballot, and note its points.

    words: what plain ballots may call the options. known: names with points that were met before.
    """
    try:  # most ballots by far: plain names in a plain order
        ranking = [
            [words[group.strip()]] if "=" not in group else [words[name.strip()] for name in group.split("=")]
            for group in content.split(">")
        ]
    except KeyError:
        pass
    else:
        points.give_up()
        return ranking
    if plain := _plain_points(sheet, content, known):
        points.add_whole(plain, count)
        return _by_points(*zip(*plain, strict=True))
    items = _items(content, line)
    numbers = [sheet.find_option(name, line) for name, _, _ in items]
    points.add(numbers, [said for _, said, _ in items], count)
    marks = {mark for _, _, mark in items}
    if "," in marks and marks <= {",", ""} and all(said for _, said, _ in items):
        return _by_points(numbers, [Decimal(said or 0) for _, said, _ in items])
    places: list[list[int]] = [[]]
    for number, (_, _, mark) in zip(numbers, items, strict=True):
        places[-1].append(number)
        if mark == ">":
            places.append([])
    return places if items else []


def _words(sheet: Sheet) -> dict[str, int]:
    """Return each way to write an option that holds no sign of the format but the brackets around it."""
    names = {name: i for i, name in enumerate(sheet.options)} | sheet.numbers
    plain = {name: i for name, i in names.items() if not SPECIAL.search(name) and not {">", "="} & set(name)}
    return plain | {f"[{name}]": i for name, i in plain.items()}


def _plain_points(sheet: Sheet, content: str, known: dict[str, Mark]) -> list[Mark] | None:
    """Read plain names with whole points, such as "A/5,B/3", without going sign by sign; None for all else."""
    marks = []
    for item in content.split(","):
        mark = known.get(item)
        if mark is None:
            name, _, points = item.partition("/")
            number, digits = sheet.numbers.get(name.strip()), points.strip()
            if number is None or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
                return None
            mark = number, int(digits)
            if len(known) < MAX_KNOWN:
                known[item] = mark
        marks.append(mark)
    return marks


def _by_points(numbers: Iterable[int], points: Iterable[int | Decimal]) -> Ranking:
    places: dict[int | Decimal, list[int]] = {}
    for number, said in zip(numbers, points, strict=True):
        places.setdefault(said, []).append(number)
    return [places[said] for said in sorted(places, reverse=True)]
