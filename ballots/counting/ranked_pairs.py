"""Ranked pairs: we take the comparisons, the clearest first, and keep each that contradicts none kept before."""

from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import AS_IS, Contest, Variants, ranked
from ballots.counting.pairwise import by_name, count_pairs
from ballots.counting.schulze import NOWHERE, peel
from ballots.counting.types import Counts, Outcome
from commons.errors import Invalid

Pair = tuple[int, int]
Hops = NDArray[np.int16]
"""(m, m); the option after i on a chain of pairs from i to j, NOWHERE without one."""


class Step(NamedTuple):
    """Equally clear wins, which are dealt with together.

    strength: ballots for the winner and against it. locked: the pairs that were kept.
    passed:   the pairs that were not, each with the chain of pairs, kept or of this step, that leads back.
    """

    strength: Pair
    locked: list[Pair]
    passed: list[tuple[Pair, list[int]]]


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by ranked pairs and write down what was kept, and why something was not.

    variants: unranked.
    Returns: certificate with `steps`, each with `for` and `against` (ballots), `locked` ([[winner, loser], …]) and
             `passed` ([{"pair", "path"}, …]: a chain of pairs from the loser back to the winner, each of them locked
             before or of the same step); `neighbours` as in schulze: two places differ by a locked pair, two options
             in one place have none between them; and `variants`.
    """
    profile = ranked(contest, variants)
    outcome = order_pairs(profile.options, count_pairs(profile), profile.ballots, profile.blank, profile.invalid)
    if outcome.certificate is not None and not profile.implicit:
        outcome.certificate["variants"] = {"unranked": "ignored"}
    return outcome


def order_pairs(names: tuple[str, ...], table: Counts, ballots: int, blank: int, invalid: int) -> Outcome:
    """Order the options from the comparisons alone, where those left out are tied last.

    table:   as `count_pairs` gives it. ballots: all that were cast, blank and invalid ones among them.
    Returns: as `count`.
    """
    counted = ballots - blank - invalid
    steps = lock_pairs(table)
    locked = np.zeros_like(table)
    for step in steps:
        for a, b in step.locked:
            locked[a, b] = 1
    order = peel(locked)
    return Outcome(
        rule="ranked-pairs",
        options=names,
        ballots=ballots,
        blank=blank,
        invalid=invalid,
        counted=counted,
        order=[[names[i] for i in place] for place in order],
        pairwise=by_name(names, table),
        certificate={
            "variants": {"unranked": "last"},
            "steps": [
                {
                    "for": step.strength[0],
                    "against": step.strength[1],
                    "locked": [[names[a], names[b]] for a, b in step.locked],
                    "passed": [
                        {"pair": [names[a], names[b]], "path": [names[i] for i in path]} for (a, b), path in step.passed
                    ],
                }
                for step in steps
            ],
            "neighbours": _explain(names, table, locked, order, counted),
        },
    )


def lock_pairs(table: Counts) -> list[Step]:
    """Go through the wins, most ballots first, of those the fewest against; keep what closes no circle.

    Equally clear wins are put in together: those of them that then lie on a circle are all passed over, so that
    nobody's turn, name or luck decides between them.

    table:  (m, m); cell [i, j] = ballots that rank option i above option j. Input is left untouched.
    Raises: Invalid "count.not_square" unless square with a zero diagonal.
    Cost:   O(m^4) at worst, in practice O(m^3); a second or two for 200 options.
    Source: Tideman, Soc. Choice Welf. 4 (1987) 185-206; winning votes, and ties as in Condorcet PHP.
    """
    m = len(table)
    if table.shape != (m, m) or table.diagonal().any():
        raise Invalid("count.not_square", found=str(table.shape))
    wins = [(-int(table[a, b]), int(table[b, a]), int(a), int(b)) for a, b in np.argwhere(table > table.T)]
    kept = np.full((m, m), NOWHERE, dtype=np.int16)
    steps = []
    for (most, least), equal in groupby(sorted(wins), key=lambda win: win[:2]):
        pairs = [(a, b) for _, _, a, b in equal]
        together = kept.copy()
        for a, b in pairs:
            _join(together, a, b)
        locked = [(a, b) for a, b in pairs if together[b, a] == NOWHERE]
        passed = [
            # Where stronger pairs alone contradict, theirs is the chain to show.
            ((a, b), _chain(together if kept[b, a] == NOWHERE else kept, b, a))
            for a, b in pairs
            if together[b, a] != NOWHERE
        ]
        if passed:
            for a, b in locked:
                _join(kept, a, b)
        else:
            kept = together
        steps.append(Step((-most, least), locked, passed))
    return steps


def _join(hops: Hops, a: int, b: int) -> None:
    """Add a pair: whatever leads to a now leads to whatever b leads to. Chains that exist stay as they are."""
    if hops[a, b] != NOWHERE:
        return
    first = hops[:, a].copy()
    first[a] = b
    after = hops[b] != NOWHERE
    after[b] = True
    is_new = (first != NOWHERE)[:, None] & after & (hops == NOWHERE)
    np.fill_diagonal(is_new, False)
    np.copyto(hops, first[:, None], where=is_new)


def _chain(hops: Hops, start: int, end: int) -> list[int]:
    chain = [start]
    while chain[-1] != end:
        chain.append(int(hops[chain[-1], end]))
    return chain


def _explain(
    names: tuple[str, ...], table: Counts, locked: Counts, order: list[list[int]], counted: int
) -> list[dict[str, Any]]:
    """Say for each two neighbours in the order why they stand so.

    Inside a place: each option and the one shown after it. Between two places: the first option of the lower place,
    and the last of the upper one that has a locked pair against it; one has, else both would share a place.
    """
    pairs: list[Pair] = []
    for upper, lower in pairwise([[], *order]):
        pairs += [(max(a for a in upper if locked[a, lower[0]]), lower[0])] if upper else []
        pairs += pairwise(lower)
    return [
        {
            "above": names[a],
            "below": names[b],
            "tied": not locked[a, b],
            "for": int(table[a, b]),
            "against": int(table[b, a]),
            "neither": counted - int(table[a, b]) - int(table[b, a]),
        }
        for a, b in pairs
    ]
