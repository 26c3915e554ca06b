"""Two counters, written apart from each other, find the same: the house's rules, and `results/recount.py`.

Small piles in which ties, circles, blank ballots and noughts are common, written by the house and read by both.
"""

import importlib.util
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.counting.contest import Contest, Grades, Money, Variants
from ballots.counting.registry import RULES, count
from ballots.counting.types import Profile
from ballots.formats import abif, pabulib
from polls import rulecard
from polls.kinds import Kind, paper_of
from results import archive
from results.figures import FORMS, UNTOLD, Figures, count_figures, gathered
from results.standings import columns_of
from tests.plumbing.sizes import tries
from tests.strategies import profiles

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "results" / "recount.py"
ARCHIVES = ROOT / "tests" / "vectors" / "archive-v0"
NAMES = ("Buses", "Parks", "Clinics", "Schools")
UNIVERSES = {
    Kind.RANKING: [
        bytes(row) for row in product(range(4), repeat=4) if len({*row} - {0}) == len([n for n in row if n])
    ],
    Kind.GRADES: [bytes(row) for row in product((0, 1, 3, 6), repeat=4)],
    Kind.SINGLE: [bytes(row) for row in product(range(2), repeat=4) if sum(row) <= 1],
    Kind.APPROVAL: [bytes(row) for row in product(range(2), repeat=4)],
    Kind.BUDGET: [bytes(row) for row in product(range(2), repeat=4)],
}
"""What a ballot of a sealed vote may say, or some of it."""

COSTS = [Fraction(cost) for cost in ("0", "1", "2", "2", "3", "5", "8", "5/2")]
GRADED = {"score", "star", "majority-judgment"}
APPROVED = {"approval", "phragmen"}
SPENDING = {"greedy", "equal-shares"}
TOTALS = ("ballots", "blank", "invalid", "counted")
WORDS = [*"ABCDEF", "a b", "[C]", "#4", "=Bus 7", "სკოლა", "مكتبة"]
HELD = date(2026, 5, 3)
RANKINGS = [([["Parks"], ["Buses"]], 5), ([["Clinics"], ["Parks"], ["Schools"], ["Buses"]], 4), ([["Schools"]], 2)]
GIVEN = [({"Buses": 5, "Parks": 3, "Clinics": 0}, 4), ({"Clinics": 4, "Parks": 5}, 3), ({"Schools": 1, "Buses": 2}, 2)]
MARKED = [({"Buses": 1, "Parks": 1}, 4), ({"Clinics": 1, "Parks": 1}, 3), ({"Schools": 1}, 2)]
COMPARED, SPREAD = "pairwise.csv", "grades.csv"
TABLES = {
    "schulze": [COMPARED], "ranked-pairs": [COMPARED], "borda": [COMPARED], "star": [COMPARED, SPREAD],
    "score": [SPREAD], "majority-judgment": [SPREAD],
}  # fmt: skip
"""The tables that archives have by each rule, besides places.csv: as docs/record.md says."""

PILES = tries(300, 1500)
EXAMPLES = tries(12, 40)


