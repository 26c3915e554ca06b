"""Ballot papers in parcels: who holds each paper, and what it is worth. What a transferable vote moves about."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ballots.counting.types import UNRANKED, Counts, Ranks

NOBODY = -1
"""The holder of papers that name nobody who is left."""

BLOCK = 1 << 16
"""Papers looked at together: their columns stay in the processor's own memory."""

Holders = NDArray[np.int16]
Parcels = dict[int, dict[int, int]]
"""Holder -> value of a paper -> how many papers."""


def strike_overvotes(ranks: Ranks, *, skip: bool) -> Ranks:
    """Take ranks that hold several options out of the ballots.

    skip:    False = such a rank ends the ballot; True = it is passed over alone.
    Returns: the same array where no ballot has such a rank, else a copy; ranks may then have gaps.
    Cost:    one pass over ranks, and a pass for each place over the ballots concerned.
    """
    ranked = np.zeros(len(ranks), dtype=np.uint8)
    deepest = np.zeros(len(ranks), dtype=np.uint8)
    for column in ranks.T:
        ranked += column != UNRANKED
        np.maximum(deepest, np.where(column == UNRANKED, 0, column), out=deepest)
    rows = np.flatnonzero(ranked != deepest)  # places have no gaps: fewer places than options are shared ones
    if not len(rows):
        return ranks
    struck = ranks.copy(order="F")
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        ballots = ranks[some]
        for place in range(1, ranks.shape[1]):
            shared = (ballots == place).sum(axis=1, keepdims=True) > 1
            gone = shared & ((ballots == place) if skip else (ballots >= place))
            ballots[gone] = UNRANKED
        struck[some] = ballots
    return struck


class Papers:
    """Every paper with its holder and its value, as a whole number of the smallest unit.

    A value is known by its number in `values`: there are few different ones, however many papers, and Python's own
    integers cannot overflow.
    """

    def __init__(self, ranks: Ranks, weights: Counts, unit: int) -> None:
        """Take papers into hand; nobody holds any yet. unit: the value of a whole vote."""
        self._ranks = ranks
        self._weights = weights
        self._holders = np.full(len(weights), NOBODY, dtype=np.int16)
        self._worth = np.zeros(len(weights), dtype=np.int32)
        self._values = [unit]
        self._numbers = {unit: 0}

    def deal(self, to: Iterable[int]) -> Parcels:
        """Give every paper to the first of its preferences among these options. Returns the parcels."""
        return self._give(np.arange(len(self._weights)), list(to))

    def transfer(self, givers: Iterable[int], to: Iterable[int], change: Callable[[int], int]) -> Parcels:
        """Pass the papers of these holders on to the next preference among others, at a changed value.

        Returns: the parcels, with those that nobody takes (NOBODY), at their new values.
        Cost:    for p papers and k options left p * k; a glance at all papers.
        """
        rows = np.flatnonzero(np.isin(self._holders, np.array(list(givers), dtype=np.int16)))
        known, place = np.unique(self._worth[rows], return_inverse=True)
        changed = [self._number(change(self._values[number])) for number in known.tolist()]
        self._worth[rows] = np.array(changed, dtype=np.int32)[place]
        return self._give(rows, list(to))

    def values(self, holder: int) -> list[int]:
        """Return the different values of the papers that this option holds, the largest first."""
        numbers = np.unique(self._worth[self._holders == holder]).tolist()
        return sorted((self._values[number] for number in numbers), reverse=True)

    def _number(self, value: int) -> int:
        number = self._numbers.setdefault(value, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number

    def _give(self, rows: NDArray[np.intp], to: list[int]) -> Parcels:
        parcels: Parcels = {}
        for start in range(0, len(rows), BLOCK):
            self._give_block(rows[start : start + BLOCK], to, parcels)
        return parcels

    def _give_block(self, rows: NDArray[np.intp], to: list[int], parcels: Parcels) -> None:
        best = np.full(len(rows), UNRANKED, dtype=np.uint8)
        taken = np.full(len(rows), NOBODY, dtype=np.int16)
        for option in to:
            rank = self._ranks[rows, option]
            taken[rank < best] = option
            np.minimum(best, rank, out=best)
        self._holders[rows] = taken
        known, place = np.unique(self._worth[rows], return_inverse=True)
        weights = self._weights[rows]
        for option in np.unique(taken).tolist():
            mine = taken == option
            # Sums of whole numbers below 2^53 are exact as floats: there are at most 10^10 papers.
            counts = np.bincount(place[mine], weights=weights[mine], minlength=len(known))
            parcel = parcels.setdefault(option, {})
            for number in np.flatnonzero(counts).tolist():
                value = self._values[known[number]]
                parcel[value] = parcel.get(value, 0) + int(counts[number])
