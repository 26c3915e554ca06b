"""Recounting an archive: it agrees, or each changed figure is named; whatever lies there, it ends in sentences."""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results import recount as program
from results.recount import Archive, check, main, read_abif, recount
from tests.results.test_recount import tallies

ROOT = Path(__file__).parents[2]
ARCHIVES = ROOT / "tests" / "vectors" / "archive-v0"
PROGRAM = ROOT / "results" / "recount.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of a published archive, to be spoiled."""
    return Path(shutil.copytree(ARCHIVES / "sound", tmp_path / "archive"))


def find(folder: Path) -> list[str]:
    archive = Archive(folder)
    check(archive)
    return archive.changed


def seal(folder: Path) -> None:
    """Write the hashes anew, as somebody would who changes a figure and wants it not to be found."""
    (folder / "ledger.json").unlink(missing_ok=True)
    (folder / "lines.json").unlink(missing_ok=True)
    names = sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(sums)


def leaves(value: object, *path: str | int) -> Iterator[tuple[Any, ...]]:
    """Walk to every single value."""
    if not isinstance(value, dict | list):
        yield path
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(inner, *path, key)


def another(value: object) -> object:
    return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value or ''}7"


def make_archive(folder: Path, rule: str, text: str, **asked: object) -> Path:
    """Lay an archive of a rule beside the published one: what it says is what this program counts."""
    pile = read_abif(text)
    count = recount(rule, pile, asked)
    card = json.loads((folder / "card.json").read_text("utf-8")) | {"rule": rule, "options": pile.options}
    tallied = [{"tally": {name: str(n) for name, n in tally.items()}, "elected": []} for tally in tallies(count)]
    result = {"rule": rule, "options": pile.options, **program.count_ballots(pile), "order": count.order,
              "winners": count.order[0] if count.elected is None else count.elected, "rounds": tallied or None,
              "pairwise": count.pairwise, "certificate": {"variants": asked}}  # fmt: skip
    (folder / "pairwise.csv").unlink()
    if count.pairwise:
        with (folder / "pairwise.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(program.write_table(count.pairwise, pile.options))
    (folder / "ballots.abif").write_text(text, "utf-8")
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    (folder / "result.json").write_text(json.dumps(result), "utf-8")
    figures = {**program.count_tops(pile), **(count.figures or {})}
    columns = program.COLUMNS.get(rule, program.RANKED)
    rows, place = [",".join(["place", "option", *columns])], 1
    for names in count.order:
        told = {name: [figures[each][name] for each in columns] for name in names}
        rows += [",".join(map(str, [place, program.cell(name), *told[name]])) for name in names]
        place += len(names)
    (folder / "places.csv").write_text("\r\n".join(rows), "utf-8")
    seal(folder)
    return folder


def test_the_published_archive_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ARCHIVES / "sound")]) == 0
    assert "Library > Swimming pool > =Bus 7" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "said"), [
    ("sealed-full", "Found again from pairwise.csv: the order"), ("sealed-order", "it needs the ballots"),
    ("sealed-shut", "nothing to recount"),
])  # fmt: skip
def test_a_sealed_vote_is_not_recounted_and_that_is_said(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(ARCHIVES / name)]) == 2
    out = capsys.readouterr().out
    assert said in out
    assert "CHANGED" not in out
    assert (name == "sealed-shut") or "recounted by: nobody" in out


@pytest.mark.parametrize("name", ["sound", "sealed-full", "sealed-order"])
def test_every_changed_figure_of_the_result_is_named(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ARCHIVES / name, tmp_path / "archive"))
    seal(folder)
    assert find(folder) == []
    text = (folder / "result.json").read_text("utf-8")
    paths = list(leaves(json.loads(text)))
    assert len(paths) > 10
    for path in paths:
        result = inner = json.loads(text)
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = another(inner[path[-1]])
        (folder / "result.json").write_text(json.dumps(result), "utf-8")
        seal(folder)
        place = " > ".join(str(key + 1) if isinstance(key, int) else key for key in path)
        named = [fault.split(": there stands")[0] for fault in find(folder)]
        assert f"result.json: {place}" in named, (path, named)


