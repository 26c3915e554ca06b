"""What is counted, and how: the ballots in the form that a rule asks for, and the variants of the rule. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ballots.counting.slips import Slips
from ballots.counting.types import MAX_OPTIONS, UNRANKED, Counts, Profile, close_up, is_option_name
from commons.errors import Invalid

MAX_GRADE = 1_000_000_000
"""More points than this for one option on one ballot are a slip of the pen."""

MAX_PROJECTS = 2_000
"""Most options that grades may name: budgets know hundreds of projects."""

NONE_GIVEN = 0
"""The grade of an option that a ballot leaves out."""

Marks = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False)
class Grades:
    """A pile of ballots that give each option a grade, or points, or a mark of approval; equal ones laid together.

    options: names in the order of their file; unique.
    grades:  (n, m) unsigned integers, column-major; 0 = lowest, or left out; an approval is a 1.
    weights: (n,) int64, > 0; how many ballots look like this row.
    top:     the highest grade that could be given, at least the highest that was; 1 = approvals.
    blank:   ballots that mark nothing at all. invalid: ballots that could not be counted, kept and shown.
    zeros:   (n, m) bool; where a 0 was given, and not the option left out; None = nowhere.
    Raises:  Invalid "count.profile", naming the part that cannot be.
    Cost:    one pass over grades.

    Two piles are equal when they hold the same ballots, however these are ordered or laid together.
    """

    options: tuple[str, ...]
    grades: Marks
    weights: Counts
    top: int
    blank: int = 0
    invalid: int = 0
    zeros: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n, m = len(self.weights), len(self.options)
        names = len(set(self.options)) == m and all(map(is_option_name, self.options))
        shapes = self.grades.shape == (n, m) and self.grades.dtype.kind == "u" and self.weights.dtype == np.int64
        checks = {
            "options": 1 <= m <= MAX_PROJECTS and names,
            "grades": shapes and bool(self.grades.max(initial=0) <= self.top <= MAX_GRADE) and self.top >= 1,
            "weights": bool((self.weights > 0).all()) and self.blank >= 0 and self.invalid >= 0,
            "zeros": self.zeros is None or (shapes and self.zeros.shape == (n, m) and self.zeros.dtype == np.bool_),
        }
        for part, is_good in checks.items():
            if not is_good:
                raise Invalid("count.profile", part=part)
        object.__setattr__(self, "grades", np.asfortranarray(self.grades))
        if self.zeros is not None:
            object.__setattr__(self, "zeros", np.asfortranarray(self.zeros & (self.grades == NONE_GIVEN)))

    @classmethod
    def of(
        cls,
        options: Iterable[str],
        ballots: Iterable[tuple[Mapping[str, int], int]],
        *,
        top: int | None = None,
        blank: int = 0,
        invalid: int = 0,
    ) -> "Grades":
        """Make a pile from ballots such as ({"A": 3, "B": 1}, 12): twelve ballots that give A 3 and B 1.

        top:     the highest grade that could be given; None = the highest that was.
        Returns: equal ballots laid together, in the order they first came; ballots without any mark are blank.
        Raises:  Invalid "count.profile"; KeyError for a name that is not among the options.
        """
        names = tuple(options)
        number = {name: i for i, name in enumerate(names)}
        rows: dict[tuple[tuple[int, int], ...], int] = {}
        for marks, weight in ballots:
            row = tuple(sorted((number[name], grade) for name, grade in marks.items()))
            rows[row] = rows.get(row, 0) + weight
        return cls.of_rows(names, rows, top=top, blank=blank, invalid=invalid)

    @classmethod
    def of_rows(
        cls,
        options: Iterable[str],
        rows: Mapping[tuple[tuple[int, int], ...], int],
        *,
        top: int | None = None,
        blank: int = 0,
        invalid: int = 0,
    ) -> "Grades":
        """Make a pile from rows of (number of the option, its grade), each with its number of ballots.

        Returns: as `of`; the smallest type of number that holds the grades.
        """
        names = tuple(options)
        blank += rows.get((), 0)
        marked = {row: weight for row, weight in rows.items() if row}
        highest = max((grade for row in marked for _, grade in row), default=1)
        lowest = min((grade for row in marked for _, grade in row), default=1)
        if lowest < 0 or highest > MAX_GRADE:
            raise Invalid("count.profile", part="grades")
        top = max(1, highest) if top is None else top
        grades = np.zeros((len(marked), len(names)), dtype=np.uint8 if top <= UNRANKED else np.uint32, order="F")
        zeros = np.zeros(grades.shape, dtype=np.bool_, order="F") if lowest == 0 else None
        for i, row in enumerate(marked):
            for option, grade in row:
                grades[i, option] = grade
                if zeros is not None:
                    zeros[i, option] = grade == NONE_GIVEN
        weights = np.fromiter(marked.values(), dtype=np.int64, count=len(marked))
        return cls(names, grades, weights, top, blank, invalid, zeros)

    @property
    def counted(self) -> int:
        """Ballots that mark at least one option."""
        return int(self.weights.sum())

    @property
    def ballots(self) -> int:
        """All ballots that were cast: counted, blank and invalid."""
        return self.counted + self.blank + self.invalid

    @property
    def named(self) -> NDArray[np.bool_]:
        """(n, m): where a ballot gives an option a grade, be it 0."""
        above: NDArray[np.bool_] = self.grades != NONE_GIVEN
        return above if self.zeros is None else above | self.zeros

    def rows(self) -> dict[bytes, int]:
        """Lay equal ballots together: each row with its number of ballots.

        Returns: a row is one uint32 of the machine for each option: its grade and one more, 0 where it is left out.
        """
        merged: dict[bytes, int] = {}
        packed = np.where(self.named, self.grades.astype(np.uint32) + np.uint32(1), np.uint32(0))
        for row, weight in zip(packed, self.weights.tolist(), strict=True):
            merged[row.tobytes()] = merged.get(row.tobytes(), 0) + weight
        return merged

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grades):
            return NotImplemented
        mine, theirs = ((g.options, g.top, g.blank, g.invalid, g.counted, g.rows()) for g in (self, other))
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]  # it holds arrays


@dataclass(frozen=True)
class Money:
    """What a budget has and what its projects cost, in one unit of money, exactly.

    costs: one for each option of the ballots, in their order; 0 or more.
    """

    budget: Fraction
    costs: tuple[Fraction, ...]


@dataclass(frozen=True)
class Contest:
    """All that a file of ballots says: rankings, or grades, or both of the same ballots; and what stands beside them.

    seats:     how many are to be elected, where the file says so.
    money:     for budgets. labels: option -> its title, where the file names options by a short sign.
    slips:     the same ballots as the rankings, where the file tells more than rankings hold: see `slips.Slips`.
    withdrawn: options that can no longer be elected; no ballot ranks them.
    """

    rankings: Profile | None = None
    grades: Grades | None = None
    seats: int | None = None
    money: Money | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    slips: Slips | None = None
    withdrawn: frozenset[str] = frozenset()

    @property
    def ballots(self) -> Profile | Grades:
        """The ballots, in the form in which they were given. Raises ValueError where there are none."""
        given = self.rankings or self.grades
        if given is None:
            raise ValueError("a contest without ballots")
        return given


@dataclass(frozen=True)
class Variants:
    """How a rule is to be applied, where it leaves a choice; None = as the rule does by itself.

    seats, budget:  to be filled, to be spent; before what the file says.
    overvote:       a rank with several options "exhaust"s the ballot (default) or is "skip"ped.
    max_skips:      so many ranks left empty in a row end a ballot; None = never, they close up. Heeded while reading.
    batch:          leave out together all who cannot catch up any more.
    transfer:       "scottish" (default) or "wigm". decimals: places to which transfer values are cut off, 5 by default.
    completion:     what is done with money left over: "none", "add1" (one unit more per voter and step), or "add1u"
                    (add1, then utilitarian; the default).
    unranked:       an option left out is tied "last", or "ignored" (no opinion); as the file says by default.
    threshold:      the share of counted ballots that a winner must have more than.
    tiebreak_seed:  text from which lots are drawn where a decision must be made between equals.
    """

    seats: int | None = None
    budget: Fraction | None = None
    overvote: str | None = None
    max_skips: int | None = None
    batch: bool | None = None
    transfer: str | None = None
    decimals: int | None = None
    completion: str | None = None
    unranked: str | None = None
    threshold: Fraction | None = None
    tiebreak_seed: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that were chosen, by name."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}


AS_IS = Variants()
"""No variant chosen."""


def ranked(contest: Contest, variants: Variants) -> Profile:
    """Return the ballots as rankings; where they are grades, the higher grade ranks higher, left out stays left out.

    Raises: Invalid "count.needs_rankings" with more options than rankings can hold.
    """
    profile = contest.rankings or _rank(contest.grades)
    if variants.unranked is None:
        return profile
    return replace(profile, implicit=_one_of("unranked", variants.unranked, ("last", "ignored")) == "last")


def graded(contest: Contest) -> Grades:
    """Return the ballots as grades. Raises Invalid "count.needs_grades" where they are rankings and nothing else."""
    if contest.grades is None:
        raise Invalid("count.needs_grades")
    return contest.grades


def approved(contest: Contest) -> Grades:
    """Return the ballots as approvals: grades of 1, or rankings in which all who are named stand in one place.

    Raises: Invalid "count.needs_approvals" for grades above 1 and for rankings that put one before another.
    """
    if contest.grades is not None and contest.grades.top == 1:
        return contest.grades
    rankings = contest.rankings
    if contest.grades is not None or rankings is None:
        raise Invalid("count.needs_approvals")
    marks = rankings.ranks == 1
    if bool(((rankings.ranks != UNRANKED) & ~marks).any()):
        raise Invalid("count.needs_approvals")
    given = marks.astype(np.uint8)
    return Grades(rankings.options, given, rankings.weights, 1, rankings.blank, rankings.invalid)


def spending(contest: Contest, variants: Variants) -> tuple[Grades, Money]:
    """Return the ballots and the money of a budget.

    Raises: Invalid "count.needs_budget" where the file has no costs, "count.budget" below 0.
    """
    if contest.grades is None or contest.money is None:
        raise Invalid("count.needs_budget")
    money = contest.money if variants.budget is None else replace(contest.money, budget=variants.budget)
    if money.budget < 0:
        raise Invalid("count.budget", found=str(money.budget))
    return contest.grades, money


def seats_of(contest: Contest, variants: Variants) -> int:
    """Find how many are to be elected. Raises Invalid "count.seats_missing", "count.seats" for more than options."""
    seats = contest.seats if variants.seats is None else variants.seats
    options = len(contest.ballots.options)
    if seats is None:
        raise Invalid("count.seats_missing", limit=options)
    if not 1 <= seats <= options:
        raise Invalid("count.seats", found=seats, limit=options)
    return seats


def choice(name: str, said: str | None, known: tuple[str, ...]) -> str:
    """Return what was chosen of a variant, by default the first. Raises Invalid "count.choice" naming the others."""
    return known[0] if said is None else _one_of(name, said, known)


def exact(number: int | Fraction) -> int | str:
    """Write a number as published files do: whole ones as they are, others as a text "p/q"."""
    return int(number) if number == int(number) else str(Fraction(number))


def draw_lot(seed: str, names: Iterable[str]) -> list[str]:
    """Draw a lot that anybody can draw again: the names by SHA-256(seed ‖ name), the smallest first.

    By every rule the decision is about whoever is drawn first: to be elected, to go on, to be funded, to pass a surplus
    on, or to be left out, as the rule asks for somebody. Where it asks for several, these are the first so many.
    Source: spec of counting, §3; never the language's own random numbers, never the order of a database.
    """
    return sorted(names, key=lambda name: hashlib.sha256((seed + name).encode()).digest())


def _rank(grades: Grades | None) -> Profile:
    if grades is None or len(grades.options) > MAX_OPTIONS:
        raise Invalid("count.needs_rankings")
    rows: dict[bytes, int] = {}
    columns = (grades.grades.tolist(), grades.named.tolist(), grades.weights.tolist())
    for row, named, weight in zip(*columns, strict=True):
        packed = close_up([-grade if is_named else None for grade, is_named in zip(row, named, strict=True)])
        rows[packed] = rows.get(packed, 0) + weight
    return Profile.of_rows(grades.options, rows, blank=grades.blank, invalid=grades.invalid)


def _one_of(name: str, said: str, known: tuple[str, ...]) -> str:
    if said not in known:
        raise Invalid("count.choice", name=name, found=said, known=", ".join(known))
    return said
