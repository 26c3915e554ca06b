"""The page of the published formats: every file it shows is the published one, and every command says what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOUND = ROOT / "tests" / "vectors" / "archive-v0" / "sound"
BLOCK = re.compile(r"^```(\w+)(?: (file|lines)=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "docs" / "record.md").read_text())


@pytest.mark.parametrize(("kind", "how", "name", "text"), [block for block in BLOCKS if block[1]])
def test_what_the_page_shows_is_in_the_published_files(kind: str, how: str, name: str, text: str) -> None:
    published = (SOUND / name).read_text()  # line ends as the page can show them
    assert kind
    assert text == published if how == "file" else text in published


@pytest.mark.parametrize("text", [text for kind, _, _, text in BLOCKS if kind == "console"])
def test_what_the_page_runs_says_what_the_page_says(text: str) -> None:
    command, _, said = text.removeprefix("$ ").partition("\n")
    command = command.replace("python ", f"{sys.executable} ", 1)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", said)


def test_the_page_shows_every_file_and_runs_something() -> None:
    shown = {name for _, _, name, _ in BLOCKS}
    assert shown >= {path.name for path in SOUND.iterdir()}
    assert shown >= {f"../sealed-full/{path.name}" for path in (SOUND.parent / "sealed-full").iterdir()}
    assert any(kind == "console" for kind, *_ in BLOCKS)
