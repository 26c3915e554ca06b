"""The benchmark itself: it measures what it says, and says no when a limit is broken."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from ballots.counting.contest import Contest
from ballots.counting.registry import RULES
from ballots.counting.types import UNRANKED
from bench import count as bench
from bench.piles import KINDS, make_pile


def make_contest(kind: str, n: int, m: int) -> Contest:
    return KINDS[kind](n, m)


@pytest.fixture(autouse=True)
def no_oracle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "ORACLE", tmp_path / "python")


def test_a_quick_run_measures_every_rule_keeps_the_limits_and_draws(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert bench.main(["--quick", "--plot", str(tmp_path / "new" / "count.svg")]) == 0
    table = capsys.readouterr().out
    assert "2,000 ballots x 5 options" in table
    assert {line.split()[0] for line in table.splitlines() if "limits" in line and line.startswith("  ")} == set(RULES)
    figures = (tmp_path / "new" / "count.csv").read_text().splitlines()
    assert figures[0] == "over,rule,at,seconds"
    assert {tuple(line.split(",")[:3]) for line in figures[1:]} == {
        (over, rule, at)
        for rule in RULES
        for over, at in (("ballots", "1000"), ("ballots", "10000"), ("options", "5"), ("options", "10"))
    }
    lines = ElementTree.parse(tmp_path / "new" / "count.svg").findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 * len(RULES)
    assert all(len(line.attrib["points"].split()) == 2 for line in lines)


def test_over_the_limit_is_a_failure_and_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(bench.MAX_SECONDS, "star", 0.0)
    monkeypatch.setattr(bench, "_series", lambda *_: iter([bench.plots.Point("ballots", "star", 1, 1.0)]))
    assert bench.main(["--quick", "--plot", str(tmp_path / "count.svg")]) == 1
    assert "OVER THE LIMITS: star\n" in capsys.readouterr().out


def test_a_library_that_is_not_there_is_said() -> None:
    assert bench._compare("schulze", 1000, 5)[2] == "no other library installed"


def test_memory_is_that_of_the_count_alone() -> None:
    held = b"x" * 200_000_000
    found = bench.measure("schulze", lambda: make_contest("ranks", 1000, 5))
    del held
    assert 0 <= found.megabytes < 100
    assert found.seconds > 0


def test_a_count_that_breaks_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="schulze"):
        bench.measure("schulze", lambda: make_contest("nothing", 10, 3))


def test_the_piles_are_what_the_table_says() -> None:
    pile = make_pile(3000, 12)
    ranked = (pile.ranks != UNRANKED).sum(axis=1)
    assert (ranked.min(), ranked.max(), pile.counted) == (1, 10, 3000)
    assert pile == make_pile(3000, 12)
    marks = make_contest("approvals", 3000, 12).grades
    assert marks is not None
    assert (marks.grades.sum(axis=1).min(), marks.grades.max()) == (1, 1)
    money = make_contest("budget, 10 units a voter", 3000, 12).money
    assert money is not None
    assert money.budget == 30_000
