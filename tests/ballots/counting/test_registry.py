"""The counting rules by name."""

from fractions import Fraction

import pytest

from ballots.counting import registry
from ballots.counting.contest import Contest, Grades, Money
from ballots.counting.types import Profile
from commons.errors import Invalid


def test_a_rule_is_found_by_its_name_and_says_it_in_the_outcome() -> None:
    grades = Grades.of("AB", [({"B": 1}, 1)])
    contest = Contest(Profile.of("AB", [([["B"], ["A"]], 1)]), grades, money=Money(Fraction(1), (Fraction(1),) * 2))
    assert [registry.count(name, contest).rule for name in registry.RULES] == list(registry.RULES)


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid) as refused:
        registry.count("dice", Contest(Profile.of("AB", [])))
    assert refused.value.code == "count.unknown_rule"
    assert refused.value.facts == {"name": "dice", "known": ", ".join(sorted(registry.RULES))}
