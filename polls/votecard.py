"""The rule card of a sealed vote held here: what was promised before anyone voted. Pure: no database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from commons.canonical import digest, readable
from commons.errors import Invalid
from commons.naming import text_in
from polls.eligibility.rules import read_rule, write_rule
from polls.kinds import MOST_RANKED_EVER, RULES, Kind, Paper, check_terms, kind_of, paper_of
from polls.rulecard import PARTIAL_BELOW

_KEY = re.compile(r"[0-9a-f]{64}")

VOTE_FORMAT = "khma-votecard-v0"
FEWEST_OPENED = 10
FILE_LANGUAGE = "en"
"""The language in which published files name the options, where they have a name in it."""

OPENERS = ("key file", "trustees")
SEALED = {
    "kind": "held here",
    "secrecy": "S2 sealed vote",
    "ties": "shown as ties",
    "published_ballots": "never; counts and order only, from the number of ballots in fewest_opened on",
    "fewest_opened": FEWEST_OPENED,
}
"""Entries that are the same on the card of every sealed vote."""
RANKED = {
    "partial": PARTIAL_BELOW,
    "blank": "takes part, compares nothing",
    "equal": "refused",
    "skipped": "closed up",
}
"""Entries that the card has besides where people rank; `equal` may also be "allowed"."""
MARKED = {"blank": "takes part, chooses nothing"}
"""Entries that it has where people mark, grade or share points out; `ballot` then says which."""
OPEN_TO_ALL = {
    "weight": "indicative",
    "voters": "anyone with a confirmed address, once; there is no roll of entitled people",
    "roll_published": "at close",
}
"""Entries that the card of a vote open to all has besides, and no other card."""


@dataclass(frozen=True)
class CardOption:
    """One option: its number in every ballot, its names, the service it stands for ("" where typed), its cost."""

    id: int
    names: Mapping[str, str]
    service: str = ""
    cost: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the option as texts and numbers; a cost only where there is one."""
        told = {"id": self.id, "names": dict(self.names), "service": self.service}
        return told if self.cost is None else told | {"cost": self.cost}


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
    terms:                             what the rule is given besides (`kinds.check_terms`): seats, a budget, ….
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
    terms: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the card as texts, numbers, lists and dicts."""
        told = (
            SEALED | self._ballot() | (OPEN_TO_ALL if self.open_to_all else {})
        )  # other cards stay byte for byte what they were
        told |= {} if self.eligibility is None else {"eligibility": dict(self.eligibility)}
        return told | {
            "format": VOTE_FORMAT,
            "vote": str(self.poll_id),
            "titles": dict(self.titles),
            "questions": dict(self.questions),
            "organiser": dict(self.organiser),
            "options": [each.as_json() for each in self.options],
            "rule": self.rule,
            "rule_version": RULES[self.rule].version,
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
            options=tuple(
                CardOption(each["id"], dict(each["names"]), each["service"], each.get("cost"))
                for each in value["options"]
            ),
            most_ranked=value.get("most_ranked", 1),
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
            terms=dict(value.get("terms", {})) | ({"equal": True} if value.get("equal") == "allowed" else {}),
        )

    def _check(self) -> None:
        """Check what JSON alone leaves open. Raises ValueError naming the entry."""
        is_counted = type(self.most_ranked) is int and 1 <= self.most_ranked <= MOST_RANKED_EVER
        numbers = [option.id for option in self.options]
        has_costs = RULES[self.rule].kind is Kind.BUDGET
        checks = {
            "most_ranked": is_counted,
            "options": numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 2,
            "opener": self.opener in OPENERS,
            "sealing_key": bool(_KEY.fullmatch(self.sealing_key)),
            "receipt_key": bool(_KEY.fullmatch(self.receipt_key)),
            "single_handed": type(self.single_handed) is bool,
            "terms": self.terms == check_terms(self.rule, self.terms, len(numbers)),
            "cost": all((type(each.cost) is int) is has_costs for each in self.options),
            "effect": not (self.binding and self.open_to_all),
            "eligibility": not (self.open_to_all and self.eligibility),
        }
        for name, is_good in checks.items():
            if not is_good:
                raise ValueError(name)

    def _ballot(self) -> dict[str, Any]:
        """Tell how a ballot is filled in; a card that was frozen when all ballots were rankings stays as it is."""
        kind, told = kind_of(self.rule, self.terms), dict[str, Any]()
        if kind is Kind.RANKING:
            told = RANKED | {"most_ranked": self.most_ranked} | ({"equal": "allowed"} if "equal" in self.terms else {})
        else:
            told = MARKED | {"ballot": kind.value}
        terms = {name: value for name, value in self.terms.items() if name != "equal"}
        return told | ({"terms": terms} if terms else {})

    @property
    def paper(self) -> Paper:
        """What one ballot may say."""
        return paper_of(self.rule, [each.as_json() for each in self.options], self.most_ranked, self.terms)

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
