"""Whether a rule lets somebody vote: yes, no, or unknown because a fact is missing; and which parts decide it. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from commons.canonical import canonical
from polls.eligibility.rules import (
    AgeAtLeast,
    AgeAtMost,
    All,
    Any_,
    AssuranceAtLeast,
    DistrictIn,
    Fact,
    MemberOf,
    Not,
    Rule,
    UsesService,
    write_rule,
)


class Answer(StrEnum):
    """What comes out."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Facts:
    """What is known of somebody; None: it is not known. An empty set of services means: none, and that is known."""

    born: date | None = None
    district: str | None = None
    services: frozenset[str] | None = None
    memberships: frozenset[str] | None = None
    level: int | None = None


@dataclass(frozen=True)
class Reason:
    """One part that stands in the way. wanted: whether it must hold, or must not. is_known: whether the fact is."""

    fact: Fact
    wanted: bool
    is_known: bool


@dataclass(frozen=True)
class Verdict:
    """An answer, and what stands in the way of a yes: none for a yes."""

    answer: Answer
    reasons: tuple[Reason, ...] = ()


def judge(rule: Rule, facts: Facts, *, wanted: bool = True) -> Verdict:
    """Judge somebody by a rule.

    wanted:  False asks whether the rule does not hold, which is what `not` does to what it holds.
    Returns: the reasons of a `no` are what stands in the way, of an `unknown` what is missing; each once, in one order,
             however the rule was written.
    Cost:    O(parts of the rule).
    """
    match rule:
        case Not():
            return judge(rule.of, facts, wanted=not wanted)
        case All() | Any_():
            verdicts = [judge(each, facts, wanted=wanted) for each in rule.of]
            return _all_of(verdicts) if isinstance(rule, All) is wanted else _one_of(verdicts)
    holds = _holds(rule, facts)
    if holds is wanted:
        return Verdict(Answer.YES)
    answer = Answer.UNKNOWN if holds is None else Answer.NO
    return Verdict(answer, (Reason(rule, wanted, holds is not None),))


def _all_of(verdicts: list[Verdict]) -> Verdict:
    for answer in (Answer.NO, Answer.UNKNOWN):
        if found := [each for each in verdicts if each.answer is answer]:
            return Verdict(answer, _together(found))
    return Verdict(Answer.YES)


def _one_of(verdicts: list[Verdict]) -> Verdict:
    for answer in (Answer.YES, Answer.UNKNOWN):
        if found := [each for each in verdicts if each.answer is answer]:
            return Verdict(answer, _together(found))
    return Verdict(Answer.NO, _together(verdicts))


def _together(verdicts: list[Verdict]) -> tuple[Reason, ...]:
    reasons = {reason for each in verdicts for reason in each.reasons}
    return tuple(sorted(reasons, key=lambda reason: (canonical(write_rule(reason.fact)), reason.wanted)))


def _holds(rule: Fact, facts: Facts) -> bool | None:
    """Tell whether a rule about one fact holds; None where the fact is missing."""
    match rule:
        case AgeAtLeast():
            return None if facts.born is None else age_on(facts.born, rule.on) >= rule.years
        case AgeAtMost():
            return None if facts.born is None else age_on(facts.born, rule.on) <= rule.years
        case DistrictIn():
            return None if facts.district is None else key_of_word(facts.district) in map(key_of_word, rule.districts)
        case UsesService():
            return None if facts.services is None else key_of_word(rule.service) in map(key_of_word, facts.services)
        case MemberOf():
            return None if facts.memberships is None else key_of_word(rule.body) in map(key_of_word, facts.memberships)
        case AssuranceAtLeast():
            return None if facts.level is None else facts.level >= rule.level


def age_on(born: date, day: date) -> int:
    """Count the whole years of somebody on a day; who was born on 29 February has them from 1 March on."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def key_of_word(word: str) -> str:
    """Bring a word into the spelling by which two of them are compared: case and width do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
