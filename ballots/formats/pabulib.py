"""Pabulib (.pb): budgets in which people vote on projects. Three sections, fields between semicolons, quotes as in CSV.

    META
    key;value
    budget;1000000              money: 1000000, 12,5 or 12.50
    vote_type;approval          or choose-1, ordinal, cumulative, scoring
    max_length;3
    PROJECTS
    project_id;cost;name        columns in any order; others, such as votes and selected, are passed over
    24;5000;Cameras
    VOTES
    voter_id;vote               and for cumulative and scoring: points
    1;24,41                     an empty vote is blank

An option is a project_id; its name is its label. An ordinal vote gives max_length points to its first project, one less
to the next, and so on (Kraków: 3-2-1); without max_length, as many as there are projects. A vote against the limits
that the file itself sets (length, points, cost) is kept as invalid. Points are whole and not negative.
Source: pabulib.org/format; Stolicki, Szufa, Talmon, arXiv 2012.06539.
"""

import csv
import io
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ballots.counting.contest import MAX_GRADE, MAX_PROJECTS, Contest, Grades, Money
from ballots.counting.types import MAX_OPTIONS, UNRANKED, Profile, is_option_name
from ballots.formats.errors import SHOWN, BallotFileError
from ballots.formats.sheet import MAX_CELLS, MAX_NAME, number_lines

SECTIONS = ("meta", "projects", "votes")
APPROVALS = ("approval", "choose-1")
POINTS = ("cumulative", "scoring")
TYPES = (*APPROVALS, "ordinal", *POINTS)
MONEY = re.compile(r"\d{1,18}(?:[.,]\d{1,9})?")
WHOLE = re.compile(r"(\d{1,10})(?:\.0{1,9})?")
LIMITS = ("length", "points", "sum_points", "sum_cost")
MAX_META = 1_000
"""Lines of META; files have some thirty."""

MAX_ROW = 1_000_000
"""Signs of one line, or of the lines that quotes hold together."""

MAX_SEEN = 100_000
"""Different votes that are remembered while reading, so that the same vote need not be taken apart again."""

PAIR = np.dtype([("option", np.uint32), ("grade", np.uint32)])


@dataclass
class Draft:
    """What has been read so far.

    lines: where each line of META stands. rows: pairs of project and points, packed, with the number of such votes.
    seen:  what votes as they are written were packed to.
    """

    meta: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    costs: list[Fraction] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    rows: dict[bytes, int] = field(default_factory=dict)
    seen: dict[tuple[str, str], bytes] = field(default_factory=dict)
    invalid: int = 0


class Limits:
    """What the file lets a vote hold: how many projects, points each and together, and cost together."""

    def __init__(self, draft: Draft) -> None:
        self.kind = _say(draft, "vote_type", TYPES[0]).lower()
        if self.kind not in TYPES:
            raise BallotFileError("line", draft.lines["vote_type"], self.kind, ", ".join(TYPES))
        if _say(draft, "scoring_fn", "Borda").lower() != "borda" or _say(draft, "default_score", "0") not in {
            "0",
            "0.0",
        }:
            line = max(draft.lines.get("scoring_fn", 0), draft.lines.get("default_score", 0))
            raise BallotFileError("line", line, "scoring_fn, default_score", "scoring_fn;Borda, default_score;0")
        bounds = {name: _parse_money(value, draft.lines[name]) for name, value in _limits(draft.meta)}
        if self.kind == "choose-1":
            bounds["max_length"] = Fraction(1)
        plain = {name: _plain(bound) for name, bound in bounds.items()}  # whole numbers compare many times as fast
        self.bounds = [(name, plain.get(f"min_{name}"), plain.get(f"max_{name}")) for name in LIMITS]
        self.costs = [_plain(cost) for cost in draft.costs]
        length = bounds.get("max_length", Fraction(0))
        self.top = max(1, min(int(length), MAX_GRADE)) if "max_length" in bounds else max(1, len(draft.costs))
        highest = bounds.get("max_points", bounds.get("max_sum_points", Fraction(0)))
        self.highest = max(1, min(int(highest), MAX_GRADE))

    def keeps(self, numbers: Sequence[int], points: Sequence[int]) -> bool:
        """Tell whether a vote that names something is within the limits."""
        for name, least, most in self.bounds:
            if least is None and most is None:
                continue
            if name in {"points", "sum_points"} and self.kind not in POINTS:
                continue
            found: Sequence[int | Fraction]
            if name == "points":
                found = points
            elif name == "sum_cost":
                found = [sum(self.costs[i] for i in numbers)]
            else:
                found = [len(numbers) if name == "length" else sum(points)]
            if (least is not None and min(found) < least) or (most is not None and max(found) > most):
                return False
        return True


