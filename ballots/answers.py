"""What a ballot says: a number for each option, and the bytes of one length into which they are written. Pure.

A form shows the options in an order that follows from the form's own key, never from the voter, so that nobody's
ballot is shaped by who they are, and the order can be found again without being stored.
"""

import hmac
from collections.abc import Sequence

from commons.errors import Invalid
from polls.kinds import Kind, Paper

VERSION = 2
LEFT_OUT = 0
FIRST_VERSION, FIRST_BYTES = 1, 13
"""Ballots that were sealed before there was more than one kind: the numbers of the options, best first, and zeros."""

Answer = tuple[int, ...]
"""A number for each option, in the order of the card: its place, mark, grade or points; 0 = left out."""


def order_of(option_ids: Sequence[int], form_key: bytes) -> tuple[int, ...]:
    """Find the order in which one form shows the options: by HMAC-SHA256(form key, number of the option)."""
    return tuple(sorted(option_ids, key=lambda each: (hmac.digest(form_key, bytes([each]), "sha256"), each)))


def read_sheet(numbers: Sequence[int], order: Sequence[int], paper: Paper) -> Answer:
    """Turn a filled form into an answer; gaps between ranks are closed up.

    numbers: one per position of the form, in the order shown; 0 = left out.
    Raises:  Invalid "ballot.positions"; "ballot.rank_unknown" or "ballot.rank_twice", naming the position from 1;
             "ballot.one_only", "ballot.too_many_points", "ballot.too_dear".
    """
    if len(numbers) != len(order):
        raise Invalid("ballot.positions", found=len(numbers), expected=len(order))
    seen: dict[int, int] = {}
    for position, number in enumerate(numbers, start=1):
        if not LEFT_OUT <= number <= paper.highest:
            raise Invalid("ballot.rank_unknown", field=f"position_{position}", rank=number, limit=paper.highest)
        if number != LEFT_OUT and (other := seen.setdefault(number, position)) != position and not paper.equal:
            raise Invalid("ballot.rank_twice", field=f"position_{position}", rank=number, other=other)
    said = dict(zip(order, numbers, strict=True))
    answer = tuple(said[option] for option in paper.options)
    return check(_closed_up(answer) if paper.kind is Kind.RANKING else answer, paper)


def check(answer: Answer, paper: Paper) -> Answer:
    """Check an answer, and give it back.

    Raises: Invalid "ballot.unreadable" where it is no answer to this; "ballot.one_only", "ballot.too_many_points",
            "ballot.too_dear".
    """
    marked = [number for number in answer if number != LEFT_OUT]
    is_ranking = paper.kind is Kind.RANKING
    if (
        len(answer) != len(paper.options)
        or any(number > paper.highest for number in marked)
        or (not paper.equal and len(set(marked)) < len(marked))
        or (is_ranking and _closed_up(answer) != answer)
    ):
        raise Invalid("ballot.unreadable")
    if paper.most is None:
        return answer
    if paper.kind is Kind.BUDGET:
        if (total := sum(cost for cost, number in zip(paper.costs, answer, strict=True) if number)) > paper.most:
            raise Invalid("ballot.too_dear", field="position_1", found=total, limit=paper.most)
    elif (total := sum(marked)) > paper.most and paper.kind is Kind.SINGLE:
        raise Invalid("ballot.one_only", field="choice")
    elif total > paper.most:
        raise Invalid("ballot.too_many_points", field="position_1", found=total, limit=paper.most)
    return answer


def write(answer: Answer) -> bytes:
    """Write a checked answer: a version byte, and one byte an option. All answers to one vote have one length."""
    return bytes([VERSION, *answer])


def read(plaintext: bytes, paper: Paper) -> Answer:
    """Read what `write` wrote, or what was written before there was more than one kind; nothing else.

    Raises:  Invalid "ballot.unreadable", or as `check`.
    """
    if plaintext[:1] == bytes([FIRST_VERSION]) and len(plaintext) == FIRST_BYTES:
        return check(_read_first(plaintext, paper), paper)
    if plaintext[:1] != bytes([VERSION]):
        raise Invalid("ballot.unreadable")
    return check(tuple(plaintext[1:]), paper)


def _read_first(plaintext: bytes, paper: Paper) -> Answer:
    ranking = plaintext[1:].rstrip(b"\0")
    if paper.kind is not Kind.RANKING or not set(ranking) <= set(paper.options) or len(set(ranking)) < len(ranking):
        raise Invalid("ballot.unreadable")
    return tuple(ranking.index(option) + 1 if option in ranking else LEFT_OUT for option in paper.options)


def _closed_up(answer: Answer) -> Answer:
    place = {number: i for i, number in enumerate(sorted({*answer} - {LEFT_OUT}), start=1)}
    return tuple(place.get(number, LEFT_OUT) for number in answer)
