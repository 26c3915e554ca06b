"""Tables of ranks: every way of writing them, what the slips keep that rankings cannot hold, and every fault."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ballots.counting import irv
from ballots.counting.contest import Contest, Variants
from ballots.counting.slips import CUT, DONE, OVERVOTED
from ballots.counting.types import UNRANKED, Profile
from ballots.formats import rctab
from ballots.formats.errors import BallotFileError
from ballots.formats.reading import read_contest
from tests.strategies import profiles

SIGNS = {OVERVOTED: "!", CUT: "…", DONE: "."}


def read(text: str, max_skips: int | None = None) -> Contest:
    return read_contest(text.encode(), "a.csv", max_skips)


def describe(contest: Contest) -> dict[str, int]:
    """Write slips as "A!B." (A, a rank with several, B, nothing more), each with its number of ballots."""
    slips = contest.slips
    found: dict[str, int] = {}
    for row, weight in zip(slips.marks.tolist(), slips.weights.tolist(), strict=True):
        words = "".join(SIGNS.get(mark) or slips.options[mark] for mark in row)
        found[re.split("(?<=[.…])", words)[0]] = weight
    return found


PLAIN = {"A.": 4, "BA.": 1}


@pytest.mark.parametrize(
    "text",
    [
        "count,rank1,rank2\n4,A,undervote\n1,B,A\n",
        "\ufeffrank1,rank2,count\r\nA,,3\r\n\r\nB,A,1\r\nA,skipped,1\r\n",
        "Source Filepath,Precinct,Rank 1,Rank 2\n" + 'x,"P, 1",A,Undervote\n' * 4 + "x,P,B,A\n",
        '"Ward 3 1st Choice","2nd Choice MAYOR, CITY",Count\nA,blank,4\nB,A,1\n',
        "Choice_2;Choice_1;Weight\n;A;4\nA;B;1\n",
        "First choice\tSecond choice\tBallots\nA\t\t4\nB\tA\t1\n",
        "Mayor: Choice 1 of 2,Mayor: Choice 2 of 2\n" + "A,\n" * 4 + 'B,"A"\n',
        "count,rank1,rank2,rank3\n4,A,A,A\n1,B,undervote,A\n",
    ],
)
def test_each_way_of_writing_is_read(text: str) -> None:
    contest = read(text)
    assert sorted(contest.rankings.options) == ["A", "B"]
    assert describe(contest) == PLAIN
    assert contest.rankings == Profile.of(contest.rankings.options, [([["A"]], 4), ([["B"], ["A"]], 1)])
    assert read_contest(text.encode(), "votes.dat").rankings == contest.rankings


@pytest.mark.parametrize(
    ("ranks", "max_skips", "slip", "ranking"),
    [
        ("A,overvote,B", None, "A!B.", [["A"], ["B"]]),
        ("A,B|C,A", None, "A!.", [["A"], ["B", "C"]]),
        ("A // B,A,C", None, "!AC.", [["A", "B"], ["C"]]),
        ("B/C,A,", None, "!A.", [["B", "C"], ["A"]]),
        ("A|A,B,", None, "AB.", [["A"], ["B"]]),
        ("overvote,,overvote", None, "!!.", None),
        (",,A", None, "A.", [["A"]]),
        (",,A", 3, "A.", [["A"]]),
        (",,A", 2, "…", None),
        ("A,,B", 1, "A…", [["A"]]),
        ("A,B,", 1, "AB.", [["A"], ["B"]]),
        (",A,", 1, "…", None),
        ("overvote,,A", 2, "!A.", [["A"]]),
        (",overvote,A", 1, "…", None),
    ],
)
def test_overvoted_skipped_and_repeated_ranks(
    ranks: str, max_skips: int | None, slip: str, ranking: list[list[str]] | None
) -> None:
    contest = read(f"count,rank1,rank2,rank3\n1,A,B,C\n2,,,\n7,{ranks}\n", max_skips)
    told = describe(contest)
    del told["ABC."]
    assert told == {slip: 7}
    whole = ([["A"], ["B"], ["C"]], 1)
    expected = (
        Profile.of("ABC", [whole], blank=2, invalid=7)
        if ranking is None
        else Profile.of("ABC", [whole, (ranking, 7)], blank=2)
    )
    assert contest.rankings == expected
    outcome = irv.count(contest, Variants(max_skips=max_skips))
    assert (outcome.ballots, outcome.blank, outcome.invalid, outcome.counted) == (10, 2, 0, 8)


def test_only_ranks_left_empty_in_a_row_end_a_ballot() -> None:
    text = "rank1,rank2,rank3,rank4,rank5\n,A,,B,\n,B,,,A\n"
    assert describe(read(text, 2)) == {"AB.": 1, "B…": 1}


def test_a_slash_in_a_name_is_no_overvote_unless_both_halves_are_options() -> None:
    assert read("rank1,rank2\nWalz/Flanagan,A\nA,\n").rankings.options == ("Walz/Flanagan", "A")


@pytest.mark.parametrize("name", ["UWI", "Undeclared Write-ins", "undeclared_write-in"])
def test_undeclared_write_ins_are_an_option_that_nobody_can_elect(name: str) -> None:
    contest = read(f"rank1\n{name}\nWrite-in\n")
    assert contest.slips.undeclared == (name,)
    assert contest.rankings.options == (name, "Write-in")


@given(profiles(names=st.sampled_from("ABCDEFGH")), st.sampled_from(["exhaust", "skip"]))
def test_a_table_says_the_same_as_the_rankings_it_was_made_from(profile: Profile, overvote: str) -> None:
    m = len(profile.options)
    lines = ["count," + ",".join(f"rank{i + 1}" for i in range(m))]
    # One line that names all, in their order: so that the table knows them as the profile does.
    lines.append("1," + ",".join(profile.options))
    for row, weight in profile.rows().items():
        places = ["|".join(profile.options[i] for i in range(m) if row[i] == rank) for rank in range(1, m + 1)]
        lines.append(f"{weight}," + ",".join(places))
    rows = profile.rows()
    straight = bytes(range(1, m + 1))
    rows[straight] = rows.get(straight, 0) + 1
    expected = Profile.of_rows(profile.options, rows)
    contest = read("\n".join(lines))
    assert contest.rankings == expected
    variants = Variants(overvote=overvote)
    assert irv.count(contest, variants).as_json() == irv.count(Contest(expected), variants).as_json()
    assert UNRANKED == DONE


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("count,rank1\n-4,A\n", "number", 2),
        ("count,rank1\n3,A\nmany,A\n", "number", 3),
        ("count,rank1\n0,A\n", "number", 2),
        ("count,rank1\n" + "9" * 15_000 + ",A\n", "number", 2),
        ("count,rank1,rank2\n3,A\n", "line", 2),
        ("count,rank1\n\n3,A,B\n", "line", 3),
        ('rank1,rank2\nA,"B\nC",D\n', "line", 2),
        ('rank1,rank2\n"A"x,B\n', "line", 2),
        ("rank1,rank3\nA,B\n", "line", 1),
        ("rank1,rank1\nA,B\n", "repeated", 1),
        ("count,rank1,ballots\n1,A,1\n", "repeated", 1),
        ("rank1\nA\nB\x1b[31m\n", "option", 3),
        ("rank1\n" + "A" * 501 + "\n", "option", 2),
        ("rank1\n" + "A" * 20_001 + "\n", "line", 2),
        ("rank1\n" + "\n".join(f"A{i}" for i in range(201)), "no_options", 202),
        ("rank1\n" + "\n".join(f"A{i}|B" for i in range(20_001)), "too_large", 20_002),
        ("count,rank1\n", "no_options", 0),
        ("count,rank1\n3,undervote\n", "no_options", 0),
        ("4207,A,B\n12,B,A\n", "unknown_format", 0),
        ("a," * 10_000 + "rank1\nA\n", "line", 1),
        (" " * 200_000, "unknown_format", 0),
        ("rank" * 50_000, "unknown_format", 0),
        ("1" * 200_000, "unknown_format", 0),
    ],
)
def test_each_fault_is_one_error_that_names_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(BallotFileError) as refused:
        read(text)
    assert (refused.value.code, refused.value.facts["line"]) == (f"file.{code}", line)


def test_more_different_ballots_than_can_be_held_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rctab, "MAX_MARKS", 2)
    with pytest.raises(BallotFileError, match=r"file\.too_large"):
        read("rank1,rank2\nA,B\nB,A\nA,\n")


CELLS = st.sampled_from(
    ["A", "B", "A|B", "A/B", "", "overvote", "undervote", '"', '"A,B"', "UWI", "-1", "3", "é", "\x01"]
)


@given(
    st.sampled_from(["count,rank1,rank2", "rank1,rank2", "Rank 1;count", '"1st choice",x']),
    st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), max_size=6),
    st.none() | st.integers(0, 3),
)
@example("rank1,rank2", ["|,|"], None)
@example("rank1,rank2", ["overvote,", "A,"], 0)
def test_any_table_is_read_and_counted_or_refused(head: str, lines: list[str], max_skips: int | None) -> None:
    try:
        contest = read("\n".join([head, *lines]), max_skips)
    except BallotFileError as fault:
        line = int(fault.facts["line"])
    else:
        line = 0
        outcome = irv.count(contest, Variants(max_skips=max_skips or None))
        assert outcome.ballots == contest.rankings.ballots
    assert 0 <= line <= len(lines) + 1
