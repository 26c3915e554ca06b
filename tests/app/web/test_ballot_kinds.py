"""Every kind of ballot by its page: what it sends, what it refuses, what is opened; one length whatever was chosen."""

import html
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.accounts.roll.codes import shown
from ballots.opening import contest_of
from tests.plumbing.clients import HIDDEN
from tests.plumbing.house import Browser, Town
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio

NAMES = ("Buses", "Parks", "Clinics")
LABEL = re.compile(r'<label for="f-(position_\d+)">\s*([^<]*?)\s*<')
LEGEND = re.compile(r'<fieldset><legend>\s*([^<]*?)\s*<(?:/legend|span).*?name="(position_\d+)"', re.DOTALL)
RADIO = re.compile(r'name="choice" value="(\d{3})"[^>]*><label[^>]*>([^<]*)<')
BUDGET: dict[str, Any] = {"rule": "equal-shares", "costs": [60, 50, 30]}


@dataclass(frozen=True)
class Case:
    """One kind: what the vote is given, what may be said (name -> number), and what may not, with the words for it."""

    given: dict[str, Any]
    good: tuple[dict[str, int], ...]
    bad: tuple[tuple[dict[str, int], str], ...] = ()


CASES = {
    "single": Case({"rule": "plurality"}, ({"Parks": 1}, {})),
    "approval": Case({"rule": "approval"}, ({"Parks": 1, "Buses": 1}, {}, {"Clinics": 1})),
    "equal ranks": Case(
        {"rule": "ranked-pairs", "terms": {"equal": True}}, ({"Parks": 1, "Buses": 1, "Clinics": 2}, {})
    ),
    "unequal ranks": Case(
        {"rule": "stv", "terms": {"seats": 2}},
        ({"Parks": 1, "Buses": 2}, {}),
        (({"Parks": 1, "Buses": 1}, "The number 1 was given twice."),),
    ),
    "grades": Case({"rule": "majority-judgment"}, ({"Parks": 6, "Buses": 1}, {}, {"Clinics": 3})),
    "points": Case(
        BUDGET | {"terms": {"budget": 100, "points": 10}},
        ({"Parks": 7, "Buses": 3}, {}),
        (({"Parks": 7, "Buses": 4}, "You gave 11 points and have 10."),),
    ),
    "budget": Case(
        BUDGET | {"terms": {"budget": 100}},
        ({"Parks": 1, "Clinics": 1}, {}, {"Buses": 1, "Clinics": 1}),
        (({"Parks": 1, "Buses": 1}, "Together these cost 110, and there is 100."),),
    ),
}


async def form_of(browser: Browser, vote: HeldVote) -> tuple[dict[str, str], dict[str, str]]:
    """Open a ballot. Returns its hidden fields; and by the name of each choice what stands for it in the form."""
    page = await browser.get(vote.path)
    form = next(part for part in page.text.split("<form ") if 'name="after"' in part)
    radios = {html.unescape(name): value for value, name in RADIO.findall(form)}
    fields = {html.unescape(name): field for field, name in LABEL.findall(form)}
    fields |= {html.unescape(name): field for name, field in LEGEND.findall(form)}
    return dict(HIDDEN.findall(form)), radios or fields


def filled(form: tuple[dict[str, str], dict[str, str]], said: dict[str, int], code: str = "") -> dict[str, str]:
    """Fill a form in as a browser sends it."""
    hidden, places = form
    if "position_1" not in places.values():
        chosen = [places[name] for name, number in said.items() if number]
        answers = {"choice": chosen[0] if chosen else "000"}
    else:
        answers = {field: f"{said.get(name, 0):02}" for name, field in places.items()}
    return hidden | answers | ({"code": shown(code)} if code else {})


def weigh(answer: httpx.Response) -> tuple[int, ...]:
    """Measure a request and its answer, to the byte."""
    return len(answer.request.content), len(answer.content), *(len(value) for _, value in answer.headers.raw)


@pytest.mark.parametrize("kind", CASES)
async def test_what_is_chosen_is_what_is_opened(town: Town, kind: str) -> None:
    case = CASES[kind]
    vote = await hold_vote(town.house, voters=12, names=NAMES, most_ranked=3, **case.given)
    weights = []
    for number, code in enumerate(vote.codes):
        voter = Voter(town.browser(), vote)
        done = await voter.send(filled(await form_of(voter.browser, vote), case.good[number % len(case.good)], code))
        assert (done.status_code, done.headers["location"]) == (303, f"{vote.path}/receipt?done=first"), done.text
        weights.append(weigh(done))
    assert set(weights) == {weights[0]}
    await vote.publish()
    assert (await vote.poll()).state.value == "published"
    async with town.house.db.reading() as session:
        contest = await contest_of(session, vote.id)
    expected: dict[tuple[int, ...], int] = {}
    for number in range(12):
        said = tuple(case.good[number % len(case.good)].get(name, 0) for name in NAMES)
        expected[said] = expected.get(said, 0) + 1
    ballots = contest.ballots
    assert ballots.blank == expected.pop((0, 0, 0))
    if contest.rankings is not None:
        rows = {tuple(rank % 255 for rank in row): number for row, number in contest.rankings.rows().items()}
    else:
        assert contest.grades is not None
        lowest = 1 if kind == "grades" else 0
        expected = {tuple(max(said - lowest, 0) for said in row): number for row, number in expected.items()}
        rows = dict(zip(map(tuple, contest.grades.grades.tolist()), contest.grades.weights.tolist(), strict=True))
    assert rows == expected


@pytest.mark.parametrize("kind", [kind for kind, case in CASES.items() if case.bad])
async def test_what_cannot_be_said_comes_back_as_it_was_with_the_cure(one_town: Town, kind: str) -> None:
    vote = await hold_vote(one_town.house, names=NAMES, most_ranked=3, **CASES[kind].given)
    voter = Voter(one_town.browser(), vote)
    for said, words in CASES[kind].bad:
        form = await form_of(voter.browser, vote)
        refused = await voter.send(filled(form, said, vote.codes[0]))
        assert (refused.status_code, words in refused.text) == (422, True)
        for name, number in said.items():
            field = form[1][name]
            start = refused.text.index(f'name="{field}"')
            assert re.search(rf'value="{number:02}" (?:selected|checked)', refused.text[start - 80 : start + 900])


async def test_one_must_be_chosen_or_a_blank_ballot(one_town: Town) -> None:
    vote = await hold_vote(one_town.house, names=NAMES, rule="plurality")
    voter = Voter(one_town.browser(), vote)
    hidden, radios = await form_of(voter.browser, vote)
    assert {*NAMES} < {*radios}
    refused = await voter.send(hidden | {"code": shown(vote.codes[0])})
    assert (refused.status_code, "Choose one, or a blank ballot." in refused.text) == (422, True)
    for wrong in ("004", "04", "xxx"):
        broken = await voter.send(hidden | {"code": shown(vote.codes[0]), "choice": wrong})
        assert (broken.status_code, "This form is not whole" in broken.text) == (422, True)
