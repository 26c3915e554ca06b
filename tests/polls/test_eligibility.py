"""Rules about who may vote: one text each, every mistake named by its place, and judged as logic asks."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.errors import Invalid
from polls.eligibility.judging import Answer, Facts, age_on, judge
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
    facts_in,
    joined,
    read_rule,
    write_rule,
)

DAYS = st.dates(date(1900, 1, 1), date(2030, 12, 31))
WORDS = st.sampled_from(["North", "South", "ვარდისი", "الشمال", "a; b"])
YEARS = st.integers(0, 150)
FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(AgeAtLeast, YEARS, DAYS),
    st.builds(AgeAtMost, YEARS, DAYS),
    st.builds(lambda words: DistrictIn(tuple(sorted(words))), st.sets(WORDS, min_size=1)),
    st.builds(UsesService, WORDS),
    st.builds(MemberOf, WORDS),
    st.builds(AssuranceAtLeast, st.sampled_from([1, 2, 3])),
)
RULES: st.SearchStrategy[Rule] = st.recursive(
    FACTS,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(
            lambda name, of: joined(name, tuple(of)),
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        )
    ),
    max_leaves=6,
).filter(lambda rule: _depth(rule) <= 6)
SOMEBODY = st.builds(
    Facts,
    st.none() | DAYS,
    st.none() | WORDS,
    st.none() | st.frozensets(WORDS),
    st.none() | st.frozensets(WORDS),
    st.none() | st.sampled_from([0, 1, 2, 3]),
)
ADULT = {"age_at_least": {"on": "2027-03-01", "years": 18}}


def _depth(rule: Rule) -> int:
    match rule:
        case All() | Any_():
            return 1 + max(map(_depth, rule.of))
        case Not():
            return 1 + _depth(rule.of)
    return 0


@given(RULES)
def test_a_rule_comes_back_from_its_text(rule: Rule) -> None:
    assert read_rule(json.loads(json.dumps(write_rule(rule)))) == rule


@given(RULES, SOMEBODY)
def test_a_double_negation_changes_nothing(rule: Rule, facts: Facts) -> None:
    assert judge(Not(Not(rule)), facts) == judge(rule, facts)


@given(st.lists(RULES, min_size=1, max_size=4), SOMEBODY)
def test_not_all_is_one_not_and_the_other_way_round(rules: list[Rule], facts: Facts) -> None:
    of, refused = tuple(rules), tuple(Not(each) for each in rules)
    assert judge(Not(All(of)), facts) == judge(Any_(refused), facts)
    assert judge(Not(Any_(of)), facts) == judge(All(refused), facts)


@given(
    st.lists(RULES, min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from(["all", "any"]),
    SOMEBODY,
)
def test_the_order_of_members_does_not_matter(rules: list[Rule], random: object, name: str, facts: Facts) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    given_order = {name: [write_rule(each) for each in rules]}
    other_order = {name: [write_rule(each) for each in [*shuffled, shuffled[0]]]}
    with suppress(Invalid):  # too deep, once it is inside another
        assert read_rule(given_order) == read_rule(other_order)
    kind = {"all": All, "any": Any_}[name]
    assert judge(kind(tuple(rules)), facts) == judge(kind(tuple(shuffled)), facts)


@given(RULES, SOMEBODY, SOMEBODY)
def test_learning_more_never_turns_a_yes_or_a_no_round(rule: Rule, facts: Facts, more: Facts) -> None:
    before = judge(rule, facts)
    known = replace(facts, **{name: value for name, value in vars(more).items() if getattr(facts, name) is None})
    after = judge(rule, known)
    if before.answer is not Answer.UNKNOWN:
        assert after.answer is before.answer
    assert judge(Not(rule), facts).answer is {"yes": Answer.NO, "no": Answer.YES}.get(before.answer, Answer.UNKNOWN)


@given(RULES, SOMEBODY)
def test_what_stands_in_the_way_is_told_and_nothing_else(rule: Rule, facts: Facts) -> None:
    verdict = judge(rule, facts)
    assert bool(verdict.reasons) is (verdict.answer is not Answer.YES)
    assert {reason.is_known for reason in verdict.reasons} <= {verdict.answer is Answer.NO}
    assert {reason.fact for reason in verdict.reasons} <= set(facts_in(rule))
    if verdict.answer is Answer.NO and isinstance(rule, All):  # each reason alone suffices
        for reason in verdict.reasons:
            assert judge(reason.fact, facts, wanted=reason.wanted).answer is Answer.NO


def test_an_example_of_each_answer() -> None:
    rule = read_rule({"all": [ADULT, {"district_in": ["South", "North"]}, {"not": {"member_of": "Council"}}]})
    good = Facts(date(2009, 3, 1), "north", None, frozenset({"choir"}))
    assert judge(rule, good).answer is Answer.YES
    young = judge(rule, replace(good, born=date(2009, 3, 2)))
    assert (young.answer, [type(each.fact) for each in young.reasons]) == (Answer.NO, [AgeAtLeast])
    told_less = judge(rule, replace(good, born=None))
    assert (told_less.answer, [each.is_known for each in told_less.reasons]) == (Answer.UNKNOWN, [False])
    refused = judge(rule, replace(good, born=None, memberships=frozenset({"COUNCIL"})))  # no, whatever the age is
    assert (refused.answer, [each.wanted for each in refused.reasons]) == (Answer.NO, [False])


def test_who_was_born_on_a_leap_day_is_a_year_older_on_the_first_of_march() -> None:
    leap = date(2008, 2, 29)
    assert [age_on(leap, day) for day in (date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 29))] == [17, 18, 20]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, "the rule"),
        ({}, "the rule"),
        ({"all": [ADULT], "any": [ADULT]}, "the rule"),
        ({"height_at_least": 3}, "the rule"),
        ({"all": []}, "all"),
        ({"all": {"any": [ADULT]}}, "all"),
        ({"all": [ADULT] * 51}, "all"),
        ({"all": [ADULT, {"any": [{"not": "x"}]}]}, "all[2].any[1].not"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": ADULT}}}}}}}, "not.not.not.not.not.not.not"),
        ({"age_at_least": 18}, "age_at_least"),
        ({"age_at_least": ADULT["age_at_least"] | {"in": 1}}, "age_at_least"),
        ({"age_at_least": {"on": "2027-03-01", "years": "18"}}, "age_at_least.years"),
        ({"age_at_least": {"on": "2027-03-01", "years": True}}, "age_at_least.years"),
        ({"age_at_most": {"on": "2027-03-01", "years": 151}}, "age_at_most.years"),
        ({"all": [{"age_at_most": {"on": "20270301", "years": 7}}]}, "all[1].age_at_most.on"),
        ({"age_at_most": {"on": "2027-02-29", "years": 7}}, "age_at_most.on"),
        ({"district_in": "North"}, "district_in"),
        ({"district_in": ["North", "\n"]}, "district_in[2]"),
        ({"uses_service": ["buses"]}, "uses_service"),
        ({"member_of": "x" * 81}, "member_of"),
        ({"assurance_at_least": 4}, "assurance_at_least"),
    ],
)
def test_a_mistake_is_named_by_its_place(value: object, place: str) -> None:
    with pytest.raises(Invalid, match=r"rule\.malformed") as refused:
        read_rule(value)
    assert refused.value.facts["place"] == place
