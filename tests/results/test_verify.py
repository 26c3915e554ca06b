"""Checking an archive: the published one holds, every changed byte is named by its file, hostile folders do no harm."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ballots.counting.types import Profile
from ballots.formats.reading import read_profile
from results import archive
from results.differences import Finding
from results.verify import examine, is_archive, main, verify
from tests.results.test_archive import EXAMPLE, SOUND, VOTES, card_of, cast_profiles

KEY = (SOUND.parent / "verifier-key.txt").read_text().strip()
NAMES = sorted(path.name for path in SOUND.iterdir())
ENDS = [(name, at) for name in NAMES for at in (0, (SOUND / name).stat().st_size - 1)]
DRAW = random.Random(2007)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the published archive, to be spoiled."""
    return Path(shutil.copytree(SOUND, tmp_path / "archive"))


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << DRAW.randrange(8)]) + data[at + 1 :]


def insert(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([DRAW.randrange(256)]) + data[at:]


def delete(data: bytes, at: int) -> bytes:
    return data[:at] + data[at + 1 :]


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def places(folder: Path, name: str) -> list[str]:
    return [finding.place for finding in verify(folder, KEY) if finding.where == name]


def test_the_published_archive_holds() -> None:
    report = examine(SOUND, KEY)
    assert report.findings == ()
    assert report.result is not None
    assert report.result["order"][0] == ["Library"]
    assert report.card_hash.startswith("c12a7a1aa531a79a")
    assert report.signer == "khma.example/log+d5065b4a"


def test_without_a_key_the_signature_is_left_out_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SOUND)]) == 0
    assert "signature was not checked" in capsys.readouterr().out


def test_a_result_that_waits_for_the_ledger_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / archive.LEDGER).unlink()
    assert main([str(folder), "--key", KEY]) == 0
    assert "Not yet in the ledger" in capsys.readouterr().out


@pytest.mark.parametrize("change", [flip, insert, delete])
@pytest.mark.parametrize(("name", "at"), ENDS, ids=[f"{name}-{at}" for name, at in ENDS])
def test_a_change_at_the_first_or_last_byte_is_named(
    folder: Path, change: Callable[[bytes, int], bytes], name: str, at: int
) -> None:
    path = folder / name
    path.write_bytes(change(path.read_bytes(), at))
    assert places(folder, name)


def test_a_change_anywhere_is_named(folder: Path) -> None:
    for _ in range(200):
        name, change = DRAW.choice(NAMES), DRAW.choice([flip, insert, delete])
        path, sound = folder / name, (SOUND / name).read_bytes()
        path.write_bytes(spoiled := change(sound, at := DRAW.randrange(len(sound))))
        found = list(verify(folder, KEY))
        if spoiled != sound:  # a byte inserted or deleted beside its like changes nothing only when it does
            assert name in {finding.where for finding in found}, (name, change.__name__, at)
        path.write_bytes(sound)


def test_a_changed_ballot_is_named_with_its_line_and_what_follows_from_it(folder: Path) -> None:
    ballots = (folder / archive.BALLOTS).read_bytes()
    write(folder, {archive.BALLOTS: ballots.replace(b"4:c2>c3>c1=c4", b"4:c2>c3>c4=c1")})
    assert places(folder, archive.BALLOTS) == ["SHA-256", "line 7, column 10", "line 7"]
    write(folder, {archive.BALLOTS: ballots.replace(b"4:c2>c3>c1=c4", b"4:c2>c3>c1>c4")})
    found = list(verify(folder, KEY))
    assert ("ballots.abif", "line 7") in {(finding.where, finding.place) for finding in found}
    assert Finding("pairwise.csv", "line 2, column 14", "12", "8") in found


def test_a_changed_number_is_named_with_both_sides(folder: Path) -> None:
    table = (folder / archive.PAIRWISE).read_bytes()
    write(folder, {archive.PAIRWISE: table.replace(b"Library,,8", b"Library,,9")})
    assert [str(finding) for finding in verify(folder, KEY) if "line" in finding.place] == [
        "pairwise.csv: line 2, column 10: expected 8,5,8, found 9,5,8"
    ]


def test_each_spoiled_line_is_named(folder: Path) -> None:
    card = (folder / archive.CARD).read_bytes()
    write(folder, {archive.CARD: card.replace(b"needs first", b"wants first").replace(b"Town Hall", b"Town Hell")})
    assert places(folder, archive.CARD) == ["SHA-256", "line 22", "line 27"]


