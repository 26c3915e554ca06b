"""Plurality: every ballot is one vote for its first choice, and the most votes come first."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import AS_IS, Contest, Grades, Marks, Variants, exact
from ballots.counting.types import Counts, Outcome, Profile, Ranks
from commons.errors import Invalid


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Give each ballot to the option that it ranks, or grades, above all others, and order the options by votes.

    A ballot with several options at its first place is overvoted: it counts for nobody, and stays among those counted.

    variants: threshold, from 0 to below 1: `elected` is the first place where it has more than this share of the
              counted ballots, else nobody.
    Returns:  certificate with `votes` (option -> ballots) and `overvoted` (ballots); with a threshold also `needed`,
              the fewest votes that are more than it.
    Raises:   Invalid "count.choice" for another threshold.
    Cost:     a few passes over the ballots; 0.05 s for 1,000,000 x 30.
    """
    ballots = contest.ballots
    votes, overvoted = _first_choices(ballots)
    names = ballots.options
    order = [
        [names[i] for i in np.flatnonzero(votes == number)] for number in sorted(set(votes.tolist()), reverse=True)
    ]
    threshold = variants.threshold
    needed = None if threshold is None else _more_than(threshold, ballots.counted)
    return Outcome(
        rule="plurality",
        options=names,
        ballots=ballots.ballots,
        blank=ballots.blank,
        invalid=ballots.invalid,
        counted=ballots.counted,
        order=order,
        elected=None if needed is None else order[0] if votes.max() >= needed else [],
        certificate={
            "variants": {"threshold": None if threshold is None else exact(threshold)},
            "votes": dict(zip(names, votes.tolist(), strict=True)),
            "overvoted": overvoted,
        }
        | ({} if needed is None else {"needed": needed}),
    )


def _more_than(share: Fraction, counted: int) -> int:
    """Return the smallest whole number above a share of the counted ballots."""
    if not 0 <= share < 1:
        raise Invalid("count.choice", name="threshold", found=str(share), known="0, 1/2, 2/3")
    return share.numerator * counted // share.denominator + 1


def _first_choices(ballots: Profile | Grades) -> tuple[Counts, int]:
    """Count the ballots that put each option first, alone; and the ballots that put several there."""
    marks: Ranks | Marks
    if isinstance(ballots, Profile):
        marks, best = ballots.ranks, np.ones(len(ballots.weights), dtype=np.uint8)
    else:
        marks = ballots.grades
        # A ballot on which every mark is a nought has no first choice, not as many as there are options.
        best = np.maximum(marks.max(axis=1, initial=0), 1)
    shared = _sharing(marks, best)
    alone = np.where(shared == 1, ballots.weights, 0)
    votes = np.array([alone[marks[:, i] == best].sum() for i in range(len(ballots.options))], dtype=np.int64)
    return votes, int(ballots.weights[shared > 1].sum())


def _sharing(marks: Ranks | Marks, best: Marks) -> NDArray[np.uint16]:
    """Count for each ballot the options that carry its best mark."""
    shared = np.zeros(len(best), dtype=np.uint16)
    for i in range(marks.shape[1]):
        shared += marks[:, i] == best
    return shared
