"""Two counters, written apart from each other, find the same: the house's rules, and `results/recount.py`.

Small piles in which ties, circles, blank ballots and noughts are common, written by the house and read by both.
"""

import importlib.util
from collections import Counter
from datetime import date
from fractions import Fraction
from itertools import product
from pathlib import Path
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
from tests.strategies import option_names, profiles

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
EXAMPLES = 60
SEEDS = st.none() | st.sampled_from(["", "1", "2", "the lottery of 3 May"])


def load(path: Path) -> ModuleType:
    """Load the program from its file, as it lies there for everybody."""
    spec = importlib.util.spec_from_file_location("recount_alone", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


program = load(PROGRAM)


def compare(rule: str, contest: Contest, pile: Any, variants: Variants) -> None:  # noqa: ANN401 - of the program
    theirs = count(rule, contest, variants)
    asked = {name: str(value) if isinstance(value, Fraction) else value for name, value in variants.given.items()}
    mine = program.recount(rule, pile, asked)
    assert mine.order == theirs.order
    assert (mine.order[0] if mine.elected is None else mine.elected) == theirs.winners
    assert program.count_ballots(pile) == {
        name: getattr(theirs, name) for name in ("ballots", "blank", "invalid", "counted")
    }
    assert mine.pairwise == theirs.pairwise
    assert (mine.rounds is None) == (theirs.rounds is None)
    assert program.read_tallies(mine.rounds) == program.read_tallies(theirs.rounds)


@st.composite
def variants_of(draw: st.DrawFn, rule: str, pile: Profile | Grades) -> Variants:
    """Draw some of the variants that a rule understands."""
    options = len(pile.options)
    known: dict[str, st.SearchStrategy[Any]] = {
        "seats": st.integers(1, options) if rule == "stv" else st.none() | st.integers(1, options),
        "threshold": st.none() | st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1, 3)]),
        "tiebreak_seed": SEEDS,
        "unranked": st.sampled_from([None, "last", "ignored"]),
        "overvote": st.sampled_from([None, "exhaust", "skip"]),
        "batch": st.sampled_from([None, True]),
        "transfer": st.sampled_from([None, "scottish", "wigm"]),
        "decimals": st.sampled_from([None, None, 1, 4]),
        "completion": st.sampled_from([None, "none", "add1", "add1u"]),
        "budget": st.none() | st.integers(0, 30).map(Fraction),
    }
    return Variants(**{name: draw(known[name]) for name in RULES[rule].variants if name in known})


@st.composite
def piles_of_grades(draw: st.DrawFn, highest: int = 3) -> Grades:
    """Draw grades with noughts, partial, blank and invalid ballots."""
    names = draw(st.lists(option_names, min_size=1, max_size=5, unique=True))
    mark = st.none() | st.integers(0, highest)
    row = st.lists(mark, min_size=len(names), max_size=len(names))
    rows = draw(st.lists(st.tuples(row, st.integers(1, 3)), max_size=7))
    for k in range(1, draw(st.integers(1, len(names)))):  # circles, and ties of all kinds
        rows += [(row[k:] + row[:k], n) for row, n in rows[:2]]
    marked = [({name: n for name, n in zip(names, row, strict=True) if n is not None}, n) for row, n in rows]
    top = draw(st.sampled_from([highest, None]))
    few = st.integers(0, 2)
    return Grades.of(names, marked, top=top, blank=draw(few) + (not marked), invalid=draw(few))


@pytest.mark.parametrize("rule", sorted(set(RULES) - GRADED - APPROVED - SPENDING))
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_of_rankings(rule: str, data: st.DataObject) -> None:
    profile = data.draw(profiles(implicit=st.booleans()))
    compare(rule, Contest(profile), program.read_abif(abif.write(profile)), data.draw(variants_of(rule, profile)))


@pytest.mark.parametrize("rule", sorted(set(RULES) - SPENDING))
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_of_grades_and_approvals(rule: str, data: st.DataObject) -> None:
    grades = data.draw(piles_of_grades(1 if rule in APPROVED else 3))
    told = data.draw(st.sampled_from(["", '{"implicit_ranking": false}\n']))  # left out is no opinion
    text = told + abif.write(grades)
    compare(rule, abif.read_contest(text), program.read_abif(text), data.draw(variants_of(rule, grades)))


@pytest.mark.parametrize("rule", sorted(APPROVED))
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_of_approvals_without_points(rule: str, data: st.DataObject) -> None:
    grades = data.draw(piles_of_grades(1))
    marked = zip(grades.grades.tolist(), grades.weights.tolist(), strict=True)
    rankings = [([[name for name, mark in zip(grades.options, row, strict=True) if mark]], n) for row, n in marked]
    profile = Profile.of(grades.options, rankings, blank=grades.blank)
    compare(rule, Contest(profile), program.read_abif(abif.write(profile)), data.draw(variants_of(rule, grades)))


@pytest.mark.parametrize("rule", sorted(SPENDING))
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_of_budgets(rule: str, data: st.DataObject) -> None:
    drawn = data.draw(piles_of_grades(data.draw(st.sampled_from([1, 1, 3]))))
    names = [f"p{i}" for i in range(len(drawn.options))]
    marked = zip(drawn.grades.tolist(), drawn.weights.tolist(), strict=True)
    votes = [({name: n for name, n in zip(names, row, strict=True) if n}, weight) for row, weight in marked]
    grades = Grades.of(names, votes, top=drawn.top, blank=drawn.blank, invalid=drawn.invalid)
    costs = data.draw(st.lists(st.sampled_from(COSTS), min_size=len(names), max_size=len(names)))
    text = pabulib.write(Contest(grades=grades, money=Money(Fraction(data.draw(st.integers(0, 20))), tuple(costs))))
    if data.draw(st.booleans()):  # what stands first is worth most
        text = text.replace("vote_type,approval", "vote_type;ordinal")
    compare(rule, pabulib.read(text), program.read_pb(text), data.draw(variants_of(rule, grades)))


@pytest.mark.parametrize("name", ["sound", "sealed-full", "sealed-order", "sealed-shut"])
def test_the_published_archives_hold(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([str(ARCHIVES / name)]) == (0 if name == "sound" else 2)
    assert "CHANGED" not in capsys.readouterr().out


@pytest.mark.parametrize("rule", sorted(rulecard.RULES))
@given(profile=profiles(implicit=st.booleans()))
@settings(max_examples=EXAMPLES)
def test_archives_of_piles_hold(rule: str, profile: Profile) -> None:
    """Whatever is brought in and published: the second counter finds every figure of the archive again."""
    card = rulecard.RuleCard(
        {"en": "A vote"}, {}, profile.options, rule,
        rulecard.PARTIAL_BELOW if profile.implicit else rulecard.PARTIAL_NO_OPINION,
        "The archive of a town", "https://example.org/votes", date(2026, 5, 3),
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        for name, data in archive.build(card, profile).items():
            Path(folder, name).write_bytes(data)
        found = program.Archive(Path(folder))
        assert (program.check(found), found.changed) == (0, [])


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
