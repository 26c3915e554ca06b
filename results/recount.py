"""Recount a published vote with nothing but Python 3.9 or later: a second counter, written apart from the first.

    python3 recount.py [FOLDER]                                      the archive that lies beside this file
    python3 recount.py --rule R [--seats N] [--budget N] ... FILE    one .abif or .pb file: prints the order as JSON

It checks SHA256SUMS, reads the rule from card.json, counts the ballots again, and names every figure that does not
follow: file, place, what stands there, what follows. It ends with 0 when all agrees, 1 with changed figures, 2 when it
cannot recount. It shares no line with the program that counted. Plain and slow: whole numbers and fractions only. A tie
stays a tie; where a decision needs one broken and the rule has no answer, a lot orders names by SHA-256(seed, name): it
is about whoever is drawn first, be it to be elected, to go on, to be funded, or to be left out.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, groupby, permutations, zip_longest
from math import lcm
from pathlib import Path
from typing import Any, NamedTuple, Union

MOST_BYTES, MOST_DESCRIBED, MOST_OPTIONS, MOST_STEPS, MOST_SHOWN = 200_000_000, 64_000_000, 300, 100_000, 1000
BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError, TypeError, ValueError,
          csv.Error)  # fmt: skip
VARIANTS: dict[str, tuple[str, ...]] = {  # how a rule may be applied, with the words there are for it
    "seats": (), "budget": (), "batch": (), "decimals": (), "threshold": (), "tiebreak_seed": (),
    "overvote": ("exhaust", "skip"), "transfer": ("scottish", "wigm"), "unranked": ("last", "ignored"),
    "completion": ("none", "add1", "add1u"),
}  # fmt: skip

ENTRIES = {"rule", "options", "ballots", "blank", "invalid", "counted", "order", "winners", "rounds", "pairwise",
           "certificate", "labels"}  # fmt: skip

FIGURES = {"pairwise.csv": ("pairwise",), "totals.csv": ("totals", "votes"), "grades.csv": ("grades", *"012345")}
ELECTING = ("stv", "greedy", "equal-shares")
RANKED = ("first", "first_three", "ranked")
COLUMNS: dict[str, tuple[str, ...]] = {  # what places.csv says of each option of a past vote; RANKED by all other rules
    "borda": (*RANKED, "points"), "plurality": ("votes",), "approval": ("approvals",), "phragmen": ("approvals",),
    "score": ("points", "given"), "star": ("points", "given"), "majority-judgment": ("grade", "above", "below"),
}  # fmt: skip
MOST_GRADES = 10  # of more than these, grades.csv does not tell how often each was given

Number = Union[int, Fraction]
Ranks = list[list[str]]  # best first, equals together
Table = dict[str, dict[str, int]]  # table[a][b]: ballots that put a before b
Asked = dict[str, Any]  # how a rule is to be applied, by name; left out: as it does by itself
Ballot = tuple[int, Ranks, dict[str, Number]]  # how often, the ranks, the points


class Stop(Exception):
    """Why it cannot be counted here, in a sentence."""


class Pile(NamedTuple):
    """All ballots about some options. Costs and budget only where money is spent. top: the highest points."""

    options: list[str]
    ballots: list[Ballot]
    invalid: int = 0
    implicit: bool = True
    costs: dict[str, Number] | None = None
    budget: Number = 0
    top: int = 0  # that can be given; 0: that were given


class Count(NamedTuple):
    """What a rule finds: places, who wins (None: the first place), the tally of each round, the comparisons."""

    order: Ranks
    elected: list[str] | None = None
    rounds: list[dict[str, Any]] | None = None
    pairwise: Table | None = None
    figures: dict[str, dict[str, Any]] | None = None  # column of places.csv -> option -> figure; not those of `RANKED`


# ------------------------------------------------------------------------------------------------------ reading ballots


def number(text: object) -> Number:
    """Read a whole number, a decimal or a fraction; nothing longer than a count can need."""
    if isinstance(text, bool) or not re.fullmatch(r"-?[0-9]{1,300}(/[0-9]{1,300}|\.[0-9]{1,300})?", str(text)):
        raise ValueError(f"{str(text)[:40]!r} is not a number")
    value = Fraction(str(text))
    return int(value) if value.denominator == 1 else value


def whole(text: str) -> int:
    """Read a whole number."""
    if not isinstance(found := number(text), int):
        raise ValueError(f"{text} is not a whole number")
    return found


def read_abif(text: str) -> Pile:
    """Read ABIF: options "=c1:[Name]", ballots "5:c1>c2=c3" or, with points, "5:c1/4,c2/0"."""
    names: dict[str, str] = {}
    ballots: list[Ballot] = []
    invalid, implicit, top = 0, True, 0
    for at, line in enumerate((line.rstrip("\r") for line in text.split("\n")), 1):
        if line.startswith("{"):
            words = re.sub(r'[\s"{}]', "", line)
            if said := re.fullmatch("invalid_ballots:([0-9]{1,15})", words):
                invalid = int(said[1])
            if said := re.fullmatch("highest_grade:([1-9][0-9]{0,9})", words):
                top = int(said[1])
            implicit = implicit and words != "implicit_ranking:false"
        elif option := re.fullmatch(r'=([^\s:=<>,/\[\]"]+):(?:\[([^\[\]]*)\]|(".*"))', line):
            name = json.loads(option[3]) if option[3] else option[2]
            if option[1] in names or name in names.values():
                raise Stop(f"line {at}: the option stands here for the second time")
            names[option[1]] = name
        elif ballot := re.fullmatch(r"([1-9][0-9]{0,14})[:*](.*)", line):
            try:
                ballots.append((int(ballot[1]), *parse_ballot(ballot[2], names)))
            except (LookupError, ValueError) as error:
                raise Stop(f"line {at}: {error}: this is not a ballot about the options above") from None
        elif line.strip() and not line.startswith("#"):
            raise Stop(f"line {at} is neither an option nor a ballot")
    return Pile(list(names.values()), ballots, invalid, implicit, top=top)


def parse_ballot(text: str, names: dict[str, str]) -> tuple[Ranks, dict[str, Number]]:
    """Read what follows the colon. Points without an order make one: more points, better rank."""
    ranks: Ranks = []
    points: dict[str, Number] = {}
    for rank in text.split(">") if text.strip() else []:
        ranks.append([])
        for item in re.split("[=,]", rank):
            short, _, value = (part.strip() for part in item.partition("/"))
            if names[short] in flat(ranks):
                raise ValueError(f"{short} twice")
            ranks[-1].append(names[short])
            if value:
                points[names[short]] = number(value)
    if points and len(points) < len(flat(ranks)):
        raise ValueError("points for some only")
    return places(points) if points and len(ranks) == 1 and "=" not in text else ranks, points


def read_pb(text: str) -> Pile:
    """Read Pabulib's .pb: three tables with ";" between the cells. Approvals are one point each."""
    tables: dict[str, list[list[str]]] = {}
    here = tables.setdefault("", [])
    for row in csv.reader(io.StringIO(text), delimiter=";"):
        if [cell.strip() for cell in row] in (["META"], ["PROJECTS"], ["VOTES"]):
            here = tables.setdefault(row[0].strip(), [])
        elif row:
            here.append([cell.strip() for cell in row])
    meta = {row[0].lower(): row[1] for row in tables["META"] if len(row) > 1 and row[1].lower() not in ("", "none")}
    projects, votes = ([dict(zip(rows[0], row)) for row in rows[1:]] for rows in (tables["PROJECTS"], tables["VOTES"]))
    costs = {each["project_id"]: number(each["cost"].replace(",", ".")) for each in projects}
    if len(costs) < len(projects) or min(costs.values()) < 0:
        raise Stop("two projects have one id, or one costs less than nothing")
    kind = meta.get("vote_type", "approval").lower()
    longest, has_points = int(meta.get("max_length", len(costs))), kind in ("cumulative", "scoring")
    bounds = {key: number(value.replace(",", ".")) for key, value in meta.items() if key[:4] in ("min_", "max_")}
    invalid, ballots = int(meta.get("invalid_votes", 0)), list[Ballot]()
    for each in votes:
        vote = each["vote"] if each["vote"].lower() != "none" or "none" in costs else ""
        chosen = [name.strip() for name in vote.split(",") if name.strip()]
        worth = [longest - i if kind == "ordinal" else 1 for i in range(len(chosen))]
        if has_points:
            worth = list(map(whole, filter(None, map(str.strip, each["points"].split(",")))))
        if len(set(chosen)) < len(chosen) or len(worth) != len(chosen) or not set(chosen) <= set(costs):
            raise Stop(f"the vote {each['vote'][:80]!r} does not fit the projects")
        told: dict[str, list[Any]] = {"length": [len(chosen)], "sum_cost": [sum(costs[name] for name in chosen)]}
        told.update({"points": worth, "sum_points": [sum(worth)]} if has_points else {})
        fits = all(
            bounds.get(f"min_{what}", n) <= n <= bounds.get(f"max_{what}", n) for what in told for n in told[what]
        )
        if chosen and (not fits or min(worth) < 0 or (kind == "choose-1" and len(chosen) > 1)):
            invalid += 1  # against the limits that the file itself sets
            continue
        points: dict[str, Number] = {name: value for name, value in zip(chosen, worth) if value}
        ballots.append((1, places(points), points))
    most_points = bounds.get("max_points", bounds.get("max_sum_points", 1)) if has_points else 1
    top = max(
        [longest if kind == "ordinal" else int(most_points), *(int(n) for each in ballots for n in each[2].values())]
    )
    return Pile(list(costs), ballots, invalid, True, costs, number(meta["budget"].replace(",", ".")), top)


