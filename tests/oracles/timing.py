"""How long others take: one rule on a pile like that of `khma bench count`; never imported by Khma.

    .venv-oracles/bin/python tests/oracles/timing.py schulze 100000 30       pref_voting
    $KHMA_PABUTOOLS tests/oracles/timing.py equal-shares 10000 30            pabutools

Out: {"layout_seconds": …, "count_seconds": …}: to lay out the ballots in their form, and to count them. The rule has
counted a small pile before, so that what is compiled at the first use is not measured.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

DEPTH, TOP, SEATS = 10, 5, 5


def draw(voters: int, options: int) -> list[list[int]]:
    """Draw ballots that name 1 to DEPTH options, best first."""
    dice = random.Random(1)  # a pile to measure with, no secret
    return [dice.sample(range(options), dice.randint(1, min(DEPTH, options))) for _ in range(voters)]


def rank(rule: str, voters: int, options: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Rankings in pref_voting; whoever is left out is written down as tied last, but for rules that go down them."""
    from pref_voting.iterative_methods import instant_runoff_for_truncated_linear_orders
    from pref_voting.margin_based_methods import beat_path_defeat, ranked_pairs_tb
    from pref_voting.profiles_with_ties import ProfileWithTies
    from pref_voting.proportional_methods import stv_scottish
    from pref_voting.scoring_methods import symmetric_borda_scores

    ballots = draw(voters, options)
    last = dict.fromkeys(range(options), options + 1)
    rest = {} if rule in {"irv", "stv", "plurality"} else last
    rules: dict[str, Callable[[Any], Any]] = {
        "borda": symmetric_borda_scores,
        "irv": instant_runoff_for_truncated_linear_orders,
        "plurality": lambda profile: profile.plurality_scores(),
        "ranked-pairs": lambda profile: ranked_pairs_tb(profile, strength_function=profile.support),
        "schulze": lambda profile: beat_path_defeat(profile, strength_function=profile.support),
        "stv": lambda profile: stv_scottish(profile, num_seats=min(SEATS, options), rng=random.Random(1)),
    }

    def lay_out() -> Any:  # noqa: ANN401 - theirs
        rankings = [rest | {option: place for place, option in enumerate(named, start=1)} for named in ballots]
        return ProfileWithTies(rankings, candidates=list(range(options)))

    return lay_out, rules[rule]


def grade(rule: str, voters: int, options: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Grades and approvals in pref_voting."""
    from pref_voting.grade_methods import approval, majority_judgement, score_voting, star
    from pref_voting.grade_profiles import GradeProfile

    dice = random.Random(1)
    top = 1 if rule == "approval" else TOP
    marks = [{i: dice.randint(0, top) for i in range(options)} for _ in range(voters)]
    approvals = [{i: int(i in named) for i in range(options)} for named in draw(voters, options)]
    ballots = approvals if rule == "approval" else marks
    rules = {"approval": approval, "majority-judgment": majority_judgement, "score": score_voting, "star": star}
    return lambda: GradeProfile(ballots, list(range(top + 1)), candidates=list(range(options))), rules[rule]


def budget(rule: str, voters: int, options: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Budgets in pabutools; projects cost 3 % to 15 % of one unit of money for each voter."""
    from pabutools.election import ApprovalBallot, ApprovalMultiProfile, Cost_Sat, Instance, Project
    from pabutools.rules import exhaustion_by_budget_increase, greedy_utilitarian_welfare, method_of_equal_shares

    dice = random.Random(2)
    projects = [Project(str(i), max(1, voters * dice.randrange(30, 150) // 1000)) for i in range(options)]
    instance = Instance(projects, budget_limit=voters)
    ballots = draw(voters, options)

    def lay_out() -> Any:  # noqa: ANN401 - theirs
        profile = ApprovalMultiProfile(instance=instance)
        for named in ballots:
            profile.append(ApprovalBallot(projects[i] for i in named).frozen())
        return profile

    def shares(profile: Any) -> Any:  # noqa: ANN401 - theirs
        said = {"sat_class": Cost_Sat}
        raised = exhaustion_by_budget_increase(
            instance, profile, method_of_equal_shares, said, exhaustive_stop=False, budget_step=voters
        )
        return greedy_utilitarian_welfare(instance, profile, initial_budget_allocation=raised, **said)

    greedy = {"greedy": lambda profile: greedy_utilitarian_welfare(instance, profile, sat_class=Cost_Sat)}
    return lay_out, (greedy | {"equal-shares": shares})[rule]


def measure(rule: str, voters: int, options: int) -> dict[str, float]:
    """Time one rule, after a small pile."""
    kinds = {"greedy": budget, "equal-shares": budget}
    kinds |= dict.fromkeys(("approval", "majority-judgment", "score", "star"), grade)
    make = kinds.get(rule, rank)
    lay_out, count = make(rule, 20, 4)
    count(lay_out())
    lay_out, count = make(rule, voters, options)
    start = time.perf_counter()
    profile = lay_out()
    laid_out = time.perf_counter()
    count(profile)
    return {"layout_seconds": laid_out - start, "count_seconds": time.perf_counter() - laid_out}


if __name__ == "__main__":
    json.dump(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
