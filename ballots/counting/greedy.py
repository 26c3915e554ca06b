"""Greedy budget: most approvals (or points) first; what the money left no longer pays is passed over."""

from dataclasses import replace

from ballots.counting.contest import AS_IS, Contest, Variants
from ballots.counting.projects import Projects
from ballots.counting.types import Outcome


def count(contest: Contest, variants: Variants = AS_IS) -> Outcome:
    """Fund projects by their total, as most cities do.

    Between equal totals the cheaper project goes first, then the lot decides. A project that nobody chose is not
    funded, even where money is left.

    variants: budget, tiebreak_seed.
    Returns:  certificate with `steps`: each project that somebody chose, in turn, with its total, its cost, the money
              left before it, and whether that paid for it.
    Raises:   Invalid "count.needs_budget", "count.budget".
    Cost:     one pass over the grades.
    Source:   the rule "greedy" of pabulib.org: Łódź, Kraków, Warszawa.
    """
    said = replace(variants, tiebreak_seed=variants.tiebreak_seed or "")
    projects = Projects.of(contest, said)
    steps = projects.spend(projects.by_total(range(len(projects.names))), projects.money.budget)
    funded = [projects.names.index(step["option"]) for step in steps if step["funded"]]
    told = replace(said, budget=projects.money.budget)
    return projects.outcome("greedy", funded, {"steps": steps}, told)
