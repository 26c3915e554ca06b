"""What the tests really used: noted where it was used, at the moment it answered, and told at the end of the run."""

USED: dict[str, str] = {}


def note(name: str, version: str) -> None:
    """Remember that this program of this version answered.

    name, version: as they shall be read in the closing line, such as "PostgreSQL" and "15.18".
    """
    USED[name] = version
