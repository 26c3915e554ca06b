"""How fast and lean the count is: a million ballots in memory, beside their reading, beside another's counter.

The ballots rank 1 to 10 of 30 options at random, so hardly two are alike: nothing can be laid together. The file is
the same pile as we publish it. pref_voting counts a tenth of it, in its own environment and process.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ballots.counting import schulze
from ballots.counting.certificate import check_schulze
from ballots.counting.contest import Contest
from ballots.counting.types import UNRANKED, Profile
from ballots.formats import abif
from ballots.formats.reading import read_profile

MAX_SECONDS = 1.0
MAX_MEGABYTES = 300
DEPTH = 10
ROOT = Path(__file__).parents[1]
ORACLE = ROOT / ".venv-oracles" / "bin" / "python"
STATUS = Path("/proc/self/status")


def main(argv: list[str]) -> int:
    """Run the benchmark and print its table.

    Returns: 0 when the count keeps its limits, else 1.
    """
    parser = argparse.ArgumentParser(prog="khma bench count", description=__doc__)
    parser.add_argument("--ballots", type=int, default=1_000_000)
    parser.add_argument("--options", type=int, default=30)
    asked = parser.parse_args(argv)
    n, m = asked.ballots, asked.options

    before = _memory("VmRSS")
    _forget_peak()
    profile = make_pile(n, m)
    seconds = statistics.median(_time(lambda: schulze.count(Contest(profile))) for _ in range(3))
    megabytes = _memory("VmHWM") - before
    outcome = schulze.count(Contest(profile))
    table, proof = outcome.pairwise or {}, outcome.certificate or {}
    checking = _time(lambda: list(check_schulze(table, outcome.order, proof, outcome.counted)))
    is_within = seconds <= MAX_SECONDS and megabytes <= MAX_MEGABYTES

    print(f"Schulze, {n:,} ballots x {m} options")
    _row("count with certificate", f"{seconds:.3f} s", f"limit {MAX_SECONDS:g} s (median of 3, ballots in memory)")
    memory = f"{megabytes:.0f} MB" if STATUS.exists() else "not measured on this system"
    _row("memory, ballots included", memory, f"limit {MAX_MEGABYTES} MB above the start")
    _row("checking the certificate", f"{checking:.3f} s", "plain Python, from the comparisons alone")
    data = abif.write(profile).encode()
    _row(
        "reading the same as a file",
        f"{_time(lambda: read_profile(data, 'pile.abif')):.1f} s",
        f"{len(data) / 1e6:.0f} MB ABIF",
    )
    _compare(n // 10, m)
    print("within the limits" if is_within else "OVER THE LIMITS")
    return 0 if is_within else 1


def make_pile(n: int, m: int) -> Profile:
    """Draw n ballots that rank 1 to DEPTH of m options; always the same ones. Memory: the pile and little more."""
    dice = np.random.default_rng(1)
    ranks = np.full((n, m), UNRANKED, dtype=np.uint8, order="F")
    for start in range(0, n, 50_000):
        block = ranks[start : start + 50_000]
        order = np.argsort(dice.random(block.shape), axis=1)
        depth = dice.integers(1, min(DEPTH, m), size=len(block), endpoint=True)
        for place in range(min(DEPTH, m)):
            rows = np.flatnonzero(depth > place)
            block[rows, order[rows, place]] = place + 1
    return Profile(tuple(f"Option {i}" for i in range(1, m + 1)), ranks, np.ones(n, dtype=np.int64))


def _compare(n: int, m: int) -> None:
    """Time pref_voting on a pile of the same kind, and ourselves on one of that size."""
    if not ORACLE.exists():
        _row("beside pref_voting", "left out", "it is not installed: ./khma test --oracles installs it")
        return
    program = [str(ORACLE), str(ROOT / "tests" / "oracles" / "schulze.py"), "--time", str(n), str(m)]
    theirs = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    total = theirs["layout_seconds"] + theirs["count_seconds"]
    profile = make_pile(n, m)
    ours = statistics.median(_time(lambda: schulze.count(Contest(profile))) for _ in range(3))
    _row(f"pref_voting, {n:,} ballots", f"{total:.2f} s", "comparisons and chains, no certificate")
    _row(f"Khma, {n:,} ballots", f"{ours:.3f} s", f"{total / ours:,.0f} times as fast")


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(what: str, figure: str, remark: str) -> None:
    print(f"  {what:<28}{figure:>12}   {remark}")


def _memory(name: str) -> float:
    """Read a figure of this process in megabytes; 0 where the system does not tell."""
    if not STATUS.exists():
        return 0.0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def _forget_peak() -> None:
    """Let the highest memory so far be forgotten, so that only the count is measured."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")
