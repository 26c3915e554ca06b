"""Instant run-off: whoever has fewest ballots is left out, and these ballots pass on to their next option; again and
again, until one option has more than half of the ballots that still name somebody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from itertools import pairwise as neighbours
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.contest import AS_IS, Contest, Variants, choice, draw_lot, ranked
from ballots.counting.pairwise import count_pairs
from ballots.counting.slips import CUT, DONE, OVERVOTED, Slips, lay_out
from ballots.counting.types import Counts, Outcome
from commons.errors import Invalid

CODES = 256
"""Signs that a slip can hold: options, and its three ends."""

ENDS = {"no_choice": DONE, "overvoted": OVERVOTED, "skipped": CUT}


class Step(NamedTuple):
    """Who is left out after a round, and why.

    why:     "undeclared": they stand for nobody who can be elected. "hopeless": several who even together have fewer
             than the next one, so none of them can catch up. "fewest".
    tied:    all who have fewest, if they are several. decided: what chose among these: "comparison", "balance", "lot",
             or "together" where nothing did.
    """

    out: list[int]
    why: str
    tied: list[int]
    decided: str | None = None


@dataclass
class Story:
    """What has happened so far, by numbers of options; the last tally has no step after it."""

    tallies: list[dict[int, int]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, list[str]]] = field(default_factory=list)


class Pile:
    """The ballots on the table: each lies with the option it counts for now, or has come to its end.

    totals: (CODES,) int64; how many ballots lie with each option, and at each end.
    Cost:   three bytes a ballot beyond the slips; moving looks at each ballot once, and on at those that move.
    """

    def __init__(self, slips: Slips, *, skips_overvotes: bool) -> None:
        self._marks, self._weights = slips.marks, slips.weights
        self._passed = np.zeros(CODES, dtype=bool)
        self._passed[OVERVOTED] = skips_overvotes
        self._depth = np.zeros(len(slips.weights), dtype=np.uint16)
        self._now = slips.marks[:, 0].copy()
        self._move(np.flatnonzero(self._passed[self._now]))
        self.totals = np.zeros(CODES, dtype=np.int64)
        np.add.at(self.totals, self._now, self._weights)

    def leave_out(self, options: Sequence[int]) -> Counts:
        """Pass on the ballots of these options. Returns (CODES, CODES): how many went from where to where."""
        self._passed[list(options)] = True
        rows = np.flatnonzero(self._passed[self._now])
        left = self._now[rows]
        self._move(rows)
        moved = np.zeros((CODES, CODES), dtype=np.int64)
        np.add.at(moved, (left, self._now[rows]), self._weights[rows])
        self.totals += moved.sum(axis=0) - moved.sum(axis=1)
        return moved

    def _move(self, rows: NDArray[np.intp]) -> None:
        while len(rows):
            self._depth[rows] += 1
            found = self._marks[rows, self._depth[rows]]
            self._now[rows] = found
            rows = rows[self._passed[found]]


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Count by instant run-off and write down why each option was left out.

    One at a time is left out, unless `batch`: then all at once who even together have fewer than the next one. What
    stands for no candidate (`Slips.undeclared`) goes before all others. The count ends as soon as one option has more
    than half of the ballots that still count for somebody. Where several have fewest,
    1. those are left out who win against none of the others (one to one, over all ballots), again and again;
    2. of those still tied, who won fewest less lost comparisons with all options; then again as in 1;
    3. by lot, if there is a seed: the first one drawn. Without a seed all of them together, and they share a place.

    variants: overvote ("exhaust": the ballot ends at a rank with several options; "skip": it passes over that rank),
              max_skips (a word of the reader: here only told), batch, tiebreak_seed.
    Returns:  order: the winner, who was still in by their last tallies, then the others in the reverse of leaving
              out; left out together: by their tallies. rounds (none without ballots): tally; exhausted, with
              exhausted_by: "no_choice" (nothing more ranked), "overvoted", "skipped"; needed, to win; excluded, or
              elected; transfers (from -> to -> ballots), and ending (from -> ballots that named nobody after them).
              certificate: `left_out`, one entry for each time (see `_explain_steps`); `neighbours`, one for each two
              in the order (see `_explain_order`); `beaten_by`: who would win against the winner one to one, and
              `beats_all`: who would against everybody.
    Raises:   Invalid "count.choice"; "count.needs_rankings".
    Cost:     the comparisons (`count_pairs`) and one pass over the ballots a round.
    Source:   Burlington (Vermont) 2009 and Minneapolis 2017 for rounds and batches; Condorcet PHP for ties.
    """
    skips_overvotes = choice("overvote", variants.overvote, ("exhaust", "skip")) == "skip"
    if variants.max_skips is not None and variants.max_skips < 1:
        raise Invalid("count.choice", name="max-skips", found=str(variants.max_skips), known="1, 2, 3 …")
    profile = ranked(contest, variants)
    table = count_pairs(profile)
    slips = contest.slips or lay_out(profile)
    story = _tell(slips, table, variants, skips_overvotes=skips_overvotes) if slips.counted else Story()
    places = _order(story, len(slips.options))
    names = slips.options
    return Outcome(
        rule="irv",
        options=names,
        ballots=slips.counted + slips.blank + slips.invalid,
        blank=slips.blank,
        invalid=slips.invalid,
        counted=slips.counted,
        order=[[names[i] for i in place] for place in places],
        rounds=story.rounds,
        certificate={
            "variants": {
                "overvote": "skip" if skips_overvotes else "exhaust",
                "max_skips": variants.max_skips,
                "batch": bool(variants.batch),
                "tiebreak_seed": variants.tiebreak_seed,
            },
            "lots": story.lots,
            "left_out": list(_explain_steps(story, table, names)),
            "neighbours": list(_explain_order(story, places, names)),
            "beaten_by": _find_stronger(places[0], table, names),
            "beats_all": next((names[i] for i in range(len(names)) if _wins(table)[i].sum() == len(names) - 1), None),
        },
    )