def load(path: Path) -> ModuleType:
    """Load the program from its file, as it lies there for everybody."""
    spec = importlib.util.spec_from_file_location("recount_alone", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


program = load(PROGRAM)


def compare(rule: str, contest: Contest, pile: Any, variants: Variants, text: str) -> None:  # noqa: ANN401
    theirs = count(rule, contest, variants)
    asked = {name: str(value) if isinstance(value, Fraction) else value for name, value in variants.given.items()}
    mine = program.recount(rule, pile, asked)
    same = {
        "order": (mine.order, theirs.order),
        "winners": (mine.order[0] if mine.elected is None else mine.elected, theirs.winners),
        "totals": (program.count_ballots(pile), {name: getattr(theirs, name) for name in TOTALS}),
        "pairwise": (mine.pairwise, theirs.pairwise),
        "has rounds": (mine.rounds is None, theirs.rounds is None),
        "rounds": (program.read_tallies(mine.rounds), program.read_tallies(theirs.rounds)),
    }
    assert {name: both for name, both in same.items() if both[0] != both[1]} == {}, (variants.given, text)


def make_variants(dice: Random, rule: str, options: int) -> Variants:
    """Choose some of the variants that a rule understands."""
    seats = dice.randint(1, options)
    known: dict[str, Any] = {
        "seats": seats if rule == "stv" else dice.choice([None, seats]),
        "threshold": dice.choice([None, Fraction(0), Fraction(1, 2), Fraction(1, 3)]),
        "tiebreak_seed": dice.choice([None, "", "1", "2", "the lottery of 3 May"]),
        "unranked": dice.choice([None, "last", "ignored"]),
        "overvote": dice.choice([None, "exhaust", "skip"]),
        "batch": dice.choice([None, True]),
        "transfer": dice.choice([None, "scottish", "wigm"]),
        "decimals": dice.choice([None, None, 1, 4]),
        "completion": dice.choice([None, "none", "add1", "add1u"]),
        "budget": dice.choice([None, Fraction(dice.randint(0, 30))]),
    }
    return Variants(**{name: known[name] for name in RULES[rule].variants if name in known})


def make_rows(dice: Random, options: int, marks: Sequence[int | None]) -> list[tuple[list[int | None], int]]:
    """Make ballots as marks for each option; many of them once more, turned around: so there are circles and ties."""
    rows = []
    for _ in range(dice.randint(0, 4)):
        row, n, turned = [dice.choice(marks) for _ in range(options)], dice.randint(1, 2), dice.randint(1, options)
        rows += [(row[k:turned] + row[:k] + row[turned:], n) for k in range(turned) if k == 0 or dice.random() < 0.9]
    return rows


def write_rankings(dice: Random, names: list[str], rows: list[tuple[list[int | None], int]]) -> str:
    """Write marks as ranks, the lowest first; equal ones together."""
    rankings = [
        ([[name for name, mark in zip(names, row, strict=True) if mark == rank] for rank in sorted({*row} - {None})], n)
        for row, n in rows
    ]
    few, implicit = dice.randint(0, 2) + (not rows), dice.random() < 0.6
    return abif.write(Profile.of(names, rankings, blank=few, invalid=dice.randint(0, 1), implicit=implicit))


def write_grades(dice: Random, names: list[str], rows: list[tuple[list[int | None], int]], top: int) -> str:
    """Write marks as grades, in a file that may say that left out is no opinion."""
    given = [({name: n for name, n in zip(names, row, strict=True) if n is not None}, n) for row, n in rows]
    few, top_told = dice.randint(0, 2) + (not rows), dice.choice([None, top])
    told = dice.choice(["", "", '{"implicit_ranking": false}\n'])
    return told + abif.write(Grades.of(names, given, top=top_told, blank=few, invalid=dice.randint(0, 1)))


@pytest.mark.parametrize("rule", sorted(set(RULES) - SPENDING))
def test_both_find_the_same(rule: str) -> None:
    dice = Random(rule)
    for _ in range(PILES):
        names = dice.sample(WORDS, dice.randint(1, 5))
        if rule in GRADED or dice.random() < 0.4:
            top = 1 if rule in APPROVED else dice.choice([1, 2, 5])
            text = write_grades(dice, names, make_rows(dice, len(names), [None, *range(top + 1)]), top)
        else:
            ranks = [1] if rule in APPROVED else range(len(names))
            text = write_rankings(dice, names, make_rows(dice, len(names), [None, *ranks]))
        contest, pile = abif.read_contest(text), program.read_abif(text)
        compare(rule, contest, pile, make_variants(dice, rule, len(names)), text)


@pytest.mark.parametrize("rule", sorted(SPENDING))
def test_both_share_out_alike(rule: str) -> None:
    dice = Random(rule)
    for _ in range(PILES):
        names = dice.sample("ABCDEF", dice.randint(1, 5))
        rows = make_rows(dice, len(names), [0, 0, *range(1, dice.choice([1, 1, 4]) + 1)])
        votes = [({name: mark for name, mark in zip(names, row, strict=True) if mark}, n) for row, n in rows]
        grades = Grades.of(names, votes, blank=dice.randint(0, 2) + (not rows), invalid=dice.randint(0, 1))
        money = Money(Fraction(dice.randint(0, 20)), tuple(dice.choice(COSTS) for _ in names))
        text = pabulib.write(Contest(grades=grades, money=money))
        if dice.random() < 0.3:  # what stands first is worth most
            text = text.replace("vote_type;approval", "vote_type;ordinal")
        compare(rule, pabulib.read(text), program.read_pb(text), make_variants(dice, rule, len(names)), text)


@pytest.mark.parametrize("name", ["sound", "sealed-full", "sealed-order", "sealed-shut"])
def test_the_published_archives_hold(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([str(ARCHIVES / name)]) == (0 if name == "sound" else 2)
    assert "CHANGED" not in capsys.readouterr().out


def card_of(rule: str, pile: Profile | Grades, *, implicit: bool, seats: int | None) -> rulecard.RuleCard:
    return rulecard.RuleCard.brought_in(
        titles={"en": "A vote"}, questions={}, options=pile.options, rule=rule, implicit=implicit, seats=seats,
        source_name="The archive of a town", source_url="https://example.org/votes", held_on=HELD, today=HELD,
    )  # fmt: skip


def find(folder: str, files: Mapping[str, bytes]) -> list[str]:
    """Lay these files, and no others, in a folder, with hashes that fit them; name what the program finds changed."""
    for path in Path(folder).iterdir():
        path.unlink()
    rest = {name: data for name, data in files.items() if name not in {archive.LINES, archive.SUMS}}
    for name, data in archive.complete(rest).items():
        Path(folder, name).write_bytes(data)
    found = program.Archive(Path(folder))
    assert program.check(found) == 0
    return [fault.split(": there stands")[0] for fault in found.changed]


@st.composite
def past_votes(draw: st.DrawFn, rule: str) -> tuple[rulecard.RuleCard, Profile | Grades]:
    """Draw the ballots that a rule asks for, with a card that fits them."""
    ranked = draw(profiles(implicit=st.booleans()))
    m, pile, implicit = len(ranked.options), ranked, ranked.implicit
    seats = draw(st.integers(1, m)) if rule == "stv" or (rule in rulecard.SEATED and draw(st.booleans())) else None
    if rule not in rulecard.GRADING:
        return card_of(rule, pile, implicit=implicit, seats=seats), pile
    top = 1 if rule in APPROVED else draw(st.sampled_from([1, 2, 5, 10, 11]))
    row = st.dictionaries(st.integers(0, m - 1), st.sampled_from([0, 1, top - 1, top])).map(lambda row: (*row.items(),))
    rows, few = draw(st.dictionaries(row, st.integers(1, 9), max_size=8)), st.integers(0, 3)
    grades = Grades.of_rows(ranked.options, rows, top=top, blank=draw(few), invalid=draw(few))
    return card_of(rule, grades, implicit=implicit, seats=seats), grades


@pytest.mark.parametrize("rule", sorted(rulecard.RULES))
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_archives_of_piles_hold(rule: str, data: st.DataObject) -> None:
    """Whatever is brought in and published: the second counter finds every figure of the archive again."""
    with TemporaryDirectory() as folder:
        assert find(folder, archive.build(*data.draw(past_votes(rule)))) == []


@pytest.mark.parametrize("rule", sorted(rulecard.RULES))
def test_each_changed_cell_of_a_past_vote_is_named(rule: str, tmp_path: Path) -> None:
    """All columns of all tables, one cell after the other; and a table that is missing, or one too many."""
    seats = 2 if rule in rulecard.SEATED else None
    grades = Grades.of(NAMES, MARKED if rule in APPROVED else GIVEN, blank=1, invalid=1)
    pile = grades if rule in rulecard.GRADING else Profile.of(NAMES, RANKINGS, blank=1, invalid=1)
    files = archive.build(card_of(rule, pile, implicit=True, seats=seats), pile)
    assert {name for name in files if name.endswith(".csv")} == {"places.csv", *TABLES.get(rule, ())}
    assert find(str(tmp_path), files) == []
    for name in ("places.csv", "pairwise.csv", "grades.csv"):
        if name not in files:
            assert find(str(tmp_path), files | {name: b"option\r\n"}) == [f"{name}: the whole file"]
            continue
        assert find(str(tmp_path), {each: files[each] for each in files if each != name}) == [f"{name}: the whole file"]
        rows = [line.split(",") for line in files[name].decode().splitlines()]
        assert name != "places.csv" or tuple(rows[0][2:]) == columns_of(rule)
        for i, j in product(range(len(rows)), range(len(rows[0]))):
            spoiled = [[cell + "1" * ((i, j) == (k, n)) for n, cell in enumerate(row)] for k, row in enumerate(rows)]
            label = ", ".join(rows[i][:2] if name == "places.csv" else rows[i][:1])
            named = [f"{name}: line {i + 1} ({label}), {rows[0][j]}"]
            assert find(str(tmp_path), files | {name: archive.write_csv(spoiled)}) == named


@pytest.mark.parametrize("rule", sorted(FORMS))
@given(data=st.data())
@settings(max_examples=EXAMPLES // 2)
def test_the_figures_of_sealed_votes_lead_to_the_same_order(rule: str, data: st.DataObject) -> None:
    terms = {"budget": 45} if rule == "greedy" else {}
    options = [{"id": i, "names": {"en": name}, "cost": 10 * i} for i, name in enumerate(NAMES, 1)]
    paper = paper_of(rule, options, 3, terms)
    answer = st.sampled_from(UNIVERSES[paper.kind])
    opened = Counter(data.draw(st.dictionaries(answer, st.integers(1, 30), min_size=1, max_size=9)))
    figures = Figures.of(FORMS[rule], paper, NAMES, opened)
    if rule == "plurality":
        figures = gathered(figures, opened[bytes(4)])
    theirs = count_figures(figures, rule, paper, sum(opened.values()), None, 0)
    words = program.FIGURES[figures.form.value]
    columns = list(words[1:]) or list(NAMES)
    table = {
        a: {b: n for b, n in zip(columns, row, strict=True) if b != a and n != UNTOLD}
        for a, row in zip(NAMES, figures.table.tolist(), strict=True)
    }
    mine = program.count_figures(rule, table, {"options": options, "terms": terms})
    assert mine.order == theirs.order
    assert (mine.order[0] if mine.elected is None else mine.elected) == theirs.winners
    assert mine.pairwise == theirs.pairwise
