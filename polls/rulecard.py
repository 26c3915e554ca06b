"""The rule card: what was asked and how answers are counted, written down once; its hash shows any later change.

A `RuleCard` is for a vote that was held elsewhere and is brought in: its ballots were published by whoever held it, and
the card names that source. That of a sealed vote held here is in `polls/votecard.py`. Pure: no database.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from commons.canonical import digest, readable
from commons.errors import Invalid

FORMAT = "khma-rulecard-v0"
RULES = {
    "schulze": 1,
    "ranked-pairs": 1,
    "borda": 1,
    "irv": 1,
    "stv": 1,
    "plurality": 1,
    "approval": 1,
    "phragmen": 1,
    "score": 1,
    "star": 1,
    "majority-judgment": 1,
}
"""The counting rules that a card may name, and the version of each that is in force."""

GRADING = frozenset({"approval", "phragmen", "score", "star", "majority-judgment"})
"""The rules whose ballots are grades; a mark of approval is a grade of 1."""

SEATED = frozenset({"stv", "approval", "phragmen"})
"""The rules that can fill seats; the first one must be told how many."""

TERMS: Mapping[str, Mapping[str, str | int | bool]] = {
    "irv": {"overvote": "exhaust", "batch": False},
    "stv": {"overvote": "exhaust", "batch": False, "transfer": "scottish", "decimals": 5, "tiebreak_seed": ""},
    "approval": {"tiebreak_seed": ""},
    "phragmen": {"tiebreak_seed": ""},
    "star": {"tiebreak_seed": ""},
}
"""The variants of a rule that are in force on every card; a rule that is not here leaves no choice."""

PARTIAL_BELOW = "left out is below all ranked"
PARTIAL_NO_OPINION = "left out is no opinion"
PARTIAL_LOWEST = "left out has the lowest grade"
FIXED = {
    "kind": "brought in",
    "blank": "takes part, compares nothing",
    "equal": "allowed",
    "skipped": "closed up",
    "ties": "shown as ties",
    "published_ballots": "as published by the source",
}
"""Entries that are the same on every card of this kind; each is a fixed word, not free text. These are the words for
rules that compare options; `_fixed` changes those that other rules see otherwise."""

_PASSED_ON = {"blank": "takes part, is no vote", "equal": "as overvote says"}
_CHANGED: Mapping[str, Mapping[str, str]] = {
    "irv": _PASSED_ON | {"ties": "left out together where comparisons leave them equal"},
    "stv": _PASSED_ON | {"ties": "broken by earlier stages, then by lot"},
    "plurality": {"blank": "takes part, is no vote", "equal": "in the first place: counts for nobody"},
}
_GRADED = {"blank": "takes part, grades nothing"}

LONGEST_TITLE = 200
LONGEST_QUESTION = 1000
LONGEST_SOURCE = 200
LONGEST_URL = 500
_URL = re.compile(r"https?://[^\s/?#\"<>]+[^\s\"<>]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class RuleCard:
    """What was asked, of which options, by which rule, and where the ballots come from.

    titles, questions: language code -> text; at least one title.
    options:           names as on the ballot, in its order.
    partial:           PARTIAL_BELOW, PARTIAL_NO_OPINION, or PARTIAL_LOWEST where ballots are grades.
    seats:             how many are to be elected; None where the rule only puts in order.
    Raises:            Invalid, with the name of the form field that is wrong, such as "title_en" or "source_url".
    """

    titles: Mapping[str, str]
    questions: Mapping[str, str]
    options: tuple[str, ...]
    rule: str
    partial: str
    source_name: str
    source_url: str
    held_on: date
    seats: int | None = None

    def __post_init__(self) -> None:
        _check_texts("title", self.titles, LONGEST_TITLE)
        _check_texts("question", self.questions, LONGEST_QUESTION)
        _check_length("source_name", self.source_name, LONGEST_SOURCE)
        _check_length("source_url", self.source_url, LONGEST_URL)
        if not self.titles:
            raise Invalid("text.missing", field="title_en")
        if not self.source_name:
            raise Invalid("text.missing", field="source_name")
        if not _URL.fullmatch(self.source_url):
            raise Invalid("url.malformed", field="source_url")
        if self.rule not in RULES:
            raise Invalid("count.unknown_rule", field="rule", name=self.rule, known=", ".join(sorted(RULES)))
        _check_seats(self.rule, self.seats, len(self.options))

    @classmethod
    def brought_in(
        cls,
        *,
        titles: Mapping[str, str],
        questions: Mapping[str, str],
        options: Sequence[str],
        rule: str,
        implicit: bool,
        source_name: str,
        source_url: str,
        held_on: date,
        today: date,
        seats: int | None = None,
    ) -> Self:
        """Make the card of a vote held elsewhere, from what a person typed: blanks at the ends go, empty texts too.

        implicit: how the ballots mean an option that is left out: True = below all ranked, False = no opinion.
        Raises:   Invalid, with the name of the form field; "result.held_in_future" for a day after today.
        """
        if held_on > today:
            raise Invalid("result.held_in_future", field="held_on", today=today.isoformat())
        return cls(
            titles=_trimmed(titles),
            questions=_trimmed(questions),
            options=tuple(options),
            rule=rule,
            partial=_partial_words(rule)[0 if implicit else -1],
            source_name=source_name.strip(),
            source_url=source_url.strip(),
            held_on=held_on,
            seats=seats,
        )

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a card from the value that `as_json` gave; anything else is refused.

        Raises: Invalid "card.malformed" naming the first entry that is wrong, or as the constructor.
        """
        entries = value if isinstance(value, dict) else {}
        source = entries.get("source")
        source = source if isinstance(source, dict) else {}
        try:
            card = cls(
                titles=_texts_of(entries, "titles"),
                questions=_texts_of(entries, "questions"),
                options=tuple(entries.get("options") or ()),
                rule=str(entries.get("rule")),
                partial=str(entries.get("partial")),
                source_name=str(source.get("name")),
                source_url=str(source.get("url")),
                held_on=date.fromisoformat(str(source.get("held_on"))),
                seats=entries.get("seats"),
            )
        except (TypeError, ValueError) as reason:
            raise Invalid("card.malformed", part=str(reason)) from reason
        written = card.as_json()
        for name in sorted({*map(str, entries), *written}):
            if name not in entries or name not in written or entries[name] != written[name]:
                raise Invalid("card.malformed", part=name)
        if card.partial not in _partial_words(card.rule):
            raise Invalid("card.malformed", part="partial")
        names = set(card.options)
        if not names or len(names) < len(card.options) or not all(isinstance(name, str) for name in names):
            raise Invalid("card.malformed", part="options")
        return card

    @property
    def implicit(self) -> bool:
        """Whether an option that is left out counts as below all ranked ones."""
        return self.partial != PARTIAL_NO_OPINION

    @property
    def terms(self) -> dict[str, Any]:
        """The variants of the rule that are in force, by name: `TERMS`, the seats, what is done with who is left out.

        Where rankings say themselves what they mean by leaving out, that is no variant.
        """
        seats = {} if self.seats is None else {"seats": self.seats}
        unranked = {"unranked": "last" if self.implicit else "ignored"} if self.rule == "score" else {}
        return {**TERMS.get(self.rule, {}), **seats, **unranked}

    def as_json(self) -> dict[str, Any]:
        """Return the card as texts, numbers, lists and dicts."""
        terms = {name: value for name, value in self.terms.items() if name != "unranked"}  # `partial` says that
        return (
            _fixed(self.rule)
            | terms
            | {
                "format": FORMAT,
                "titles": dict(self.titles),
                "questions": dict(self.questions),
                "options": list(self.options),
                "rule": self.rule,
                "rule_version": RULES[self.rule],
                "partial": self.partial,
                "source": {"name": self.source_name, "url": self.source_url, "held_on": self.held_on.isoformat()},
            }
        )

    def bytes(self) -> bytes:
        """Write the file `card.json`."""
        return readable(self.as_json())

    def hash(self) -> str:
        """Return 64 hex digits: the digest of the card's bytes under the tag "khma-rulecard-v0"."""
        return digest(FORMAT, self.bytes()).hex()