def read(text: str) -> Contest:
    """Read a budget and its votes.

    text:    lines end in LF.
    Returns: grades (approvals have a top of 1), money, labels; rankings too where the votes are ordinal and name at
             most MAX_OPTIONS projects.
    Raises:  BallotFileError.
    Cost:    linear in the length of the text; some seconds for a million different votes.
    """
    draft = Draft()
    limits: Limits | None = None
    section, header = "", {}
    rows = _rows(text)
    for line, row in rows:
        name = row[0].strip().lower()
        if name in SECTIONS and not any(cell.strip() for cell in row[1:]):
            section = _open_section(section, name, line)
            header = _read_header(section, *next(rows, (line + 1, [])))
            if section == "votes":
                limits = Limits(draft)
        elif section == "meta":
            key = row[0].strip().lower()
            draft.meta[key] = row[1].strip() if len(row) > 1 else ""
            draft.lines[key] = line
            if line > MAX_META:
                raise BallotFileError("line", line, row[0], "PROJECTS")
        elif section == "projects":
            _read_project(draft, _cells(header, row), line)
        elif limits is not None:
            _read_vote(draft, limits, header, row, line)
        else:
            raise BallotFileError("line", line, row[0], "META")
    if limits is None:
        raise BallotFileError("line", 0, section or text[:20], "META, PROJECTS, VOTES")
    return _close(draft, limits)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each line that has any, with its number; a field in quotes may go over several lines."""
    start = 1

    def lines() -> Iterator[str]:
        signs, first = 0, start
        for _, content in number_lines(text):
            signs, first = (signs, first) if first == start else (0, start)
            signs += len(content)
            if signs > MAX_ROW:
                raise BallotFileError("line", start, content[:SHOWN], f"1–{MAX_ROW}")
            yield f"{content}\n"

    reader = csv.reader(lines(), delimiter=";")
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield start, row
            start = reader.line_num + 1
    except csv.Error:
        raise BallotFileError("line", start, '"…', '"quoted ""field"""') from None


def _open_section(before: str, name: str, line: int) -> str:
    expected = SECTIONS[SECTIONS.index(before) + 1 :][:1] if before else SECTIONS[:1]
    if (name,) != expected:
        raise BallotFileError("line", line, name.upper(), ", ".join(SECTIONS).upper())
    return name


def _read_header(section: str, line: int, row: list[str]) -> dict[str, int]:
    columns = {cell.strip().lower(): i for i, cell in reversed(list(enumerate(row)))}
    needed = {"meta": "key", "projects": "project_id;cost", "votes": "vote"}[section]
    if not set(needed.split(";")) <= set(columns):
        raise BallotFileError("line", line, ";".join(row), needed)
    return columns


def _cells(header: Mapping[str, int], row: list[str]) -> dict[str, str]:
    """Return the cells of one line by the names of their columns; a line cut short may lack those at its end."""
    return {name: row[i].strip() for name, i in header.items() if i < len(row)}


def _read_project(draft: Draft, cells: Mapping[str, str], line: int) -> None:
    name = cells.get("project_id", "")
    if not is_option_name(name) or len(name) > MAX_NAME or "," in name:
        raise BallotFileError("option", line, name, f"1–{MAX_NAME}")
    if name in draft.numbers:
        raise BallotFileError("repeated", line, name, 1)
    if len(draft.numbers) == MAX_PROJECTS:
        raise BallotFileError("no_options", line, MAX_PROJECTS + 1, f"1–{MAX_PROJECTS}")
    draft.numbers[name] = len(draft.numbers)
    draft.costs.append(_parse_money(cells.get("cost", ""), line))
    if title := " ".join(cells.get("name", "").split()):
        draft.labels[name] = title