def weakest(tied: list[int], table: Counts) -> tuple[list[int], str]:
    """Find who is weakest among equals, by comparisons (see `count`).

    table:   as `count_pairs` gives it.
    Returns: who is still tied after that, at least one; and what decided: "comparison", "balance" or "together".
    """
    wins = _wins(table)
    balance = wins.sum(axis=1) - wins.sum(axis=0)
    decided = "together"
    while len(tied) > 1:
        lost = [i for i in tied if not wins[i, tied].any()]
        if 0 < len(lost) < len(tied):
            tied, decided = lost, "comparison"
            continue
        lost = [i for i in tied if balance[i] == balance[tied].min()]
        if len(lost) == len(tied):
            return tied, "together"
        tied, decided = lost, "balance"
    return tied, decided


def hopeless(tally: dict[int, int]) -> list[int]:
    """Find all who even together have fewer ballots than the next one: as many of them as there can be."""
    found: list[int] = []
    passed: list[int] = []
    for votes, group in groupby(sorted(tally, key=lambda i: tally[i]), key=lambda i: tally[i]):
        if sum(tally[i] for i in passed) < votes:
            found = list(passed)
        passed += group
    return found


def _tell(slips: Slips, table: Counts, variants: Variants, *, skips_overvotes: bool) -> Story:
    pile = Pile(slips, skips_overvotes=skips_overvotes)
    names = slips.options
    undeclared = {i for i, name in enumerate(names) if name in slips.undeclared}
    story, still = Story(), list(range(len(names)))
    while True:
        tally = {i: int(pile.totals[i]) for i in still}
        active = sum(tally.values())
        told: dict[str, Any] = {
            "tally": {names[i]: votes for i, votes in tally.items()},
            "exhausted": slips.counted - active,
            "exhausted_by": {end: int(pile.totals[code]) for end, code in ENDS.items()},
            "needed": active // 2 + 1,
        }
        story.tallies.append(tally)
        story.rounds.append(told)
        leaders = [i for i in still if tally[i] == max(tally.values())]
        has_won = tally[leaders[0]] > active // 2 and leaders[0] not in undeclared
        if not has_won and len(still) > 1:
            step = _choose(tally, undeclared, table, variants, story.lots, names)
            if len(step.out) < len(still):
                moved = pile.leave_out(step.out)
                still = [i for i in still if i not in step.out]
                story.steps.append(step)
                told["excluded"] = [names[i] for i in step.out]
                told["transfers"] = {names[a]: _told(moved[a], still, names) for a in step.out}
                told["ending"] = {names[a]: int(moved[a, list(ENDS.values())].sum()) for a in step.out}
                continue
        told["elected"] = [names[i] for i in leaders]
        return story


def _told(row: Counts, still: list[int], names: tuple[str, ...]) -> dict[str, int]:
    return {names[b]: int(row[b]) for b in still if row[b]}