def _fixed(rule: str) -> dict[str, str]:
    """Find the fixed words of a rule's cards; grades know no equal places, and none that were skipped."""
    if rule in GRADING:
        return {name: word for name, word in FIXED.items() if name not in {"equal", "skipped"}} | _GRADED
    return {**FIXED, **_CHANGED.get(rule, {})}


def _partial_words(rule: str) -> tuple[str, ...]:
    """Tell what may be meant by leaving an option out; the mean of points alone can pass over who gave none."""
    if rule not in GRADING:
        return PARTIAL_BELOW, PARTIAL_NO_OPINION
    return (PARTIAL_LOWEST, PARTIAL_NO_OPINION) if rule == "score" else (PARTIAL_LOWEST,)


def _check_seats(rule: str, seats: object, options: int) -> None:
    if seats is None and rule == "stv":
        raise Invalid("count.seats_missing", field="seats", limit=options)
    if seats is None:
        return
    if rule not in SEATED:
        raise Invalid("count.variant", field="seats", name="seats", rule=rule)
    if not isinstance(seats, int) or isinstance(seats, bool) or not 1 <= seats <= options:
        raise Invalid("count.seats", field="seats", found=str(seats)[:20], limit=options)


def _trimmed(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: text.strip() for language, text in texts.items() if text.strip()}


def _texts_of(entries: Mapping[str, Any], name: str) -> dict[str, str]:
    texts = entries.get(name)
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise TypeError(name)
    return texts


def _check_texts(field: str, texts: Mapping[str, str], limit: int) -> None:
    for language, text in texts.items():
        if not _LANGUAGE.fullmatch(language):
            raise Invalid("language.unknown", field=field, language=language)
        if not text:
            raise Invalid("text.missing", field=f"{field}_{language}")
        _check_length(f"{field}_{language}", text, limit)


def _check_length(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise Invalid("text.too_long", field=field, limit=limit, found=len(text))