def count_ballots(pile: Pile) -> dict[str, int]:
    """Count how many were cast, blank, invalid, and take part."""
    cast = sum(n for n, _, _ in pile.ballots)
    blank = sum(n for n, ranks, points in pile.ballots if not ranks and not points)
    return {"ballots": cast + pile.invalid, "blank": blank, "invalid": pile.invalid, "counted": cast - blank}


# --------------------------------------------------------------------------------------------- rules for ranked ballots


def flat(ranks: Ranks) -> list[str]:
    """Lay all places in one row."""
    return [name for rank in ranks for name in rank]


def places(tally: dict[str, Any]) -> Ranks:
    """Lay options with the same tally in one place, the most first."""
    return [[name for name in tally if tally[name] == value] for value in sorted(set(tally.values()), reverse=True)]


def lot(names: list[str], asked: Asked) -> list[str]:
    """Order names by SHA-256 of the seed and the name; a decision is about whoever is drawn first."""
    seed = asked.get("tiebreak_seed") or ""
    return sorted(names, key=lambda name: hashlib.sha256((seed + name).encode()).digest())


def whole_ranks(pile: Pile, asked: Asked) -> Iterator[tuple[int, Ranks]]:
    """Give each ballot with the options it leaves out below all others, or without where that is no opinion."""
    implicit = {"last": True, "ignored": False}.get(asked.get("unranked") or "", pile.implicit)
    for n, ranks, _ in (each for each in pile.ballots if each[1]):  # blank ones compare nothing, and give no points
        named = set(flat(ranks))
        yield n, [*ranks, [name for name in pile.options if name not in named]] if implicit else ranks


def compare_all(pile: Pile, asked: Asked) -> Table:
    """Count for every two options how many ballots put the one before the other."""
    table = {a: dict.fromkeys((b for b in pile.options if b != a), 0) for a in pile.options}
    for n, ranks in whole_ranks(pile, asked):
        for above, below in combinations(ranks, 2):
            for a in above:
                for b in below:
                    table[a][b] += n
    return table


def peel(options: list[str], beats: Callable[[str, str], bool]) -> Ranks:
    """Take off, again and again, all that nothing left beats."""
    order, left = [], list(options)
    while left:
        order.append([a for a in left if not any(beats(b, a) for b in left)])
        left = [a for a in left if a not in order[-1]]
    return order


def find_strengths(table: Table) -> Table:
    """Find the strongest chain from each option to each: how many are for its weakest win (Schulze 2011)."""
    p = {a: {b: n if n > table[b][a] else 0 for b, n in row.items()} for a, row in table.items()}
    for via, onward in p.items():
        for a, row in p.items():
            for b in row:
                if via not in (a, b):
                    row[b] = max(row[b], min(row[via], onward[b]))
    return p


def schulze(table: Table) -> Count:
    """Put A before B where the strongest chain from A to B is stronger than that back."""
    p = find_strengths(table)
    return Count(peel(list(table), lambda a, b: a != b and p[a][b] > p[b][a]), pairwise=table)


def ranked_pairs(table: Table) -> Count:
    """Lock wins, the greatest first, then the least opposed; of equal ones none that would close a circle (Tideman)."""
    wins = [(-table[a][b], table[b][a], a, b) for a in table for b in table[a] if table[a][b] > table[b][a]]
    locked: dict[str, set[str]] = {a: set() for a in table}
    for _, level in groupby(sorted(wins), key=lambda win: win[:2]):
        new = [win[2:] for win in level]
        tried = {a: locked[a] | {y for x, y in new if x == a} for a in locked}
        for a, b in new:
            reached, ahead = {b}, [b]
            while ahead:
                fresh = tried[ahead.pop()] - reached
                reached |= fresh
                ahead += fresh
            if a not in reached:
                locked[a].add(b)
    return Count(peel(list(table), lambda a, b: b in locked[a]), pairwise=table)


def borda(pile: Pile, asked: Asked) -> Count:
    """Give a point for the option itself and each below it on a ballot, half a point for each equal one (doubled)."""
    points = dict.fromkeys(pile.options, 0)
    for n, ranks in whole_ranks(pile, asked):
        below = len(flat(ranks))
        for rank in ranks:
            below -= len(rank)
            for name in rank:
                points[name] += n * (2 * below + len(rank) + 1)
    figures = {"points": {name: Fraction(n, 2) for name, n in points.items()}}
    return Count(places(points), pairwise=compare_all(pile, asked), figures=figures)


def single_choices(pile: Pile, asked: Asked) -> list[tuple[int, list[str]]]:
    """Read ballots as single choices in a row: a rank with several ends the ballot there, or is passed over."""
    found = []
    for n, ranks, _ in pile.ballots:
        row: list[str] = []
        for rank in ranks:
            if len(rank) == 1:
                row += rank
            elif asked.get("overvote") != "skip":
                break
        found.append((n, row))
    return found


