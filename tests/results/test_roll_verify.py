"""Checking who might vote from the archive alone: a roll that is not the ledger's goes red, with both sides."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commons.canonical import readable
from results import archive
from results.archive import lines_of
from results.verify import examine, main, verify
from results.vote_archive import BOX, MINUTES, ROLL, ROLL_PROOF, SEALED, TOOK_PART
from tests.commons.ledger.written import NEXT_KEY, VERIFIER
from tests.results.sealed import FULL, build, prove_lists, with_ledger
from tests.results.test_verify import write

STRUCK = {"change": "struck", "people": 1, "decided_by": 2}
RESTORED = {"change": "restored", "people": 1, "decided_by": 2}
ALONE = STRUCK | {"decided_by": 1}
CHANGED = with_ledger(build(None, 9, changes=[STRUCK, RESTORED, ALONE]))
NEW = b"ab" * 32 + b"\n"
HASHES = {name: [bytes.fromhex(line[:64].decode()) for line in lines_of(FULL[name])] for name in (BOX, ROLL, TOOK_PART)}


def forged(tmp_path: Path, changed: dict[str, bytes], files: dict[str, bytes] = FULL) -> dict[tuple[str, str], str]:
    """Publish an archive anew with other files in it, every hash and even the ledger's line for it renewed.

    Returns: (file, place) -> the finding in words.
    """
    kept = {name: data for name, data in files.items() if name not in {archive.LINES, archive.SUMS, archive.LEDGER}}
    renewed = with_ledger(archive.complete(kept | changed))
    found = list(verify(write(tmp_path / "forged", renewed), VERIFIER))
    return {(each.where, each.place): str(each) for each in found}


def minutes(**changed: object) -> bytes:
    return readable(json.loads(FULL[MINUTES]) | changed)


def test_the_roll_is_told_as_the_ledger_holds_it(tmp_path: Path) -> None:
    report = examine(write(tmp_path / "full", FULL), VERIFIER)
    assert report.findings == ()
    assert report.told.endswith("On the roll: 68, as the ledger says.")


def test_changes_of_the_roll_are_followed_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "changed", CHANGED)
    assert main([str(folder), "--key", VERIFIER]) == 0
    said = "While the vote was under way 2 were struck off and 1 put back, 1 times by one person alone."
    assert said in capsys.readouterr().out
    figures = json.loads(CHANGED[MINUTES])
    assert (figures["struck"], figures["restored"]) == (2, 1)
    assert b"struck" not in FULL[MINUTES]  # where nothing changed nothing is said


def test_a_lengthened_roll_is_named_with_both_sides(tmp_path: Path) -> None:
    """Somebody adds people to the roll after the vote, and lets them take part; all else is made to fit."""
    longer = {name: b"".join(sorted([*lines_of(FULL[name]), NEW])) for name in (ROLL, TOOK_PART, BOX)}
    found = forged(tmp_path, longer | {MINUTES: minutes(roll=69, took_part=57, box=57)})
    assert found[ROLL, "number of lines in roll.json"] == (
        "roll.txt: number of lines in roll.json: expected 68, found 69"
    )
    root_in_ledger = json.loads(FULL[ROLL_PROOF])["lines"][0]["words"]["root"]
    assert f"root in roll.json: expected {root_in_ledger}" in found[ROLL, "root in roll.json"]
    assert (TOOK_PART, "number of lines in roll.json") in found


def test_a_roll_with_somebody_else_on_it_is_named(tmp_path: Path) -> None:
    stayed_away = next(line for line in lines_of(FULL[ROLL]) if line not in lines_of(FULL[TOOK_PART]))
    swapped = b"".join(sorted({*lines_of(FULL[ROLL]), NEW} - {stayed_away}))
    assert set(forged(tmp_path, {ROLL: swapped})) == {(ROLL, "root in roll.json")}


def test_a_line_taken_out_of_the_roll_is_named(tmp_path: Path) -> None:
    stayed_away = next(line for line in lines_of(FULL[ROLL]) if line not in lines_of(FULL[TOOK_PART]))
    found = forged(tmp_path, {ROLL: FULL[ROLL].replace(stayed_away, b""), MINUTES: minutes(roll=67)})
    assert set(found) == {(ROLL, "number of lines in roll.json"), (ROLL, "root in roll.json")}


def said(change: Callable[[dict[str, Any]], object], files: dict[str, bytes] = FULL) -> dict[str, bytes]:
    value = json.loads(files[ROLL_PROOF])
    change(value)
    return {ROLL_PROOF: readable(value)}


def swap(value: dict[str, Any]) -> None:
    first, second = value["lines"][:2]
    first["words"], second["words"] = second["words"], first["words"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (swap, "lines: 1: digest"),
        (lambda value: value["lines"][0]["words"].update(root="ab" * 32), "lines: 1: digest"),
        (lambda value: value["lines"][0]["words"].update(size=69), "lines: 1: digest"),
        (lambda value: value["lines"][0].update(kind="took_part.root"), "lines: 1: inclusion"),
        (lambda value: value["lines"][0].update(position=0), "lines: 1: inclusion"),
        (lambda value: value["lines"][0].update(words=None, salt=None, subject=None), "lines: 1: words"),
        (lambda value: value["lines"].pop(0), "lines"),
        (lambda value: value["lines"].pop(1), "lines"),
        (lambda value: value["lines"].clear(), ""),
        (lambda value: value["lines"].reverse(), "lines: 2: position"),
        (lambda value: value["lines"].append(value["lines"][0]), "lines"),
        (lambda value: value["grown"].clear(), "grown"),
        (lambda value: value.update(more=1), ""),
        (lambda value: value["lines"][0].update(more=1), "lines: 1: entries"),
        (lambda value: value.update(lines=[7]), ""),
        (lambda value: value.update(grown=None), ""),
        (lambda value: value.update(checkpoint="one"), "lines: 1: checkpoint"),
    ],
)
def test_proofs_that_lie_are_named_by_their_entry(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], place: str
) -> None:
    assert (ROLL_PROOF, place) in forged(tmp_path, said(change))


def test_an_archive_without_the_proof_of_its_roll_is_named(tmp_path: Path) -> None:
    files = {name: data for name, data in FULL.items() if name != ROLL_PROOF}
    assert str(next(verify(write(tmp_path / "old", files)))) == "roll.json: expected a file, found nothing"


def test_a_line_of_a_change_left_out_is_named_with_the_minutes(tmp_path: Path) -> None:
    found = forged(tmp_path, said(lambda value: value["lines"].pop(), CHANGED), CHANGED)
    assert found == {(MINUTES, "struck"): "minutes.json: struck: expected 1, as in roll.json, found 2"}


def test_more_put_back_than_struck_off_is_named(tmp_path: Path) -> None:
    found = forged(tmp_path, {}, with_ledger(build(None, 9, changes=[RESTORED])))
    assert found == {(ROLL_PROOF, "lines"): "roll.json: lines: expected at most 0 put back, found 1"}


@pytest.mark.parametrize("words", [STRUCK | {"people": 0}, STRUCK | {"decided_by": 0}, STRUCK | {"change": "added"}])
def test_a_change_of_no_known_kind_is_named(tmp_path: Path, words: dict[str, str | int]) -> None:
    assert (ROLL_PROOF, "lines: 3: words") in forged(tmp_path, {}, with_ledger(build(None, 9, changes=[words])))


def test_a_checkpoint_of_another_log_is_named(tmp_path: Path) -> None:
    """By its key; and where the same key signs two logs, by the log of sealed.json, which is not its beginning."""
    foreign = prove_lists(HASHES, key=NEXT_KEY)[ROLL_PROOF]
    folder = write(tmp_path / "waiting", _without_ledger({ROLL_PROOF: foreign}))
    assert (ROLL_PROOF, "lines: 1: checkpoint") in {(each.where, each.place) for each in verify(folder, VERIFIER)}
    other = prove_lists(HASHES | {BOX: HASHES[BOX][1:]})[ROLL_PROOF]
    assert set(forged(tmp_path, {ROLL_PROOF: other})) == {(ROLL_PROOF, "grown")}


def _without_ledger(changed: dict[str, bytes]) -> dict[str, bytes]:
    kept = {name: data for name, data in FULL.items() if name not in {archive.LINES, archive.SUMS, archive.LEDGER}}
    return archive.complete(kept | changed)


def test_the_lines_of_another_vote_are_named(tmp_path: Path) -> None:
    other = prove_lists(HASHES, subject="vote/another")
    found = forged(tmp_path, other)
    assert found[ROLL_PROOF, "lines: 1: subject"] == (
        "roll.json: lines: 1: subject: expected vote/which-service-comes-first, as in minutes.json, found vote/another"
    )


def test_a_roll_that_the_log_took_after_the_box_is_named(tmp_path: Path) -> None:
    """A second roll, written into the log when the box was sealed already, is not the one that voted."""
    late = prove_lists(HASHES, fixed_at=datetime(2027, 3, 14, 20, 2, tzinfo=UTC))
    assert set(forged(tmp_path, late)) == {(ROLL_PROOF, "lines: 1: minute")}
    assert set(forged(tmp_path, {SEALED: late[SEALED]})) == {(ROLL_PROOF, "grown")}
