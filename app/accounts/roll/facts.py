"""What a list may tell of a person beside their name, as far as a rule of a vote asks for it. Pure.

A column of the list is read only where a vote with this roll needs it; of services and memberships only those stay that
a rule names. A cell that says nothing of birth or district leaves that unknown; of services it says: none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from polls.eligibility.judging import Answer, Facts, judge, key_of_word
from polls.eligibility.rules import AgeAtLeast, AgeAtMost, DistrictIn, MemberOf, Rule, UsesService, facts_in, read_rule

BORN = frozenset(
    {"born", "date of birth", "birthday", "né le", "date de naissance", "დაბადების თარიღი", "تاريخ الميلاد"}
)
DISTRICT = frozenset({"district", "quartier", "arrondissement", "უბანი", "რაიონი", "الحي", "المنطقة"})
SERVICES = frozenset({"services", "service", "სერვისები", "მომსახურება", "الخدمات"})
MEMBERSHIPS = frozenset({"memberships", "membership", "member of", "adhésions", "membre de", "წევრობა", "العضويات"})
COLUMNS = (BORN, DISTRICT, SERVICES, MEMBERSHIPS)
"""What a heading may call them, in the languages of this house, in the order in which cells are given here."""
NAMED = ("born", "district", "services", "memberships")
"""The same, as a page names them."""

EARLIEST = 1850
_DAY = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))")

Kept = dict[str, Any]
"""What stays with a line, as far as it is needed: born (a day as text), district, services and memberships (lists)."""


@dataclass(frozen=True)
class Needs:
    """What the rules of some votes ask of a person. services, memberships: spellings by which words are compared."""

    born: bool = False
    district: bool = False
    services: frozenset[str] = frozenset()
    memberships: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[bool, bool, bool, bool]:
        """Which of COLUMNS are read."""
        return self.born, self.district, bool(self.services), bool(self.memberships)


NOTHING = Needs()


def needs_of(rules: Iterable[Rule]) -> Needs:
    """Work out what rules need to know."""
    parts = [part for rule in rules for part in facts_in(rule)]
    return Needs(
        any(isinstance(part, AgeAtLeast | AgeAtMost) for part in parts),
        any(isinstance(part, DistrictIn) for part in parts),
        frozenset(key_of_word(part.service) for part in parts if isinstance(part, UsesService)),
        frozenset(key_of_word(part.body) for part in parts if isinstance(part, MemberOf)),
    )


def read_facts(cells: Sequence[str | None], needs: Needs) -> Kept | None:
    """Read what a line of a list tells.

    cells:   in the order of COLUMNS, tidied; None where the list has no such column.
    Returns: None where it tells nothing that is needed.
    Raises:  ValueError for a day of birth that is none.
    """
    born, district, services, memberships = (
        cell if is_read else None for cell, is_read in zip(cells, needs.columns, strict=True)
    )
    kept: Kept = {"born": _day(born).isoformat()} if born else {}
    kept |= {"district": district} if district else {}
    kept |= {} if services is None else {"services": _named(services, needs.services)}
    kept |= {} if memberships is None else {"memberships": _named(memberships, needs.memberships)}
    return kept or None


def facts_of(kept: Mapping[str, Any] | None) -> Facts:
    """Read what stayed with a line, to be judged."""
    told = kept or {}
    services, memberships = told.get("services"), told.get("memberships")
    return Facts(
        date.fromisoformat(told["born"]) if "born" in told else None,
        told.get("district"),
        None if services is None else frozenset(services),
        None if memberships is None else frozenset(memberships),
    )


def rule_of(eligibility: Mapping[str, Any] | None) -> Rule | None:
    """Read the rule of a vote as its row has it; None where it has none."""
    return None if eligibility is None else read_rule(eligibility)


def fits(rule: Rule | None, kept: Mapping[str, Any] | None) -> bool:
    """Tell whether a rule lets a line vote: where a fact is missing, it does not; without a rule everybody may."""
    return rule is None or judge(rule, facts_of(kept)).answer is Answer.YES


def _day(text: str) -> date:
    """Read a day: 1990-01-31 as programs write it, or 31.1.1990."""
    if (found := _DAY.fullmatch(text)) is None:
        raise ValueError(text)
    year, month, day = found[1] or found[6], found[2] or found[5], found[3] or found[4]
    if int(year) < EARLIEST:
        raise ValueError(text)
    return date(int(year), int(month), int(day))


def _named(cell: str, wanted: frozenset[str]) -> list[str]:
    return sorted({word for part in cell.split(";") if key_of_word(word := part.strip()) in wanted})