def first_choices(rows: list[tuple[int, list[str]]], left: list[str]) -> dict[str, int]:
    """Count for each option left how many ballots have it as the first of those left."""
    tally = dict.fromkeys(left, 0)
    for n, row in rows:
        first = next((name for name in row if name in tally), None)
        if first is not None:
            tally[first] += n
    return tally


def passes(n: int, pile: Pile, asked: Asked) -> bool:
    """Tell whether so many are more than the share of the counted ballots that is needed to win."""
    share = asked.get("threshold")
    return share is None or n > number(share) * count_ballots(pile)["counted"]


def most(tally: dict[str, int], pile: Pile, asked: Asked) -> Count:
    """Order by a tally. Who must have more than a share of the counted ballots, and has not, does not win."""
    return Count(places(tally), None if passes(max(tally.values()), pile, asked) else [])


def plurality(pile: Pile, asked: Asked) -> Count:
    """Order by first choices; a ballot with several is counted, and is for nobody."""
    tally = first_choices([(n, ranks[0]) for n, ranks, _ in pile.ballots if len(flat(ranks[:1])) == 1], pile.options)
    return most(tally, pile, asked)._replace(figures={"votes": tally})


def irv(pile: Pile, asked: Asked) -> Count:
    """Leave out the last, again and again, until one has more than half of what still counts for somebody."""
    rows, table, left = single_choices(pile, asked), compare_all(pile, asked), list(pile.options)
    order: Ranks = []
    rounds: list[dict[str, Any]] = []
    while count_ballots(pile)["counted"]:
        tally = first_choices(rows, left)
        rounds.append({"tally": tally})
        rising, hopeless = sorted(tally.values()), 0
        if 2 * rising[-1] > sum(rising):
            break
        if asked.get("batch"):  # as many as have less together than the next one alone
            hopeless = max((k for k in range(1, len(rising)) if sum(rising[:k]) < rising[k]), default=0)
        last = places(tally)[-1]
        out = [name for name in left if tally[name] < rising[hopeless]] if hopeless else weakest(last, table, asked)
        if len(out) == len(left):
            break
        order = places({name: tally[name] for name in out}) + order
        left = [name for name in left if name not in out]
    return Count([*(places(rounds[-1]["tally"]) if rounds else [left]), *order], None, rounds)


def weakest(tied: list[str], table: Table, asked: Asked) -> list[str]:
    """Find who goes of several last ones: who beats none of the others; then who has the least wins less defeats among
    all options, and again; then a lot if there is a seed, else all of them.
    """
    wins = {a: {b for b in table if a != b and table[a][b] > table[b][a]} for a in table}
    balance = {a: len(wins[a]) - sum(a in wins[b] for b in table) for a in table}
    while len(tied) > 1:
        fewer = [a for a in tied if not wins[a].intersection(tied)]
        if len(fewer) in (0, len(tied)):
            fewer = [a for a in tied if balance[a] == min(balance[b] for b in tied)]
        if len(fewer) == len(tied):
            return tied if asked.get("tiebreak_seed") is None else lot(tied, asked)[:1]
        tied = fewer
    return tied


