"""Score: everybody gives points; what has the most on average comes first."""

from fractions import Fraction
from itertools import groupby
from itertools import pairwise as neighbours

from ballots.counting.contest import AS_IS, Contest, Variants, choice, exact, graded
from ballots.counting.grading import count_named, sum_points
from ballots.counting.types import Outcome


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Order the options by the mean of their points, compared exactly.

    variants: unranked. "last": who leaves an option out gives it 0, so that the sum of points decides. "ignored": the
              mean is of those who gave it a grade, be it 0; who was given none at all comes last. By default as the
              file says (no opinion where it says so), else "last".
    Returns:  one round with the points; certificate with `points`, `given` (ballots that gave a grade), `means` (None
              where there is none), `top` and `neighbours`.
    Source:   Smith, Range voting (2000); the choice for those left out is its "sum" and its "average".
    """
    ballots = graded(contest)
    names, points, given = ballots.options, sum_points(ballots), count_named(ballots)
    by_file = "last" if contest.rankings is None or contest.rankings.implicit else "ignored"
    unranked = choice("unranked", variants.unranked or by_file, ("last", "ignored"))
    shared_by = given if unranked == "ignored" else [ballots.counted] * len(names)
    means = [Fraction(sum_, voters) if voters else None for sum_, voters in zip(points, shared_by, strict=True)]
    if unranked == "last" and not ballots.counted:
        means = [Fraction(0)] * len(names)
    height = [Fraction(-1) if mean is None else mean for mean in means]
    ranked = sorted(range(len(names)), key=lambda i: -height[i])
    tally = dict(zip(names, points, strict=True))
    shown = [None if mean is None else exact(mean) for mean in means]
    return Outcome(
        rule="score",
        options=names,
        ballots=ballots.ballots,
        blank=ballots.blank,
        invalid=ballots.invalid,
        counted=ballots.counted,
        order=[[names[i] for i in place] for _, place in groupby(ranked, key=lambda i: height[i])],
        certificate={
            "variants": {"unranked": unranked},
            "top": ballots.top,
            "points": tally,
            "given": dict(zip(names, given, strict=True)),
            "means": dict(zip(names, shown, strict=True)),
            "neighbours": [
                {
                    "above": names[a],
                    "below": names[b],
                    "tied": height[a] == height[b],
                    "points": [points[a], points[b]],
                    "given": [given[a], given[b]],
                    "means": [shown[a], shown[b]],
                }
                for a, b in neighbours(ranked)
            ],
        },
        rounds=[{"tally": tally}],
    )
