"""A second opinion on budgets, by pabutools: GPL, and it brings a proprietary solver along, so no list of ours has it.

    python -m venv /tmp/pb && /tmp/pb/bin/pip install pabutools==1.2.3
    /tmp/pb/bin/python tests/oracles/budgets.py < budgets.json > answers.json

In:  a list of {"budget", "costs": […], "approval": bool, "ballots": [[[points of each project], how many], …]}.
Out: for each the numbers of the projects: {"none", "add1", "add1u": as `khma count --completion`, "greedy"}.

Ties are broken as we say that ours are: the higher total, the lower cost, SHA-256 of the name.
"""

import hashlib
import json
import sys

from pabutools.election import (
    ApprovalBallot,
    ApprovalMultiProfile,
    CardinalBallot,
    CardinalMultiProfile,
    Cost_Sat,
    Instance,
    Project,
)
from pabutools.election.satisfaction import Additive_Cardinal_Sat, AdditiveSatisfaction
from pabutools.rules import exhaustion_by_budget_increase, greedy_utilitarian_welfare, method_of_equal_shares
from pabutools.tiebreaking import TieBreakingRule


class Weighed(AdditiveSatisfaction):
    """Points times cost: pabutools divides by the cost, so its greedy rule goes by the points, as cities do."""

    def __init__(self, instance: object, profile: object, ballot: object) -> None:
        super().__init__(
            instance, profile, ballot, lambda _i, _p, given, project, _c: given.get(project, 0) * project.cost
        )


def answer(budget: int, costs: list[int], approval: bool, ballots: list[tuple[list[int], int]]) -> dict[str, list[int]]:
    """Count one budget in four ways."""
    projects = [Project(str(i), cost) for i, cost in enumerate(costs)]
    instance = Instance(projects, budget_limit=budget)
    profile = (ApprovalMultiProfile if approval else CardinalMultiProfile)(instance=instance)
    totals = dict.fromkeys(projects, 0)
    for points, weight in ballots:
        given = {project: number for project, number in zip(projects, points, strict=True) if number}
        ballot = (ApprovalBallot(given) if approval else CardinalBallot(given)).frozen()
        for _ in range(weight):
            profile.append(ballot)
        for project, number in given.items():
            totals[project] += number * weight
    by = TieBreakingRule(lambda _i, _p, p: (-totals[p], p.cost, hashlib.sha256(p.name.encode()).digest()))
    said = {"sat_class": Cost_Sat if approval else Additive_Cardinal_Sat, "tie_breaking": by}
    step = sum(weight for _, weight in ballots)
    raised = exhaustion_by_budget_increase(
        instance, profile, method_of_equal_shares, dict(said), exhaustive_stop=False, budget_step=step
    )
    greedy = {"sat_class": Cost_Sat if approval else Weighed, "tie_breaking": by}
    found = {
        "none": method_of_equal_shares(instance, profile, **said),
        "add1": raised,
        "add1u": greedy_utilitarian_welfare(instance, profile, initial_budget_allocation=raised, **greedy),
        "greedy": greedy_utilitarian_welfare(instance, profile, **greedy),
    }
    return {name: [int(project.name) for project in chosen] for name, chosen in found.items()}


if __name__ == "__main__":
    json.dump([answer(**pile) for pile in json.load(sys.stdin)], sys.stdout)
