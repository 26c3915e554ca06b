"""A second opinion on Scottish STV, by pref_voting; run with the Python of .venv-oracles, never imported by Khma.

    .venv-oracles/bin/python tests/oracles/stv.py < piles.json > answers.json

In:  a list of {"options": m, "seats": s, "ballots": [[[option, …] best first, how many], …]}.
Out: for each {"elected": […]}, in the order of their numbers. Their lots are drawn with a seed of their own: compare
     only counts without ties.
"""

import json
import random
import sys
from typing import Any

from pref_voting.profiles_with_ties import ProfileWithTies
from pref_voting.proportional_methods import stv_scottish


def answer(options: int, seats: int, ballots: list[tuple[list[int], int]]) -> dict[str, Any]:
    """Count one pile."""
    rankings = [{option: place for place, option in enumerate(ranked, start=1)} for ranked, _ in ballots]
    profile = ProfileWithTies(rankings, rcounts=[weight for _, weight in ballots], candidates=list(range(options)))
    return {"elected": sorted(map(int, stv_scottish(profile, num_seats=seats, rng=random.Random(1))))}


if __name__ == "__main__":
    json.dump([answer(**pile) for pile in json.load(sys.stdin)], sys.stdout)
