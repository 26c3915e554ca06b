"""Files with seats (.blt and Scottish wards): what they say beside the ballots, and what hostile ones cannot do.

The ways of writing and the faults are among the vectors of test_reading.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import stv
from ballots.counting.contest import Contest, Variants
from ballots.formats.errors import BallotFileError
from ballots.formats.reading import read_contest
from ballots.formats.sheet import cut_at_skips
from commons.errors import Invalid

GOOD = Path(__file__).parents[2] / "vectors" / "formats" / "good"
FILES = ["bare-names.blt", "equal-skipped-remarks.blt", "one-line.blt", "specification.blt", "ward.csv"]


def read(name: str) -> Contest:
    return read_contest((GOOD / name).read_bytes(), name)


def test_seats_and_withdrawn_are_told_by_the_file() -> None:
    algorithm_123 = read("specification.blt")
    assert (algorithm_123.seats, algorithm_123.withdrawn) == (2, {"Basil"})
    assert "Basil" in stv.count(algorithm_123).order[-1]
    assert read("one-line.blt").withdrawn == {'Basil "B." Bee'}
    assert [read(name).seats for name in ("bare-names.blt", "ward.csv", "ward-loose.csv")] == [2, 2, 1]
    assert read("ward.csv").withdrawn == frozenset()


def test_seats_that_cannot_be_filled_are_refused_by_the_count() -> None:
    for text in (b"2 3\n1 1 0\n0\nAnn\nBo\n", b"2 2\n-1\n1 2 0\n0\nAnn\nBo\n", b"2 0\n1 2 0\n0\nAnn\nBo\n"):
        with pytest.raises(Invalid, match=r"count\.seats"):
            stv.count(read_contest(text, "x.blt"))
    assert stv.count(read_contest(b"2 3\n1 1 0\n0\nAnn\nBo\n", "x.blt"), Variants(seats=1)).elected == ["Ann"]


@pytest.mark.parametrize(
    ("name", "ward"),
    [
        ("x.csv", b'3,1,\n1,,,1,,2,\n1,3,,,2,\n"Candidate 1","A",\n"Candidate 2","B",\n"Candidate 3","C",\n'),
        ("x.blt", b"3 1\n1 - - 1 - 2 0\n1 3 - - 2 0\n0\nA\nB\nC\n"),
    ],
)
def test_ranks_left_empty_close_up_or_end_the_ballot(name: str, ward: bytes) -> None:
    def ballots(max_skips: int | None) -> list[list[int]]:
        profile = read_contest(ward, name, max_skips).rankings
        assert profile is not None
        return [profile.blank, *map(list, profile.rows())]

    left_out = 255
    assert ballots(None) == ballots(3) == [0, [1, 2, left_out], [left_out, 2, 1]]
    assert ballots(2) == [1, [left_out, left_out, 1]]
    assert cut_at_skips([[1], [], [2], [], [], [3]], 1) == [[1]]


def test_a_csv_is_told_by_its_first_line() -> None:
    with pytest.raises(BallotFileError) as refused:
        read_contest(b"name,town\nAnn,Batumi\n", "x.csv")
    assert refused.value.code == "file.unknown_format"


@given(st.sampled_from(FILES), st.data())
def test_a_file_with_a_few_bytes_changed_is_counted_or_refused(name: str, data: st.DataObject) -> None:
    content = bytearray((GOOD / name).read_bytes())
    signs = st.text(alphabet='0123-=#, "\n.(', max_size=2).map(str.encode)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 2))] = data.draw(signs)
    fault, elected = count_or_refuse(bytes(content), name)
    if isinstance(fault, BallotFileError):
        assert 0 <= int(fault.facts["line"]) <= content.count(b"\n") + content.count(b"\r") + 1
    else:
        assert fault is None or fault.code == "count.seats"
        assert bool(elected) == (fault is None)


def count_or_refuse(content: bytes, name: str) -> tuple[Invalid | None, list[str]]:
    try:
        contest = read_contest(content, name)
        elected = stv.count(contest).elected or []
    except Invalid as fault:
        return fault, []
    assert len(elected) == contest.seats
    assert not contest.withdrawn & set(elected)
    return None, elected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.blt", "2 1\n1 1" + " " * 200_000 + "x"),
        ("a.blt", "2 1\n1 1" + "=" * 200_000 + " 0"),
        ("a.blt", "2 1\n1 " + "1 = " * 100_000 + "0"),
        ("a.blt", "2 1\n" + "-1 " * 100_000),
        ("a.blt", "2 1\n" + "-" * 200_000),
        ("a.blt", "2 1\n" + "9" * 200_000 + " 1 0\n"),
        ("a.blt", "2 1\n1 " + "9" * 200_000 + " 0\n"),
        ("a.blt", "2 1\n1 1 0\n0\n" + '"' * 200_001 + "\nBo\nTitle"),
        ("a.blt", "2 1\n1 1 0\n0\n" + '"A" "' * 100_000),
        ("a.blt", "#" * 200_000 + "\n" * 200_000),
        ("a.csv", "2,1," + "," * 200_000 + "x\n"),
        ("a.csv", "2,1,\n1" + "," * 200_000 + "x\n"),
        ("a.csv", "2,1,\n" + " " * 200_000 + "\n" * 200_000),
        ("a.csv", '2,1,\nCandidate 1,"' + '""' * 100_000),
        ("a.csv", "2,1,\nCandidate " + "1" * 200_000 + ",Ann"),
        ("a", " " * 200_000 + "2 1"),
    ],
)
def test_no_line_however_odd_makes_reading_slow(name: str, text: str) -> None:
    # 200,000 signs take milliseconds in one pass and hours when a pattern steps back; no clock is needed to tell.
    with pytest.raises(BallotFileError):
        read_contest(text.encode(), name)
