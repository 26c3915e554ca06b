"""`khma count`: real votes as published, the same JSON as in an archive, and one line for a file that is broken."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app.cli.count import count

SOUND = Path(__file__).parents[2] / "vectors" / "archive-v0" / "sound"
VOTES = Path(__file__).parents[4] / "shared" / "data" / "votes"
KEYS = "rule options ballots blank invalid counted order winners rounds pairwise certificate"
needs_votes = pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")


@needs_votes
def test_debian_2007_has_the_published_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert count(["--rule", "schulze", "--json", str(VOTES / "debian-2007_tally.txt")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(KEYS.split())
    assert found["winners"] == ["Sam Hocevar"]
    assert found["order"][:2] == [["Sam Hocevar"], ["Steve McIntyre"]]
    pairs = found["pairwise"]
    assert (pairs["Sam Hocevar"]["Steve McIntyre"], pairs["Steve McIntyre"]["Sam Hocevar"]) == (211, 203)


@needs_votes
def test_tideman_a10_has_the_published_ties(capsys: pytest.CaptureFixture[str]) -> None:
    assert count(["--rule", "schulze", "--json", str(VOTES / "tideman-A10.cvotes")]) == 0
    order = json.loads(capsys.readouterr().out)["order"]
    published = "14 > 1 = 13 > 7 > 16 > 4 > 6 > 17 > 19 > 9 > 18 > 15 > 3 > 2 = 10 > 12 > 11 > 5 > 8"
    assert " > ".join(" = ".join(place) for place in order) == published


def test_json_is_the_archive_s_own_result_but_says_null_of_rounds_that_a_rule_has_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert count(["--rule", "schulze", "--json", str(SOUND / "ballots.abif")]) == 0
    published = json.loads((SOUND / "result.json").read_bytes())
    assert json.loads(capsys.readouterr().out) == published | {"rounds": None}


def test_plain_text_tells_the_order_the_pairs_and_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet = tmp_path / "votes.abif"
    sheet.write_text("=A:[Pool]\n=B:[Bus]\n=C:[Park]\n5:A>B=C\n2:B=C>A\n1:\n")
    assert count(["--rule", "schulze", str(sheet)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "8 ballots: 7 counted, 1 blank, 0 invalid."
    assert said[2:4] == ["   1  Pool", "   2  Bus = Park"]
    assert "Pool before Bus: 5 to 2, 0 gave no order" in said
    assert "Bus ties with Park: 0 to 0, 7 gave no order" in said
    assert "  1  Pool · 5 5" in said
    assert said[-1] == "Certificate: holds, says the checker that does not count."


def test_a_chain_is_told_where_it_decides(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet = tmp_path / "votes.abif"
    sheet.write_text(
        "5:A>C>B>E>D\n5:A>D>E>C>B\n8:B>E>D>A>C\n3:C>A>B>E>D\n7:C>A>E>B>D\n2:C>B>A>D>E\n7:D>C>E>B>A\n8:E>B>A>D>C\n"
    )
    assert count(["--rule", "schulze", str(sheet)]) == 0
    said = capsys.readouterr().out
    assert "E before A: 23 to 22, 0 gave no order; strongest chains " in said


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("votes.abif", b"=A:[Pool]\n3:A>>A\n", "Line 2"),
        ("votes.txt", b"\xff\xfe junk", ".abif"),
        ("votes.abif", b"=A:[Pool]\n3:<b>&\n", "<b>&"),
        ("nowhere.txt", None, "No such file"),
        (".", None, "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_counted_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert count(["--rule", "schulze", str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"khma count: {tmp_path / name}: ")
    assert said.err.count("\n") == 1
    assert told in said.err


def test_an_unknown_rule_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert count(["--rule", "coin", str(SOUND / "ballots.abif")]) == 2
    assert "coin" in (said := capsys.readouterr().err)
    assert "schulze" in said


def say(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert count(list(argv)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--rule", "irv", "--frobnicate"], "--frobnicate"),
        (["--rule", "stv", "--seats", "abc"], "abc"),
        (["--rule", "stv", "--seats", "1" * 5000], "--seats"),
        (["--rule", "schulze", "--seat", "1"], "--seat"),
        ([], "--rule"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, argv: list[str], told: str
) -> None:
    sheet = tmp_path / "votes.abif"
    sheet.write_text("2:A>B\n")
    with pytest.raises(SystemExit, match="2"):
        count([*argv, str(sheet)])
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert told in said.err
    assert len(said.err) < 400


def test_a_pipe_and_a_folder_without_ballots_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "votes.abif")
    for path, told in ((tmp_path / "votes.abif", "Not a plain file"), (tmp_path, "card.json")):
        assert count(["--rule", "irv", str(path)]) == 2
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1


def test_who_reads_may_stop_early() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "app.cli", "count", "--rule", "schulze", str(SOUND / "ballots.abif")]
    said = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (said.stderr, said.returncode) == (b"", 0)


def test_rounds_tell_each_figure_under_its_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet = tmp_path / "votes.abif"
    sheet.write_text("4:A>B\n3:B>A\n2:C>B\n1:C\n")
    lines = say(capsys, "--rule", "irv", str(sheet)).splitlines()
    first = lines[lines.index("Round 1") : lines.index("Round 2")]
    assert first[1:5] == ["  tally:", "    A  4", "    B  3", "    C  3"]
    assert "    C -> B: 2" in lines
    assert any(line.startswith("B before A: ") for line in lines)


def test_rules_without_rounds_tell_their_figures_and_reasons(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    grades = tmp_path / "grades.abif"
    grades.write_text("2:A/5,B/3\n1:A/0,B/4\n")
    said = say(capsys, "--rule", "majority-judgment", str(grades))
    assert "grade 5, above 0, below 1" in said
    assert "A before B: " in said
    budget = tmp_path / "town.pb"
    budget.write_text(
        "META\nkey;value\nbudget;9\nvote_type;approval\nPROJECTS\nproject_id;cost;name\n"
        "x;4;\x1b[31mPool\ny;5;Bus\nVOTES\nvoter_id;vote\n1;x\n2;x,y\n3;y\n"
    )
    said = say(capsys, "--rule", "equal-shares", str(budget))
    assert "price" in said
    assert "supporters" in said
    assert "\x1b" not in said


def test_a_published_result_is_counted_by_its_card(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    published = json.loads((SOUND / "result.json").read_bytes())
    pack = tmp_path / "result.zip"
    with zipfile.ZipFile(pack, "w") as file:
        for each in SOUND.iterdir():
            file.writestr(f"result/{each.name}", each.read_bytes())
    for path in (SOUND, pack):
        assert json.loads(say(capsys, "--json", str(path)))["order"] == published["order"]
        assert json.loads(say(capsys, "--json", "--rule", "borda", str(path)))["rule"] == "borda"


def test_what_a_card_promised_besides_is_heeded_and_the_hand_goes_before_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "card.json").write_text('{"rule": "stv", "terms": {"seats": 2}}')
    (tmp_path / "ballots.abif").write_text("3:A>B>C\n2:B>A>C\n1:C\n")
    assert len(json.loads(say(capsys, "--json", str(tmp_path)))["winners"]) == 2
    assert len(json.loads(say(capsys, "--json", "--seats", "1", str(tmp_path)))["winners"]) == 1


@pytest.mark.parametrize("card", ["", "[]", "{}", '{"rule": []}', '{"rule": "coin"}', "[" * 100_000])
def test_a_card_that_says_nothing_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, card: str) -> None:
    (tmp_path / "card.json").write_text(card)
    (tmp_path / "ballots.abif").write_text("3:A>B\n")
    assert count([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_sealed_vote_has_nothing_to_count(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sealed = SOUND.parent / "sealed-full"
    pack = tmp_path / "result.zip"
    with zipfile.ZipFile(pack, "w") as file:
        file.write(sealed / "card.json", "card.json")
    for path in (sealed, pack):
        assert count([str(path)]) == 2
        assert "khma verify" in capsys.readouterr().err


def test_a_zip_that_lies_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as file:
        for number in range(3000):
            file.writestr(f"{number}", b"")
    for data in (room.getvalue(), b"PK\3\4junk", b"PK\5\6" + b"\xff" * 18):
        (tmp_path / "a.zip").write_bytes(data)
        assert count([str(tmp_path / "a.zip")]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "its list of files" in said


def test_a_file_above_the_limit_of_its_format_is_refused_at_once_unless_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sheet = tmp_path / "votes.abif"
    sheet.write_text("1:A>B\n" * 1_500_001)
    assert count(["--rule", "irv", str(sheet)]) == 2
    assert "9000000" in capsys.readouterr().err
    assert "1500001 ballots: 1500001 counted" in say(capsys, "--rule", "irv", "--large", str(sheet))
