"""Voters in groups that Equal Shares cannot tell apart: those who chose alike among the projects funded so far.

A million voters who all choose differently are one group before anything is funded, two after the first project, and so
on: as long as the groups are few, a step of the count looks at them and not at the voters. Who has nothing left is not
told apart any further.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import Grades
from ballots.counting.types import Counts

SMALL = 20_000
"""So few different ballots are not laid together: each is a group of its own from the beginning."""

MANY = 4_096
"""With more groups than this, those who have nothing left are no longer told apart: that makes tables differ by run."""

MAX_KEPT = 120_000_000
"""Bytes of tables kept for the next run."""

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
Groups = NDArray[np.int32]


class Givers(NamedTuple):
    """Who gives to one project: groups, how many voters of each, and the points that each of these voters gives.

    Sorted by group, then points; each pair of these once.
    """

    groups: Groups
    weights: Counts
    points: Counts


class Split(NamedTuple):
    """What becomes of a table when a project is funded.

    parents: for each new group the one it comes from; None where the groups stay what they are.
    points:  what the voters of each new group give to the project.
    """

    table: "Table"
    parents: Groups | None
    points: Counts


class Pile:
    """The votes by project: the rows that give it anything, and how much. root: the table before anything is funded."""

    def __init__(self, grades: Grades, projects: Sequence[int]) -> None:
        self.grades, self.weights = grades.grades, grades.weights
        self.is_ones = bool((grades.weights == 1).all())
        self.kept = 0
        self.rows = {i: np.flatnonzero(self.grades[:, i] != 0).astype(np.int32) for i in projects}
        self.levels = {i: self._levels(i, grades.top) for i in projects}
        n = len(grades.weights)
        groups = None if n <= SMALL else np.zeros(n, dtype=np.int32)
        givers = {i: self.gather(i, groups) for i in projects}
        self.root = Table(self, groups, n if groups is None else 1, givers)

    def gather(self, project: int, group_of_row: Groups | None) -> Givers:
        """Find who gives to a project; without groups, each row is its own."""
        rows = self.rows[project]
        if group_of_row is None:
            return Givers(rows, self.weights[rows], self.grades[:, project][rows].astype(np.int64))
        return self._count(project, group_of_row[rows], rows)

    def _count(self, project: int, groups: Groups, rows: Groups) -> Givers:
        levels = self.levels[project]
        keys = groups.astype(np.int64) * len(levels) + self.level_of(project, rows)
        counted = np.bincount(keys, None if self.is_ones else self.weights[rows])
        found = np.flatnonzero(counted)
        return Givers(
            (found // len(levels)).astype(np.int32), counted[found].astype(np.int64), levels[found % len(levels)]
        )

    def level_of(self, project: int, rows: Groups) -> NDArray[Any] | int:
        """Return for rows that give to a project which of its levels they give."""
        levels = self.levels[project]
        return 0 if len(levels) == 1 else np.searchsorted(levels, self.grades[:, project].take(rows))

    def _levels(self, project: int, top: int) -> Counts:
        return (
            np.ones(1, dtype=np.int64)
            if top == 1
            else np.unique(self.grades[:, project][self.rows[project]]).astype(int)
        )

    def move(self, project: int, before: Givers, rows: Groups, into: Groups, parents: Groups) -> Givers:
        """Update the givers of a project after rows have moved into new groups.

        rows:    all that moved, and into which group each. parents: for every group, old and new, where it comes from.
        """
        gives = np.flatnonzero(self.grades[:, project].take(rows) != 0)  # many times faster on truths than on numbers
        moved = self._count(project, into.take(gives), rows.take(gives))
        width = int(max(before.points.max(initial=0), moved.points.max(initial=0))) + 1
        keys = before.groups.astype(np.int64) * width + before.points
        at = np.searchsorted(keys, parents[moved.groups].astype(np.int64) * width + moved.points)
        weights = before.weights.copy()
        np.subtract.at(weights, at, moved.weights)
        stay = weights > 0
        return Givers(
            np.concatenate([before.groups[stay], moved.groups]),
            np.concatenate([weights[stay], moved.weights]),
            np.concatenate([before.points[stay], moved.points]),
        )


class Table:
    """The groups after some projects were funded, and what they give to those that are still open.

    group_of_row: None = each row is its own group. size: how many groups. open: the numbers of the projects.
    givers:       by project. groups, weights, points: all givers of all open projects, one project after the other;
    starts:       where each begins, and lengths: how many these are.
    """

    def __init__(self, pile: Pile, group_of_row: Groups | None, size: int, givers: dict[int, Givers]) -> None:
        self.pile, self.group_of_row, self.size, self.givers = pile, group_of_row, size, givers
        self.open = np.array(list(givers), dtype=np.intp)
        self.lengths = np.array([len(given.groups) for given in givers.values()], dtype=np.intp)
        self.starts = np.cumsum(self.lengths) - self.lengths
        parts = list(givers.values()) or [Givers(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))]
        self.groups = np.concatenate([given.groups for given in parts])
        self.weights = np.concatenate([given.weights for given in parts]).astype(np.float64)
        self.points = np.concatenate([given.points for given in parts]).astype(np.float64)
        self._children: dict[tuple[int, bytes], Split] = {}
        pile.kept += 40 * len(self.groups) + (0 if group_of_row is None else group_of_row.nbytes)

    def voters(self) -> Counts:
        """Count the voters of each group."""
        if self.group_of_row is None:
            return self.pile.weights
        return np.bincount(self.group_of_row, self.pile.weights, minlength=self.size).astype(np.int64)

    def fund(self, project: int, alive: Marks) -> Split:
        """Split the groups by what they give to a project. alive: the groups that have anything left."""
        key = (project, b"" if self.group_of_row is None or self.size <= MANY else np.packbits(alive).tobytes())
        if key not in self._children:
            if self.pile.kept > MAX_KEPT:
                self.pile.root.forget()
            self._children[key] = self._split(project, alive if key[1] else None)
        return self._children[key]

    def forget(self) -> None:
        """Let go of all tables made from this one."""
        self._children.clear()
        self.pile.kept = 0

    def _split(self, project: int, alive: Marks | None) -> Split:
        pile, rows = self.pile, self.pile.rows[project]
        others = {i: given for i, given in self.givers.items() if i != project}
        if self.group_of_row is None:
            points = np.zeros(self.size, dtype=np.int64)
            points[rows] = pile.grades[:, project][rows]
            return Split(Table(pile, None, self.size, others), None, points)
        groups = self.group_of_row[rows]
        if alive is not None:
            rows = rows[alive[groups]]
            groups = self.group_of_row[rows]
        levels = pile.levels[project]
        keys = groups.astype(np.int64) * len(levels) + pile.level_of(project, rows)
        seen = np.zeros(self.size * len(levels), dtype=bool)
        seen[keys] = True
        found = np.flatnonzero(seen)
        if self.size + len(found) > len(self.group_of_row) // 4:
            points = np.zeros(len(self.group_of_row), dtype=np.int64)
            points[pile.rows[project]] = pile.grades[:, project][pile.rows[project]]
            apart = {i: pile.gather(i, None) for i in others}
            return Split(Table(pile, None, len(points), apart), self.group_of_row, points)
        into = (np.cumsum(seen, dtype=np.int32) + np.int32(self.size - 1))[keys]
        parents = np.concatenate([np.arange(self.size), found // len(levels)]).astype(np.int32)
        points = np.concatenate([np.zeros(self.size, dtype=np.int64), levels[found % len(levels)]])
        group_of_row = self.group_of_row.copy()
        group_of_row[rows] = into
        rows = rows.astype(np.intp)
        moved = {i: pile.move(i, given, rows, into, parents) for i, given in others.items()}
        return Split(Table(pile, group_of_row, self.size + len(found), moved), parents, points)