def stv(pile: Pile, asked: Asked) -> Count:
    """Count by the Scottish Local Government Elections Order 2007, rules 45-52; "wigm" cuts off after 18 decimals."""
    seats, decimals = seats_of(pile, asked), asked.get("decimals")
    cut = (18 if asked.get("transfer") == "wigm" else 5) if decimals is None else int(decimals)
    unit = 10 ** max(1, min(18, cut))
    papers: dict[str, list[tuple[int, Any, list[str]]]] = {name: [] for name in pile.options}
    for n, row in single_choices(pile, asked):
        if row:
            papers[row[0]].append((n, unit, row))
    votes: dict[str, Any] = {name: sum(n * value for n, value, _ in papers[name]) for name in papers}
    quota = (sum(votes.values()) // unit // (seats + 1) + 1) * unit
    elected: Ranks = []
    left, surplus = list(pile.options), list[str]()
    stages: list[dict[str, Any]] = []

    def past(name: str) -> list[Any]:
        """Give the votes at each stage, the latest first: the most recent at which two differ decides."""
        return [stage[name] for stage in reversed(stages)]

    def elect(names: list[str]) -> None:
        for history in sorted({tuple(past(name)) for name in names}, reverse=True):
            elected.append([name for name in names if tuple(past(name)) == history])
            left[:] = [name for name in left if name not in elected[-1]]

    while True:
        stages.append(dict(votes))
        reached = [name for name in left if votes[name] >= quota]
        elect(reached)
        surplus += [name for name in reached if votes[name] > quota]
        rising = sorted(left, key=votes.__getitem__)
        vacant = seats - len(flat(elected))
        if vacant >= len(left) or not vacant:
            elect(list(left) if vacant else [])
            break
        among, pick = (surplus, max) if surplus else (left, min)
        extreme = pick(past(name) for name in among)
        movers = lot([name for name in among if past(name) == extreme], asked)[:1]
        if asked.get("batch") and not surplus:  # as many as have less together than the next one alone
            fits = (k for k in range(len(left) - vacant, 1, -1) if sum(votes[a] for a in rising[:k]) < votes[rising[k]])
            movers = rising[: next(fits, 0)] or movers
        kept = quota if surplus else 0
        among[:] = [name for name in among if name not in movers]
        for mover in movers:
            total, votes[mover] = votes[mover], kept
            for n, value, row in papers[mover]:
                to = next((name for name in row if name in left), None)
                worth = value * (total - kept) // total if kept else value
                if to is not None:
                    papers[to].append((n, worth, row))
                    votes[to] += n * worth
    rounds = [{"tally": {name: Fraction(n, unit) for name, n in stage.items()}} for stage in stages]
    return with_rest(pile, elected, flat(elected))._replace(rounds=rounds)


def seats_of(pile: Pile, asked: Asked) -> int:
    """Read how many are to be elected."""
    if asked.get("seats") is None or not 1 <= int(asked["seats"]) <= len(pile.options):
        raise Stop("this rule needs a number of seats, from 1 to as many as there are options")
    return int(asked["seats"])


def with_rest(pile: Pile, order: Ranks, elected: list[str] | None) -> Count:
    """Put all that are not in the order into one last place."""
    rest = [name for name in pile.options if name not in flat(order)]
    return Count(order + ([rest] if rest else []), elected)


# ----------------------------------------------------------------------------- rules for approvals, points and budgets


def has_points(pile: Pile) -> bool:
    """Tell whether all ballots that name an option give points, whole ones from 0 on."""
    return all(
        (points or not ranks) and all(isinstance(n, int) and n >= 0 for n in points.values())
        for _, ranks, points in pile.ballots
    )


def graded(pile: Pile) -> list[tuple[int, dict[str, int]]]:
    """Give the ballots with points; an option without any has 0, the worst."""
    if not has_points(pile):
        raise Stop("the ballots hold no points, whole ones from 0 on: this rule cannot count them")
    return [(n, points) for n, _, points in pile.ballots if points]  # type: ignore[misc]


def top_of(pile: Pile) -> int:
    """Give the highest points that can be given."""
    return pile.top or max([1, *(int(n) for _, _, points in pile.ballots for n in points.values())])


def approved(pile: Pile) -> list[tuple[int, frozenset[str]]]:
    """Give approvals: points of 1, or options beside each other without points. Equal ballots are laid together."""
    by_points = has_points(pile)
    if top_of(pile) > 1 if by_points else any(len(ranks) > 1 for _, ranks, _ in pile.ballots):
        raise Stop("the ballots hold more than approvals: this rule cannot count them")
    found: Counter[frozenset[str]] = Counter()
    for n, ranks, points in pile.ballots:
        found[frozenset(name for name in flat(ranks) if points[name]) if by_points else frozenset(flat(ranks))] += n
    return [(n, names) for names, n in found.items()]


def approval(pile: Pile, asked: Asked) -> Count:
    """Order by how many ballots approve of an option. With seats, who has most is elected, the last seat by lot."""
    ballots = approved(pile)
    tally = {name: sum(n for n, names in ballots if name in names) for name in pile.options}
    told: dict[str, Any] = {"rounds": [{"tally": tally}], "figures": {"approvals": tally}}
    if asked.get("seats") is None:
        return most(tally, pile, asked)._replace(**told)
    elected: Ranks = []
    for place in places(tally):
        room = seats_of(pile, asked) - len(flat(elected))
        if room and passes(tally[place[0]], pile, asked):
            elected.append(in_order(place if len(place) <= room else lot(place, asked)[:room], pile))
    return with_rest(pile, elected, flat(elected))._replace(**told)


def in_order(names: list[str], pile: Pile) -> list[str]:
    """Put names in the order of the options."""
    return [name for name in pile.options if name in names]


def sum_points(pile: Pile) -> dict[str, int]:
    """Add up all points."""
    ballots = graded(pile)
    return {name: sum(n * points.get(name, 0) for n, points in ballots) for name in pile.options}


def count_given(pile: Pile) -> dict[str, int]:
    """Count how many ballots give an option points, be it 0."""
    ballots = graded(pile)
    return {name: sum(n for n, points in ballots if name in points) for name in pile.options}


def score(pile: Pile, asked: Asked) -> Count:
    """Order by all points together; where left out is no opinion, by the mean of those that were given, none last."""
    total, given = sum_points(pile), count_given(pile)
    height: dict[str, Number] = dict(total)
    if not {"last": True, "ignored": False}.get(asked.get("unranked") or "", pile.implicit):
        height = {name: Fraction(total[name], given[name]) if given[name] else -1 for name in pile.options}
    return Count(places(height), None, [{"tally": total}], figures={"points": total, "given": given})


def star(pile: Pile, asked: Asked) -> Count:
    """Let more ballots decide between the two with most points, then more points, then more of the highest grade. Who
    wins takes the next place, and the others begin anew (Equal Vote Coalition; ties as on starvoting.org/ties).
    """
    total, ballots, top = sum_points(pile), graded(pile), top_of(pile)
    highest = {a: sum(n for n, points in ballots if points.get(a, 0) == top) for a in pile.options}
    table = {a: dict.fromkeys((b for b in pile.options if b != a), 0) for a in pile.options}
    for n, points in ballots:
        for a, b in permutations(pile.options, 2):
            table[a][b] += n * (points.get(a, 0) > points.get(b, 0))

    def beats(a: str, b: str) -> bool:
        return (table[a][b], total[a], highest[a]) > (table[b][a], total[b], highest[b])

    def hold(left: list[str]) -> list[str]:
        """Find who takes the next place: all of them where even the run-off is a tie."""
        levels = places({name: total[name] for name in left})
        sure, tied = ([], levels[0]) if len(levels[0]) > 1 else (levels[0], levels[1])
        sure, tied = vie(tied, sure, table, highest)
        if tied and sure and all(beats(sure[0], other) for other in tied):
            return sure
        if tied and not sure and not any(table[a][b] > table[b][a] for a in tied for b in tied if a != b):
            return tied
        one, other = [*sure, *lot(tied, asked)][:2]
        return [one] if beats(one, other) else [other] if beats(other, one) else [one, other]

    order, rounds, left = list[list[str]](), [], list(pile.options)
    while len(left) > 1:
        rounds.append({"tally": {name: total[name] for name in left}})
        order.append(in_order(hold(left), pile))
        left = [name for name in left if name not in order[-1]]
    figures = {"points": total, "given": count_given(pile)}
    return Count(order + ([left] if left else []), None, rounds, table, figures)


def vie(tied: list[str], sure: list[str], table: Table, highest: dict[str, int]) -> tuple[list[str], list[str]]:
    """Find who of those with equal points goes on beside those who are sure of one of two places in the run-off.

    Who lost the most match-ups among them is out, again and again; where too few would be left, these go on and the
    others vie on. Where all lost as many, who has most of the highest grade goes on. Returns: who is sure now, and who
    is still tied for what is left.
    """
    while len(sure) + len(tied) > 2:
        room = 2 - len(sure)
        lost = {a: sum(table[b][a] > table[a][b] for b in tied if b != a) for a in tied}
        *better, last = places({a: -lost[a] for a in tied})
        if better:
            sure, tied = (sure, flat(better)) if len(flat(better)) >= room else (sure + flat(better), last)
            continue
        levels = places({a: highest[a] for a in tied})
        if len(levels) == 1:
            return sure, tied
        while len(levels[0]) < room:
            room -= len(levels[0])
            sure = sure + levels.pop(0)
        tied = levels[0]
    return sure + tied, []


def count_grades(pile: Pile) -> dict[str, Counter[int]]:
    """Count how many ballots gave an option each grade."""
    rows = {name: Counter[int]() for name in pile.options}
    for n, points in graded(pile):
        for name, row in rows.items():
            row[points.get(name, 0)] += n
    return rows


def majority_judgment(pile: Pile, _: Asked) -> Count:
    """Compare middle grades (the lower of two); where equal, take one off each and look again (Balinski, Laraki)."""
    rows, gauges = count_grades(pile), dict[str, Any]()
    for name, row in rows.items():
        n, below = sum(row.values()), 0
        for grade in sorted(row):
            if below < (n + 1) // 2 <= below + row[grade]:
                gauges[name] = (grade, n - below - row[grade], below)
            below += row[grade]
    figures = {each: {name: gauges.get(name, [""] * 3)[i] for name in rows}
               for i, each in enumerate(COLUMNS["majority-judgment"])}  # fmt: skip
    return judge(rows)._replace(figures=figures)


def judge(table: dict[str, Counter[int]]) -> Count:
    """Order by how many ballots gave each grade; as many ballots for each option."""
    rows = {name: sorted((+row).items()) for name, row in table.items()}
    n = max(sum(k for _, k in row) for row in rows.values())
    # All grades of an option in a row, the worst first: between two cuts no option's grade changes, and the one nearest
    # to the middle is looked at first.
    cuts = sorted({0, n} | {sum(k for _, k in row[:i]) for row in rows.values() for i in range(len(row))})
    middle = (n - 1) // 2
    looks = [min(max(middle, start), end - 1) for start, end in zip(cuts, cuts[1:])]
    looks.sort(key=lambda at: (abs(at - middle), (at > middle) == (n % 2 == 1)))

    def grade_at(row: list[tuple[int, int]], at: int) -> int:
        for grade, k in row:
            if at < k:
                return grade
            at -= k
        raise LookupError(at)

    return Count(places({name: tuple(grade_at(row, at) for at in looks) for name, row in rows.items()}))


def phragmen(pile: Pile, asked: Asked) -> Count:
    """Let the supporters of an option share its cost of one; next comes where they then have paid least each."""
    voters = approved(pile)
    paid: list[Number] = [0] * len(voters)
    behind = {name: {i for i, (_, names) in enumerate(voters) if name in names} for name in pile.options}
    many = {name: sum(voters[i][0] for i in behind[name]) for name in pile.options}
    room = len(pile.options) if asked.get("seats") is None else seats_of(pile, asked)
    order, rounds, left = list[list[str]](), [], [name for name in pile.options if many[name]]

    def by_approvals(names: list[str]) -> list[str]:
        return sorted(lot(names, asked), key=lambda name: -many[name])

    while left and room:
        price = {name: (1 + sum(voters[i][0] * paid[i] for i in behind[name])) / Fraction(many[name]) for name in left}
        rounds.append({"tally": {name: cut_long(price[name]) for name in left}})
        chosen = list[str]()  # of equals all whom no voter of one before supports
        for name in by_approvals(places({name: -price[name] for name in left})[0]):
            if not any(behind[name] & behind[other] for other in chosen):
                chosen.append(name)
        order.append(in_order(by_approvals(chosen)[:room], pile))
        room -= len(order[-1])
        for name in order[-1]:
            left.remove(name)
            for i in behind[name]:
                paid[i] = price[name]
    alone = [name for name in pile.options if not many[name]]
    if alone and room:
        order.append(in_order(by_approvals(alone)[:room], pile))
    found = with_rest(pile, order, None if asked.get("seats") is None else flat(order))
    return found._replace(rounds=rounds, figures={"approvals": many})


def cut_long(load: Number) -> Number:
    """Cut a fraction off after 30 decimals where its lower part has more than 200 digits, as published counts do."""
    return load if load.denominator < 10**200 else Fraction(load.numerator * 10**30 // load.denominator, 10**30)


def money_of(pile: Pile, asked: Asked) -> tuple[dict[str, Number], Number, dict[str, int]]:
    """Give the costs, the budget, and all votes (or points) for each project."""
    if pile.costs is None:
        raise Stop("this rule needs a file with costs and a budget (.pb)")
    votes = sum_points(pile)
    return pile.costs, pile.budget if asked.get("budget") is None else number(asked["budget"]), votes


def settle(names: list[str], costs: dict[str, Number], votes: dict[str, int], asked: Asked) -> list[str]:
    """Put projects in order: the most votes (or points), the lower cost, the lot."""
    return sorted(lot(names, asked), key=lambda name: (-votes[name], costs[name]))


def fund_by_votes(pile: Pile, done: list[str], asked: Asked) -> list[str]:
    """Fund what fits, from most votes to fewest, after what is funded already; never what nobody voted for."""
    costs, budget, votes = money_of(pile, asked)
    budget -= sum(costs[name] for name in done)
    for name in settle([name for name in costs if name not in done and votes[name]], costs, votes, asked):
        if costs[name] <= budget:
            done = [*done, name]
            budget -= costs[name]
    return done


def one_by_one(pile: Pile, funded: list[str]) -> Count:
    """Tell what was funded, one after the other."""
    return with_rest(pile, [[name] for name in funded], funded)


def greedy(pile: Pile, asked: Asked) -> Count:
    """Fund what fits, from most votes to fewest."""
    return one_by_one(pile, fund_by_votes(pile, [], asked))


def equal_shares(pile: Pile, asked: Asked) -> Count:
    """Give everyone the same part of the money, blank ballots too; then, from the beginning, one unit more each, as
    long as what is bought fits the budget. What costs nothing comes first; of what is left, what fits (see `greedy`).
    """
    costs, budget, votes = money_of(pile, asked)
    completion, bought = asked.get("completion") or "add1u", list[str]()
    voters: Counter[frozenset[tuple[str, Number]]] = Counter()
    for n, _, points in pile.ballots:
        voters[frozenset(points.items())] += n
    behind: dict[str, list[tuple[int, int, int]]] = {name: [] for name in costs if votes[name] and costs[name]}
    for i, (likes, n) in enumerate(voters.items()):
        for name, worth in likes:
            if name in behind and worth:
                behind[name].append((i, n, int(worth)))
    units = {name: costs[name] if top_of(pile) == 1 else 1 for name in behind}
    purse = Fraction(budget) / max(sum(voters.values()), 1)
    for _ in range(MOST_STEPS if budget and behind else 0):
        tried = buy(costs, units, behind, [purse] * len(voters), lambda names: settle(names, costs, votes, asked)[0])
        if sum(costs[name] for name in tried) > budget:
            break
        bought, purse = tried, purse + 1
        if completion == "none" or len(bought) == len(behind):
            break
    else:
        if budget and behind:
            raise Stop(f"the purses have not grown enough after {MOST_STEPS} steps")
    free = settle([name for name in costs if votes[name] and not costs[name]], costs, votes, asked)
    return one_by_one(pile, fund_by_votes(pile, free + bought, asked) if completion == "add1u" else free + bought)


def buy(costs: dict[str, Number], units: dict[str, Number], behind: dict[str, Any], start: list[Fraction],
        first: Callable[[list[str]], str]) -> list[str]:  # fmt: skip
    """Buy, again and again, what asks its supporters for least per point (Peters, Pierczynski, Skowron 2021); an
    approval counts as many points as the project costs.

    Purses are whole numbers of a unit of money that gets smaller whenever a payment needs it.
    """
    parts = lcm(*{amount.denominator for amount in (*start, *costs.values())})
    purses = [int(amount * parts) for amount in start]
    rates = dict.fromkeys(behind, Fraction(0))  # a rate never falls, for purses only get emptier
    order: list[str] = []
    while True:
        best: Fraction | None = None
        for name in sorted(rates, key=lambda each: rates[each]):
            if best is not None and rates[name] > best:
                break
            payment = share_cost(int(costs[name] * parts), [(purses[i], n, worth) for i, n, worth in behind[name]])
            if payment is None:
                del rates[name]
                continue
            rates[name] = payment / (units[name] * parts)
            best = rates[name] if best is None else min(best, rates[name])
        if best is None:
            return order
        name = first([name for name in rates if rates[name] == best])
        order.append(name)
        smaller = (rates.pop(name) * units[name] * parts).denominator
        parts, purses = parts * smaller, [purse * smaller for purse in purses]
        for i, _, worth in behind[name]:
            purses[i] -= min(purses[i], int(best * units[name] * parts) * worth)


def share_cost(cost: int, supporters: list[tuple[int, int, int]]) -> Fraction | None:
    """Find the payment per point with which supporters (purse, how many, points) bear a cost, or give all they have."""
    rest, worth = cost, sum(n * points for _, n, points in supporters)
    if any(rest * points > purse * worth for purse, _, points in supporters):
        supporters = sorted(supporters, key=lambda each: each[0] if each[2] == 1 else Fraction(each[0], each[2]))
    for purse, n, points in supporters:
        if rest * points <= purse * worth:
            return Fraction(rest, worth)
        rest, worth = rest - n * purse, worth - n * points
    return None


def borda_of_pairs(table: Table) -> Count:
    """Find the order by Borda from comparisons, where what is left out is below all others."""
    return Count(
        places({a: sum(table[a].values()) - sum(table[b][a] for b in table[a]) for a in table}), pairwise=table
    )


COMPARING: dict[str, Callable[[Table], Count]] = {
    "schulze": schulze, "ranked-pairs": ranked_pairs, "borda": borda_of_pairs,
}  # fmt: skip
RULES: dict[str, Callable[[Pile, Asked], Count]] = {
    "plurality": plurality, "approval": approval, "borda": borda, "irv": irv, "stv": stv, "score": score, "star": star,
    "majority-judgment": majority_judgment, "phragmen": phragmen, "greedy": greedy, "equal-shares": equal_shares,
}  # fmt: skip


def recount(rule: str, pile: Pile, asked: Asked) -> Count:
    """Count ballots by the rule of that name."""
    if not 1 <= len(pile.options) <= MOST_OPTIONS:
        raise Stop(f"this program counts from 1 to {MOST_OPTIONS} options")
    if rule not in (*RULES, *COMPARING) or any(
        asked.get(name) not in (None, *words) for name, words in VARIANTS.items() if words
    ):
        raise Stop(f"this program does not know the rule {rule!r}, or a word for how to apply it")
    return RULES[rule](pile, asked) if rule in RULES else COMPARING[rule](compare_all(pile, asked))


def count_figures(rule: str, table: Table, card: dict[str, Any]) -> Count:
    """Find the order from the figures of a sealed vote: comparisons, how often each grade was given, or totals."""
    if rule in COMPARING:
        return COMPARING[rule](table)
    if rule in ("score", "majority-judgment"):
        grades = {a: Counter({int(grade): n for grade, n in row.items()}) for a, row in table.items()}
        if rule == "majority-judgment":
            return judge(grades)
        return Count(places({a: sum(grade * n for grade, n in row.items()) for a, row in grades.items()}))
    ballots: list[Ballot] = [(row["votes"], [[a]], {a: 1}) for a, row in table.items() if row.get("votes")]
    costs: list[Number] = [each.get("cost", 0) if isinstance(each, dict) else 0 for each in card["options"]]
    budget = (card.get("terms") or {}).get("budget", 0)
    count = RULES[rule](Pile(list(table), ballots, costs=dict(zip(table, costs)), budget=number(budget), top=1), {})
    return count._replace(rounds=None)


# ------------------------------------------------------------------------------------------------- checking an archive


class Archive:
    """A folder as published, and what was found in it: changed figures, and what is worth knowing besides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changed: list[str] = []
        self.notes: list[str] = []

    def names(self) -> list[str]:
        """List the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def change(self, where: str, place: str, stands: object, follows: object) -> None:
        """Note a changed figure."""
        self.changed.append(f"{show(where)}: {show(place)}: there stands {show(stands)}, there follows {show(follows)}")

    def load(self, name: str, most: int = MOST_BYTES) -> bytes:
        """Read a file. Raises Stop where it is no plain file or too large."""
        path = self.folder / name
        try:
            about = path.lstat()
            if not stat.S_ISREG(about.st_mode) or about.st_size > most:
                raise Stop(f"{name} is not a plain file of at most {most} bytes")
            return path.read_bytes()
        except OSError as error:
            raise Stop(f"{name}: {error.strerror}") from None

    def parse(self, name: str, read: Callable[[str], Any], kind: type) -> Any:  # noqa: ANN401
        """Read a file with a function. Raises Stop, and notes it as changed, where it is not written as it must be."""
        try:
            found = read(self.load(name, MOST_DESCRIBED).decode())
        except BROKEN as error:
            found = error
        if not isinstance(found, kind):
            self.change(name, "the whole file", f"what cannot be read ({found!r:.100})", f"a {kind.__name__}")
            raise Stop(f"{name} is not written as it must be")
        return found

    def load_json(self, name: str) -> dict[str, Any]:
        """Read an object. Fractions of a number do not occur: they stay text, so that they differ from any figure."""
        hooks: dict[str, Any] = {"parse_float": str, "parse_constant": str, "parse_int": lambda text: int(number(text))}
        found: dict[str, Any] = self.parse(
            name, lambda text: json.loads(text, object_pairs_hook=without_twice, **hooks), dict
        )
        return found

    def load_rows(self, name: str) -> list[list[str]]:
        """Read a table; it has one line at least."""
        rows: list[list[str]] = self.parse(
            name, lambda text: list(csv.reader(io.StringIO(text, newline=""), strict=True)), list
        )
        return rows or [[]]

    def compare(self, where: str, place: str, stands: object, follows: object) -> None:
        """Name every value that is not the one that follows."""
        if isinstance(follows, dict) and isinstance(stands, dict):
            for key in sorted({*stands, *follows}):
                self.compare(where, f"{place} > {key}", stands.get(key), follows.get(key))
        elif isinstance(follows, list) and isinstance(stands, list):
            for i, (one, other) in enumerate(zip_longest(stands, follows), 1):
                self.compare(where, f"{place} > {i}", one, other)
        elif type(stands) is not type(follows) or stands != follows:
            self.change(where, place, stands, follows)

    def compare_rows(self, name: str, follows: list[list[str]]) -> None:
        """Name every cell of a table that is not the one that follows; or a table that is missing, or one too many."""
        if (name in self.names()) != bool(follows):
            self.change(name, "the whole file", None if follows else "a table", "a table" if follows else None)
            return
        rows = self.load_rows(name) if follows else []
        for i, (row, should) in enumerate(zip_longest(rows, follows, fillvalue=list[str]()), 1):
            for j, (one, other) in enumerate(zip_longest(row, should, fillvalue="nothing")):
                if one != other:
                    label, column = should[:2] if name == "places.csv" else should[:1], [*follows[0], *[""] * j][j]
                    self.change(name, f"line {i} ({', '.join(map(str, label))}), {column}", one, other)


def without_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says two things at once."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("an entry stands there twice")
    return found


def show(value: object) -> str:
    """Write a value on one line of a screen, with nothing in it that could steer the screen."""
    text = value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in (text or "nothing")[:200])


def cell(name: str) -> str:
    """Write a text as tables hold it: no spreadsheet takes it for a formula."""
    return "'" + name if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def check_hashes(archive: Archive) -> None:
    """Compare all files with SHA256SUMS, their lines with lines.json, and SHA256SUMS with the line of the ledger."""
    sums, listed = archive.load("SHA256SUMS"), []
    for line in sums.decode().splitlines():
        if not (entry := re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9_-][A-Za-z0-9._-]*)", line)):
            archive.change("SHA256SUMS", "a line", line, "a hash and the name of a file")
        elif (archive.folder / entry[2]).exists():
            listed.append(entry[2])
            if (found := hashlib.sha256(archive.load(entry[2])).hexdigest()) != entry[1]:
                archive.change(entry[2], "the whole file", f"what has the hash {found}", f"{entry[1]}, says SHA256SUMS")
        else:
            archive.change(entry[2], "the whole file", None, "a file, says SHA256SUMS")
    for name in set(archive.names()) - {*listed, "SHA256SUMS", "ledger.json", "recount.py"}:
        archive.notes.append(f"{show(name)} is not listed in SHA256SUMS.")
    if "lines.json" in listed:
        for name, hashes in archive.load_json("lines.json").items():
            lines = re.findall(rb"[^\n]*\n|[^\n]+", archive.load(name)) if name in listed else []
            for i, (line, should) in enumerate(zip_longest(lines, hashes), 1):
                if line is None or hashlib.sha256(line).hexdigest()[:8] != should:
                    text = None if line is None else line.decode("utf-8", "replace").rstrip("\r\n")
                    archive.change(name, f"line {i}", text, f"a line with the hash {should}, says lines.json")
    if "ledger.json" in archive.names():
        said, found = archive.load_json("ledger.json")["words"]["sums"], hashlib.sha256(sums).hexdigest()
        if said != found:
            archive.change("SHA256SUMS", "the whole file", f"what has the hash {found}", f"{said}, says ledger.json")
        archive.notes.append("The signature of the ledger is not checked here: `khma verify` does.")


