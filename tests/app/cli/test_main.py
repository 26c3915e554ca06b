"""The front page of the command: it names every command, and says what it did not understand."""

from importlib import import_module

import pytest

from app.cli.main import COMMANDS, HELP
from tests.app.cli.program import khma, khma_process


def test_the_help_page_names_every_command() -> None:
    named = {line.split()[1] for line in HELP.splitlines() if line.startswith("  khma ")}
    assert named == set(COMMANDS)
    assert max(map(len, HELP.splitlines())) <= 120


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_the_help_page_is_what_one_gets_for_the_asking(arguments: list[str]) -> None:
    said = khma({}, *arguments)
    assert (said.returncode, said.stdout, said.stderr) == (0, HELP, "")


@pytest.mark.parametrize("command", ["vote", "Demo", "--port", ""])
def test_an_unknown_command_is_named_with_the_cure(command: str) -> None:
    said = khma({}, command)
    assert (said.returncode, said.stdout) == (2, "")
    assert repr(command) in said.stderr
    assert "khma --help" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_the_exit_code_reaches_the_shell() -> None:
    assert [khma_process({}, word).returncode for word in ("--help", "vote")] == [0, 2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(command: str) -> None:
    module, function = COMMANDS[command]
    assert callable(getattr(import_module(module), function))
