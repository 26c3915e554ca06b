"""Borda count: on each ballot an option gets a point for itself and one for every option below it."""

from fractions import Fraction

import numpy as np

from ballots.counting.contest import AS_IS, Contest, Variants, exact, ranked
from ballots.counting.pairwise import by_name, count_pairs
from ballots.counting.types import UNRANKED, Counts, Outcome, Profile


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by their points.

    Of m options the last gets 1 point and the first m. Options in one place get the average of the places they fill.
    Those left out are tied last; where left out is no opinion, a ballot is one among the options that it ranks,
    and gives the others nothing. A blank ballot gives none.

    variants: unranked.
    Returns:  certificate with `scores` (option -> points, exact) and `unranked` among its `variants`.
    Cost:     as `count_pairs`, and two passes over the ballots where left out is no opinion.
    Source:   points as Condorcet PHP gives them; its published scores of Tideman A10 are reproduced.
    """
    profile = ranked(contest, variants)
    table = count_pairs(profile)
    if profile.implicit:
        return order_pairs(profile.options, table, profile.ballots, profile.blank, profile.invalid)
    return _order(
        profile.options, table, _places(profile), (profile.ballots, profile.blank, profile.invalid), "ignored"
    )


def order_pairs(names: tuple[str, ...], table: Counts, ballots: int, blank: int, invalid: int) -> Outcome:
    """Order the options from the comparisons alone, where those left out are tied last.

    table:   as `count_pairs` gives it. ballots: all that were cast, blank and invalid ones among them.
    Returns: as `count`.
    """
    places = np.full(len(names), (ballots - blank - invalid) * (len(names) + 1))
    return _order(names, table, places, (ballots, blank, invalid), "last")


def _places(profile: Profile) -> Counts:
    """Sum for each option, over the ballots that rank it, one more than the options ranked there."""
    named = profile.ranks != UNRANKED
    sizes = (named.sum(axis=1) + 1) * profile.weights
    return np.array([sizes[named[:, i]].sum() for i in range(len(profile.options))], dtype=np.int64)


def _order(
    names: tuple[str, ...], table: Counts, places: Counts, ballots: tuple[int, int, int], unranked: str
) -> Outcome:
    # Twice the points are whole: each option stands as far above the middle place as it wins more pairs than it loses.
    doubled = (table.sum(axis=1) - table.sum(axis=0) + places).tolist()
    total, blank, invalid = ballots
    return Outcome(
        rule="borda",
        options=names,
        ballots=total,
        blank=blank,
        invalid=invalid,
        counted=total - blank - invalid,
        order=[
            [name for name, points in zip(names, doubled, strict=True) if points == height]
            for height in sorted(set(doubled), reverse=True)
        ],
        pairwise=by_name(names, table),
        certificate={
            "variants": {"unranked": unranked},
            "scores": {name: exact(Fraction(points, 2)) for name, points in zip(names, doubled, strict=True)},
        },
    )
