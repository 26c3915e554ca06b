"""Majority judgment: everybody grades; what at least half the people find at least so good comes first."""

from functools import cmp_to_key
from itertools import groupby
from itertools import pairwise as neighbours
from typing import NamedTuple

import numpy as np

from ballots.counting.contest import AS_IS, Contest, Variants, graded
from ballots.counting.grading import spread
from ballots.counting.types import Counts, Outcome


class MeritProfile(NamedTuple):
    """The grades of one option: those that were given, lowest first, and how many ballots gave at least each.

    Example: 2 ballots with grade 5, 3 with grade 1 -> grades [1, 5], at_least [5, 2].
    """

    grades: Counts
    at_least: Counts

    @classmethod
    def of(cls, ballots: dict[int, int]) -> "MeritProfile":
        """Make it from grade -> ballots."""
        grades = np.array(sorted(ballots), dtype=np.int64)
        counts = np.array([ballots[grade] for grade in grades.tolist()], dtype=np.int64)
        return cls(grades, counts[::-1].cumsum()[::-1])

    def rise(self, levels: Counts) -> Counts:
        """Count the ballots that gave at least each of these levels."""
        place = np.searchsorted(self.grades, levels)
        return np.append(self.at_least, 0)[place]

    def grade_at(self, position: int) -> int:
        """Find the grade at a position, counted from 1 for the best of all ballots."""
        return int(self.grades[np.flatnonzero(self.at_least >= position)[-1]])


class Difference(NamedTuple):
    """Where two options first differ: majority grades taken away from both until then, and the grade each has left."""

    removed: int
    grades: tuple[int, int]


def compare(a: MeritProfile, b: MeritProfile, voters: int) -> Difference | None:
    """Compare two options as if majority grades were taken away one by one from both, until these differ.

    With equally many grades the order in which positions are taken is the same for all: the lower middle one, then by
    turns the next on either side. So it is enough to find the nearest position on each side where they differ.

    voters:  ballots that graded; the same for both, at least 1.
    Returns: None when the two have the same grades altogether.
    Cost:    number of grades * its logarithm.
    Source:  Balinski and Laraki, Majority Judgment (2011), chapter 1, majority value; the majority gauge agrees with it
             wherever it decides.
    """
    levels = np.union1d(a.grades, b.grades)
    rise_a, rise_b = a.rise(levels), b.rise(levels)
    # One has at least this grade and the other has not, from the first to the last of these positions.
    first, last = np.minimum(rise_a, rise_b) + 1, np.maximum(rise_a, rise_b)
    middle = voters // 2 + 1
    is_odd = voters % 2
    below, above = (last >= middle) & (first <= last), (first < middle) & (first <= last)
    found = []
    if below.any():
        position = int(np.maximum(first[below], middle).min())
        away = position - middle
        found.append((max(0, 2 * away - is_odd), position))
    if above.any():
        position = int(np.minimum(last[above], middle - 1).max())
        found.append((2 * (middle - position) - 1 + is_odd, position))
    if not found:
        return None
    removed, position = min(found)
    return Difference(removed, (a.grade_at(position), b.grade_at(position)))


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by their majority grades, equal ones by what remains when these are taken away one by one.

    The majority grade is the middle one, of an even number the lower of the two in the middle. An option left out has
    the lowest grade, 0: the method needs as many grades for each. Equal are only options whose grades are all the same.

    Returns: no rounds; certificate with `top`, `grades` (option -> [grade, ballots], the highest first), `majority`
             (option -> its majority grade, and the ballots above and below it: the majority gauge) and `neighbours`:
             after so many majority grades were taken away from both, these are their majority grades.
    Raises:  Invalid "count.needs_grades"; "count.grades" for points finer than grades can be.
    """
    ballots = graded(contest)
    names, voters = ballots.options, ballots.counted
    spreads = spread(ballots)
    profiles = [MeritProfile.of(each) for each in spreads]

    def order(a: int, b: int) -> int:
        difference = compare(profiles[a], profiles[b], voters) if voters else None
        return 0 if difference is None else difference.grades[1] - difference.grades[0]

    ranked = sorted(range(len(names)), key=cmp_to_key(order))
    places = [list(place) for _, place in groupby(ranked, key=lambda i: tuple(spreads[i].items()))]
    told = []
    for a, b in neighbours(ranked):
        found = compare(profiles[a], profiles[b], voters) if voters else None
        told.append(
            {
                "above": names[a],
                "below": names[b],
                "tied": found is None,
                "removed": None if found is None else found.removed,
                "grades": None if found is None else list(found.grades),
            }
        )
    return Outcome(
        rule="majority-judgment",
        options=names,
        ballots=ballots.ballots,
        blank=ballots.blank,
        invalid=ballots.invalid,
        counted=voters,
        order=[[names[i] for i in place] for place in places],
        certificate={
            "variants": {},
            "top": ballots.top,
            "grades": {name: list(map(list, each.items())) for name, each in zip(names, spreads, strict=True)},
            "majority": {name: _gauge(each, voters) for name, each in zip(names, spreads, strict=True)},
            "neighbours": told,
        },
    )


def _gauge(ballots: dict[int, int], voters: int) -> dict[str, int] | None:
    """Find the majority grade with the ballots above and below it; None where nobody graded."""
    above = 0
    for grade, here in ballots.items():
        if above + here > voters // 2:
            return {"grade": grade, "above": above, "below": voters - above - here}
        above += here
    return None
