"""A rule about who may vote: typed into a form, frozen on the card, told with its reasons to the person concerned."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import shown
from app.accounts.roll.facts import Kept, Needs, needs_of, read_facts
from app.accounts.roll.filling.plan import plan_of
from app.accounts.roll.filling.store import begin, newest_version, take, write_on
from app.accounts.roll.freezing import forget_facts, needs_of_roll
from app.accounts.roll.importing import examine
from app.accounts.roll.store import add_roll, find_on_roll
from app.db import Database
from ballots.store import get_list
from commons.errors import Invalid
from commons.organisations.store import get_host
from polls.eligibility.rules import read_rule
from polls.lifecycle import State
from polls.votecard import VoteCard
from tests.app.web.voting import NEW, Hall, fill_in, prepare, send
from tests.plumbing.house import Town
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio
ADULT = {"age_at_least": {"on": "2027-03-01", "years": 18}}
RULE = {"all": [ADULT, {"district_in": ["North", "South"]}]}
FITS: Kept = {"born": "1990-01-31", "district": "north"}
YOUNG: Kept = {"born": "2009-03-02", "district": "North"}
ELSEWHERE: Kept = {"born": "1990-01-31", "district": "West"}
FACTS: Sequence[Kept | None] = (FITS, YOUNG, ELSEWHERE, {"born": "1990-01-31"}, None)
SIMPLE = {"min_age": "18", "age_on": "2027-03-01", "districts": "South; North"}
TABLE = "reference;name;Date of birth;district;services;memberships\n1;Nino;31.1.1990;North;buses; Choir\n"
ERROR_LINK = re.compile(r'<li><a href="#f-([\w-]+)">')
GROUP = re.compile(r"<li>only somebody may vote who (.*?)</li>")


@pytest.fixture
async def one_hall(one_town: Town) -> Hall:
    return await prepare(one_town)


async def ruled(town: Town, state: State = State.OPEN) -> HeldVote:
    return await hold_vote(town.house, state, voters=len(FACTS), facts=FACTS, eligibility=RULE)


async def told(vote: HeldVote, town: Town, number: int) -> tuple[int, list[str], str]:
    """Ask as one of the voters whether they may vote. Returns the status, the reasons without tags, the page."""
    answer = await town.browser().send(f"{vote.path}/eligible", {"code": shown(vote.codes[number])})
    return answer.status_code, [re.sub("<.*?>", "", each) for each in GROUP.findall(answer.text)], answer.text


async def test_a_draft_has_a_rule_typed_into_plain_fields(one_hall: Hall) -> None:
    address = await one_hall.vote(**SIMPLE)
    assert (await one_hall.poll(address)).eligibility == RULE
    assert "the rule lets 0 people vote" in (await one_hall.browser.get(address)).text  # the list tells nothing yet
    fields = await fill_in(one_hall.browser, address)
    assert {name: fields[name] for name in SIMPLE} == SIMPLE | {"districts": "North; South"}
    await send(one_hall.browser, address, fields | {"min_age": "", "districts": "", "membership": " Choir  club"})
    assert (await one_hall.poll(address)).eligibility == {"member_of": "Choir club"}
    await send(one_hall.browser, address, await fill_in(one_hall.browser, address, membership=""))
    assert (await one_hall.poll(address)).eligibility is None
    assert "eligibility" not in ((await one_hall.browser.get(address)).text.split("<pre")[1])
    opens = await one_hall.vote(
        title="Another", min_age="16", opens_at="2036-05-02T10:00", closes_at="2036-05-03T10:00"
    )
    assert (await one_hall.poll(opens)).eligibility == {"age_at_least": {"on": "2036-05-02", "years": 16}}


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"min_age": "old"}, "min_age", "a whole number of years"),
        ({"min_age": "151"}, "min_age", "a whole number of years"),
        ({"min_age": "18", "age_on": "soon"}, "age_on", "Write a day"),
        ({"districts": ";"}, "districts", "at most 80 signs"),
        ({"service": "x" * 81}, "service", "at most 80 signs"),
        ({"roll": "everybody", "membership": "Choir"}, "roll", "A rule needs a list of people"),
    ],
)
async def test_a_wrong_rule_is_said_at_its_field(one_hall: Hall, typed: dict[str, str], field: str, said: str) -> None:
    answer = await send(one_hall.browser, NEW, await fill_in(one_hall.browser, title_en="Which?", **typed))
    assert (answer.status_code, ERROR_LINK.findall(answer.text)) == (422, [field])
    assert said in answer.text


async def test_the_frozen_list_holds_who_fits_and_nobody_else_casts(town: Town) -> None:
    vote = await ruled(town)
    poll = await vote.poll()
    card = VoteCard.from_json(poll.card)
    assert (card.eligibility, card.as_json()) == (RULE, poll.card)
    for wrong in ({"any": RULE["all"]}, {"all": RULE["all"][::-1] * 2}, {"all": []}, None):
        with pytest.raises(Invalid) if wrong != {"any": RULE["all"]} else pytest.raises(AssertionError):
            assert VoteCard.from_json(poll.card | {"eligibility": wrong}).hash() == poll.card_hash  # type: ignore[operator]
    async with vote.house.db.reading() as session:
        assert (await get_list(session, vote.id, "roll")).size == 1
    for number in range(1, len(FACTS)):
        refused = await Voter(town.browser(), vote).cast("Parks", code=vote.codes[number])
        assert (refused.status_code, "does not let you vote" in refused.text) == (403, True)
    cast = await Voter(town.browser(), vote).cast("Parks", code=vote.codes[0])
    assert cast.status_code == 303
    assert await vote.close() is State.CLOSED  # a ballot of one of the others would have stopped it
    async with vote.house.db.reading() as session:
        assert (await get_list(session, vote.id, "took_part")).size == 1


async def test_each_person_is_told_why_and_what_helps_and_nobody_else_is(one_town: Town) -> None:
    vote = await ruled(one_town, State.LOCKED)
    manager = await one_town.signed_in("manager")
    assert (
        "5 people. By what the list tells, the rule lets 1 person vote."
        in (await manager.get(f"/en/manage/votes/{vote.slug}")).text
    )
    page = (await one_town.browser().get(f"{vote.path}/eligible")).text
    sentence = re.sub("<.*?>", "", page)
    assert (
        "who is at least 18 years old on 1 March 2027, and lives in one of these districts: North, South." in sentence
    )
    assert GROUP.findall(page) == []
    assert (await told(vote, one_town, 0))[0] == 200
    status, reasons, text = await told(vote, one_town, 1)
    assert (status, len(reasons), "before the vote opens" in text) == (403, 1, True)
    assert reasons[0].startswith("is at least 18 years old on 1 March 2027; by the list this does not hold")
    _, reasons, _ = await told(vote, one_town, 2)
    assert [each.partition(";")[0] for each in reasons] == ["lives in one of these districts: North, South"]
    _, reasons, _ = await told(vote, one_town, 3)
    assert reasons == ["lives in one of these districts: North, South; the list does not tell this of you"]
    _, reasons, _ = await told(vote, one_town, 4)
    assert ["the list does not tell" in each for each in reasons] == [True, True]
    rules = (await one_town.browser().get(vote.path)).text
    assert "Of the people on the list" in rules  # the card says it to everybody
    for language in ("ka", "fr", "ar"):
        assert (await one_town.browser().get(vote.path.replace("/en/", f"/{language}/"))).status_code == 200


def test_only_what_a_rule_needs_is_read_of_a_list() -> None:
    needs = needs_of([read_rule(RULE), read_rule({"not": {"uses_service": "Buses"}})])
    assert needs == Needs(born=True, district=True, services=frozenset({"buses"}))
    cells = ["1990-01-31", "", "trains; BUSES;x", "Choir"]
    assert read_facts(cells, needs) == {"born": "1990-01-31", "services": ["BUSES"]}
    assert read_facts(cells, Needs()) is None
    assert read_facts([None, None, "", None], needs) == {"services": []}  # known: none
    assert read_facts([None] * 4, needs) is None
    for wrong in ("1990-02-30", "1990", "31/1/1990", "0190-01-31", "tomorrow"):
        with pytest.raises(ValueError, match="day|month|^" + re.escape(wrong)):
            read_facts([wrong, None, None, None], needs)
    report = examine(TABLE + "2;Luka;31.2.1990;North;;\n", [], needs=needs)
    assert ([each.facts for each in report.new], report.unread) == (
        [{"born": "1990-01-31", "district": "North", "services": ["buses"]}],
        ["memberships"],
    )
    assert [(each.line, each.fault) for each in report.wrong] == [(3, "day")]
    assert examine(TABLE, []).unread == ["date of birth", "district", "services", "memberships"]


async def filled(db: Database, text: str, needs: Needs, *, is_long: bool) -> list[dict[str, Any] | None]:
    """Bring a list into a roll, and then a newer one that tells more."""

    async def make(session: AsyncSession) -> Any:  # noqa: ANN401
        return (await add_roll(session, (await get_host(session)).id, {"en": "All"})).id

    roll_id = await db.write(make)
    for each in (text, text.replace("North", "South").replace("31.1.1990", "")):
        async with db.reading() as session:
            there, seen = await find_on_roll(session, roll_id), await newest_version(session, roll_id)
        report = examine(each, there, needs=needs)
        if is_long:
            plan = plan_of(report, there, withdraw=False)
            filling = await db.write(lambda s, p=plan, n=seen: begin(s, roll_id, p, n, roll_id))  # type: ignore[misc]
            while await db.write(lambda s, f=filling: write_on(s, f.id)):  # type: ignore[misc]
                pass
        else:
            await db.write(lambda s, r=report: take(s, roll_id, r, roll_id))  # type: ignore[misc]
    async with db.reading() as session:
        return [each.facts for each in await find_on_roll(session, roll_id)]


async def test_a_list_brings_facts_at_once_or_in_slices(town: Town) -> None:
    needs = needs_of([read_rule(RULE)])
    for is_long in (False, True):
        assert await filled(town.house.db, TABLE, needs, is_long=is_long) == [
            {"born": "1990-01-31", "district": "South"}
        ]


async def test_facts_are_forgotten_when_no_vote_needs_them(town: Town) -> None:
    vote = await ruled(town)

    async def left() -> int:
        await vote.house.db.write(forget_facts)
        async with vote.house.db.reading() as session:
            query = sa.text("SELECT count(*) FROM app_roll_line WHERE facts IS NOT NULL")
            return int((await (await session.connection()).execute(query)).scalar_one())

    assert await left() == len(FACTS) - 1
    roll_id = (await vote.poll()).roll_id
    assert roll_id is not None
    async with vote.house.db.reading() as session:
        assert await needs_of_roll(session, roll_id) == Needs(born=True, district=True)
    await vote.change(state=State.PUBLISHED)
    assert await left() == len(FACTS) - 1  # somebody may still object
    await vote.let_time_pass(objections_until=-1)
    assert await left() == 0
