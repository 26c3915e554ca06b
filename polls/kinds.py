"""The kinds of ballots, which rule counts which, and what one ballot may say. Pure.

Every ballot says one number for each choice, 0 where it is left out: a rank, a mark, a grade, points. So ballots of all
kinds have one shape, and those of one vote have one length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commons.errors import Invalid

MOST_RANKED_EVER = 12
GRADES = 6
"""The grades of a scale: 0 to 5, or six words from "to reject" to "excellent". A ballot says 1 to 6; 0 is no grade."""
MOST_POINTS = 99
MOST_SEATS = 20
MOST_MONEY = 1_000_000_000_000


class Kind(StrEnum):
    """How one fills in a ballot."""

    SINGLE = "single choice"
    APPROVAL = "approval"
    RANKING = "ranking"
    GRADES = "grades"
    BUDGET = "budget"  # approve projects, together within what there is
    POINTS = "points"  # share points out among projects


@dataclass(frozen=True)
class Counting:
    """What a rule of counting needs of the ballots. version: the one in force. equal: whether equal ranks can be."""

    kind: Kind
    version: int = 1
    equal: bool = False
    has_seats: bool = False


RULES: Mapping[str, Counting] = {
    "schulze": Counting(Kind.RANKING, equal=True),
    "ranked-pairs": Counting(Kind.RANKING, equal=True),
    "borda": Counting(Kind.RANKING, equal=True),
    "irv": Counting(Kind.RANKING),
    "stv": Counting(Kind.RANKING, has_seats=True),
    "plurality": Counting(Kind.SINGLE),
    "approval": Counting(Kind.APPROVAL),
    "phragmen": Counting(Kind.APPROVAL),
    "score": Counting(Kind.GRADES),
    "star": Counting(Kind.GRADES),
    "majority-judgment": Counting(Kind.GRADES),
    "equal-shares": Counting(Kind.BUDGET),
    "greedy": Counting(Kind.BUDGET),
}
"""The rules by which a vote held here can be counted."""


@dataclass(frozen=True)
class Paper:
    """What one ballot may say.

    options: their numbers, in the order of the card.
    highest: the largest number that one choice can get: places, 1 for a mark, GRADES, points.
    equal:   whether two choices may get the same place.
    most:    the sum that a ballot may not pass: marks, points, or money; None = no limit.
    costs:   of each option, and budget: what there is to spend, where a budget is shared.
    """

    kind: Kind
    options: tuple[int, ...]
    highest: int
    equal: bool = True
    most: int | None = None
    costs: tuple[int, ...] = ()
    budget: int | None = None


def paper_of(rule: str, options: Sequence[Mapping[str, Any]], most_ranked: int, terms: Mapping[str, Any]) -> Paper:
    """Work out what a ballot of a vote may say.

    options: as a poll keeps them, each with "id", and "cost" where there is a budget.
    terms:   what the rule is given besides: "equal", "points", "budget".
    """
    ids = tuple(int(option["id"]) for option in options)
    match kind_of(rule, terms):
        case Kind.RANKING:
            return Paper(Kind.RANKING, ids, most_ranked, equal=bool(terms.get("equal")))
        case Kind.GRADES:
            return Paper(Kind.GRADES, ids, GRADES)
        case Kind.SINGLE:
            return Paper(Kind.SINGLE, ids, 1, most=1)
        case Kind.POINTS:
            return Paper(
                Kind.POINTS, ids, terms["points"], most=terms["points"], costs=_costs(options), budget=terms["budget"]
            )
        case Kind.BUDGET:
            return Paper(Kind.BUDGET, ids, 1, most=terms["budget"], costs=_costs(options), budget=terms["budget"])
    return Paper(Kind.APPROVAL, ids, 1)


def kind_of(rule: str, terms: Mapping[str, Any]) -> Kind:
    """Tell how ballots of a vote are filled in: a budget may be chosen by marks, or by points."""
    kind = RULES[rule].kind
    return Kind.POINTS if kind is Kind.BUDGET and "points" in terms else kind


def check_terms(rule: str, terms: Mapping[str, Any], options: int) -> dict[str, Any]:
    """Check what a rule is given besides, and leave out what makes no difference to it.

    Returns: "equal": True; "seats"; "budget" and maybe "points"; or nothing.
    Raises:  Invalid "terms.seats", "terms.budget", "terms.points", each with its field and limit.
    """
    counting, kept = RULES[rule], dict[str, Any]()
    if counting.equal and terms.get("equal"):
        kept["equal"] = True
    if counting.has_seats:
        kept["seats"], most = terms.get("seats"), min(MOST_SEATS, options - 1)
        if not _is_within(kept["seats"], 1, most):
            raise Invalid("terms.seats", field="seats", least=1, limit=most)
    if counting.kind is Kind.BUDGET:
        kept["budget"] = terms.get("budget")
        if not _is_within(kept["budget"], 1, MOST_MONEY):
            raise Invalid("terms.budget", field="budget", least=1, limit=MOST_MONEY)
        if terms.get("points"):
            kept["points"] = terms["points"]
            if not _is_within(kept["points"], 2, MOST_POINTS):
                raise Invalid("terms.points", field="points", least=2, limit=MOST_POINTS)
    return kept


def check_cost(cost: object, field: str) -> int:
    """Check what a project costs, in whole units of money. Raises Invalid "terms.cost" with the field."""
    if type(cost) is not int or not 1 <= cost <= MOST_MONEY:
        raise Invalid("terms.cost", field=field, limit=MOST_MONEY)
    return cost


def _is_within(number: object, least: int, most: int) -> bool:
    return type(number) is int and least <= number <= most


def _costs(options: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    return tuple(int(option["cost"]) for option in options)
