"""Voters in groups that Equal Shares cannot tell apart: those who chose alike among the projects funded so far.

A million voters who all choose differently are one group before anything is funded, two after the first project, and so
on: as long as the groups are few, a step of the count looks at them and not at the voters.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import Grades
from ballots.counting.types import Counts

SMALL = 20_000
"""So few different ballots are not laid together: each is a group of its own from the beginning."""

MAX_KEPT = 12_000_000
"""Numbers kept in tables for the next run; at most some 100 MB."""

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]


class Givers(NamedTuple):
    """Who gives to one project: groups, how many voters of each, and the points that each of these voters gives."""

    groups: NDArray[np.int32]
    weights: Counts
    points: Counts


class Pile:
    """The votes by project: the rows that give it anything, and how much."""

    def __init__(self, grades: Grades, projects: Sequence[int]) -> None:
        self.weights = grades.weights
        self.top = grades.top
        self.kept = 0
        self.rows: dict[int, NDArray[np.int32]] = {}
        self.points: dict[int, NDArray[Any]] = {}
        for i in projects:
            column = grades.grades[:, i]
            self.rows[i] = np.flatnonzero(column).astype(np.int32)
            self.points[i] = column[self.rows[i]]
        n = len(grades.weights)
        self.root = Table(self, None if n <= SMALL else np.zeros(n, dtype=np.int32), n if n <= SMALL else 1, projects)


class Table:
    """The groups after some projects were funded, and what they give to those that are still open.

    of_row: the group of each row; None = each row is its own group.
    size:   how many groups. open: the numbers of the projects still open.
    """

    def __init__(self, pile: Pile, of_row: NDArray[np.int32] | None, size: int, projects: Sequence[int]) -> None:
        self.pile, self.of_row, self.size, self.open = pile, of_row, size, tuple(projects)
        self.children: dict[int, tuple[Table, NDArray[np.int32] | None, Counts]] = {}
        self.givers = {i: self._find_givers(i) for i in self.open}
        lengths = [len(self.givers[i].groups) for i in self.open]
        self.starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp) if lengths else np.zeros(0, int)
        self.lengths = np.array(lengths, dtype=np.intp)
        self.groups, self.points, self.weights = (
            np.concatenate([given[part] for given in self.givers.values()]) if lengths else np.zeros(0, dtype)
            for part, dtype in ((0, np.int32), (2, np.float64), (1, np.float64))
        )
        self.points, self.weights = self.points.astype(np.float64), self.weights.astype(np.float64)
        pile.kept += 5 * len(self.groups) + (0 if of_row is None else len(of_row) // 2)

    def voters(self) -> Counts:
        """Count the voters of each group."""
        if self.of_row is None:
            return self.pile.weights
        return np.bincount(self.of_row, self.pile.weights, minlength=self.size).astype(np.int64)

    def fund(self, project: int) -> tuple["Table", NDArray[np.int32] | None, Counts]:
        """Split the groups by what they give to a project.

        Returns: the new table; for each new group the one it comes from (None: the groups stay what they are); and the
                 points that its voters give to the project.
        """
        if project not in self.children:
            if self.pile.kept > MAX_KEPT:
                self.pile.root.children.clear()
                self.pile.kept = 0
            self.children[project] = self._split(project)
        return self.children[project]

    def _split(self, project: int) -> tuple["Table", NDArray[np.int32] | None, Counts]:
        left = [i for i in self.open if i != project]
        rows, points = self.pile.rows[project], self.pile.points[project]
        if self.of_row is None:
            given = np.zeros(self.size, dtype=np.int64)
            given[rows] = points
            table = object.__new__(Table)
            table.pile, table.of_row, table.size, table.open = self.pile, None, self.size, tuple(left)
            table.children = {}
            table.givers = {i: self.givers[i] for i in left}
            at = self.open.index(project)
            keep = np.ones(len(self.groups), dtype=bool)
            keep[self.starts[at] : self.starts[at] + self.lengths[at]] = False
            table.lengths = np.delete(self.lengths, at)
            table.starts = (np.cumsum(table.lengths) - table.lengths).astype(np.intp)
            table.groups, table.points, table.weights = self.groups[keep], self.points[keep], self.weights[keep]
            self.pile.kept += 3 * len(table.groups)
            return table, None, given
        levels, numbered = np.unique(points, return_inverse=True)
        key = self.of_row * np.int64(len(levels) + 1)
        key[rows] += numbered + 1
        seen = np.zeros(self.size * (len(levels) + 1), dtype=bool)
        seen[key] = True
        found = np.flatnonzero(seen)
        parents = (found // (len(levels) + 1)).astype(np.int32)
        given = np.concatenate([[0], levels]).astype(np.int64)[found % (len(levels) + 1)]
        if len(found) > len(self.of_row) // 4:
            level_of_row = np.zeros(len(self.of_row), dtype=np.int64)
            level_of_row[rows] = points
            return Table(self.pile, None, len(self.of_row), left), self.of_row, level_of_row
        number = np.cumsum(seen, dtype=np.int32) - 1
        return Table(self.pile, number[key], len(found), left), parents, given

    def _find_givers(self, project: int) -> Givers:
        rows, points = self.pile.rows[project], self.pile.points[project]
        weights = self.pile.weights[rows]
        if self.of_row is None:
            return Givers(rows, weights, points.astype(np.int64))
        levels, numbered = np.unique(points, return_inverse=True) if self.pile.top > 1 else (np.ones(1), None)
        key = self.of_row[rows]
        if numbered is not None:
            key = key * np.int64(len(levels)) + numbered
        counted = np.bincount(key, weights, minlength=1)
        found = np.flatnonzero(counted)
        return Givers(
            (found // len(levels)).astype(np.int32),
            counted[found].astype(np.int64),
            levels.astype(np.int64)[found % len(levels)],
        )
