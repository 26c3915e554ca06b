"""Whom a round of notices tells that a ballot was cast in their name, and when there is a round. Pure.

A notice must not tell when somebody voted. So a round comes once a day at most and covers 23 hours or more; and whoever
is told by the same rounds as somebody else are ten or more, so that no reader of the database can take the letters to
one address and the lines of the box, and find which line is whose. What would tell more is not told: docs/adr/0024.
"""

import hmac
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.accounts.sealing import key_for

FEWEST = 10
SHORTEST = timedelta(hours=23)  # the day on which the clocks are put forward
HOUR = 7  # by the organisation's clock
PURPOSE = "khma-notice-1"


@dataclass(frozen=True)
class Told:
    """What somebody was told. mark: of the ballot they were told of. first_round: in which. again: of a change, too."""

    mark: bytes
    first_round: int
    again: bool


@dataclass(frozen=True)
class Times:
    """The times of a vote that matter here. looked_at: of the last round; told_at: of the last that told anybody."""

    opened_at: datetime
    closes_at: datetime
    looked_at: datetime | None
    told_at: datetime | None


class Marker:
    """Marks ballots, so that a changed one is seen to be another, and nothing else; the key is made once for many."""

    def __init__(self, secret: str, poll_id: UUID) -> None:
        self._key, self._poll = key_for(secret, PURPOSE), poll_id.bytes

    def __call__(self, tag: bytes, form_hash: bytes) -> bytes:
        """Mark the last form of one line. Returns 32 bytes."""
        return hmac.digest(self._key, self._poll + tag + form_hash, "sha256")


def is_morning_round(times: Times, moment: datetime, zone: str) -> bool:
    """Tell whether a day's round of an open vote is due: once, after seven in the morning.

    It covers no less than SHORTEST, and leaves as much for the last round, at closing.
    """
    local = moment.astimezone(ZoneInfo(zone))
    seven = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if local < seven:
        seven -= timedelta(days=1)
    looked = times.looked_at is not None and times.looked_at >= seven
    return not looked and _covers_enough(times, moment) and times.closes_at - moment >= SHORTEST


def is_last_round(times: Times, moment: datetime) -> bool:
    """Tell whether the round at closing is due: after no other that told anybody, or as long after it as any."""
    looked = times.looked_at is not None and times.looked_at >= times.closes_at
    late_enough = times.told_at is None or _covers_enough(times, times.closes_at)
    return moment >= times.closes_at and not looked and late_enough


def whom_to_tell(cast: Mapping[bytes, bytes], told: Mapping[bytes, Told]) -> list[bytes]:
    """Choose the lines that a round tells.

    cast:    tag -> mark of the ballot that lies in the box now, of all who took part, with an address or without.
    told:    tag -> what they were told before.
    Returns: tags; those whose ballot is their first and those who changed it, each kind only in groups of FEWEST with
             one history, and only where as many, or none, are left behind. Nobody is told of a second change.
    """
    first = [tag for tag in cast if tag not in told]
    changed, same = defaultdict[int, list[bytes]](list), defaultdict[int, int](int)
    for tag, known in told.items():
        if known.again:
            continue
        if cast.get(tag, known.mark) != known.mark:
            changed[known.first_round].append(tag)
        else:
            same[known.first_round] += 1
    groups = [group for number, group in changed.items() if same[number] == 0 or same[number] >= FEWEST]
    return [tag for group in (first, *groups) if len(group) >= FEWEST for tag in group]


def _covers_enough(times: Times, until: datetime) -> bool:
    return until - (times.told_at or times.opened_at) >= SHORTEST
