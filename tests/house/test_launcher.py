"""The front door, tried on a house in small: it makes itself ready once, repairs itself, and passes the command on."""

import ast
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).resolve().parents[2]
TELL = "import os, sys; print(os.getcwd(), sys.prefix, sys.argv[1:])"


def khma(house: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start the front door from a folder in which an `app` of somebody else stands."""
    return subprocess.run(
        [sys.executable, house / "khma", *arguments],
        cwd=house / "elsewhere", env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    shutil.copy(ROOT / "khma", folder)
    (folder / "app").mkdir()
    (folder / "app" / "cli.py").write_text(TELL, "utf-8")
    (folder / "elsewhere" / "app").mkdir(parents=True)
    (folder / "elsewhere" / "app" / "cli.py").write_text("raise SystemExit('a stranger was let in')", "utf-8")
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (folder / lock).write_text(f"# no packages in {lock}\n", "utf-8")
    first = khma(folder, "serve")
    assert "making .venv" in first.stderr
    return folder


def test_a_ready_house_passes_the_command_on_without_a_word(house: Path) -> None:
    start = khma(house, "serve", "--port", "1")
    assert start.stdout.strip() == f"{house / 'elsewhere'} {house / '.venv'} ['serve', '--port', '1']"
    assert (start.returncode, start.stderr) == (0, "")


def test_a_changed_lock_is_installed_into_the_same_folder(house: Path) -> None:
    (house / "requirements-dev.lock").write_text(f"# no packages in {uuid4()}\n", "utf-8")
    again = khma(house, "lint")
    assert "installing the packages of requirements-dev.lock" in again.stderr
    assert "making .venv" not in again.stderr
    assert khma(house, "serve").stderr == ""  # the developers' set serves the runtime too


def test_an_interrupted_install_is_repaired_by_one_of_two_who_come(house: Path) -> None:
    (house / ".venv" / "khma-stamp").unlink()
    (house / ".venv" / "pyvenv.cfg").unlink()
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: khma(house, "serve"), range(2)))
    assert all(str(house / ".venv") in start.stdout for start in both), both
    assert sum("making .venv" in start.stderr for start in both) == 1


def test_what_may_not_be_installed_is_asked_for_by_name(house: Path, tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path)}  # neither a browser nor a package manager
    bare = khma(house, "test", **nothing, KHMA_TEST_WITHOUT="")
    assert bare.returncode == 1
    assert "this is missing: chromium" in bare.stderr
    without = khma(house, "test", **nothing, KHMA_TEST_WITHOUT="chromium,postgresql")
    assert without.returncode == 0, without.stderr


def test_help_needs_no_packages() -> None:
    command = [sys.executable, "-S", "-P", "-m", "app.cli", "--help"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "test" in shown.stdout


def test_an_old_python_can_read_it_far_enough_to_be_told() -> None:
    ast.parse((ROOT / "khma").read_text("utf-8"), feature_version=(3, 8))


def test_it_names_no_host() -> None:
    assert "://" not in (ROOT / "khma").read_text("utf-8")
