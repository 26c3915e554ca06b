"""A past vote by every rule: its card, its files, what a stranger finds again, and what is refused with a cure."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.counting.registry import RULES as COUNTED
from ballots.formats import abif
from commons.errors import Invalid
from polls.rulecard import GRADING, RULES, RuleCard
from results import archive, recount
from results.publication import Prepared, prepare_import
from results.verify import examine
from tests.results.test_verify import write

RANKED = b"=a:[Kiss]\n=b:[Montroll]\n=c:[Wright]\n45:a>b\n38:c>b\n27:b>a\n12:b>c\n9:c\n2:\n"
"""Like Burlington 2009 in small: whoever beats everybody one to one is the first to go."""

GRADED = b'=a:[Library]\n=b:[Bus]\n=c:[Park]\n{"highest_grade": 5}\n5:a/5,b/4,c/0\n4:b/5,c/2\n3:c/5,a/1\n2:\n'
MARKED = b"=a:[Library]\n=b:[Bus]\n=c:[Park]\n5:a/1,b/1\n4:b/1\n3:c/1\n2:\n"
SHEETS = dict.fromkeys(RULES, RANKED) | dict.fromkeys(GRADING, GRADED)
SHEETS |= {"approval": MARKED, "phragmen": MARKED}
RULE_NAMES = pytest.mark.parametrize("rule", list(RULES))


def prepare(rule: str, data: bytes | None = None, **changed: Any) -> Prepared:  # noqa: ANN401 - any field of the form
    entered: dict[str, Any] = {
        "titles": {"en": "What comes first"},
        "source_name": "Town Hall of Example",
        "source_url": "https://example.org/votes",
        "held_on": "2024-05-12",
        "ballots_public": True,
        "filename": "votes.abif",
        "today": date(2026, 11, 21),
        "seats": "2" if rule == "stv" else "",
    }
    return prepare_import(**entered | {"rule": rule, "data": SHEETS[rule] if data is None else data} | changed)


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@RULE_NAMES
def test_an_archive_by_each_rule_is_found_again_from_its_card_and_its_ballots(rule: str, tmp_path: Path) -> None:
    prepared = prepare(rule)
    report = examine(write(tmp_path / "archive", dict(prepared.files)))
    assert report.findings == ()
    assert report.result == json.loads(prepared.files[archive.RESULT])
    assert f"by the rule {rule}: " in report.told
    card = json.loads(prepared.files[archive.CARD])
    assert (card["rule"], card["rule_version"]) == (rule, 1)
    assert RuleCard.from_json(card) == prepared.card


@RULE_NAMES
def test_the_card_names_each_variant_that_is_in_force(rule: str) -> None:
    prepared = prepare(rule)
    card = prepared.card.as_json()
    in_force = prepared.count["certificate"].get("variants", {})
    asked = {name: value for name, value in in_force.items() if value is not None and name != "unranked"}
    assert {name: card[name] for name in asked} == asked
    assert set(prepared.card.terms) <= set(COUNTED[rule].variants)


@RULE_NAMES
def test_a_changed_figure_of_each_file_is_named(rule: str, tmp_path: Path) -> None:
    files = dict(prepare(rule).files)
    for name in sorted({*files} - {archive.SUMS, archive.LINES, archive.CARD}):
        changed = files[name].replace(b"5", b"6") if b"5" in files[name] else files[name].replace(b"1", b"3")
        report = examine(write(tmp_path / name, files | {name: changed}))
        assert name in {finding.where for finding in report.findings}, name
        assert examine(write(tmp_path / f"no-{name}", {each: files[each] for each in files if each != name})).findings


def without_hashes(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in {archive.LINES, archive.SUMS}}


def test_a_table_that_was_taken_out_is_missed_though_all_hashes_were_made_anew(tmp_path: Path) -> None:
    for rule, name in (("score", archive.GRADES), ("star", archive.GRADES), ("borda", archive.PAIRWISE)):
        files = without_hashes(prepare(rule).files)
        del files[name]
        report = examine(write(tmp_path / rule, archive.complete(files)))
        assert (name, "a file") in {(each.where, each.expected) for each in report.findings}


def test_a_table_that_does_not_follow_from_the_ballots_is_named(tmp_path: Path) -> None:
    for rule in ("approval", "schulze"):
        files = without_hashes(prepare(rule).files) | {archive.GRADES: b"option,0,1\r\nLibrary,1,2\r\n"}
        report = examine(write(tmp_path / rule, archive.complete(files)))
        assert archive.GRADES in {each.where for each in report.findings}


def test_each_rule_has_its_own_columns_and_tables() -> None:
    heads = {rule: rows_of(prepare(rule).files[archive.PLACES])[0][2:] for rule in RULES}
    ranks = ["first", "first_three", "ranked"]
    assert heads == {
        **dict.fromkeys(("schulze", "ranked-pairs", "irv", "stv"), ranks),
        "borda": [*ranks, "points"],
        "plurality": ["votes"],
        "approval": ["approvals"],
        "phragmen": ["approvals"],
        "score": ["points", "given"],
        "star": ["points", "given"],
        "majority-judgment": ["grade", "above", "below"],
    }
    tables = {rule: set(prepare(rule).files) & {archive.PAIRWISE, archive.GRADES} for rule in RULES}
    assert {rule for rule in RULES if archive.PAIRWISE in tables[rule]} == {*archive.COMPARING}
    assert {rule for rule in RULES if archive.GRADES in tables[rule]} == {"score", "star", "majority-judgment"}


def test_places_and_grades_are_those_of_a_count_by_hand() -> None:
    assert rows_of(prepare("plurality").files[archive.PLACES])[1:] == [
        ["1", "Wright", "47"], ["2", "Kiss", "45"], ["3", "Montroll", "39"],
    ]  # fmt: skip
    score = prepare("score").files
    assert rows_of(score[archive.PLACES])[1:] == [
        ["1", "Bus", "40", "9"], ["2", "Library", "28", "8"], ["3", "Park", "23", "12"],
    ]  # fmt: skip
    assert rows_of(score[archive.GRADES]) == [
        ["option", "0", "1", "2", "3", "4", "5"],
        ["Library", "4", "3", "0", "0", "0", "5"],
        ["Bus", "3", "0", "0", "0", "5", "4"],
        ["Park", "5", "0", "4", "0", "0", "3"],
    ]
    assert rows_of(prepare("majority-judgment").files[archive.PLACES])[1] == ["1", "Bus", "4", "4", "3"]


def test_the_other_rules_are_counted_once_and_the_own_one_first() -> None:
    told = {each["rule"]: each["winners"] for each in prepare("irv").count["rules"]}
    assert next(iter(told)) == "irv"
    assert (told["irv"], told["schulze"], told["plurality"]) == (["Kiss"], ["Montroll"], ["Wright"])
    assert not {"stv", "score", "approval"} & set(told)
    assert {*RULES} - {"stv", "approval", "phragmen"} == {each["rule"] for each in prepare("score").count["rules"]}
    assert "stv" in {each["rule"] for each in prepare("approval", seats="2").count["rules"]}


@pytest.mark.parametrize(
    ("rule", "changed", "said"),
    [
        ("stv", {"seats": ""}, ("seats", "count.seats_missing")),
        ("stv", {"seats": "4"}, ("seats", "count.seats")),
        ("stv", {"seats": "two"}, ("seats", "terms.seats")),
        ("score", {"data": RANKED}, ("rule", "count.needs_grades")),
        ("approval", {"data": RANKED}, ("rule", "count.needs_approvals")),
        ("greedy", {"data": RANKED}, ("rule", "count.unknown_rule")),
        ("irv", {"data": b"nothing to read"}, ("sheet", "file.line")),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(rule: str, changed: dict[str, Any], said: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        prepare(rule, **{"data": RANKED} | changed)
    assert (refused.value.field, refused.value.code) == said


def test_seats_stand_in_the_file_and_who_has_withdrawn_is_no_option() -> None:
    blt = b'4 2\n-4\n5 1 2 0\n4 2 0\n3 3 0\n0\n"A"\n"B"\n"C"\n"D"\n"Council"\n'
    prepared = prepare("stv", blt, seats="", filename="votes.blt")
    assert (prepared.card.seats, prepared.card.options) == (2, ("A", "B", "C"))
    assert prepared.count["winners"] == ["A", "B"]
    assert "seats" not in prepare("irv", blt, filename="votes.blt").card.as_json()


def test_a_file_that_tells_more_than_rankings_hold_is_refused_for_rounds_alone() -> None:
    ranks = b"count,rank1,rank2\n3,A,B\n2,overvote,A\n2,B,\n"
    with pytest.raises(Invalid) as refused:
        prepare("irv", ranks, filename="votes.csv")
    assert (refused.value.field, refused.value.code) == ("rule", "result.marks_lost")
    assert prepare("schulze", ranks, filename="votes.csv").count["winners"] == ["A"]
    sound = prepare("irv", b"count,rank1,rank2\n3,A,B\n2,B,\n", filename="votes.csv")
    assert sound.count["winners"] == ["A"]


def test_a_budget_is_refused_with_a_cure() -> None:
    budget = (
        b"META\nkey;value\nvote_type;approval\nbudget;10\nPROJECTS\nproject_id;cost\n1;5\nVOTES\nvoter_id;vote\n1;1\n"
    )
    with pytest.raises(Invalid) as refused:
        prepare("approval", budget, filename="votes.pb")
    assert (refused.value.field, refused.value.code) == ("sheet", "result.budget_file")


@pytest.mark.parametrize("rule", sorted({*RULES} - {"star"}))  # of STAR it tells the rounds of the first place alone
def test_the_second_counter_finds_the_same(rule: str, tmp_path: Path) -> None:
    folder = recount.Archive(write(tmp_path / "archive", dict(prepare(rule).files)))
    assert recount.check(folder) == 0
    assert folder.changed == []


marks = st.lists(st.dictionaries(st.sampled_from("ABC"), st.integers(0, 5), min_size=1), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(marks, st.sampled_from(sorted(GRADING - {"approval", "phragmen"})))
def test_any_graded_ballots_are_counted_again_from_the_archive(ballots: list[dict[str, int]], rule: str) -> None:
    lines = [f"1:{','.join(f'{name}/{grade}' for name, grade in each.items())}" for each in ballots]
    sheet = "\n".join(["=A:[A]", "=B:[B]", "=C:[C]", '{"highest_grade": 5}', *lines]) + "\n"
    prepared = prepare(rule, sheet.encode())
    again = abif.read_contest(prepared.files[archive.BALLOTS].decode()).grades
    assert again is not None
    assert archive.build(prepared.card, again) == prepared.files
