"""`khma count`: read a file of ballots, count it, and print the order with everything that explains it."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.cli.failing import fail
from ballots.counting.certificate import check_schulze
from ballots.counting.contest import Variants
from ballots.counting.registry import RULES
from ballots.counting.registry import count as count_contest
from ballots.counting.types import Outcome
from ballots.formats.reading import MAX_BYTES, read_contest
from commons.canonical import readable
from commons.errors import Invalid

FORMATS = ".abif, .blt, .cvotes, .pb, Debian tally sheet (.txt), Scottish or RCTab-style ranks (.csv)"


def count(argv: list[str]) -> int:
    """Count a file of ballots.

    Returns: 0; 2 with one line on standard error when the file or the rule cannot be used.
    """
    given = _arguments().parse_args(argv)
    try:
        variants = _variants(given)
        contest = read_contest(read_bytes(given.file), given.file.name, max_skips=given.max_skips)
        outcome = count_contest(given.rule, contest, variants)
    except Invalid as fault:
        return fail("khma count", str(given.file), fault)
    if given.json:
        labels = {"labels": dict(contest.labels)} if contest.labels else {}
        sys.stdout.write(readable(outcome.as_json() | labels).decode())
    else:
        print("\n".join(describe(outcome, contest.labels)))
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="khma count", description="Count a file of ballots.")
    parser.add_argument("--rule", required=True, help=f"how to count: {', '.join(sorted(RULES))}")
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

    Raises: Invalid "file.unreadable" with the system's reason.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as failure:
        raise Invalid("file.unreadable", found=failure.strerror or type(failure).__name__) from failure


def describe(outcome: Outcome, labels: Mapping[str, str]) -> Iterator[str]:
    """Tell a count in lines: how many ballots, the order, and why each stands where it stands."""
    yield f"{outcome.ballots} ballots: {outcome.counted} counted, {outcome.blank} blank, {outcome.invalid} invalid."
    yield f"Order by the rule {outcome.rule}:"
    place = 1
    for tied in outcome.order:
        yield f"{place:>4}  {' = '.join(_titled(name, labels) for name in tied)}"
        place += len(tied)
    if outcome.elected is not None:
        yield f"Chosen: {', '.join(outcome.elected) or 'none'}"
    for number, told in enumerate(outcome.rounds or [], start=1):
        yield ""
        yield f"Round {number}"
        yield from _describe_round(told)
    if outcome.rule == "schulze" and outcome.certificate is not None and outcome.pairwise is not None:
        yield from _describe_neighbours(outcome.certificate)
    if outcome.pairwise is not None:
        yield from _describe_table(outcome, outcome.pairwise)
    if outcome.rule == "schulze" and outcome.certificate is not None and outcome.pairwise is not None:
        faults = list(check_schulze(outcome.pairwise, outcome.order, outcome.certificate, outcome.counted))
        yield ""
        yield f"Certificate: {f'{len(faults)} faults' if faults else 'holds'}, says the checker that does not count."


def _titled(name: str, labels: Mapping[str, str]) -> str:
    return f"{name} ({labels[name]})" if labels.get(name) else name


def _describe_round(told: Mapping[str, Any]) -> Iterator[str]:
    """Write what a round says of each option as a table, and all else on lines of its own."""
    for name, said in told.items():
        if isinstance(said, dict):
            longest = max(map(len, said), default=0)
            yield from (f"  {option:<{longest}}  {number}" for option, number in said.items())
        elif said not in ([], None):
            yield f"  {name.replace('_', ' ')}: {', '.join(map(str, said)) if isinstance(said, list) else said}"


def _describe_neighbours(certificate: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    for pair in certificate["neighbours"]:
        link = "ties with" if pair["tied"] else "before"
        said = f"{pair['above']} {link} {pair['below']}: {pair['for']} to {pair['against']}"
        said += f", {pair['neither']} gave no order"
        chains = [(pair["chain"], pair["strength"]), (pair["back"], pair["back_strength"])]
        told = [f"{' > '.join(chain)} ({strength})" for chain, strength in chains if len(chain) > 2]
        yield said + (f"; strongest chains {' and '.join(told)}" if told else "")


def _describe_table(outcome: Outcome, pairwise: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Write the comparisons as a table whose columns are numbered as its rows."""
    order = [name for tied in outcome.order for name in tied]
    widest = max(len(str(outcome.ballots)), len(str(len(order))))
    longest = max(map(len, order))
    yield ""
    yield "Ballots that put the row before the column:"
    yield " " * (longest + 6) + " ".join(f"{number:>{widest}}" for number in range(1, len(order) + 1))
    for number, a in enumerate(order, start=1):
        cells = ("·" if a == b else str(pairwise[a][b]) for b in order)
        yield f"{number:>3}  {a:<{longest}}" + "".join(f" {cell:>{widest}}" for cell in cells)
