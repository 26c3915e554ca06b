"""BLT, the ballot file of most counters of the single transferable vote (OpenSTV, OpaVote, eSTV, Droop, OpenTally).

    4 2              four candidates, two seats            # a remark
    -2               the second has withdrawn (any number of them, on lines of their own)
    3 1 3 4 0        three ballots: 1, then 3, then 4; a ballot ends with 0 on the line on which it began
    2 4 1=3 0        equal ranks
    1 4 - 3 0        the second rank was left empty
    5 0              five blank ballots
    0                no more ballots
    "Adam"           the names in the order of the numbers, quotes in names doubled; a name may stand without quotes
    "Basil" "Party"  what stands after a quoted name is passed over
    …
    "Title"          passed over, as all that follows

The whole file may also stand on a single line. A withdrawn candidate stays among the options (`Contest.withdrawn`) and
is struck out of all ballots; a ballot that names nobody else is blank. Refused, with the line: decimal numbers of
ballots, numbers of ballots (`(id)`), short names (`[nick …]`), since programs do not agree about their meaning.
Source: Hill, Wichmann & Woodall, Algorithm 123, Comput. J. 30 (1987) 277; help pages of OpaVote and OpenTally;
github.com/mggg/scot-elex for names without quotes and with parties.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice

from ballots.counting.contest import Contest
from ballots.counting.types import MAX_OPTIONS
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import MAX_BALLOTS, Sheet, cut_at_skips, number_lines, parse_count

SAMPLE_HEAD = "4 2"
SAMPLE_BALLOT = "3 1 2=4 0"
SAMPLE_NAME = '"Name"'
# Possessive (`*+`), as in abif.py: a line is read in one pass. Commas are blanks: spreadsheets leave them behind.
WORD = re.compile(r"[^\s,=]++(?:\s*+=\s*+[^\s,=]++)*+|=")
QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
NUMBER = re.compile(r"\d{1,9}")
WITHDRAWN = re.compile(r"-\d++")
NUMBERED = re.compile(r"-?\d")
REMARK = re.compile(r"\s#")
WHOLE = re.compile(r"(\d++)\.0++")
END = "0"
SKIPPED = "-"


def read(text: str, max_skips: int | None = None) -> Contest:
    """Read an election.

    text:      lines end in LF.
    max_skips: so many ranks left empty in a row end a ballot; None = they close up.
    Returns:   rankings, seats and who has withdrawn.
    Raises:    BallotFileError.
    Cost:      linear in the length of the text.
    """
    lines = number_lines(text)
    spoken = _lines(lines)
    line, words, names = first = next(spoken, (0, iter(()), ""))
    head = [next(words, ""), next(words, "")]
    if not all(map(NUMBER.fullmatch, head)):
        raise BallotFileError("line", line, " ".join(head), SAMPLE_HEAD)
    options, seats = map(int, head)
    if not 1 <= options <= MAX_OPTIONS:
        raise BallotFileError("no_options", line, options, f"1–{MAX_OPTIONS}")
    sheet = Sheet(options)
    withdrawn: set[int] = set()
    is_head = True
    for line, words, names in chain([first], spoken):
        if _read_line(sheet, words, line, withdrawn, max_skips, is_head=is_head):
            break
        if names:
            raise BallotFileError("line", line, names, END)
        is_head = False
    else:
        raise BallotFileError("line", 0, "", END)
    sheet.name_options(_names(options, chain([(line, names)], lines)))
    return Contest(sheet.close(), seats=seats, withdrawn=frozenset(sheet.options[number] for number in withdrawn))


def _lines(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Iterator[str], str]]:
    """Yield for each line that says something: its number, its words before any quote, and what stands from there."""
    for line, content in lines:
        quote, remark = content.find('"'), content.find("#")
        ends = [place for place in (quote, remark) if place >= 0]
        words = content[: min(ends, default=len(content))]
        names = content[quote:] if ends and min(ends) == quote else ""
        if names or words.strip(" \t,"):
            is_plain = "=" not in words and "," not in words
            yield line, iter(words.split()) if is_plain else (word[0] for word in WORD.finditer(words)), names


def _read_line(
    sheet: Sheet, words: Iterator[str], line: int, withdrawn: set[int], max_skips: int | None, *, is_head: bool
) -> bool:
    """Note the withdrawn and the ballots of one line. Returns whether the ballots are over."""
    struck = ""
    for word in words:
        if not sheet.ballots and WITHDRAWN.fullmatch(word):
            withdrawn.add(_parse_option(sheet, word[1:], line))
            struck = word
        elif struck and not is_head:  # no ballots stand beside the withdrawn: this is a number of ballots below zero
            raise BallotFileError("number", line, struck, f"1–{MAX_BALLOTS}")
        elif word == END:
            if (after := next(words, None)) is not None:
                raise BallotFileError("line", line, f"{END} {after}", END)
            return True
        else:
            ranking = cut_at_skips(_parse_ballot(sheet, words, line), max_skips)
            if withdrawn:
                ranking = [[number for number in group if number not in withdrawn] for group in ranking]
            sheet.add_ranking(ranking, _parse_count(word, line), line)
    return False


def _parse_ballot(sheet: Sheet, words: Iterator[str], line: int) -> list[list[int]]:
    """Read the ranks of one ballot up to its 0."""
    ranking = []
    for word in words:
        number = sheet.numbers.get(word)
        if number is not None:
            ranking.append([number])
        elif word == END:
            return ranking
        elif word == SKIPPED:
            ranking.append([])
        else:
            ranking.append([_parse_option(sheet, name.strip(), line) for name in word.split("=")])
    raise BallotFileError("line", line, "", SAMPLE_BALLOT)


def _parse_count(word: str, line: int) -> int:
    if not NUMBERED.match(word):  # no number of ballots at all
        raise BallotFileError("line", line, word, SAMPLE_BALLOT)
    whole = WHOLE.fullmatch(word)
    return parse_count(whole[1] if whole else word, line)


def _parse_option(sheet: Sheet, word: str, line: int) -> int:
    if not (word.isascii() and word.isdigit()):
        raise BallotFileError("line", line, word, SAMPLE_BALLOT)
    number = sheet.numbers.get(word.lstrip("0"))
    if number is None:
        raise BallotFileError("unknown_option", line, word, f"1–{len(sheet.options)}")
    return number


def _names(options: int, lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    """Read the names, one a line as a rule; where there are fewer lines than names and title, one in each quotes."""
    told = ((line, text.strip()) for line, text in lines)
    rest = list(islice(((line, text) for line, text in told if text and not text.startswith("#")), options + 1))
    quoted = [(line, _unquote(name)) for line, text in rest for name in islice(QUOTED.finditer(text), options + 1)]
    if len(rest) < options or (len(rest) == options and len(quoted) == options + 1):
        return quoted[:options]
    return [(line, _parse_name(text, line)) for line, text in rest[:options]]


def _parse_name(text: str, line: int) -> str:
    if not text.startswith('"'):
        return REMARK.split(text, 1)[0].rstrip(" ,")
    quoted = QUOTED.match(text)
    if not quoted:
        raise BallotFileError("option", line, text, SAMPLE_NAME)
    return _unquote(quoted)


def _unquote(quoted: re.Match[str]) -> str:
    return quoted[1].replace('""', '"').strip()
