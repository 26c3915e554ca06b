"""A QR code as one line of SVG: whatever reads it gets exactly the text, and nothing else is drawn. Pure."""

from dataclasses import dataclass

import segno

QUIET = 4  # empty modules round the code, as the standard asks


@dataclass(frozen=True)
class Drawing:
    """A square of `side` units; path: what is dark in it, for `<path d="…"/>`."""

    path: str
    side: int


def draw(text: str) -> Drawing:
    """Draw a text as a QR code that still reads with 15 % of it lost.

    Raises: ValueError for a text that no QR code holds (about 2,300 signs).
    Cost:   about 10 ms.
    """
    matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    return Drawing("".join(_rows(matrix)), len(matrix) + 2 * QUIET)


def _rows(matrix: tuple[bytearray, ...]) -> list[str]:
    """Draw each row's dark runs as rectangles one unit high."""
    runs = []
    for down, row in enumerate(matrix, start=QUIET):
        start = 0
        for end in range(1, len(row) + 1):
            if end == len(row) or row[end] != row[start]:
                if row[start]:
                    runs.append(f"M{start + QUIET} {down}h{end - start}v1H{start + QUIET}z")
                start = end
    return runs
