"""Pabulib: the published budgets, every type of vote, every fault by its line, and what we write read back."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ballots.counting.contest import Contest, Grades, Money
from ballots.counting.types import Profile
from ballots.formats import pabulib
from ballots.formats.errors import BallotFileError
from ballots.formats.reading import read_contest

VOTES = Path(__file__).parents[4] / "shared" / "data" / "votes"
needs_votes = pytest.mark.skipif(not VOTES.is_dir(), reason="the published votes are not beside this checkout")

BUDGET = """\
META
key;value
budget;100
vote_type;{kind}
{limits}
PROJECTS
name;project_id;votes;cost
"The ""big"" park; and pond";1;3;60
;b 2;0;12,5
Library;x;1;30.25
VOTES
{columns}
{votes}
"""


def make(kind: str, votes: str, limits: str = "unit;X", columns: str = "voter_id;vote") -> bytes:
    return BUDGET.format(kind=kind, votes=votes, limits=limits, columns=columns).encode()


def given_marks(contest: Contest) -> dict[tuple[int, ...], int]:
    grades = contest.grades
    assert grades is not None
    return dict(zip(map(tuple, grades.grades.tolist()), grades.weights.tolist(), strict=True))


@needs_votes
@pytest.mark.parametrize(
    ("name", "projects", "ballots", "budget", "first"),
    [
        ("poland_wieliczka_2023.pb", 64, 6586, 1_000_000, ("24", 720)),
        ("poland_lodz_2022_rokicie.pb", 13, 1962, 567_000, ("G003RO", 785)),
        ("poland_krakow_2019_podgorze-duchackie.pb", 19, 2739, 1_214_300, ("6", 2203)),
    ],
)
def test_published_budgets_have_their_published_totals(
    name: str, projects: int, ballots: int, budget: int, first: tuple[str, int]
) -> None:
    contest = read_contest((VOTES / name).read_bytes(), name)
    grades = contest.grades
    assert (len(grades.options), grades.ballots, grades.blank, grades.invalid) == (projects, ballots, 0, 0)
    assert contest.money.budget == budget
    assert (grades.options[0], int(grades.grades[:, 0].astype(int) @ grades.weights)) == first
    assert contest.labels[grades.options[0]]


def test_fields_in_quotes_other_columns_and_decimals_are_read() -> None:
    contest = read_contest(make("approval", "1;1,x\n2; x , 1\n3;\n4;b 2"), "a.pb")
    assert contest.grades.options == ("1", "b 2", "x")
    assert contest.labels == {"1": 'The "big" park; and pond', "x": "Library"}
    assert contest.money == Money(Fraction(100), (Fraction(60), Fraction(25, 2), Fraction(121, 4)))
    assert given_marks(contest) == {(1, 0, 1): 2, (0, 1, 0): 1}
    assert (contest.grades.top, contest.grades.blank, contest.rankings) == (1, 1, None)


def test_columns_stand_in_any_order_and_the_text_tells_the_format() -> None:
    data = make("approval", "x;7;F\n;8;M", columns="vote;voter_id;sex").replace(b"\n", b"\r\n")
    contest = read_contest(b"\xef\xbb\xbf" + data, "budget.txt")
    assert given_marks(contest) == {(0, 0, 1): 1}
    assert contest.grades.blank == 1


@pytest.mark.parametrize(
    ("limits", "votes", "marks", "top"),
    [
        ("max_length;3", "1;x,1,b 2\n2;1", {(2, 1, 3): 1, (3, 0, 0): 1}, 3),
        ("max_length;2", "1;x,1", {(1, 0, 2): 1}, 2),
        ("scoring_fn;Borda", "1;x", {(0, 0, 3): 1}, 3),
    ],
)
def test_ordinal_votes_give_points_from_the_longest_length_down(
    limits: str, votes: str, marks: dict[tuple[int, ...], int], top: int
) -> None:
    contest = read_contest(make("ordinal", votes, limits), "a.pb")
    assert given_marks(contest) == marks
    assert contest.grades.top == top
    rankings = [
        [[p for p, g in zip(("1", "b 2", "x"), row, strict=True) if g == t] for t in range(top, 0, -1)] for row in marks
    ]
    assert contest.rankings == Profile.of(("1", "b 2", "x"), [(ranking, 1) for ranking in rankings])


@pytest.mark.parametrize("kind", ["cumulative", "scoring"])
def test_points_are_read_beside_the_projects(kind: str) -> None:
    data = make(kind, "1;1,x;7,3\n2;x;5.0\n3;;\n4;x,1;0,0", "max_points;10", "voter_id;vote;points")
    contest = read_contest(data, "a.pb")
    assert given_marks(contest) == {(7, 0, 3): 1, (0, 0, 5): 1}
    assert (contest.grades.top, contest.grades.blank) == (10, 2)


@pytest.mark.parametrize(
    ("kind", "limits", "vote"),
    [
        ("approval", "max_length;1", "1,x"),
        ("approval", "min_length;2", "1"),
        ("approval", "max_sum_cost;72.4", "1,b 2"),
        ("choose-1", "unit;X", "1,x"),
        ("ordinal", "max_length;1", "1,x"),
        ("cumulative", "max_sum_points;9", "1,x;5,5"),
        ("cumulative", "max_points;4", "1,x;5,1"),
        ("scoring", "min_points;2", "1,x;5,1"),
    ],
)
def test_a_vote_against_the_limits_of_its_own_file_is_kept_as_invalid(kind: str, limits: str, vote: str) -> None:
    contest = read_contest(make(kind, f"1;{vote}\n2;;", limits, "voter_id;vote;points"), "a.pb")
    assert (contest.grades.invalid, contest.grades.blank, contest.grades.counted) == (1, 1, 0)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("budget;100", "budget;-100", "line", 3),
        ("budget;100", "unit;Y", "line", 0),
        ("budget;100", "budget;1e9", "line", 3),
        ("vote_type;approval", "vote_type;dice", "line", 4),
        ("unit;X", "max_length;many", "line", 5),
        ("unit;X", "scoring_fn;dice", "line", 5),
        ("unit;X", "default_score;3", "line", 5),
        (";b 2;0;12,5", ";b 2;0;free", "line", 9),
        (";b 2;0;12,5", ";b 2;0", "line", 9),
        (";b 2;0;12,5", ";1;0;5", "repeated", 9),
        (";b 2;0;12,5", ";;0;5", "option", 9),
        (";b 2;0;12,5", ';"a,b";0;5', "option", 9),
        ("name;project_id;votes;cost", "name;project_id;votes;price", "line", 7),
        ("voter_id;vote", "voter_id;choice", "line", 12),
        ("2;x", "2;y", "unknown_option", 14),
        ("2;x", "2;x,x", "repeated", 14),
        ("2;x", "2", "line", 14),
        ("1;1\n2;x\n", "", "no_ballots", 0),
        ("PROJECTS", "PROJEKTY", "line", 11),
        ("META", "VOTES", "line", 1),
        ("VOTES", "", "line", 12),
        ("VOTES\nvoter_id;vote\n1;1\n2;x\n", "", "line", 0),
    ],
)
def test_each_fault_is_one_error_that_names_its_line(old: str, new: str, code: str, line: int) -> None:
    data = make("approval", "1;1\n2;x").decode()
    assert old in data
    with pytest.raises(BallotFileError) as refused:
        read_contest(data.replace(old, new, 1).encode(), "a.pb")
    assert (refused.value.code, refused.value.facts["line"]) == (f"file.{code}", line)


@pytest.mark.parametrize(("points", "line"), [("7", 13), ("7,-3", 13), ("7,0.5", 13), ("7,9999999999", 13), ("", 13)])
def test_points_that_are_not_one_whole_number_each_are_refused(points: str, line: int) -> None:
    with pytest.raises(BallotFileError) as refused:
        read_contest(make("scoring", f"1;1,x;{points}", columns="voter_id;vote;points"), "a.pb")
    assert refused.value.facts["line"] == line


@pytest.mark.parametrize(
    "text",
    ['META\nkey;value\n"' + "x" * 200_000, "META\nkey;value\nbudget;" + "9" * 200_000, "META\n" + ";" * 200_000],
)
def test_no_line_however_long_is_more_than_an_error(text: str) -> None:
    with pytest.raises(BallotFileError):
        read_contest(text.encode(), "a.pb")


SIGNS = st.text(alphabet='12x,;."- \n\tMETAPROJCSVmetapk é', max_size=40)


@given(st.binary(max_size=100) | SIGNS.map(str.encode), st.integers(0, 250), st.integers(0, 4))
@example("²".encode(), 20, 3)
def test_a_file_with_anything_put_in_is_read_or_refused(put: bytes, at: int, instead_of: int) -> None:
    data = make("cumulative", "1;1,x;7,3", "max_points;10", "voter_id;vote;points")
    data = data[:at] + put + data[at + instead_of :]
    try:
        contest = read_contest(data, "a.pb")
    except BallotFileError as fault:
        line, ballots = int(fault.facts["line"]), 1
    else:
        line, ballots = 0, contest.grades.ballots
    assert 0 <= line <= data.count(b"\n") + data.count(b"\r") + 1
    assert ballots >= 1


PROJECTS = st.lists(st.sampled_from(["1", "b 2", "x", "ბ", 'q"', "a;b"]), min_size=1, max_size=5, unique=True)


@st.composite
def budgets(draw: st.DrawFn, kind: str) -> Contest:
    options = tuple(draw(PROJECTS))
    m = len(options)
    most = {"approval": 1, "ordinal": m, "scoring": 7}[kind]
    row = (
        st.permutations(range(1, m + 1))
        if kind == "ordinal"
        else st.lists(st.integers(0, most), min_size=m, max_size=m)
    )
    cut = st.integers(0, m)
    rows = {
        tuple(max(0, grade - less) + (less if grade > less and kind == "ordinal" else 0) for grade in chosen)
        for chosen, less in draw(st.lists(st.tuples(row, cut if kind == "ordinal" else st.just(0)), max_size=5))
    }
    ballots = [
        ({name: grade for name, grade in zip(options, each, strict=True) if grade}, draw(st.integers(1, 3)))
        for each in rows
    ]
    blank, invalid = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    top = max(2, most) if kind == "scoring" else most
    grades = Grades.of(options, ballots, top=top, blank=blank, invalid=invalid)
    money = st.fractions(0, 1000, max_denominator=1).map(lambda whole: whole / 100)
    rankings = None
    if kind == "ordinal":
        ranked = [
            ([[name] for name in sorted(marks, key=lambda name: -marks[name])], weight) for marks, weight in ballots
        ]
        rankings = Profile.of(options, ranked, blank=blank, invalid=invalid)
    costs = tuple(draw(money) for _ in options)
    labels = draw(st.dictionaries(st.sampled_from(options), st.sampled_from(["Park", 'The "A"; b', "a, b"])))
    return Contest(rankings, grades, money=Money(draw(money), costs), labels=labels)


@pytest.mark.parametrize("kind", ["approval", "ordinal", "scoring"])
@given(data=st.data())
def test_what_is_written_is_read_again_and_written_alike(kind: str, data: st.DataObject) -> None:
    contest = data.draw(budgets(kind).filter(lambda contest: contest.grades.ballots > 0))
    text = pabulib.write(contest)
    again = read_contest(text.encode(), "a.pb")
    assert (again.money, again.labels, again.rankings) == (contest.money, contest.labels, contest.rankings)
    mine, theirs = contest.grades, again.grades
    assert given_marks(again) == given_marks(contest)
    assert (mine.options, mine.top, mine.blank, mine.invalid) == (
        theirs.options,
        theirs.top,
        theirs.blank,
        theirs.invalid,
    )
    assert pabulib.write(again) == text


def test_the_order_of_arrival_leaves_no_trace() -> None:
    one = read_contest(make("approval", "9;x\n4;1,x\n2;1,x"), "a.pb")
    other = read_contest(make("approval", "1;1,x\n2;x\n3;x,1"), "a.pb")
    assert pabulib.write(one) == pabulib.write(other)
    assert pabulib.write(one).endswith("VOTES\nvoter_id;vote\n1;1,x\n2;1,x\n3;x\n")


def test_money_that_decimals_cannot_write_is_refused() -> None:
    grades = Grades(("A",), np.ones((1, 1), dtype=np.uint8), np.ones(1, dtype=np.int64), 1)
    with pytest.raises(ValueError, match="1/3"):
        pabulib.write(Contest(grades=grades, money=Money(Fraction(1, 3), (Fraction(1),))))
