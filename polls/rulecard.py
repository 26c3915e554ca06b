"""The rule card: what was asked and how answers are counted, written down once; its hash shows any later change.

There are two kinds. A `RuleCard` is for a vote that was held elsewhere and is brought in: its ballots were published by
whoever held it, and the card names that source. A `VoteCard` is for a sealed vote held here. Pure: no database.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self
from uuid import UUID

from commons.canonical import digest, readable
from commons.errors import Invalid
from commons.naming import text_in
from polls.eligibility.rules import read_rule, write_rule

FORMAT = "khma-rulecard-v0"
RULES = {"schulze": 1}
"""The counting rules that a card may name, and the version of each that is in force."""

PARTIAL_BELOW = "left out is below all ranked"
PARTIAL_NO_OPINION = "left out is no opinion"
FIXED = {
    "kind": "brought in",
    "blank": "takes part, compares nothing",
    "equal": "allowed",
    "skipped": "closed up",
    "ties": "shown as ties",
    "published_ballots": "as published by the source",
}
"""Entries that are the same on every card of this kind; each is a fixed word, not free text."""

LONGEST_TITLE = 200
LONGEST_QUESTION = 1000
LONGEST_SOURCE = 200
LONGEST_URL = 500
_URL = re.compile(r"https?://[^\s/?#\"<>]+[^\s\"<>]*")
_KEY = re.compile(r"[0-9a-f]{64}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class RuleCard:
    """What was asked, of which options, by which rule, and where the ballots come from.

    titles, questions: language code -> text; at least one title.
    options:           names as on the ballot, in its order.
    partial:           PARTIAL_BELOW or PARTIAL_NO_OPINION.
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
            partial=PARTIAL_BELOW if implicit else PARTIAL_NO_OPINION,
            source_name=source_name.strip(),
            source_url=source_url.strip(),
            held_on=held_on,
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
            )
        except (TypeError, ValueError) as reason:
            raise Invalid("card.malformed", part=str(reason)) from reason
        written = card.as_json()
        for name in sorted({*map(str, entries), *written}):
            if name not in entries or name not in written or entries[name] != written[name]:
                raise Invalid("card.malformed", part=name)
        if card.partial not in {PARTIAL_BELOW, PARTIAL_NO_OPINION}:
            raise Invalid("card.malformed", part="partial")
        names = set(card.options)
        if not names or len(names) < len(card.options) or not all(isinstance(name, str) for name in names):
            raise Invalid("card.malformed", part="options")
        return card

    @property
    def implicit(self) -> bool:
        """Whether an option that is left out counts as below all ranked ones."""
        return self.partial == PARTIAL_BELOW

    def as_json(self) -> dict[str, Any]:
        """Return the card as texts, numbers, lists and dicts."""
        return FIXED | {
            "format": FORMAT,
            "titles": dict(self.titles),
            "questions": dict(self.questions),
            "options": list(self.options),
            "rule": self.rule,
            "rule_version": RULES[self.rule],
            "partial": self.partial,
            "source": {"name": self.source_name, "url": self.source_url, "held_on": self.held_on.isoformat()},
        }

    def bytes(self) -> bytes:
        """Write the file `card.json`."""
        return readable(self.as_json())

    def hash(self) -> str:
        """Return 64 hex digits: the digest of the card's bytes under the tag "khma-rulecard-v0"."""
        return digest(FORMAT, self.bytes()).hex()


VOTE_FORMAT = "khma-votecard-v0"
MOST_RANKED_EVER = 12
FEWEST_OPENED = 10
FILE_LANGUAGE = "en"
"""The language in which published files name the options, where they have a name in it."""

OPENERS = ("key file", "trustees")
SEALED = {
    "kind": "held here",
    "secrecy": "S2 sealed vote",
    "partial": PARTIAL_BELOW,
    "blank": "takes part, compares nothing",
    "equal": "refused",
    "skipped": "closed up",
    "ties": "shown as ties",
    "published_ballots": "never; counts and order only, from the number of ballots in fewest_opened on",
    "fewest_opened": FEWEST_OPENED,
}
"""Entries that are the same on the card of every sealed vote."""
OPEN_TO_ALL = {
    "weight": "indicative",
    "voters": "anyone with a confirmed address, once; there is no roll of entitled people",
    "roll_published": "at close",
}
"""Entries that the card of a vote open to all has besides, and no other card."""


@dataclass(frozen=True)
class CardOption:
    """One option: its number in every ballot, its names, and the service it stands for ("" where it was typed)."""

    id: int
    names: Mapping[str, str]
    service: str = ""


