"""What of a sealed vote may be published: by plain sizes, and only what forces no small group's ballot. Pure.

Sizes are looked at first, then `results/attack.py` tries to take the figures apart. Neither looks at what would be
interesting, only at how many people stand behind a figure.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ballots.counting.types import Outcome
from polls.votecard import FEWEST_OPENED
from results.figures import Figures, Form

FEWEST_COUNTED = 50
FEWEST_OPTIONS = 4
STEP = 10


class Plan(StrEnum):
    """How much is published."""

    FULL = "full"  # the order, and all figures from which it follows
    ORDER = "order"  # the order alone, and totals in tens
    NONE = "none"  # the box stays shut


class Reason(StrEnum):
    """Why it is not more."""

    SHUT = "fewer than 10 ballots"
    BALLOTS = "fewer than 50 counted ballots"
    OPTIONS = "fewer than 4 options"
    PAIR = "a pair decided by all"
    SMALL = "a small group could show"
    RULE = "a rule whose figures are not published"


@dataclass(frozen=True)
class Release:
    """What is published of one vote, and every reason why it is not more."""

    plan: Plan
    because: tuple[Reason, ...] = ()


def decide(outcome: Outcome | None, figures: Figures | None, *, forced: bool = False) -> Release:
    """Decide what is published.

    outcome: the count; None for a box that stays shut. figures: those of its rule; None where it has none.
    forced:  whether the figures would force a ballot that few people cast (`attack.forces`).
    Returns: FULL only from 50 counted ballots on, and where people differ; comparisons from 4 options on. Blank and
             unreadable ballots hide nobody, so they do not count. What is about the ballots themselves is named only
             when it is the one reason: otherwise it would tell what nobody has to know.
    """
    if outcome is None:
        return Release(Plan.NONE, (Reason.SHUT,))
    is_of_pairs = figures is not None and figures.form is Form.PAIRS
    sizes = (
        (Reason.BALLOTS, outcome.counted < FEWEST_COUNTED),
        (Reason.OPTIONS, is_of_pairs and len(outcome.options) < FEWEST_OPTIONS),
        (Reason.RULE, figures is None),
    )
    because = tuple(reason for reason, holds in sizes if holds)
    if not because and figures is not None and _all_agree(figures, outcome.counted):
        because = (Reason.PAIR,)
    elif not because and forced:
        because = (Reason.SMALL,)
    return Release(Plan.ORDER if because else Plan.FULL, because)


def told_blank(blank: int) -> int | None:
    """Tell how many ballots were blank, from ten on; fewer are not told apart from those that say something."""
    return blank if blank >= FEWEST_OPENED else None


def _all_agree(figures: Figures, counted: int) -> bool:
    """Tell whether some figure speaks of everybody: all said it, or of two options all put one before the other."""
    if figures.form is Form.PAIRS:
        apart = figures.table[~np.eye(len(figures.options), dtype=bool)]
        return bool(np.isin(apart, (0, counted)).any())
    return bool((figures.table == counted).any())


def could_be(release: Release, box: int, options: int, form: Form | None) -> bool:
    """Tell whether a release fits what everybody can count: the lines of the box list, and the options on the card.

    form: of the figures of the card's rule; None where it has none.
    """
    if box < FEWEST_OPENED or release.plan is Plan.NONE:
        return box < FEWEST_OPENED and release == decide(None, None)
    few = form is Form.PAIRS and options < FEWEST_OPTIONS
    if release.plan is Plan.FULL:
        return box >= FEWEST_COUNTED and not few and form is not None and not release.because
    always = tuple(reason for reason, holds in ((Reason.OPTIONS, few), (Reason.RULE, form is None)) if holds)
    possible = {(Reason.BALLOTS, *always)}
    if box >= FEWEST_COUNTED:
        possible |= {always} if always else {(Reason.PAIR,), (Reason.SMALL,)}
    return tuple(release.because) in possible


def in_tens(number: int) -> int:
    """Round to the nearest ten, halves up."""
    return (number + STEP // 2) // STEP * STEP
