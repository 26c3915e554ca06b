"""Recount a published vote with nothing but Python 3.9 or later: a second counter, written apart from the first.

    python3 recount.py [FOLDER]                                      the archive that lies beside this file
    python3 recount.py --rule R [--seats N] [--budget N] ... FILE    one .abif or .pb file: prints the order as JSON

It checks SHA256SUMS, reads the rule from card.json, counts the ballots again, and names every figure that does not
follow: file, place, what stands there, what follows. It ends with 0 when all agrees, 1 with changed figures, 2 when it
cannot recount. It shares no line with the program that counted. Plain and slow: whole numbers and fractions only. A tie
stays a tie; where a decision needs one broken and the rule has no answer, a lot orders names by SHA-256(seed, name).
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
from itertools import combinations, groupby, zip_longest
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

Number = Union[int, Fraction]
Ranks = list[list[str]]  # best first, equals together
Table = dict[str, dict[str, int]]  # table[a][b]: ballots that put a before b
Asked = dict[str, Any]  # how a rule is to be applied, by name; left out: as it does by itself
Ballot = tuple[int, Ranks, dict[str, Number]]  # how often, the ranks, the points


class Stop(Exception):
    """Why it cannot be counted here, in a sentence."""


class Pile(NamedTuple):
    """All ballots about some options. Costs and budget only where money is spent."""

    options: list[str]
    ballots: list[Ballot]
    invalid: int = 0
    implicit: bool = True
    costs: dict[str, Number] | None = None
    budget: Number = 0


class Count(NamedTuple):
    """What a rule finds: places, who wins (None: the first place), the tally of each round, the comparisons."""

    order: Ranks
    elected: list[str] | None = None
    rounds: list[dict[str, Any]] | None = None
    pairwise: Table | None = None


# ------------------------------------------------------------------------------------------------------ reading ballots


def number(text: object) -> Number:
    """Read a whole number, a decimal or a fraction; nothing longer than a count can need."""
    if isinstance(text, bool) or not re.fullmatch(r"-?[0-9]{1,300}(/[0-9]{1,300}|\.[0-9]{1,300})?", str(text)):
        raise ValueError(f"{str(text)[:40]!r} is not a number")
    value = Fraction(str(text))
    return int(value) if value.denominator == 1 else value


def read_abif(text: str) -> Pile:
    """Read ABIF: options "=c1:[Name]", ballots "5:c1>c2=c3" or, with points, "5:c1/4,c2/0"."""
    names: dict[str, str] = {}
    ballots: list[Ballot] = []
    invalid, implicit = 0, True
    for at, line in enumerate((line.rstrip("\r") for line in text.split("\n")), 1):
        if line.startswith("{"):
            words = re.sub(r'[\s"{}]', "", line)
            if said := re.fullmatch("invalid_ballots:([0-9]{1,15})", words):
                invalid = int(said[1])
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
    return Pile(list(names.values()), ballots, invalid, implicit)


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
    meta = {row[0]: row[1] for row in tables["META"] if len(row) > 1}
    projects, votes = ([dict(zip(rows[0], row)) for row in rows[1:]] for rows in (tables["PROJECTS"], tables["VOTES"]))
    costs = {each["project_id"]: number(each["cost"].replace(",", ".")) for each in projects}
    if len(costs) < len(projects) or min(costs.values()) <= 0:
        raise Stop("two projects have one id, or one costs nothing")
    longest = int(meta.get("max_length") or max((len(each["vote"].split(",")) for each in votes), default=0))
    ballots: list[Ballot] = []
    for each in votes:
        chosen = [name.strip() for name in each["vote"].split(",") if name.strip()]
        worth = [str(longest - i if meta["vote_type"] == "ordinal" else 1) for i in range(len(chosen))]
        if meta["vote_type"] in ("cumulative", "scoring") and each.get("points"):
            worth = each["points"].split(",")
        if len(set(chosen)) < len(chosen) or len(worth) != len(chosen) or not set(chosen) <= set(costs):
            raise Stop(f"the vote {each['vote'][:80]!r} does not fit the projects")
        ballots.append((1, [], {name: number(value.strip()) for name, value in zip(chosen, worth)}))
    return Pile(list(costs), ballots, costs=costs, budget=number(meta["budget"].replace(",", ".")))


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
    """Order names by SHA-256 of the seed and the name; who is drawn first stands before."""
    seed = asked.get("tiebreak_seed") or ""
    return sorted(names, key=lambda name: hashlib.sha256((seed + name).encode()).digest())


def whole_ranks(pile: Pile, asked: Asked) -> Iterator[tuple[int, Ranks]]:
    """Give each ballot with the options it leaves out below all others, or without where that is no opinion."""
    implicit = {"last": True, "ignored": False}.get(asked.get("unranked") or "", pile.implicit)
    for n, ranks, _ in pile.ballots:
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
    """Give a point for each option below on a ballot, half a point for each equal one (doubled here)."""
    points = dict.fromkeys(pile.options, 0)
    for n, ranks in whole_ranks(pile, asked):
        below = len(flat(ranks))
        for rank in ranks:
            below -= len(rank)
            for name in rank:
                points[name] += n * (2 * below + len(rank) - 1)
    return Count(places(points))


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


def most(tally: dict[str, int], pile: Pile, asked: Asked) -> Count:
    """Order by a tally. Who must have more than a share of the counted ballots, and has not, does not win."""
    share = asked.get("threshold")
    enough = share is None or max(tally.values()) > number(share) * count_ballots(pile)["counted"]
    return Count(places(tally), None if enough else [])


def plurality(pile: Pile, asked: Asked) -> Count:
    """Order by first choices."""
    return most(first_choices([(n, row[:1]) for n, row in single_choices(pile, asked)], pile.options), pile, asked)


def irv(pile: Pile, asked: Asked) -> Count:
    """Leave out the last, again and again, until one is left. Several last ones: see `weakest`."""
    rows, table, left = single_choices(pile, asked), compare_all(pile, asked), list(pile.options)
    order: Ranks = []
    rounds: list[dict[str, Any]] = []
    while len(left) > 1:
        tally = first_choices(rows, left)
        rounds.append({"tally": tally})
        rising, hopeless = sorted(tally.values()), 0
        if asked.get("batch"):  # as many as have less together than the next one alone
            hopeless = max((k for k in range(1, len(rising)) if sum(rising[:k]) < rising[k]), default=0)
        if hopeless:
            out = places({name: tally[name] for name in left if tally[name] < rising[hopeless]})
        else:
            out = [weakest(places(tally)[-1], table)]
        order = out + order
        left = [name for name in left if name not in flat(out)]
    return Count([left, *order] if left else order, None, rounds or [{"tally": first_choices(rows, left)}])


def weakest(tied: list[str], table: Table) -> list[str]:
    """Find the fewest of these that all the others of them beat one to one: they go together."""

    def balance(a: str) -> int:
        return sum((table[a][b] > table[b][a]) - (table[a][b] < table[b][a]) for b in tied if b != a)

    group = [min(tied, key=balance)]  # whoever wins least is among them
    for a in group:  # grows while we go
        group += [b for b in tied if b not in group and table[b][a] <= table[a][b]]
    return [name for name in tied if name in group]


def stv(pile: Pile, asked: Asked) -> Count:
    """Count by the Scottish Local Government Elections Order 2007, rules 45-52; "wigm" cuts off no decimals."""
    seats, exact = seats_of(pile, asked), asked.get("transfer") == "wigm" and asked.get("decimals") is None
    unit = 1 if exact else 10 ** max(0, min(300, int(5 if asked.get("decimals") is None else asked["decimals"])))
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
        vacant = seats - len(flat(elected))
        if vacant >= len(left) or not vacant:
            elect(list(left) if vacant else [])
            break
        among, pick = (surplus, max) if surplus else (left, min)
        extreme = pick(past(name) for name in among)
        drawn = lot([name for name in among if past(name) == extreme], asked)
        mover = drawn[0] if surplus else drawn[-1]
        total, kept = votes[mover], quota if surplus else 0
        among.remove(mover)
        votes[mover] = kept
        for n, value, row in papers[mover]:
            to = next((name for name in row if name in left), None)
            worth = value
            if kept:
                worth = Fraction(value * (total - kept), total) if exact else value * (total - kept) // total
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


def graded(pile: Pile) -> list[tuple[int, dict[str, Number]]]:
    """Give the ballots with points; an option without any has 0, the worst."""
    if any(ranks and not points for _, ranks, points in pile.ballots):
        raise Stop("the ballots hold no points: this rule cannot count them")
    return [(n, points) for n, _, points in pile.ballots if points]


def approved(pile: Pile) -> list[tuple[int, frozenset[str]]]:
    """Give approvals: points of 1, or options beside each other without points. Equal ballots are laid together."""
    found: Counter[frozenset[str]] = Counter()
    for n, ranks, points in pile.ballots:
        if set(points.values()) - {0, 1} or (len(ranks) > 1 and not points):
            raise Stop("the ballots hold more than approvals: this rule cannot count them")
        found[frozenset(name for name in points if points[name]) if points else frozenset(flat(ranks))] += n
    return [(n, names) for names, n in found.items()]


def approval(pile: Pile, asked: Asked) -> Count:
    """Order by how many ballots approve of an option."""
    ballots = approved(pile)
    return most({name: sum(n for n, names in ballots if name in names) for name in pile.options}, pile, asked)


def sum_points(pile: Pile) -> dict[str, Number]:
    """Add up all points."""
    ballots = graded(pile)
    return {name: sum(n * points.get(name, 0) for n, points in ballots) for name in pile.options}


def score(pile: Pile, _: Asked) -> Count:
    """Order by all points together."""
    return Count(places(sum_points(pile)))


def star(pile: Pile, asked: Asked) -> Count:
    """Let more ballots decide between the two with most points. Of several equal ones go on who win most among them."""
    total, ballots = sum_points(pile), graded(pile)

    def prefer(a: str, b: str) -> int:
        return sum(n for n, points in ballots if points.get(a, 0) > points.get(b, 0))

    finalists: list[str] = []
    for place in places(total):
        tied = list(place)
        while tied and (room := 2 - len(finalists)) > 0:
            wins = places({a: sum(prefer(a, b) > prefer(b, a) for b in tied) for a in tied})[0]
            go = wins if len(wins) <= room else lot(wins, asked)[:1]
            finalists += go
            tied = [name for name in tied if name not in go]
    final = {a: (sum(prefer(a, b) for b in finalists), total[a]) for a in pile.options if a in finalists}
    rest = places({name: total[name] for name in pile.options if name not in finalists})
    return Count(places(final) + rest, None, [{"tally": total}, {"tally": {name: final[name][0] for name in final}}])


def majority_judgment(pile: Pile, _: Asked) -> Count:
    """Compare middle grades (the lower of two); where equal, take one off each and look again (Balinski, Laraki)."""
    ballots = graded(pile)
    n, rows = sum(each for each, _ in ballots), {}
    for name in pile.options:
        grades: Counter[Number] = Counter()
        for each, points in ballots:
            grades[points.get(name, 0)] += each
        rows[name] = sorted(grades.items())
    # All grades of an option in a row, the worst first: between two cuts no option's grade changes, and the one nearest
    # to the middle is looked at first.
    cuts = sorted({0, n} | {sum(k for _, k in row[:i]) for row in rows.values() for i in range(len(row))})
    middle = (n - 1) // 2
    looks = [min(max(middle, start), end - 1) for start, end in zip(cuts, cuts[1:])]
    looks.sort(key=lambda at: (abs(at - middle), (at > middle) == (n % 2 == 1)))

    def grade_at(row: list[tuple[Number, int]], at: int) -> Number:
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
    behind = {name: [i for i, (_, names) in enumerate(voters) if name in names] for name in pile.options}
    seats = len(pile.options) if asked.get("seats") is None else seats_of(pile, asked)
    order: Ranks = []
    left = [name for name in pile.options if behind[name]]
    while left and len(flat(order)) < seats:
        price = {}
        for name in left:
            many = sum(voters[i][0] for i in behind[name])
            price[name] = (1 + sum(voters[i][0] * paid[i] for i in behind[name])) / Fraction(many)
        tied = places({name: -price[name] for name in left})[0]
        order.append(next_ones(tied, behind, asked, seats - len(flat(order))))
        for name in order[-1]:
            left.remove(name)
            for i in behind[name]:
                paid[i] = price[name]
    return with_rest(pile, order, None if asked.get("seats") is None else flat(order))


def next_ones(tied: list[str], behind: dict[str, list[int]], asked: Asked, room: int = MOST_OPTIONS) -> list[str]:
    """Let equals go together where no voter supports two of them and there is room; else the lot says who is next."""
    clash = len(tied) > room or any(set(behind[a]) & set(behind[b]) for a, b in combinations(tied, 2))
    return lot(tied, asked)[:1] if clash else tied


def money_of(pile: Pile, asked: Asked) -> tuple[dict[str, Number], Number, dict[str, Number]]:
    """Give the costs, the budget, and all votes (or points) for each project."""
    if pile.costs is None:
        raise Stop("this rule needs a file with costs and a budget (.pb)")
    votes: dict[str, Number] = dict.fromkeys(pile.costs, 0)
    for n, _, points in pile.ballots:
        for name in points:
            votes[name] += n * points[name]
    return pile.costs, pile.budget if asked.get("budget") is None else number(asked["budget"]), votes


def fund_by_votes(pile: Pile, order: Ranks, asked: Asked) -> Ranks:
    """Fund what fits, from most votes to fewest, after what is funded already; never what nobody voted for."""
    costs, budget, votes = money_of(pile, asked)
    order, done = list(order), flat(order)
    budget -= sum(costs[name] for name in done)
    for place in places({name: votes[name] for name in costs if name not in done and votes[name] > 0}):
        fit = [name for name in place if costs[name] <= budget]
        together = sum(costs[name] for name in fit) <= budget
        for names in [fit] if fit and together else [[name] for name in lot(fit, asked)]:
            if sum(costs[name] for name in names) <= budget:
                order.append(names)
                budget -= sum(costs[name] for name in names)
    return order


def greedy(pile: Pile, asked: Asked) -> Count:
    """Fund what fits, from most votes to fewest."""
    order = fund_by_votes(pile, [], asked)
    return with_rest(pile, order, flat(order))


def equal_shares(pile: Pile, asked: Asked) -> Count:
    """Give everyone the same part of the money; then one unit more each, as long as what is bought fits the budget."""
    costs, budget, votes = money_of(pile, asked)
    completion, order = asked.get("completion") or "add1u", list[list[str]]()
    parts = lcm(*{value.denominator for _, _, points in pile.ballots for value in points.values()})
    voters: Counter[frozenset[tuple[str, int]]] = Counter()
    for n, _, points in pile.ballots:
        if points:
            voters[frozenset((name, int(value * parts)) for name, value in points.items() if value > 0)] += n
    behind: dict[str, list[tuple[int, int, int]]] = {name: [] for name in costs if votes[name] > 0}
    for i, (likes, n) in enumerate(voters.items()):
        for name, worth in likes:
            behind[name].append((i, n, worth))
    purse = Fraction(budget) / max(sum(voters.values()), 1)
    for _ in range(MOST_STEPS):
        tried = buy(costs, behind, [purse] * len(voters), asked)
        if sum(costs[name] for name in flat(tried)) > budget:
            break
        order, purse = tried, purse + 1
        if completion == "none" or len(flat(order)) == len(behind):
            break
    else:
        raise Stop(f"the purses have not grown enough after {MOST_STEPS} steps")
    order = fund_by_votes(pile, order, asked) if completion == "add1u" else order
    return with_rest(pile, order, flat(order))


def buy(costs: dict[str, Number], behind: dict[str, Any], start: list[Fraction], asked: Asked) -> Ranks:
    """Buy, again and again, what asks its supporters for least per point and cost (Peters, Pierczynski, Skowron 2021).

    Purses are whole numbers of a unit of money that gets smaller whenever a payment needs it.
    """
    parts = lcm(*{amount.denominator for amount in (*start, *costs.values())})
    purses = [int(amount * parts) for amount in start]
    rates = dict.fromkeys(behind, Fraction(0))  # a rate never falls, for purses only get emptier
    order: Ranks = []
    while True:
        best: Fraction | None = None
        for name in sorted(rates, key=lambda each: rates[each]):
            if best is not None and rates[name] > best:
                break
            payment = share_cost(int(costs[name] * parts), [(purses[i], n, worth) for i, n, worth in behind[name]])
            if payment is None:
                del rates[name]
                continue
            rates[name] = payment / (costs[name] * parts)
            best = rates[name] if best is None else min(best, rates[name])
        if best is None:
            return order
        tied = [name for name in costs if rates.get(name) == best]
        order.append(next_ones(tied, {name: [i for i, _, _ in behind[name]] for name in tied}, asked))
        for name in order[-1]:
            smaller = (rates.pop(name) * costs[name] * parts).denominator
            parts, purses = parts * smaller, [purse * smaller for purse in purses]
            for i, _, worth in behind[name]:
                purses[i] -= min(purses[i], int(best * costs[name] * parts) * worth)


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


COMPARING: dict[str, Callable[[Table], Count]] = {"schulze": schulze, "ranked-pairs": ranked_pairs}
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
    if rule in COMPARING:
        return COMPARING[rule](compare_all(pile, asked))
    return RULES[rule](pile, asked)


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

    def compare_rows(self, name: str, follows: list[list[str | None]]) -> None:
        """Name every cell of a table that is not the one that follows; None stands for what is not known here."""
        none: list[str | None] = []
        for i, (row, should) in enumerate(zip_longest(self.load_rows(name), follows, fillvalue=none), 1):
            for j, (one, other) in enumerate(zip_longest(row, should, fillvalue="nothing")):
                if one != other and other is not None:
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
        check_without_ballots(archive, card["rule"], options, result)
        return 2
    asked = read_asked(archive, card, result)
    count, numbers = recount(card["rule"], pile, asked), count_ballots(pile)
    ranked = card["rule"] not in ("greedy", "equal-shares")
    table = count.pairwise or (compare_all(pile, asked) if ranked else None)
    follows: dict[str, Any] = {"options": pile.options, **numbers}
    if count.pairwise or result.get("pairwise") is not None:
        follows["pairwise"] = table
    compare_count(archive, result, count, follows)
    check_certificate(archive, result, count, numbers["counted"])
    if table and (count.pairwise or "pairwise.csv" in archive.names()):
        archive.compare_rows("pairwise.csv", write_pairs(table))
    columns = ["first", "first_three", "ranked"] if count.pairwise else archive.load_rows("places.csv")[0][2:]
    check_places(archive, count.order, columns, count_tops(pile))
    used = ", ".join(f"{name} {show(value)}" for name, value in asked.items())
    archive.notes.append(f"Recounted {numbers['ballots']} ballots by the rule {card['rule']}{used and f' ({used})'}: "
                         + " > ".join(" = ".join(map(show, place)) for place in count.order) + ".")  # fmt: skip
    return 0


def count_tops(pile: Pile) -> dict[str, dict[str, int]]:
    """Count how many ballots have nothing above an option, fewer than three above it, or rank it at all."""
    tops = {name: dict.fromkeys(("first", "first_three", "ranked"), 0) for name in pile.options}
    for n, ranks, _ in pile.ballots:
        above = 0
        for rank in ranks:
            for name in rank:
                tops[name]["first"] += n * (above == 0)
                tops[name]["first_three"] += n * (above < 3)
                tops[name]["ranked"] += n
            above += len(rank)
    return tops


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
    stands = result.get("rounds")
    if count.rounds is None and stands and not count.pairwise:
        archive.notes.append("result.json: rounds: this program does not examine those of this rule.")
    else:
        archive.compare("result.json", "rounds", read_tallies(stands), read_tallies(count.rounds))


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


def write_pairs(table: Table) -> list[list[str | None]]:
    """Write the comparisons as pairwise.csv has them."""
    rows = [[cell(a), *("" if a == b else str(table[a][b]) for b in table)] for a in table]
    return [["option", *(cell(name) for name in table)], *rows]  # type: ignore[list-item]


def check_places(archive: Archive, order: Ranks, columns: list[str], known: dict[str, dict[str, int]]) -> None:
    """Compare places.csv with the order, and its other columns with what is known of each option."""
    rows: list[list[str | None]] = [["place", "option", *columns]]
    for place in order:
        rank = str(len(rows))
        for name in place:
            told = known.get(name, {})
            rows.append([rank, cell(name), *(str(told[each]) if each in told else None for each in columns)])
    for each in columns:
        if not any(each in told for told in known.values()):
            archive.notes.append(f"places.csv: {show(each)}: this program does not examine that column.")
    archive.compare_rows("places.csv", rows)


def check_without_ballots(archive: Archive, rule: str, options: list[str], result: dict[str, Any]) -> None:
    """Check what can be checked where the ballots stay sealed: the lists, the sums, and that the files agree."""
    minutes = archive.load_json("minutes.json")
    signed = [show(name) for name in archive.names() if "recount" in name and name != "recount.py"]
    archive.notes.append("The ballots of this vote are not published. They were counted by those who opened the box"
                         f" ({show(minutes.get('opened'))}, of {show(minutes.get('box'))} in the box); recounted by: "
                         + (", ".join(signed) or "nobody whose signature lies in this archive") + ".")  # fmt: skip
    for name in ("roll", "took_part", "box"):
        archive.compare("minutes.json", name, minutes.get(name), archive.load(f"{name}.txt").count(b"\n"))
    archive.compare("result.json", "options", result.get("options"), options)
    if "pairwise.csv" in archive.names():
        check_comparisons(archive, rule, options, result)
        exact = [minutes["box"], minutes["unreadable"]]
    else:
        check_order(archive, options, result)
        exact = [(minutes[name] + 5) // 10 * 10 for name in ("box", "unreadable")]
    archive.compare("result.json", "ballots", result["ballots"], exact[0])
    archive.compare("result.json", "invalid", result["invalid"], exact[1])


def check_comparisons(archive: Archive, rule: str, options: list[str], result: dict[str, Any]) -> None:
    """Find the order again from pairwise.csv; where it says another thing than result.json, both are named."""
    rows, counted = archive.load_rows("pairwise.csv"), int(number(result["counted"]))
    table = {
        a: {b: int(number(rows[i][j])) for j, b in enumerate(options, 1) if a != b} for i, a in enumerate(options, 1)
    }
    archive.compare_rows("pairwise.csv", write_pairs(table))
    archive.compare("result.json", "counted", counted, result["ballots"] - result["blank"] - result["invalid"])
    for a, row in table.items():
        for b, n in row.items():
            if (told := result["pairwise"][a][b]) != n:
                archive.change("pairwise.csv", f"{a}, {b}", n, f"{told}, says result.json")
            if n + table[b][a] > counted:
                archive.change("pairwise.csv", f"{a}, {b}", n, f"at most {counted}, together with {table[b][a]}")
    if rule not in COMPARING:
        raise Stop(f"the order by the rule {rule} needs the ballots")
    count = COMPARING[rule](table)
    compare_count(archive, result, count, {"pairwise": table})
    check_certificate(archive, result, count, counted)
    check_places(archive, count.order, [], {})
    archive.notes.append(
        "Found again from pairwise.csv: the order. That it follows from the ballots, only they can tell."
    )


def check_order(archive: Archive, options: list[str], result: dict[str, Any]) -> None:
    """Check an order that is published alone: each option once, in both files, and totals in tens."""
    left = list(options)
    for i, place in enumerate(result["order"], 1):
        for j, name in enumerate(place, 1):
            if name not in left:
                archive.change("result.json", f"order > {i} > {j}", name, "an option of the card, once")
            left = [each for each in left if each != name]
    if left:
        archive.change("result.json", "order", None, left)
    follows = {"pairwise": None, "certificate": None, "winners": result["order"][0]}
    follows.update({name: (result[name] + 5) // 10 * 10 for name in ("blank", "counted")})
    for name, value in follows.items():
        archive.compare("result.json", name, result.get(name), value)
    check_places(archive, result["order"], [], {})
    archive.notes.append("The order cannot be recounted here: it needs the ballots.")


def main(arguments: list[str] | None = None) -> int:
    """Check a folder, or count one file. Returns 0, 1 or 2, as said above."""
    parser = argparse.ArgumentParser(description="Recount a published vote: an archive, or with --rule one file.")
    parser.add_argument("path", nargs="?", metavar="FOLDER or FILE", default=str(Path(__file__).resolve().parent))
    parser.add_argument("--rule", choices=[*RULES, *COMPARING])
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