def check(archive: Archive) -> int:
    """Check a whole archive. Returns 0 when the ballots could be counted again, else 2; what differs is noted on it."""
    check_hashes(archive)
    card = archive.load_json("card.json")
    options = [each if isinstance(each, str) else each["names"].get("en") or next(iter(each["names"].values()))
               for each in card["options"]]  # fmt: skip
    if "result.json" not in archive.names():
        archive.notes.append("No count was released: there is nothing to recount.")
        return 2
    result = archive.load_json("result.json")
    archive.compare("result.json", "rule", result.get("rule"), card["rule"])
    for key in sorted(set(result) - ENTRIES):
        archive.change("result.json", key, result[key], None)
    if "ballots.abif" in archive.names():
        pile = read_abif(archive.load("ballots.abif").decode())
        archive.compare("ballots.abif", "options", pile.options, options)
    elif "ballots.pb" in archive.names():
        pile = read_pb(archive.load("ballots.pb").decode())
    else:
        check_without_ballots(archive, card, options, result)
        return 2
    asked = read_asked(archive, card, result)
    count, numbers = recount(card["rule"], pile, asked), count_ballots(pile)
    follows: dict[str, Any] = {"options": pile.options, **numbers, "pairwise": count.pairwise}
    compare_count(archive, result, count, follows)
    check_certificate(archive, result, count, numbers["counted"])
    archive.compare_rows("pairwise.csv", write_table(count.pairwise, pile.options) if count.pairwise else [])
    archive.compare_rows("grades.csv", write_grades(card["rule"], pile))
    figures = {**count_tops(pile), **(count.figures or {})}
    check_places(archive, count.order, {each: figures[each] for each in COLUMNS.get(card["rule"], RANKED)})
    used = ", ".join(f"{name} {show(value)}" for name, value in asked.items())
    archive.notes.append(f"Recounted {numbers['ballots']} ballots by the rule {card['rule']}{used and f' ({used})'}: "
                         + " > ".join(" = ".join(map(show, place)) for place in count.order) + ".")  # fmt: skip
    return 0


