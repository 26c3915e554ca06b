"""What goes into a count and what comes out: the pile of ballots, and the order with its story."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import Invalid

UNRANKED = 255
"""The rank of an option that the voter left out. Larger than any place, so `<` already means "ranked above"."""

MAX_OPTIONS = 200

Ranks = NDArray[np.uint8]
Counts = NDArray[np.int64]


def is_option_name(name: str) -> bool:
    """Tell whether a text can name an option: something to read, no blanks at its ends, no invisible control signs."""
    return bool(name) and name == name.strip() and not any(unicodedata.category(c) in {"Cc", "Cs"} for c in name)


def close_up(ranks: Sequence[int | None]) -> bytes:
    """Turn one ballot as written (1, 4, 4, -) into one row of places without gaps (1, 2, 2, UNRANKED).

    ranks:   one number per option, smaller is better; None = left out.
    Returns: len(ranks) bytes; all UNRANKED when the ballot is blank.
    """
    place = {rank: i for i, rank in enumerate(sorted({r for r in ranks if r is not None}), start=1)}
    return bytes(UNRANKED if r is None else place[r] for r in ranks)


@dataclass(frozen=True, eq=False)
class Profile:
    """The pile of ballots, equal ones laid together.

    options:  names in the order of their file; unique.
    ranks:    (n, m) uint8, column-major; 1 = best, UNRANKED = left out; gaps closed; no row is blank.
    weights:  (n,) int64, > 0; how many ballots look like this row (a ballot of weight 7 is seven ballots).
    blank:    ballots that rank nothing: counted as taking part, not in any comparison.
    invalid:  ballots that could not be counted, kept and shown.
    implicit: True = left out means tied below all ranked ones; False = left out means "no opinion".
    Raises:   Invalid "count.profile", naming the part that cannot be.
    Cost:     one pass over ranks.

    Two profiles are equal when they hold the same ballots, however these are ordered or laid together.
    """

    options: tuple[str, ...]
    ranks: Ranks
    weights: Counts
    blank: int = 0
    invalid: int = 0
    implicit: bool = True

    def __post_init__(self) -> None:
        n, m = len(self.weights), len(self.options)
        names = len(set(self.options)) == m and all(map(is_option_name, self.options))
        shapes = self.ranks.shape == (n, m) and self.ranks.dtype == np.uint8 and self.weights.dtype == np.int64
        checks = {
            "options": 1 <= m <= MAX_OPTIONS and names,
            "ranks": shapes and bool((self.ranks.min(axis=1, initial=UNRANKED) == 1).all()),
            "weights": bool((self.weights > 0).all()) and self.blank >= 0 and self.invalid >= 0,
        }
        for part, is_good in checks.items():
            if not is_good:
                raise Invalid("count.profile", part=part)
        object.__setattr__(self, "ranks", np.asfortranarray(self.ranks))

    @classmethod
    def of(
        cls,
        options: Iterable[str],
        rankings: Iterable[tuple[Iterable[Iterable[str]], int]],
        *,
        blank: int = 0,
        invalid: int = 0,
        implicit: bool = True,
    ) -> "Profile":
        """Make a profile from rankings such as ([["A"], ["B", "C"]], 12): twelve ballots A > B = C.

        Returns: equal ballots laid together, in the order they first came; empty rankings are added to blank.
        Raises:  Invalid "count.profile"; KeyError for a name that is not among the options.
        """
        names = tuple(options)
        number = {name: i for i, name in enumerate(names)}
        rows: dict[bytes, int] = {}
        for ranking, weight in rankings:
            ranks: list[int | None] = [None] * len(names)
            for place, group in enumerate(ranking):
                for name in group:
                    ranks[number[name]] = place
            row = close_up(ranks)
            rows[row] = rows.get(row, 0) + weight
        return cls.of_rows(names, rows, blank=blank, invalid=invalid, implicit=implicit)

    @classmethod
    def of_rows(
        cls, options: Iterable[str], rows: dict[bytes, int], *, blank: int = 0, invalid: int = 0, implicit: bool = True
    ) -> "Profile":
        """Make a profile from rows of places (see `close_up`), each with its number of ballots. Takes `rows` apart."""
        names = tuple(options)
        blank += rows.pop(bytes([UNRANKED]) * len(names), 0)
        ranks = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), len(names))
        weights = np.fromiter(rows.values(), dtype=np.int64, count=len(rows))
        return cls(names, ranks, weights, blank, invalid, implicit)

    @property
    def counted(self) -> int:
        """Ballots that rank at least one option."""
        return int(self.weights.sum())

    @property
    def ballots(self) -> int:
        """All ballots that were cast: counted, blank and invalid."""
        return self.counted + self.blank + self.invalid

    def rows(self) -> dict[bytes, int]:
        """Lay equal ballots together: each row of places with its number of ballots."""
        merged: dict[bytes, int] = {}
        m = len(self.options)
        packed = self.ranks.tobytes()
        for i, weight in enumerate(self.weights.tolist()):
            row = packed[i * m : (i + 1) * m]
            merged[row] = merged.get(row, 0) + weight
        return merged

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Profile):
            return NotImplemented
        mine, theirs = ((p.options, p.blank, p.invalid, p.implicit, p.counted, p.rows()) for p in (self, other))
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]  # it holds arrays


@dataclass(frozen=True)
class Outcome:
    """What a rule found, with everything a page or a stranger needs to tell it again. None: the rule has no such thing.

    order:       places, best first; options in one place are tied and stand in the order of their file. Where seats or
                 money are given: who was elected, what was funded, one after the other; the rest in the last place.
    elected:     who won, where that is not the first place.
    rounds:      the story round by round.
    pairwise:    pairwise[A][B] = ballots that put A before B.
    certificate: what proves the order; its shape belongs to the rule.
    """

    rule: str
    options: tuple[str, ...]
    ballots: int
    blank: int
    invalid: int
    counted: int
    order: list[list[str]]
    pairwise: dict[str, dict[str, int]] | None = None
    certificate: dict[str, Any] | None = None
    rounds: list[dict[str, Any]] | None = None
    elected: list[str] | None = None

    @property
    def winners(self) -> list[str]:
        """The first place, or who was elected."""
        return self.order[0] if self.elected is None else self.elected

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as plain numbers, texts, lists and dicts: the same count always gives the same value."""
        return {
            "rule": self.rule,
            "options": list(self.options),
            "ballots": self.ballots,
            "blank": self.blank,
            "invalid": self.invalid,
            "counted": self.counted,
            "order": self.order,
            "winners": self.winners,
            "rounds": self.rounds,
            "pairwise": self.pairwise,
            "certificate": self.certificate,
        }
