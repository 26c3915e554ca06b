"""Telling the result of a sealed vote: as much as was released, with the options named in the reader's language. Pure.

Here are only facts, named and rounded once; the sentences stand in the templates, in every language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from results.explanation import Row, Sentence, matrix_of, per_cent, sentence_of
from results.release import Plan

Names = Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """One option in its place.

    won: of all comparisons with another option that a voter made, the share that it won, in whole per cents: its row
         and its column in pairwise.csv, nothing else. None where these are not released, or nobody compared it.
    """

    name: str
    won: int | None


@dataclass(frozen=True)
class Rank:
    """One place of the order; tied options share it, and the next place counts them all."""

    place: int
    tied: bool
    options: tuple[Standing, ...]


@dataclass(frozen=True)
class VoteStory:
    """All that the page of a sealed vote tells. turnout: those who took part, in whole per cents of the roll."""

    plan: Plan
    because: tuple[str, ...]
    winners: tuple[str, ...]
    places: tuple[Rank, ...]
    sentences: tuple[Sentence, ...]
    matrix: tuple[Row, ...]
    turnout: int


def explain_vote(count: Mapping[str, Any], names: Names) -> VoteStory:
    """Put together what the page says.

    count: as `vote_publication` keeps it. names: an option as the files name it -> as the reader does.
    """
    minutes = count["minutes"]
    pairwise = count.get("pairwise")
    told = renamed(count, names) if pairwise else count
    return VoteStory(
        plan=Plan(minutes["released"]),
        because=tuple(minutes["because"]),
        winners=tuple(names[name] for name in count["winners"]),
        places=_ranks(count["places"], pairwise, names),
        sentences=tuple(sentence_of(pair) for pair in told["certificate"]["neighbours"]) if pairwise else (),
        matrix=matrix_of(told) if pairwise else (),
        turnout=per_cent(minutes["took_part"], minutes["roll"]),
    )


def renamed(count: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Name the options of a count as the reader does: in the order, the comparisons and the reasons."""
    return {
        "order": [[names[name] for name in place] for place in count["order"]],
        "counted": count["counted"],
        "pairwise": {names[a]: {names[b]: cell for b, cell in row.items()} for a, row in count["pairwise"].items()},
        "certificate": {
            "neighbours": [
                pair
                | {"above": names[pair["above"]], "below": names[pair["below"]]}
                | {way: [names[name] for name in pair[way]] for way in ("chain", "back")}
                for pair in count["certificate"]["neighbours"]
            ]
        },
    }


def won_share(pairwise: Mapping[str, Mapping[str, int]], name: str) -> int | None:
    """Find the share of comparisons that an option won, in whole per cents; None where nobody compared it."""
    won = sum(pairwise[name].values())
    lost = sum(row[name] for other, row in pairwise.items() if other != name)
    return per_cent(won, won + lost) if won + lost else None


def _ranks(
    places: Sequence[Mapping[str, Any]], pairwise: Mapping[str, Mapping[str, int]] | None, names: Names
) -> tuple[Rank, ...]:
    ranks = []
    for number, group in groupby(places, key=lambda place: place["place"]):
        tied = [place["option"] for place in group]
        standings = tuple(Standing(names[name], won_share(pairwise, name) if pairwise else None) for name in tied)
        ranks.append(Rank(number, len(standings) > 1, standings))
    return tuple(ranks)
