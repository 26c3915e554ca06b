"""Would another rule change it? The same ballots, counted by every rule that they allow. Pure."""

from typing import Any

from ballots.counting.contest import AS_IS, Contest, Variants, ranked
from ballots.counting.registry import count
from commons.errors import Invalid
from polls.rulecard import RULES, SEATED, TERMS, RuleCard


def order_by_all(card: RuleCard, contest: Contest) -> list[dict[str, Any]]:
    """Count the ballots of a card by all rules that fit them.

    Seats are filled where the card fills some; without, a rule that fills seats only is left out.

    Returns: for each, "rule", "order" and "winners", as in result.json; the card's own rule first, then as in `RULES`.
    Cost:    a count by each.
    """
    both = Contest(ranked(contest, AS_IS), contest.grades)
    found = []
    for rule in sorted(RULES, key=lambda rule: (rule != card.rule, list(RULES).index(rule))):
        seats = card.seats if rule in SEATED else None
        terms = card.terms if rule == card.rule else {**TERMS.get(rule, {}), "seats": seats}
        try:
            outcome = count(rule, contest if rule == card.rule else both, Variants(**terms))
        except Invalid:
            continue  # these ballots say too little for this rule
        found.append({"rule": rule, "order": outcome.order, "winners": outcome.winners})
    return found