def _choose(
    tally: dict[int, int],
    undeclared: set[int],
    table: Counts,
    variants: Variants,
    lots: list[dict[str, list[str]]],
    names: tuple[str, ...],
) -> Step:
    nobody = [i for i in tally if i in undeclared and tally[i]]
    if nobody and len(nobody) < len(tally):
        return Step(nobody, "undeclared", [])
    if variants.batch and len(out := hopeless(tally)) > 1:
        return Step(out, "hopeless", [])
    tied = [i for i in tally if tally[i] == min(tally.values())]
    if len(tied) == 1:
        return Step(tied, "fewest", [])
    out, decided = weakest(tied, table)
    if decided == "together" and variants.tiebreak_seed is not None:
        among = [names[i] for i in out]
        lots.append({"among": among, "drawn": draw_lot(variants.tiebreak_seed, among)})
        out, decided = [names.index(lots[-1]["drawn"][0])], "lot"
    return Step(out, "fewest", tied, decided)


def _order(story: Story, options: int) -> list[list[int]]:
    if not story.tallies:
        return [list(range(options))]
    last = story.tallies[-1]
    places = list(_by_votes(list(last), last))
    for step, tally in zip(story.steps[::-1], story.tallies[-2::-1], strict=True):
        places += _by_votes(step.out, tally)
    return places


def _by_votes(options: list[int], tally: dict[int, int]) -> Iterator[list[int]]:
    for _, group in groupby(sorted(options, key=lambda i: (-tally[i], i)), key=lambda i: tally[i]):
        yield list(group)


def _explain_steps(story: Story, table: Counts, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Say for each time that options were left out why it was these.

    Yields: round (from 1), options, why (see `Step`); margin: how many ballots more the weakest had that stayed in
            (than all of them together, if they were hopeless; may be below 0 for the undeclared). Where several had
            fewest: tied, decided, and what decided it: comparisons (A -> B -> ballots for A before B) and balance (A ->
            won less lost comparisons with all options).
    """
    wins = _wins(table)
    balance = wins.sum(axis=1) - wins.sum(axis=0)
    for number, (step, tally) in enumerate(zip(story.steps, story.tallies, strict=False), start=1):
        out = [tally[i] for i in step.out]
        told: dict[str, Any] = {
            "round": number,
            "options": [names[i] for i in step.out],
            "why": step.why,
            "margin": min(tally[i] for i in tally if i not in step.out)
            - (sum(out) if step.why == "hopeless" else max(out)),
        }
        if step.tied:
            told["tied"] = [names[i] for i in step.tied]
            told["decided"] = step.decided
            told["comparisons"] = {
                names[a]: {names[b]: int(table[a, b]) for b in step.tied if b != a} for a in step.tied
            }
            told["balance"] = {names[i]: int(balance[i]) for i in step.tied}
        yield told


def _explain_order(story: Story, places: list[list[int]], names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Say for each two neighbours in the order why they stand so.

    Yields: above, below, tied; round (None without one): the one after which the lower was left out, else the last;
            for, against: what each had in it; how: "majority" (the upper one won), "votes" (both went, or stayed,
            together, and the upper had more), "tied", or what left the lower one out: `Step.decided`, else `Step.why`.
    """
    left = {i: (number, step) for number, step in enumerate(story.steps) for i in step.out}
    place = {i: number for number, group in enumerate(places) for i in group}
    for a, b in neighbours([i for group in places for i in group]):
        number, step = left.get(b, (len(story.tallies) - 1, None))
        tally = story.tallies[number] if story.tallies else {a: 0, b: 0}
        if place[a] == place[b]:
            how = "tied"
        elif step is None:
            how = "majority" if 2 * tally[a] > sum(tally.values()) else "votes"
        else:
            how = "votes" if a in step.out else step.decided or step.why
        yield {
            "above": names[a],
            "below": names[b],
            "tied": place[a] == place[b],
            "round": number + 1 if story.tallies else None,
            "for": tally[a],
            "against": tally[b],
            "how": how,
        }


def _find_stronger(first: list[int], table: Counts, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Find who would win against the winner one to one; nobody where the first place is shared."""
    if len(first) > 1:
        return []
    winner = first[0]
    return [
        {"option": names[i], "for": int(table[i, winner]), "against": int(table[winner, i])}
        for i in np.flatnonzero(_wins(table)[:, winner]).tolist()
    ]


def _wins(table: Counts) -> NDArray[np.intp]:
    return (table > table.T).astype(np.intp)
