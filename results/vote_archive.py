"""The files of a sealed vote's result, archive v0: what a stranger can check without seeing a single ballot.

    card.json      the rule card, frozen before anyone voted
    minutes.json   what became of the vote: times, amendments, how many of what, what is released and why
    roll.txt       hashed lines of those who might vote         took_part.txt  of those who did
    box.txt        the commitment of every sealed ballot        sealed.json    the proof that the ledger held its root
    roll.json      the proof that the ledger held the roots of roll.txt and took_part.txt, and each change of the roll
    places.csv     the order                                    result.json    the count, as much as is released
    pairwise.csv, totals.csv or grades.csv: the figures from which the order follows, by the rule of the vote
    lines.json     a short hash of every line                   SHA256SUMS     a hash of every file above

The last three files before `lines.json` are there only as far as `results/release.py` lets them out. `ledger.json`, the
proof that the ledger holds the hash of SHA256SUMS, joins later. The formats are described in docs/record.md. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from ballots.counting.types import Outcome
from commons.canonical import readable
from commons.errors import Invalid
from polls.votecard import VoteCard, utc_text
from results.archive import CARD, LINES, PLACES, RESULT, complete, told, write_csv
from results.figures import UNTOLD, Figures, Form, count_figures
from results.release import Plan, Reason, Release, decide, in_tens, told_blank

FORMAT = "khma-minutes-v0"
MINUTES, SEALED, ROLL_PROOF = "minutes.json", "sealed.json", "roll.json"
BOX, ROLL, TOOK_PART = "box.txt", "roll.txt", "took_part.txt"
ALWAYS = (CARD, MINUTES, BOX, ROLL, TOOK_PART, SEALED, ROLL_PROOF)
ROLL_CHANGED = "roll.changed"
"""The kind of ledger line that says that somebody was struck off the roll, or put back, while people voted."""

COUNTED = {Plan.NONE: (), Plan.ORDER: (PLACES, RESULT), Plan.FULL: (PLACES, RESULT)}
"""The files that tell the count, by how much of it is released; in a full release with the file of its figures."""

LATER = ("paper", "struck", "restored")
"""Figures that came later: they are not written where they are nothing."""

TOTALS = ("ballots", "blank", "invalid", "counted")


class Place(NamedTuple):
    """One option in the order: place 1 is best, tied options share one."""

    place: int
    option: str


@dataclass(frozen=True)
class Change:
    """One amendment in force. No person: who asked and who agreed stays in the house.

    time: the new time that was asked for, or "".
    """

    kind: str
    reason: str
    time: str
    asked_at: str
    agreed_at: str


@dataclass(frozen=True)
class Minutes:
    """What became of a vote. Times are the effective ones; numbers are lines of the files of that name.

    urn:        SHA-256 of the urn's file, 64 hex digits. opened: hash of the opened list, or "" where it stays shut.
    paper:      people who vote on paper: they took part, and are in no other figure.
    set_aside:  rows that two people set aside. unreadable: ballots that could not be opened or read.
    struck:     people struck off the roll while the vote was under way. restored: of these, put back meanwhile.
    """

    poll_id: UUID
    address: str
    card: str
    opened_at: datetime
    closes_at: datetime
    publishes_at: datetime
    roll: int
    took_part: int
    box: int
    set_aside: int
    unreadable: int
    urn: str
    opened: str
    amendments: tuple[Change, ...]
    release: Release
    paper: int = 0
    struck: int = 0
    restored: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the minutes as texts, numbers, lists and dicts."""
        return {
            "format": FORMAT,
            "vote": str(self.poll_id),
            "address": self.address,
            "card": self.card,
            "opened_at": utc_text(self.opened_at),
            "closes_at": utc_text(self.closes_at),
            "publishes_at": utc_text(self.publishes_at),
            "roll": self.roll,
            "took_part": self.took_part,
            "box": self.box,
            "set_aside": self.set_aside,
            "unreadable": self.unreadable,
            "urn": self.urn,
            "opened": self.opened,
            "amendments": [dict(vars(each)) for each in self.amendments],
            "released": self.release.plan.value,
            "because": [each.value for each in self.release.because],
        } | {name: number for name in LATER if (number := getattr(self, name))}

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - JSON of a stranger; what does not fit raises
        """Read minutes from the value that `as_json` gave; anything else is refused.

        Raises: Invalid "minutes.malformed".
        """
        try:
            minutes = cls(
                poll_id=UUID(value["vote"]),
                address=value["address"],
                card=value["card"],
                opened_at=datetime.fromisoformat(value["opened_at"]),
                closes_at=datetime.fromisoformat(value["closes_at"]),
                publishes_at=datetime.fromisoformat(value["publishes_at"]),
                roll=value["roll"],
                took_part=value["took_part"],
                box=value["box"],
                set_aside=value["set_aside"],
                unreadable=value["unreadable"],
                urn=value["urn"],
                opened=value["opened"],
                amendments=tuple(Change(**each) for each in value["amendments"]),
                release=Release(Plan(value["released"]), tuple(Reason(each) for each in value["because"])),
                **{name: value.get(name, 0) for name in LATER},
            )
            written = minutes.as_json()
        except (KeyError, TypeError, ValueError, AttributeError) as reason:
            raise Invalid("minutes.malformed", part=str(reason)) from reason
        wrong = [name for name in sorted({*written, *value}) if written.get(name) != value.get(name)]
        numbers = [minutes.roll, minutes.took_part, minutes.box, minutes.set_aside, minutes.unreadable]
        numbers += [getattr(minutes, name) for name in LATER]
        texts = [minutes.address, minutes.card, minutes.urn, minutes.opened]
        texts += [text for each in minutes.amendments for text in vars(each).values()]
        if any(type(number) is not int or number < 0 for number in numbers):
            wrong.append("numbers")
        if not all(isinstance(text, str) for text in texts):
            wrong.append("texts")
        if wrong:
            raise Invalid("minutes.malformed", part=", ".join(map(str, wrong)))
        return minutes

    def bytes(self) -> bytes:
        """Write the file `minutes.json`."""
        return readable(self.as_json())


