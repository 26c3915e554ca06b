"""Times as people type them: by the clock on the wall of a place, which is put forward and back. Pure."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from commons.errors import Invalid

_TYPED = re.compile(r"(2\d{3}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.0+)?")


def read_moment(text: str, zone: str, field: str) -> datetime | None:
    """Read what was typed into a field for day and time, such as "2027-03-22T20:00".

    zone:    of the tz database.
    Returns: in UTC; None where nothing was typed.
    Raises:  Invalid "time.malformed"; "time.skipped" for an hour that does not come because the clocks are put forward,
             "time.twice" for one that comes twice because they are put back: which one was meant, nobody can tell.
    """
    if not (text := text.strip()):
        return None
    if (typed := _TYPED.fullmatch(text)) is None:
        raise Invalid("time.malformed", field=field)
    try:
        wall = datetime.fromisoformat(f"{typed[1]}T{typed[2]}")
    except ValueError as reason:  # such as the 31st of February
        raise Invalid("time.malformed", field=field) from reason
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall:
        raise Invalid("time.skipped", field=field)
    raise Invalid("time.twice", field=field)


def write_moment(moment: datetime, zone: str) -> str:
    """Write a moment as a field for day and time holds it: 2027-03-22T20:00."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
