"""Lines over two logarithmic axes as SVG, made by hand: seconds over ballots, and seconds over options."""

import csv
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

WIDTH, HEIGHT, GAP = 520, 380, 60
COLOURS = ("#1b6ca8", "#c0392b", "#2e7d32", "#8e44ad", "#b9770e", "#117a65", "#566573")
DASHES = ("", "6 3", "2 3")


class Point(NamedTuple):
    """How long a rule took. over: "ballots" or "options"; at: how many."""

    over: str
    rule: str
    at: int
    seconds: float


def write(path: Path, points: Sequence[Point]) -> None:
    """Write the plots, and the figures as CSV beside them. Makes the folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(points))
    with path.with_suffix(".csv").open("w", newline="") as file:
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(Point._fields)
        sheet.writerows((over, rule, at, f"{seconds:.6f}") for over, rule, at, seconds in points)


def draw(points: Sequence[Point]) -> str:
    """Return one SVG with a plot for each thing that the points go over, and a list of the rules."""
    rules = sorted({point.rule for point in points})
    overs = list(dict.fromkeys(point.over for point in points))
    width = len(overs) * (WIDTH + GAP) + 200
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 2 * GAP}" font-family="sans-serif" '
        'font-size="12" role="img"><title>Seconds to count, by rule</title><rect width="100%" height="100%" '
        'fill="white"/>'
    ]
    for number, over in enumerate(overs):
        mine = [point for point in points if point.over == over]
        parts += [f'<g transform="translate({GAP + number * (WIDTH + GAP)} {GAP / 2})">', *_plot(over, mine, rules)]
        parts.append("</g>")
    for number, rule in enumerate(rules):
        x, y = len(overs) * (WIDTH + GAP) + 30, GAP + number * 20
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 30}" y2="{y}" {_stroke(number)}/>')
        parts.append(f'<text x="{x + 38}" y="{y + 4}">{escape(rule)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _plot(over: str, points: Sequence[Point], rules: Sequence[str]) -> Iterator[str]:
    left, right = _bounds([point.at for point in points])
    low, high = _bounds([max(point.seconds, 1e-4) for point in points])

    def x(at: float) -> float:
        return round((math.log10(at) - left) / (right - left) * WIDTH, 1)

    def y(seconds: float) -> float:
        return round(HEIGHT - (math.log10(max(seconds, 1e-4)) - low) / (high - low) * HEIGHT, 1)

    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>'
    yield f'<text x="{WIDTH / 2}" y="{HEIGHT + 40}" text-anchor="middle">{escape(over)}</text>'
    for power in range(low, high + 1):
        yield f'<line x1="0" x2="{WIDTH}" y1="{y(10**power)}" y2="{y(10**power)}" stroke="#ddd"/>'
        yield f'<text x="-6" y="{y(10**power) + 4}" text-anchor="end">{10.0**power:g} s</text>'
    for at in sorted({point.at for point in points}):
        yield f'<text x="{x(at)}" y="{HEIGHT + 18}" text-anchor="middle">{at:,}</text>'
    for number, rule in enumerate(rules):
        line = " ".join(f"{x(point.at)},{y(point.seconds)}" for point in points if point.rule == rule)
        yield f'<polyline fill="none" points="{line}" {_stroke(number)}><title>{escape(rule)}</title></polyline>'


def _bounds(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _stroke(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2"{dashes}'
