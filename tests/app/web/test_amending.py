"""Changing a frozen vote: what its state allows, a public reason, two people, and nothing before the second agrees."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.eligibility import Channel
from ballots.store import get_box
from ballots.tables import Participation, Step
from polls.lifecycle import WHILE, Kind, State
from polls.store import find_amendments
from polls.tables import Amendment
from tests.app.web.voting import Hall, prepare, press, send, typed_in
from tests.plumbing.house import Browser, Town

pytestmark = pytest.mark.anyio
ERROR_LINK = re.compile(r'<li><a href="#f-([\w-]+)">')
OFFERED = re.compile(r'name="kind" value="(\w+)"')
REASON = "The river <rose>."


@pytest.fixture
async def hall(town: Town) -> Hall:
    return await prepare(town)


@pytest.fixture
async def one_hall(one_town: Town) -> Hall:
    return await prepare(one_town)


async def ask(hall: Hall, address: str, kind: Kind, time: str = "") -> Amendment:
    """Ask for a change as the first manager. Returns it."""
    answer = await press(hall.browser, f"{address}/amend", f"{address}/amend", kind=kind, time=time, reason=REASON)
    assert answer.headers.get("location") == f"{address}?done=asked", answer.text
    return (await changes(hall, address))[-1]


async def changes(hall: Hall, address: str) -> list[Amendment]:
    async with hall.town.house.db.reading() as session:
        return list(await find_amendments(session, (await hall.poll(address)).id))


async def decide(browser: Browser, amendment: Amendment, decision: str) -> tuple[int, str]:
    """Decide on a change. Returns the status, and where it leads or what was said."""
    answer = await send(
        browser, f"/en/manage/amendments/{amendment.id}", {"_token": await browser.token(), "decision": decision}
    )
    return answer.status_code, answer.headers.get("location", answer.text)


async def lines(hall: Hall, kind: str) -> list[str]:
    """Read what waits to go into the ledger."""
    async with hall.town.house.db.reading() as session:
        connection = await session.connection()
        query = f"SELECT words FROM commons_ledger_pending WHERE kind = '{kind}'"
        return [str(row[0]) for row in await connection.exec_driver_sql(query)]


async def test_two_people_close_a_vote_later(hall: Hall) -> None:
    second = await hall.town.signed_in("second manager")
    address = await hall.vote(State.OPEN)
    before = await hall.poll(address)
    asked = await ask(hall, address, Kind.EXTEND, typed_in(days=9))
    assert (await hall.poll(address)).closes_at == before.closes_at
    for page in ("/en/manage", address):
        mine, theirs = (await hall.browser.get(page)).text, (await second.get(page)).text
        assert "The river &lt;rose&gt;." in mine
        assert ('value="agree"' in mine, 'value="agree"' in theirs) == (False, True)
    assert (await decide(hall.browser, asked, "agree"))[0] == 403
    assert (await hall.poll(address)).closes_at == before.closes_at
    assert await decide(second, asked, "agree") == (303, f"{address}?done=agreed")
    after = await hall.poll(address)
    assert (after.closes_at, after.publishes_at) == (asked.time, asked.time)
    assert after.card == before.card
    (said,) = await lines(hall, "poll.amended")
    assert REASON in said
    assert (await decide(second, asked, "agree"))[0] == 409
    assert "In force since" in (await hall.browser.get(address)).text


async def test_each_state_offers_what_it_allows(one_hall: Hall) -> None:
    address = await one_hall.vote(State.LOCKED)
    for state in State:
        await one_hall.set(address, state=state)
        offered = OFFERED.findall((await one_hall.browser.get(f"{address}/amend")).text)
        assert set(offered) == {kind.value for kind in Kind if state in WHILE[kind]}
        for kind in set(Kind) - set(offered):
            time = typed_in(days=9)
            fields = {"_token": await one_hall.browser.token(), "kind": kind, "reason": REASON, "time": time}
            answer = await send(one_hall.browser, f"{address}/amend", fields)
            assert answer.status_code == 409 or (kind is Kind.SET_ASIDE and answer.status_code in {404, 409})
    assert await changes(one_hall, address) == []


async def test_a_vote_is_interrupted_and_goes_on(hall: Hall) -> None:
    second = await hall.town.signed_in("second manager")
    address = await hall.vote(State.OPEN)
    asked = await ask(hall, address, Kind.SUSPEND, typed_in(days=1))
    assert asked.time is None  # this kind takes none, whatever stands in the field
    await decide(second, asked, "agree")
    assert (await hall.poll(address)).state is State.SUSPENDED
    less = await press(
        hall.browser, f"{address}/amend", f"{address}/amend", kind="resume", time=typed_in(days=1), reason=REASON
    )
    assert (less.status_code, ERROR_LINK.findall(less.text)) == (422, ["time"])
    await decide(second, await ask(hall, address, Kind.RESUME), "agree")
    assert (await hall.poll(address)).state is State.OPEN
    assert [len(await lines(hall, kind)) for kind in ("poll.suspended", "poll.resumed")] == [1, 1]


MISTAKES = {
    "nothing chosen": ({"kind": ""}, "kind", "Choose what shall change."),
    "something else": ({"kind": "edit"}, "kind", "Choose what shall change."),
    "no reason": ({"reason": " "}, "reason", "Everybody will read it."),
    "a long reason": ({"reason": "a" * 1001}, "reason", "these are 1001"),
    "no time": ({"time": ""}, "time", "Say when."),
    "no such time": ({"time": "soon"}, "time", "Write day and time"),
    "earlier": ({"time": "2026-01-01T10:00"}, "time", "(Georgia Standard Time)."),
    "earlier is later": ({"kind": "close_early", "time": "2099-01-01T10:00"}, "time", "Choose an earlier time than"),
    "earlier is past": ({"kind": "close_early", "time": "2026-01-01T10:00"}, "time", "This time has passed."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_named_and_what_was_typed_stays(one_hall: Hall, mistake: str) -> None:
    typed, field, said = MISTAKES[mistake]
    address = f"{await one_hall.vote(State.OPEN)}/amend"
    fields = {"kind": "extend", "time": typed_in(days=30), "reason": "The river rose."} | typed
    answer = await press(one_hall.browser, address, address, **fields)
    assert (answer.status_code, ERROR_LINK.findall(answer.text)) == (422, [field])
    assert said in answer.text
    assert f'value="{fields["time"]}"' in answer.text
    assert f"\n{fields['reason']}</textarea>" in answer.text
    assert (f'value="{fields["kind"]}" checked' in answer.text) == (fields["kind"] in set(Kind))


async def test_the_same_is_not_asked_twice_at_once(one_hall: Hall) -> None:
    address = await one_hall.vote(State.OPEN)
    asked = await ask(one_hall, address, Kind.ANNUL)
    assert "annul" not in OFFERED.findall((await one_hall.browser.get(f"{address}/amend")).text)
    answer = await press(one_hall.browser, f"{address}/amend", f"{address}/amend", kind="annul", reason="Again.")
    assert (answer.status_code, "waits for a second person" in answer.text) == (409, True)
    assert await decide(one_hall.browser, asked, "refuse") == (303, f"{address}?done=refused")  # taken back
    assert (await one_hall.poll(address)).state is State.OPEN
    assert "Refused:" in (await one_hall.browser.get(address)).text
    assert "annul" in OFFERED.findall((await one_hall.browser.get(f"{address}/amend")).text)


async def test_an_annulled_vote_says_so_in_the_ledger(hall: Hall) -> None:
    second = await hall.town.signed_in("second manager")
    address = await hall.vote(State.OPEN)
    asked = await ask(hall, address, Kind.ANNUL)
    assert await decide(second, asked, "agree") == (303, f"{address}?done=agreed")
    assert (await hall.poll(address)).state is State.ANNULLED
    assert REASON in (await lines(hall, "poll.annulled"))[0]
    page = (await hall.browser.get(address)).text
    assert ("Repeat this vote" in page, "Ask for a change" in page) == (True, False)


async def test_a_halted_vote_goes_on_only_when_its_rows_fit(hall: Hall) -> None:
    second = await hall.town.signed_in("second manager")
    address = await hall.vote(State.OPEN)
    await hall.set(address, state=State.HALTED)
    offered = OFFERED.findall((await hall.browser.get(f"{address}/amend")).text)
    assert set(offered) == {"postpone_publication", "annul", "set_aside", "repair"}
    answer = await press(hall.browser, f"{address}/amend", f"{address}/amend", kind="set_aside", reason=REASON)
    assert (answer.status_code, "nothing to set aside" in answer.text) == (409, True)
    poll = await hall.poll(address)

    async def plant(session: AsyncSession) -> None:
        session.add(Participation(poll_id=poll.id, tag=b"t" * 32, channel=Channel.WEB))

    await hall.town.house.db.write(plant)
    asked = await ask(hall, address, Kind.SET_ASIDE)
    assert (asked.values["rows"], (await decide(hall.browser, asked, "agree"))[0]) == ("1", 403)
    assert await decide(second, asked, "agree") == (303, f"{address}?done=agreed")
    assert (await hall.poll(address)).state is State.CLOSING
    assert REASON in (await lines(hall, "poll.set_aside"))[0]


async def test_a_box_that_was_opened_is_not_annulled(one_hall: Hall) -> None:
    second = await one_hall.town.signed_in("second manager")
    address = await one_hall.vote(State.OPEN)
    await one_hall.set(address, state=State.CLOSED)
    asked = await ask(one_hall, address, Kind.ANNUL)
    poll = await one_hall.poll(address)

    async def opened(session: AsyncSession) -> None:
        box = await get_box(session, poll.id)
        box.step = Step.OPENED
        session.add(box)

    await one_hall.town.house.db.write(opened)
    status, said = await decide(second, asked, "agree")
    assert (status, "Withdraw the result instead" in said) == (409, True)
    assert (await one_hall.poll(address)).state is State.CLOSED


async def test_who_may_not_and_what_is_not_there(one_hall: Hall) -> None:
    address = await one_hall.vote(State.OPEN)
    asked = await ask(one_hall, address, Kind.SUSPEND)
    citizen = await one_hall.town.signed_in("citizen")
    assert (await decide(citizen, asked, "agree"))[0] == 403
    second = await one_hall.town.signed_in("second manager")
    before = await one_hall.town.rows()
    assert (await decide(second, asked, "perhaps"))[0] == 422
    asked.id = uuid4()
    assert (await decide(second, asked, "agree"))[0] == 404
    assert (await decide(second, asked, "refuse"))[0] == 404
    assert await one_hall.town.rows() == before


async def test_a_time_that_passed_meanwhile_is_not_agreed_to(one_hall: Hall) -> None:
    second = await one_hall.town.signed_in("second manager")
    address = await one_hall.vote(State.OPEN)
    asked = await ask(one_hall, address, Kind.EXTEND, typed_in(days=9))
    await one_hall.set(address, closes_at=datetime.now(UTC) + timedelta(days=10))
    assert (await decide(second, asked, "agree"))[0] == 422
    assert [each.waits for each in await changes(one_hall, address)] == [True]
