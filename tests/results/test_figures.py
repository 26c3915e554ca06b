"""The figures that go out beside an order: the order follows from them alone, by every rule that has such figures."""

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.counting.registry import count
from ballots.opening import _lay_out
from polls.kinds import RULES, Kind
from polls.tables import Poll
from results.attack import _all
from results.figures import FORMS, Figures, Form, count_figures
from tests.ballots.voting import plan

NAMES = ("Buses", "Parks", "Clinics", "Schools")


def vote(rule: str, terms: dict[str, Any]) -> Poll:
    asked = plan(NAMES)
    options = [{"id": n, "names": {"en": name}, "service": "", "cost": 10 * n} for n, name in enumerate(NAMES, start=1)]
    times = dict.fromkeys(
        (
            "objections_until",
            "planned_opens_at",
            "planned_closes_at",
            "planned_publishes_at",
            "closes_at",
            "publishes_at",
        ),
        asked.opens_at,
    )
    return Poll(
        organisation_id=uuid4(), slug="x", titles={}, questions={}, options=options, most_ranked=3, rule=rule,
        terms=terms, **times,
    )  # fmt: skip


CASES = [
    *((rule, {}) for rule in FORMS if RULES[rule].kind is not Kind.BUDGET),
    ("ranked-pairs", {"equal": True}),
    ("greedy", {"budget": 45}),
    ("greedy", {"budget": 45, "points": 4}),
]
UNIVERSES = [sorted(_all(vote(rule, terms).paper)) for rule, terms in CASES]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{rule} {terms or ''}" for rule, terms in CASES])
def test_the_order_follows_from_the_figures_alone(case: int, data: st.DataObject) -> None:
    (rule, terms), universe = CASES[case], UNIVERSES[case]
    opened = Counter(data.draw(st.lists(st.sampled_from(universe), min_size=1, max_size=30)))
    poll = vote(rule, terms)
    outcome = count(rule, _lay_out(poll, NAMES, opened, 1))
    figures = Figures.of(FORMS[rule], poll.paper, NAMES, opened)
    for blank in (outcome.blank, None):
        again = count_figures(figures, rule, poll.paper, outcome.ballots, blank, 1)
        assert (again.order, again.winners) == (outcome.order, outcome.winners)
        assert again.counted == outcome.ballots - 1 - (blank or 0)


def test_the_figures_are_those_of_the_ballots() -> None:
    ranked = {bytes([1, 2, 0, 0]): 3, bytes([0, 0, 0, 1]): 2, bytes(4): 1}
    pairs = Figures.of(Form.PAIRS, vote("schulze", {}).paper, NAMES, ranked).table
    assert pairs.tolist() == [[0, 3, 3, 3], [0, 0, 3, 3], [0, 0, 0, 0], [2, 2, 2, 0]]
    grades = Figures.of(Form.GRADES, vote("score", {}).paper, NAMES, {bytes([6, 1, 0, 3]): 2, bytes(4): 5}).table
    assert grades.tolist() == [[0, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0], [0, 0, 2, 0, 0, 0]]
    points = Figures.of(Form.TOTALS, vote("greedy", {"budget": 9, "points": 4}).paper, NAMES, {bytes([3, 1, 0, 0]): 5})
    assert points.table.tolist() == [[15], [5], [0], [0]]
