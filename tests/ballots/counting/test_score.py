"""Score: the published example, what leaving out means, and what must hold for any pile of ballots."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import score
from ballots.counting.contest import Contest, Grades, Variants
from ballots.counting.types import Profile
from commons.errors import Invalid
from tests.graded import by_hand, grade_piles, relabelled, spread_out

CITIES = ("Memphis", "Nashville", "Chattanooga", "Knoxville")
UNRANKED = st.sampled_from(["last", "ignored"])


def test_the_published_example_is_reproduced() -> None:
    # Wikipedia, Score voting, "Tennessee": 10 points for one's own city, less with the distance.
    ballots = [((10, 4, 2, 0), 42), ((0, 10, 4, 2), 26), ((0, 6, 10, 6), 15), ((0, 5, 7, 10), 17)]
    pile = Grades.of(CITIES, [(dict(zip(CITIES, row, strict=True)), weight) for row, weight in ballots])
    outcome = score.count(Contest(grades=pile))
    assert outcome.rounds == [{"tally": {"Memphis": 420, "Nashville": 603, "Chattanooga": 457, "Knoxville": 312}}]
    assert outcome.order == [["Nashville"], ["Chattanooga"], ["Memphis"], ["Knoxville"]]
    assert outcome.certificate["neighbours"][0] == {
        "above": "Nashville", "below": "Chattanooga", "tied": False,
        "points": [603, 457], "given": [100, 100], "means": ["603/100", "457/100"],
    }  # fmt: skip
    assert outcome.certificate["top"] == 10


# 60 know nothing of B. The sum is for A (600 > 360), the mean of those who know it for B (360/40 = 9 > 600/100 = 6).
KNOWN_TO_FEW = Grades.of("ABC", [({"A": 10, "C": 0}, 60), ({"B": 9, "A": 0, "C": 1}, 40)])


def test_leaving_out_is_a_zero_or_no_opinion() -> None:
    last = score.count(Contest(grades=KNOWN_TO_FEW))
    assert (last.order, last.certificate["variants"]) == ([["A"], ["B"], ["C"]], {"unranked": "last"})
    assert last.certificate["means"] == {"A": 6, "B": "18/5", "C": "2/5"}
    ignored = score.count(Contest(grades=KNOWN_TO_FEW), Variants(unranked="ignored"))
    assert (ignored.order, ignored.certificate["variants"]) == ([["B"], ["A"], ["C"]], {"unranked": "ignored"})
    assert ignored.certificate["means"] == {"A": 6, "B": 9, "C": "2/5"}
    assert ignored.certificate["given"] == {"A": 100, "B": 40, "C": 100}


def test_the_file_may_say_that_leaving_out_is_no_opinion() -> None:
    rankings = Profile.of("ABC", [([["A"], ["C"]], 60), ([["B"], ["C"], ["A"]], 40)], implicit=False)
    assert score.count(Contest(rankings, KNOWN_TO_FEW)).winners == ["B"]
    assert score.count(Contest(rankings, KNOWN_TO_FEW), Variants(unranked="last")).winners == ["A"]


def test_who_was_given_no_grade_at_all_comes_after_those_with_only_zeros() -> None:
    outcome = score.count(Contest(grades=Grades.of("ABC", [({"A": 3, "C": 0}, 1)])), Variants(unranked="ignored"))
    assert outcome.order == [["A"], ["C"], ["B"]]
    assert outcome.certificate["means"] == {"A": 3, "B": None, "C": 0}


def test_ballots_that_are_all_blank_leave_all_tied() -> None:
    for unranked in ("last", "ignored"):
        outcome = score.count(Contest(grades=Grades.of("AB", [({}, 3)])), Variants(unranked=unranked))
        assert (outcome.order, outcome.counted, outcome.blank) == ([["A", "B"]], 0, 3)
        assert [pair["tied"] for pair in outcome.certificate["neighbours"]] == [True]


def test_rankings_and_unknown_choices_are_refused() -> None:
    with pytest.raises(Invalid, match=r"count\.needs_grades"):
        score.count(Contest(Profile.of("AB", [([["A"]], 1)])))
    with pytest.raises(Invalid, match=r"count\.choice"):
        score.count(Contest(grades=KNOWN_TO_FEW), Variants(unranked="first"))


@given(grade_piles(), UNRANKED)
def test_the_order_is_that_of_the_means_by_hand(pile: Grades, unranked: str) -> None:
    ballots = by_hand(pile)
    outcome = score.count(Contest(grades=pile), Variants(unranked=unranked))
    mean: dict[str, Fraction] = {}
    for a in pile.options:
        heard = [ballot.get(a, 0) for ballot in ballots if a in ballot or unranked == "last"]
        mean[a] = Fraction(sum(heard), len(heard)) if heard else Fraction(-1 if unranked == "ignored" else 0)
    heights = sorted(set(mean.values()), reverse=True)
    assert outcome.order == [[a for a in pile.options if mean[a] == height] for height in heights]


@given(grade_piles(), UNRANKED, st.data())
def test_nothing_depends_on_how_ballots_and_options_are_written_down(
    pile: Grades, unranked: str, data: st.DataObject
) -> None:
    variants = Variants(unranked=unranked)
    outcome = score.count(Contest(grades=pile), variants)
    assert score.count(Contest(grades=spread_out(pile)), variants).as_json() == outcome.as_json()
    other = relabelled(pile, data.draw(st.permutations(range(len(pile.options)))))
    assert list(map(set, score.count(Contest(grades=other), variants).order)) == list(map(set, outcome.order))
