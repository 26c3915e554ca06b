"""How well one can tell two kinds of answers apart by how long they took. Pure."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

MOST_AUC, MOST_MILLISECONDS = 0.55, 5.0


def auc(one: Sequence[float], other: Sequence[float]) -> float:
    """Work out how often a guess is right that takes the slower of two answers for the one kind, at its best.

    Returns: 0.5 where nothing can be told, 1 where everything can, whichever kind is the slower one.
    Cost:    O((n + m) log m).
    Source:  H. B. Mann, D. R. Whitney, On a Test of Whether one of Two Random Variables is Stochastically Larger than
             the Other, 1947; ties count half.
    """
    ordered = sorted(other)
    won = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in one) / 2
    share = won / (len(one) * len(ordered))
    return max(share, 1 - share)


def difference(one: Sequence[float], other: Sequence[float]) -> float:
    """Work out how far the medians lie apart."""
    return abs(statistics.median(one) - statistics.median(other))
