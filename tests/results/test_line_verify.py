"""Checking a voter's own line from files alone: it holds for everybody, and each lie is named with both sides."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commons.canonical import readable
from commons.checkpoint import verifier_key as key_of
from results.archive import lines_of
from results.line_examination import LineExamination
from results.verify import main
from results.vote_archive import ROLL, TOOK_PART
from tests.commons.ledger.written import NEXT_KEY, ORIGIN, VERIFIER
from tests.results.lines import LISTS, STAYED_AWAY, STRANGER, VOTED, line_of
from tests.results.test_verify import write

EXAMPLE = Path(__file__).parents[1] / "vectors" / "line-v1"


def check(
    folder: Path, file: bytes, lists: dict[str, bytes] = LISTS, key: str | None = VERIFIER
) -> tuple[str, set[str]]:
    """Check a line. Returns what is told, and the places of all faults."""
    mine = write(folder.parent / f"{folder.name}-mine", {"my-line.json": file}) / "my-line.json"
    report = LineExamination(mine, write(folder, lists), key).run()
    return report.told, {f"{each.where} {each.place}".strip() for each in report.findings}


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        (VOTED, "You are on the roll: line 5 of roll.txt. You took part: line 2 of took_part.txt."),
        (STAYED_AWAY, "You are on the roll: line 4 of roll.txt. You did not take part."),
        (STRANGER, "You are not on the roll. You did not take part."),
    ],
)
def test_everybody_learns_where_they_stand(tmp_path: Path, tag: bytes, told: str) -> None:
    assert check(tmp_path / "lists", line_of(tag).bytes()) == (told, set())


def test_the_published_example_is_made_again_byte_for_byte() -> None:
    made = LISTS | {"my-line.json": line_of(VOTED).bytes()}
    assert made == {path.name: path.read_bytes() for path in EXAMPLE.iterdir()}


def test_a_file_from_before_the_closing_is_looked_up_in_the_later_list(tmp_path: Path) -> None:
    early = line_of(VOTED, is_over=False).bytes()
    assert check(tmp_path / "after", early)[0].endswith("You took part: line 2 of took_part.txt.")
    told, faults = check(tmp_path / "before", early, {ROLL: LISTS[ROLL]})
    assert (told.endswith("there is no took_part.txt yet."), faults) == (True, set())


def longer(data: bytes) -> bytes:
    return b"".join(sorted([*lines_of(data), b"ab" * 32 + b"\n"]))


def shorter(data: bytes) -> bytes:
    return b"".join(lines_of(data)[1:])


def another(data: bytes) -> bytes:
    return shorter(longer(data))


@pytest.mark.parametrize("name", [ROLL, TOOK_PART])
@pytest.mark.parametrize(
    ("change", "place"), [(longer, "number of lines"), (shorter, "number of lines"), (another, "root")]
)
def test_a_list_that_is_not_the_one_of_the_ledger_is_named(
    tmp_path: Path, name: str, change: Callable[[bytes], bytes], place: str
) -> None:
    changed = LISTS | {name: change(LISTS[name])}
    assert f"{name} {place}" in check(tmp_path / "lists", line_of(VOTED).bytes(), changed)[1]


def spoiled(change: Callable[[dict[str, Any]], object]) -> bytes:
    said = json.loads(line_of(VOTED).bytes())
    change(said)
    return readable(said)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda said: said["roll"].update(size=9), "my-line.json roll: size"),
        (lambda said: said["roll"].update(root="ab" * 32), "my-line.json roll: root"),
        (lambda said: said["took_part"].update(size=4), "my-line.json took_part: size"),
        (lambda said: said["roll"]["lines"][0].update(line=4), "my-line.json roll: lines: 1"),
        (lambda said: said["roll"]["lines"][0].update(hash="ab" * 32), "my-line.json roll: lines: 1"),
        (lambda said: said["roll"]["lines"].clear(), "my-line.json roll: lines"),
        (lambda said: said["roll"]["lines"][0]["inclusion"].pop(), "my-line.json roll: lines: 1"),
        (lambda said: said["roll"]["ledger"]["words"].update(size=9), "my-line.json roll: ledger: digest"),
        (lambda said: said["roll"].update(ledger=said["took_part"]["ledger"]), "my-line.json roll: ledger: kind"),
        (lambda said: said["roll"].update(ledger=[]), "my-line.json roll: ledger: file"),
        (lambda said: said.update(address="another-vote"), "my-line.json roll: subject"),
        (lambda said: said.update(tag="ab" * 32), "my-line.json roll: lines"),
        (lambda said: said.update(format="khma-line-2"), "my-line.json"),
        (lambda said: said.update(more=1), "my-line.json"),
    ],
)
def test_a_file_that_lies_is_named_by_its_entry(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], place: str
) -> None:
    assert place in check(tmp_path / "lists", spoiled(change))[1]


def test_a_log_signed_by_another_key_is_named(tmp_path: Path) -> None:
    other = key_of(ORIGIN, NEXT_KEY.public_key())
    assert "my-line.json roll: ledger: checkpoint" in check(tmp_path / "lists", line_of(VOTED).bytes(), LISTS, other)[1]


def test_a_line_of_the_box_list_that_is_not_on_the_roll_is_named(tmp_path: Path) -> None:
    lists = {ROLL: b"".join(each for each in lines_of(LISTS[ROLL]) if each[:64] != line_of(VOTED).hash.hex().encode())}
    assert "took_part.txt line 2" in check(tmp_path / "lists", line_of(VOTED).bytes(), LISTS | lists)[1]


def test_what_was_not_checked_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = line_of(VOTED)
    assert line.roll is not None
    unsigned = replace(line, roll=replace(line.roll, ledger=None)).bytes()
    for number, (file, key) in enumerate([(line.bytes(), []), (unsigned, ["--key", VERIFIER])]):
        folder = write(tmp_path / str(number), LISTS | {"my-line.json": file})
        assert main(["--line", str(folder / "my-line.json"), str(folder), *key]) == 0
        assert "That the ledger holds the lists was not checked. The proofs hold." in capsys.readouterr().out


def test_without_a_roll_or_a_file_nothing_is_told_and_both_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "empty", {})
    report = LineExamination(folder / "my-line.json", folder, None).run()
    assert report.told == "The line could not be checked."
    assert {each.where for each in report.findings} == {"my-line.json", "roll.txt"}
