"""How fast and lean each rule is: a million ballots of 30 options in memory, counted with certificate, each rule in a
process of its own; beside its limits, beside another's counter, and over the number of ballots and of options.

Hardly two of the ballots are alike (`bench/piles.py`), so nothing can be laid together. Each other library counts the
largest of three piles that it finishes in a minute, in its own environment and process; there we count the same number.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ballots.counting import schulze
from ballots.counting.certificate import check_schulze
from ballots.counting.contest import Contest
from ballots.counting.registry import RULES
from ballots.counting.registry import count as count_contest
from ballots.formats import abif
from ballots.formats.reading import read_profile
from bench import plots
from bench.piles import KINDS, make_pile

MAX_SECONDS = dict.fromkeys(RULES, 2.0) | {"schulze": 1.0}
MAX_MEGABYTES = 400
ROOT = Path(__file__).parents[1]
PLOT = ROOT / "var" / "bench" / "count.svg"
ORACLE = ROOT / ".venv-oracles" / "bin" / "python"
TIMING = ROOT / "tests" / "oracles" / "timing.py"
STATUS = Path("/proc/self/status")
PATIENCE = 60
"""Seconds that another library gets for one pile."""

SLOW = 10.0
"""Seconds after which a line of the plot ends."""

KIND_OF = {
    **dict.fromkeys(("borda", "irv", "plurality", "ranked-pairs", "schulze", "stv"), "ranks"),
    **dict.fromkeys(("approval", "phragmen"), "approvals"),
    **dict.fromkeys(("majority-judgment", "score", "star"), "grades"),
    **dict.fromkeys(("equal-shares", "greedy"), "budget"),
}
HARDER = ("budget, 10 units a voter", "budget, small projects", "budget, small projects, 10 units a voter")
"""Budgets that cost more to count; told beside the limit, which holds for the plain one."""

BALLOTS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
OPTIONS = (5, 10, 20, 30, 50, 100, 200)
PLOT_OPTIONS, PLOT_BALLOTS = 10, 100_000


class Measured(NamedTuple):
    """What one count took: seconds, and megabytes above the start, ballots included (0 where the system is silent)."""

    seconds: float
    megabytes: float


def main(argv: list[str]) -> int:
    """Run the benchmark, print its table, draw its plots.

    Returns: 0 when every rule keeps its limits, else 1.
    """
    parser = argparse.ArgumentParser(prog="khma bench count", description=__doc__)
    parser.add_argument("--ballots", type=int, default=1_000_000)
    parser.add_argument("--options", type=int, default=30)
    parser.add_argument("--plot", type=Path, default=PLOT, metavar="FILE", help="where the SVG goes; a .csv beside it")
    parser.add_argument("--quick", action="store_true", help="few ballots, small plots, no other library")
    asked = parser.parse_args(argv)
    n, m = (min(asked.ballots, 2_000), min(asked.options, 5)) if asked.quick else (asked.ballots, asked.options)

    print(f"{n:,} ballots x {m} options, counted with certificate (median of 3, ballots in memory)")
    over = [rule for rule in sorted(RULES) if not _measure_rule(rule, n, m, is_alone=asked.quick)]
    _check_and_read(n, m)
    lines = list(_series(BALLOTS[:2] if asked.quick else BALLOTS, OPTIONS[:2] if asked.quick else OPTIONS))
    plots.write(asked.plot, lines)
    print(f"plots: {asked.plot}, figures: {asked.plot.with_suffix('.csv')}")
    print(f"OVER THE LIMITS: {', '.join(over)}" if over else "within the limits")
    return 1 if over else 0


def measure(rule: str, make: Callable[[], Contest], times: int = 3) -> Measured:
    """Count in a process of its own, so that neither rules nor piles lend one another memory.

    Raises: RuntimeError when the process did not come to its end.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            before = _memory("VmRSS")
            contest = make()
            seconds = [_time(lambda: count_contest(rule, contest))]
            megabytes = _memory("VmHWM") - before  # of one count: the next may begin before the first is swept away
            seconds += [_time(lambda: count_contest(rule, contest)) for _ in range(times - 1)]
            os.write(writing, json.dumps([statistics.median(seconds), megabytes]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(child, 0)
    if not said:
        raise RuntimeError(f"counting by {rule} did not come to its end")
    return Measured(*json.loads(said))


def _measure_rule(rule: str, n: int, m: int, *, is_alone: bool) -> bool:
    """Print the rows of one rule. Returns whether it keeps its limits."""
    kind = KIND_OF[rule]
    found = measure(rule, lambda: KINDS[kind](n, m))
    limit = MAX_SECONDS[rule]
    is_within = found.seconds <= limit and found.megabytes <= MAX_MEGABYTES
    memory = f"{found.megabytes:.0f} MB" if STATUS.exists() else "not measured"
    remark = f"limits {limit:g} s, {MAX_MEGABYTES} MB above the start{'' if is_within else '   OVER'}"
    _row(rule, f"{found.seconds:.3f} s", memory, remark)
    if rule == "equal-shares":
        for harder in HARDER:
            more = measure(rule, lambda harder=harder: KINDS[harder](n, m), times=1)  # type: ignore[misc]
            word = "" if more.seconds <= limit else f", over {limit:g} s"
            _row("", f"{more.seconds:.3f} s", f"{more.megabytes:.0f} MB", f"{harder}{word}")
    _row("", *(_compare(rule, n, m) if not is_alone else ("", "", "no other library asked")))
    return is_within


def _compare(rule: str, n: int, m: int) -> tuple[str, str, str]:
    """Time another library on the largest pile that it finishes, and ourselves on one of that size."""
    given = os.environ.get("KHMA_PABUTOOLS", "")
    name, python = ("pabutools", Path(given)) if KIND_OF[rule] == "budget" else ("pref_voting", ORACLE)
    if (KIND_OF[rule] == "budget" and not given) or not python.exists() or rule == "phragmen":
        return "", "", "no other library installed"
    for size in (n // 10, n // 100, n // 1000):
        program = [str(python), str(TIMING), rule, str(size), str(m)]
        try:
            said = subprocess.run(program, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        except subprocess.TimeoutExpired:
            continue
        except subprocess.CalledProcessError as failure:
            return "", "", f"{name} failed: {(failure.stderr.strip().splitlines() or ['no word'])[-1][:80]}"
        theirs = json.loads(said)
        total = theirs["layout_seconds"] + theirs["count_seconds"]
        ours = measure(rule, lambda size=size: KINDS[KIND_OF[rule]](size, m)).seconds  # type: ignore[misc]
        told = f"{name} on {size:,} ballots; Khma {ours:.4f} s: {total / ours:,.0f} times as fast"
        return f"{total:.2f} s", "", told
    return "", "", f"{name} did not finish {n // 1000:,} ballots in {PATIENCE} s"


def _check_and_read(n: int, m: int) -> None:
    profile = make_pile(n, m)
    outcome = schulze.count(Contest(profile))
    table, proof = outcome.pairwise or {}, outcome.certificate or {}
    checking = _time(lambda: list(check_schulze(table, outcome.order, proof, outcome.counted)))
    _row("checking Schulze", f"{checking:.3f} s", "", "plain Python, from the comparisons alone")
    data = abif.write(profile).encode()
    reading = _time(lambda: read_profile(data, "pile.abif"))
    _row("reading", f"{reading:.3f} s", "", f"the same ballots as {len(data) / 1e6:.1f} MB ABIF, all different")


def _series(ballots: tuple[int, ...], options: tuple[int, ...]) -> Iterator[plots.Point]:
    """Measure every rule over the number of ballots, then over that of options; a slow one is not asked further."""
    sizes = [("ballots", n, n, PLOT_OPTIONS) for n in ballots]
    sizes += [("options", m, min(PLOT_BALLOTS, ballots[-1]), m) for m in options]
    too_slow: set[tuple[str, str]] = set()
    for kind in dict.fromkeys(KIND_OF.values()):
        for over, at, n, m in sizes:
            contest = KINDS[kind](n, m)  # shared by the processes of all its rules
            for rule in (rule for rule, its in KIND_OF.items() if its == kind and (over, rule) not in too_slow):
                seconds = measure(rule, lambda contest=contest: contest, times=1).seconds  # type: ignore[misc]
                yield plots.Point(over, rule, at, seconds)
                if seconds > SLOW:
                    too_slow.add((over, rule))


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(what: str, seconds: str, memory: str, remark: str) -> None:
    print(f"  {what:<20}{seconds:>10}{memory:>9}   {remark}", flush=True)


def _memory(name: str) -> float:
    """Read a figure of this process in megabytes; 0 where the system does not tell."""
    if not STATUS.exists():
        return 0.0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
