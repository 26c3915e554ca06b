"""A lost second factor: two people agree, the owner is told at once and can say no, and a day later it is forgotten."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.store import find_events
from app.accounts.tables import Event, FactorLoss
from app.jobs.schedule import WORK
from app.jobs.store import enqueue
from app.jobs.tables import Job
from app.jobs.worker import Worker
from commons.clock import now
from commons.organisations.store import set_single_handed
from tests.plumbing.forms import form_at
from tests.plumbing.house import PEOPLE, Browser, Town

pytestmark = pytest.mark.anyio

MANAGER = PEOPLE["manager"][1]


async def ask(town: Town, who: str = "admin", person: str = "manager") -> tuple[int, str]:
    """Ask by the person's page. Returns the answer's status, and where it leads or what it says."""
    browser, place = await town.signed_in(who), f"/en/manage/people/{town.people[person]}"
    form = form_at((await browser.get(place)).text, place)
    answer = await browser.http.post(place, data=form | {"role": "lost-factor", "reason": "Her telephone was stolen."})
    return answer.status_code, answer.headers.get("location", answer.text)


async def decide(browser: Browser, decision: str = "agree") -> int:
    page = (await browser.get("/en/manage")).text
    action = re.search(r'action="(/en/manage/roles/[^"]+)"', page)
    assert action is not None, "nothing waits"
    return (await browser.http.post(action[1], data=form_at(page, action[1]) | {"decision": decision})).status_code


async def let_a_day_pass(town: Town) -> None:
    """Move what is due in a day to the present moment, and let the worker work."""

    async def work(session: AsyncSession) -> None:
        await session.exec(update(FactorLoss).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))
        await session.exec(update(Job).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))

    await town.house.db.write(work)
    await Worker(town.house, WORK, lambda _: None).do_all()


async def told(town: Town) -> list[Event]:
    async with town.house.db.reading() as session:
        events, _, _ = await find_events(session, town.people["manager"])
    return [each.event for each in reversed(events)]


async def needs_code(town: Town) -> bool:
    form = {"email": MANAGER, "password": "correct horse battery staple", "next": ""}
    answer = await town.browser().send("/en/sign-in", form, page="/en/sign-in")
    return answer.headers["location"].startswith("/en/sign-in/code")


async def test_two_people_agree_the_owner_is_told_and_a_day_later_it_is_forgotten(town: Town) -> None:
    manager = await town.signed_in("manager")
    assert await ask(town) == (303, f"/en/manage/people/{town.people['manager']}?done=asked")
    assert await town.letters(MANAGER) == []
    assert await decide(await town.signed_in("second admin")) == 303
    assert [letter.kind for letter in await town.letters(MANAGER)] == ["factor_loss"]
    await town.house.db.write(lambda session: enqueue(session, "factors.forget"))  # as somebody else's day ends
    await Worker(town.house, WORK, lambda _: None).do_all()
    assert await needs_code(town)
    async with town.house.db.reading() as session:
        loss, moment = (await session.exec(select(FactorLoss))).one(), await now(session)
    assert timedelta(hours=23, minutes=59) < loss.due_at - moment <= timedelta(hours=24)
    jobs = [row for row in (await town.rows())["app_job"] if "factors.forget" in row]
    assert len(jobs) == 2
    assert not any("Maia" in row or str(town.people["manager"]) in row for row in jobs)
    await let_a_day_pass(town)
    assert not await needs_code(town)
    assert (await manager.get("/en/me")).status_code == 303  # signed out everywhere
    assert [letter.kind for letter in await town.letters(MANAGER)][:2] == ["factor_loss", "factor_forgotten"]
    asked = [Event.FACTOR_LOSS_ASKED, Event.FACTOR_LOSS_AGREED, Event.FACTOR_FORGOTTEN]
    assert [event for event in await told(town) if "factor" in event] == asked


async def test_the_owner_says_no_by_the_link_and_looking_at_it_does_nothing(town: Town) -> None:
    await ask(town)
    await decide(await town.signed_in("second admin"))
    (letter,) = await town.letters(MANAGER)
    place = f"/en/keep-factor/{letter.facts['token']}"
    before = await town.rows()
    for _ in range(5):
        assert "It will be forgotten:" in (await town.browser().get(place)).text
        await town.browser().http.head(place)
    assert await town.rows() == before
    assert letter.facts["token"] not in str(before["app_factor_loss"])
    kept = await town.browser().send(place, page=place)
    assert (kept.status_code, kept.headers["location"]) == (303, "/en?done=factor-kept")
    for again in (await town.browser().get(place), await town.browser().send(place)):
        assert (again.status_code, "too old, or was used already" in again.text) == (404, True)
    await let_a_day_pass(town)
    assert await needs_code(town)
    assert (await told(town))[-1] is Event.FACTOR_LOSS_STOPPED


async def test_nobody_does_it_alone_or_for_themselves(town: Town) -> None:
    assert (await ask(town, person="citizen"))[0] == 409  # has none
    await ask(town)
    assert (await ask(town))[0] == 409  # is asked for already
    admin, rows = await town.signed_in("admin"), (await town.rows())["app_factor_loss"]
    page = (await admin.get(f"/en/manage/people/{town.people['manager']}")).text
    assert "Somebody else must decide" in page
    approval = re.search(r"/en/manage/roles/([0-9a-f-]{36})/take-back", page)
    assert approval is not None
    place = f"/en/manage/roles/{approval[1]}"
    for who in ("admin", "manager", "second manager"):
        answer = await (await town.signed_in(who)).send(place, {"decision": "agree"})
        assert answer.status_code == 403, who
    assert (await town.rows())["app_factor_loss"] == rows == []
    assert (await (await town.signed_in("second admin")).send(f"{place}/take-back")).status_code == 403
    assert await decide(await town.signed_in("second admin"), "refuse") == 303
    assert await told(town) == [Event.FACTOR_LOSS_ASKED, Event.FACTOR_LOSS_REFUSED]
    assert await needs_code(town)


async def test_in_a_body_with_one_officer_the_owner_still_has_a_day(one_town: Town) -> None:
    await one_town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    assert (await ask(one_town))[1].endswith("?done=agreed")
    assert [letter.kind for letter in await one_town.letters(MANAGER)] == ["factor_loss"]
    assert await needs_code(one_town)
    assert (await ask(one_town))[0] == 409  # it is on its way
    await let_a_day_pass(one_town)
    assert not await needs_code(one_town)


async def test_a_factor_that_its_owner_took_away_meanwhile_is_not_taken_twice(one_town: Town) -> None:
    await ask(one_town)
    await decide(await one_town.signed_in("second admin"))
    manager = await one_town.signed_in("manager")
    code = await one_town.next_code(MANAGER)
    assert (await manager.send("/en/me/factor/remove", {"_code": code})).status_code == 303
    await let_a_day_pass(one_town)
    assert Event.FACTOR_FORGOTTEN not in await told(one_town)
    assert not [row for row in (await one_town.rows())["app_job"] if "'failed'" in row or "Conflict" in row]
