"""Telling the result of a sealed vote: as much as was released, with the options named in the reader's language. Pure.

Here are only facts, named and rounded once; the sentences stand in the templates, in every language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from results.explanation import Row, Sentence, matrix_of, per_cent, sentence_of
from results.figures import FORMS
from results.release import Plan

Names = Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """One option in its place.

    won: of all comparisons with another option that a voter made, the share that it won, in whole per cents: its row
         and its column in pairwise.csv, nothing else. None where these are not released, or nobody compared it.
    votes:  how many votes, yeses or points it got; of grades, their sum. None where these are not released.
    grades: how many ballots gave it each grade, the lowest first; empty where these are not released.
    """

    name: str
    won: int | None = None
    votes: int | None = None
    grades: tuple[int, ...] = ()

    @property
    def majority(self) -> tuple[int, int]:
        """The grade that more than half of the voters gave or passed, and how many of a hundred did."""
        voters, reached = sum(self.grades), 0
        for grade in range(len(self.grades) - 1, -1, -1):
            reached += self.grades[grade]
            if 2 * reached > voters:
                return grade, per_cent(reached, voters)
        return 0, 100


@dataclass(frozen=True)
class Rank:
    """One place of the order; tied options share it, and the next place counts them all."""

    place: int
    tied: bool
    options: tuple[Standing, ...]


@dataclass(frozen=True)
class VoteStory:
    """All that the page of a sealed vote tells. turnout: those who took part, in whole per cents of the roll.

    form: the file of the figures that were released; "" where the order alone was.
    most: the largest number of votes: the length of all bars is told against it.
    """

    plan: Plan
    because: tuple[str, ...]
    winners: tuple[str, ...]
    places: tuple[Rank, ...]
    sentences: tuple[Sentence, ...]
    matrix: tuple[Row, ...]
    turnout: int
    form: str = ""
    most: int = 0


def explain_vote(count: Mapping[str, Any], names: Names) -> VoteStory:
    """Put together what the page says.

    count: as `vote_publication` keeps it. names: an option as the files name it -> as the reader does.
    """
    minutes = count["minutes"]
    pairwise, certificate = count.get("pairwise"), count.get("certificate") or {}
    told = renamed(count, names) if pairwise else count
    plan = Plan(minutes["released"])
    votes = {
        name: _sum(row) if row is not None else None
        for name, row in {**certificate.get("totals", {}), **certificate.get("grades", {})}.items()
    }
    standings = {
        name: Standing(
            shown,
            won_share(pairwise, name) if pairwise else None,
            votes.get(name),
            tuple(certificate.get("grades", {}).get(name, ())),
        )
        for name, shown in names.items()
    }
    return VoteStory(
        plan=plan,
        because=tuple(minutes["because"]),
        winners=tuple(names[name] for name in count["winners"]),
        places=_ranks(count["places"], standings),
        sentences=tuple(map(sentence_of, told["certificate"]["neighbours"])) if "strengths" in certificate else (),
        matrix=matrix_of(told) if pairwise else (),
        turnout=per_cent(minutes["took_part"], minutes["roll"]),
        form=FORMS[count["rule"]].value if plan is Plan.FULL else "",
        most=max((each for each in votes.values() if each is not None), default=0),
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
                for pair in (count["certificate"] or {}).get("neighbours", ())
                if "chain" in pair
            ]
        },
    }


def won_share(pairwise: Mapping[str, Mapping[str, int]], name: str) -> int | None:
    """Find the share of comparisons that an option won, in whole per cents; None where nobody compared it."""
    won = sum(pairwise[name].values())
    lost = sum(row[name] for other, row in pairwise.items() if other != name)
    return per_cent(won, won + lost) if won + lost else None


def _sum(figures: int | Sequence[int]) -> int:
    """Sum up the grades that an option was given; votes are a sum already."""
    return figures if isinstance(figures, int) else sum(grade * number for grade, number in enumerate(figures))


def _ranks(places: Sequence[Mapping[str, Any]], standings: Mapping[str, Standing]) -> tuple[Rank, ...]:
    ranks = []
    for number, group in groupby(places, key=lambda place: place["place"]):
        tied = tuple(standings[place["option"]] for place in group)
        ranks.append(Rank(number, len(tied) > 1, tied))
    return tuple(ranks)
