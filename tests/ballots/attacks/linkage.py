"""Attacks that try to learn what a voter chose from the bytes of a database, and naive stores on which they succeed.

An attack sees what a thief sees: rows with their hidden columns, or the files. It knows the order in which people voted
(from an access log), and it knows for half of them what they chose (they told it); it must guess for the other half.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Seen:
    """What a thief has.

    voters:  (tag, transaction) in the order in which they lie; ballots: (bytes, transaction), likewise.
    log:     tags in the order of casting.
    """

    voters: list[tuple[bytes, object]]
    ballots: list[tuple[bytes, object]]
    log: list[bytes]


def link_by_transaction(seen: Seen) -> dict[bytes, bytes]:
    """Join what was written in the same transaction (PostgreSQL's hidden column xmin)."""
    written: dict[object, list[bytes]] = defaultdict(list)
    for ballot, transaction in seen.ballots:
        written[transaction].append(ballot)
    return {tag: written[at][0] for tag, at in seen.voters if at is not None and len(written[at]) == 1}


def link_by_place(seen: Seen) -> dict[bytes, bytes]:
    """Join what lies at the same place of its table: the first with the first, the second with the second."""
    return {tag: ballot for (tag, _), (ballot, _) in zip(seen.voters, seen.ballots, strict=False)}


def link_by_log(seen: Seen) -> dict[bytes, bytes]:
    """Join the order of casting with the order in which ballots lie."""
    return {tag: ballot for tag, (ballot, _) in zip(seen.log, seen.ballots, strict=False)}


LINKS: Mapping[str, Callable[[Seen], dict[bytes, bytes]]] = {
    "transaction": link_by_transaction,
    "place": link_by_place,
    "log": link_by_log,
}


def link_by_wal(wal: bytes, tags: Sequence[bytes], ballots: Sequence[bytes]) -> dict[bytes, bytes]:
    """Join what first appears in the same commit of SQLite's write-ahead log."""
    needles: dict[int, list[bytes]] = defaultdict(list)
    for needle in {*tags, *ballots}:
        needles[int.from_bytes(needle[:4], "little")].append(needle)
    prefixes = np.array(sorted(needles), dtype=np.uint32)
    known, linked, is_tag, is_ballot = set[bytes](), dict[bytes, bytes](), set(tags), set(ballots)
    page, fresh = int.from_bytes(wal[8:12], "big"), set[bytes]()
    for frame in range(32, len(wal) - page - 23, page + 24):
        if wal[frame + 8 : frame + 16] != wal[16:24]:
            break  # a frame of an earlier round of the log
        fresh |= _find(wal[frame + 24 : frame + 24 + page], needles, prefixes) - known
        if int.from_bytes(wal[frame + 4 : frame + 8], "big"):  # the last frame of a commit
            who, what = fresh & is_tag, fresh & is_ballot
            if len(who) == len(what) == 1:
                linked[who.pop()] = what.pop()
            known |= fresh
            fresh = set()
    return linked


def _find(page: bytes, needles: Mapping[int, Sequence[bytes]], prefixes: NDArray[np.uint32]) -> set[bytes]:
    """Find which of the needles a page holds, by their first four bytes."""
    signs = np.frombuffer(page, dtype=np.uint8).astype(np.uint32)
    windows = signs[:-3] | signs[1:-2] << 8 | signs[2:-1] << 16 | signs[3:] << 24
    places = np.searchsorted(prefixes, windows).clip(max=len(prefixes) - 1)
    return {
        needle
        for place in np.flatnonzero(prefixes[places] == windows).tolist()
        for needle in needles[int(windows[place])]
        if page[place : place + len(needle)] == needle
    }


FEATURES: Mapping[str, Callable[[bytes], object]] = {
    "whole": lambda ballot: ballot,
    "length": len,
    "first byte": lambda ballot: ballot[:1],
    "last byte": lambda ballot: ballot[-1:],
    "sum of bits": lambda ballot: sum(map(int.bit_count, ballot)) // 16,
}


def recover(linked: Mapping[bytes, bytes], choices: Mapping[bytes, int], log: Sequence[bytes]) -> float:
    """Guess everybody's choice from those of every second other voter, by the feature of the ballot that tells most.

    Returns: share of right guesses, between 0 and 1; who is not linked gets the commonest choice.
    """
    return (
        _recover_half(linked, choices, log[::2], log[1::2]) + _recover_half(linked, choices, log[1::2], log[::2])
    ) / 2


def _recover_half(
    linked: Mapping[bytes, bytes], choices: Mapping[bytes, int], told: Sequence[bytes], hidden: Sequence[bytes]
) -> float:
    common = Counter(choices[tag] for tag in told).most_common(1)[0][0]
    best, best_inside = 0.0, -1.0
    for feature in FEATURES.values():
        meant: dict[object, Counter[int]] = defaultdict(Counter)
        for tag in told[: len(told) // 2]:
            if tag in linked:
                meant[feature(linked[tag])][choices[tag]] += 1

        def right(tags: Sequence[bytes], feature=feature, meant=meant) -> float:  # type: ignore[no-untyped-def]  # noqa: ANN001
            def guess(tag: bytes) -> int:
                seen = meant.get(feature(linked[tag])) if tag in linked else None
                return seen.most_common(1)[0][0] if seen else common

            return sum(guess(tag) == choices[tag] for tag in tags) / len(tags)

        inside = right(told[len(told) // 2 :])  # the feature is chosen on people whose choice is known, too
        if inside > best_inside:
            best_inside, best = inside, right(hidden)
    return best


def right_links(linked: Mapping[bytes, bytes], truth: Mapping[bytes, bytes]) -> int:
    """Count voters whose ballot was found."""
    return sum(linked.get(tag) == ballot for tag, ballot in truth.items())
