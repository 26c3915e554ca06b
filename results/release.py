"""What of a sealed vote may be published, by a plain rule of sizes, and no pair may tell about everybody. Pure.

The rule stands in until a released whole is attacked before it goes out. It never looks at what would be interesting,
only at how many people stand behind a figure.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ballots.counting.types import Outcome
from polls.votecard import FEWEST_OPENED

FEWEST_COUNTED = 50
FEWEST_OPTIONS = 4
STEP = 10


class Plan(StrEnum):
    """How much is published."""

    FULL = "full"  # the order, every comparison, and the certificate
    ORDER = "order"  # the order alone, and totals in tens
    NONE = "none"  # the box stays shut


class Reason(StrEnum):
    """Why it is not more."""

    SHUT = "fewer than 10 ballots"
    BALLOTS = "fewer than 50 counted ballots"
    OPTIONS = "fewer than 4 options"
    PAIR = "a pair decided by all"


@dataclass(frozen=True)
class Release:
    """What is published of one vote, and every reason why it is not more."""

    plan: Plan
    because: tuple[Reason, ...] = ()


def decide(outcome: Outcome | None) -> Release:
    """Decide what is published.

    outcome: the count; None for a box that stays shut.
    Returns: FULL only from 50 counted ballots and 4 options on, and where people differ about every pair. Blank and
             unreadable ballots hide nobody, so they do not count. A pair decided by all is named only when it is the
             one reason: otherwise it would tell about the ballots what nobody has to know.
    """
    if outcome is None:
        return Release(Plan.NONE, (Reason.SHUT,))
    small = (
        (Reason.BALLOTS, outcome.counted < FEWEST_COUNTED),
        (Reason.OPTIONS, len(outcome.options) < FEWEST_OPTIONS),
    )
    because = tuple(reason for reason, holds in small if holds)
    if not because and any(
        cell in {0, outcome.counted} for row in (outcome.pairwise or {}).values() for cell in row.values()
    ):
        because = (Reason.PAIR,)
    return Release(Plan.ORDER if because else Plan.FULL, because)


def could_be(release: Release, box: int, options: int) -> bool:
    """Tell whether a release fits what everybody can count: the lines of the box list, and the options on the card."""
    if box < FEWEST_OPENED or release.plan is Plan.NONE:
        return box < FEWEST_OPENED and release == decide(None)
    if release.plan is Plan.FULL:
        return box >= FEWEST_COUNTED and options >= FEWEST_OPTIONS and not release.because
    return _could_be_order(release.because, box, options)


def in_tens(number: int) -> int:
    """Round to the nearest ten, halves up."""
    return (number + STEP // 2) // STEP * STEP


def _could_be_order(because: Collection[Reason], box: int, options: int) -> bool:
    """Tell whether these can be the reasons for the order alone, each at most once and in their order."""
    few = options < FEWEST_OPTIONS
    possible = {(Reason.BALLOTS, Reason.OPTIONS), (Reason.OPTIONS,)} if few else {(Reason.BALLOTS,), (Reason.PAIR,)}
    if box < FEWEST_COUNTED:
        possible = {each for each in possible if Reason.BALLOTS in each}
    return tuple(because) in possible
