"""The counting rules by name."""

from collections.abc import Callable

from ballots.counting import schulze
from ballots.counting.types import Outcome, Profile
from commons.errors import Invalid

RULES: dict[str, Callable[[Profile], Outcome]] = {"schulze": schulze.count}


def count(rule: str, profile: Profile) -> Outcome:
    """Count a profile by the rule of this name.

    Raises: Invalid "count.unknown_rule" with the name and the known ones.
    """
    if rule not in RULES:
        raise Invalid("count.unknown_rule", name=rule, known=", ".join(sorted(RULES)))
    return RULES[rule](profile)
