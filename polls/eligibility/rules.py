"""A rule about who may vote: what it says, how it is written, a reader that names the place of a mistake. Pure.

    {"all": [{"age_at_least": {"on": "2027-03-01", "years": 18}}, {"district_in": ["North", "South"]}]}

An object has one entry, and its name says what it is. `all` and `any` hold rules, `not` holds one; the others are about
one fact. Members stand in one order, each once, so that one rule has one text, whoever wrote it down first.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from commons.canonical import canonical
from commons.errors import Invalid

MOST_MEMBERS = 50
DEEPEST = 6
OLDEST = 150
LONGEST_WORD = 80
LEVELS = (1, 2, 3)


@dataclass(frozen=True)
class AgeAtLeast:
    """So many whole years old on a day, or more."""

    years: int
    on: date


@dataclass(frozen=True)
class AgeAtMost:
    """So many whole years old on a day, or fewer."""

    years: int
    on: date


@dataclass(frozen=True)
class DistrictIn:
    """Living in one of these districts."""

    districts: tuple[str, ...]


@dataclass(frozen=True)
class UsesService:
    """Using a service."""

    service: str


@dataclass(frozen=True)
class MemberOf:
    """Being a member of a body."""

    body: str


@dataclass(frozen=True)
class AssuranceAtLeast:
    """Being known as surely as a level says, 1 to 3."""

    level: int


Fact = AgeAtLeast | AgeAtMost | DistrictIn | UsesService | MemberOf | AssuranceAtLeast
"""A rule about one fact."""


@dataclass(frozen=True)
class All:
    """All of these."""

    of: tuple["Rule", ...]


@dataclass(frozen=True)
class Any_:  # noqa: N801 - the other name is taken by Python
    """At least one of these."""

    of: tuple["Rule", ...]


@dataclass(frozen=True)
class Not:
    """Not this."""

    of: "Rule"


Rule = Fact | All | Any_ | Not

NAMES: dict[type[Rule], str] = {
    All: "all",
    Any_: "any",
    Not: "not",
    AgeAtLeast: "age_at_least",
    AgeAtMost: "age_at_most",
    DistrictIn: "district_in",
    UsesService: "uses_service",
    MemberOf: "member_of",
    AssuranceAtLeast: "assurance_at_least",
}
FACTS = tuple(NAMES.values())[3:]


def read_rule(value: object, place: str = "", depth: int = 0) -> Rule:
    """Read a rule from the value of its JSON.

    place:   where it stands in a larger one, such as `all[2].not`.
    Returns: members of `all`, `any` and `district_in` in their one order, each once.
    Raises:  Invalid "rule.malformed" with the place, what was expected there, and what was found.
    """
    if not isinstance(value, dict) or len(value) != 1:
        raise _wrong(place, "an object with one entry", value)
    if depth > DEEPEST:
        raise _wrong(place, f"at most {DEEPEST} rules inside one another", "one more")
    ((name, inner),) = value.items()
    here = f"{place}.{name}" if place else str(name)
    if name in {"all", "any"}:
        members = _list(inner, here)
        read = (read_rule(each, f"{here}[{number}]", depth + 1) for number, each in enumerate(members, start=1))
        return joined(name, tuple(read))
    if name == "not":
        return Not(read_rule(inner, here, depth + 1))
    if name not in FACTS:
        raise _wrong(place, f"all, any, not, {', '.join(FACTS)}", name)
    return _read_fact(name, inner, here)


def _read_fact(name: str, inner: object, here: str) -> Fact:
    if name == "district_in":
        words = {_word(each, f"{here}[{number}]") for number, each in enumerate(_list(inner, here), start=1)}
        return DistrictIn(tuple(sorted(words)))
    if name == "uses_service":
        return UsesService(_word(inner, here))
    if name == "member_of":
        return MemberOf(_word(inner, here))
    if name == "assurance_at_least":
        return AssuranceAtLeast(_number(inner, LEVELS, here))
    if not isinstance(inner, dict) or set(inner) != {"on", "years"}:
        raise _wrong(here, "the entries on and years", inner)
    years, day = _number(inner["years"], range(OLDEST + 1), f"{here}.years"), _day(inner["on"], f"{here}.on")
    return AgeAtLeast(years, day) if name == "age_at_least" else AgeAtMost(years, day)


def write_rule(rule: Rule) -> dict[str, Any]:
    """Write a rule as texts, numbers, lists and dicts: what `read_rule` reads."""
    inner: Any
    match rule:
        case All() | Any_():
            inner = [write_rule(each) for each in rule.of]
        case Not():
            inner = write_rule(rule.of)
        case AgeAtLeast() | AgeAtMost():
            inner = {"on": rule.on.isoformat(), "years": rule.years}
        case DistrictIn():
            inner = list(rule.districts)
        case UsesService():
            inner = rule.service
        case MemberOf():
            inner = rule.body
        case AssuranceAtLeast():
            inner = rule.level
    return {NAMES[type(rule)]: inner}


def joined(name: str, members: tuple[Rule, ...]) -> All | Any_:
    """Join rules by `all` or `any`: in their one order, each once."""
    texts = {canonical(write_rule(each)): each for each in members}
    of = tuple(texts[text] for text in sorted(texts))
    return All(of) if name == "all" else Any_(of)


def facts_in(rule: Rule) -> list[Fact]:
    """List the rules about one fact that a rule is made of, each once."""
    match rule:
        case All() | Any_():
            return list(dict.fromkeys(fact for each in rule.of for fact in facts_in(each)))
        case Not():
            return facts_in(rule.of)
    return [rule]


def _list(value: object, place: str) -> list[object]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_MEMBERS:
        raise _wrong(place, f"a list of 1 to {MOST_MEMBERS}", value)
    return value


def _number(value: object, allowed: "range | tuple[int, ...]", place: str) -> int:
    if type(value) is not int or value not in allowed:
        raise _wrong(place, f"a whole number from {allowed[0]} to {allowed[-1]}", value)
    return value


def _day(value: object, place: str) -> date:
    try:
        day = date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise _wrong(place, "a day such as 2027-03-01", value) from None
    if day.isoformat() != value:  # Python reads other ways of writing a day, too
        raise _wrong(place, "a day such as 2027-03-01", value)
    return day


def _word(value: object, place: str) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value.strip() or len(value) > LONGEST_WORD:
        raise _wrong(place, f"a word of at most {LONGEST_WORD} signs", value)
    return unicodedata.normalize("NFC", " ".join(value.split()))


def _wrong(place: str, expected: str, found: object) -> Invalid:
    return Invalid("rule.malformed", place=place or "the rule", expected=expected, found=str(found)[:80])
