"""What a ballot says: a ranking of some options, and the bytes of one length into which it is written. Pure.

A form shows the options in an order that follows from the form's own key, never from the voter, so that nobody's
ballot is shaped by who they are, and the order can be found again without being stored.
"""

import hmac
from collections.abc import Sequence

from commons.errors import Invalid

PLAINTEXT_BYTES = 13
VERSION = 1
LEFT_OUT = 0

Ranking = tuple[int, ...]
"""Numbers of options, best first; an empty one is a blank ballot."""


def order_of(option_ids: Sequence[int], form_key: bytes) -> Ranking:
    """Find the order in which one form shows the options: by HMAC-SHA256(form key, number of the option)."""
    return tuple(sorted(option_ids, key=lambda each: (hmac.digest(form_key, bytes([each]), "sha256"), each)))


def read_sheet(ranks: Sequence[int], order: Sequence[int], most_ranked: int) -> Ranking:
    """Turn a filled form into a ranking; gaps between ranks are closed up.

    ranks:   one number per position of the form, in the order shown; 0 = left out, 1 = best, up to most_ranked.
    Raises:  Invalid "ballot.positions", "ballot.rank_unknown" or "ballot.rank_twice", naming the position from 1.
    """
    if len(ranks) != len(order):
        raise Invalid("ballot.positions", found=len(ranks), expected=len(order))
    seen: dict[int, int] = {}
    for position, rank in enumerate(ranks, start=1):
        if not LEFT_OUT <= rank <= most_ranked:
            raise Invalid("ballot.rank_unknown", field=f"position_{position}", rank=rank, limit=most_ranked)
        if rank != LEFT_OUT and (other := seen.setdefault(rank, position)) != position:
            raise Invalid("ballot.rank_twice", field=f"position_{position}", rank=rank, other=other)
    return tuple(order[position - 1] for _, position in sorted(seen.items()))


def check_ranking(ranking: Ranking, option_ids: Sequence[int], most_ranked: int) -> None:
    """Check a ranking. Raises Invalid "ballot.too_many", "ballot.option_unknown" or "ballot.option_twice"."""
    if len(ranking) > most_ranked:
        raise Invalid("ballot.too_many", limit=most_ranked, found=len(ranking))
    for option in ranking:
        if option not in option_ids:
            raise Invalid("ballot.option_unknown", option=option)
    if len(set(ranking)) < len(ranking):
        raise Invalid("ballot.option_twice")


def write(ranking: Ranking) -> bytes:
    """Write a checked ranking: a version byte, one byte an option, best first, and zeros up to 13 bytes."""
    return bytes([VERSION, *ranking]).ljust(PLAINTEXT_BYTES, b"\0")


def read(plaintext: bytes, option_ids: Sequence[int], most_ranked: int) -> Ranking:
    """Read what `write` wrote; any other spelling is refused.

    Raises:  Invalid "ballot.unreadable", or as `check_ranking`.
    """
    ranking = tuple(plaintext[1:].rstrip(b"\0"))
    if len(plaintext) != PLAINTEXT_BYTES or write(ranking) != plaintext:
        raise Invalid("ballot.unreadable")
    check_ranking(ranking, option_ids, most_ranked)
    return ranking