@dataclass(frozen=True)
class VoteCard:
    """What a sealed vote promised before anyone voted. Nothing on it is ever edited.

    opens_at, closes_at, publishes_at: planned, in UTC; amendments move the effective ones.
    objections:                        language -> where one objects, until objections_until.
    opener:                            who can open the box, one of OPENERS.
    sealing_key, receipt_key:          hex of the public keys.
    repeats:                           the annulled vote that this one repeats.
    eligibility:                       who of the roll may vote, as a rule (`polls/eligibility`); None: all of it.
    open_to_all:                       no roll: anyone with a confirmed address takes part, once; never binding.
    """

    poll_id: UUID
    titles: Mapping[str, str]
    questions: Mapping[str, str]
    organiser: Mapping[str, str]
    options: tuple[CardOption, ...]
    most_ranked: int
    rule: str
    binding: bool
    legal_basis: Mapping[str, str]
    objections: Mapping[str, str]
    objections_until: datetime
    opens_at: datetime
    closes_at: datetime
    publishes_at: datetime
    opener: str
    sealing_key: str
    receipt_key: str
    single_handed: bool = False
    repeats: UUID | None = None
    open_to_all: bool = False
    eligibility: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the card as texts, numbers, lists and dicts."""
        told = SEALED | (OPEN_TO_ALL if self.open_to_all else {})  # other cards stay byte for byte what they were
        told |= {} if self.eligibility is None else {"eligibility": dict(self.eligibility)}
        return told | {
            "format": VOTE_FORMAT,
            "vote": str(self.poll_id),
            "titles": dict(self.titles),
            "questions": dict(self.questions),
            "organiser": dict(self.organiser),
            "options": [{"id": each.id, "names": dict(each.names), "service": each.service} for each in self.options],
            "most_ranked": self.most_ranked,
            "rule": self.rule,
            "rule_version": RULES[self.rule],
            "effect": "binding" if self.binding else "advisory",
            "legal_basis": dict(self.legal_basis),
            "objections": {"where": dict(self.objections), "until": utc_text(self.objections_until)},
            "planned": {
                "opens_at": utc_text(self.opens_at),
                "closes_at": utc_text(self.closes_at),
                "publishes_at": utc_text(self.publishes_at),
            },
            "opener": self.opener,
            "sealing_key": self.sealing_key,
            "receipt_key": self.receipt_key,
            "single_handed": self.single_handed,
            "repeats": "" if self.repeats is None else str(self.repeats),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a card from the value that `as_json` gave; anything else is refused.

        Raises: Invalid "card.malformed".
        """
        try:
            card = cls._from_entries(value)
            card._check()
            written = card.as_json()
        except (KeyError, TypeError, ValueError, AttributeError) as reason:
            raise Invalid("card.malformed", part=str(reason)) from reason
        if written != value:
            entries = value if isinstance(value, dict) else {}
            wrong = sorted(name for name in {*written, *entries} if written.get(name) != entries.get(name))
            raise Invalid("card.malformed", part=", ".join(map(str, wrong)))
        return card

    @classmethod
    def _from_entries(cls, value: Any) -> Self:  # noqa: ANN401 - JSON of a stranger; what does not fit raises
        planned, objections = value["planned"], value["objections"]
        return cls(
            poll_id=UUID(value["vote"]),
            titles=dict(value["titles"]),
            questions=dict(value["questions"]),
            organiser=dict(value["organiser"]),
            options=tuple(CardOption(each["id"], dict(each["names"]), each["service"]) for each in value["options"]),
            most_ranked=value["most_ranked"],
            rule=value["rule"],
            binding=value["effect"] == "binding",
            legal_basis=dict(value["legal_basis"]),
            objections=dict(objections["where"]),
            objections_until=datetime.fromisoformat(objections["until"]),
            opens_at=datetime.fromisoformat(planned["opens_at"]),
            closes_at=datetime.fromisoformat(planned["closes_at"]),
            publishes_at=datetime.fromisoformat(planned["publishes_at"]),
            opener=value["opener"],
            sealing_key=value["sealing_key"],
            receipt_key=value["receipt_key"],
            single_handed=value["single_handed"],
            repeats=UUID(value["repeats"]) if value["repeats"] else None,
            open_to_all="weight" in value,
            eligibility=write_rule(read_rule(value["eligibility"])) if "eligibility" in value else None,
        )

    def _check(self) -> None:
        """Check what JSON alone leaves open. Raises ValueError naming the entry."""
        is_counted = type(self.most_ranked) is int and 1 <= self.most_ranked <= MOST_RANKED_EVER
        numbers = [option.id for option in self.options]
        checks = {
            "most_ranked": is_counted,
            "options": numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 2,
            "opener": self.opener in OPENERS,
            "sealing_key": bool(_KEY.fullmatch(self.sealing_key)),
            "receipt_key": bool(_KEY.fullmatch(self.receipt_key)),
            "single_handed": type(self.single_handed) is bool,
            "effect": not (self.binding and self.open_to_all),
            "eligibility": not (self.open_to_all and self.eligibility),
        }
        for name, is_good in checks.items():
            if not is_good:
                raise ValueError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The options as published files name them, in the order of the card."""
        return tuple(text_in(option.names, FILE_LANGUAGE) for option in self.options)

    def bytes(self) -> bytes:
        """Write the file `card.json`."""
        return readable(self.as_json())

    def hash(self) -> str:
        """Return 64 hex digits: the digest of the card's bytes under the tag "khma-votecard-v0"."""
        return digest(VOTE_FORMAT, self.bytes()).hex()


def utc_text(moment: datetime) -> str:
    """Write a moment as cards do: 2026-11-22T18:00:00+00:00."""
    return moment.astimezone(UTC).isoformat()


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
