"""STAR, score then automatic run-off: the two with the most points meet, and who is preferred on more ballots wins.

For a whole order the winner is taken out and the rest begin anew, until nobody is left.

Ties in the points, for the two who meet: the official protocol of starvoting.org/ties (as of 2025-09-12):
1. Those who are tied are compared one to one, and who lost the most of these match-ups is out; and again with the rest.
   Where this would leave too few, the rest go on, and those who lost the most are left to vie for the places open.
2. Who was given the highest grade (five stars) most often goes on; and again from 1. with those of them still tied.
3. A lot, by `draw_lot`. It is not drawn where it would decide nothing: where who is sure of a place in the run-off
   beats each of those tied for the other, and where none of those tied beats another. These share a place.
Ties in the run-off: more points, then more of the highest grades; else both share a place.
"""

from itertools import pairwise as neighbours
from typing import Any, NamedTuple

import numpy as np

from ballots.counting.contest import AS_IS, Contest, Variants, draw_lot, graded
from ballots.counting.grading import count_grade, sum_points
from ballots.counting.pairwise import count_preferences
from ballots.counting.types import Counts, Outcome

TIED = "tied"


class Tally(NamedTuple):
    """All that STAR asks of the ballots, by the number of the option.

    prefer: (m, m); ballots that give the first more than the second. highest: how many give it the highest grade.
    """

    names: tuple[str, ...]
    points: list[int]
    highest: list[int]
    prefer: Counts
    counted: int

    def named(self, options: list[int]) -> list[str]:
        """Return their names."""
        return [self.names[i] for i in options]

    def duel(self, a: int, b: int) -> tuple[int | None, str]:
        """Let two meet in the run-off. Returns: the winner, None in a tie; and what decided."""
        for decided, mine, other in (
            ("runoff", int(self.prefer[a, b]), int(self.prefer[b, a])),
            ("runoff_points", self.points[a], self.points[b]),
            ("runoff_highest", self.highest[a], self.highest[b]),
        ):
            if mine != other:
                return (a if mine > other else b), decided
        return None, TIED


class Narrowed(NamedTuple):
    """What the protocol made of a tie: who goes on, who is still tied for the places open, and why the others are out.

    steps: as the certificate tells them.
    """

    sure: list[int]
    open: list[int]
    out: dict[int, str]
    steps: list[dict[str, Any]]


def narrow(tied: list[int], places: int, tally: Tally) -> Narrowed:
    """Find who of those with equal points goes on into the run-off, by steps 1 and 2 of the protocol.

    places: how many may go on, 1 or 2.
    Returns: `open` is empty where all places are filled, else more are in it than there are places left.
    """
    sure: list[int] = []
    out: dict[int, str] = {}
    steps: list[dict[str, Any]] = []
    while len(sure) + len(tied) > places:
        left = places - len(sure)
        prefer = tally.prefer[np.ix_(tied, tied)]
        lost = dict(zip(tied, (prefer < prefer.T).sum(axis=1).tolist(), strict=True))
        highest = {i: tally.highest[i] for i in tied}
        if len(set(lost.values())) > 1:
            by, told = "match_ups", lost
            worst = max(lost.values())
            better = [i for i in tied if lost[i] < worst]
            ahead, level = ([], better) if len(better) >= left else (better, [i for i in tied if lost[i] == worst])
        elif len(set(highest.values())) > 1:
            by, told = "highest", highest
            edge = sorted(highest.values(), reverse=True)[left - 1]
            ahead, level = [i for i in tied if highest[i] > edge], [i for i in tied if highest[i] == edge]
        else:
            return Narrowed(sure, tied, out, steps)
        gone = [i for i in tied if i not in ahead and i not in level]
        steps.append(
            {
                "by": by,
                "tally": {tally.names[i]: number for i, number in told.items()},
                "on": tally.named(ahead),
                "tied": tally.named(level),
                "out": tally.named(gone),
            }
        )
        out |= dict.fromkeys(gone, by)
        sure, tied = sure + ahead, level
    return Narrowed(sure + tied, [], out, steps)


class Round(NamedTuple):
    """One STAR count among those left: who takes the next place, and what is told of it.

    beaten: why each of the others left is behind, where that is not the match against the winner.
    """

    place: list[int]
    beaten: dict[int, str]
    told: dict[str, Any]
    steps: list[dict[str, Any]]
    lots: list[dict[str, list[str]]]


