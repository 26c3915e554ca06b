"""The benchmark itself: it measures what it says, and says no when a limit is broken."""

from pathlib import Path

import pytest

from ballots.counting.types import UNRANKED
from bench import count as bench


@pytest.fixture(autouse=True)
def no_oracle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "ORACLE", tmp_path / "python")


def test_a_small_run_keeps_the_limits_and_says_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--ballots", "2000", "--options", "5"]) == 0
    table = capsys.readouterr().out
    assert "2,000 ballots x 5 options" in table
    assert "left out" in table


def test_over_the_limit_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MAX_SECONDS", 0.0)
    assert bench.main(["--ballots", "10", "--options", "3"]) == 1


def test_the_pile_is_what_the_table_says() -> None:
    pile = bench.make_pile(3000, 12)
    ranked = (pile.ranks != UNRANKED).sum(axis=1)
    assert (ranked.min(), ranked.max(), pile.counted) == (1, 10, 3000)
    assert pile == bench.make_pile(3000, 12)
