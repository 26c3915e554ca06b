"""`khma bench city`: a vote of twenty people from the first page to `khma verify`, and what must make it fail."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from bench import city
from bench.held import Held, Times, must_hold, tell
from bench.voters import CHANGED, LOST, MISTYPED, PLAIN, TWICE, WAYS, Told, fill
from tests.plumbing.sizes import FAULTS

QUICK = ["--voters", "20", "--servers", "1", "--crowds", "1", "--guesses", "3"]


@pytest.mark.skipif(not FAULTS, reason="ten seconds: --faults asks for it")
def test_twenty_people_vote_and_a_stranger_counts_again(capsys: pytest.CaptureFixture[str]) -> None:
    code = city.main(QUICK)
    said = capsys.readouterr().out
    assert (code, "NO " in said) == (0, False), said
    assert "20 voted; 20 took part, 20 in the box" in said
    assert all(f" {way}" in said for way in WAYS)
    assert "signed by 127.0.0.1" in said
    assert "All files hold." in said


def told(said: list[str], *receipts: str) -> Told:
    return Told(said=said, receipts=list(receipts), pages=[20.0], casts=[8.0, 9.0], busy=0)


ALL_WELL = Held(
    ways=[PLAIN, MISTYPED, LOST, TWICE, CHANGED],
    told=[
        told(["first"], "a"),
        told(["429", "first"], "b"),
        told(["repeated"], "c"),
        told(["first", "repeated"], "d", "d"),
        told(["first", "changed"], "e", "f"),
    ],
    guesses=120,
    slowed=20,
    late=409,
    box=["a", "b", "c", "d", "f"],
    minutes={"took_part": 5, "box": 5, "released": "order", "amendments": [{"kind": "extend"}]},
    archive=16_000,
    verified=0,
    said="About 0 ballots. All files hold.",
    times=Times(2.0, 0.5, 1.5, 0.4),
    memory={"khma serve": [170, 165]},
)


def with_first(**changed: object) -> Held:
    """Change what the first voter tells."""
    return replace(ALL_WELL, told=[cast(Told, ALL_WELL.told[0] | changed), *ALL_WELL.told[1:]])


def test_a_vote_that_went_well_holds_and_tells_its_figures() -> None:
    assert [said for holds, said in must_hold(ALL_WELL) if not holds] == []
    figures = "\n".join(tell(ALL_WELL))
    assert "3.0 ballots a second" in figures  # of five voters and one change
    assert "extended 1 times" in figures
    assert "170 + 165 MB" in figures


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (replace(ALL_WELL, minutes=ALL_WELL.minutes | {"took_part": 4}), "4 took part"),
        (replace(ALL_WELL, box=["x", *ALL_WELL.box[1:]]), "1 missing"),
        (replace(ALL_WELL, box=["a", *ALL_WELL.box]), "1 doubled"),
        (with_first(receipts=["b"]), "1 doubled"),
        (replace(ALL_WELL, box=[*ALL_WELL.box, "x"]), "1 that nobody was shown"),
        (replace(ALL_WELL, box=[*ALL_WELL.box[:4], "e"]), "1 of them still in the box"),
        (with_first(said=["500"], receipts=[]), "1 were not, such as ['500']"),
        (with_first(said=["changed"]), "1 were not, such as ['changed']"),
        (with_first(busy=2), "2 casts were told to come again"),
        (with_first(casts=[2100.0]), "p99 of casts 2.10 s"),
        (replace(ALL_WELL, late=303), "answered 303"),
        (replace(ALL_WELL, slowed=0), "0 were told to wait"),
        (replace(ALL_WELL, guesses=3), "of 3 wrong codes"),
        (replace(ALL_WELL, verified=1), "ended with 1"),
    ],
)
def test_whatever_does_not_hold_is_named(broken: Held, named: str) -> None:
    assert any(named in said for holds, said in must_hold(broken) if not holds)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda voter: voter | {"receipts": ["d", "g"]},  # the same form sent twice is one ballot
        lambda voter: voter | {"said": ["first", "first"]},
        lambda voter: voter | {"receipts": ["d", ""]},
    ],
)
def test_a_form_sent_twice_must_be_one_ballot(break_it: Callable[[Told], Told]) -> None:
    broken = replace(ALL_WELL, told=[*ALL_WELL.told[:3], break_it(ALL_WELL.told[3]), ALL_WELL.told[4]])
    assert any("1 were not" in said for holds, said in must_hold(broken) if not holds)


def test_a_page_without_a_ballot_is_no_form() -> None:
    with pytest.raises(ValueError, match="no ballot"):
        fill("<form ><input></form>", ["Parks"])
