"""Single transferable vote: a vote goes to its first choice; what it does not need there goes on to its next.

As the law of Scotland counts: Scottish Local Government Elections Order 2007, SSI 2007/42, schedule 1, rules 45-52.
(Its successor SSI 2011/399 was not at hand; wards of 2022, counted under it, come out as published.) This is the
weighted inclusive Gregory method with five decimals. The quota is valid ballots ÷ (seats + 1), without its fraction,
and one more (46). Who reaches it is elected (47). At each stage either one surplus is transferred, the
largest first (48, 49), or, where none is left, the lowest candidate is excluded (50). In a surplus, every paper goes to
its next available preference with the value that it had, times the surplus, divided by the votes of its candidate, cut
off after five decimals (48(3)); the papers of an excluded candidate keep their value (50(4)). Between equals, the
latest earlier stage at which they differed decides, then a lot (49(2)-(3), 51). When as many are left as there are
vacancies, they are elected and nothing more is transferred (52).

Read by us where the rules leave room: the papers of the last one excluded are still transferred, as the program Droop
does; a ballot without one single first preference is no valid ballot, so it does not raise the quota.

One thing differs with `transfer` "wigm", the method without a law: values are cut off after 18 decimals, as the generic
method of Droop does, so nothing that matters is lost. `decimals` 4 gives the places of the reference rule of the
Proportional Representation Foundation, though not its quota with a fraction.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ballots.counting.contest import AS_IS, Contest, Variants, choice, draw_lot, ranked, seats_of
from ballots.counting.papers import NOBODY, Papers, Parcels, strike_overvotes
from ballots.counting.types import Outcome
from commons.errors import Invalid

PLACES = {"scottish": 5, "wigm": 18}
"""Decimals of a transfer value by default, for each kind of transfer."""

MAX_PLACES = 18


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Fill seats by the single transferable vote.

    variants: seats, overvote, max_skips (heeded while reading), batch, transfer, decimals, tiebreak_seed. With batch,
              as many of the lowest are excluded together as have, all together, fewer votes than the next one.
    Returns:  order: who was elected, one after the other: by stage, then by votes; with equal votes by the latest
              earlier stage at which they differed; equal at all stages = one place. The rest stands in the last place,
              with who has withdrawn; those get no votes and are never elected.
              rounds: one for each stage: see `_Count.tell`. In each, tally, exhausted and lost add up to `counted`.
              certificate: "quota"; "valid", the ballots of which it was taken; "seats"; "withdrawn"; "elected" and
              "excluded", each with its stage, its votes then, and whether "quota" or "vacancy" made it; "ties", each
              with the earlier stage that decided, or None for a lot; "lots": the first one drawn is the one whose
              surplus goes first, or who is excluded; "variants".
    Raises:   Invalid "count.seats…" also for more than have not withdrawn; "count.choice" also for decimals.
    Cost:     a few passes over the ballots; 1,000,000 x 30 with 10 seats in about a second.
    """
    profile = ranked(contest, variants)
    seats = seats_of(contest, variants)
    standing = [i for i, name in enumerate(profile.options) if name not in contest.withdrawn]
    if seats > len(standing):
        raise Invalid("count.seats", found=seats, limit=len(standing))
    transfer = choice("transfer", variants.transfer, tuple(PLACES))
    overvote = choice("overvote", variants.overvote, ("exhaust", "skip"))
    places = PLACES[transfer] if variants.decimals is None else variants.decimals
    if not 1 <= places <= MAX_PLACES:
        raise Invalid("count.choice", name="decimals", found=str(places), known=f"1–{MAX_PLACES}")
    papers = Papers(strike_overvotes(profile.ranks, skip=overvote == "skip"), profile.weights, 10**places)
    counting = _Count(profile.options, papers, standing, seats, places)
    counting.run(is_batch=bool(variants.batch), seed=variants.tiebreak_seed or "")
    elected = [name for place in counting.order for name in place]
    rest = [name for name in profile.options if name not in set(elected)]
    return Outcome(
        rule="stv",
        options=profile.options,
        ballots=profile.ballots,
        blank=profile.blank,
        invalid=profile.invalid,
        counted=profile.counted,
        order=[*counting.order, rest] if rest else counting.order,
        elected=elected,
        rounds=counting.rounds,
        certificate={
            **counting.certificate,
            "withdrawn": [name for name in profile.options if name in contest.withdrawn],
            "variants": {
                "seats": seats,
                "overvote": overvote,
                "max_skips": variants.max_skips,
                "batch": bool(variants.batch),
                "transfer": transfer,
                "decimals": places,
                "tiebreak_seed": variants.tiebreak_seed or "",
            },
        },
    )


