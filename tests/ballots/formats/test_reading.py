"""Ballot files: every way of writing is read, and every fault is one error that names its line."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ballots.counting import schulze
from ballots.counting.contest import Contest
from ballots.counting.types import UNRANKED, Profile
from ballots.formats import reading, sheet
from ballots.formats.errors import BallotFileError
from ballots.formats.reading import read_contest, read_profile
from commons.errors import Invalid

VECTORS = Path(__file__).parents[2] / "vectors" / "formats"
GOOD = json.loads((VECTORS / "good" / "expected.json").read_text(encoding="utf-8"))
BROKEN = json.loads((VECTORS / "broken" / "expected.json").read_text(encoding="utf-8"))
VOTES = Path(__file__).parents[4] / "shared" / "data" / "votes"
needs_votes = pytest.mark.skipif(not VOTES.is_dir(), reason="the published votes are not beside this checkout")


def read_published(name: str) -> Profile:
    return read_profile((VOTES / name).read_bytes(), name)


@needs_votes
def test_debian_2007_gives_the_published_order_and_first_gap() -> None:
    outcome = schulze.count(Contest(read_published("debian-2007_tally.txt")))
    assert (outcome.ballots, outcome.blank, outcome.invalid) == (482, 0, 0)
    assert [place for (place,) in outcome.order] == [
        "Sam Hocevar", "Steve McIntyre", "Raphaël Hertzog", "Wouter Verhelst", "Anthony Towns", "Gustavo Franco",
        "None Of The Above", "Simon Richter", "Aigars Mahinovs",
    ]  # fmt: skip
    first = outcome.certificate["neighbours"][0]
    assert (first["for"], first["against"], first["neither"]) == (211, 203, 68)


@needs_votes
def test_tideman_a10_gives_the_published_order_ties_and_comparisons() -> None:
    outcome = schulze.count(Contest(read_published("tideman-A10.cvotes")))
    published = json.loads((VOTES / "tideman-A10.implicit.Schulze-Winning.json").read_text())
    pairs = json.loads((VOTES / "tideman-A10.implicit.Pairwise.json").read_text())
    assert " > ".join(" = ".join(place) for place in outcome.order) == published["Ranking"]
    assert outcome.certificate["strengths"] == published["Stats"]
    assert outcome.pairwise == {a: row["win"] for a, row in pairs.items()}


@needs_votes
def test_burlington_2009_has_the_published_winner_of_all_comparisons() -> None:
    outcome = schulze.count(Contest(read_published("burlington-2009.abif")))
    montroll, kiss = "Andy Montroll (Democrat)", "Bob Kiss (Progressive)"
    assert outcome.ballots == 8980
    assert outcome.winners == [montroll]
    assert (outcome.pairwise[montroll][kiss], outcome.pairwise[kiss][montroll]) == (4067, 3477)


def write_row(row: bytes) -> str:
    places = sorted(set(row) - {UNRANKED})
    return ">".join("=".join(str(i) for i, rank in enumerate(row, start=1) if rank == place) for place in places)


@pytest.mark.parametrize("name", GOOD)
def test_each_way_of_writing_is_read(name: str) -> None:
    profile = read_profile((VECTORS / "good" / name).read_bytes(), name)
    assert {
        "options": list(profile.options),
        "ballots": {write_row(row): weight for row, weight in profile.rows().items()},
        "blank": profile.blank,
        "invalid": profile.invalid,
        "implicit": profile.implicit,
    } == GOOD[name]


@pytest.mark.parametrize("name", GOOD)
def test_the_content_tells_the_format_where_the_suffix_does_not(name: str) -> None:
    data = (VECTORS / "good" / name).read_bytes()
    assert read_profile(data, "votes.dat") == read_profile(data, name)


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_one_error_that_names_its_line(name: str) -> None:
    with pytest.raises(BallotFileError) as refused:
        read_profile((VECTORS / "broken" / name).read_bytes(), name)
    fault = refused.value
    assert {"code": fault.code, "line": fault.facts["line"]} == BROKEN[name]
    assert set(fault.facts) == {"line", "found", "expected"}
    assert "\n" not in str(fault)
    assert isinstance(fault, Invalid)


def test_every_code_has_a_broken_file_or_a_limit() -> None:
    documented = {word for word in (BallotFileError.__doc__ or "").split() if word.startswith("file.")}
    assert {fault["code"] for fault in BROKEN.values()} | {"file.too_large"} == documented


def test_a_file_beyond_the_limit_is_refused_before_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(BallotFileError) as refused:
        read_profile(b"1:A>B\n1:B>A\n", "x.abif")
    assert refused.value.facts == {"line": 0, "found": 12, "expected": 10}


def test_what_stands_in_the_file_cannot_write_control_signs_to_a_terminal() -> None:
    with pytest.raises(BallotFileError) as refused:
        read_profile(b"1:A\n\x1b[31mred" + b"x" * 500, "x.abif")
    found = str(refused.value.facts["found"])
    assert found.isprintable()
    assert len(found) == 80


SIGNS = st.text(alphabet='V:-0129aAcB>=,/*^|#[]"{}<;\\ \t\n\rOption é', max_size=80)


def read_or_refuse(data: bytes, name: str) -> None:
    """Read what can be read, and count it; refuse all else by naming a line that exists."""
    try:
        profile = read_profile(data, name)
    except BallotFileError as fault:
        line = int(fault.facts["line"])
    else:
        line = 0
        assert schulze.count(Contest(profile)).ballots == profile.ballots
    assert 0 <= line <= data.count(b"\n") + data.count(b"\r") + 1


@given(st.binary(max_size=200) | SIGNS.map(str.encode), st.sampled_from(["a.abif", "a.cvotes", "a.txt", "a"]))
@example(b"     Option 1--->: A\nV: \n", "a.txt")
@example(b'1:"\\ud800"', "a.abif")
@example("#/Candidates: A\nA * ²".encode(), "a.cvotes")
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    read_or_refuse(data, name)


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_good_file_with_a_few_bytes_changed_is_read_or_refused(name: str, data: st.DataObject) -> None:
    content = bytearray((VECTORS / "good" / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 2))] = data.draw(SIGNS.map(lambda text: text[:2].encode()))
    read_or_refuse(bytes(content), name)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.abif", '1:"' + '\\"' * 100_000),
        ("a.abif", "1:" + "[" * 200_000),
        ("a.abif", "=" + " " * 200_000 + "#"),
        ("a.abif", "1:A" + " " * 200_000 + "!:"),
        ("a.abif", "1:" + "A=" * 100_000),
        ("a.abif", "1:" + ",".join(f"A/{i}" for i in range(40_000))),
        ("a.abif", "1:" + ",".join(f"A/0.{i}" for i in range(1, 40_000))),
        ("a.cvotes", "A" + "=" * 200_000),
        ("a.cvotes", "A * " + "9" * 200_000),
        ("a.txt", "   Option 1" + "-" * 200_000 + " \nV: 1" + " " * 200_000),
        ("a.txt", "V:1\n" + "<" * 200_000 + "&gt;"),
    ],
)
def test_no_line_however_odd_makes_reading_slow(name: str, line: str) -> None:
    # 200,000 signs take milliseconds in one pass and hours when a pattern steps back; no clock is needed to tell.
    with pytest.raises(BallotFileError):
        read_profile(line.encode(), name)


PILES = {
    "a.abif": ("=A:[Ann]\n=B:[Bo]\n", ["2:A>B\n", "1:B\n", "1:\n", "# remark\n", "\n", "1:[A]=B\n"], "1:A>>B\n"),
    "b.abif": ("", ["2:A>B\n", "1:B>A\n", "3:[A]>[B]\n"], "1:A>>B\n"),
    "c.abif": ("=A:[Ann]\n=B:[Bo]\n", ["2:A/5,B/3\n", "1:A/0,B/3\n", "1:B/2\n"], "1:A/>B\n"),
    "a.cvotes": ("#/Candidates: A;B\n", ["A > B * 2\n", "B\n", "\n", "B = A\n", "/EMPTY_RANKING/\n"], "A > > B\n"),
    "b.cvotes": ("", ["A > B\n", "B > A * 3\n", "# remark\n"], "A > > B\n"),
    "a.csv": ("count,rank1,rank2\n", ["2,A,B\n", "1,B,\n", "\n", "3,B,A\n"], "1,A\n"),
    "b.csv": ("2,1,\n", ["3,1,2,\n", "2,1,\n", "\n", "1,2\n"], "1,3,\n"),
}
NAMES = {"b.csv": '"Candidate 1","A","P",\n"Candidate 2","B","P",\n"Ward",\n'}


@pytest.mark.parametrize("name", PILES)
@given(st.data())
def test_equal_lines_are_the_ballots_that_they_are_wherever_they_stand(name: str, data: st.DataObject) -> None:
    head, lines, broken = PILES[name]
    lines = [lines[0], *data.draw(st.lists(st.sampled_from(lines), max_size=12))]
    block, tail = data.draw(st.integers(1, 40)), NAMES.get(name, "")
    whole = read_contest((head + "".join(lines) + tail).encode(), name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet, "BLOCK", block)
        again = read_contest((head + "".join(lines) + tail).encode(), name)
        assert (again.rankings, again.grades) == (whole.rankings, whole.grades)
        assert whole.ballots.ballots == sum(map(ballots_of(name), lines))
        at = data.draw(st.integers(1, len(lines)))
        lines.insert(at, broken)
        with pytest.raises(BallotFileError) as refused:
            read_contest((head + "".join(lines) + tail).encode(), name)
    assert refused.value.facts["line"] == head.count("\n") + at + 1


def ballots_of(name: str) -> Callable[[str], int]:
    """How many ballots a line of PILES is."""
    if name.endswith(".cvotes"):
        return lambda line: int(line.partition("*")[2] or 1) if line.strip() and line[0] != "#" else 0
    return lambda line: int(re.match(r"\d*", line)[0] or 0)


@pytest.mark.parametrize("name", ["a.abif", "a.blt", "a.cvotes", "a.pb"])
def test_a_file_above_the_limit_of_its_format_is_read_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(reading, "LIMITS", dict.fromkeys(reading.LIMITS, 10))
    with pytest.raises(BallotFileError, match=r"file\.too_large"):
        read_contest(b"A > > B, no ballot at all", name)
    with pytest.raises(BallotFileError, match=r"file\.(?!too_large)"):
        read_contest(b"A > > B, no ballot at all", name, large=True)
