"""The rounds of a count, as a table and as bars: who held how many votes, who was chosen, who went out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

PATTERNS = ("first", "dots", "stripes", "other")
"""How the bars of the options that come first are filled; all others are drawn together."""

Mark = Literal["", "chosen", "out"]


@dataclass(frozen=True)
class Cell:
    """One option in one round. votes: None after it went out. mark: what happened to it then."""

    votes: float | int | None
    mark: Mark = ""


@dataclass(frozen=True)
class Line:
    """One option through all rounds."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Part:
    """A piece of a round's bar. share: 0 to 1 of the counted ballots. kind: how it is filled."""

    kind: str
    share: float


@dataclass(frozen=True)
class Rounds:
    """All rounds. lost: fractions of votes cut off, round by round; empty where the rule cuts none.

    needed: votes that were enough, round by round; the quota where there are seats.
    bars:   one for each round. named: how a bar's pieces are filled -> the option; the others share the rest.
    """

    lines: tuple[Line, ...]
    exhausted: tuple[float | int, ...]
    lost: tuple[float | int, ...]
    needed: tuple[int, ...]
    bars: tuple[tuple[Part, ...], ...]
    named: tuple[tuple[str, str], ...]


def tell_rounds(count: Mapping[str, Any]) -> Rounds:
    """Put together the rounds of a count by IRV or STV. count: an outcome as `Outcome.as_json` gives it."""
    rounds, names = count["rounds"], [name for tied in count["order"] for name in tied]
    quota = (count["certificate"] or {}).get("quota")
    lost = [each.get("lost", 0) for each in rounds]
    named = tuple(zip(PATTERNS, names, strict=False))
    return Rounds(
        lines=tuple(Line(name, tuple(_cell(name, each) for each in rounds)) for name in names),
        exhausted=tuple(_short(each["exhausted"]) for each in rounds),
        lost=tuple(map(_short, lost)) if any(map(Fraction, lost)) else (),
        needed=tuple(each.get("needed", quota) for each in rounds),
        bars=tuple(_bar(each, named, count["counted"]) for each in rounds),
        named=named,
    )


def find_held(count: Mapping[str, Any]) -> dict[str, int | str]:
    """Find what each option held when it was chosen or went out, else at the end."""
    held: dict[str, int | str] = dict.fromkeys(count["options"], 0)
    for each in count["rounds"] or ():
        held.update(each["tally"])
    certificate = count["certificate"] or {}
    for each in (*certificate.get("elected", ()), *certificate.get("excluded", ())):
        held[each["option"]] = each["votes"]
    return held


def _cell(name: str, told: Mapping[str, Any]) -> Cell:
    votes = _short(told["tally"][name]) if name in told["tally"] else None
    if name in told.get("elected", ()):
        return Cell(votes, "chosen")
    return Cell(votes, "out" if name in told.get("excluded", ()) else "")


def _bar(told: Mapping[str, Any], named: Sequence[tuple[str, str]], counted: int) -> tuple[Part, ...]:
    tally = {name: Fraction(votes) for name, votes in told["tally"].items()}
    parts = [(kind, tally.pop(name, Fraction(0))) for kind, name in named]
    parts += [("lines", sum(tally.values(), Fraction(0))), ("outline", Fraction(told["exhausted"]))]
    return tuple(Part(kind, float(votes / counted)) for kind, votes in parts if votes and counted)


def _short(votes: int | str) -> float | int:
    exact = Fraction(votes)
    return exact.numerator if exact.denominator == 1 else round(float(exact), 2)