def summed(plan: Plan, *figures: str) -> tuple[str, ...]:
    """List the files that SHA256SUMS lists, in its order. figures: the files of figures, in a full release."""
    return tuple(sorted((*ALWAYS, *COUNTED[plan], *(figures if plan is Plan.FULL else ()), LINES)))


def build(
    card: VoteCard,
    minutes: Minutes,
    lists: Mapping[str, bytes],
    proofs: Mapping[str, bytes],
    outcome: Outcome | None,
    figures: Figures | None,
) -> dict[str, bytes]:
    """Write every file of the archive.

    lists:   box.txt, roll.txt and took_part.txt. proofs: sealed.json and roll.json.
    outcome: the count; None where the box stays shut. figures: of its rule, as `Figures.of` gives them, or None.
    Raises:  ValueError where the release in the minutes is not what the count allows, or where the order does not
             follow from the figures that would go out.
    """
    if minutes.release not in {decide(outcome, figures), decide(outcome, figures, forced=True)}:
        raise ValueError("the minutes release something else than the count allows")
    files = {CARD: card.bytes(), MINUTES: minutes.bytes()}
    files |= {name: lists[name] for name in (BOX, ROLL, TOOK_PART)}
    files |= {name: proofs[name] for name in (SEALED, ROLL_PROOF)}
    if outcome is not None:
        whole = figures if minutes.release.plan is Plan.FULL else None
        files |= count_files(card, outcome, whole)
    return complete(files)


def count_files(card: VoteCard, outcome: Outcome, figures: Figures | None) -> dict[str, bytes]:
    """Write the files that tell a count, as much of it as is released.

    figures: those that go out; None where the order alone does.
    Raises:  ValueError where the order does not follow from them.
    """
    result = released(card, outcome, figures)
    is_whole = figures is None or not (figures.table == UNTOLD).any()
    if is_whole and result["order"] != outcome.order:
        raise ValueError("the order does not follow from the figures")
    files = {PLACES: write_places(result["order"]), RESULT: readable(result)}
    return files if figures is None else {figures.form.value: write_figures(figures), **files}


def released(card: VoteCard, outcome: Outcome, figures: Figures | None) -> dict[str, Any]:
    """Tell a count as `result.json` does: all that follows from the figures; or the order, with totals in tens and
    nothing behind it.
    """
    if figures is None:
        whole = told(outcome)
        nothing: dict[str, Any] = {"rounds": [], "pairwise": None, "certificate": None}
        return whole | {name: in_tens(whole[name]) for name in TOTALS} | nothing
    blank = told_blank(outcome.blank)
    again = count_figures(figures, card.rule, card.paper, outcome.ballots, blank, outcome.invalid)
    return told(again) | {"blank": blank}


def write_figures(figures: Figures) -> bytes:
    """Write the file of the figures: one row for each option."""
    rows, m = [["" if cell == UNTOLD else cell for cell in row] for row in figures.table.tolist()], len(figures.options)
    if figures.form is Form.PAIRS:
        rows = [[("" if i == j else cell) for j, cell in enumerate(row)] for i, row in enumerate(rows)]
        head = [*figures.options]
    else:
        head = ["votes"] if figures.form is Form.TOTALS else [str(grade) for grade in range(len(rows[0]) if m else 0)]
    named = [[name, *row] for name, row in zip(figures.options, rows, strict=True)]
    return write_csv([["option", *head], *named])


def write_places(order: Sequence[Sequence[str]]) -> bytes:
    """Write the file `places.csv`."""
    return write_csv([Place._fields, *find_places(order)])


def find_places(order: Sequence[Sequence[str]]) -> list[Place]:
    """List the options in their order, each with its place."""
    places: list[Place] = []
    for tied in order:
        places += [Place(len(places) + 1, name) for name in tied]
    return places
