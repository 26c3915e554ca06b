"""A sum that a browser may do in place of waiting in a queue: numbers whose hashes begin with many zeros. Pure.

It is offered where scripts run, to whoever was given a turn; who runs none waits, and is refused nothing. Many small
parts take nearly the same time for everybody, where one large one would take some people five times as long.
"""

import hashlib
import re

PARTS, BITS = 16, 12
"""About 66,000 hashes: 0.1 s on a desk, two seconds at a tenth of its pace, as on an old telephone."""
SEED_SIGNS = 32  # of the turn, so that all that is hashed fits one block of SHA-256
_NUMBERS = re.compile(rf"[0-9]{{1,10}}(?:\.[0-9]{{1,10}}){{{PARTS - 1}}}")


def is_solved(turn: str, proof: str) -> bool:
    """Tell whether the sum of a turn was done.

    proof: PARTS numbers with dots between; for each part, counted from 0, SHA-256 of `seed.part.number` begins with
           BITS zero bits, the seed being the turn's first signs.
    Cost:  16 hashes.
    """
    if not _NUMBERS.fullmatch(proof):
        return False
    seed = turn[:SEED_SIGNS]
    return all(_fits(f"{seed}.{part}.{number}") for part, number in enumerate(proof.split(".")))


def _fits(text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> (32 - BITS) == 0
