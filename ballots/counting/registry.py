"""The counting rules by name, and the variants that each understands."""

from collections.abc import Callable
from dataclasses import dataclass

from ballots.counting import (
    approval,
    borda,
    equal_shares,
    greedy,
    irv,
    majority_judgment,
    phragmen,
    plurality,
    ranked_pairs,
    schulze,
    score,
    star,
    stv,
)
from ballots.counting.contest import AS_IS, Contest, Variants
from ballots.counting.types import Counts, Outcome
from commons.errors import Invalid


@dataclass(frozen=True)
class Rule:
    """One way to count. variants: the names of those (`contest.Variants`) that make a difference to it."""

    count: Callable[[Contest, Variants], Outcome]
    variants: tuple[str, ...] = ()


RULES: dict[str, Rule] = {
    "approval": Rule(approval.count, ("seats", "threshold", "tiebreak_seed")),
    "borda": Rule(borda.count, ("unranked",)),
    "equal-shares": Rule(equal_shares.count, ("budget", "completion", "tiebreak_seed")),
    "greedy": Rule(greedy.count, ("budget", "tiebreak_seed")),
    "irv": Rule(irv.count, ("overvote", "max_skips", "batch", "tiebreak_seed")),
    "majority-judgment": Rule(majority_judgment.count),
    "phragmen": Rule(phragmen.count, ("seats", "tiebreak_seed")),
    "plurality": Rule(plurality.count, ("threshold",)),
    "ranked-pairs": Rule(ranked_pairs.count, ("unranked",)),
    "schulze": Rule(schulze.count, ("unranked",)),
    "score": Rule(score.count, ("unranked",)),
    "star": Rule(star.count, ("tiebreak_seed",)),
    "stv": Rule(stv.count, ("seats", "overvote", "max_skips", "batch", "transfer", "decimals", "tiebreak_seed")),
}

FROM_PAIRS: dict[str, Callable[[tuple[str, ...], Counts, int, int, int], Outcome]] = {
    "borda": borda.order_pairs,
    "ranked-pairs": ranked_pairs.order_pairs,
    "schulze": schulze.order_pairs,
}
"""The rules that need no more of the ballots than the comparisons of every two options."""


def count(rule: str, contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Count a contest by the rule of this name.

    Raises: Invalid "count.unknown_rule" with the name and the known ones, "count.variant" for one that makes no
            difference to this rule; "count.needs_…", "count.seats…", "count.budget", "count.choice".
    """
    if rule not in RULES:
        raise Invalid("count.unknown_rule", name=rule, known=", ".join(sorted(RULES)))
    for name in variants.given:
        if name not in RULES[rule].variants:
            raise Invalid("count.variant", name=name.replace("_", "-"), rule=rule)
    return RULES[rule].count(contest, variants)
