"""The facts that a rule needs and the second fact beside a letter's code: on one list, neither taken for the other."""

import html
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import shown
from app.accounts.roll.facts import Kept, needs_of
from app.accounts.roll.filling.plan import plan_of
from app.accounts.roll.filling.store import begin, newest_version, take, write_on
from app.accounts.roll.importing import OnRoll, examine
from app.accounts.roll.second_fact import SecondFactMarker
from app.accounts.roll.store import add_roll, find_on_roll
from commons.organisations.store import get_host
from polls.eligibility.rules import read_rule
from tests.plumbing.house import Town
from tests.plumbing.second_facts import know_second_facts
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio
RULE = {"all": [{"age_at_least": {"on": "2027-03-01", "years": 18}}, {"district_in": ["North", "South"]}]}
NEEDS = needs_of([read_rule(RULE)])
ADULT: Kept = {"born": "1990-01-31", "district": "North"}
YOUNG: Kept = {"born": "2009-03-02", "district": "North"}
CELLS = {"reference": "1", "born": "1990-01-31", "district": "North", "fact": "4711"}
WRONG = "The code, or what is asked for beside it, is wrong."
REASON = "only somebody may vote who"
MARK = SecondFactMarker("s" * 40)
LINE = UUID(int=7)


async def asked(town: Town, vote: HeldVote, number: int, fact: str) -> tuple[int, bool, bool]:
    """Ask with a letter whether it may vote. Returns the status, whether it was wrong, whether it tells why."""
    form = {"code": shown(vote.codes[number]), "fact": fact}
    answer = await town.browser().send(f"{vote.path}/eligible", form)
    return answer.status_code, WRONG in html.unescape(answer.text), REASON in answer.text


async def cast(town: Town, vote: HeldVote, number: int, fact: str) -> httpx.Response:
    voter = Voter(town.browser(), vote)
    return await voter.send((await voter.open()).ranked("Parks", code=vote.codes[number], fact=fact))


async def test_what_a_list_tells_of_a_person_is_told_to_nobody_who_has_their_letter_alone(one_town: Town) -> None:
    vote = await hold_vote(one_town.house, voters=2, facts=(ADULT, YOUNG), eligibility=RULE)
    await know_second_facts(vote, "4711", "0815")
    for fact in ("", "4711"):
        assert await asked(one_town, vote, 1, fact) == (403, True, False)
    assert await asked(one_town, vote, 1, "0815") == (403, False, True)
    assert await asked(one_town, vote, 0, "4711") == (200, False, False)
    for number, fact, status, said in ((1, "4711", 403, WRONG), (1, "0815", 403, "does not let you vote")):
        answer = await cast(one_town, vote, number, fact)
        assert (answer.status_code, said in html.unescape(answer.text)) == (status, True)
    assert (await cast(one_town, vote, 0, "4711")).status_code == 303


@pytest.mark.parametrize("order", list(permutations(CELLS)))
def test_columns_of_both_kinds_may_stand_in_any_order(order: tuple[str, ...]) -> None:
    text = "\n".join([",".join(order), ",".join(CELLS[each] for each in order)])
    (entry,) = examine(text, [], needs=NEEDS, mark_fact=MARK).new
    assert (entry.reference, entry.facts, entry.fact) == ("1", ADULT, "4711")
    assert sorted(examine(text, []).unread) == ["born", "district", "fact"]
    assert examine(text, [], mark_fact=MARK).new[0].facts is None
    assert examine(text, [], needs=NEEDS).new[0].fact == ""


def test_a_list_that_tells_one_kind_leaves_the_other_as_it_is() -> None:
    old = OnRoll("1", facts=ADULT, line_id=LINE, fact=MARK(LINE, "4711"))
    for text, facts, fact in (
        ("reference,fact\n1,0815\n", ADULT, MARK(LINE, "0815")),
        ("reference,district\n1,South\n", ADULT | {"district": "South"}, MARK(LINE, "4711")),
    ):
        report = examine(text, [old], needs=NEEDS, mark_fact=MARK)
        ((entry, _),) = report.changed
        assert entry.facts_after(old) == facts
        assert (MARK(LINE, entry.fact) if entry.fact else old.fact) == fact
    assert examine("reference,district,fact\n1,North,47-11\n", [old], needs=NEEDS, mark_fact=MARK).changed == []


@pytest.mark.parametrize("is_long", [False, True])
async def test_a_list_brings_both_at_once_or_in_slices(one_town: Town, *, is_long: bool) -> None:
    db = one_town.house.db

    async def make(session: AsyncSession) -> UUID:
        return (await add_roll(session, (await get_host(session)).id, {"en": "All"})).id

    roll_id = await db.write(make)
    for text in (
        "reference,born,district,fact\n1,1990-01-31,North,4711\n2,,,0815\n",
        "reference,fact\n1,1234\n2,0815\n",
    ):
        async with db.reading() as session:
            there, seen = await find_on_roll(session, roll_id), await newest_version(session, roll_id)
        report = examine(text, there, needs=NEEDS, mark_fact=MARK)

        async def bring(session: AsyncSession, given: Any = (report, there, seen)) -> Any:  # noqa: ANN401
            if not is_long:
                return await take(session, roll_id, given[0], roll_id, mark_fact=MARK)
            plan = plan_of(given[0], given[1], withdraw=False, mark_fact=MARK)
            return await begin(session, roll_id, plan, given[2], roll_id)

        begun = await db.write(bring)
        while is_long and await db.write(lambda session, filling=begun: write_on(session, filling.id)):  # type: ignore[misc]
            pass
    async with db.reading() as session:
        found = sorted(await find_on_roll(session, roll_id), key=lambda each: each.reference)
    for line, facts, fact in zip(found, (ADULT, None), ("1234", "0815"), strict=True):
        assert line.line_id is not None
        assert (line.facts, line.fact) == (facts, MARK(line.line_id, fact))
