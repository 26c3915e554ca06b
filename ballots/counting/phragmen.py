"""Sequential Phragmén: each option costs one credit, shared by its supporters; next comes what burdens them least.

Everybody's purse fills at the same pace. As soon as the supporters of an option have one credit together, they spend
it: their purses are empty again, and the option has its place. A voter's load is what they have paid so far, evened
out: the moment at which their purse was last emptied. So a ballot needs no number of its own, only the round in which
it last paid, and whole numbers of ballots by that round are all that the exact comparison needs.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import groupby, pairwise
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import AS_IS, Contest, Grades, Variants, approved, draw_lot, exact, seats_of
from ballots.counting.types import MAX_OPTIONS, Counts, Outcome

GAP = 1e-9
"""Loads that lie closer together than this, as a share of themselves, are compared exactly."""

DIGITS = 10**200
"""Loads with a longer denominator are written cut off after 30 places; `paid` still gives them exactly."""

SIGHT = 10**30

FEW = 16
"""Of so many options there are at most 65,536 sets to approve: fewer than the ballots of a large vote."""

Draw = Callable[[list[int]], list[int]]
"""Draws a lot among options and writes it down."""


class Place(NamedTuple):
    """Options that come at the same load.

    chosen: their numbers, in the order of the file. load: what it is, 0 for options without supporters.
    paid:   chosen option -> round in which they last paid (0 = never) -> supporters.
    others: option -> the load with which it would have come here instead; the chosen ones among them.
    before: option that had the same load and was put off -> the one whose turn it was.
    """

    chosen: list[int]
    load: Fraction
    paid: dict[int, dict[int, int]]
    others: dict[int, Fraction]
    before: dict[int, int]


class Purses:
    """The ballots, with the round in which each last paid.

    marks: (m, n); who approves each option.
    paid:  (m, m + 1); supporters of each option by the round in which they last paid; at 0 those who never did.
    loads: of each round as whole numbers of a common unit; 0 for never. rough: the same loads, nearly.
    Cost:  for each option bought, a pass over its supporters for each option left.
    """

    def __init__(self, approvals: Grades) -> None:
        m = len(approvals.options)
        self.marks, self.weights = lay_together(approvals)
        self.last = np.zeros(len(self.weights), dtype=np.int16)
        self.paid = np.zeros((m, m + 1), dtype=np.int64)
        self.paid[:, 0] = [self.weights[row].sum() for row in self.marks]
        self.supporters = self.paid[:, 0].copy()
        self.unit, self.loads, self.rough = 1, [0], np.zeros(m + 1)

    def burden(self, option: int) -> Fraction:
        """Return the load that the supporters of an option would have if it came now."""
        row = self.paid[option, : len(self.loads)].tolist()
        sum_of = self.unit + sum(n * load for n, load in zip(row, self.loads, strict=True) if n)
        return Fraction(sum_of, self.unit * int(self.supporters[option]))

    def near(self, options: list[int]) -> list[int]:
        """Return those that may have the least burden: floating numbers tell them from all others."""
        now = len(self.loads)
        rough = (1 + self.paid[options, :now] @ self.rough[:now]) / self.supporters[options]
        limit = rough.min() * (1 + GAP)
        return [option for option, load in zip(options, rough, strict=True) if load <= limit]

    def buy(self, chosen: list[int], load: Fraction, left: list[int]) -> None:
        """Let the supporters of the chosen options pay, so that they all have this load."""
        now = len(self.loads)
        for option in chosen:
            payers = np.flatnonzero(self.marks[option])
            payers = payers[np.argsort(self.last[payers], kind="stable")]
            rounds, starts = np.unique(self.last[payers], return_index=True)
            weights = self.weights[payers]
            for other in left:
                moved = np.add.reduceat(weights * self.marks[other][payers], starts)
                self.paid[other, rounds] -= moved
                self.paid[other, now] += moved.sum()
            self.last[payers] = now
        unit = lcm(self.unit, load.denominator)
        self.loads = [each * (unit // self.unit) for each in self.loads]
        self.loads.append(load.numerator * (unit // load.denominator))
        self.unit, self.rough[now] = unit, float(load)


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order all options, or fill the seats, so that every group of voters is served in its turn, in every beginning.

    Options that reach their credit at the same moment share a place where they have no supporter in common: then none
    of them delays another, and nothing after them depends on their order. Else the one with more approvals comes, then
    a lot decides, and the load of the other grows. Options without any supporter stand last, tied. Who gets the last
    seats of a shared place is decided by more approvals, then by lot.

    variants: seats: where neither they nor the file name any, all options are put in order. tiebreak_seed: for lots.
    Returns:  rounds with `tally` (option left -> the load with which it would come; with more than 200 options only of
              those about to come) and `chosen`, a round for each place;
              certificate with `variants`, `lots`, `supporters` (option -> ballots), `bought`: for each place its
              `load` and `paid` (option -> round in which they last paid, "0" for never -> supporters), so that
              load = (1 + sum of n x load of its round) / sum of n; and `neighbours` (see `_explain`).
    Raises:   Invalid "count.needs_approvals", "count.seats".
    Cost:     0.3 s for 1,000,000 x 30 where hardly two ballots are alike.
    Source:   Phragmén 1894; Brill, Freeman, Janson, Lackner, Math. Program. 203 (2024) 47-76.
    """
    approvals = approved(contest)
    names = approvals.options
    has_seats = contest.seats is not None or variants.seats is not None
    seats = seats_of(contest, variants) if has_seats else len(names)
    seed = variants.tiebreak_seed or ""
    lots: list[dict[str, list[str]]] = []

    def draw(options: list[int]) -> list[int]:
        among = [names[i] for i in options]
        drawn = draw_lot(seed, among)
        lots.append({"among": among, "drawn": drawn})
        return [names.index(name) for name in drawn]

    purses = Purses(approvals)
    places = _buy_all(purses, seats, draw)
    supporters: list[int] = purses.supporters.tolist()
    elected = [i for place in places for i in place.chosen]
    rest = [i for i in range(len(names)) if i not in set(elected)]
    groups = [place.chosen for place in places] + ([rest] if rest else [])
    rounds = [place for place in places if place.paid]
    return Outcome(
        rule="phragmen",
        options=names,
        ballots=approvals.ballots,
        blank=approvals.blank,
        invalid=approvals.invalid,
        counted=approvals.counted,
        order=[[names[i] for i in group] for group in groups],
        elected=[names[i] for i in elected] if has_seats else None,
        rounds=[
            {
                "tally": {names[i]: _written(load) for i, load in place.others.items()},
                "chosen": [names[i] for i in place.chosen],
            }
            for place in rounds
        ],
        certificate={
            "variants": {"seats": seats if has_seats else None, "tiebreak_seed": seed},
            "lots": lots,
            "supporters": dict(zip(names, supporters, strict=True)),
            "bought": [
                {
                    "load": _written(place.load),
                    "paid": {names[i]: {str(at): n for at, n in paid.items()} for i, paid in place.paid.items()},
                }
                for place in rounds
            ],
            "neighbours": _explain(names, places, rest, supporters),
        },
    )


