"""Checking the proof of an order with nothing but the table of comparisons: plain Python, no part of the counter.

Why this is enough. Every direct win is a chain, and joining two chains gives a chain; so numbers that are at least the
direct wins, and at least what any two of them give when joined, cannot be smaller than the strongest chains. If each
number is also reached by a chain that one can walk, it cannot be larger either: it is the strongest chain.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise as neighbours
from typing import Any, NamedTuple

Table = Mapping[str, Mapping[str, int]]


class Finding(NamedTuple):
    """One disagreement: where it stands, what follows from the comparisons, and what was written there.

    Example: Finding(where="/certificate/strengths/B/A", expected=25, found=26)
    """

    where: str
    expected: object
    found: object


def check_schulze(
    pairwise: Table, order: Sequence[Sequence[str]], certificate: Mapping[str, object], counted: int | None = None
) -> Iterator[Finding]:
    """Check an order by the Schulze method, and every number that explains it.

    pairwise: A -> B -> ballots that put A before B; taken as given.
    counted:  ballots that rank something; without it, "neither" is only checked to be the same sum everywhere.
    Yields:   every disagreement, none when all is well. Any JSON value may be passed: it is found out, never raised.
    Cost:     O(m^3) for m options, a second for 200.
    """
    pairwise, order, certificate = _mapping(pairwise), _sequence(order), _mapping(certificate)
    options = list(pairwise)
    strengths, hops = certificate.get("strengths"), certificate.get("next")
    broken = [
        *_check_numbers("/pairwise", pairwise, options),
        *_check_numbers("/certificate/strengths", strengths, options),
    ]
    yield from broken
    if broken:
        return
    wins = {
        a: {b: pairwise[a][b] if pairwise[a][b] > pairwise[b][a] else 0 for b in options if b != a} for a in options
    }
    strength: Table = _mapping(strengths)
    yield from _check_strengths(wins, strength, hops)
    yield from _check_order(strength, order)
    yield from _check_neighbours(pairwise, wins, strength, order, certificate.get("neighbours"), counted)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_numbers(where: str, table: object, options: list[str]) -> Iterator[Finding]:
    """Check that a table has a row for each option and in it a number of ballots for each other option."""
    rows = _mapping(table)
    if set(rows) != set(options):
        yield Finding(where, options, list(rows))
    for a in options:
        cells = _mapping(rows.get(a))
        others = set(options) - {a}
        if set(cells) != others:
            yield Finding(f"{where}/{a}", sorted(others), sorted(cells))
        for b, cell in cells.items():
            if not _is_number(cell):
                yield Finding(f"{where}/{a}/{b}", "integer >= 0", cell)


def _check_strengths(wins: Table, strength: Table, hops: object) -> Iterator[Finding]:
    """Check that no strength is too small (wins and joined chains), and none too large (a chain that one can walk)."""
    for a, row in strength.items():
        for b, found in row.items():
            joined = max((min(row[k], strength[k][b]) for k in strength if k not in {a, b}), default=0)
            least = max(wins[a][b], joined)
            if found < least:
                yield Finding(f"/certificate/strengths/{a}/{b}", least, found)
            walked = _weakest_win(wins, _walk(hops, a, b))
            if found != walked:
                yield Finding(f"/certificate/next/{a}/{b}", found, walked)


def _walk(hops: object, start: str, end: str) -> list[str]:
    """Follow the table of hops; an empty chain where it breaks off or turns in a circle."""
    chain = [start]
    rows = _mapping(hops)
    while chain[-1] != end:
        hop = _mapping(rows.get(chain[-1])).get(end)
        if not isinstance(hop, str) or len(chain) > len(rows):
            return []
        chain.append(hop)
    return chain


def _weakest_win(wins: Table, chain: Sequence[str]) -> int:
    """Return the ballots of the weakest win on a chain; 0 when it is no chain of wins."""
    return min((wins.get(a, {}).get(b, 0) for a, b in neighbours(chain)), default=0)


def _check_order(strength: Table, order: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Check that each place holds exactly what nothing left beats."""
    left = list(strength)
    place = 0
    while left or place < len(order):
        best = [a for a in left if not any(strength[b][a] > strength[a][b] for b in left if b != a)]
        found = order[place] if place < len(order) else []
        if not _is_list_of(found, best):
            yield Finding(f"/order/{place}", best, found)
        if left and not best:  # false strengths that chase one another; each has been reported
            return
        left = [a for a in left if a not in best]
        place += 1


def _is_list_of(found: object, names: list[str]) -> bool:
    return sorted(map(str, _sequence(found))) == sorted(names)


def _check_neighbours(
    pairwise: Table,
    wins: Table,
    strength: Table,
    order: Sequence[Sequence[str]],
    explained: object,
    counted: int | None,
) -> Iterator[Finding]:
    """Check that each two neighbours of the order are explained, by true numbers and by chains that hold."""
    pairs = list(_neighbours(strength, order))
    entries = _sequence(explained)
    if len(entries) != len(pairs):
        yield Finding("/certificate/neighbours", len(pairs), len(entries))
    for i, ((a, b), found) in enumerate(zip(pairs, entries, strict=False)):
        where = f"/certificate/neighbours/{i}"
        if not isinstance(found, Mapping):
            yield Finding(where, [a, b], found)
            continue
        ahead, behind = strength[a][b], strength[b][a]
        total = pairwise[a][b] + pairwise[b][a]
        if counted is None and _is_number(found.get("neither")):
            counted = total + found["neither"]
        true = {
            "above": a,
            "below": b,
            "tied": ahead <= behind,
            "for": pairwise[a][b],
            "against": pairwise[b][a],
            "neither": None if counted is None else counted - total,
            "strength": ahead,
            "back_strength": behind,
        }
        for key, expected in true.items():
            if found.get(key) != expected or isinstance(found.get(key), bool) != isinstance(expected, bool):
                yield Finding(f"{where}/{key}", expected, found.get(key))
        for key, (start, end) in {"chain": (a, b), "back": (b, a)}.items():
            if not _is_chain(wins, strength, found.get(key), start, end):
                yield Finding(f"{where}/{key}", [start, strength[start][end], end], found.get(key))


def _is_chain(wins: Table, strength: Table, chain: object, start: str, end: str) -> bool:
    if not isinstance(chain, list) or not all(isinstance(name, str) for name in chain):
        return False
    if not strength[start][end]:
        return not chain
    return [*chain[:1], *chain[-1:]] == [start, end] and _weakest_win(wins, chain) == strength[start][end]


def _neighbours(strength: Table, order: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield who must be explained: in a place, each and the next; between places, the first below and the last above
    that beats it. Names that do not exist have been reported with the order and are passed over.
    """
    places = [[a for a in map(str, _sequence(place)) if a in strength] for place in order]
    for i, lower in enumerate(places):
        upper = places[i - 1] if i else []
        beating = [a for a in upper for b in lower[:1] if a != b and strength[a][b] > strength[b][a]]
        yield from ((a, lower[0]) for a in beating[-1:])
        yield from ((a, b) for a, b in neighbours(lower) if a != b)
