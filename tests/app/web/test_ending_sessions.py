"""Signing people out: oneself, with the password or a code shown again; somebody else, as an administrator."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.store import FIELD
from app.accounts.passwords import no_password
from app.accounts.sessions import LONGEST
from app.accounts.tables import Account, Session
from app.letters.sending import compose
from app.security import BY_PASSWORD_TOO, JUST_NOW, PROVED_WITHIN, is_proved
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Town

pytestmark = pytest.mark.anyio

CITIZEN, MANAGER = PEOPLE["citizen"][1], PEOPLE["manager"][1]
EVERYWHERE, ONE = "/en/me/sign-out-everywhere", "/en/me/sign-out-one"


async def age(town: Town, ago: timedelta) -> None:
    """Let it be so long ago that anybody signed in or showed anything."""
    moment = datetime.now(UTC) - ago

    async def work(session: AsyncSession) -> None:
        aged = update(Session).where(col(Session.browser) == "test")
        await session.exec(aged.values(expires_at=moment + LONGEST, created_at=moment))
        await session.exec(aged.where(col(Session.proved_at).is_not(None)).values(proved_at=moment))

    await town.house.db.write(work)


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/en/me")).status_code == 200


async def named(browser: Browser) -> str:
    """Read the other browser's name off the list of sessions."""
    (found,) = re.findall(r'name="session" value="(\w+)"', (await browser.get("/en/me")).text)
    return str(found)


async def test_a_browser_that_somebody_finds_open_signs_nobody_else_out(town: Town) -> None:
    browser, elsewhere = await town.signed_in("citizen"), await town.signed_in("citizen")
    await age(town, JUST_NOW + timedelta(seconds=5))
    form = {"session": await named(browser)}
    for place in (ONE, EVERYWHERE):
        asked = await browser.send(place, form)
        assert (asked.status_code, "needs your password once more" in asked.text) == (403, True)
        wrong = await browser.send(place, form | {"current": "not my password at all"})
        assert (wrong.status_code, "not your present password" in wrong.text) == (422, True)
        assert "not my password at all" not in wrong.text
    assert await is_in(elsewhere)
    before = browser.cookie
    done = await browser.send(ONE, form | {"current": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/en/me?done=signed-out-there")
    assert (await is_in(browser), await is_in(elsewhere)) == (True, False)
    assert browser.cookie != before
    assert (await browser.send(EVERYWHERE)).headers["location"] == "/en?done=signed-out"  # shown a moment ago
    assert not await is_in(browser)


async def test_who_has_a_factor_shows_it_and_no_password_will_do(town: Town) -> None:
    browser, elsewhere = await town.signed_in("manager"), await town.signed_in("manager")
    await age(town, JUST_NOW + timedelta(seconds=5))
    form = {"session": await named(browser)}
    asked = await browser.send(ONE, form | {"current": PASSWORD})
    assert (asked.status_code, "This step needs a fresh code" in asked.text) == (403, True)
    assert PASSWORD not in asked.text  # no page carries a password on
    assert await is_in(elsewhere)
    done = await browser.send(ONE, form | {FIELD: await town.next_code(MANAGER)})
    assert done.status_code == 303
    assert not await is_in(elsewhere)


async def test_who_has_no_password_is_told_how(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")

    async def take_address(session: AsyncSession) -> None:
        nothing = {"email": None, "password_hash": no_password()}
        await session.exec(update(Account).where(col(Account.email) == CITIZEN).values(nothing))

    await one_town.house.db.write(take_address)
    await age(one_town, JUST_NOW + timedelta(seconds=5))
    asked = await browser.send(EVERYWHERE)
    assert (asked.status_code, "signed in too long ago for this" in asked.text) == (422, True)
    assert (await browser.send("/en/sign-out")).headers["location"] == "/en?done=signed-out"


@pytest.mark.parametrize("route", sorted(BY_PASSWORD_TOO))
def test_five_minutes_and_no_longer(route: str) -> None:
    assert is_proved(route, None, JUST_NOW, has_factor=False)
    assert not is_proved(route, None, JUST_NOW + timedelta(seconds=1), has_factor=False)
    assert is_proved("accounts.name", None, timedelta(days=6), has_factor=False)
    assert not is_proved("manage.home", None, timedelta(0), has_factor=False)
    assert PROVED_WITHIN[route] == JUST_NOW


async def test_an_administrator_signs_somebody_out_who_is_told(town: Town) -> None:
    admin, victim = await town.signed_in("admin"), await town.signed_in("citizen")
    other, stranger = await town.signed_in("citizen"), await town.signed_in("second citizen")
    person = f"/en/manage/people/{town.people['citizen']}"
    assert f'action="{person}/sign-out"' in (await admin.get(person)).text
    done = await admin.send(f"{person}/sign-out", page=person)
    assert done.headers["location"] == f"{person}?done=signed-out-person"
    assert "signed out everywhere, and a letter tells them" in (await admin.get(done.headers["location"])).text
    assert [await is_in(each) for each in (victim, other, stranger, admin)] == [False, False, True, True]
    (letter,) = await town.letters(CITIZEN)
    assert letter.kind == "signed_out"
    assert "signed your account out of every browser" in compose(letter, town.config, "Vardisi").get_content()
    log = (await (await town.signed_in("auditor")).get(f"/en/manage/security?person={CITIZEN}")).text
    assert "Signed out everywhere by an administrator" in log
    assert (await town.browser().sign_in(CITIZEN)).status_code == 303


async def test_nobody_but_an_administrator_with_a_fresh_code_does(one_town: Town) -> None:
    victim, place = await one_town.signed_in("citizen"), f"/en/manage/people/{one_town.people['citizen']}/sign-out"
    for who in ("manager", "auditor", "officer", "second citizen"):
        assert (await (await one_town.signed_in(who)).send(place)).status_code == 403, who
    auditor = await (await one_town.signed_in("auditor")).get(place.removesuffix("/sign-out"))
    assert "Sign this person out" not in auditor.text
    admin = await one_town.signed_in("admin")
    await age(one_town, JUST_NOW + timedelta(seconds=5))
    asked = await admin.send(place)
    assert (asked.status_code, "This step needs a fresh code" in asked.text) == (403, True)
    assert await is_in(victim)
    assert (await admin.send(place, {FIELD: await one_town.next_code(PEOPLE["admin"][1])})).status_code == 303
    assert not await is_in(victim)
    assert (await admin.send(f"/en/manage/people/{'0' * 8}-0000-4000-8000-{'0' * 12}/sign-out")).status_code == 404
