"""The points beside the names of options, kept for as long as every ballot gives them to all that it names."""

from array import array
from collections.abc import Sequence

import numpy as np

from ballots.counting.contest import Grades
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import MAX_CELLS


class Points:
    """Equal ballots laid together, ballot by ballot; given up at the first one that cannot be grades.

    Whole points from 0 on are grades. What is less than 0 or between two whole numbers would be another scale than the
    one that the count shows: such files keep their rankings only.
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self.blank = 0
        self.are_grades = True

    def add(self, numbers: Sequence[int], points: Sequence[str | None], weight: int) -> None:
        """Note ballots by the options that they name, each once, and the points beside each as written."""
        if not self.are_grades:
            return
        whole = list(map(_whole, points))
        if None in whole:
            self.give_up()
        elif not numbers:
            self.blank += weight
        else:
            order = sorted(range(len(numbers)), key=lambda i: numbers[i])
            row = bytes(numbers[i] for i in order) + array("I", (whole[i] or 0 for i in order)).tobytes()
            self.rows[row] = self.rows.get(row, 0) + weight

    def add_whole(self, marks: Sequence[tuple[int, int]], weight: int) -> None:
        """Note ballots that name something by the numbers of the options, each once, and whole points from 0 on."""
        if self.are_grades:
            numbers, points = zip(*sorted(marks), strict=True)
            row = bytes(numbers) + array("I", points).tobytes()
            self.rows[row] = self.rows.get(row, 0) + weight

    def give_up(self) -> None:
        """Note that these ballots are no grades."""
        self.are_grades = False
        self.rows.clear()

    def close(self, options: Sequence[str], *, top: int | None, invalid: int) -> Grades | None:
        """Return what was noted, None where it is no grades.

        top:    the highest grade as the file says; None = the highest that was given.
        Raises: BallotFileError "file.too_large"; "file.line" for points above the highest grade.
        """
        if not self.are_grades:
            return None
        n, m = len(self.rows), len(options)
        if n * m > MAX_CELLS:
            raise BallotFileError("too_large", 0, n * m, MAX_CELLS)
        named = np.fromiter((len(row) // 5 for row in self.rows), dtype=np.int64, count=n)
        columns = np.frombuffer(b"".join(row[: len(row) // 5] for row in self.rows), dtype=np.uint8)
        given = np.frombuffer(b"".join(row[len(row) // 5 :] for row in self.rows), dtype=np.uintc)
        highest = int(given.max(initial=0))
        if top is not None and highest > top:
            raise BallotFileError("line", 0, highest, f"0–{top}")
        top = max(1, highest) if top is None else top
        lines = np.repeat(np.arange(n), named)
        grades = np.zeros((n, m), dtype=np.min_scalar_type(top), order="F")
        grades[lines, columns] = given
        zeros = None
        if not given.all():
            zeros = np.zeros((n, m), dtype=np.bool_, order="F")
            zeros[lines, columns] = given == 0
        weights = np.fromiter(self.rows.values(), dtype=np.int64, count=n)
        return Grades(tuple(options), grades, weights, top, self.blank, invalid, zeros)


def _whole(points: str | None) -> int | None:
    """Read "5" or "5.0"; None for what is no whole number from 0 on."""
    before, _, after = (points or "").partition(".")
    return int(before) if before and not after.strip("0") and int(before) >= 0 else None
