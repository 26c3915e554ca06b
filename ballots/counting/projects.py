"""Projects and their costs: what every rule for budgets asks of a pile of votes, and how it breaks ties."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from ballots.counting.contest import Contest, Grades, Money, Variants, draw_lot, exact, spending
from ballots.counting.types import Outcome


@dataclass
class Projects:
    """The projects of a budget, by their number in the file, and what the votes give them.

    totals:     points of each, or approvals. supporters: ballots that give it any.
    ties, lots: what was decided between equals so far, as the certificate lists it.
    """

    grades: Grades
    money: Money
    seed: str
    totals: list[int] = field(default_factory=list)
    supporters: list[int] = field(default_factory=list)
    ties: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, contest: Contest, variants: Variants) -> "Projects":
        """Add up what each project was given. Raises as `contest.spending`. Cost: one pass over the grades."""
        grades, money = spending(contest, variants)
        made = cls(grades, money, variants.tiebreak_seed or "")
        for column in grades.grades.T:
            marked = np.flatnonzero(column != 0)
            given, weights = column[marked].astype(np.int64), grades.weights[marked]
            made.supporters.append(int(weights.sum()))
            made.totals.append(_multiply(given, weights, grades.top))
        return made

    @property
    def names(self) -> tuple[str, ...]:
        """The projects as the file names them."""
        return self.grades.options

    @property
    def voters(self) -> int:
        """Everybody who took part: ballots that mark something, and blank ones; not the invalid ones."""
        return self.grades.counted + self.grades.blank

    def settle(self, equals: Sequence[int]) -> list[int]:
        """Put projects between which the rule finds no difference in order: the higher total, the lower cost, the lot.

        Returns: the same numbers; what decided, and each lot, is noted down.
        """
        if len(equals) < 2:
            return list(equals)
        by_file = sorted(equals)
        keys = {i: (-self.totals[i], self.money.costs[i]) for i in by_file}
        order: list[int] = []
        for _, group in groupby(sorted(by_file, key=keys.__getitem__), key=keys.__getitem__):
            alike = [self.names[i] for i in group]
            drawn = draw_lot(self.seed, alike)
            if len(alike) > 1 and {"among": alike, "drawn": drawn} not in self.lots:
                self.lots.append({"among": alike, "drawn": drawn})
            order += [self.names.index(name) for name in drawn]
        first, second = (keys[i] for i in order[:2])
        decided = "total" if first[0] != second[0] else "cost" if first != second else "lot"
        self.ties.append({"among": [self.names[i] for i in by_file], "first": self.names[order[0]], "by": decided})
        return order

    def spend(self, order: Iterable[int], left: Fraction) -> list[dict[str, Any]]:
        """Go through the projects in this order and fund each that the money left still pays.

        Returns: a step for each: its total and cost, the money before it, and whether it was funded.
        """
        steps = []
        for i in order:
            cost = self.money.costs[i]
            steps.append(
                {
                    "option": self.names[i],
                    "total": self.totals[i],
                    "cost": exact(cost),
                    "left": exact(left),
                    "funded": cost <= left,
                }
            )
            left -= cost if cost <= left else 0
        return steps

    def by_total(self, among: Iterable[int]) -> list[int]:
        """Order projects by their totals, most first. Who nobody chose is left out: nobody asked for it."""
        order: list[int] = []
        chosen = sorted((i for i in among if self.totals[i]), key=lambda i: -self.totals[i])
        for _, equals in groupby(chosen, key=self.totals.__getitem__):
            order += self.settle(list(equals))
        return order

    def outcome(self, rule: str, funded: Sequence[int], certificate: dict[str, Any], variants: Variants) -> Outcome:
        """Tell what was funded, one after the other, and the rest in one last place."""
        grades, costs = self.grades, self.money.costs
        rest = [name for i, name in enumerate(self.names) if i not in set(funded)]
        chosen = [self.names[i] for i in funded]
        spent = sum((costs[i] for i in funded), Fraction(0))
        served = np.zeros(len(grades.weights), dtype=bool)
        for i in funded:
            served |= grades.grades[:, i] > 0
        with_one = int(grades.weights[served].sum())
        told = {name: exact(value) if isinstance(value, Fraction) else value for name, value in variants.given.items()}
        return Outcome(
            rule=rule,
            options=self.names,
            ballots=grades.ballots,
            blank=grades.blank,
            invalid=grades.invalid,
            counted=grades.counted,
            order=[*([name] for name in chosen), *([rest] if rest else [])],
            elected=chosen,
            certificate={
                "variants": told,
                "budget": exact(self.money.budget),
                "spent": exact(spent),
                "left": exact(self.money.budget - spent),
                "voters": self.voters,
                "with_a_funded_project": {
                    "voters": with_one,
                    "share": exact(Fraction(with_one, max(1, self.voters))),
                },
                "totals": dict(zip(self.names, self.totals, strict=True)),
                "supporters": dict(zip(self.names, self.supporters, strict=True)),
                "costs": {name: exact(cost) for name, cost in zip(self.names, costs, strict=True)},
                **certificate,
                "ties": self.ties,
                "lots": self.lots,
            },
        )


def _multiply(given: np.ndarray[Any, Any], weights: np.ndarray[Any, Any], top: int) -> int:
    """Add up points times ballots without running over the end of 64 bits."""
    if int(weights.sum()) * top < 1 << 62:
        return int(given @ weights)
    return int(given.astype(object) @ weights.astype(object))
