"""The figures of a sealed vote that may go out beside the order, and the order found again from them alone. Pure.

Only figures from which the order itself follows are ever published: then what is published is these figures and nothing
else, and that is what `results/attack.py` tries to take apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import Contest, Grades, Money
from ballots.counting.registry import FROM_PAIRS, count
from ballots.counting.types import Counts, Outcome
from polls.kinds import GRADES, Kind, Paper

Answers = NDArray[np.uint8]
UNTOLD = -1
"""What stands in a table for a number that is not told by itself."""
FEWEST_TOLD = 10
"""Fewer votes than this for one of single choices are told together with others."""


class Form(StrEnum):
    """What the figures are. The value is the name of their file."""

    PAIRS = "pairwise.csv"  # for every two options, how many ballots put one before the other
    TOTALS = "totals.csv"  # for every option, how many votes, yeses or points it got
    GRADES = "grades.csv"  # for every option, how many ballots gave it each grade


FORMS: Mapping[str, Form] = {
    "schulze": Form.PAIRS,
    "ranked-pairs": Form.PAIRS,
    "borda": Form.PAIRS,
    "plurality": Form.TOTALS,
    "approval": Form.TOTALS,
    "greedy": Form.TOTALS,
    "score": Form.GRADES,
    "majority-judgment": Form.GRADES,
}
"""The rules whose order follows from such figures. Of all others the order alone is published."""
_WORDS = {Form.TOTALS: "totals", Form.GRADES: "grades"}


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures to be published. table: (m, m), (m, 1) or (m, 6) whole numbers, by the form; UNTOLD for what is not."""

    form: Form
    options: tuple[str, ...]
    table: Counts

    @classmethod
    def of(cls, form: Form, paper: Paper, names: tuple[str, ...], opened: Mapping[bytes, int]) -> "Figures":
        """Add opened ballots up. opened: answer -> how many ballots say it."""
        answers = np.frombuffer(b"".join(opened), dtype=np.uint8).reshape(len(opened), len(names))
        weights = np.fromiter(opened.values(), dtype=np.int64, count=len(opened))
        summed = weights @ adds(form, paper.kind, answers).astype(np.int64)
        return cls(form, names, summed.reshape(len(names), -1))


def gathered(figures: Figures, blank: int) -> Figures:
    """Gather small votes of a single choice: there a vote for an option is the whole ballot.

    blank:   how many ballots were blank; fewer than ten are not told, and so stand among those that are gathered.
    Returns: the same where every option has ten votes or more, or none at all, and no blank ballots are hidden. Else
             all options with fewer than ten votes are untold, and one more where only one kind of ballot would be.
    """
    votes = figures.table[:, 0]
    few = (votes > 0) & (votes < FEWEST_TOLD)
    if not few.any() and not 0 < blank < FEWEST_TOLD:
        return figures
    hidden = votes < FEWEST_TOLD
    if hidden.sum() + (blank < FEWEST_TOLD) < 2:  # one alone is what the rest leaves over
        hidden = votes <= min(votes[~hidden], default=0)
    return replace(figures, table=np.where(hidden[:, None], UNTOLD, figures.table))


def adds(form: Form, kind: Kind, answers: Answers) -> NDArray[np.uint8]:
    """Tell what each ballot adds to each figure.

    answers: (n, m), as ballots say them.
    Returns: (n, m * k): the rows of the table one after the other.
    """
    n, m = answers.shape
    match form:
        case Form.PAIRS:
            ranks = np.where(answers == 0, np.uint8(255), answers)
            above: Answers = (ranks[:, :, None] < ranks[:, None, :]).astype(np.uint8)
            return above.reshape(n, m * m)
        case Form.GRADES:
            given = np.maximum(answers, 1) - 1  # no grade counts as the lowest; a blank ballot gives none at all
            gives: Answers = (given[:, :, None] == np.arange(GRADES)).astype(np.uint8)
            gives[~answers.any(axis=1)] = 0
            return gives.reshape(n, m * GRADES)
    return (answers == 1).astype(np.uint8) if kind is Kind.RANKING else answers


def count_figures(figures: Figures, rule: str, paper: Paper, ballots: int, blank: int | None, invalid: int) -> Outcome:
    """Count again from the figures alone: what `result.json` tells where all of them are published.

    ballots: all in the box. blank: of these, blank ones; None where their number is not told.
    Returns: an outcome whose certificate is the figures themselves, where it is not the table of comparisons. Options
             whose votes are not told share the last place.
    """
    names, table = figures.options, figures.table
    if rule in FROM_PAIRS:
        return FROM_PAIRS[rule](names, table, ballots, blank or 0, invalid)
    outcome = Outcome(rule, names, ballots, blank or 0, invalid, ballots - (blank or 0) - invalid, [])
    pile = _stack(figures) if figures.form is Form.GRADES else _spread(figures)
    money = None if paper.budget is None else Money(Fraction(paper.budget), tuple(map(Fraction, paper.costs)))
    found = count(rule, Contest(grades=pile, money=money))
    cells = [[None if cell == UNTOLD else cell for cell in row] for row in table.tolist()]
    rows = {name: row if len(row) > 1 else row[0] for name, row in zip(names, cells, strict=True)}
    return replace(outcome, order=found.order, elected=found.elected, certificate={_WORDS[figures.form]: rows})


def _spread(figures: Figures) -> Grades:
    """Make ballots that give the same totals: each names one option."""
    totals = np.maximum(figures.table[:, 0], 0)
    rows = np.flatnonzero(totals)
    marks = np.zeros((len(rows), len(totals)), dtype=np.uint8)
    marks[np.arange(len(rows)), rows] = 1
    return Grades(figures.options, marks, totals[rows].astype(np.int64), 1)


def _stack(figures: Figures) -> Grades:
    """Make ballots that give the same grades to each option: the first one has the best grade of each, and so on."""
    table = figures.table[:, ::-1]
    ends = np.cumsum(table, axis=1)
    cuts = np.unique(np.concatenate([[0], ends.ravel()]))
    starts, weights = cuts[:-1], np.diff(cuts)
    grades = np.stack([GRADES - 1 - np.searchsorted(row, starts, side="right") for row in ends], axis=1)
    return Grades(figures.options, grades.astype(np.uint8), weights.astype(np.int64), GRADES - 1)
