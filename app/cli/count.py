"""`khma count`: read a file of ballots, count it, and print the order with everything that explains it."""

import argparse
import io
import os
import stat
import sys
from fractions import Fraction
from pathlib import Path
from typing import Never

from app.cli.failing import fail
from app.cli.published import is_zip, open_folder, open_zip
from app.cli.telling import describe
from ballots.counting.contest import Variants
from ballots.counting.registry import RULES
from ballots.counting.registry import count as count_contest
from ballots.formats.reading import MAX_BYTES, read_contest
from commons.canonical import readable
from commons.errors import Invalid

FORMATS = (
    ".abif, .blt, .cvotes, .pb, Debian tally sheet (.txt), Scottish or RCTab-style ranks (.csv), "
    "or the folder or .zip of a published result"
)
LONGEST = 300
"""Signs of what is said about arguments."""


class _Arguments(argparse.ArgumentParser):
    """Arguments of which a wrong one is told in one line, as all else that cannot be counted."""

    def error(self, message: str) -> Never:
        said = " ".join(message.split())[:LONGEST]
        self.exit(2, f"{self.prog}: {said}. See: {self.prog} --help\n")


def count(argv: list[str]) -> int:
    """Count a file of ballots.

    Returns: 0; 2 with one line on standard error when the file or the rule cannot be used.
    Raises:  SystemExit(2) after such a line when the arguments are wrong.
    """
    parser = _arguments()
    given = parser.parse_args(argv)
    try:
        if given.rule is not None and given.rule not in RULES:
            raise Invalid("count.unknown_rule", name=given.rule, known=", ".join(sorted(RULES)))
        rule, variants, name = given.rule, _variants(given), given.file.name
        if given.file.is_dir():
            rule, variants, name, data = open_folder(given.file, rule, variants, read_bytes)
        elif is_zip(data := read_bytes(given.file)):
            rule, variants, name, data = open_zip(io.BytesIO(data), given.file, rule, variants)
        if rule is None:
            parser.error("say how to count with --rule, as the file does not")
        contest = read_contest(data, name, max_skips=given.max_skips, large=given.large)
        del data
        outcome = count_contest(rule, contest, variants)
    except Invalid as fault:
        return fail("khma count", str(given.file), fault)
    if given.json:
        labels = {"labels": dict(contest.labels)} if contest.labels else {}
        _write(readable(outcome.as_json() | labels))
    else:
        _write("".join(f"{line}\n" for line in describe(outcome, contest.labels)).encode())
    return 0


def _write(text: bytes) -> None:
    """Write to standard output, in UTF-8 whatever the terminal; whoever reads it may stop when they have enough."""
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the end of Python has no complaint


def _arguments() -> _Arguments:
    parser = _Arguments(prog="khma count", description="Count a file of ballots.", allow_abbrev=False)
    parser.add_argument(
        "--rule", help=f"how to count: {', '.join(sorted(RULES))}; else as the card of a published result says"
    )
    parser.add_argument("--json", action="store_true", help="print the whole count as JSON, its numbers exact")
    parser.add_argument("--seats", type=int, help="how many are to be elected; else as the file says")
    parser.add_argument("--budget", help="how much may be spent; else as the file says")
    parser.add_argument("--overvote", help="a rank with several options: exhaust (default) or skip")
    parser.add_argument("--max-skips", type=int, metavar="N", help="N ranks left empty in a row end a ballot")
    parser.add_argument("--batch", action="store_true", default=None, help="leave out together who cannot catch up")
    parser.add_argument("--transfer", help="how surpluses move: scottish (default) or wigm")
    parser.add_argument("--decimals", type=int, metavar="N", help="places of a transfer value, 5 by default")
    parser.add_argument("--completion", help="money left over: none, add1, or add1u (default)")
    parser.add_argument("--unranked", help="an option left out is tied last, or ignored; else as the file says")
    parser.add_argument("--threshold", help="a winner needs more than this share, such as 1/2")
    parser.add_argument("--tiebreak-seed", metavar="TEXT", help="lots between equals are drawn from this text")
    parser.add_argument("--large", action="store_true", help="take the time that a file of up to 50 MB needs")
    parser.add_argument("file", type=Path, help=FORMATS)
    return parser


def _variants(given: argparse.Namespace) -> Variants:
    return Variants(
        seats=given.seats,
        budget=_fraction("budget", given.budget),
        overvote=given.overvote,
        max_skips=given.max_skips,
        batch=given.batch,
        transfer=given.transfer,
        decimals=given.decimals,
        completion=given.completion,
        unranked=given.unranked,
        threshold=_fraction("threshold", given.threshold),
        tiebreak_seed=given.tiebreak_seed,
    )


def _fraction(name: str, text: str | None) -> Fraction | None:
    """Read 1000000, 12.50 or 1/2. Raises Invalid "count.choice"."""
    if text is None:
        return None
    try:
        if len(text) > 40 or "e" in text.lower():  # a short text could stand for a number of a billion digits
            raise ValueError
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise Invalid("count.choice", name=name, found=text[:40], known="1000, 12.50, 1/2") from None


def read_bytes(path: Path) -> bytes:
    """Read a file, no more of it than can be counted.

    Raises: Invalid "file.unreadable" with the system's reason; what is no plain file could keep us waiting for ever.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Invalid("file.unreadable", found="Not a plain file")
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as failure:
        raise Invalid("file.unreadable", found=getattr(failure, "strerror", None) or str(failure)) from failure
