"""STAR: the published example, each step of the official protocol for ties, and what must hold for any pile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import star
from ballots.counting.contest import Contest, Grades, Variants, draw_lot
from ballots.counting.types import Outcome, Profile
from commons.errors import Invalid
from tests.graded import by_hand, grade_piles, relabelled, spread_out

CITIES = ("Memphis", "Nashville", "Chattanooga", "Knoxville")


def pile_of(options: str, *ballots: tuple[str, int]) -> Grades:
    """Make a pile from ballots such as ("530", 2): two ballots that give the first option 5, the second 3, ..."""
    rows = [(dict(zip(options, map(int, row), strict=True)), weight) for row, weight in ballots]
    return Grades.of(options, rows, top=5)


def count(pile: Grades, seed: str | None = None) -> Outcome:
    return star.count(Contest(grades=pile), Variants(tiebreak_seed=seed))


def test_the_published_example_is_reproduced() -> None:
    # Wikipedia, STAR voting, "Tennessee": 0 to 5 stars by distance; Nashville 293, Chattanooga 237; run-off 68 to 32.
    ballots = [((5, 2, 1, 0), 42), ((0, 5, 2, 1), 26), ((0, 3, 5, 3), 15), ((0, 2, 4, 5), 17)]
    outcome = count(Grades.of(CITIES, [(dict(zip(CITIES, row, strict=True)), weight) for row, weight in ballots]))
    assert outcome.rounds[0] == {
        "tally": {"Memphis": 210, "Nashville": 293, "Chattanooga": 237, "Knoxville": 156},
        "finalists": ["Nashville", "Chattanooga"],
        "runoff": {"Nashville": 68, "Chattanooga": 32},
        "decided_by": "runoff",
        "placed": ["Nashville"],
    }
    # Then Chattanooga 237 meets Memphis 210 (58 to 42), then Memphis meets Knoxville and loses 42 to 58.
    assert outcome.order == [["Nashville"], ["Chattanooga"], ["Knoxville"], ["Memphis"]]
    assert [pair["by"] for pair in outcome.certificate["neighbours"]] == ["runoff", "points", "runoff"]
    assert outcome.pairwise["Knoxville"] == {"Memphis": 58, "Nashville": 17, "Chattanooga": 17}


def test_the_majority_of_the_two_with_most_points_wins_not_the_points() -> None:
    # Points: A 3 * 5 = 15, B 3 * 4 + 2 * 3 = 18, C 0. B has more, and three of five prefer A.
    outcome = count(pile_of("ABC", ("540", 3), ("030", 2)))
    assert outcome.order == [["A"], ["B"], ["C"]]
    assert outcome.rounds[0]["runoff"] == {"A": 3, "B": 2}


@pytest.mark.parametrize(
    ("ballots", "winner", "decided"),
    [
        ([("51", 1), ("12", 1)], "A", "runoff_points"),  # 1 to 1; 6 points to 3
        ([("50", 1), ("14", 1), ("13", 1), ("10", 1)], "A", "runoff_points"),  # 2 to 2; 8 points to 7
        ([("50", 1), ("03", 1), ("22", 1), ("02", 1)], "B", "runoff"),  # 1 to 2, though 7 points are each one's
        ([("52", 1), ("14", 1)], "A", "runoff_highest"),  # 1 to 1; 6 to 6; one 5 to none
    ],
)
def test_a_draw_in_the_runoff_goes_to_more_points_then_to_more_highest_grades(
    ballots: list[tuple[str, int]], winner: str, decided: str
) -> None:
    outcome = count(pile_of("AB", *ballots))
    assert (outcome.winners, outcome.rounds[0]["decided_by"]) == ([winner], decided)
    assert outcome.certificate["neighbours"][0]["by"] == decided


def test_two_equal_in_the_runoff_in_every_way_share_the_place() -> None:
    outcome = count(pile_of("ABC", ("501", 1), ("051", 1)))
    assert outcome.order == [["A", "B"], ["C"]]
    assert (outcome.rounds[0]["decided_by"], outcome.certificate["lots"]) == ("tied", [])


def test_of_more_than_two_with_equal_points_who_loses_most_match_ups_is_out() -> None:
    # All have 9 points. A before B 3 to 1, A before C 3 to 2, B before C 3 to 2: C has lost two, B one, A none.
    pile = pile_of("ABC", ("321", 3), ("034", 1), ("002", 1))
    assert pile.grades.T.tolist() == [[3, 0, 0], [2, 3, 0], [1, 4, 2]]
    outcome = count(pile)
    assert outcome.certificate["points"] == {"A": 9, "B": 9, "C": 9}
    assert outcome.certificate["ties"] == [
        {"round": 1, "by": "match_ups", "tally": {"A": 0, "B": 1, "C": 2}, "on": [], "tied": ["A", "B"], "out": ["C"]}
    ]
    assert (outcome.rounds[0]["finalists"], outcome.order) == (["A", "B"], [["A"], ["B"], ["C"]])


def test_where_too_few_would_be_left_those_who_lost_most_vie_for_the_place_open() -> None:
    # A, B, C have 6 points each. A wins both its match-ups, B and C draw: both lost one. C has a 5, B has none.
    pile = pile_of("ABC", ("215", 1), ("110", 1), ("101", 1), ("240", 1))
    assert count(pile).certificate["points"] == {"A": 6, "B": 6, "C": 6}
    outcome = count(pile)
    assert outcome.certificate["ties"] == [
        {"round": 1, "by": "match_ups", "tally": {"A": 0, "B": 1, "C": 1}, "on": ["A"], "tied": ["B", "C"], "out": []},
        {"round": 1, "by": "highest", "tally": {"B": 0, "C": 1}, "on": [], "tied": ["C"], "out": ["B"]},
    ]
    assert outcome.rounds[0]["finalists"] == ["A", "C"]


def test_one_sure_of_the_runoff_who_beats_all_tied_for_the_other_place_needs_no_lot() -> None:
    # A 10 points; B and C 5 each, a draw, one 5 each; A is before both.
    outcome = count(pile_of("ABC", ("550", 1), ("505", 1)))
    assert outcome.order == [["A"], ["B", "C"]]
    assert outcome.rounds[0]["finalists"] == ["A", "B", "C"]
    assert (outcome.rounds[0]["decided_by"], outcome.rounds[0]["runoff"]) == ("all_of_them", None)
    assert outcome.certificate["lots"] == []
    assert outcome.certificate["neighbours"][0]["by"] == "runoff"


CIRCLE = pile_of("ABC", ("420", 1), ("042", 1), ("204", 1))


def test_a_circle_of_equals_goes_to_the_lot_that_anybody_can_draw_again() -> None:
    # A before B before C before A, each 2 to 1; 6 points each, no 5: who meets decides who wins.
    for seed in "abcdef":
        outcome = count(CIRCLE, seed)
        drawn = draw_lot(seed, "ABC")[:2]
        assert outcome.certificate["lots"] == [{"among": ["A", "B", "C"], "drawn": drawn}]
        assert outcome.certificate["variants"] == {"tiebreak_seed": seed}
        assert sorted(outcome.rounds[0]["finalists"]) == sorted(drawn)
        (winner,) = outcome.winners
        assert (winner, *(set(drawn) - {winner})) in {("A", "B"), ("B", "C"), ("C", "A")}
    assert len({count(CIRCLE, seed).winners[0] for seed in "abcdef"}) > 1


def test_where_the_lot_put_one_behind_the_neighbours_say_so() -> None:
    # A 32 points, C and B 17 each, a draw (4 to 4), no 5. C beats A 5 to 4, and B loses to A 1 to 8.
    pile = pile_of("ACB", ("340", 4), ("504", 4), ("011", 1))
    orders = set()
    for seed in "abcdef":
        outcome = count(pile, seed)
        ((lot,), first) = outcome.certificate["lots"], outcome.certificate["neighbours"][0]
        assert lot["among"] == ["C", "B"]
        if lot["drawn"] == ["B"]:
            assert (outcome.order, first["by"]) == ([["A"], ["C", "B"]], "lot")
        else:
            assert (outcome.order, first["by"]) == ([["C"], ["A"], ["B"]], "runoff")
        orders.add(first["by"])
    assert orders == {"lot", "runoff"}


def test_equals_in_every_way_share_one_place_without_a_lot() -> None:
    for pile in (pile_of("ABCD", ("3333", 2)), Grades.of("ABCD", [({}, 3)])):
        outcome = count(pile)
        assert (outcome.order, outcome.certificate["lots"]) == ([["A", "B", "C", "D"]], [])
        assert outcome.rounds[0]["decided_by"] == "tied"


def test_one_option_takes_its_place_without_a_round() -> None:
    outcome = count(pile_of("A", ("3", 2)))
    assert (outcome.order, outcome.rounds, outcome.certificate["neighbours"]) == ([["A"]], [], [])


def test_rankings_are_refused() -> None:
    with pytest.raises(Invalid, match=r"count\.needs_grades"):
        star.count(Contest(Profile.of("AB", [([["A"]], 1)])))


@given(grade_piles(max_options=6))
def test_each_round_is_a_star_count_of_those_left(pile: Grades) -> None:
    ballots = by_hand(pile)
    outcome = count(pile)
    left = list(pile.options)
    for told in outcome.rounds:
        points = {a: sum(ballot.get(a, 0) for ballot in ballots) for a in left}
        assert told["tally"] == points
        level = sorted(points.values(), reverse=True)[1]
        assert all(points[a] >= level for a in told["finalists"])
        assert {a for a in left if points[a] > level} <= set(told["finalists"])
        if told["runoff"]:
            a, b = told["finalists"]
            preferred = {x: sum(v.get(x, 0) > v.get(y, 0) for v in ballots) for x, y in ((a, b), (b, a))}
            assert told["runoff"] == preferred
            keys = {x: (preferred[x], points[x], sum(v.get(x, 0) == pile.top for v in ballots)) for x in (a, b)}
            assert set(told["placed"]) == {x for x in (a, b) if keys[x] == max(keys.values())}
        assert set(told["placed"]) <= set(told["finalists"])
        left = [a for a in left if a not in told["placed"]]
    assert sorted(a for place in outcome.order for a in place) == sorted(pile.options)
    assert [pair["tied"] for pair in outcome.certificate["neighbours"]].count(True) == len(pile.options) - len(
        outcome.order
    )


@given(grade_piles(max_options=6), st.data())
def test_nothing_depends_on_how_ballots_and_options_are_written_down(pile: Grades, data: st.DataObject) -> None:
    outcome = count(pile)
    assert count(spread_out(pile)).as_json() == outcome.as_json()
    other = relabelled(pile, data.draw(st.permutations(range(len(pile.options)))))
    assert list(map(set, count(other).order)) == list(map(set, outcome.order))
