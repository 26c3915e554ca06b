"""How `khma count` tells a count in plain text: the order, the rounds, the figures, and why each two stand so.

Whatever a rule says of its rounds and in its certificate is written by its shape, not by its name: one number a line,
one for each option as a table, moves from one to another as "from -> to: n". `--json` has all of it, exactly.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ballots.counting.certificate import check_schulze
from ballots.counting.types import Outcome

LEFT_TO_JSON = {"neighbours", "variants", "strengths", "next", "bought"}
"""Parts of certificates that are told in words of their own, or that only a machine reads to its end."""

MOST_LINES = 60
"""Entries of one list that are written out; --json has the rest."""

LONGEST_NUMBER = 15
"""Signs of a fraction that is written exactly; a longer one is rounded, and says so by "~"."""

CHAINS = {"chain", "strength", "back", "back_strength"}
COMPARED = {"above", "below", "tied", "for", "against", "neither"}


def describe(outcome: Outcome, labels: Mapping[str, str]) -> Iterator[str]:
    """Tell a count in lines.

    labels:  option -> its title, where the file has one.
    """
    yield f"{outcome.ballots} ballots: {outcome.counted} counted, {outcome.blank} blank, {outcome.invalid} invalid."
    yield f"Order by the rule {outcome.rule}:"
    place = 1
    for tied in outcome.order:
        yield f"{place:>4}  {' = '.join(_titled(name, labels) for name in tied)}"
        place += len(tied)
    if outcome.elected is not None:
        yield f"Chosen: {', '.join(outcome.elected) or 'none'}"
    for number, told in enumerate(outcome.rounds or [], start=1):
        yield from ("", f"Round {number}")
        for name, said in told.items():
            yield from _describe(name, said, "  ")
    certificate = outcome.certificate or {}
    yield from _describe_figures(outcome, certificate)
    yield from _describe_neighbours(certificate.get("neighbours") or [])
    if outcome.pairwise is not None:
        yield from _describe_table(outcome, outcome.pairwise)
    if chosen := certificate.get("variants"):
        yield from ("", f"Counted with {', '.join(f'{_words(name)}: {_say(said)}' for name, said in chosen.items())}.")
    if outcome.rule == "schulze" and certificate and outcome.pairwise is not None:
        faults = list(check_schulze(outcome.pairwise, outcome.order, certificate, outcome.counted))
        yield ""
        yield f"Certificate: {f'{len(faults)} faults' if faults else 'holds'}, says the checker that does not count."


def _titled(name: str, labels: Mapping[str, str]) -> str:
    title = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in labels.get(name, ""))
    return f"{name} ({title})" if title else name


def _words(name: str) -> str:
    return name.replace("_", " ")


def _say(said: Any) -> str:  # noqa: ANN401 - a certificate holds what its rule puts there
    """Write a value in one line: numbers exactly as long as that can be read."""
    if said is None:
        return "-"
    if isinstance(said, bool):
        return "yes" if said else "no"
    if isinstance(said, dict):
        return ", ".join(f"{_words(str(name))} {_say(value)}" for name, value in said.items()) or "-"
    if isinstance(said, list):
        return ", ".join(f"({_say(each)})" if isinstance(each, list) else _say(each) for each in said) or "-"
    text = str(said)
    over, line, under = text.partition("/")
    if len(text) > LONGEST_NUMBER and line and over.lstrip("-").isdigit() and under.isdigit():
        return f"~{float(Fraction(text)):.6g}"
    return text


def _describe(name: str, said: Any, margin: str) -> Iterator[str]:  # noqa: ANN401 - as above
    """Write one thing by its shape; what is empty is left out."""
    if said in ([], {}, None, ""):
        return
    if isinstance(said, dict):
        yield f"{margin}{_words(name)}:"
        if all(isinstance(inner, dict) for inner in said.values()):
            yield from (
                f"{margin}  {giver} -> {taker}: {_say(number)}"
                for giver, given in said.items()
                for taker, number in given.items()
            )
        else:
            longest = max(map(len, said))
            yield from (f"{margin}  {option:<{longest}}  {_say(number)}" for option, number in said.items())
    elif isinstance(said, list) and isinstance(said[0], dict):
        yield f"{margin}{_words(name)}:"
        yield from (f"{margin}  {_say(each)}" for each in said[:MOST_LINES])
        if len(said) > MOST_LINES:
            yield f"{margin}  … and {len(said) - MOST_LINES} more: see --json"
    else:
        yield f"{margin}{_words(name)}: {_say(said)}"


def _describe_figures(outcome: Outcome, certificate: Mapping[str, Any]) -> Iterator[str]:
    """Write what the certificate says of each option as one table, and all else on lines of its own."""
    names = [name for tied in outcome.order for name in tied]
    told = {name: said for name, said in certificate.items() if name not in LEFT_TO_JSON}
    tables = {name: said for name, said in told.items() if isinstance(said, dict) and set(said) == set(names)}
    if tables:
        rows = [["", *map(_words, tables)]] + [[a, *(_say(table[a]) for table in tables.values())] for a in names]
        yield ""
        yield from _align(rows)
    rest = [line for name, said in told.items() if name not in tables for line in _describe(name, said, "")]
    if rest:
        yield from ("", *rest)


def _align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield f"  {first:<{widths[0]}}  {'  '.join(cells)}"


def _describe_neighbours(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if pairs:
        yield ""
    for pair in pairs:
        said = []
        if "for" in pair:
            neither = f", {pair['neither']} gave no order" if "neither" in pair else ""
            said = [f"{pair['for']} to {pair['against']}{neither}"]
        if "chain" in pair:
            chains = [(pair["chain"], pair["strength"]), (pair["back"], pair["back_strength"])]
            told = [f"{' > '.join(chain)} ({strength})" for chain, strength in chains if len(chain) > 2]
            said += [f"strongest chains {' and '.join(told)}"] if told else []
        rest = {name: value for name, value in pair.items() if name not in COMPARED | CHAINS}
        said += [_say(rest)] if rest else []
        yield f"{pair['above']} {'ties with' if pair.get('tied') else 'before'} {pair['below']}: {'; '.join(said)}"


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
