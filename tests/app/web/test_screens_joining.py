"""How a browser becomes a counter's second screen, whose it is, and when it is one no longer."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.screens.handing import open_lease
from app.accounts.screens.joining import new_joined, open_joined
from app.accounts.screens.store import Use, extend, leave, look, part, sweep_screens, take
from app.accounts.screens.store import join as join_row
from app.accounts.screens.tables import Screen
from app.security import Role
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden
from commons.rows import within
from tests.plumbing.house import Town
from tests.plumbing.screens import (
    AGENTS_PAGE,
    JOIN,
    READY,
    SEEN,
    Counter,
    change,
    code_for,
    cookie_on,
    counter_of,
    join,
    person,
    row_of,
)
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio

IN_USE, NONE = "is in use.", "No second screen is joined to your counter."


@pytest.fixture
async def vote(one_town: Town) -> HeldVote:
    return await hold_vote(one_town.house, voters=4)


@pytest.fixture
async def counter(one_town: Town) -> Counter:
    return await counter_of(one_town)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("", 422, "One sign of this code is wrong or missing."),
        ("7K3D-0ZQ", 422, "One sign of this code is wrong or missing."),
        ("0000-0000", 403, "No counter waits with this code."),
    ],
)
async def test_a_wrong_code_joins_nothing(one_town: Town, typed: str, status: int, said: str) -> None:
    await code_for(await one_town.signed_in("counter_agent"))
    browser = one_town.browser()
    answer = await join(browser, typed)
    assert (answer.status_code, said in answer.text, JOIN in answer.text) == (status, True, True)
    assert not cookie_on(browser, "screen")
    assert (await row_of(one_town)).public is None


async def test_many_wrong_codes_are_slowed_down(one_town: Town) -> None:
    code, guesser = await code_for(await one_town.signed_in("counter_agent")), one_town.browser(peer="10.9.8.7")
    answers = [(await join(guesser, f"{number:08}")).status_code for number in range(21)]
    assert answers == [403] * 20 + [429]
    assert (await join(guesser, code)).status_code == 429  # a short code is counted before it is looked at
    assert (await join(one_town.browser(peer="10.200.8.7"), code)).status_code == 303


async def test_a_code_works_once_for_a_quarter_of_an_hour_and_until_there_is_a_newer_one(one_town: Town) -> None:
    agent = await one_town.signed_in("counter_agent")
    old, new = await code_for(agent), await code_for(agent)
    assert (await join(one_town.browser(), old)).status_code == 403
    assert (await join(one_town.browser(), new)).status_code == 303
    again = await join(one_town.browser(), new)
    assert (again.status_code, "A code works once" in again.text) == (403, True)
    late = await code_for(agent)
    await change(one_town, ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert (await join(one_town.browser(), late)).status_code == 403
    assert NONE in await Counter(agent, agent).state()


async def test_nobody_signed_in_makes_their_browser_a_screen(one_town: Town, vote: HeldVote, counter: Counter) -> None:
    citizen = await one_town.signed_in("citizen")
    code = await code_for(await one_town.signed_in("counter_agent"))
    refused = await join(citizen, code)
    assert (refused.status_code, "Sign out first" in refused.text) == (409, True)
    assert not cookie_on(citizen, "screen")
    counter = await counter_of(one_town)
    await counter.opened(vote, 0)
    screen = cookie_on(counter.screen, "screen"), cookie_on(counter.screen, "booth")
    for name, value in zip(
        ("screen", "booth"), screen, strict=True
    ):  # whoever signs in on it later votes as nobody else
        citizen.http.cookies.set(f"{one_town.config.cookie_name}-{name}", value, domain="127.0.0.1")
    assert (await Voter(citizen, vote).open()).asks_code


async def test_an_agent_uses_their_own_screen_alone(one_town: Town, vote: HeldVote, counter: Counter) -> None:
    one_town.people["keti"] = await one_town.move_in("Keti", "keti@vardisi.example", Role.COUNTER_AGENT)
    keti = Counter(await one_town.signed_in("keti"), one_town.browser())
    none = await keti.hand(vote, 0)
    assert (none.status_code, NONE in none.text) == (409, True)
    await counter.opened(vote, 1)
    for act in ("free", "part"):
        await keti.agent.send(f"{AGENTS_PAGE}/{act}")
    assert (await counter.state()).endswith(IN_USE)
    other = await counter_of(one_town, "keti")
    await other.hand(vote, 2)
    assert READY in await other.show()
    assert "Are you still there?" in await counter.show()


async def test_either_side_parts_and_a_newer_screen_takes_the_place_of_the_old_one(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    await counter.opened(vote, 0)
    await counter.agent.send(f"{AGENTS_PAGE}/part")
    assert await counter.state() == NONE
    gone = await counter.begin()
    assert (gone.status_code, "Ask at the counter for a new code" in gone.text) == (403, True)
    assert "not joined to a counter any more" in gone.text
    assert not cookie_on(counter.screen, "screen")
    first = await counter_of(one_town)
    second = await counter_of(one_town)  # the same agent
    await second.hand(vote, 1)
    assert "not joined to a counter any more" in await first.show()
    assert READY in await second.show()
    parted = await second.screen.send("/en/screen/part")
    assert parted.headers["location"] == "/en/screen"
    assert JOIN in await second.show()
    assert await second.state() == NONE


async def test_nothing_lasts_longer_than_it_should(one_town: Town, vote: HeldVote, counter: Counter) -> None:
    voter = await counter.opened(vote, 0)
    sheet = await voter.open()
    await change(one_town, ends_at=datetime.now(UTC))
    assert "Nobody votes on this screen now." in (await counter.screen.get(vote.path)).text
    assert (await voter.send(sheet.ranked("Buses"))).status_code == 403
    assert "not joined to a counter any more" in await counter.show()
    assert (await counter.hand(vote, 0)).status_code == 409
    await one_town.house.db.write(sweep_screens)
    async with one_town.house.db.reading() as session:
        assert (await session.exec(select(Screen))).all() == []


async def test_of_many_that_join_or_take_at_once_one_does(town: Town) -> None:
    vote = await hold_vote(town.house, voters=1)
    agent, secret = await town.signed_in("counter_agent"), town.config.secret
    code = (await code_for(agent)).replace("-", "")

    async def tried(work: object) -> object:
        try:
            return await town.house.db.write(work)  # type: ignore[arg-type]
        except DomainError as no:
            assert isinstance(no, Forbidden | Conflict)  # noqa: PT017
            return no.code

    joined = await asyncio.gather(*(tried(lambda session: join_row(session, secret, code, "en")) for _ in range(8)))
    (winner,) = [each for each in joined if not isinstance(each, str)]
    assert [each for each in joined if isinstance(each, str)] == ["screen.unknown"] * 7
    carried = winner[0]  # type: ignore[index]
    assert (await agent.send(f"{person(vote, 0)}/screen", SEEN)).status_code == 303
    taken = await asyncio.gather(*(tried(lambda session: take(session, secret, carried)) for _ in range(8)))
    assert sum(not isinstance(each, str) for each in taken) == 1
    assert [each for each in taken if isinstance(each, str)] == ["screen.nothing"] * 7


async def test_the_agents_account_takes_the_screen_along_when_it_goes(one_town: Town, counter: Counter) -> None:
    async def work(session: AsyncSession) -> None:
        connection = await session.connection()
        await connection.execute(
            text("DELETE FROM app_account WHERE id = :id").bindparams(id=one_town.people["counter_agent"].hex)
        )

    await one_town.house.db.write(work)
    async with one_town.house.db.reading() as session:
        assert (await session.exec(select(Screen).where(col(Screen.public).is_not(None)))).all() == []
    assert "not joined to a counter any more" in await counter.show()


async def test_only_the_browser_with_the_key_and_only_its_own_session_is_heard(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    """What the pages ask beforehand is asked again under the row, for whoever came in between."""
    secret, db = one_town.config.secret, one_town.house.db
    joined = open_joined(secret, cookie_on(counter.screen, "screen"))
    assert joined is not None
    copied = replace(joined, private=new_joined(joined.screen_id, "en").private)
    await counter.hand(vote, 0)
    await db.write(lambda session: leave(session, secret, joined, b"0" * 16))
    async with db.reading() as session:
        seen = [await within(session, look, secret, each, await now(session)) for each in (joined, copied)]
    assert [each and each.use for each in seen] == [Use.OFFERED, None]
    for act in (take, lambda session, *given: extend(session, *given, b"0" * 16)):
        with pytest.raises(Forbidden, match=r"screen\.gone"):
            await db.write(lambda session, act=act: act(session, secret, copied))
    await db.write(lambda session: part(session, copied))
    await counter.begin()
    await db.write(lambda session: leave(session, secret, joined, b"0" * 16))
    with pytest.raises(Forbidden, match=r"screen\.over"):
        await db.write(lambda session: extend(session, secret, joined, b"0" * 16))
    lasting = open_lease(secret, joined.screen_id, (await row_of(one_town)).lease, datetime.now(UTC))
    assert lasting is not None
    await db.write(lambda session: leave(session, secret, copied, lasting))
    assert (await counter.state()).endswith(IN_USE)
