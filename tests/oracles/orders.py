"""A second opinion on plurality, Borda and ranked pairs, by pref_voting; run with the Python of .venv-oracles.

    .venv-oracles/bin/python tests/oracles/orders.py < profiles.json > answers.json

In:  as tests/oracles/schulze.py.
Out: for each {"plurality": [votes], "borda": [points above the middle], "locked": [[i, j], …] or null}. Plurality
     counts ballots with one first choice only. null: several comparisons are equally strong, or nobody wins one, and
     pref_voting, which tries all sequences, has more than one answer.
"""

import json
import sys
from typing import Any

from pref_voting.margin_based_methods import ranked_pairs_defeats
from pref_voting.profiles_with_ties import ProfileWithTies
from pref_voting.scoring_methods import symmetric_borda_scores


def lay_out(options: int, ballots: list[tuple[list[int | None], int]]) -> ProfileWithTies:
    """Make their profile, with whoever is left out written down as tied below all ranked."""
    rankings = [{i: options + 1 if rank is None else rank for i, rank in enumerate(ranks)} for ranks, _ in ballots]
    return ProfileWithTies(rankings, rcounts=[weight for _, weight in ballots], candidates=list(range(options)))


def answer(options: int, ballots: list[tuple[list[int | None], int]]) -> dict[str, Any]:
    """Count one profile; ranked pairs by winning votes ("support")."""
    profile = lay_out(options, ballots)
    alone = [(ranks, n) for ranks, n in ballots if ranks.count(min(rank for rank in ranks if rank is not None)) == 1]
    first = lay_out(options, alone).plurality_scores() if alone else {}
    scores = symmetric_borda_scores(profile)
    strengths = [profile.support(i, j) for i in range(options) for j in range(options) if profile.margin(i, j) > 0]
    is_plain = len(set(strengths)) == options * (options - 1) // 2
    defeats = ranked_pairs_defeats(profile, strength_function=profile.support) if is_plain else []
    return {
        "plurality": [first.get(i, 0) for i in range(options)],
        "borda": [scores[i] for i in range(options)],
        "locked": sorted(map(list, defeats[0].edges)) if is_plain else None,
    }


if __name__ == "__main__":
    json.dump([answer(**profile) for profile in json.load(sys.stdin)], sys.stdout)
