"""A second opinion on instant run-off, by pref_voting; run with the Python of .venv-oracles, never imported by Khma.

    .venv-oracles/bin/python tests/oracles/irv.py < profiles.json > answers.json

In:  a list of {"options": m, "ballots": [[[rank or null for each option], how many], …]}.
Out: for each {"winners": […]}: all who can win, however those are drawn who are left out among equals. A rank with
     several options ends the ballot.
"""

import json
import sys
from typing import Any

from pref_voting.iterative_methods import instant_runoff_put
from pref_voting.profiles_with_ties import ProfileWithTies


def answer(options: int, ballots: list[tuple[list[int | None], int]]) -> dict[str, Any]:
    """Count one profile."""
    rankings = [{i: rank for i, rank in enumerate(ranks) if rank is not None} for ranks, _ in ballots]
    profile = ProfileWithTies(rankings, rcounts=[weight for _, weight in ballots], candidates=list(range(options)))
    cut, _ = profile.truncate_overvotes()
    return {"winners": sorted(instant_runoff_put(cut))}


if __name__ == "__main__":
    json.dump([answer(**profile) for profile in json.load(sys.stdin)], sys.stdout)