def test_a_forger_who_renews_every_hash_is_stopped_by_the_ledger(folder: Path) -> None:
    forged = Profile.of(EXAMPLE.options, [([["=Bus 7"]], 99)])
    write(folder, archive.build(card_of(forged), forged))
    assert places(folder, archive.SUMS) == ["hash in the ledger"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (archive.CARD, b'"kind": "brought in"', b'"kind":"brought in"'),
        (archive.BALLOTS, b"4:c2>c3>c1=c4", b"4:c2>c3>c4=c1"),
    ],
)
def test_another_spelling_is_a_fault_even_with_every_hash_renewed(
    folder: Path, name: str, old: bytes, new: bytes
) -> None:
    (folder / archive.LEDGER).unlink()
    files = {each: (folder / each).read_bytes() for each in (archive.CARD, archive.BALLOTS, *archive.COUNTED)}
    files[name] = files[name].replace(old, new)
    files[archive.LINES] = archive.readable(archive.line_hashes(files))
    files[archive.SUMS] = archive.write_sums({each: archive.sha256(data) for each, data in files.items()})
    assert [finding.where for finding in verify(write(folder, files))] == [name]


def test_a_forged_certificate_is_found_by_the_checker_that_does_not_count(folder: Path) -> None:
    result = json.loads((folder / archive.RESULT).read_bytes())
    result["certificate"]["strengths"]["Library"]["Swimming pool"] += 1
    write(folder, {archive.RESULT: archive.readable(result)})
    assert "/certificate/next/Library/Swimming pool" in places(folder, archive.RESULT)


def test_a_hash_changed_in_the_list_is_blamed_on_the_list(folder: Path) -> None:
    sums = (folder / archive.SUMS).read_text()
    (folder / archive.LEDGER).unlink()
    for number, line in enumerate(sums.splitlines(), start=1):
        changed = ("0" if line[0] != "0" else "1") + line[1:]
        (folder / archive.SUMS).write_text(sums.replace(line, changed))
        assert [(each.where, each.place) for each in verify(folder)] == [(archive.SUMS, f"line {number}")]


@settings(max_examples=25, deadline=None)
@given(profile=cast_profiles)
def test_any_archive_that_we_build_holds(tmp_path_factory: pytest.TempPathFactory, profile: Profile) -> None:
    folder = write(tmp_path_factory.mktemp("built"), archive.build(card_of(profile), profile))
    assert list(verify(folder)) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(NAMES),
    junk=st.binary(max_size=200)
    | st.sampled_from([b"[" * 100_000, b"9" * 5000, b'{"a":1e5}', b'"\\ud800"', b"null", b"{}", b'{"pairwise": 3}'])
    | st.sampled_from([b'{"pairwise": {"a": {}}, "order": 7}', b"1:" + b"9" * 5000, b'{"titles": {"en": {}}}']),
)
def test_junk_in_place_of_a_file_is_a_finding_and_no_crash(folder: Path, name: str, junk: bytes) -> None:
    write(folder, {each: (SOUND / each).read_bytes() for each in NAMES} | {name: junk})
    assert places(folder, name)


def test_missing_and_unexpected_files_are_named(folder: Path) -> None:
    (folder / archive.PLACES).unlink()
    (folder / "notes\n.txt").write_text("mine")
    found = {(finding.where, finding.found) for finding in verify(folder, KEY)}
    assert found == {("places.csv", "nothing"), ("notes\\n.txt", "one that is not listed")}


def test_links_pipes_folders_and_giants_are_not_opened(folder: Path, tmp_path: Path) -> None:
    for name in (archive.CARD, archive.BALLOTS, archive.RESULT, archive.PLACES):
        (folder / name).unlink()
    shutil.copy(SOUND / archive.CARD, tmp_path / "elsewhere.json")
    (folder / archive.CARD).symlink_to(tmp_path / "elsewhere.json")
    os.mkfifo(folder / archive.BALLOTS)
    (folder / archive.RESULT).mkdir()
    with (folder / archive.PLACES).open("wb") as giant:
        giant.truncate(200_000_001)
    found = {finding.where: finding.found for finding in verify(folder, KEY)}
    assert found[archive.CARD] == found[archive.BALLOTS] == found[archive.RESULT] == "a link, a folder or a device"
    assert found[archive.PLACES] == "200000001 bytes"


def test_what_is_no_archive_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_archive(tmp_path / "nowhere")
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")
def test_one_byte_of_a_real_vote_is_enough(tmp_path: Path) -> None:
    name = "debian-2007_tally.txt"
    profile = read_profile((VOTES / name).read_bytes(), name)
    folder = write(tmp_path / "debian", archive.build(card_of(profile), profile))
    assert list(verify(folder)) == []
    ballots = (folder / archive.BALLOTS).read_bytes()
    line = ballots.splitlines().index(next(each for each in ballots.splitlines() if each.startswith(b"1:"))) + 1
    (folder / archive.BALLOTS).write_bytes(ballots.replace(b"\n1:", b"\n2:", 1))
    assert f"line {line}" in {each.place for each in verify(folder) if each.where == archive.BALLOTS}


def test_it_runs_as_a_program_of_its_own() -> None:
    words = [sys.executable, "-m", "results.verify", str(SOUND), "--key", KEY]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Recounted 16 ballots by the rule schulze: Library > Swimming pool > =Bus 7 > ")