def lay_together(approvals: Grades) -> tuple[NDArray[np.bool_], Counts]:
    """Lay equal ballots together where so few options can only be approved in so many ways.

    Returns: (m, n) who approves what, and the ballots that each column stands for.
    """
    marks: NDArray[np.bool_] = approvals.grades.T.astype(bool)
    m, n = marks.shape
    if m > FEW or n < 1 << m:
        return marks, approvals.weights
    numbers = np.zeros(n, dtype=np.uint32)
    for i, row in enumerate(marks):
        numbers |= row.astype(np.uint32) << np.uint32(i)
    sizes = np.zeros(1 << m, dtype=np.int64)
    np.add.at(sizes, numbers, approvals.weights)
    ways = np.flatnonzero(sizes)
    return (ways >> np.arange(m)[:, None] & 1).astype(bool), sizes[ways]


def _buy_all(purses: Purses, seats: int, draw: Draw) -> list[Place]:
    """Buy place after place until so many options are chosen; those without supporters come last, together."""
    m = len(purses.marks)
    left = [i for i in range(m) if purses.supporters[i]]
    places = []
    while left and seats:
        asked = left if m <= MAX_OPTIONS else purses.near(left)
        burdens = {i: purses.burden(i) for i in asked}
        load = min(burdens.values())
        together, before = _at_once(purses, [i for i in asked if burdens[i] == load], draw)
        chosen = _fewer(together, seats, purses.supporters, draw)
        paid = {i: {at: n for at, n in enumerate(purses.paid[i].tolist()) if n} for i in chosen}
        left = [i for i in left if i not in paid]
        purses.buy(chosen, load, left)
        places.append(Place(chosen, load, paid, burdens, before))
        seats -= len(chosen)
    alone = [i for i in range(m) if not purses.supporters[i]]
    if alone and seats:
        places.append(Place(_fewer(alone, seats, purses.supporters, draw), Fraction(0), {}, {}, {}))
    return places


