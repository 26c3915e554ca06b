"""The rule card: a known card byte for byte, any card back again, and each wrong entry by its name."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from commons.errors import Invalid
from polls.rulecard import LONGEST_QUESTION, LONGEST_SOURCE, LONGEST_TITLE, LONGEST_URL, RuleCard

PUBLISHED = Path(__file__).parents[1] / "vectors" / "archive-v0" / "sound" / "card.json"
TODAY = date(2026, 11, 21)
ENTERED: dict[str, Any] = {
    "titles": {"en": " What the town needs first ", "ka": "რა სჭირდება ქალაქს პირველ რიგში", "fr": "  "},
    "questions": {"en": "Put the services in your order."},
    "options": ["Library", "Swimming pool", "=Bus 7", "საზაფხულო სკოლა"],
    "rule": "schulze",
    "implicit": True,
    "source_name": " Town Hall of Example",
    "source_url": "https://example.org/votes/2024/services ",
    "held_on": date(2024, 5, 12),
    "today": TODAY,
}


def entries() -> dict[str, Any]:
    card: dict[str, Any] = json.loads(PUBLISHED.read_bytes())
    return card


def test_what_was_typed_becomes_the_published_card() -> None:
    card = RuleCard.brought_in(**ENTERED)
    assert card.bytes() == PUBLISHED.read_bytes()
    assert card.hash() == "c12a7a1aa531a79aaea4c3f3a77e3b52e0e0f901646e69f014c11bcde2e9f315"


def test_a_vote_may_have_been_held_today_but_not_tomorrow() -> None:
    RuleCard.brought_in(**ENTERED | {"held_on": TODAY})
    with pytest.raises(Invalid, match="held_in_future") as refused:
        RuleCard.brought_in(**ENTERED | {"held_on": date(2026, 11, 22)})
    assert (refused.value.field, refused.value.facts) == ("held_on", {"today": "2026-11-21"})


texts = st.dictionaries(st.sampled_from(["en", "fr", "ka", "ar"]), st.text(min_size=1, max_size=LONGEST_TITLE))
readable_texts = texts.map(lambda drawn: {code: text for code, text in drawn.items() if text.isprintable()})


@given(
    readable_texts,
    readable_texts,
    st.lists(st.text(st.characters(codec="utf-8")), min_size=1, unique=True),
    st.booleans(),
)
def test_a_card_is_read_back_from_its_file(
    titles: dict[str, str], questions: dict[str, str], options: list[str], implicit: bool
) -> None:
    given_texts = {"titles": titles | {"en": "A title"}, "questions": questions}
    card = RuleCard.brought_in(**ENTERED | given_texts | {"options": options, "implicit": implicit})
    again = RuleCard.from_json(json.loads(card.bytes()))
    assert (again, again.hash(), again.implicit) == (card, card.hash(), implicit)


@given(st.sampled_from(sorted(entries())), st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_no_entry_can_be_changed_into_nonsense(name: str, value: object) -> None:
    assume(value != entries()[name])
    with pytest.raises(Invalid):
        RuleCard.from_json(entries() | {name: value})


@pytest.mark.parametrize("name", sorted(entries()))
def test_no_entry_can_be_left_out(name: str) -> None:
    with pytest.raises(Invalid):
        RuleCard.from_json({each: value for each, value in entries().items() if each != name})


@pytest.mark.parametrize("value", [None, [], "card", {}, {"titles": {"en": 1}}, entries() | {"note": "mine"}])
def test_what_is_no_card_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        RuleCard.from_json(value)


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"titles": {"fr": "\n"}}, "title_en", "text.missing"),
        ({"titles": {"en": "x" * (LONGEST_TITLE + 1)}}, "title_en", "text.too_long"),
        ({"titles": {"English": "x"}}, "title", "language.unknown"),
        ({"questions": {"en": "x" * (LONGEST_QUESTION + 1)}}, "question_en", "text.too_long"),
        ({"source_name": "  "}, "source_name", "text.missing"),
        ({"source_name": "x" * (LONGEST_SOURCE + 1)}, "source_name", "text.too_long"),
        ({"source_url": ""}, "source_url", "url.malformed"),
        ({"source_url": "javascript:alert(1)"}, "source_url", "url.malformed"),
        ({"source_url": "https:///votes"}, "source_url", "url.malformed"),
        ({"source_url": "https://example.org/a b"}, "source_url", "url.malformed"),
        ({"source_url": "https://example.org/" + "x" * LONGEST_URL}, "source_url", "text.too_long"),
        ({"rule": "coin"}, "rule", "count.unknown_rule"),
    ],
)
def test_each_wrong_field_is_named(changed: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        RuleCard.brought_in(**ENTERED | changed)
    assert (refused.value.field, refused.value.code) == (field, code)