def hold(left: list[int], tally: Tally, seed: str) -> Round:
    """Find the next place among at least two options. Cost: at most as many comparisons as pairs are tied."""
    levels = sorted({tally.points[i] for i in left}, reverse=True)
    sure = [i for i in left if tally.points[i] == levels[0]]
    vying = sure if len(sure) > 2 else []
    if len(sure) == 1:
        vying = [i for i in left if tally.points[i] == levels[1]]
    behind = {i: "points" for i in left if i not in sure and i not in vying}
    found = narrow(vying, 2 - len(sure) if len(sure) < 2 else 2, tally) if vying else Narrowed(sure, [], {}, [])
    finalists, still_tied = [*(sure if len(sure) == 1 else []), *found.sure], found.open
    lots: list[dict[str, list[str]]] = []
    place, decided = _without_lot(finalists, still_tied, tally)
    if place is None:
        among = tally.named(still_tied)
        drawn = draw_lot(seed, among)[: 2 - len(finalists)]
        lots.append({"among": among, "drawn": drawn})
        behind |= {i: "lot" for i in still_tied if tally.names[i] not in drawn}
        finalists += [i for i in still_tied if tally.names[i] in drawn]
        place, decided = _meet(finalists, tally)
        still_tied = []
    told = {
        "tally": {tally.names[i]: tally.points[i] for i in left},
        "finalists": tally.named([*finalists, *still_tied]),
        "runoff": _runoff(finalists, tally) if len(finalists) == 2 else None,
        "decided_by": decided,
        "placed": tally.named(place),
    }
    return Round(place, behind | found.out, told, found.steps, lots)


def _without_lot(finalists: list[int], tied: list[int], tally: Tally) -> tuple[list[int] | None, str]:
    """Find the winner whoever of those tied goes into the run-off; None where that makes a difference."""
    if not tied:
        return _meet(finalists, tally)
    if finalists:
        (first,) = finalists
        if all(tally.duel(first, other)[0] == first for other in tied):
            return [first], "all_of_them"
        return None, ""
    prefer = tally.prefer[np.ix_(tied, tied)]
    return (tied, TIED) if bool((prefer == prefer.T).all()) else (None, "")


def _meet(finalists: list[int], tally: Tally) -> tuple[list[int], str]:
    winner, decided = tally.duel(*finalists)
    return (sorted(finalists) if winner is None else [winner]), decided


def _runoff(finalists: list[int], tally: Tally) -> dict[str, int]:
    a, b = finalists
    return {tally.names[a]: int(tally.prefer[a, b]), tally.names[b]: int(tally.prefer[b, a])}


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by STAR, winner after winner; left out is 0.

    variants: tiebreak_seed.
    Returns:  rounds with the points of those left (`tally`), who met (`finalists`, more than two where it makes no
              difference who of them), the ballots for each (`runoff`), what decided, and who took the place;
              certificate with `points`, `highest` (ballots that give the highest grade), `top`, `ties` (how those with
              equal points were parted, step by step, with the round), `lots` and `neighbours`.
    Source:   Equal Vote Coalition, starvoting.org; the order is that of repeated ("Bloc") STAR.
    """
    ballots = graded(contest)
    names, prefer = ballots.options, count_preferences(ballots)
    tally = Tally(names, sum_points(ballots), count_grade(ballots, ballots.top), prefer, ballots.counted)
    seed = variants.tiebreak_seed or ""
    left = list(range(len(names)))
    rounds: list[Round] = []
    while len(left) > 1:
        rounds.append(hold(left, tally, seed))
        left = [i for i in left if i not in rounds[-1].place]
    places = [each.place for each in rounds] + ([left] if left else [])
    return Outcome(
        rule="star",
        options=names,
        ballots=ballots.ballots,
        blank=ballots.blank,
        invalid=ballots.invalid,
        counted=ballots.counted,
        order=[tally.named(place) for place in places],
        pairwise={
            a: {b: cell for b, cell in zip(names, row, strict=True) if b != a}
            for a, row in zip(names, prefer.tolist(), strict=True)
        },
        certificate={
            "variants": {"tiebreak_seed": seed},
            "lots": [lot for each in rounds for lot in each.lots],
            "top": ballots.top,
            "points": dict(zip(names, tally.points, strict=True)),
            "highest": dict(zip(names, tally.highest, strict=True)),
            "ties": [{"round": number, **step} for number, each in enumerate(rounds, start=1) for step in each.steps],
            "neighbours": _explain(places, rounds, tally),
        },
        rounds=[each.told for each in rounds],
    )


def _explain(places: list[list[int]], rounds: list[Round], tally: Tally) -> list[dict[str, Any]]:
    """Say for each two neighbours in the order why they stand so: by the run-off, or by what came before it."""
    place_of = {i: number for number, place in enumerate(places) for i in place}
    told = []
    for a, b in neighbours([i for place in places for i in place]):
        is_tied = place_of[a] == place_of[b]
        for_a, for_b = int(tally.prefer[a, b]), int(tally.prefer[b, a])
        told.append(
            {
                "above": tally.names[a],
                "below": tally.names[b],
                "tied": is_tied,
                "by": TIED if is_tied else rounds[place_of[a]].beaten.get(b) or tally.duel(a, b)[1],
                "points": [tally.points[a], tally.points[b]],
                "for": for_a,
                "against": for_b,
                "neither": tally.counted - for_a - for_b,
            }
        )
    return told
