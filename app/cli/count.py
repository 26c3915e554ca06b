"""`khma count`: read a file of ballots, count it, and print the order with everything that explains it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from app.cli.failing import fail
from ballots.counting.certificate import check_schulze
from ballots.counting.registry import RULES
from ballots.counting.registry import count as count_profile
from ballots.counting.types import Outcome
from ballots.formats.reading import MAX_BYTES, read_profile
from commons.canonical import readable
from commons.errors import Invalid


def count(argv: list[str]) -> int:
    """Count a file of ballots.

    Returns: 0; 2 with one line on standard error when the file or the rule cannot be used.
    """
    parser = argparse.ArgumentParser(prog="khma count", description="Count a file of ballots.")
    parser.add_argument("--rule", required=True, help=f"how to count: {', '.join(sorted(RULES))}")
    parser.add_argument("--json", action="store_true", help="print the whole count as JSON, the bytes of result.json")
    parser.add_argument("file", type=Path, help="Debian tally sheet (.txt), .abif or .cvotes")
    given = parser.parse_args(argv)
    try:
        outcome = count_profile(given.rule, read_profile(read_bytes(given.file), given.file.name))
    except Invalid as fault:
        return fail("khma count", str(given.file), fault)
    if given.json:
        sys.stdout.write(readable(outcome.as_json()).decode())
    else:
        print("\n".join(describe(outcome)))
    return 0


def read_bytes(path: Path) -> bytes:
    """Read a file, no more of it than can be counted.

    Raises: Invalid "file.unreadable" with the system's reason.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as failure:
        raise Invalid("file.unreadable", found=failure.strerror or type(failure).__name__) from failure


def describe(outcome: Outcome) -> Iterator[str]:
    """Tell a count in lines: how many ballots, the order, why each stands where it stands, and every comparison."""
    yield f"{outcome.ballots} ballots: {outcome.counted} counted, {outcome.blank} blank, {outcome.invalid} invalid."
    yield f"Order by the rule {outcome.rule}:"
    place = 1
    for tied in outcome.order:
        yield f"{place:>4}  {' = '.join(tied)}"
        place += len(tied)
    yield from _describe_neighbours(outcome)
    yield from _describe_table(outcome)
    faults = list(check_schulze(outcome.pairwise, outcome.order, outcome.certificate, outcome.counted))
    yield ""
    yield f"Certificate: {f'{len(faults)} faults' if faults else 'holds'}, says the checker that does not count."


def _describe_neighbours(outcome: Outcome) -> Iterator[str]:
    yield ""
    for pair in outcome.certificate["neighbours"]:
        link = "ties with" if pair["tied"] else "before"
        said = f"{pair['above']} {link} {pair['below']}: {pair['for']} to {pair['against']}"
        said += f", {pair['neither']} gave no order"
        chains = [(pair["chain"], pair["strength"]), (pair["back"], pair["back_strength"])]
        told = [f"{' > '.join(chain)} ({strength})" for chain, strength in chains if len(chain) > 2]
        yield said + (f"; strongest chains {' and '.join(told)}" if told else "")


def _describe_table(outcome: Outcome) -> Iterator[str]:
    """Write the comparisons as a table whose columns are numbered as its rows."""
    order = [name for tied in outcome.order for name in tied]
    widest = max(len(str(outcome.ballots)), len(str(len(order))))
    longest = max(map(len, order))
    yield ""
    yield "Ballots that put the row before the column:"
    yield " " * (longest + 6) + " ".join(f"{number:>{widest}}" for number in range(1, len(order) + 1))
    for number, a in enumerate(order, start=1):
        cells = ("·" if a == b else str(outcome.pairwise[a][b]) for b in order)
        yield f"{number:>3}  {a:<{longest}}" + "".join(f" {cell:>{widest}}" for cell in cells)