def _read_vote(draft: Draft, limits: Limits, header: Mapping[str, int], fields: list[str], line: int) -> None:
    vote, beside = header["vote"], header.get("points", len(fields))
    if vote >= len(fields):
        raise BallotFileError("line", line, ";".join(fields), "1;24,41")
    written = (fields[vote].strip(), fields[beside].strip() if beside < len(fields) else "")
    row = draft.seen.get(written)
    if row is None:
        numbers, points = _parse_vote(draft, limits, *written, line)
        if numbers and (not limits.keeps(numbers, points) or points[-1] < 0):
            draft.invalid += 1
            return
        pairs = sorted((i, point) for i, point in zip(numbers, points, strict=True) if point)
        row = array("I", [part for pair in pairs for part in pair]).tobytes()
        if len(draft.seen) < MAX_SEEN:
            draft.seen[written] = row
    draft.rows[row] = draft.rows.get(row, 0) + 1
    if len(draft.rows) * len(draft.numbers) > MAX_CELLS:
        raise BallotFileError("too_large", line, len(draft.rows) * len(draft.numbers), MAX_CELLS)


def _parse_vote(draft: Draft, limits: Limits, vote: str, given: str, line: int) -> tuple[list[int], list[int]]:
    """Take a vote apart: the numbers of its projects, and the points of each."""
    numbers = []
    for name in _split(vote, draft.numbers):
        if name not in draft.numbers:
            raise BallotFileError("unknown_option", line, name, ", ".join([*draft.numbers][:20]))
        numbers.append(draft.numbers[name])
    if len(set(numbers)) < len(numbers):
        twice = sorted(numbers)
        again = next(i for i, following in pairwise(twice) if i == following)
        raise BallotFileError("repeated", line, [*draft.numbers][again], 1)
    if limits.kind in POINTS:
        points = [_parse_points(point, line) for point in _split(given, {})]
        if len(points) != len(numbers):
            raise BallotFileError("line", line, given, "1;24,41;7,3")
    elif limits.kind == "ordinal":
        points = [limits.top - i for i in range(len(numbers))]
    else:
        points = [1] * len(numbers)
    return numbers, points


def _split(text: str, known: Mapping[str, int]) -> list[str]:
    if not text or (text.lower() == "none" and text not in known):
        return []
    return [part.strip() for part in text.rstrip(",").split(",")]


def _parse_points(text: str, line: int) -> int:
    found = WHOLE.fullmatch(text)
    if not found or int(found[1]) > MAX_GRADE:
        raise BallotFileError("line", line, text, f"0–{MAX_GRADE}")
    return int(found[1])


def _parse_money(text: str, line: int) -> Fraction:
    """Read an amount of money, with a point or a comma before its decimals. Raises BallotFileError "file.line"."""
    if not MONEY.fullmatch(text) or not text.isascii():
        raise BallotFileError("line", line, text, "1000, 12.50")
    return Fraction(text.replace(",", "."))


def _plain(number: Fraction) -> int | Fraction:
    return number.numerator if number.denominator == 1 else number


def _say(draft: Draft, key: str, default: str) -> str:
    said = draft.meta.get(key, "")
    return default if said.lower() in {"", "none"} else said


