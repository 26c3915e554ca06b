"""The house is tidy: short files, silent doors, and pages that tell nothing of the place they were written in."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 400
ALONE = {"results/recount.py": 1200}  # one file, as it lies in every archive: readers, thirteen rules, comparison
PRODUCT = ("app", "results", "ballots", "polls", "commons", "bench", "tests")
SOURCES = [ROOT / "khma", *(path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py")))]
DOORS = [path for path in SOURCES if path.name == "__init__.py"]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
ELSEWHERE = re.compile(r"(?<![\w.:/~-])/(?:work|tmp|root|opt)/\S*")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_two_rooms() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > ALONE.get(path, LONGEST)} == {}


def test_every_file_says_what_it_is_for() -> None:
    silent = [name(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert [path for path in silent if "migrations/versions" not in path] == []


@pytest.mark.parametrize("path", DOORS, ids=name)
def test_a_door_is_one_docstring(path: Path) -> None:
    match ast.parse(path.read_text("utf-8")).body:
        case [ast.Expr(value=ast.Constant(value=str()))]:
            pass
        case _:
            pytest.fail(f"{name(path)} holds more, or less, than one docstring")


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_place_on_one_computer(path: Path) -> None:
    assert ELSEWHERE.findall(path.read_text("utf-8")) == []


def test_a_place_on_one_computer_would_be_found() -> None:
    assert ELSEWHERE.findall("see `/work/notes.md` and /tmp/a") == ["/work/notes.md`", "/tmp/a"]
    assert ELSEWHERE.findall("see https://a.example/work/notes and docs/work/ and ~/work/a") == []


def test_every_command_that_a_page_shows_exists() -> None:
    shown = {word for path in PAGES for word in re.findall(r"\./khma ([a-z]+)", path.read_text("utf-8"))}
    command = [sys.executable, "-m", "app.cli", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown
    assert {word for word in shown if not re.search(rf"\b{word}\b", told)} == set()