@pytest.mark.parametrize(
    ("name", "file"),
    [("sound", "pairwise.csv"), ("sound", "places.csv"), ("sealed-full", "pairwise.csv"), ("sealed-full", "places.csv"),
     ("sealed-order", "places.csv")],
)  # fmt: skip
def test_every_changed_cell_of_a_table_is_named(name: str, file: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ARCHIVES / name, tmp_path / "archive"))
    rows = list(csv.reader(io.StringIO((folder / file).read_bytes().decode(), newline="")))
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            spoiled = [list(each) for each in rows]
            spoiled[i][j] = "9" + cell
            out = io.StringIO(newline="")
            csv.writer(out).writerows(spoiled)
            (folder / file).write_bytes(out.getvalue().encode())
            seal(folder)
            assert any(fault.startswith(f"{file}: ") for fault in find(folder)), (i, j)


def test_a_changed_comparison_of_a_sealed_vote_is_named_on_both_sides(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ARCHIVES / "sealed-full", tmp_path / "archive"))
    data = (folder / "pairwise.csv").read_bytes()
    (folder / "pairwise.csv").write_bytes(data.replace(b"29,29,29", b"29,29,28").replace(b",,25", b",,24"))
    seal(folder)
    faults = find(folder)
    assert "result.json: pairwise > Night bus > Clinic: there stands 25, there follows 24" in faults
    assert any(fault.startswith("pairwise.csv: Night bus, Clinic: there stands 24") for fault in faults)


def test_a_chain_that_is_weaker_than_it_could_be_is_named(folder: Path) -> None:
    result = json.loads((folder / "result.json").read_text("utf-8"))
    result["certificate"]["next"]["Library"]["=Bus 7"] = "=Bus 7"  # 5 to 4, where 8 to 4 and 9 to 3 lead there too
    (folder / "result.json").write_text(json.dumps(result), "utf-8")
    seal(folder)
    assert find(folder) == [
        "result.json: certificate > next > Library > =Bus 7: there stands =Bus 7, there follows a step on a chain of 8"
    ]


@pytest.mark.parametrize("name", ["roll", "took_part", "box", "unreadable"])
def test_numbers_of_the_minutes_are_those_of_the_lists(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ARCHIVES / "sealed-full", tmp_path / "archive"))
    minutes = json.loads((folder / "minutes.json").read_text("utf-8"))
    (folder / "minutes.json").write_text(json.dumps(minutes | {name: minutes[name] + 1}), "utf-8")
    seal(folder)
    assert len(find(folder)) in (1, 2)


SOUND_BALLOTS = (ARCHIVES / "sound" / "ballots.abif").read_text("utf-8")


@pytest.mark.parametrize(("rule", "asked"), [("irv", {}), ("irv", {"batch": True}), ("stv", {"seats": 2}),
                                              ("stv", {"seats": 3, "transfer": "wigm"})])  # fmt: skip
def test_every_changed_tally_of_a_round_is_named(rule: str, asked: dict[str, Any], folder: Path) -> None:
    make_archive(folder, rule, SOUND_BALLOTS, **asked)
    assert find(folder) == []
    text = (folder / "result.json").read_text("utf-8")
    for i, told in enumerate(json.loads(text)["rounds"]):
        for name in told["tally"]:
            result = json.loads(text)
            result["rounds"][i]["tally"][name] = "1/7"
            (folder / "result.json").write_text(json.dumps(result), "utf-8")
            seal(folder)
            assert [fault.split(": there")[0] for fault in find(folder)] == [f"result.json: rounds > {i + 1} > {name}"]
    result = json.loads(text)
    del result["rounds"][-1]
    (folder / "result.json").write_text(json.dumps(result), "utf-8")
    assert any("rounds > " in fault for fault in find(folder))


