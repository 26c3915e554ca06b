"""The one door for ballot files: finds out how a file is written, and has it read."""

import codecs
import re
from collections.abc import Callable
from pathlib import PurePath

from ballots.counting.contest import Contest
from ballots.counting.types import Profile
from ballots.formats import abif, blt, cvotes, debian, pabulib, rctab, scottish
from ballots.formats.errors import BallotFileError
from commons.errors import Invalid

MAX_BYTES = 50_000_000
"""The largest file that is read at all."""

LIMITS = {
    "abif": 9_000_000,
    "blt": 3_000_000,
    "cvotes": 3_000_000,
    "debian": 2_000_000,
    "pabulib": 8_000_000,
    "rctab": 8_000_000,
    "scottish": 4_000_000,
}
"""The largest file of each format that nobody had to ask for: whatever stands in it, it is read, or refused for a fault
in its last line, in some two seconds and 200 MB. (Of Pabulib in three or four: a whole city comes near six million
bytes.)
"""

READERS: dict[str, Callable[[str], Profile | Contest]] = {
    "abif": abif.read_contest,
    "cvotes": cvotes.read,
    "debian": debian.read,
    "pabulib": pabulib.read,
}
SKIPPING: dict[str, Callable[[str, int | None], Contest]] = {
    "blt": blt.read,
    "rctab": rctab.read,
    "scottish": scottish.read,
}
"""The formats that know ranks left empty."""

SUFFIXES = {".abif": "abif", ".blt": "blt", ".cvotes": "cvotes", ".pb": "pabulib"}
SIGNS = {
    "debian": re.compile(r"^(?:V:|[ \t/|]*+Option[ \t]++1\b)", re.MULTILINE),
    "pabulib": re.compile(r"\A\s*+META[; \t]*+\n\s*+key\b", re.IGNORECASE),
    "cvotes": re.compile(r"^#/", re.MULTILINE),
    "abif": re.compile(r"^[ \t]*+(?:\d++[ \t]*+:|=[^:\n]*+:)", re.MULTILINE),
    "rctab": rctab.SIGN,
    # .csv is no suffix of one format: its first line tells.
    "scottish": re.compile(r'\A\s*+"?\d++"?[ \t]*+,[\s"]*+\d++[ \t",]*+(?:\n|\Z)'),
    "blt": re.compile(r"\A(?:[ \t,]*+(?:#.*+)?\n)*+[ \t]*+\d++[ \t]++\d++[ \t,]*+(?:[\n#\d-]|\Z)"),
}
"""How each format gives itself away when the suffix does not; asked in this order.

No pattern that is tried at each line may run over the end of it: from every one of a million empty lines it would.
"""

TABLES = ("scottish", "rctab")
"""What a .csv can be."""


def read_profile(data: bytes, filename: str) -> Profile:
    """Read a file of rankings that somebody answers for, be it large.

    Returns and Raises as `read_contest`; Invalid "count.needs_rankings" for grades.
    """
    contest = read_contest(data, filename, large=True)
    if contest.rankings is None:
        raise Invalid("count.needs_rankings")
    return contest.rankings


def read_contest(data: bytes, filename: str, max_skips: int | None = None, *, large: bool = False) -> Contest:
    """Read a ballot file, whose format is told by its suffix, else by what stands in it.

    data:      UTF-8, with or without byte order mark, any line ends; a Debian sheet may also be Latin-1.
    max_skips: so many ranks left empty in a row end a ballot, where the format knows empty ranks; None = never.
    large:     read a file above the limit of its format, too: up to MAX_BYTES, however long it takes.
    Returns:   the contest; options in the order of the file.
    Raises:    BallotFileError, one for the first thing that is wrong, whatever the bytes are.
    Cost:      linear; two seconds at the limit of a format, a few for a million different ballots.
    """
    if len(data) > MAX_BYTES:
        raise BallotFileError("too_large", 0, len(data), MAX_BYTES)
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        raise BallotFileError("not_text", data.count(b"\n", 0, data.index(b"\0")) + 1, "0x00", "UTF-8")
    name = _find_format(data, filename)
    if len(data) > LIMITS[name] and not large:
        raise BallotFileError("too_large", 0, len(data), LIMITS[name])
    text = _latin(data) if name == "debian" and not _is_utf8(data) else _decode(data)
    found = SKIPPING[name](text, max_skips) if name in SKIPPING else READERS[name](text)
    return Contest(found) if isinstance(found, Profile) else found


def _find_format(data: bytes, filename: str) -> str:
    suffix = PurePath(filename).suffix.lower()
    if known := SUFFIXES.get(suffix):
        return known
    text = _latin(data)
    asked = TABLES if suffix == ".csv" else SIGNS
    known = next((name for name in asked if SIGNS[name].search(text)), None)
    if known is None:
        raise BallotFileError("unknown_format", 0, suffix or filename, ".abif .blt .csv .cvotes .pb .txt")
    return known


def _latin(data: bytes) -> str:
    return data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise BallotFileError("not_text", line, f"0x{data[fault.start]:02x}", "UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
