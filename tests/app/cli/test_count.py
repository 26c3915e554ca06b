"""`khma count`: real votes as published, the same JSON as in an archive, and one line for a file that is broken."""

import json
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
