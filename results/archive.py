"""The files of a published result, archive v0: everything that a stranger needs to count again, and to see any change.

    card.json     what was asked, by which rule it is counted, who published the ballots
    ballots.abif  every ballot, equal ones together
    pairwise.csv  for every two options, how many ballots put one before the other; where the rule compares
    grades.csv    for every option, how many ballots gave it each grade; where ballots are grades up to MOST_GRADES
    places.csv    the order, with figures of each option: see `results/standings.py`
    result.json   the whole count with its certificate
    lines.json    a short hash of every line, so that a changed byte can be named by file and line
    SHA256SUMS    a hash of every file above; its own hash stands in the public ledger

`ledger.json`, the proof of that ledger line, joins them later. The formats are described in docs/record.md. Pure.
These are the files of a vote that was brought in; those of a sealed vote are in `results/vote_archive.py`.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ballots.counting.contest import Contest, Grades, Variants
from ballots.counting.grading import spread
from ballots.counting.registry import count
from ballots.counting.types import Outcome, Profile
from ballots.formats import abif
from commons.canonical import readable
from polls.rulecard import GRADING, RuleCard
from results.standings import columns_of, find_standings

CARD, BALLOTS, RESULT = "card.json", "ballots.abif", "result.json"
PAIRWISE, PLACES, GRADES = "pairwise.csv", "places.csv", "grades.csv"
LINES, SUMS, LEDGER = "lines.json", "SHA256SUMS", "ledger.json"
COMPARING = ("schulze", "ranked-pairs", "borda", "star")
"""The rules whose archives have a table of comparisons."""

COUNTED = (PAIRWISE, PLACES, RESULT)
"""The files that follow from the card and the ballots of a vote counted by comparisons."""

SUMMED = tuple(sorted((CARD, BALLOTS, *COUNTED, LINES)))
"""The files that SHA256SUMS lists then, in its order."""

MOST_GRADES = 10
"""The highest grade up to which an archive says how often each was given: more of them no table shows."""

LINE_HASH_DIGITS = 8
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def build(card: RuleCard, pile: Profile | Grades) -> dict[str, bytes]:
    """Count the ballots by the card's rule and write every file of the archive.

    pile:    grades for the rules in `GRADING`, rankings for all others.
    Returns: name -> bytes; the same on every machine.
    Raises:  ValueError where card and ballots do not belong together; Invalid from the counting.
    Cost:    the count, plus one line of text for every different ballot.
    """
    return complete({CARD: card.bytes(), BALLOTS: abif.write(pile).encode()} | count_files(card, pile))


def complete(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Add the hash of every line, and the hash of every file, to the files of an archive."""
    hashed = {**files, LINES: readable(line_hashes(files))}
    return {**hashed, SUMS: write_sums({name: sha256(data) for name, data in hashed.items()})}


def count_files(card: RuleCard, pile: Profile | Grades) -> dict[str, bytes]:
    """Write the files that follow from a card and its ballots: places.csv, result.json, and the tables of the rule.

    Raises:  as `build`.
    """
    contest = contest_of(card, pile)
    outcome = count(card.rule, contest, Variants(**card.terms))
    files = {} if outcome.pairwise is None else {PAIRWISE: write_pairwise(outcome)}
    if grades := grades_of(contest):
        files[GRADES] = _write_grades(grades)
    places = find_standings(card.rule, contest, outcome.order, outcome.certificate or {})
    rows: list[list[str | int]] = [["place", "option", *columns_of(card.rule)]]
    rows += ([each.place, each.option, *each.figures.values()] for each in places)
    return files | {PLACES: write_csv(rows), RESULT: readable(told(outcome))}


def contest_of(card: RuleCard, pile: Profile | Grades) -> Contest:
    """Put the ballots before the rule. Raises ValueError where card and ballots do not belong together."""
    if card.options != pile.options or isinstance(pile, Grades) != (card.rule in GRADING):
        raise ValueError("the card is not about these ballots")
    if isinstance(pile, Grades):
        return Contest(grades=pile)
    if card.implicit != pile.implicit:
        raise ValueError("the card is not about these ballots")
    return Contest(pile)


def grades_of(contest: Contest) -> dict[str, list[int]]:
    """Count how often each option was given each grade, the lowest first; left out is 0.

    Returns: nothing where ballots are no grades, marks of approval (places.csv tells them), or finer than MOST_GRADES.
    """
    pile = contest.grades
    if pile is None or not 1 < pile.top <= MOST_GRADES:
        return {}
    counts = zip(pile.options, spread(pile), strict=True)
    return {name: [given.get(grade, 0) for grade in range(pile.top + 1)] for name, given in counts}


def told(outcome: Outcome) -> dict[str, Any]:
    """Tell a count as `result.json` does: where a rule has no rounds, archives say so by an empty list."""
    return outcome.as_json() | {"rounds": outcome.rounds or []}


def lines_of(data: bytes) -> list[bytes]:
    """Part bytes into lines; each keeps its line feed, the last may have none."""
    return _LINE.findall(data)


def line_hashes(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Hash each line of each file: the first 8 hex digits of SHA-256 over the line with its line feed."""
    return {name: [sha256(line)[:LINE_HASH_DIGITS] for line in lines_of(data)] for name, data in files.items()}


def write_sums(sums: Mapping[str, str]) -> bytes:
    """Write SHA256SUMS as the program sha256sum reads it: hash, two blanks, name; sorted by name."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()


def sha256(data: bytes) -> str:
    """Hash bytes; 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def write_pairwise(outcome: Outcome) -> bytes:
    """Write the file `pairwise.csv`: one row and one column for each option, empty where it meets itself."""
    return write_csv([["option", *outcome.options], *_pairwise_rows(outcome)])


def _write_grades(grades: Mapping[str, Sequence[int]]) -> bytes:
    """Write the file `grades.csv`: a row an option, a column a grade, the lowest first."""
    rows: list[list[str | int]] = [["option", *range(len(next(iter(grades.values()))))]]
    rows += ([name, *row] for name, row in grades.items())
    return write_csv(rows)


def write_csv(rows: Iterable[Sequence[str | int]]) -> bytes:
    """Write RFC 4180 in UTF-8; a text that a spreadsheet would run as a formula gets a quote before it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _pairwise_rows(outcome: Outcome) -> Iterator[list[str | int]]:
    table = outcome.pairwise or {}
    for a in table:
        yield [a, *("" if a == b else table[a][b] for b in outcome.options)]


def _harmless(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_SIGNS) else cell
