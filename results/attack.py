"""The attack on a release before it goes out: do the figures force a ballot that only few people cast? Pure.

A ballot is forced when every list of ballots that fits all released figures holds it. So we look for a list that fits
and does without: one linear program that makes the ballots of all small groups as few as it can. If it can do without
all of them, nothing is forced. Else each small group is tried alone. No answer counts as forced.

Ballots may be shared out in fractions here, and where there are too many kinds of ballots to try them all, some of them
stand for all. "Not forced" is not "not guessable", and never more is claimed.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from ballots.answers import LEFT_OUT, check
from commons.errors import Invalid
from polls.kinds import Kind, Paper
from results.figures import Answers, Form, adds

FEWEST_HOLDERS = 10
MOST_PATTERNS = 60_000
MOST_CELLS = 8_000_000
LONGEST_SECONDS = 300.0
NOTHING = 1e-6


def forces(
    forms: Sequence[Form], paper: Paper, opened: Mapping[bytes, int], *, blank_told: bool, untold: Sequence[int] = ()
) -> bool:
    """Tell whether publishing these figures of these ballots would force a ballot that fewer than 10 people cast.

    forms:      of the figures that go out together.
    opened:     answer -> how many ballots say it; without the blank ones where their number is told.
    blank_told: whether the number of blank ballots is published as well.
    untold:     places of figures that do not go out.
    Cost:       up to some minutes for large ballots; it runs in a worker.
    """
    small = {answer for answer, number in opened.items() if number < FEWEST_HOLDERS}
    if not small:
        return False
    patterns = sorted({*_universe(paper, opened, blank_told=blank_told), *opened})
    answers = np.frombuffer(b"".join(patterns), dtype=np.uint8).reshape(len(patterns), len(paper.options))
    weights = np.fromiter((opened.get(each, 0) for each in patterns), dtype=np.float64, count=len(patterns))
    is_small = np.fromiter((each in small for each in patterns), dtype=bool, count=len(patterns))
    parts = _Program(forms, paper, answers, weights, untold)
    if parts.least(is_small):
        return False
    return not all(parts.least(np.arange(len(patterns)) == place) for place in np.flatnonzero(is_small))


class _Program:
    """The lists of ballots that fit the figures, as a linear program: one unknown number for each pattern."""

    def __init__(
        self,
        forms: Sequence[Form],
        paper: Paper,
        answers: Answers,
        weights: NDArray[np.float64],
        untold: Sequence[int],
    ) -> None:
        figures = np.vstack([adds(form, paper.kind, answers).T for form in forms]).astype(np.float64)
        self.rows = vstack(
            [csr_array(np.delete(figures, untold, axis=0)), csr_array(np.ones((1, len(weights))))], format="csr"
        )
        self.sums = self.rows @ weights

    def least(self, chosen: NDArray[np.bool_]) -> bool:
        """Tell whether some list that fits holds none of the chosen patterns."""
        done = linprog(
            chosen.astype(np.float64),
            A_eq=self.rows,
            b_eq=self.sums,
            method="highs",
            options={"time_limit": LONGEST_SECONDS},
        )
        return bool(done.status == 0 and done.fun < NOTHING)


def _universe(paper: Paper, opened: Iterable[bytes], *, blank_told: bool) -> Iterator[bytes]:
    """Yield ballots that people could have cast: all of them where there are not too many."""
    most = min(MOST_PATTERNS, MOST_CELLS // max(1, len(paper.options)) ** 2)
    found = list(islice(_all(paper), most + 1))
    if len(found) > most:
        found = _some(paper, sorted(opened), most)
    blank = bytes(len(paper.options))
    yield from (each for each in found if each != blank or not blank_told)


def _all(paper: Paper) -> Iterator[bytes]:
    m = len(paper.options)
    if paper.kind is Kind.RANKING and not paper.equal:
        for length in range(min(m, paper.highest) + 1):
            for ranked in permutations(range(m), length):
                row = bytearray(m)
                for place, option in enumerate(ranked, start=1):
                    row[option] = place
                yield bytes(row)
        return
    if paper.kind is Kind.SINGLE:
        yield bytes(m)
        yield from (bytes(int(i == chosen) for i in range(m)) for chosen in range(m))
        return
    yield from filter(lambda row: _can_be(row, paper), map(bytes, product(range(paper.highest + 1), repeat=m)))


def _some(paper: Paper, opened: Sequence[bytes], most: int) -> list[bytes]:
    """Make ballots like those that were cast: two numbers exchanged, or one of them another, again and again."""
    chance = random.Random(1)  # noqa: S311 - which ballots stand for all is no secret
    found = [row for row in opened if _can_be(row, paper)]
    known = set(found)
    for _ in range(4 * most if found else 0):
        if len(found) >= most:
            break
        row = chance.choice(found)
        i, j = chance.randrange(len(row)), chance.randrange(len(row))
        new = _exchanged(row, i, j) if chance.random() < 0.5 else _replaced(row, i, chance.randint(0, paper.highest))
        new = _tidied(new, paper)
        if new not in known and _can_be(new, paper):
            known.add(new)
            found.append(new)
    return found


def _replaced(row: bytes, i: int, number: int) -> bytes:
    return row[:i] + bytes([number]) + row[i + 1 :]


def _exchanged(row: bytes, i: int, j: int) -> bytes:
    new = bytearray(row)
    new[i], new[j] = row[j], row[i]
    return bytes(new)


def _tidied(row: bytes, paper: Paper) -> bytes:
    """Make a mixed ranking one that can be: each place once, no gap."""
    if paper.kind is not Kind.RANKING:
        return row
    ranked = sorted((number, i) for i, number in enumerate(row) if number != LEFT_OUT)
    places = {number: place for place, number in enumerate(sorted({number for number, _ in ranked}), start=1)}
    new = bytearray(len(row))
    for place, (number, i) in enumerate(ranked[: paper.highest], start=1):
        new[i] = places[number] if paper.equal else place
    return bytes(new)


def _can_be(row: bytes, paper: Paper) -> bool:
    try:
        check(tuple(row), paper)
    except Invalid:
        return False
    return True
