"""Tally sheets of the Debian project: a head that names the options, then one line of ranks for every voter.

         Option 1------>: Ann Ahrens
       /  Option 2----->: Bo Berg
       |/  Option 3---->: None Of The Above
       ||/
    V: 21-  5de2d9bd…        the third option is left out
    V: 112  bdale  B. Garbee   equal ranks; public votes name the voter

What stands before the options, the drawn lines, and the columns after the ranks are not part of the vote.
Source: www.debian.org/vote, sheets of 2003 to 2022; an option left out is tied below all ranked (constitution, A.5).
"""

import html
import re

from ballots.counting.types import Profile
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import Sheet, number_lines

OPTION = re.compile(r"[\s/|\\]*+Option\s++(\d{1,3})\s*+[-–—=.]*+>?\s*+:?(?P<name>.*)")
BALLOT = re.compile(r"\s*+V\s*+:(.*)")
UNNAMED = re.compile(r"\s*+([1-9-]++)\s++[0-9a-f]{32,64}\s*+")  # the "V:" was left out in some years
RULE = re.compile(r"[\s/|\\=_*~-]*+")
MARKUP = re.compile(r"<[^<>\n]*+>")
SIGNATURE = "-----BEGIN PGP SIGNATURE"
LETTERS = "123456789abcdefghijklmnopqrstuvwxyz"


def read(text: str) -> Profile:
    """Read a tally sheet.

    text:   lines end in LF.
    Raises: BallotFileError.
    Cost:   linear in the length of the text.
    """
    if "&gt;" in text or "<pre" in text.lower():  # saved from the browser as a page
        text = html.unescape(MARKUP.sub("", text))
    sheet = Sheet()
    for line, content in number_lines(text):
        if content.startswith(SIGNATURE):
            break
        ballot = BALLOT.fullmatch(content) or (sheet.options and UNNAMED.fullmatch(content))
        if ballot:
            sheet.add_ranks(_parse_ranks(ballot[1], len(sheet.options), line), 1, line)
        elif option := OPTION.fullmatch(content):
            _note_option(sheet, int(option[1]), option["name"].strip(), line)
        elif sheet.options and not RULE.fullmatch(content):
            raise BallotFileError("line", line, content, _sample(len(sheet.options)))
    return sheet.close()


def _note_option(sheet: Sheet, number: int, name: str, line: int) -> None:
    if sheet.ballots:
        raise BallotFileError("line", line, name, _sample(len(sheet.options)))
    if number != len(sheet.options) + 1:
        raise BallotFileError("option", line, f"Option {number}", f"Option {len(sheet.options) + 1}")
    sheet.add_option(name, line)


def _parse_ranks(ballot: str, options: int, line: int) -> list[int | None]:
    """Read one sign for each option (1-9, then a-z), or, set apart by blanks, one number for each."""
    if not options:
        raise BallotFileError("no_options", line, 0, "Option 1--->: …")
    fields = ballot.split(None, options)
    signs = list(fields[0]) if fields and len(fields[0]) == options else fields[:options]
    if len(signs) != options:
        raise BallotFileError("line", line, f"V:{ballot}", _sample(options))
    return [_parse_rank(sign, options, f"V:{ballot}", line) for sign in signs]


def _parse_rank(sign: str, options: int, ballot: str, line: int) -> int | None:
    if sign == "-":
        return None
    if len(sign) == 1 and sign.lower() in LETTERS[: max(options, 9)]:
        return LETTERS.index(sign.lower()) + 1
    if sign.isascii() and sign.isdigit() and len(sign) <= 3 and int(sign):
        return int(sign)
    raise BallotFileError("line", line, ballot, _sample(options))


def _sample(options: int) -> str:
    return "V: " + (LETTERS[:options] if options < len(LETTERS) else "1 2 3 - …")