def _at_once(purses: Purses, equal: list[int], draw: Draw) -> tuple[list[int], dict[int, int]]:
    """Choose of options with equal loads as many as do not delay one another: more approvals first, then by lot.

    Returns: the chosen ones; and whoever is put off -> the one chosen that shares a supporter with it.
    """
    chosen: list[int] = []
    marks = purses.marks
    paying = np.zeros(len(purses.weights), dtype=bool)
    for _, alike in groupby(sorted(equal, key=lambda i: -purses.supporters[i]), key=lambda i: purses.supporters[i]):
        free = [i for i in alike if not (marks[i] & paying).any()]
        once = twice = np.zeros_like(paying)
        for i in free:
            once, twice = once | marks[i], twice | (once & marks[i])
        contested = [i for i in free if (marks[i] & twice).any()]
        calm = [i for i in free if i not in contested]
        for i in calm + (draw(contested) if contested else []):
            if not (marks[i] & paying).any():
                chosen.append(i)
                paying |= marks[i]
    put_off = [i for i in equal if i not in chosen]
    before = {i: next(j for j in chosen if (marks[i] & marks[j]).any()) for i in put_off}
    return sorted(chosen), before


def _fewer(options: list[int], seats: int, supporters: Counts, draw: Draw) -> list[int]:
    """Keep as many as there are seats: more approvals first, then by lot."""
    if len(options) <= seats:
        return options
    edge = sorted((int(supporters[i]) for i in options), reverse=True)[seats - 1]
    sure = [i for i in options if supporters[i] > edge]
    drawn = [i for i in options if supporters[i] == edge]
    if len(sure) + len(drawn) > seats:
        drawn = draw(drawn)
    return sorted((sure + drawn)[:seats])


def _explain(
    names: tuple[str, ...], places: list[Place], rest: list[int], supporters: list[int]
) -> list[dict[str, Any]]:
    """Say for each two neighbours in the order why they stand so: what each would have burdened its supporters with.

    Inside a place: each option and the one shown after it. Between two places: the first option of the lower one, and
    the last of the upper one, or the one there that it was put off for. After the seats: whoever came nearest to them.

    Returns: `load` and `other` of the upper and the lower option when the upper one came; `other` is None where nobody
             supports the lower one, or more than 200 options are too many to ask each. `by` says what decided:
             "load", "approvals", "lot", or None for a tie.
    """
    told = []
    for upper, lower in zip(places, [*(place.chosen for place in places[1:]), rest], strict=True):
        told += [(upper, a, b, True) for a, b in pairwise(upper.chosen)]
        near = sorted(lower, key=lambda i: (upper.others.get(i, upper.load + len(names)), -supporters[i], i))
        for b in near[:1] if lower is rest else lower[:1]:
            told.append((upper, upper.before.get(b, upper.chosen[-1]), b, False))
    return [
        {
            "above": names[a],
            "below": names[b],
            "tied": tied,
            "load": _written(place.load),
            "other": _written(place.others[b]) if b in place.others else None,
            "by": None if tied else _decided(place, a, b, supporters),
        }
        for place, a, b, tied in told
    ]


def _decided(place: Place, a: int, b: int, supporters: list[int]) -> str:
    if place.paid and place.others.get(b) != place.load:
        return "load"
    return "approvals" if supporters[a] > supporters[b] else "lot"


def _written(load: Fraction) -> int | str:
    if load.denominator < DIGITS:
        return exact(load)
    cut = load.numerator * SIGHT // load.denominator
    return f"{cut // SIGHT}.{cut % SIGHT:030d}"
