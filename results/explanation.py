"""Telling a count: what the result page says about the order, each two neighbours, and every comparison. Pure.

Here are only facts, named and rounded once; the sentences stand in the templates, in every language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from results.standings import Place

TONES_FROM = (51, 55, 60, 65, 72)
"""Shares in per cent at which the five tones of the heat map begin (look.md §7.4)."""

Kind = Literal["direct", "chain", "tie", "tie-chain"]


@dataclass(frozen=True)
class Standing:
    """One option in its place. Shares are whole per cents.

    share:            of the counted ballots, those that have it among their first three.
    share_of_largest: the same beside the option that has most: the length of its bar.
    """

    name: str
    first: int
    first_three: int
    ranked: int
    share: int
    share_of_largest: int


@dataclass(frozen=True)
class Rank:
    """One place of the order; tied options share it, and the next place counts them all."""

    place: int
    tied: bool
    options: tuple[Standing, ...]


@dataclass(frozen=True)
class Split:
    """Three shares of all counted ballots in whole per cents; together 100, or all 0 where nothing was counted."""

    ahead: int
    neither: int
    behind: int


@dataclass(frozen=True)
class Sentence:
    """Why the option above stands before the one below, or beside it.

    kind:     direct: it wins the comparison. chain: it wins by a chain of stronger wins. tie: the two are equal, and no
              chain leads from one to the other. tie-chain: equally strong chains lead both ways.
    chain:    names from above to below, each winning against the next; back: the same the other way.
    strength: ballots of the weakest win on the chain; back_strength of the one back. 0 where no chain leads.
    """

    kind: Kind
    above: str
    below: str
    ahead: int
    behind: int
    neither: int
    split: Split
    chain: tuple[str, ...]
    strength: int
    back: tuple[str, ...]
    back_strength: int


@dataclass(frozen=True)
class Cell:
    """One comparison: ballots that put the row's option before the column's, and the reverse.

    share: in whole per cents of the ballots that put one before the other; None where none does.
    tone:  0 = white (lost, equal, or won by less than 51 %), 1 to 5 as TONES_FROM.
    """

    against: str
    ahead: int
    behind: int
    neither: int
    share: int | None
    won: bool
    tone: int


@dataclass(frozen=True)
class Row:
    """One option's comparisons with all, in the order of the result; None where it meets itself."""

    name: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Explanation:
    """All that a result page tells about a count. One winner is a winner; several are a tie."""

    winners: tuple[str, ...]
    places: tuple[Rank, ...]
    sentences: tuple[Sentence, ...]
    matrix: tuple[Row, ...]


def explain(count: Mapping[str, Any]) -> Explanation:
    """Put together what the page says.

    count: an outcome as `Outcome.as_json` gives it, and in "places" the entries of `archive.find_places` as dicts.
    """
    places = [Place(**place) for place in count["places"]]
    return Explanation(
        winners=tuple(count["winners"]),
        places=_ranks(places, count["counted"]),
        sentences=tuple(sentence_of(pair) for pair in count["certificate"]["neighbours"]),
        matrix=matrix_of(count),
    )


def matrix_of(count: Mapping[str, Any]) -> tuple[Row, ...]:
    """Compare every two options, in the order of the result."""
    order = [name for tied in count["order"] for name in tied]
    pairwise, counted = count["pairwise"], count["counted"]
    return tuple(
        Row(a, tuple(None if a == b else _cell(b, pairwise[a][b], pairwise[b][a], counted) for b in order))
        for a in order
    )


def per_cent(part: int, whole: int) -> int:
    """Round a share to whole per cents, halves up, in whole numbers; 0 of nothing is 0."""
    return (200 * part + whole) // (2 * whole) if whole else 0


def split_of(ahead: int, neither: int, behind: int) -> Split:
    """Share out 100 per cent so that nothing is lost by rounding: the largest remainders are rounded up."""
    parts = [ahead, neither, behind]
    if not (whole := sum(parts)):
        return Split(0, 0, 0)
    shares = [100 * part // whole for part in parts]
    by_remainder = sorted(range(3), key=lambda i: (-(100 * parts[i] % whole), i))
    for i in by_remainder[: 100 - sum(shares)]:
        shares[i] += 1
    return Split(*shares)


def _ranks(places: Sequence[Place], counted: int) -> tuple[Rank, ...]:
    largest = max((place.first_three for place in places), default=0)
    ranks = []
    for number, group in groupby(places, key=lambda place: place.place):
        standings = tuple(
            Standing(
                place.option,
                place.first,
                place.first_three,
                place.ranked,
                share=per_cent(place.first_three, counted),
                share_of_largest=per_cent(place.first_three, largest),
            )
            for place in group
        )
        ranks.append(Rank(number, len(standings) > 1, standings))
    return tuple(ranks)


def sentence_of(pair: Mapping[str, Any]) -> Sentence:
    """Tell why one option stands before the next, from its entry in the certificate."""
    kind: Kind
    if pair["tied"]:
        kind = "tie-chain" if pair["strength"] else "tie"
    else:
        kind = "direct" if len(pair["chain"]) == 2 else "chain"
    return Sentence(
        kind=kind,
        above=pair["above"],
        below=pair["below"],
        ahead=pair["for"],
        behind=pair["against"],
        neither=pair["neither"],
        split=split_of(pair["for"], pair["neither"], pair["against"]),
        chain=tuple(pair["chain"]),
        strength=pair["strength"],
        back=tuple(pair["back"]),
        back_strength=pair["back_strength"],
    )


def _cell(against: str, ahead: int, behind: int, counted: int) -> Cell:
    share = per_cent(ahead, ahead + behind) if ahead + behind else None
    tone = sum(share >= start for start in TONES_FROM) if share is not None else 0
    return Cell(against, ahead, behind, counted - ahead - behind, share, ahead > behind, tone)
