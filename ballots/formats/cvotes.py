"""Condorcet Election Format (.cvotes): parameters, then one ranking a line, written as people write it.

    #/Candidates: Ann ; Bo ; Cy
    #/Implicit Ranking: true
    #/Weight Allowed: true
    Ann > Bo = Cy * 42          forty-two ballots
    desk 3 || Cy > Ann ^7 * 2   a tag (passed over), two ballots of weight 7: counted as fourteen
    /EMPTY_RANKING/ * 3         three blank ballots

As the format asks: names that are not among the candidates are passed over; without a list of candidates, the ballots
tell who they are; without "Weight Allowed: true", weights count as 1; without "Implicit Ranking: false", whoever is
left out is tied below all ranked. Source: github.com/CondorcetVote/CondorcetElectionFormat, version 1 (2022).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ballots.counting.types import Profile
from ballots.formats.errors import BallotFileError
from ballots.formats.sheet import Sheet, different_lines, parse_count

SAMPLE = "A > B = C ^2 * 12"
EMPTY = {"/EMPTY_RANKING/", "/EMPTY/"}
PARAMETER = re.compile(r"^[^\S\n]*+#/[^\n]*+", re.MULTILINE)
VOTE = re.compile(r"^[^\S\n]*+[^\s#]", re.MULTILINE)
MARKS = frozenset(">=#^*")
RESERVED = MARKS | frozenset(";,/<|")
SWITCHES = {"true": True, "false": False}


class Vote(NamedTuple):
    """One line of votes: groups of names, best first; how many ballots; and the weight of each."""

    groups: list[list[str]]
    ballots: int
    weight: int


def read(text: str) -> Profile:
    """Read an election.

    text:   lines end in LF.
    Raises: BallotFileError.
    Cost:   linear in the length of the text.
    """
    sheet = Sheet()
    switches = {"implicit ranking": True, "weight allowed": False}
    first_vote = VOTE.search(text)
    line, counted = 1, 0
    for parameter in PARAMETER.finditer(text):
        line += text.count("\n", counted, parameter.start())
        counted = parameter.start()
        is_late = first_vote is not None and first_vote.start() < counted
        _read_parameter(parameter[0], line, sheet, switches, is_late=is_late)
    if not sheet.options:
        for line, vote in _votes(text):
            _note_names(sheet, vote.groups, line)
    for line, (groups, ballots, weight) in _votes(text):
        ranking = [_find_known(sheet, group, line) for group in groups]
        sheet.add_ranking(ranking, ballots * weight if switches["weight allowed"] else ballots, line)
    return sheet.close(implicit=switches["implicit ranking"])


def _votes(text: str) -> Iterator[tuple[int, Vote]]:
    for line, content, times in different_lines(text):
        if said := _strip_remark(content):
            vote = _parse_vote(said, line)
            yield line, vote._replace(ballots=vote.ballots * times)


def _strip_remark(content: str) -> str:
    return content.partition("#")[0].strip()


def _read_parameter(content: str, line: int, sheet: Sheet, switches: dict[str, bool], *, is_late: bool) -> None:
    """Read a line such as "#/Candidates: A ; B"; parameters that say nothing about the count are passed over."""
    name, colon, value = content.strip().removeprefix("#/").partition(":")
    key = name.strip().lower()
    if not key.startswith(("candidates", *switches)):
        return
    is_in_place = colon and content.startswith("#/") and not is_late
    if not is_in_place or key not in {"candidates", *switches}:
        raise BallotFileError("line", line, content, SAMPLE if is_late else "#/Candidates: A ; B ; C")
    if key == "candidates":
        for candidate in value.strip().rstrip(";").split(";"):
            if MARKS & set(candidate):
                raise BallotFileError("option", line, candidate, "A ; B ; C")
            sheet.add_option(candidate.strip(), line)
    elif value.strip().lower() in SWITCHES:
        switches[key] = SWITCHES[value.strip().lower()]
    else:
        raise BallotFileError("line", line, content, f"#/{name.strip()}: true")


def _parse_vote(vote: str, line: int) -> Vote:
    ranking, star, ballots = _split_last(vote.rpartition("||")[2], "*")
    ranking, hat, weight = _split_last(ranking, "^")
    is_empty = ranking.strip().upper() in EMPTY
    groups = [] if is_empty else [[name.strip() for name in group.split("=")] for group in ranking.split(">")]
    if not all(name for group in groups for name in group):
        raise BallotFileError("line", line, vote, SAMPLE)
    return Vote(groups, parse_count(ballots, line) if star else 1, parse_count(weight, line) if hat else 1)


def _split_last(text: str, sign: str) -> tuple[str, str, str]:
    before, found, after = text.rpartition(sign)
    return (before, found, after) if found else (text, "", "")


def _note_names(sheet: Sheet, groups: Iterable[Iterable[str]], line: int) -> None:
    """Take the options from the ballots, in the order in which they first appear."""
    for name in (name for group in groups for name in group):
        if RESERVED & set(name):
            raise BallotFileError("line", line, name, SAMPLE)
        if name not in sheet.numbers:
            sheet.add_option(name, line)


def _find_known(sheet: Sheet, group: Sequence[str], line: int) -> list[int]:
    """Return the numbers of those who are candidates; what could be no candidate anywhere is a slip, not a stranger."""
    try:
        return [sheet.numbers[name] for name in group]
    except KeyError:  # somebody is a stranger
        pass
    for name in group:
        if name not in sheet.numbers and RESERVED & set(name):
            raise BallotFileError("line", line, name, SAMPLE)
    return [sheet.numbers[name] for name in group if name in sheet.numbers]