def count_tops(pile: Pile) -> dict[str, dict[str, int]]:
    """Count how many ballots have nothing above an option, fewer than three above it, or rank it at all."""
    tops = {each: dict.fromkeys(pile.options, 0) for each in RANKED}
    for n, ranks, _ in pile.ballots:
        above = 0
        for rank in ranks:
            for name in rank:
                tops["first"][name] += n * (above == 0)
                tops["first_three"][name] += n * (above < 3)
                tops["ranked"][name] += n
            above += len(rank)
    return tops


def write_grades(rule: str, pile: Pile) -> list[list[str]]:
    """Write the table grades.csv; nothing by rules without grades, nor of mere marks, nor of too many grades."""
    if rule not in ("score", "star", "majority-judgment") or not 1 < top_of(pile) <= MOST_GRADES:
        return []
    grades, counts = range(top_of(pile) + 1), count_grades(pile)
    return write_table({a: {str(n): row[n] for n in grades} for a, row in counts.items()}, list(map(str, grades)))


def read_asked(archive: Archive, card: dict[str, Any], result: dict[str, Any]) -> Asked:
    """Read how the rule was applied: from the card, and where it is silent from the certificate."""
    told = (result.get("certificate") or {}).get("variants") or {}
    if "partial" in card:
        card = {**card, "unranked": "ignored" if card["partial"] == "left out is no opinion" else "last"}
    asked = {name: card.get(name, told.get(name)) for name in VARIANTS}
    for name in told:
        if name in asked and told[name] is not None:
            archive.compare("result.json", f"certificate > variants > {name}", str(told[name]), str(asked[name]))
    return {name: value for name, value in asked.items() if value is not None}


