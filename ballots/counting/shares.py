"""One run of Equal Shares: fast in floating point, exact wherever that decides, and told how far its answer holds."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ballots.counting.projects import Projects
from ballots.counting.purses import Floats, Givers, Pile, Table
from ballots.counting.types import Counts

NEAR = 1e-9
"""Relative: two floats as near as this are compared again as fractions. What they gather in errors is below 1e-12."""

MARGIN = 1e-12
"""Relative: how far a run stays away from where, by floats, another project would become cheaper or affordable."""

FARTHEST = 100.0
"""A run vouches for purses up to so many times its own."""


class Payment(NamedTuple):
    """How one project was paid, exactly.

    slope:   by how much the price changes for each unit that purses grow.
    price:   what one point costs its supporters; by approvals, a part of the project's cost.
    all_in:  voters who gave all that they had left, less than that; left_in: what these gave together.
    paid:    voters who paid anything.
    """

    project: int
    price: Fraction
    slope: Fraction
    all_in: int
    left_in: Fraction
    paid: int


@dataclass
class Run:
    """What purses of a size buy: projects in order, and by how much the purses may grow without changing that."""

    order: list[int] = field(default_factory=list)
    spent: Fraction = Fraction(0)
    reach: float = float("inf")
    ties: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, Any]] = field(default_factory=list)

    def limit(self, room: Floats, speed: Floats) -> None:
        """Note that room shrinks at this speed, as purses grow, and must not fall below 0."""
        shrinks = speed > 0
        if shrinks.any():
            self.reach = min(self.reach, max(0.0, float((room[shrinks] / speed[shrinks]).min())))


class Shop:
    """The projects that can be bought: those that somebody supports and that cost something.

    units: what one point of a supporter counts: by approvals the project's cost (cost utilities), else 1.
    """

    def __init__(self, projects: Projects) -> None:
        self.projects = projects
        self.costs = projects.money.costs
        open_ = [i for i, total in enumerate(projects.totals) if total and self.costs[i]]
        self.units = [cost if projects.grades.top == 1 else Fraction(1) for cost in self.costs]
        self.float_costs = np.array([float(cost) for cost in self.costs])
        self.float_units = np.array([float(unit) for unit in self.units])
        self.least = {i: float(self.costs[i] / (projects.totals[i] * self.units[i])) for i in open_}
        self.pile = Pile(projects.grades, open_)
        self.open = open_

    def run(self, purse: Fraction, most: Fraction | None = None) -> Run:
        """Buy with purses of this size; where a limit is set, no further than until that is overspent.

        Of all projects that their supporters can still pay, the one whose points cost least is bought next; everybody
        pays in proportion to his points, or all he has left.
        Source: Peters, Pierczyński, Skowron, NeurIPS 2021, section 4; ties as `Projects.settle`.
        """
        run = Run(reach=FARTHEST * float(purse))
        self.projects.ties, self.projects.lots = run.ties, run.lots
        table = self.pile.root
        have = np.full(table.size, float(purse))
        grows = np.ones(table.size)
        prices = dict(self.least)
        while prices:
            best = self._cheapest(table, have, prices, purse, run.order)
            if best is None:
                self._vouch_for_the_end(run, table, have, grows)
                break
            price = prices.pop(best)
            slope = self._vouch(run, table, have, grows, best, price, purse)
            run.order.append(best)
            run.spent += self.costs[best]
            if most is not None and run.spent > most:
                break
            table, parents, points = table.fund(best, (have > 0) | (grows != 0))
            if parents is not None:
                have, grows = have[parents], grows[parents]
            pay = points * (price * self.float_units[best])
            # Who can just pay has nothing left, and yet what he has grows with his purse.
            stays = have >= pay
            have = np.where(stays, have - pay, 0.0)
            grows = np.where(stays, grows - points * (slope * self.float_units[best]), 0.0)
        return run

    def _cheapest(
        self, table: Table, have: Floats, prices: dict[int, float], purse: Fraction, bought: list[int]
    ) -> int | None:
        """Find the project whose points cost least; prices of before are what they cost at least, and are raised.

        Where floats cannot decide, fractions do.
        """
        done: dict[int, bool] = {}
        near: list[int] = []
        while True:
            waiting = [i for i in prices if i not in done]
            least = min((prices[i] for i in done), default=float("inf"))
            lowest = min(waiting, key=prices.__getitem__, default=None)
            if lowest is None or prices[lowest] > least * (1 + NEAR):
                near = [i for i in done if prices[i] <= least * (1 + NEAR)]
                break
            before = prices[lowest]
            after, is_sure = self._raise(table.givers[lowest], have, lowest, before)
            if after is None:
                if is_sure or (found := self._exactly(purse, bought, lowest)) is None:
                    del prices[lowest]
                    continue
                after = float(found)
            if after <= before:
                done[lowest] = is_sure
            prices[lowest] = max(after, before)
        if not near:
            return None
        if len(near) == 1 and done[near[0]]:
            return near[0]
        exactly = {i: self._exactly(purse, bought, i) for i in near}
        payable = {i: found for i, found in exactly.items() if found is not None}
        for i in set(near) - set(payable):
            del prices[i]
        if not payable:
            return self._cheapest(table, have, prices, purse, bought)
        cheapest = min(payable.values())
        if len(payable) < len(near) and any(prices[i] < float(cheapest) * (1 + NEAR) for i in set(prices) - set(near)):
            return self._cheapest(table, have, prices, purse, bought)
        return self.projects.settle([i for i, found in payable.items() if found == cheapest])[0]

    def _raise(self, givers: Givers, have: Floats, project: int, price: float) -> tuple[float | None, bool]:
        """Take one step from a price that is too low, or right, towards the right one.

        Returns: the next price, not above the right one, or None where the supporters cannot pay; and whether floats
                 are sure of it.
        """
        held = have[givers.groups]
        asked = givers.points * (price * self.float_units[project])
        poor = held < asked
        cost = float(self.float_costs[project])
        weights = givers.weights
        given = float(weights[poor] @ held[poor])
        points = float((weights * givers.points)[~poor].sum()) * float(self.float_units[project])
        if points == 0:
            return None, given < cost * (1 - NEAR)
        slack = float(weights[~poor] @ (held - asked)[~poor])
        return (cost - given) / points, slack > cost * NEAR

    def _vouch(
        self, run: Run, table: Table, have: Floats, grows: Floats, best: int, price: float, purse: Fraction
    ) -> float:
        """Find out by how much purses may grow until somebody pays this project otherwise, or another is cheaper.

        As long as the same voters give all that they have left, whatever is paid grows evenly with the purses. What
        another project's supporters would pay at the price of this one then grows ever slower (it is concave), so its
        slope here is enough to bound it.

        Returns: by how much the price changes for each unit that purses grow.
        """
        givers = table.givers[best]
        unit = float(self.float_units[best])
        held, speed = have[givers.groups], grows[givers.groups]
        asked = givers.points * (price * unit)
        poor = held < asked
        rich_points = float((givers.weights * givers.points)[~poor].sum()) * unit
        slope = -float(givers.weights[poor] @ speed[poor]) / rich_points if rich_points else 0.0
        gap, gains = held - asked, speed - givers.points * (slope * unit)
        run.limit(np.abs(gap), np.where(poor, gains, -gains))
        if len(table.open) > 1:
            numbers = table.open
            units = np.repeat(self.float_units[numbers], table.lengths)
            held, speed = have[table.groups], grows[table.groups]
            asked = table.points * units
            poor = held < asked * price
            paid = np.add.reduceat(table.weights * np.where(poor, held, asked * price), table.starts)
            gains = np.add.reduceat(table.weights * np.where(poor, speed, asked * slope), table.starts)
            costs = self.float_costs[numbers]
            room = costs * (1 - MARGIN) - paid
            gains[numbers == best] = 0.0
            for at in np.flatnonzero((room <= 0) & (gains > 0) & (gains <= float(self.projects.voters) * NEAR)):
                # Equals stay equal however much purses grow, if nothing but the noise of floats says otherwise.
                if Replay(self, purse, run.order).gain(best, int(numbers[at])) <= 0:
                    gains[at] = 0.0
            run.limit(room, gains)
        return slope

    def _vouch_for_the_end(self, run: Run, table: Table, have: Floats, grows: Floats) -> None:
        """Find out by how much purses may grow until the supporters of one more project can pay it."""
        if len(table.open):
            held = np.add.reduceat(table.weights * have[table.groups], table.starts)
            gains = np.add.reduceat(table.weights * grows[table.groups], table.starts)
            run.limit(self.float_costs[table.open] * (1 - MARGIN) - held, gains)

    def _exactly(self, purse: Fraction, bought: list[int], project: int) -> Fraction | None:
        return Replay(self, purse, bought).price(project)[0]


class Replay:
    """The same purchases in fractions. Sums of purses are found from whole numbers: how many hold one, and how many of
    their points went to which project; so a million voters cost no more than a million additions.

    payments: how each project was paid, in order.
    """

    def __init__(self, shop: Shop, purse: Fraction, order: list[int]) -> None:
        self.shop, self.purse = shop, purse
        self.table = shop.pile.root
        self.have = np.full(self.table.size, float(purse))
        self.alive = np.ones(self.table.size, dtype=bool)
        self.given: list[Counts] = []
        self.payments: list[Payment] = []
        self.is_smooth = True
        for project in order:
            self._buy(project)

    def _buy(self, project: int) -> None:
        price, poor, left_in = self.price(project)
        if price is None:
            raise ValueError(f"project {project} cannot be paid")
        givers = self.table.givers[project]
        alive = self.alive[givers.groups]
        all_in, paid = int(givers.weights[poor & alive].sum()), int(givers.weights[alive].sum())
        self.payments.append(Payment(project, price, self._slope(givers, poor, project), all_in, left_in, paid))
        split = self.table.fund(project, self.alive)
        if split.parents is None:
            emptied = np.zeros(self.table.size, dtype=bool)
            emptied[givers.groups[poor]] = True
        else:
            width = int(givers.points.max()) + 1
            keys = givers.groups[poor].astype(np.int64) * width + givers.points[poor]
            emptied = np.isin(split.parents.astype(np.int64) * width + split.points, keys)
            self.have, self.alive = self.have[split.parents], self.alive[split.parents]
            self.given = [given[split.parents] for given in self.given]
        self.table, points = split.table, split.points
        self.given.append(points)
        self.alive = self.alive & ~emptied
        pay = points * float(price * self.shop.units[project])
        self.have = np.where(self.alive, np.maximum(self.have - pay, 0.0), 0.0)

    def price(self, project: int) -> tuple[Fraction | None, NDArray[np.bool_], Fraction]:
        """Find what a point of a project costs its supporters, exactly; None where they cannot pay.

        Returns: the price; which of its givers hold less than they are asked, or nothing; what these hold together.
        """
        givers, cost, unit = self.table.givers[project], self.shop.costs[project], self.shop.units[project]
        alive = self.alive[givers.groups]
        held = np.where(alive, self.have[givers.groups], 0.0)
        price = 0.0
        while True:
            poor = ~alive | (held < givers.points * (price * float(unit)) * (1 - NEAR))
            points = float((givers.weights * givers.points)[~poor].sum()) * float(unit)
            if not points:
                break
            after = (float(cost) - float(givers.weights[poor] @ held[poor])) / points
            if after <= price * (1 + NEAR):
                break
            price = after
        # The floats have sorted out all who clearly hold less; from here on whole numbers and fractions.
        poor, exact_price, left_in = self._settle(givers, alive, poor, cost, unit)
        return exact_price, poor, left_in

    def _settle(
        self, givers: Givers, alive: NDArray[np.bool_], poor: NDArray[np.bool_], cost: Fraction, unit: Fraction
    ) -> tuple[NDArray[np.bool_], Fraction | None, Fraction]:
        held = self.have[givers.groups]
        while True:
            left_in = self.hold(givers.groups[poor & alive], givers.weights[poor & alive])
            points = _sum(givers.weights[~poor], givers.points[~poor]) * unit
            if not points:
                return poor, None, left_in
            price = (cost - left_in) / points
            asked = givers.points * float(price * unit)
            doubtful = np.flatnonzero(~poor & (held <= asked * (1 + NEAR) + NEAR * float(self.purse)))
            lacks = [price * unit * int(givers.points[i]) - self.hold_each(int(givers.groups[i])) for i in doubtful]
            fallen = [int(i) for i, lack in zip(doubtful, lacks, strict=True) if lack > 0]
            self.is_smooth = self.is_smooth and 0 not in lacks
            if not fallen:
                return poor, price, left_in
            poor = poor.copy()
            poor[fallen] = True

    def hold(self, groups: NDArray[np.int32], weights: Counts) -> Fraction:
        """Add up what groups of voters hold, none of whom has given all: the purse less all they paid."""
        total = self.purse * int(weights.sum())
        for payment, points in zip(self.payments, self.given, strict=True):
            total -= payment.price * self.shop.units[payment.project] * _sum(weights, points[groups])
        return total

    def hold_each(self, group: int) -> Fraction:
        """Find what one voter of a group holds, who has not given all."""
        return self.hold(np.array([group], dtype=np.int32), np.ones(1, dtype=np.int64))

    def grow(self, groups: NDArray[np.int32], weights: Counts) -> Fraction:
        """Add up by how much that grows for each unit that purses grow."""
        total = Fraction(int(weights.sum()))
        for payment, points in zip(self.payments, self.given, strict=True):
            total -= payment.slope * self.shop.units[payment.project] * _sum(weights, points[groups])
        return total

    def gain(self, best: int, other: int) -> Fraction:
        """Find by how much the supporters of another project would pay more at the price of the best, for each unit
        that purses grow; 1 where somebody can just pay, and growing one way differs from growing the other.
        """
        price, poor, _ = self.price(best)
        if price is None or not self.is_smooth:
            return Fraction(1)
        slope = self._slope(self.table.givers[best], poor, best)
        givers, unit = self.table.givers[other], self.shop.units[other]
        alive = self.alive[givers.groups]
        held = np.where(alive, self.have[givers.groups], 0.0)
        asked = givers.points * float(price * unit)
        if (alive & (np.abs(held - asked) <= NEAR * (asked + float(self.purse)))).any():
            return Fraction(1)
        poor = held < asked
        some = poor & alive
        rich = _sum(givers.weights[~poor], givers.points[~poor])
        return self.grow(givers.groups[some], givers.weights[some]) + rich * unit * slope

    def _slope(self, givers: Givers, poor: NDArray[np.bool_], project: int) -> Fraction:
        some = poor & self.alive[givers.groups]
        points = _sum(givers.weights[~poor], givers.points[~poor]) * self.shop.units[project]
        return -self.grow(givers.groups[some], givers.weights[some]) / points


def _sum(weights: Counts, points: Counts) -> int:
    if not len(weights):
        return 0
    if float(weights.sum()) * float(points.max()) < 2.0**62:
        return int(weights @ points)
    return int(weights.astype(object) @ points.astype(object))
