"""A rule as facts for a sentence; the words stand in `templates/votes/_eligibility.html`, in every language. Pure."""

from collections.abc import Mapping
from typing import Any

from polls.eligibility.rules import NAMES, All, Any_, Fact, Not, Rule, read_rule


def tell(eligibility: Mapping[str, Any]) -> dict[str, Any]:
    """Take a rule apart, as a card has it. Raises Invalid "rule.malformed"."""
    return tell_rule(read_rule(eligibility))


def tell_rule(rule: Rule, *, wanted: bool = True) -> dict[str, Any]:
    """Take a rule apart for a sentence; what is denied is carried down to what it is about.

    Returns: {"join": "all" or "any", "of": [...]}, or as `tell_fact`.
    """
    match rule:
        case Not():
            return tell_rule(rule.of, wanted=not wanted)
        case All() | Any_():
            of = [tell_rule(each, wanted=wanted) for each in rule.of]
            return of[0] if len(of) == 1 else {"join": "all" if isinstance(rule, All) is wanted else "any", "of": of}
    return tell_fact(rule, wanted=wanted)


def tell_fact(fact: Fact, *, wanted: bool) -> dict[str, Any]:
    """Tell one part: its name as `fact`, whether it must hold, and what it is about, each under its own name."""
    return {"fact": NAMES[type(fact)], "wanted": wanted} | vars(fact)