def compare_count(archive: Archive, result: dict[str, Any], count: Count, follows: dict[str, Any]) -> None:
    """Name what differs between result.json and a count."""
    follows = {**follows, "order": count.order, "winners": count.order[0] if count.elected is None else count.elected}
    for key in sorted(follows):
        archive.compare("result.json", key, result.get(key), follows[key])
    archive.compare("result.json", "rounds", read_tallies(result.get("rounds")), read_tallies(count.rounds))


def read_tallies(rounds: object) -> object:
    """Keep the tallies of rounds, with each number in one spelling; who has nothing may be left out."""
    if not isinstance(rounds, list):
        return rounds or []
    tallies = [each.get("tally") if isinstance(each, dict) else None for each in rounds]
    return [{name: text for name, n in tally.items() if (text := spell(n)) != "0"} if isinstance(tally, dict) else None
            for tally in tallies]  # fmt: skip


def spell(figure: object) -> str:
    """Write a number in the one spelling by which equal ones are equal."""
    try:
        return str(number(figure))
    except ValueError:
        return f"{figure}, which is no number"


def check_certificate(archive: Archive, result: dict[str, Any], count: Count, counted: int) -> None:
    """Check the chains of a Schulze count: each step is a win, and the weakest as strong as can be had."""
    told, table = result.get("certificate"), count.pairwise
    if result.get("rule") != "schulze" or table is None or not isinstance(told, dict):
        archive.notes.append("result.json: certificate: this program does not examine that of this rule.")
        return
    p, steps = find_strengths(table), told["next"]

    def chain(a: str, b: str) -> list[str]:
        """Go from step to step; nothing where they do not lead there, or over less than the strongest chain."""
        row = [a]
        while row[-1] != b and len(row) < len(table) and steps[row[-1]].get(b) in table:
            row.append(steps[row[-1]][b])
        wins = [table[x][y] if table[x][y] > table[y][x] else 0 for x, y in zip(row, row[1:])]
        return row if row[-1] == b and min(wins) == p[a][b] > 0 else []

    following = {a: {b: steps[a].get(b) if chain(a, b) else f"a step on a chain of {n}" for b, n in p[a].items() if n}
                 for a in table}  # fmt: skip
    place_of = {name: i for i, place in enumerate(count.order) for name in place}
    neighbours = []
    for each in told["neighbours"]:
        a, b = each["above"], each["below"]
        if a == b or a not in table or b not in table or place_of[b] - place_of[a] not in (0, 1):
            a, b = flat(count.order)[:2]  # whatever it was about, it is not two neighbours
        neighbours.append({
            "above": a, "below": b, "tied": place_of[a] == place_of[b], "for": table[a][b], "against": table[b][a],
            "neither": counted - table[a][b] - table[b][a], "strength": p[a][b], "back_strength": p[b][a],
            "chain": chain(a, b), "back": chain(b, a),
        })  # fmt: skip
    archive.compare("result.json", "certificate > pairs", len(neighbours), len(table) - 1)
    follows = {**told, "next": following, "strengths": p, "neighbours": neighbours}
    archive.compare("result.json", "certificate", told, follows)


