"""The sheet on which a reader notes options and ballots, with the limits that hold for every format."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ballots.counting.types import MAX_OPTIONS, UNRANKED, Profile, close_up, is_option_name
from ballots.formats.errors import BallotFileError

MAX_BALLOTS = 10_000_000_000
"""More ballots than there are people are a slip of the pen, or worse."""

MAX_CELLS = 100_000_000
"""Different ballots times options; a hundred million bytes in memory."""

MAX_NAME = 500
"""Signs in the name of an option."""

BLOCK = 1_000_000
"""Signs of a text in which equal lines are laid together at once."""

Ranking = Sequence[Sequence[int]]
"""One ballot: groups of option numbers, best first."""


def number_lines(text: str, before: int = 0) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, without laying millions of lines out in memory at once.

    before: how many lines stand before the text; from this the numbers go on.
    """
    start, line = 0, before
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line += 1
        yield line, text[start:end]
        start = end + 1


def first_line(text: str) -> tuple[int, str, int]:
    """Return the first line that is not empty: its number, the line, and where the next one starts.

    Returns: (0, "", …) where there is none.
    """
    begin = len(text) - len(text.lstrip())
    end = text.find("\n", begin)
    end = len(text) if end < 0 else end
    content = text[text.rfind("\n", 0, begin) + 1 : end]
    return (text.count("\n", 0, begin) + 1 if content.strip() else 0), content, end + 1


def different_lines(text: str, start: int = 0, before: int = 0) -> Iterator[tuple[int, str, int]]:
    """Yield each different line once for every block of the text, in the order in which they first come.

    start:   where in the text to begin; before: how many lines stand before that.
    Returns: the number of the line where it first stands, the line, and how often it stands in the block.
    Cost:    what the language itself does with a list of lines: equal ballots need not be read again and again, and no
             more than a block of lines lies in memory.
    """
    while start <= len(text):
        end = text.find("\n", start + BLOCK)
        end = len(text) if end < 0 else end
        lines = text[start:end].split("\n")
        first = dict(zip(reversed(lines), range(before + len(lines), before, -1), strict=True))
        for content, times in Counter(lines).items():
            yield first[content], content, times
        start, before = end + 1, before + len(lines)


def parse_count(text: str, line: int) -> int:
    """Read a number of ballots: plain digits, from 1 to MAX_BALLOTS.

    Raises: BallotFileError "file.number".
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20 and 1 <= int(digits) <= MAX_BALLOTS):
        raise BallotFileError("number", line, text, f"1–{MAX_BALLOTS}")
    return int(digits)


def cut_at_skips(ranking: Ranking, max_skips: int | None) -> Ranking:
    """End a ballot where so many ranks in a row were left empty (empty groups); None = never, they close up."""
    empty = 0
    for place, group in enumerate(ranking):
        empty = 0 if group else empty + 1
        if empty == max_skips:
            return ranking[:place]
    return ranking


class Sheet:
    """Options by name and short name, and equal ballots laid together, checked line by line."""

    def __init__(self, options: int = 0) -> None:
        """Begin a sheet with so many options that have numbers and no names yet, see `name_options`."""
        self.options = [str(number) for number in range(1, options + 1)]
        self.numbers = {name: i for i, name in enumerate(self.options)}
        self.rows: dict[bytes, int] = {}
        self.ballots = 0

    def add_option(self, name: str, line: int, short: str | None = None) -> int:
        """Note an option; a short name, if it has one, is what the ballots may call it.

        Returns: its number.
        Raises:  BallotFileError "file.option", "file.repeated" or "file.no_options" (too many).
        """
        if not is_option_name(name) or len(name) > MAX_NAME:
            raise BallotFileError("option", line, name, f"1–{MAX_NAME}")
        called = name if short is None else short
        if name in self.options or called in self.numbers:
            raise BallotFileError("repeated", line, called if called in self.numbers else name, 1)
        if len(self.options) == MAX_OPTIONS:
            raise BallotFileError("no_options", line, MAX_OPTIONS + 1, f"1–{MAX_OPTIONS}")
        self.numbers[called] = len(self.options)
        self.options.append(name)
        return len(self.options) - 1

    def add_ranks(self, ranks: Sequence[int | None], weight: int, line: int) -> None:
        """Note ballots by the rank of each option, None where it is left out.

        Raises: BallotFileError "file.number" or "file.too_large".
        """
        self._add_row(close_up(ranks), weight, line)

    def add_ranking(self, ranking: Ranking, weight: int, line: int) -> None:
        """Note ballots by their groups of options, best first; an empty group is no place.

        Raises: BallotFileError "file.repeated", "file.number" or "file.too_large".
        """
        row = bytearray([UNRANKED]) * len(self.options)
        for place, group in enumerate(filter(None, ranking), start=1):
            for number in group:
                if row[number] != UNRANKED:
                    raise BallotFileError("repeated", line, self.options[number], 1)
                row[number] = place
        self._add_row(bytes(row), weight, line)

    def _add_row(self, row: bytes, weight: int, line: int) -> None:
        self.rows[row] = self.rows.get(row, 0) + weight
        self.ballots += weight
        if self.ballots > MAX_BALLOTS:
            raise BallotFileError("number", line, self.ballots, f"1–{MAX_BALLOTS}")
        if len(self.rows) * len(self.options) > MAX_CELLS:
            raise BallotFileError("too_large", line, len(self.rows) * len(self.options), MAX_CELLS)

    def find_option(self, name: str, line: int) -> int:
        """Return the number of an option by what the ballots call it, or by its full name.

        Raises: BallotFileError "file.unknown_option" with the options there are.
        """
        number = self.numbers.get(name)
        if number is None:
            if name not in self.options:
                raise BallotFileError("unknown_option", line, name, ", ".join(self.numbers))
            number = self.options.index(name)
        return number

    def name_options(self, names: Iterable[tuple[int, str]]) -> None:
        """Give the options their names, each with its line, where a file tells them after the ballots.

        Raises: BallotFileError as `add_option`; "file.no_options" for more or fewer than there are.
        """
        named = Sheet()
        for line, name in names:
            named.add_option(name, line)
        if len(named.options) != len(self.options):
            raise BallotFileError("no_options", 0, len(named.options), len(self.options))
        self.options, self.numbers = named.options, named.numbers

    def close(self, *, invalid: int = 0, implicit: bool = True) -> Profile:
        """Return what was noted.

        Raises: BallotFileError "file.no_options" or "file.no_ballots".
        """
        if not self.options:
            raise BallotFileError("no_options", 0, 0, f"1–{MAX_OPTIONS}")
        if not self.ballots and not invalid:
            raise BallotFileError("no_ballots", 0, 0, 1)
        return Profile.of_rows(self.options, self.rows, invalid=invalid, implicit=implicit)
