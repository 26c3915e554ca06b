"""The files of a published result, archive v0: everything that a stranger needs to count again, and to see any change.

    card.json     what was asked, by which rule it is counted, who published the ballots
    ballots.abif  every ballot, equal ones together
    pairwise.csv  for every two options, how many ballots put one before the other
    places.csv    the order, with how many voters had each option first and among their first three
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
from typing import Any, NamedTuple

import numpy as np

from ballots.counting.contest import Contest
from ballots.counting.registry import count
from ballots.counting.types import UNRANKED, Outcome, Profile
from ballots.formats import abif
from commons.canonical import readable
from polls.rulecard import RuleCard

CARD, BALLOTS, RESULT = "card.json", "ballots.abif", "result.json"
PAIRWISE, PLACES = "pairwise.csv", "places.csv"
LINES, SUMS, LEDGER = "lines.json", "SHA256SUMS", "ledger.json"
COUNTED = (PAIRWISE, PLACES, RESULT)
"""The files that follow from the card and the ballots."""

SUMMED = tuple(sorted((CARD, BALLOTS, *COUNTED, LINES)))
"""The files that SHA256SUMS lists, in its order."""

FIRST_PLACES = 3
LINE_HASH_DIGITS = 8
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Place(NamedTuple):
    """One option in the order: place 1 is best, tied options share one; three numbers of voters.

    first:       ballots with nothing above it. first_three: ballots with fewer than three options above it.
    ranked:      ballots that rank it at all. A ballot that leaves it out is in none of them.
    """

    place: int
    option: str
    first: int
    first_three: int
    ranked: int


def build(card: RuleCard, profile: Profile) -> dict[str, bytes]:
    """Count the ballots by the card's rule and write every file of the archive.

    Returns: name -> bytes; the same on every machine.
    Raises:  ValueError where card and ballots do not belong together; Invalid from the counting.
    Cost:    the count, plus one line of text for every different ballot.
    """
    return complete({CARD: card.bytes(), BALLOTS: abif.write(profile).encode()} | count_files(card, profile))


def complete(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Add the hash of every line, and the hash of every file, to the files of an archive."""
    hashed = {**files, LINES: readable(line_hashes(files))}
    return {**hashed, SUMS: write_sums({name: sha256(data) for name, data in hashed.items()})}


def count_files(card: RuleCard, profile: Profile) -> dict[str, bytes]:
    """Write the files that follow from a card and its ballots: pairwise.csv, places.csv and result.json.

    Raises:  as `build`.
    """
    if (card.options, card.implicit) != (profile.options, profile.implicit):
        raise ValueError("the card is not about these ballots")
    outcome = count(card.rule, Contest(profile))
    return {
        PAIRWISE: write_pairwise(outcome),
        PLACES: write_csv([Place._fields, *find_places(profile, outcome.order)]),
        RESULT: readable(told(outcome)),
    }


def told(outcome: Outcome) -> dict[str, Any]:
    """Tell a count as `result.json` does: where a rule has no rounds, archives say so by an empty list."""
    return outcome.as_json() | {"rounds": outcome.rounds or []}


def find_places(profile: Profile, order: Sequence[Sequence[str]]) -> list[Place]:
    """List the options in their order with the numbers of voters behind each.

    Cost: O(n m); about 0.1 s for 1,000,000 x 30.
    """
    ranks, weights = profile.ranks, profile.weights
    firsts = np.zeros(len(weights), dtype=np.uint8)
    seconds = np.zeros(len(weights), dtype=np.uint8)
    for column in ranks.T:
        firsts += column == 1
        seconds += column == 2
    number = {name: i for i, name in enumerate(profile.options)}
    places, above = [], 0
    for tied in order:
        for name in tied:
            column = ranks[:, number[name]]
            # Ranks have no gaps: whoever stands fourth or lower has three above.
            is_among_three = (
                (column == 1)
                | (column == 2) & (firsts < FIRST_PLACES)
                | (column == 3) & (firsts == 1) & (seconds == 1)
            )  # fmt: skip
            first, first_three = int(weights[column == 1].sum()), int(weights[is_among_three].sum())
            places.append(Place(above + 1, name, first, first_three, int(weights[column != UNRANKED].sum())))
        above += len(tied)
    return places


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
