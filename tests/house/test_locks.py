"""The lock files: every package with its fingerprint, and no word about where to fetch it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
ENTRY = re.compile(r"[a-z0-9][a-z0-9._-]*==[^ ]+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")


def entries(text: str) -> list[str]:
    """Join the continued lines of a lock file, one entry for each package."""
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def pins(path: Path) -> set[str]:
    return {entry.split(" --hash")[0] for entry in entries(path.read_text("utf-8"))}


def asked(path: Path) -> set[str]:
    words = (re.split(r"[\[<>=;# ]", line.strip())[0] for line in path.read_text("utf-8").splitlines())
    return {re.sub(r"[-_.]+", "-", word).lower() for word in words if word and not word.startswith("-")}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_entry_has_one_version_and_its_hashes(path: Path) -> None:
    assert [entry for entry in entries(path.read_text("utf-8")) if not ENTRY.fullmatch(entry)] == []


@pytest.mark.parametrize("planted", ["litestar==2.25.0", "litestar>=2 --hash=sha256:" + "0" * 64, "a @ file:///a.whl"])
def test_an_entry_without_hash_or_version_would_be_found(planted: str) -> None:
    assert not ENTRY.fullmatch(planted)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_no_lock_names_a_host(path: Path) -> None:
    assert re.findall(r"\S*(?:://|--[a-z-]*(?:index|find-links|trusted-host))\S*", path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_all_that_is_asked_for_is_locked(path: Path) -> None:
    locked = {entry.split("==")[0] for entry in pins(path)}
    assert asked(path.with_suffix(".in")) <= locked


def test_the_developers_set_holds_the_runtime_set() -> None:
    assert pins(ROOT / "requirements.lock") <= pins(ROOT / "requirements-dev.lock")


def test_the_runtime_set_can_open_a_database_asynchronously() -> None:
    """SQLAlchemy needs greenlet for it and asks for it as an extra; the developers' set has it by other ways."""
    assert "greenlet" in {entry.split("==")[0] for entry in pins(ROOT / "requirements.lock")}