class _Count:
    """A count on its way. All votes are whole numbers of the smallest unit, 10 ** -places of a vote."""

    def __init__(self, names: tuple[str, ...], papers: Papers, standing: list[int], seats: int, places: int) -> None:
        self.names, self.papers, self.places = names, papers, places
        self.unit: int = 10**places
        self.votes: list[int] = [0] * len(names)
        self.exhausted = self.lost = 0
        self._credit(papers.deal(standing))
        valid = sum(self.votes) // self.unit
        self.quota: int = (valid // (seats + 1) + 1) * self.unit
        self.continuing, self.holding, self.vacancies = standing, standing, seats
        self.history: list[list[int]] = []
        self.order: list[list[str]] = []
        self.rounds: list[dict[str, Any]] = []
        self.certificate: dict[str, Any] = {"quota": self.quota // self.unit, "valid": valid, "seats": seats}
        self.certificate |= {"elected": [], "excluded": [], "ties": [], "lots": []}

    def run(self, *, is_batch: bool, seed: str) -> None:
        """Go from stage to stage until every seat is filled."""
        self._end_stage()
        self.tell()
        while self.vacancies:
            over = [i for i in self.holding if self.votes[i] > self.quota]
            if over:
                most = max(self.votes[i] for i in over)
                giver = self._decide([i for i in over if self.votes[i] == most], seed, is_lowest=False)
                self._transfer_surplus(giver)
            else:
                self._exclude(self._find_losers(is_batch, seed))

    def tell(self, surplus_of: int | None = None, surplus: int = 0, values: Iterable[tuple[int, int]] = ()) -> None:
        """Note what the last stage did.

        Notes: tally (option -> votes, of all that are not excluded), elected, excluded, exhausted (votes on papers that
               name nobody who is left, from all stages), lost (cut off, from all stages); of a surplus also whose, how
               large, and transfer_values (value of a paper before -> after).
        """
        stage = len(self.history)
        told: dict[str, Any] = {
            "tally": {self.names[i]: self.write(self.votes[i]) for i in self.holding},
            "elected": [each["option"] for each in self.certificate["elected"] if each["stage"] == stage],
            "excluded": [each["option"] for each in self.certificate["excluded"] if each["stage"] == stage],
        }
        if surplus_of is not None:
            told |= {"surplus_of": self.names[surplus_of], "surplus": self.write(surplus)}
            told["transfer_values"] = {str(self.write(before)): self.write(after) for before, after in values}
        self.rounds.append(told | {"exhausted": self.write(self.exhausted), "lost": self.write(self.lost)})

    def write(self, votes: int) -> int | str:
        """Write votes as a whole number, or with all their decimals."""
        whole, part = divmod(votes, self.unit)
        return f"{whole}.{part:0{self.places}}" if part else whole

    def _credit(self, parcels: Parcels) -> None:
        for holder, parcel in parcels.items():
            votes = sum(value * papers for value, papers in parcel.items())
            if holder == NOBODY:
                self.exhausted += votes
            else:
                self.votes[holder] += votes

    def _end_stage(self) -> None:
        """Elect who has the quota by now, and all who are left where there are as many vacancies."""
        self.history.append(list(self.votes))
        reached = [i for i in self.continuing if self.votes[i] >= self.quota]
        elected = self.continuing if len(self.continuing) == self.vacancies else reached
        for _, place in groupby(sorted(elected, key=self._past), key=self._past):
            tied = list(place)
            self.order.append([self.names[i] for i in tied])
            for i in tied:
                self._note("elected", i, {"by": "quota" if i in reached else "vacancy"})
        self.vacancies -= len(elected)
        self.continuing = [i for i in self.continuing if i not in elected]

    def _past(self, option: int) -> list[int]:
        """Votes at all stages, the latest first, so that more votes sort first."""
        return [-votes[option] for votes in reversed(self.history)]

    def _note(self, what: str, option: int, more: dict[str, str]) -> None:
        told = {"option": self.names[option], "stage": len(self.history), "votes": self.write(self.votes[option])}
        self.certificate[what].append(told | more)

    def _transfer_surplus(self, giver: int) -> None:
        votes, surplus = self.votes[giver], self.votes[giver] - self.quota

        def change(value: int) -> int:
            return value * surplus // votes

        values = [(value, change(value)) for value in self.papers.values(giver)]
        before = sum(self.votes) + self.exhausted
        self._credit(self.papers.transfer([giver], self.continuing, change))
        self.votes[giver] = self.quota
        self.lost += before - sum(self.votes) - self.exhausted
        self._end_stage()
        self.tell(giver, surplus, values)

    def _exclude(self, losers: list[int]) -> None:
        self.continuing = [i for i in self.continuing if i not in losers]
        self.holding = [i for i in self.holding if i not in losers]
        parcels = self.papers.transfer(losers, self.continuing, lambda value: value)
        for i in losers:
            told = {"option": self.names[i], "stage": len(self.history) + 1, "votes": self.write(self.votes[i])}
            self.certificate["excluded"].append(told)
            self.votes[i] = 0
        self._credit(parcels)
        self._end_stage()
        self.tell()

    def _find_losers(self, is_batch: bool, seed: str) -> list[int]:
        """Find who is to be excluded: the lowest, or the most who cannot catch up, whoever of them gets all votes."""
        if is_batch:
            rising = sorted(self.continuing, key=lambda i: self.votes[i])
            for size in range(len(rising) - self.vacancies, 1, -1):
                if sum(self.votes[i] for i in rising[:size]) < self.votes[rising[size]]:
                    return sorted(rising[:size])
        least = min(self.votes[i] for i in self.continuing)
        return [self._decide([i for i in self.continuing if self.votes[i] == least], seed, is_lowest=True)]

    def _decide(self, tied: list[int], seed: str, *, is_lowest: bool) -> int:
        """Choose between equals by the latest earlier stages at which they differed, then by lot."""
        among, stage = [self.names[i] for i in tied], len(self.history) - 1
        while len(tied) > 1 and stage:
            stage -= 1
            then = [self.history[stage][i] for i in tied]
            wanted = min(then) if is_lowest else max(then)
            tied = [i for i, votes in zip(tied, then, strict=True) if votes == wanted]
        if len(tied) > 1:
            drawn = draw_lot(seed, [self.names[i] for i in tied])
            self.certificate["lots"].append({"among": [self.names[i] for i in tied], "drawn": drawn})
            tied, stage = [self.names.index(drawn[0])], -1
        if len(among) > 1:
            decided = None if stage < 0 else stage + 1
            told = {"among": among, "chosen": self.names[tied[0]], "decided_by_stage": decided}
            self.certificate["ties"].append({"stage": len(self.history) + 1} | told)
        return tied[0]