def write_table(table: Table, columns: list[str]) -> list[list[str]]:
    """Write figures as published tables have them; where an option would meet itself, there is nothing."""
    rows = [[cell(a), *(str(row[each]) if each in row else "" for each in columns)] for a, row in table.items()]
    return [["option", *map(cell, columns)], *rows]


def check_places(archive: Archive, order: Ranks, figures: dict[str, dict[str, Any]]) -> None:
    """Compare places.csv with the order, and with the figures that it has of each option."""
    rows = [["place", "option", *figures]]
    for place in order:
        rank = str(len(rows))
        rows += [[rank, cell(name), *(str(each[name]) for each in figures.values())] for name in place]
    archive.compare_rows("places.csv", rows)


def check_without_ballots(archive: Archive, card: dict[str, Any], options: list[str], result: dict[str, Any]) -> None:
    """Check what can be checked where the ballots stay sealed: the lists, the sums, and that the files agree."""
    minutes = archive.load_json("minutes.json")
    signed = [show(name) for name in archive.names() if "recount" in name and name != "recount.py"]
    archive.notes.append("The ballots of this vote are not published. They were counted by those who opened the box"
                         f" ({show(minutes.get('opened'))}, of {show(minutes.get('box'))} in the box); recounted by: "
                         + (", ".join(signed) or "nobody whose signature lies in this archive") + ".")  # fmt: skip
    for name in ("roll", "took_part", "box"):
        archive.compare("minutes.json", name, minutes.get(name), archive.load(f"{name}.txt").count(b"\n"))
    archive.compare("result.json", "options", result.get("options"), options)
    if file := next((name for name in FIGURES if name in archive.names()), None):
        check_figures(archive, file, card, options, result)
        exact = [minutes["box"], minutes["unreadable"]]
    else:
        check_order(archive, card["rule"], options, result)
        exact = [(minutes[name] + 5) // 10 * 10 for name in ("box", "unreadable")]
    archive.compare("result.json", "ballots", result["ballots"], exact[0])
    archive.compare("result.json", "invalid", result["invalid"], exact[1])


def check_figures(
    archive: Archive, file: str, card: dict[str, Any], options: list[str], result: dict[str, Any]
) -> None:
    """Find the order again from the figures; where their file says another thing than result.json, both are named."""
    rule, word, columns = card["rule"], FIGURES[file][0], list(FIGURES[file][1:]) or options
    if rule not in (*COMPARING, "plurality", "approval", "greedy", "score", "majority-judgment"):
        raise Stop(f"the order by the rule {rule} needs the ballots")
    rows, counted = archive.load_rows(file), int(number(result["counted"]))
    table = {
        a: {each: int(number(rows[i][j])) for j, each in enumerate(columns, 1)
            if (word != "pairwise" or each != a) and (rule != "plurality" or rows[i][j])}
        for i, a in enumerate(options, 1)
    }  # fmt: skip
    # Single choices that few made are told together: their cells are empty, and they share the last place.
    archive.compare_rows(file, write_table(table, columns))
    blank = result["blank"]  # None: so few that they are not told apart from the others
    if blank is None or isinstance(blank, int):
        archive.compare("result.json", "counted", counted, result["ballots"] - (blank or 0) - result["invalid"])
    else:
        archive.change("result.json", "blank", blank, "a number, or nothing")
    told: dict[str, Any] = result["pairwise"] if word == "pairwise" else (result.get("certificate") or {})[word]
    limit = counted * int((card.get("terms") or {}).get("points", 1))
    for a, row in table.items():
        figures = [told[a][each] for each in row] if word == "pairwise" else told[a] if word == "grades" else [told[a]]
        figures = [] if figures == [None] else figures
        for (each, n), said in zip_longest(row.items(), figures, fillvalue=("nothing", 0)):
            if said != n:
                archive.change(file, f"{a}, {each}", n, f"{show(said)}, says result.json")
            if word == "pairwise" and n + table[each][a] > counted:
                archive.change(file, f"{a}, {each}", n, f"at most {counted}, together with {table[each][a]}")
        if word != "pairwise" and sum(row.values()) > limit:
            archive.change(file, a, sum(row.values()), f"at most {limit}")
    count = count_figures(rule, table, card)
    if word == "pairwise":
        compare_count(archive, result, count, {"pairwise": table})
        check_certificate(archive, result, count, counted)
    else:
        rows_told = {a: list(row.values()) if word == "grades" else row.get("votes") for a, row in table.items()}
        compare_count(archive, result, count, {"pairwise": None, "certificate": {word: rows_told}})
    check_places(archive, count.order, {})
    archive.notes.append(f"Found again from {file}: the order. That it follows from the ballots, only they can tell.")


def check_order(archive: Archive, rule: str, options: list[str], result: dict[str, Any]) -> None:
    """Check an order that is published alone: each option once, in both files, and totals in tens."""
    left = list(options)
    for i, place in enumerate(result["order"], 1):
        for j, name in enumerate(place, 1):
            if name not in left:
                archive.change("result.json", f"order > {i} > {j}", name, "an option of the card, once")
            left = [each for each in left if each != name]
    if left:
        archive.change("result.json", "order", None, left)
    # Seats and budgets: who was elected stands before the others, if there are others.
    elected = [flat(result["order"][:-1]), flat(result["order"])] if rule in ELECTING else [result["order"][0]]
    winners = result.get("winners") if result.get("winners") in elected else elected[0]
    follows = {"pairwise": None, "certificate": None, "winners": winners}
    follows.update({name: (result[name] + 5) // 10 * 10 for name in ("blank", "counted")})
    for name, value in follows.items():
        archive.compare("result.json", name, result.get(name), value)
    check_places(archive, result["order"], {})
    archive.notes.append("The order cannot be recounted here: it needs the ballots.")


def main(arguments: list[str] | None = None) -> int:
    """Check a folder, or count one file. Returns 0, 1 or 2, as said above."""
    parser = argparse.ArgumentParser(description="Recount a published vote: an archive, or with --rule one file.")
    parser.add_argument("path", nargs="?", metavar="FOLDER or FILE", default=str(Path(__file__).resolve().parent))
    parser.add_argument("--rule", choices=sorted({*RULES, *COMPARING}))
    for name in VARIANTS:
        parser.add_argument("--" + name.replace("_", "-"), action="store_true" if name == "batch" else "store")
    asked = vars(parser.parse_args(arguments))
    path, rule = Path(asked.pop("path")), asked.pop("rule")
    archive, code = Archive(path.parent if rule else path), 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if rule:
            text = archive.load(path.name).decode()
            order = recount(rule, read_pb(text) if path.suffix == ".pb" else read_abif(text), asked).order
        else:
            order, code = [], check(archive)
    except Stop as stopped:
        archive.notes.append(f"Cannot recount: {show(str(stopped))}.")
    except BROKEN as error:
        if rule is None:
            archive.change("archive", "its form", repr(error), "what docs/record.md describes")
        archive.notes.append(f"Cannot recount: something is not written as it must be ({error!r:.200}).")
    else:
        if rule:
            print(json.dumps(order))
            return 0
    for line in archive.changed[:MOST_SHOWN]:
        print("CHANGED " + line)
    for line in archive.notes:
        print(line)
    if archive.changed:
        print(f"{len(archive.changed)} figures or files are not those that follow.")
        return 1
    print("All that is recounted here agrees." if not code else "Not recounted.")
    return code


if __name__ == "__main__":
    sys.exit(main())