def _limits(meta: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in LIMITS:
        for key in (f"min_{name}", f"max_{name}"):
            if meta.get(key, "").lower() not in {"", "none"}:
                yield key, meta[key]


def _close(draft: Draft, limits: Limits) -> Contest:
    if not draft.numbers:
        raise BallotFileError("no_options", 0, 0, f"1–{MAX_PROJECTS}")
    if "budget" not in draft.meta:
        raise BallotFileError("line", 0, "META", "budget;1000000")
    told = draft.meta.get("invalid_votes", "0")
    invalid = draft.invalid + _parse_points(told, draft.lines.get("invalid_votes", 0))
    blank = draft.rows.pop(b"", 0)
    if not draft.rows and not blank and not invalid:
        raise BallotFileError("no_ballots", 0, 0, 1)
    options = tuple(draft.numbers)
    pairs = np.frombuffer(b"".join(draft.rows), dtype=PAIR)
    lengths = np.fromiter((len(row) // PAIR.itemsize for row in draft.rows), dtype=np.int64, count=len(draft.rows))
    weights = np.fromiter(draft.rows.values(), dtype=np.int64, count=len(draft.rows))
    top = {"ordinal": limits.top, **dict.fromkeys(APPROVALS, 1)}.get(limits.kind, limits.highest)
    top = max(top, int(pairs["grade"].max(initial=1)))
    grades = np.zeros((len(draft.rows), len(options)), dtype=np.uint8 if top <= UNRANKED else np.uint32, order="F")
    grades[np.repeat(np.arange(len(lengths)), lengths), pairs["option"]] = pairs["grade"]
    rankings = None
    if limits.kind == "ordinal" and len(options) <= MAX_OPTIONS:
        ranks = np.where(grades > 0, top + 1 - grades.astype(np.int64), UNRANKED).astype(np.uint8)
        rankings = Profile(options, ranks, weights, blank, invalid)
    return Contest(
        rankings=rankings,
        grades=Grades(options, grades, weights, top, blank, invalid),
        money=Money(_parse_money(draft.meta["budget"], draft.lines["budget"]), tuple(draft.costs)),
        labels=draft.labels,
    )


def write(contest: Contest) -> str:
    """Write a budget in the one form that each machine writes alike: the projects in their order, a line for each
    ballot, the lines by their text and numbered so that nothing tells who voted when; UTF-8 (to be encoded), LF.

    contest: with grades and money; costs with at most 9 decimals; invalid ballots become a number in META.
    Returns: text that `read` turns into equal ballots, money and labels.
    Raises:  ValueError without grades and money, or for money that decimals cannot write.
    """
    grades, money = contest.grades, contest.money
    if grades is None or money is None:
        raise ValueError("a budget needs grades and money")
    is_ordinal = contest.rankings is not None
    kind = "ordinal" if is_ordinal else "approval" if grades.top == 1 else "scoring"
    out = io.StringIO()
    sheet = csv.writer(out, delimiter=";", lineterminator="\n")
    meta: dict[str, int | str] = {"num_projects": len(grades.options), "num_votes": grades.counted + grades.blank}
    meta |= {"budget": _write_money(money.budget), "vote_type": kind}
    meta |= {"max_length": grades.top} if is_ordinal else {"max_points": grades.top} if kind == "scoring" else {}
    meta |= {"invalid_votes": grades.invalid} if grades.invalid else {}
    sheet.writerows([["META"], ["key", "value"], *meta.items()])
    sheet.writerows([["PROJECTS"], ["project_id", "cost", "name"]])
    for name, cost in zip(grades.options, money.costs, strict=True):
        sheet.writerow([name, _write_money(cost), contest.labels.get(name, "")])
    votes = {("", ""): grades.blank}
    for row, weight in zip(grades.grades.tolist(), grades.weights.tolist(), strict=True):
        marked = sorted((-grade, i) if is_ordinal else (i, -grade) for i, grade in enumerate(row) if grade)
        numbers = [pair[is_ordinal] for pair in marked]
        vote = ",".join(grades.options[i] for i in numbers)
        points = ",".join(str(row[i]) for i in numbers) if kind == "scoring" else ""
        votes[vote, points] = votes.get((vote, points), 0) + weight
    columns = ["voter_id", "vote", *(["points"] if kind == "scoring" else [])]
    sheet.writerows([["VOTES"], columns])
    voter = 0
    for fields, weight in sorted(votes.items()):
        for _ in range(weight):
            voter += 1
            sheet.writerow([voter, *fields[: len(columns) - 1]])
    return out.getvalue()


def _write_money(amount: Fraction) -> str:
    scaled = amount * 10**9
    if scaled.denominator != 1:
        raise ValueError(f"{amount} cannot be written with decimals")
    whole, rest = divmod(int(scaled), 10**9)
    return f"{whole}.{rest:09}".rstrip("0") if rest else str(whole)
