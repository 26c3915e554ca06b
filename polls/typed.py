"""A vote as a form holds it: what was typed becomes a plan, a draft becomes what stands in the form. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from commons.errors import Conflict, Invalid
from commons.organisations.tables import Organisation
from commons.services.tables import Service
from commons.zones import read_moment, write_moment
from polls.drafting import MOST_OPTIONS, Plan, option_of
from polls.eligibility.simple import rule_typed, typed_of
from polls.kinds import MOST_RANKED_EVER
from polls.tables import MOST_RANKED, Poll

OBJECTIONS = timedelta(days=14)
NUMBERS = ("seats", "budget", "points")
"""What a rule may be given besides, as whole numbers."""
MOST_DIGITS = 15
EVERYBODY = "everybody"
"""What the form sends, in place of a roll, for a vote open to all."""

Typed = dict[str, str]
"""What stands in the form, by field: texts as they were typed, and "yes" for the box of each ticked service."""


@dataclass
class TypedVote:
    """A filled form.

    languages: those in which texts can be typed.
    fields:    the field of each option, in the plan's order, so that an error finds its place.
    """

    typed: Typed
    languages: Sequence[str]
    fields: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the options that were typed, not taken from the catalogue."""
        return [
            n for n in range(1, MOST_OPTIONS + 1) if any(text.strip() for text in self._texts(f"typed_{n}").values())
        ]

    def plan(
        self, services: Sequence[Service], rolls: Collection[str], host: Organisation, before: Poll | None = None
    ) -> Plan:
        """Read the form.

        rolls:  ids of the lists of people. before: the draft as it is; what no field shows stays.
        Raises: Invalid, with the form's own field or one that `placed` finds.
        """
        typed = self.typed
        options: list[tuple[Mapping[str, str], str]] = []
        for service in services:
            if typed.get(f"service_{service.slug}"):
                options.append(option_of(service))
                self.fields.append(f"service_{service.slug}")
        for number in self.numbers:
            options.append((self._texts(f"typed_{number}"), ""))
            self.fields.append(f"typed_{number}")
        opens_at, closes_at = self._time(host.zone, "opens_at"), self._time(host.zone, "closes_at")
        publishes_at = self._time(host.zone, "publishes_at", closes_at)
        roll = typed.get("roll", "")
        is_open = roll == EVERYBODY
        if roll and not is_open and roll not in rolls:
            raise Invalid("roll.missing", field="roll")
        return Plan(
            titles=self._texts("title"),
            questions=self._texts("question"),
            options=options,
            opens_at=opens_at,
            closes_at=closes_at,
            publishes_at=publishes_at,
            objections=self._texts("objections"),
            objections_until=self._time(host.zone, "objections_until", publishes_at + OBJECTIONS),
            legal_basis=self._texts("legal_basis"),
            most_ranked=_most_ranked(typed.get("most_ranked", "").strip(), len(options)),
            rule=typed.get("rule", "schulze"),
            terms={name: _whole(typed.get(name, "")) for name in NUMBERS} | {"equal": typed.get("equal") == "yes"},
            costs=[_whole(typed.get(f"cost_{name}", "")) for name in self.fields],
            binding=typed.get("effect") == "binding",
            roll_id=UUID(roll) if roll and not is_open else None,
            open_to_all=is_open,
            eligibility=rule_typed(typed, opens_at.astimezone(ZoneInfo(host.zone)).date()),
            single_handed=host.single_handed,
            repeats=before.repeats if before else None,
        )

    def placed(self, error: Invalid | Conflict, lang: str) -> Invalid | Conflict:
        """Lay an error to the field of the form it is about: an option to its box or line, a title to its text."""
        typed, name = self.typed, error.field
        if option := re.fullmatch(r"option_(\d+)(?:_([a-z]+))?", name or ""):
            name = self.fields[int(option[1]) - 1]
            if name.startswith("typed_"):
                said = (code for code in (lang, *self.languages) if typed.get(f"{name}_{code}", "").strip())
                name = f"{name}_{option[2] or next(said, lang)}"
        elif cost := re.fullmatch(r"cost_(\d+)", name or ""):
            name = f"cost_{self.fields[int(cost[1]) - 1]}"
        elif name == "title_en" and not typed.get("title_en", "").strip():
            said = (code for code in sorted(self.languages) if typed.get(f"title_{code}", "").strip())
            name = f"title_{next(said, lang)}"
        return type(error)(error.code, field=name, **error.facts)

    def _texts(self, name: str) -> dict[str, str]:
        return {code: self.typed.get(f"{name}_{code}", "") for code in self.languages}

    def _time(self, zone: str, name: str, otherwise: datetime | None = None) -> datetime:
        """Read a time; one that was left empty is what it is otherwise."""
        moment = read_moment(self.typed.get(name, ""), zone, name) or otherwise
        if moment is None:
            raise Invalid("time.missing", field=name)
        return moment


def written(poll: Poll, zone: str) -> Typed:
    """Fill in the form of a draft with what it says."""
    typed = {
        "roll": EVERYBODY if poll.open_to_all else str(poll.roll_id or ""),
        "most_ranked": str(poll.most_ranked),
        "rule": poll.rule,
        "equal": "yes" if poll.terms.get("equal") else "",
        "effect": "binding" if poll.binding else "advisory",
        "opens_at": write_moment(poll.planned_opens_at, zone),
        "closes_at": write_moment(poll.planned_closes_at, zone),
        "publishes_at": write_moment(poll.planned_publishes_at, zone),
        "objections_until": write_moment(poll.objections_until, zone),
    }
    typed |= typed_of(poll.eligibility)
    typed |= {name: str(poll.terms.get(name, "")) for name in NUMBERS}
    for name, texts in (
        ("title", poll.titles),
        ("question", poll.questions),
        ("objections", poll.objections),
        ("legal_basis", poll.legal_basis),
    ):
        typed |= {f"{name}_{code}": text for code, text in texts.items()}
    for each in poll.options:
        if each["service"]:
            typed |= {f"service_{each['service']}": "yes", f"cost_service_{each['service']}": str(each.get("cost", ""))}
    for number, each in enumerate((each for each in poll.options if not each["service"]), start=1):
        typed |= {f"typed_{number}_{code}": name for code, name in each["names"].items()}
        typed[f"cost_typed_{number}"] = str(each.get("cost", ""))
    return typed


def _most_ranked(text: str, options: int) -> int:
    """Read how many may be ranked; left empty, five, or all where there are fewer."""
    if not text:
        return max(1, min(MOST_RANKED, options))
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise Invalid("poll.most_ranked", field="most_ranked", limit=max(1, min(MOST_RANKED_EVER, options)))
    return int(text)


def _whole(text: str) -> int | None:
    """Read a whole number of any script, with or without blanks in it; None for anything else."""
    digits = "".join(text.split())
    return int(digits) if digits.isdecimal() and len(digits) <= MOST_DIGITS else None