@pytest.mark.parametrize("rule", ["plurality", "approval", "borda"])
def test_other_rules_agree_and_say_what_they_leave_unexamined(
    rule: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "=c1:[A]\n=c2:[B]\n=c3:[C]\n5:c1\n4:c2=c3\n1:\n"
    make_archive(folder, rule, text)
    assert main([str(folder)]) == 0
    assert "does not examine that of this rule" in capsys.readouterr().out


def test_a_changed_ballot_is_named_by_its_line_and_all_that_follows(folder: Path) -> None:
    text = (folder / "ballots.abif").read_text("utf-8")
    (folder / "ballots.abif").write_text(text.replace("4:c2>c3", "3:c2>c3"), "utf-8")
    faults = [fault.split(": there stands")[0] for fault in find(folder)]
    assert {
        "ballots.abif: the whole file",
        "ballots.abif: line 7",
        "result.json: counted",
        "pairwise.csv: line 3 (Swimming pool), Library",
        "places.csv: line 3 (2, Swimming pool), first",
    } <= {*faults}


def test_a_forged_list_of_hashes_is_named_by_the_ledger(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text((folder / "SHA256SUMS").read_text() + "\n")
    assert any("says ledger.json" in fault for fault in find(folder))


# Whatever lies there, it ends in sentences


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("result.json", b"[" * 100_000),
        ("result.json", b'{"order": 1, "order": 2}'),
        ("result.json", b'{"rule": "schulze", "ballots": ' + b"9" * 5_000 + b"}"),
        ("result.json", b'{"rule": "schulze", "certificate": {"next": [1], "neighbours": [1]}, "rounds": [1, {}]}'),
        ("result.json", b"\xff\xfe"),
        ("card.json", b"[]"),
        ("card.json", b'{"rule": ["schulze"], "options": ["A"]}'),
        ("card.json", b'{"rule": "unheard of", "options": ["Library"]}'),
        ("ballots.abif", b"=c1:[A]\n1:c1>c1\n"),
        ("ballots.abif", b"=c1:[A]\n0:c1\n"),
        ("ballots.abif", b"=c1:[A]\n" + b"9" * 400 + b":c1\n"),
        ("ballots.abif", b'=c1:"\\ud800"\n1:c1\n'),
        ("ballots.abif", b""),
        ("pairwise.csv", b'"'),
        ("places.csv", b""),
        ("places.csv", b"a" * 200_000),
        ("lines.json", b'{"ballots.abif": 5}'),
        ("lines.json", b'{"../../etc": ["x"], "ballots.abif": [1, null]}'),
        ("SHA256SUMS", b"0" * 64 + b"  ../../../etc/passwd\n"),
        ("ledger.json", b'{"words": []}'),
    ],
)
def test_hostile_files_end_in_sentences(
    name: str, data: bytes, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_bytes(data)
    assert main([str(folder)]) == 1
    assert "CHANGED" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["card.json", "ballots.abif", "places.csv", "SHA256SUMS"])
def test_only_plain_files_are_opened(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert main([str(folder)]) in (1, 2)
    assert "not a plain file" in capsys.readouterr().out


def test_an_empty_folder_cannot_be_recounted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == main([str(tmp_path / "nowhere")]) == 2
    assert "Cannot recount" in capsys.readouterr().out


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_spoiled_byte_is_a_traceback(data: st.DataObject, folder: Path) -> None:
    name = data.draw(st.sampled_from(sorted(path.name for path in (ARCHIVES / "sound").iterdir())))
    original = (ARCHIVES / "sound" / name).read_bytes()
    at, sign = data.draw(st.integers(0, len(original) - 1)), data.draw(st.binary(max_size=3))
    if original[at : at + 1] != sign:
        (folder / name).write_bytes(original[:at] + sign + original[at + 1 :])
        assert (main([str(folder)]) == 1) or name == "ledger.json"
        (folder / name).write_bytes(original)


@pytest.mark.parametrize(
    "text", ["", "5:c1", "=c1:[A]\nwhat", "=c1:[A]\n=c1:[B]", "=c1:[A]\n1:c1/x", "=c1:[A]\n=c2:[B]\n1:c1/5,c2"]
)
@pytest.mark.parametrize("suffix", ["abif", "pb"])
def test_a_broken_file_is_one_sentence(
    text: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"file.{suffix}"
    path.write_text(text)
    assert main(["--rule", "borda", str(path)]) in (1, 2)
    assert len(capsys.readouterr().out.splitlines()) <= 2


def test_it_runs_on_a_bare_interpreter(folder: Path) -> None:
    shutil.copy(PROGRAM, folder)
    command = [sys.executable, "-I", "-S", str(folder / "recount.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8", env={"LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Recounted 16 ballots by the rule schulze" in done.stdout
    file = [*command, "--rule", "stv", "--seats", "2", str(folder / "ballots.abif")]
    assert json.loads(subprocess.run(file, capture_output=True, check=True).stdout)[0] == ["Library"]
