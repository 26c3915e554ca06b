"""Bringing in ballots: the form in which a rule's archive holds them; what cannot be held so is refused. Pure."""

from dataclasses import replace

import numpy as np

from ballots.counting.contest import AS_IS, Contest, Grades, approved, graded, ranked
from ballots.counting.irv import count as count_irv
from ballots.counting.types import MAX_OPTIONS, UNRANKED, Profile
from commons.errors import Invalid
from polls.rulecard import GRADING, RULES, SEATED

APPROVING = ("approval", "phragmen")


def pile_of(rule: str, contest: Contest) -> Profile | Grades:
    """Take the ballots of a file as the archive of this rule holds them.

    Who has withdrawn is no option: no ballot ranks them, and nobody can elect them.

    Raises: Invalid, with the field "rule" where the rule does not fit the file: "count.needs_…", "count.unknown_rule",
            "result.marks_lost" where a count by rounds needs more of the file than rankings hold; with "sheet"
            "result.budget_file" and "result.too_many_options".
    """
    if rule not in RULES:
        raise Invalid("count.unknown_rule", field="rule", name=rule[:40], known=", ".join(sorted(RULES)))
    if contest.money is not None:
        raise Invalid("result.budget_file", field="sheet")
    if len(contest.ballots.options) > MAX_OPTIONS:
        raise Invalid("result.too_many_options", field="sheet", limit=MAX_OPTIONS)
    try:
        if rule in GRADING:
            return approved(contest) if rule in APPROVING else graded(contest)
        profile = ranked(contest, AS_IS)
    except Invalid as fault:
        fault.field = "rule"
        raise
    if rule == "irv" and contest.slips is not None:
        told, held = count_irv(contest), count_irv(Contest(profile))
        if (told.order, told.counted, told.rounds) != (held.order, held.counted, held.rounds):
            raise Invalid("result.marks_lost", field="rule")
    return _without(profile, contest.withdrawn) if contest.withdrawn else profile


def find_seats(rule: str, contest: Contest, typed: str) -> int | None:
    """Find how many were to be elected: as typed, else as the file says, where the rule fills seats at all.

    Raises: Invalid "terms.seats" for what is no number; that the number fits, the card checks.
    """
    if rule not in SEATED:
        return None
    if not (typed := typed.strip()):
        return contest.seats
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise Invalid("terms.seats", field="seats", least=1, limit=len(contest.ballots.options))
    return int(typed)


def _without(profile: Profile, withdrawn: frozenset[str]) -> Profile:
    kept = [i for i, name in enumerate(profile.options) if name not in withdrawn]
    ranks = profile.ranks[:, kept]
    if not kept or bool((ranks.min(axis=1, initial=UNRANKED) == UNRANKED).any()):
        raise Invalid("count.profile", field="sheet", part="options")
    return replace(profile, options=tuple(profile.options[i] for i in kept), ranks=np.asfortranarray(ranks))
