"""The rules that a form can ask for: some of five fields, all of which must hold. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from commons.errors import Invalid
from polls.eligibility.rules import AgeAtLeast, DistrictIn, MemberOf, Rule, UsesService, joined, read_rule, write_rule

FIELDS = ("min_age", "age_on", "districts", "service", "membership")


def rule_typed(typed: Mapping[str, str], day: date) -> dict[str, Any] | None:
    """Read the form's fields.

    day:     on which the age counts where the field for it was left empty.
    Returns: the rule as it is written down; None where nothing was typed.
    Raises:  Invalid "rule.age", "rule.day" or "rule.word" for the field.
    """
    age, on, districts, service, membership = (typed.get(name, "").strip() for name in FIELDS)
    parts: list[tuple[str, dict[str, object]]] = []
    if age:
        years = int(age) if age.isascii() and age.isdigit() and len(age) <= 3 else age
        parts.append(("min_age", {"age_at_least": {"on": on or day.isoformat(), "years": years}}))
    if districts:
        parts.append(("districts", {"district_in": [word for word in districts.split(";") if word.strip()]}))
    if service:
        parts.append(("service", {"uses_service": service}))
    if membership:
        parts.append(("membership", {"member_of": membership}))
    rules = [_read(field, part) for field, part in parts]
    if not rules:
        return None
    return write_rule(rules[0] if len(rules) == 1 else joined("all", tuple(rules)))


def _read(field: str, part: dict[str, object]) -> Rule:
    try:
        return read_rule(part)
    except Invalid as wrong:
        if str(wrong.facts["place"]).endswith(".on"):
            raise Invalid("rule.day", field="age_on") from wrong
        if field == "min_age":
            raise Invalid("rule.age", field=field) from wrong
        raise Invalid("rule.word", field=field) from wrong


def typed_of(eligibility: Mapping[str, Any] | None) -> dict[str, str]:
    """Fill the form's fields in with a rule that came from them."""
    typed: dict[str, str] = {}
    if eligibility is None:
        return typed
    rule = read_rule(eligibility)
    for part in getattr(rule, "of", (rule,)):
        match part:
            case AgeAtLeast():
                typed |= {"min_age": str(part.years), "age_on": part.on.isoformat()}
            case DistrictIn():
                typed["districts"] = "; ".join(part.districts)
            case UsesService():
                typed["service"] = part.service
            case MemberOf():
                typed["membership"] = part.body
    return typed
