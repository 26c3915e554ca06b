"""Slips: every ballot as a row of the options it names, for rules that pass it on from each of them to the next."""

from dataclasses import dataclass

import numpy as np

from ballots.counting.types import UNRANKED, Counts, Profile, Ranks

OVERVOTED = 253
"""Stands where a ballot names several options at one rank, or where its file says that it does and not which."""

CUT = 254
"""Stands where a ballot ends because too many of its ranks in a row are empty, though more was written below."""

DONE = 255
"""Stands where nothing more was written."""

BLOCK = 1 << 16
"""Ballots laid out at once: small enough for the processor's own memory."""


@dataclass(frozen=True, eq=False)
class Slips:
    """A pile of ballots as a clerk holds them, equal ones laid together.

    A `Profile` cannot say that a rank was overvoted when nobody knows by whom, nor hold a ballot that marks something
    and ranks nothing; both end a ballot in a count by rounds, and are told there.

    options:    names in the order of their file; unique.
    marks:      (n, k) uint8, column-major; the number of the option at the first rank used, the second, …; OVERVOTED
                in its place; each row ends in CUT or DONE, and DONE fills it up. No option twice in a row.
    weights:    (n,) int64, > 0; how many ballots look like this row.
    blank:      ballots on which nothing is marked. invalid: ballots that could not be counted, kept and shown.
    undeclared: options that stand for nobody who can be elected ("Undeclared Write-ins"); part of `options`.
    """

    options: tuple[str, ...]
    marks: Ranks
    weights: Counts
    blank: int = 0
    invalid: int = 0
    undeclared: tuple[str, ...] = ()

    @property
    def counted(self) -> int:
        """Ballots on which something is marked."""
        return int(self.weights.sum())


def lay_out(profile: Profile) -> Slips:
    """Write rankings as rows of options; several in one place are OVERVOTED.

    Cost: one pass over the ranks; as much memory as the longest ballot has places, a byte each.
    """
    n, m = profile.ranks.shape
    width = 1 + max((_deepest(profile.ranks[:, option]) for option in range(m)), default=0)
    marks = np.empty((n, width), dtype=np.uint8, order="F")
    for start in range(0, n, BLOCK):
        marks[start : start + BLOCK] = _lay_out_block(profile.ranks[start : start + BLOCK], width)
    return Slips(profile.options, marks, profile.weights, profile.blank, profile.invalid)


def _lay_out_block(ranks: Ranks, width: int) -> Ranks:
    marks = np.full((len(ranks), width), DONE, dtype=np.uint8)
    flat = marks.reshape(-1)
    for option in range(ranks.shape[1]):
        rows = np.flatnonzero(ranks[:, option] != UNRANKED)
        flat[rows * width + ranks[rows, option] - 1] = option
    # Places have no gaps: a ballot that ranks more options than it has places holds several in one of them.
    tied = np.flatnonzero((ranks != UNRANKED).sum(axis=1) > (marks != DONE).sum(axis=1))
    for option in range(ranks.shape[1]):
        rows = tied[ranks[tied, option] != UNRANKED]
        at = rows * width + ranks[rows, option] - 1
        flat[at] = np.where(flat[at] == option, flat[at], OVERVOTED)
    return marks


def _deepest(ranks: Ranks) -> int:
    return int(ranks[ranks != UNRANKED].max(initial=0))
