"""Method of Equal Shares: everybody gets the same part of the money, and supporters put their parts together."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ballots.counting.contest import AS_IS, Contest, Variants, choice, exact
from ballots.counting.projects import Projects
from ballots.counting.shares import NEAR, Replay, Run, Shop
from ballots.counting.types import Outcome

COMPLETIONS = ("add1u", "add1", "none")
BINS = 10


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Fund projects by the Method of Equal Shares.

    The budget is divided by all who took part (blank ballots too, invalid ones not). Approvals count as much as the
    project costs (cost utilities), so of all that can be paid the one goes next that asks the smallest part of its cost
    from each supporter; points count as points. Projects without cost come first, without supporters never.

    variants: budget, tiebreak_seed, and completion: "none"; "add1": everybody is given one unit of money more, again
              and again, from the beginning each time, until what is bought costs more than the budget; the step before
              that holds. "add1u": what is left then buys further projects, most approvals (or points) first.
    Returns:  certificate with `share` (budget / voters), `steps` and `purse` (what everybody has in the step that
              holds), `stopped` (what the next step had spent when it went over the budget; null where everything that
              somebody supports is bought), `funded` (see `_explain`), `free`, `completed` (as the steps of greedy),
              `not_funded` (see `_explain_rest`), `purses` (voters by what they have left), `held` (that together).
    Raises:   Invalid "count.needs_budget", "count.budget", "count.choice".
    Cost:     a run looks at groups of voters that have chosen alike among what is funded; a run vouches for all steps
              with the same choices, so Add1 makes at most as many runs as there are steps, and few where they are many.
    Source:   Peters, Skowron, equalshares.net; Wieliczka 2023: 30 projects, 995,079.
    """
    completion = choice("completion", variants.completion, COMPLETIONS)
    said = replace(variants, completion=completion, tiebreak_seed=variants.tiebreak_seed or "")
    projects = Projects.of(contest, said)
    said = replace(said, budget=projects.money.budget)
    costs, budget = projects.money.costs, projects.money.budget
    share = budget / max(1, projects.voters)
    shop = Shop(projects)
    if not budget:
        shop.open.clear()
    steps, run, stopped = _find_step(shop, share, budget, adds=completion != "none")
    purse = share + steps
    projects.ties, projects.lots = run.ties, run.lots
    free = projects.by_total(i for i, cost in enumerate(costs) if not cost)
    replay = Replay(shop, purse, run.order)
    funded = [*free, *run.order]
    spent = sum((costs[i] for i in funded), Fraction(0))
    completed: list[dict[str, Any]] = []
    if completion == "add1u":
        rest = [i for i in range(len(costs)) if i not in set(funded)]
        completed = projects.spend(projects.by_total(rest), budget - spent)
        funded += [projects.names.index(step["option"]) for step in completed if step["funded"]]
    certificate = {
        "share": exact(share),
        "steps": steps,
        "purse": exact(purse),
        "stopped": None if stopped is None else exact(stopped),
        "funded": [_explain(projects, replay, i) for i in range(len(run.order))],
        "free": [projects.names[i] for i in free],
        "completed": completed,
        "not_funded": _explain_rest(projects, shop, replay, funded),
        **_describe_purses(projects, replay),
    }
    return projects.outcome("equal-shares", funded, certificate, said)


def _find_step(shop: Shop, share: Fraction, budget: Fraction, *, adds: bool) -> tuple[int, Run, Fraction | None]:
    """Find the last step of Add1 before what is bought costs too much, or the first in which nothing is left to buy.

    Returns: the number of units added, the run, and what the next step would cost, where that is why it ends.
    """
    if not shop.open:
        return 0, Run(), None
    run = shop.run(share)
    step = 0
    while adds and len(run.order) < len(shop.open):
        # Whatever lies within reach buys the same projects: it costs what this step costs.
        ahead = step + 1 + int(run.reach * (1 - NEAR))
        next_run = shop.run(share + ahead, most=budget)
        if next_run.spent > budget:
            return ahead - 1, run if ahead == step + 1 else shop.run(share + ahead - 1), next_run.spent
        step, run = ahead, next_run
    return step, run, None


def _explain(projects: Projects, replay: Replay, place: int) -> dict[str, Any]:
    """Tell how a project was paid.

    Returns: what a supporter gave for a point (by approvals: altogether), how many paid, how many of these had
             less than that left and gave all of it, and what these gave together.
    """
    project, price, _, all_in, left_in, paid = replay.payments[place]
    by_approval = projects.grades.top == 1
    return {
        "option": projects.names[project],
        "cost": exact(projects.money.costs[project]),
        "supporters": projects.supporters[project],
        "price": exact(price * replay.shop.units[project]),
        "price_of": "supporter" if by_approval else "point",
        "part_of_cost": exact(price) if by_approval else None,
        "paid": paid,
        "gave_all": all_in,
        "gave_all_together": exact(left_in),
    }


def _explain_rest(projects: Projects, shop: Shop, replay: Replay, funded: list[int]) -> list[dict[str, Any]]:
    """Tell for each project that was not funded what its supporters have left against what it costs."""
    rest = []
    for i, name in enumerate(projects.names):
        if i not in set(funded):
            held = Fraction(0)
            if i in replay.table.givers:
                givers = replay.table.givers[i]
                alive = replay.alive[givers.groups]
                held = replay.hold(givers.groups[alive], givers.weights[alive])
            cost = projects.money.costs[i]
            rest.append(
                {
                    "option": name,
                    "cost": exact(cost),
                    "supporters": projects.supporters[i],
                    "held": exact(held),
                    "missing": exact(max(cost - held, Fraction(0))),
                }
            )
    return rest


def _describe_purses(projects: Projects, replay: Replay) -> dict[str, Any]:
    """Count the voters by what they have left, in tenths of the purse, and all that is left."""
    voters = replay.table.voters()
    tenths = replay.have * BINS / max(float(replay.purse), 1e-300)
    up_to = np.ceil(tenths).astype(np.int64).clip(0, BINS)
    doubtful = np.flatnonzero(replay.alive & (np.abs(tenths - np.round(tenths)) < 1e-6))
    never = np.ones(len(up_to), dtype=bool)
    for given in replay.given:
        never &= given == 0
    up_to[never] = BINS
    for i in doubtful[~never[doubtful]]:
        held = replay.hold(np.array([i], dtype=np.int32), np.ones(1, dtype=np.int64))
        up_to[i] = -int(-(held * BINS) // replay.purse) if replay.purse else 0
    up_to[~replay.alive] = 0
    if not replay.purse:
        up_to[:] = 0
    counted = [int(voters[up_to == i].sum()) for i in range(BINS + 1)]
    counted[BINS if replay.purse else 0] += projects.grades.blank
    alive = np.flatnonzero(replay.alive).astype(np.int32)
    held = replay.hold(alive, voters[alive]) + replay.purse * projects.grades.blank
    return {
        "purses": [{"up_to": exact(replay.purse * i / BINS), "voters": number} for i, number in enumerate(counted)],
        "held": exact(held),
    }
