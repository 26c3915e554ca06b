"""The closing line of `khma test`: what was proved, with what, and nothing that was only assumed."""

import subprocess
import sys
from pathlib import Path

from app.cli.testing import closing_line

ROOT = Path(__file__).resolve().parents[3]
USED = {"SQLite": "3.40.1", "PostgreSQL": "15.18", "Chromium": "156.0", "Python": "3.11.7"}


def test_a_whole_run_is_told_in_one_line() -> None:
    line = closing_line({"counts": {"passed": 412, "failed": 0}, "used": USED}, 372.9, "", [])
    assert line == (
        "Khma: 412 passed, 0 failed in 6 min 12 s. "
        "Really used: SQLite 3.40.1, PostgreSQL 15.18, Chromium 156.0, Python 3.11.7."
    )


def test_what_was_skipped_or_broken_or_never_answered_is_not_hidden() -> None:
    counts = {"passed": 1, "failed": 1, "error": 2, "skipped": 3, "xfailed": 4}
    line = closing_line({"counts": counts, "used": {"Python": "3.11.7"}}, 1, "chromium", ["PostgreSQL", "Chromium"])
    assert "1 passed, 3 failed, 3 skipped, 4 known to fail" in line
    assert line.endswith("NOT used: PostgreSQL, Chromium. Left out on purpose: chromium.")


def test_chosen_tests_run_alone_and_both_summaries_stand_at_the_end() -> None:
    command = [sys.executable, "-m", "app.cli", "test", "tests/house/test_locks.py", "-k", "hashes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    summary, closing = done.stdout.splitlines()[-2:]
    assert " passed, " in summary
    assert closing.startswith("Khma: ")
    assert "Chromium" not in closing  # nobody opened one


def test_chosen_tests_that_do_not_exist_are_no_success() -> None:
    command = [sys.executable, "-m", "app.cli", "test", "tests/house/test_locks.py", "-k", "no_such_test"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 5
