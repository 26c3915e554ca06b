"""A second opinion on Schulze, by pref_voting; run with the Python of .venv-oracles, never imported by Khma.

    .venv-oracles/bin/python tests/oracles/schulze.py < profiles.json > answers.json
    .venv-oracles/bin/python tests/oracles/schulze.py --time 100000 30      seconds to lay out the ballots, and to count

In:  a list of {"options": m, "ballots": [[[rank or null for each option], how many], …]}.
Out: for each {"winners": […], "defeats": [[i, j], …]}: who wins, and who beats whom by the strongest chain.
"""

import json
import random
import sys
import time
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


def measure(voters: int, options: int) -> dict[str, float]:
    """Time the same kind of pile that `khma bench count` counts: 1 to 10 options ranked of all there are."""
    dice = random.Random(1)  # a pile to measure with, no secret
    ballots: list[tuple[list[int | None], int]] = []
    for _ in range(voters):
        ranked = dice.sample(range(options), dice.randint(1, min(10, options)))
        ballots.append(([ranked.index(i) + 1 if i in ranked else None for i in range(options)], 1))
    start = time.perf_counter()
    profile = lay_out(options, ballots)
    laid_out = time.perf_counter()
    beat_path_defeat(profile, strength_function=profile.support)
    return {"layout_seconds": laid_out - start, "count_seconds": time.perf_counter() - laid_out}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--time"]:
        json.dump(measure(int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
    else:
        json.dump([answer(**profile) for profile in json.load(sys.stdin)], sys.stdout)
