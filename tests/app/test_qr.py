"""QR codes: what is drawn is the code that an independent look at the picture gives, and it holds exactly the text."""

import re

import pytest
import segno

from app.qr import QUIET, Drawing, draw

ADDRESS = "https://vote.vardisi.example/en/votes/which-first#0123456789ABCDEFGHDE"
RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1H(\d+)z")


def dark(drawing: Drawing) -> set[tuple[int, int]]:
    """Paint the path on squared paper. Returns (column, row) of each dark module, quiet zone included."""
    painted = set()
    assert RUN.sub("", drawing.path) == ""
    for x, y, width, back in (map(int, run) for run in RUN.findall(drawing.path)):
        assert back == x
        painted |= {(column, y) for column in range(x, x + width)}
    return painted


@pytest.mark.parametrize("text", [ADDRESS, "A", "ხმა", "x" * 2000])
def test_what_is_drawn_is_the_code_of_the_text(text: str) -> None:
    drawing = draw(text)
    expected = segno.make(text, error="m", micro=False, boost_error=False)
    assert drawing.side == expected.symbol_size(border=0)[0] + 2 * QUIET
    assert dark(drawing) == {
        (column + QUIET, row + QUIET)
        for row, modules in enumerate(expected.matrix)
        for column, module in enumerate(modules)
        if module
    }


def test_nothing_is_drawn_in_the_quiet_zone() -> None:
    drawing = draw(ADDRESS)
    inside = range(QUIET, drawing.side - QUIET)
    assert all(column in inside and row in inside for column, row in dark(drawing))


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="Data too large"):
        draw("x" * 5000)
