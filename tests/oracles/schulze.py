"""A second opinion on Schulze, by pref_voting; run with the Python of .venv-oracles, never imported by Khma.

    .venv-oracles/bin/python tests/oracles/schulze.py < profiles.json > answers.json

In:  a list of {"options": m, "ballots": [[[rank or null for each option], how many], …]}.
Out: for each {"winners": […], "defeats": [[i, j], …]}: who wins, and who beats whom by the strongest chain.
"""

import json
import sys
from typing import Any

from pref_voting.margin_based_methods import beat_path, beat_path_defeat
from pref_voting.profiles_with_ties import ProfileWithTies


def lay_out(options: int, ballots: list[tuple[list[int | None], int]]) -> ProfileWithTies:
    """Make their profile, with whoever is left out written down as tied below all ranked: half the work for them."""
    rankings = [{i: options + 1 if rank is None else rank for i, rank in enumerate(ranks)} for ranks, _ in ballots]
    return ProfileWithTies(rankings, rcounts=[weight for _, weight in ballots], candidates=list(range(options)))


def answer(options: int, ballots: list[tuple[list[int | None], int]]) -> dict[str, Any]:
    """Count one profile by winning votes ("support")."""
    profile = lay_out(options, ballots)
    return {
        "winners": sorted(beat_path(profile, strength_function=profile.support)),
        "defeats": sorted(map(list, beat_path_defeat(profile, strength_function=profile.support).edges)),
    }


if __name__ == "__main__":
    json.dump([answer(**profile) for profile in json.load(sys.stdin)], sys.stdout)
