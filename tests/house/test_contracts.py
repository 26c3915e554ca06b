"""The house rules on imports hold, and each of them would be missed: what is planted against it is found."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "results", "ballots", "polls", "commons")
CORE = ("results", "ballots", "polls", "commons")
CONTRACTS = {
    contract["name"].split(":")[0]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}
PURE = [
    *("answers", "branching", "charts", "checkpoint", "clocks", "counting", "crypto", "eligibility", "expressions"),
    *("lifecycle", "merkle", "privacy", "receipts", "rulecard", "statistics", "verify"),
]

PLANTED = {
    "The tower": {"polls/planted.py": "import ballots.counting"},
    "Inside app": {"app/letters/planted.py": "import app.accounts.store"},
    "Pages are strangers": {"app/web/planted.py": "import app.web.planted_too", "app/web/planted_too.py": ""},
    "The core knows no web": {"results/planted.py": "import litestar"},
    "Pure rooms touch no database, not even through another room": {
        "ballots/counting/planted.py": "import commons.planted",
        "commons/planted.py": "import commons.tables",
    },
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return folder


def test_every_contract_is_kept(copy: Path) -> None:
    found = lint_imports(copy)
    assert found.returncode == 0, found.stdout


def test_every_contract_is_tried_below() -> None:
    assert set(CONTRACTS) == set(PLANTED)


@pytest.mark.parametrize("contract", PLANTED)
def test_what_is_planted_against_a_contract_breaks_it(contract: str, copy: Path) -> None:
    files = {copy / name: line for name, line in PLANTED[contract].items()}
    for path, line in files.items():
        path.write_text(f"{line}\n", "utf-8")
    try:
        found = lint_imports(copy)
    finally:
        for path in files:
            path.unlink()
    assert found.returncode == 1, found.stdout
    assert re.search(rf"^{re.escape(contract)}.* BROKEN", found.stdout, re.MULTILINE), found.stdout


def test_every_pure_room_that_exists_is_under_contract() -> None:
    rooms = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in CORE
        for name in PURE
        for path in [*(ROOT / package).rglob(f"{name}.py"), *(ROOT / package).rglob(name)]
        if path.is_dir() or path.suffix == ".py"
    }
    bound = CONTRACTS["Pure rooms touch no database, not even through another room"]["source_modules"]
    unbound = {room for room in rooms if not any(room == name or room.startswith(f"{name}.") for name in bound)}
    assert unbound == set()


def test_the_core_opens_no_address() -> None:
    opened = re.compile(r"urllib\.request|urlopen|open_connection")
    found = [
        path for package in CORE for path in (ROOT / package).rglob("*.py") if opened.search(path.read_text("utf-8"))
    ]
    assert found == []
