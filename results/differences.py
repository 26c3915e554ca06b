"""Naming a difference: in which line and column two files part, and what stands there in each. Pure."""

from dataclasses import dataclass

LONGEST_EXCERPT = 80
_CHUNK = 1 << 16
_WORD_ENDS = b' ,":>=[{\n'


@dataclass(frozen=True)
class Finding:
    """One thing in an archive that is not as it must be.

    where: name of the file. place: "line 12, column 3", a path inside the file, or "" for the file as a whole.
    """

    where: str
    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.where}: {place}expected {self.expected}, found {self.found}"


def first_difference(where: str, expected: bytes, found: bytes) -> Finding | None:
    """Find where two files part; None when they are the same. Columns count characters from 1.

    Cost: O(n), a few ms for 10 MB.
    """
    if expected == found:
        return None
    at = _common_length(expected, found)
    line_start = found.rfind(b"\n", 0, at) + 1
    line = found.count(b"\n", 0, at) + 1
    column = len(found[line_start:at].decode("utf-8", "ignore")) + 1
    word_start = max(found.rfind(sign, line_start, at) for sign in (bytes([end]) for end in _WORD_ENDS)) + 1
    start = max(word_start, line_start, at - LONGEST_EXCERPT // 2)
    rests: tuple[bytes, ...] = (_rest_of_line(expected, start), _rest_of_line(found, start))
    if (bare := tuple(rest.rstrip(b"\r\n") for rest in rests))[0] != bare[1] and all(bare):
        rests = bare  # line ends are shown only where they are the difference
    shown = [show(rest) or "the end of the file" for rest in rests]
    return Finding(where, f"line {line}, column {column}", *shown)


def show(data: bytes | str) -> str:
    """Write bytes or text for one line on a screen: shortened, and whatever is not printable as an escape."""
    if isinstance(data, bytes):
        data = data[: 4 * LONGEST_EXCERPT + 4].decode("utf-8", "backslashreplace")
    cut = data[:LONGEST_EXCERPT]
    plain = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in cut)
    return plain + "…" * (len(data) > LONGEST_EXCERPT)


def _common_length(a: bytes, b: bytes) -> int:
    start, end = 0, min(len(a), len(b))
    while start < end and a[start : start + _CHUNK] == b[start : start + _CHUNK]:
        start += _CHUNK
    start = min(start, end)
    return next((i for i in range(start, min(start + _CHUNK, end)) if a[i] != b[i]), end)


def _rest_of_line(data: bytes, start: int) -> bytes:
    end = data.find(b"\n", start)
    return data[start : len(data) if end < 0 else end + 1]
