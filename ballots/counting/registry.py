"""The counting rules by name."""

from collections.abc import Callable

from ballots.counting import schulze
from ballots.counting.types import Counts, Outcome, Profile
from commons.errors import Invalid

RULES: dict[str, Callable[[Profile], Outcome]] = {"schulze": schulze.count}

FROM_PAIRS: dict[str, Callable[[tuple[str, ...], Counts, int, int, int], Outcome]] = {"schulze": schulze.order_pairs}
"""The rules that need no more of the ballots than the comparisons of every two options."""


def count(rule: str, profile: Profile) -> Outcome:
    """Count a profile by the rule of this name.

    Raises: Invalid "count.unknown_rule" with the name and the known ones.
    """
    if rule not in RULES:
        raise Invalid("count.unknown_rule", name=rule, known=", ".join(sorted(RULES)))
    return RULES[rule](profile)
