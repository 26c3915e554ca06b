"""From "Prioritise services" to an open vote: few clicks, nothing typed is lost, nothing changes once it is locked."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.store import strike, unstrike
from app.accounts.tables import Roll
from app.jobs.votes import tend_votes
from ballots.keys import Keys
from ballots.store import find_custodians
from commons.clock import now
from commons.organisations.store import get_host
from commons.services.store import add_service
from commons.tables import text_in
from polls.lifecycle import State
from polls.store import PER_PAGE
from polls.votecard import VoteCard
from tests.app.accounts.roll.lists import lines_of
from tests.app.web.voting import NEW, Hall, fill_in, prepare, press, send, typed_in
from tests.plumbing.forms import form_at
from tests.plumbing.house import Town
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio
MOST_CLICKS = 6
MOST_QUERIES = 16
ERROR_LINK = re.compile(r'<li><a href="#f-([\w-]+)">')


@pytest.fixture
async def hall(town: Town) -> Hall:
    return await prepare(town)


@pytest.fixture
async def one_hall(one_town: Town) -> Hall:
    return await prepare(one_town)


async def test_from_the_question_to_an_open_vote_in_six_clicks(hall: Hall) -> None:
    browser, clicks = hall.browser, 0
    assert NEW in (await browser.get("/en/manage")).text
    fields = await fill_in(browser, title_en="Which first?", question_en="Rank them.", opens_at=typed_in(hours=-1))
    clicks += 1  # the link
    answer = await send(browser, NEW, fields)
    clicks += 1
    assert answer.headers["location"] == "/en/manage/votes/which-first?done=saved"
    address = "/en/manage/votes/which-first"
    assert (await press(browser, address, f"{address}/lock")).headers["location"] == f"{address}?done=locked"
    clicks += 1
    await hall.agree(address)  # the second person, in their own browser
    clicks += 1
    await hall.prove(address)  # the custodians, each on their own
    assert (await press(browser, address, f"{address}/open")).headers["location"] == f"{address}?done=opened"
    clicks += 1
    poll = await hall.poll(address)
    assert clicks <= MOST_CLICKS
    public = (await hall.town.browser().get("/en/votes/which-first")).text
    assert "<bdi>Maia Lomidze</bdi> · <bdi>Giorgi Kapanadze</bdi>" in public  # who asked, and who agreed
    assert (poll.state, poll.most_ranked, poll.publishes_at) == (State.OPEN, 3, poll.closes_at)
    assert [text_in(each["names"], "en") for each in poll.options] == ["Buses", "Clinics", "Parks"]
    assert poll.objections_until == poll.publishes_at + timedelta(days=14)
    assert poll.objections["ka"] == "http://127.0.0.1:8000/ka/pages/contact"
    async with hall.town.house.db.reading() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql("SELECT size FROM ballots_list WHERE name = 'roll'")
        assert rows.all() == [(12,)]
        jobs = await connection.exec_driver_sql("SELECT count(*) FROM app_job WHERE kind = 'ledger.sequence'")
        assert jobs.all() == [(2,)]


async def test_what_a_manager_sees_is_what_is_locked(hall: Hall) -> None:
    address = await hall.vote()
    before = (await hall.browser.get(address)).text
    for said in ("Lock the rule card", "Everybody", "12 people", "City archive, Notary", "key file on this machine"):
        assert said in before
    assert before.count("disabled") == 3  # one select for each choice
    await press(hall.browser, address, f"{address}/lock")
    poll, after = await hall.poll(address), (await hall.browser.get(address)).text
    card = VoteCard.from_json(poll.card)
    assert card.opener == "key file"
    assert card.sealing_key == Keys(hall.town.config.keys).opener(poll.id).public_key().public_bytes_raw().hex()
    assert poll.card_hash == card.hash()
    assert poll.card_hash in after
    assert "0 of 2" in after
    await hall.prove(address, 1)
    assert "1 of 2" in (await hall.browser.get(address)).text


async def test_a_draft_comes_back_into_its_form_and_is_changed(hall: Hall) -> None:
    address = await hall.vote(
        title_ka="რომელი?", typed_1_en="Night buses", typed_3_en="Lifts", typed_3_ka="ლიფტები", service_parks="",
        effect="binding", legal_basis_en="Law 1", most_ranked="2", publishes_at=typed_in(days=4),
    )  # fmt: skip
    poll = await hall.poll(address)
    assert [each["service"] for each in poll.options] == ["buses", "clinics", "", ""]
    assert (poll.binding, poll.legal_basis, poll.titles["ka"], poll.most_ranked) == (
        True,
        {"en": "Law 1"},
        "რომელი?",
        2,
    )
    fields = await fill_in(hall.browser, address)
    assert (await send(hall.browser, address, fields)).headers["location"] == f"{address}?done=saved"
    same = await hall.poll(address)
    unchanged = {
        "titles",
        "options",
        "most_ranked",
        "binding",
        "legal_basis",
        "objections",
        "planned_closes_at",
        "roll_id",
    }
    assert {name: getattr(same, name) for name in unchanged} == {name: getattr(poll, name) for name in unchanged}
    await send(hall.browser, address, fields | {"title_en": "Another title", "service_parks": "yes"})
    changed = await hall.poll(address)
    assert (changed.titles["en"], len(changed.options), changed.slug) == ("Another title", 5, poll.slug)


MISTAKES = {
    "no title": ({"title_en": ""}, 422, "title_en", "Write something here."),
    "a title too long": ({"title_ka": "ა" * 201}, 422, "title_ka", "these are 201"),
    "a reserved title": ({"title_en": "New"}, 409, "title_en", "Choose a different one."),
    "one choice": ({"service_buses": "", "service_parks": "", "typed_5_ar": ""}, 422, "options", "at least two"),
    "the same as a service": ({"typed_2_en": " BUSES "}, 422, "typed_2_en", "“BUSES” and “Buses”"),
    "the same in Georgian": ({"typed_2_ka": "parks"}, 422, "typed_2_ka", "would look the same"),
    "an invisible sign": ({"typed_1_en": "a\tb"}, 422, "typed_1_en", "invisible"),
    "too many ranks": ({"most_ranked": "5"}, 422, "most_ranked", "1 to 4"),
    "no number": ({"most_ranked": "many"}, 422, "most_ranked", "1 to 4"),
    "none": ({"most_ranked": "0"}, 422, "most_ranked", "1 to 4"),
    "a foreign roll": ({"roll": "00000000-0000-4000-8000-000000000000"}, 422, "roll", "Choose who may vote."),
    "no end": ({"closes_at": ""}, 422, "closes_at", "Say when."),
    "no time": ({"closes_at": "tomorrow"}, 422, "closes_at", "Write day and time"),
    "no day": ({"opens_at": "2026-02-30T10:00"}, 422, "opens_at", "Write day and time"),
    "ends first": ({"opens_at": "2037-05-02T10:00", "closes_at": "2037-05-01T10:00"}, 422, "closes_at", "this order"),
    "published first": (
        {"closes_at": "2037-05-02T10:00", "publishes_at": "2037-05-01T10:00"}, 422, "publishes_at", "in this order",
    ),
    "objections first": (
        {"closes_at": "2037-05-02T10:00", "publishes_at": "", "objections_until": "2037-05-01T10:00"},
        422, "objections_until", "in this order",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_shown_at_its_field_and_nothing_typed_is_lost(one_hall: Hall, mistake: str) -> None:
    typed, status, field, said = MISTAKES[mistake]
    browser = one_hall.browser
    address = await one_hall.vote(title="Written before")
    for page in (NEW, address):
        if mistake == "a reserved title" and page == address:
            continue  # the address of a draft stays
        ours = {"title_en": "Which?", "question_fr": "Lequel ?", "typed_5_ar": "حافلة", "legal_basis_en": "Law <1>"}
        fields = await fill_in(browser, page, **ours | typed)
        answer = await send(browser, page, fields)
        assert answer.status_code == status
        assert ERROR_LINK.findall(answer.text) == [field]
        assert answer.text.count(f'id="f-{field}"') == 1
        assert said in answer.text
        again = form_at(answer.text, page)
        if mistake == "a foreign roll":
            fields["roll"] = ""  # it is not on the list
        assert {name: text for name, text in again.items() if text} == {n: t for n, t in fields.items() if t}


async def test_an_hour_that_the_clock_skips_or_repeats_is_named(one_hall: Hall) -> None:
    async def work(session: AsyncSession) -> None:
        host = await get_host(session)
        host.zone = "Europe/Paris"
        session.add(host)

    await one_hall.town.house.db.write(work)
    for typed, said in (("2027-03-28T02:30", "does not come"), ("2027-10-31T02:30", "comes twice")):
        answer = await send(one_hall.browser, NEW, await fill_in(one_hall.browser, title_en="A", closes_at=typed))
        assert (answer.status_code, ERROR_LINK.findall(answer.text)) == (422, ["closes_at"])
        assert said in answer.text
        assert "Europe/Paris" in answer.text
    for typed, utc in (("2027-03-28T03:30", 1), ("2027-10-31T03:30", 2)):
        title = f"At {utc}"
        answer = await send(one_hall.browser, NEW, await fill_in(one_hall.browser, title_en=title, closes_at=typed))
        poll = await one_hall.poll(answer.headers["location"].partition("?")[0])
        assert (poll.closes_at.hour, poll.closes_at.minute) == (utc, 30)


async def test_a_title_that_is_taken_is_said_at_what_was_typed(one_hall: Hall) -> None:
    await one_hall.vote(title="Which first?")
    for fields, field in (({"title_en": "Which first?"}, "title_en"), ({"title_fr": "Which first?"}, "title_fr")):
        answer = await send(one_hall.browser, NEW, await fill_in(one_hall.browser, **fields))
        assert (answer.status_code, ERROR_LINK.findall(answer.text)) == (409, [field])


async def test_a_large_catalogue_is_shown_whole_and_not_ticked(one_town: Town) -> None:
    hall = await prepare(one_town, services=[f"Service {number}" for number in range(60)])
    page = (await hall.browser.get(NEW)).text
    assert page.count('name="service_') == 60
    assert "checked" not in page.partition("f-options")[2].partition("</fieldset>")[0]


async def refusal(hall: Hall, address: str, act: str) -> tuple[int, str]:
    """Send a form to an act of a vote, whatever the page offers."""
    fields = {"_token": await hall.browser.token(address)}
    answer = await send(hall.browser, f"{address}/{act}" if act else address, fields)
    return answer.status_code, answer.text


async def test_nothing_goes_out_of_turn(hall: Hall) -> None:
    rollless = await hall.vote(title="For nobody", roll="")
    assert await refused(hall, rollless, "lock", 422, "Choose who may vote.")
    late = await hall.vote(title="Too late", opens_at=typed_in(hours=-3), closes_at=typed_in(hours=-2))
    assert await refused(hall, late, "lock", 409, "The closing time has passed.")
    address = await hall.vote(title="In turn", opens_at=typed_in(hours=1))
    assert await refused(hall, address, "open", 409, "This is not possible in the present state of the vote.")
    assert await refused(hall, address, "repeat", 409, "This vote was not annulled.")
    await press(hall.browser, address, f"{address}/lock")
    assert await refused(hall, address, "open", 409, "A second person must agree first")
    assert await refused(hall, address, "agree", 403, "Somebody else must agree")
    await hall.agree(address)
    assert await refused(hall, address, "agree", 409, "decided already")
    opener = Keys(hall.town.config.keys).opener((await hall.poll(address)).id).private_bytes_raw()
    assert await refused(hall, address, "lock", 409, "This is not possible in the present state of the vote.")
    assert await refused(hall, address, "open", 409, "The opening time has not come yet.")
    assert await refused(hall, address, "", 409, "The rule card is fixed.")
    await hall.set(address, planned_opens_at=datetime.now(UTC) - timedelta(hours=1))
    assert await refused(hall, address, "open", 409, "0 of 2 custodians")
    await hall.prove(address, 1)
    assert await refused(hall, address, "open", 409, "1 of 2 custodians")
    assert (await hall.poll(address)).state is State.LOCKED
    await hall.prove(address)
    assert (await press(hall.browser, address, f"{address}/open")).status_code == 303
    assert Keys(hall.town.config.keys).opener((await hall.poll(address)).id).private_bytes_raw() == opener


async def refused(hall: Hall, address: str, act: str, status: int, said: str) -> bool:
    state = (await hall.poll(address)).state
    answer = await refusal(hall, address, act)
    assert (answer[0], said in answer[1]) == (status, True), answer[1]
    return (await hall.poll(address)).state is state


async def test_without_custodians_nothing_is_locked(one_town: Town) -> None:
    hall = await prepare(one_town)

    async def work(session: AsyncSession) -> None:
        for each in await find_custodians(session, (await get_host(session)).id):
            await session.delete(each)

    address = await hall.vote()
    await one_town.house.db.write(work)
    assert await refused(hall, address, "lock", 422, "Register two custodians first.")
    assert "0 of 2" in (await hall.browser.get(address)).text


NOBODY = "Nobody is on the list of this vote, so it cannot open. Bring people into the list, then open the vote."


async def test_a_vote_opens_with_nobody_neither_by_hand_nor_by_the_clock(hall: Hall) -> None:
    """Without a roll it is not even locked; one that lost its people, or its roll, afterwards stays locked."""
    rollless = await hall.vote(title="For nobody", roll="")
    assert await refused(hall, rollless, "lock", 422, "Choose who may vote. Without a list of people a vote cannot")
    address = await hall.vote()
    await press(hall.browser, address, f"{address}/lock")
    await hall.agree(address)
    await hall.prove(address)
    roll_id = (await hall.poll(address)).roll_id
    assert roll_id is not None
    db = hall.town.house.db
    for line in await lines_of(db, roll_id):
        await db.write(lambda session, i=line.id: strike(session, roll_id, i))  # type: ignore[misc]
    for roll in (roll_id, None):
        await hall.set(address, roll_id=roll, planned_opens_at=datetime.now(UTC) - timedelta(hours=1))
        assert await refused(hall, address, "open", 422, NOBODY)
        await tend_votes(hall.town.house, {})
        assert (await hall.poll(address)).state is State.LOCKED
    for line in await lines_of(db, roll_id):  # what the sentence says helps
        await db.write(lambda session, i=line.id: unstrike(session, roll_id, i))  # type: ignore[misc]
    await hall.set(address, roll_id=roll_id)
    await tend_votes(hall.town.house, {})
    assert (await hall.poll(address)).state is State.OPEN


async def test_an_empty_roll_and_an_unknown_vote_are_refused(one_town: Town) -> None:
    hall = await prepare(one_town, voters=0)
    address = await hall.vote()
    await press(hall.browser, address, f"{address}/lock")
    await hall.agree(address)
    await hall.prove(address)
    assert await refused(hall, address, "open", 422, NOBODY)
    for act in ("lock", "agree", "open", "repeat", "amend"):
        answer = await send(hall.browser, f"/en/manage/votes/none/{act}", {"_token": await hall.browser.token()})
        assert answer.status_code == 404


async def test_a_citizen_can_neither_look_nor_act(one_hall: Hall) -> None:
    address = await one_hall.vote()
    citizen = await one_hall.town.signed_in("citizen")
    assert [(await citizen.get(page)).status_code for page in (NEW, address, "/en/manage/votes")] == [403] * 3
    before = await one_hall.town.rows()
    for act in ("", "/lock", "/agree", "/open", "/amend", "/repeat"):
        answer = await send(citizen, f"{address}{act}", {"_token": await citizen.token()})
        assert answer.status_code == 403
    assert await one_hall.town.rows() == before


async def test_an_annulled_vote_is_repeated_once_with_keys_of_its_own(hall: Hall) -> None:
    address = await hall.vote(State.OPEN, typed_1_en="Night buses")
    first = await hall.poll(address)
    await hall.set(address, state=State.ANNULLED)
    keys = Keys(hall.town.config.keys)
    keys.destroy_opener(first.id)
    assert await refused(hall, address, "lock", 409, "not possible in the present state")
    assert not keys.has_opener(first.id)  # what was destroyed is not made anew
    answer = await press(hall.browser, address, f"{address}/repeat")
    again = answer.headers["location"].partition("?")[0]
    poll = await hall.poll(again)
    assert (poll.repeats, poll.state, poll.options, poll.card) == (first.id, State.DRAFT, first.options, None)
    assert poll.planned_opens_at > datetime.now(UTC)
    length = first.planned_closes_at - first.planned_opens_at
    assert poll.planned_closes_at - poll.planned_opens_at == length
    assert await refused(hall, address, "repeat", 409, "being repeated already")
    assert address in (await hall.browser.get(again)).text
    assert again in (await hall.browser.get(address)).text
    await send(hall.browser, again, await fill_in(hall.browser, again, title_en="Which first, again?"))
    await press(hall.browser, again, f"{again}/lock")
    card = (await hall.poll(again)).card
    assert card is not None
    assert (card["repeats"], card["sealing_key"] != first.sealing_key.hex()) == (str(first.id), True)


async def test_votes_are_listed_in_pages_with_their_state(one_hall: Hall) -> None:
    assert "No vote yet" in (await one_hall.browser.get("/en/manage/votes")).text
    titles = [f"Vote {number:02}" for number in range(PER_PAGE + 1)]
    for title in titles:
        await one_hall.vote(title=title)
    pages = [(await one_hall.browser.get(f"/en/manage/votes?page={number}")).text for number in (1, 2, 9)]
    assert pages[1].count("Draft") == 1
    found = [re.findall(r">(Vote \d\d)<", page) for page in pages]
    assert sorted(found[0] + found[1]) == titles
    assert found[2] == found[1]


async def test_a_page_asks_as_often_however_much_there_is(hall: Hall) -> None:
    async def questions() -> list[int]:
        asked = []
        for address in (NEW, draft, frozen, "/en/manage", "/en/manage/votes", f"{frozen}/amend"):
            await hall.browser.get(address)
            with counted_queries() as statements:
                assert (await hall.browser.get(address)).status_code == 200
            asked.append(len(statements))
        return asked

    draft, frozen = await hall.vote(), await hall.vote(State.LOCKED, "Frozen")
    few = await questions()
    for number in range(5):
        await hall.vote(title=f"Vote {number}")
        await hall.town.house.db.write(lambda session, n=number: more(session, n))  # type: ignore[misc]
    assert await questions() == few
    assert max(few) <= MOST_QUERIES


async def more(session: AsyncSession, number: int) -> None:
    """Add a service and a roll."""
    host = await get_host(session)
    await add_service(session, host.id, {"en": f"More {number}"}, {})
    session.add(Roll(organisation_id=host.id, names={"en": f"Roll {number}"}, made_at=await now(session)))
