"""Schulze method: we compare every two options; what wins directly, or by a chain of stronger wins, comes first."""

from itertools import pairwise as neighbours
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import AS_IS, Contest, Variants, ranked
from ballots.counting.pairwise import by_name, count_pairs
from ballots.counting.types import Counts, Outcome
from commons.errors import Invalid

NOWHERE = -1
"""The next hop where no chain of wins leads."""


class Paths(NamedTuple):
    """The strongest chain of wins between every two options.

    strength: (m, m); ballots of its weakest win, 0 where no chain leads from i to j.
    next_hop: (m, m); the option after i on the chain from i to j, NOWHERE without one.
    """

    strength: Counts
    next_hop: NDArray[np.intp]

    def chain(self, start: int, end: int) -> list[int]:
        """Follow the hops from start to end; empty where no chain leads."""
        if not self.strength[start, end]:
            return []
        hops = [start]
        while hops[-1] != end:
            hops.append(int(self.next_hop[hops[-1], end]))
        return hops


def strongest_paths(pairwise: Counts) -> Paths:
    """Find the strongest chain of wins between every two options; of equally strong ones, the direct win.

    pairwise: (m, m); cell [i, j] = ballots that rank option i above option j. Input is left untouched.
    Raises:   Invalid "count.not_square" unless square with a zero diagonal.
    Cost:     O(m^3).
    Source:   Schulze, Soc. Choice Welf. 36 (2011) 267-303; winning votes, Floyd-Warshall with a table of hops.
    """
    m = len(pairwise)
    if pairwise.shape != (m, m) or pairwise.diagonal().any():
        raise Invalid("count.not_square", found=str(pairwise.shape))
    strength = np.where(pairwise > pairwise.T, pairwise, 0)
    next_hop = np.where(strength > 0, np.arange(m), NOWHERE)
    for k in range(m):
        through_k = np.minimum(strength[:, [k]], strength[[k], :])
        np.fill_diagonal(through_k, 0)
        # Only a truly stronger detour replaces a chain: this keeps the hops free of circles.
        is_better = through_k > strength
        next_hop = np.where(is_better, next_hop[:, [k]], next_hop)
        strength = np.where(is_better, through_k, strength)
    return Paths(strength, next_hop)


def peel(strength: Counts) -> list[list[int]]:
    """Take off the options that nothing left beats, again and again: each layer is one place.

    Counting won chains instead would invent differences between options that the ballots leave tied.

    Returns: places of option numbers, ascending inside a place.
    Source:  the practice of Belenios and Condorcet PHP; Tideman A10 is the published case that tells them apart.
    """
    beats = strength > strength.T
    left = np.ones(len(strength), dtype=bool)
    order = []
    while left.any():
        place = left & ~beats[left].any(axis=0)
        order.append(np.flatnonzero(place).tolist())
        left &= ~place
    return order


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by the Schulze method and write down what proves it.

    variants: unranked.
    Returns: certificate with `strengths` (A -> B -> ballots), `next` (A -> B -> the option after A on the chain to B)
             and `neighbours` (see `_explain`); `ballots.counting.certificate` checks it without this file.
    """
    profile = ranked(contest, variants)
    outcome = order_pairs(profile.options, count_pairs(profile), profile.ballots, profile.blank, profile.invalid)
    if variants.given and outcome.certificate is not None:
        # Only where it was chosen: what was published before there was a choice stays byte for byte what it is.
        outcome.certificate["variants"] = variants.given
    return outcome


def order_pairs(names: tuple[str, ...], table: Counts, ballots: int, blank: int, invalid: int) -> Outcome:
    """Order the options from the comparisons alone: all that the Schulze method asks of the ballots.

    table:   as `count_pairs` gives it. ballots: all that were cast, blank and invalid ones among them.
    Returns: as `count`.
    """
    counted = ballots - blank - invalid
    paths = strongest_paths(table)
    order = peel(paths.strength)
    return Outcome(
        rule="schulze",
        options=names,
        ballots=ballots,
        blank=blank,
        invalid=invalid,
        counted=counted,
        order=[[names[i] for i in place] for place in order],
        pairwise=by_name(names, table),
        certificate={
            "strengths": by_name(names, paths.strength),
            "next": {
                a: {b: names[hop] for b, hop in zip(names, row, strict=True) if hop != NOWHERE}
                for a, row in zip(names, paths.next_hop.tolist(), strict=True)
            },
            "neighbours": _explain(names, table, paths, order, counted),
        },
    )


def _explain(
    names: tuple[str, ...], table: Counts, paths: Paths, order: list[list[int]], counted: int
) -> list[dict[str, Any]]:
    """Say for each two neighbours in the order why they stand so.

    Inside a place: each option and the one shown after it. Between two places: the first option of the lower place,
    and the last of the upper one that beats it. (The very last of the upper place may be no match for it at all.)
    """
    pairs = []
    for upper, lower in neighbours([[], *order]):
        pairs += [(max(a for a in upper if _beats(paths, a, lower[0])), lower[0])] if upper else []
        pairs += neighbours(lower)
    return [
        {
            "above": names[a],
            "below": names[b],
            "tied": not _beats(paths, a, b),
            "for": int(table[a, b]),
            "against": int(table[b, a]),
            "neither": counted - int(table[a, b]) - int(table[b, a]),
            "chain": [names[i] for i in paths.chain(a, b)],
            "strength": int(paths.strength[a, b]),
            "back": [names[i] for i in paths.chain(b, a)],
            "back_strength": int(paths.strength[b, a]),
        }
        for a, b in pairs
    ]


def _beats(paths: Paths, a: int, b: int) -> bool:
    return bool(paths.strength[a, b] > paths.strength[b, a])
