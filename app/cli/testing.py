"""`khma test` and `khma lint`: everything that can be proved about this program, proved on this computer.

The last line names what was really used, as the tests noted it when it answered them. A whole run in which no
PostgreSQL or no Chromium answered has not proved what it claims to, and fails.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from app.config import ROOT

SWITCHES = {"--full": "KHMA_TEST_FULL", "--faults": "KHMA_TEST_FAULTS", "--oracles": "KHMA_TEST_ORACLES"}
PROVEN_WITH = ("SQLite", "PostgreSQL", "Chromium", "Python")
LINTERS = {
    "style": ["ruff", "check", "--quiet", ".", "khma"],
    "format": ["ruff", "format", "--quiet", "--check", ".", "khma"],
    "types": ["mypy", "--no-error-summary"],
    "house rules": ["lint-imports"],
}
LOCK = [
    *["uv", "--quiet", "pip", "compile", "--generate-hashes", "--no-header", "--no-annotate"],
    *["--universal", "--python-version", "3.11"],  # one file for every system and every Python that Khma runs on
]


class Report(TypedDict):
    """What the tests told: counts by outcome, and the version of each program that answered."""

    counts: dict[str, int]
    used: dict[str, str]


def test(argv: list[str]) -> int:
    """Run the linters and all tests, or with pytest's own arguments only the tests they choose.

    argv:    `--full` for every page, language, theme and width; `--faults` for the long races and kills; `--oracles` to
             ask the other programs again instead of trusting their recorded answers; all else goes to pytest.
    Returns: 0 when everything held, else pytest's exit code, or 1 for a linter or a program that never answered.
    """
    began = time.monotonic()
    switches = {SWITCHES[word]: "1" for word in argv if word in SWITCHES}
    chosen = [word for word in argv if word not in SWITCHES]
    unclean = [] if chosen else run_linters()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        environment = os.environ | switches | {"KHMA_TEST_REPORT": str(path)}
        command = [sys.executable, "-m", "pytest", *(chosen or ["-n", "2", "--dist", "worksteal"])]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - no shell
        report: Report = json.loads(path.read_text("utf-8")) if path.exists() else {"counts": {}, "used": {}}
    without = os.environ.get("KHMA_TEST_WITHOUT", "")
    unproven = [] if chosen else [name for name in PROVEN_WITH if name not in report["used"]]
    for name in unclean:
        print(f"khma: {name} did not hold; see above")
    print(closing_line(report, time.monotonic() - began, without, unproven))
    surprising = [name for name in unproven if name.lower() not in without.split(",")]
    return code or int(bool(unclean or surprising))


def closing_line(report: Report, seconds: float, without: str, unproven: list[str]) -> str:
    """Say in one line what was proved, and with what.

    without:  what the tester left out on purpose.
    unproven: programs that never answered although a whole run needs them.
    """
    counts = report["counts"]
    parts = [f"{counts.get('passed', 0)} passed", f"{counts.get('failed', 0) + counts.get('error', 0)} failed"]
    for name, words in {"skipped": "skipped", "xfailed": "known to fail"}.items():
        if counts.get(name):
            parts.append(f"{counts[name]} {words}")
    used = [f"{name} {report['used'][name]}" for name in PROVEN_WITH if name in report["used"]]
    minutes, rest = divmod(int(seconds), 60)
    line = f"Khma: {', '.join(parts)} in {minutes} min {rest} s. Really used: {', '.join(used) or 'nothing'}."
    if unproven:
        line += f" NOT used: {', '.join(unproven)}."
    return line + (f" Left out on purpose: {without}." if without else "")


def lint(argv: list[str]) -> int:
    """Run the linters, or with `--lock` make the lock files anew.

    argv:    nothing, or `--lock` and then further options for uv, such as `--upgrade`.
    Returns: 0 when all held.
    """
    if argv[:1] == ["--lock"]:
        return make_locks(argv[1:])
    return int(bool(run_linters()))


def run_linters() -> list[str]:
    """Run every linter, also after one has found something.

    Returns: names of those that did.
    """
    return [name for name, words in LINTERS.items() if not holds(name, words)]


def make_locks(options: list[str]) -> int:
    """Choose versions of all that the .in files ask for, and write them down with their fingerprints.

    Returns: 0 when all could be chosen. The developers' set holds the runtime's versions.
    """
    same = ["--constraint", "requirements.lock"]
    for name, further in {"requirements": [], "requirements-dev": same, "requirements-oracles": []}.items():
        words = [*LOCK, *further, *options, f"{name}.in", "--output-file", f"{name}.lock"]
        if not holds(f"{name}.lock", words):
            return 1
    return 0


def holds(name: str, words: list[str]) -> bool:
    """Run one of the programs that are installed beside this Python; what it says is shown when it fails."""
    print(f"khma: {name} …", end=" ", flush=True)
    began = time.monotonic()
    command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - no shell
    held = done.returncode == 0
    print(f"{'ok' if held else 'NOT OK'}, {time.monotonic() - began:.1f} s", flush=True)
    if not held:
        print(done.stdout.decode("utf-8", "replace"), flush=True)
    return held
