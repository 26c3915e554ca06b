"""Approval: everybody marks all that they find good; what most people marked comes first."""

from fractions import Fraction
from itertools import groupby
from itertools import pairwise as neighbours
from typing import Any

from ballots.counting.contest import AS_IS, Contest, Variants, approved, draw_lot, exact, seats_of
from ballots.counting.grading import sum_points
from ballots.counting.types import Outcome


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by the ballots that approve of them.

    variants: seats (else as the file says, else none: then all places are shown), threshold, tiebreak_seed.
    Returns:  one round with the approvals; certificate with `approvals`, `shares` (of the counted ballots, exact) and
              `neighbours`. With seats, who has most is elected, equals for the last seat by lot. With a threshold,
              only who has more than this share: where the first place has not, nobody wins.
    Source:   Brams and Fishburn, Approval Voting (1983).
    """
    ballots = approved(contest)
    names, approvals = ballots.options, sum_points(ballots)
    seats = None if variants.seats is None and contest.seats is None else seats_of(contest, variants)
    places = _places(range(len(names)), approvals)
    passed = [place for place in places if _passes(approvals[place[0]], ballots.counted, variants.threshold)]
    lots: list[dict[str, list[str]]] = []
    elected: list[list[int]] | None = None
    if seats is not None:
        elected = _fill(passed, seats, names, variants.tiebreak_seed or "", lots)
        chosen = {i for place in elected for i in place}
        places = [*elected, *filter(None, [[i for i in range(len(names)) if i not in chosen]])]
    elif variants.threshold is not None:
        elected = passed[:1]
    shares = [Fraction(given, ballots.counted) if ballots.counted else Fraction(0) for given in approvals]
    tally = dict(zip(names, approvals, strict=True))
    return Outcome(
        rule="approval",
        options=names,
        ballots=ballots.ballots,
        blank=ballots.blank,
        invalid=ballots.invalid,
        counted=ballots.counted,
        order=[[names[i] for i in place] for place in places],
        certificate={
            "variants": {
                "seats": seats,
                "threshold": None if variants.threshold is None else exact(variants.threshold),
                "tiebreak_seed": variants.tiebreak_seed or "",
            },
            "lots": lots,
            "approvals": tally,
            "shares": {name: exact(share) for name, share in zip(names, shares, strict=True)},
            "neighbours": _explain(names, approvals, places, lots),
        },
        rounds=[{"tally": tally}],
        elected=None if elected is None else [names[i] for place in elected for i in place],
    )


def _places(options: range, approvals: list[int]) -> list[list[int]]:
    ranked = sorted(options, key=lambda i: -approvals[i])
    return [list(place) for _, place in groupby(ranked, key=lambda i: approvals[i])]


def _passes(approvals: int, counted: int, threshold: Fraction | None) -> bool:
    return threshold is None or approvals > threshold * counted


def _fill(
    places: list[list[int]], seats: int, names: tuple[str, ...], seed: str, lots: list[dict[str, list[str]]]
) -> list[list[int]]:
    """Fill the seats place by place; where a place has more options than seats are left, draw a lot and note it."""
    elected: list[list[int]] = []
    for place in places:
        left = seats - sum(map(len, elected))
        if len(place) <= left:
            elected.append(place)
        elif left:
            among = [names[i] for i in place]
            drawn = draw_lot(seed, among)[:left]
            lots.append({"among": among, "drawn": drawn})
            elected.append([i for i in place if names[i] in drawn])
    return elected


def _explain(
    names: tuple[str, ...], approvals: list[int], places: list[list[int]], lots: list[dict[str, list[str]]]
) -> list[dict[str, Any]]:
    """Say for each two neighbours in the order how many approve of each; equals in two places were parted by lot."""
    place_of = {i: number for number, place in enumerate(places) for i in place}
    drawn = {name for lot in lots for name in lot["among"]}
    return [
        {
            "above": names[a],
            "below": names[b],
            "tied": place_of[a] == place_of[b],
            "approvals": [approvals[a], approvals[b]],
            "by_lot": place_of[a] != place_of[b] and {names[a], names[b]} <= drawn,
        }
        for a, b in neighbours([i for place in places for i in place])
    ]
