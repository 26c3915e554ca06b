"""Passkeys as their owners use them, and as somebody does who has another's answer, an old one, or another passkey."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.losing import forget_factor
from app.accounts.factors.store import FIELD
from app.accounts.limits import FACTOR_OF_ACCOUNT
from app.accounts.passkeys.answers import ANSWER
from app.accounts.passkeys.store import MOST
from app.accounts.store import find_events, get_account
from app.accounts.tables import Event, Passkey
from tests.app.web.test_factors import CARRIED, CODES, age_proofs, now_code
from tests.conftest import Addresses
from tests.plumbing.forms import form_at
from tests.plumbing.house import APP_SECRET, PASSWORD, PEOPLE, Browser, Town, opened_town
from tests.plumbing.passkeys import SoftPasskey

pytestmark = pytest.mark.anyio

ADDRESS = "https://town.example"
CITIZEN, MANAGER = PEOPLE["citizen"][1], PEOPLE["manager"][1]
OPTIONS = re.compile(r'data-passkey-make="([^"]*)"')
COOKIE = "__Host-khma-passkey"


@pytest.fixture
async def town(addresses: Addresses, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a running house that has a name, on each kind of database in turn."""
    async with opened_town(addresses.url, addresses.owner_url, tmp_path, base_url=ADDRESS) as town:
        yield town


def new_passkey(**own: Any) -> SoftPasskey:  # noqa: ANN401
    return SoftPasskey(**{"host": "town.example", "origin": ADDRESS} | own)


async def name_it(browser: Browser, **typed: str) -> httpx.Response:
    """Send name and password, as a browser does before the passkey is made."""
    form = {"name": "My phone", "current": PASSWORD, "next": ""} | typed
    return await browser.send("/en/me/passkeys", form, page="/en/me/passkeys")


async def add(browser: Browser, passkey: SoftPasskey, **typed: str) -> httpx.Response:
    found = OPTIONS.search((page := await name_it(browser, **typed)).text)
    assert found is not None, page.text
    answer = passkey.make(json.loads(html.unescape(found[1])))
    return await browser.send("/en/me/passkeys/add", {ANSWER: answer, "next": typed.get("next", "")})


async def ask(browser: Browser) -> dict[str, Any]:
    answer = await browser.send("/en/passkey", page="/en/sign-in")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    options: dict[str, Any] = json.loads(answer.text)
    return options


async def sign_in(browser: Browser, passkey: SoftPasskey, wanted: str = "", **lies: Any) -> httpx.Response:  # noqa: ANN401
    answer = passkey.show(await ask(browser), **lies)
    return await browser.send("/en/sign-in/passkey", {ANSWER: answer, "next": wanted}, page="/en/sign-in")


async def owned(town: Town, person: str = "citizen", **own: Any) -> SoftPasskey:  # noqa: ANN401
    """Give somebody a passkey."""
    passkey = new_passkey(**own)
    assert (await add(await town.signed_in(person), passkey)).status_code in {200, 303}
    return passkey


async def told(town: Town, person: str = "citizen") -> list[Event]:
    async with town.house.db.reading() as session:
        events, _, _ = await find_events(session, town.people[person])
    return [each.event for each in reversed(events)]


async def passkeys_of(town: Town, person: str = "citizen") -> list[Passkey]:
    async with town.house.db.reading() as session:
        query = select(Passkey).where(Passkey.account_id == town.people[person])
        return list((await session.exec(query)).all())


async def test_from_a_first_passkey_to_coming_in_with_nothing_else(town: Town) -> None:
    browser, elsewhere, passkey = await town.signed_in("citizen"), await town.signed_in("citizen"), new_passkey()
    before, rows = browser.cookie, await town.rows()
    assert await name_it(browser)
    assert await town.rows() == rows  # until the passkey is made, nothing is kept
    added = await add(browser, passkey, name="ჩემი <b>ტელეფონი</b>")
    codes = CODES.findall(added.text)
    assert (added.status_code, len(codes)) == (200, 10)
    assert browser.cookie != before
    assert (await elsewhere.get("/en/me")).status_code == 303
    shown = (await browser.get("/en/me/factor")).text
    assert "<bdi>ჩემი &lt;b&gt;ტელეფონი&lt;/b&gt;</bdi>" in shown
    assert [letter.kind for letter in await town.letters(CITIZEN)] == ["passkey_added"]

    with_password = town.browser()
    form = {"email": CITIZEN, "password": PASSWORD, "next": ""}
    halfway = await with_password.send("/en/sign-in", form, page="/en/sign-in")
    assert halfway.headers["location"] == "/en/sign-in/code"  # the password alone is not enough any more
    code = await with_password.send("/en/sign-in/code", {FIELD: codes[0]}, page="/en/sign-in/code")
    assert code.headers["location"] == "/en/me"  # and without scripts a recovery code is

    fresh = town.browser()
    passkey.count = 1
    came = await sign_in(fresh, passkey, "/en/votes")
    assert (came.status_code, came.headers["location"]) == (303, "/en/votes")
    assert fresh.cookie.startswith("s")
    assert (await fresh.send("/en/me/data", page="/en/me")).status_code == 200  # it showed its factor: no code is asked
    assert (await passkeys_of(town))[0].sign_count == 1
    signed_in = [Event.RECOVERY_CODE_USED, Event.SIGNED_IN, Event.SIGNED_IN, Event.DATA_DOWNLOADED]
    assert await told(town) == [Event.PASSKEY_ADDED, *signed_in]


async def test_of_twenty_at_once_with_one_answer_one_comes_in(town: Town) -> None:
    passkey = await owned(town)
    town.house.limits.try_one = lambda *_, **__: None  # type: ignore[method-assign] - the race, not the brake
    browser = town.browser()
    answer = passkey.show(await ask(browser))
    cookie, sealed, token = browser.cookie, browser.http.cookies[COOKIE], town.token_of(browser.cookie)
    thieves = [town.browser(cookie) for _ in range(20)]
    for each in thieves:
        each.http.cookies.set(COOKIE, sealed, domain="town.example")
    form = {"_token": token, ANSWER: answer, "next": ""}
    answers = await asyncio.gather(*(each.http.post("/en/sign-in/passkey", data=form) for each in thieves))
    assert sorted(each.status_code for each in answers) == [303] + [422] * 19
    assert sum("was used already" in each.text for each in answers) == 19


async def test_one_answer_adds_one_passkey(secure_town: Town) -> None:
    browser, passkey = await secure_town.signed_in("citizen"), new_passkey()
    found = OPTIONS.search((await name_it(browser)).text)
    assert found is not None
    options, cookie, sealed = json.loads(html.unescape(found[1])), browser.cookie, browser.http.cookies[COOKIE]
    first = await browser.send("/en/me/passkeys/add", {ANSWER: passkey.make(options), "next": ""})
    assert first.status_code == 200
    again = secure_town.browser(cookie)
    again.http.cookies.set(COOKIE, sealed, domain="town.example")
    form = {"_token": secure_town.token_of(cookie), ANSWER: new_passkey().make(options), "next": ""}
    assert (await again.http.post("/en/me/passkeys/add", data=form)).status_code in {303, 403}  # the session is gone
    browser.http.cookies.set(COOKIE, sealed, domain="town.example")
    late = await browser.send("/en/me/passkeys/add", {ANSWER: new_passkey().make(options), "next": ""})
    assert (late.status_code, "More than five minutes" in late.text) == (422, True)
    assert len(await passkeys_of(secure_town)) == 1


LIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "foreign": ({}, {"origin": "https://town.example.evil.example"}, "at another address than ours"),
    "host": ({"host": "evil.example"}, {}, "cannot accept what this passkey said"),
    "unverified": ({"verifies": False}, {}, "cannot accept what this passkey said"),
    "kind": ({}, {"type": "webauthn.create"}, "cannot accept what this passkey said"),
    "owner": ({"owner": UUID(int=1).bytes}, {}, "belongs to another account"),
    "unknown": ({"credential_id": b"never seen"}, {}, "do not know this passkey"),
}


async def test_a_lie_opens_nothing_and_is_noted(secure_town: Town) -> None:
    passkey = await owned(secure_town)
    for own, told_, sentence in LIES.values():
        secure_town.house.limits._file.execute("DELETE FROM tried")
        browser = secure_town.browser()
        refused = await sign_in(browser, replace(passkey, **own), **told_)
        assert (refused.status_code, sentence in refused.text) == (422, True), sentence
        assert browser.cookie.startswith("a")
        assert 'action="/en/sign-in"' in refused.text  # the other way in stands on the same page
    rows = await secure_town.rows()
    assert sum("passkey_refused" in row for row in rows["app_security_event"]) == len(LIES)
    assert await told(secure_town) == [Event.PASSKEY_ADDED] + [Event.PASSKEY_REFUSED] * (len(LIES) - 1)
    assert not [row for row in rows["app_session"] if "'test'" not in row]


async def test_a_question_of_another_browser_and_an_old_one_open_nothing(
    secure_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    passkey, attacker, victim = await owned(secure_town), secure_town.browser(), secure_town.browser()
    answer = passkey.show(await ask(attacker))
    await ask(victim)  # has a question of its own
    form = {ANSWER: answer, "next": ""}
    assert (await victim.send("/en/sign-in/passkey", form)).status_code == 422
    victim.http.cookies.set(COOKIE, attacker.http.cookies[COOKIE], domain="town.example")
    moved = await victim.send("/en/sign-in/passkey", form)
    assert (moved.status_code, "another window asked meanwhile" in moved.text) == (422, True)
    none = await secure_town.browser().send("/en/sign-in/passkey", form)
    assert (none.status_code, "Press the button again" in none.text) == (422, True)
    monkeypatch.setattr("app.accounts.passkeys.questions.VALID_FOR", timedelta(seconds=-1))
    late = await sign_in(secure_town.browser(), passkey)
    assert (late.status_code, "More than five minutes passed" in late.text) == (422, True)
    monkeypatch.undo()
    refusals = (await told(secure_town)).count(Event.PASSKEY_REFUSED)
    assert refusals == 1  # what never was a try is not noted as one
    assert (await sign_in(secure_town.browser(), passkey)).status_code == 303


@pytest.mark.parametrize("word", ["cancelled", "failed", "{}", "[1]", "é" * 9])
async def test_no_answer_is_an_ordinary_page_and_no_failure(secure_town: Town, word: str) -> None:
    browser = secure_town.browser()
    await ask(browser)
    page = await browser.send("/en/sign-in/passkey", {ANSWER: word, "next": "/en/votes"}, page="/en/sign-in")
    assert (page.status_code, "ry again, or go on without it" in page.text) == (422, True)
    assert form_at(page.text, "/en/sign-in")["next"] == "/en/votes"
    assert not (await secure_town.rows())["app_security_event"]


async def test_a_counter_that_goes_back_is_refused_and_noted(town: Town) -> None:
    passkey = await owned(town, count=4)
    for count, status in ((9, 303), (9, 422), (5, 422), (0, 422), (10, 303)):
        passkey.count = count
        answer = await sign_in(town.browser(), passkey)
        assert (answer.status_code, "may have been copied" in answer.text) == (status, status == 422), count
    assert (await told(town)).count(Event.PASSKEY_COPIED) == 3
    assert (await passkeys_of(town))[0].sign_count == 10


async def test_a_passkey_that_never_counts_comes_in_again_and_again(secure_town: Town) -> None:
    passkey = await owned(secure_town)
    for _ in range(3):
        assert (await sign_in(secure_town.browser(), passkey)).status_code == 303


async def test_wrong_ones_are_counted_like_wrong_codes(secure_town: Town) -> None:
    passkey = await owned(secure_town)
    passkey.verifies = False
    for _ in range(FACTOR_OF_ACCOUNT.free):
        assert (await sign_in(secure_town.browser(), passkey)).status_code == 422
    passkey.verifies = True
    refused = await sign_in(secure_town.browser(), passkey)
    assert (refused.status_code, 0 < int(refused.headers["retry-after"]) <= 30) == (429, True)
    stranger = new_passkey()
    seen = [(await sign_in(secure_town.browser(), stranger)).status_code for _ in range(FACTOR_OF_ACCOUNT.free + 1)]
    assert seen == [422] * FACTOR_OF_ACCOUNT.free + [429]


async def test_it_takes_the_place_of_a_code_after_the_password_and_before_an_act(secure_town: Town) -> None:
    passkey, other = await owned(secure_town, "manager"), await owned(secure_town, "second manager")
    browser = secure_town.browser()
    form = {"email": MANAGER, "password": PASSWORD, "next": ""}
    assert (await browser.send("/en/sign-in", form, page="/en/sign-in")).headers["location"] == "/en/sign-in/code"
    page = (await browser.get("/en/sign-in/code")).text
    assert form_at(page, "/en/sign-in/code")[ANSWER] == ""
    strange = await browser.send("/en/sign-in/code", {ANSWER: other.show(await ask(browser)), "next": ""})
    assert (strange.status_code, "belongs to another account" in strange.text) == (422, True)
    cancelled = await browser.send("/en/sign-in/code", {ANSWER: "cancelled", "next": ""})
    assert (cancelled.status_code, "The first step is done" in cancelled.text) == (422, True)
    came = await browser.send("/en/sign-in/code", {ANSWER: passkey.show(await ask(browser)), "next": ""})
    assert came.headers["location"] == "/en/manage"

    await age_proofs(secure_town, timedelta(minutes=6))
    asked = await browser.send("/en/me/data", {"note": "kept"}, page="/en/me")
    assert (asked.status_code, dict(CARRIED.findall(asked.text))["note"]) == (403, "kept")
    options = await ask(browser)
    (own,) = await passkeys_of(secure_town, "manager")
    assert [each["id"] for each in options["allowCredentials"]] == [json.loads(passkey.show(options))["id"]]
    assert own.credential_id == passkey.credential_id
    wrong = await browser.send("/en/me/data", {ANSWER: other.show(options), "note": "kept"}, page="/en/me")
    assert (wrong.status_code, "belongs to another account" in wrong.text) == (422, True)
    before = browser.cookie
    done = await browser.send("/en/me/data", {ANSWER: passkey.show(await ask(browser))}, page="/en/me")
    assert (done.status_code, browser.cookie != before) == (200, True)
    await age_proofs(secure_town, timedelta(minutes=6))
    proved = await browser.send("/en/me/prove", {ANSWER: passkey.show(await ask(browser)), "next": ""})
    assert proved.headers["location"] == "/en/me?done=proved"


async def test_adding_one_needs_the_password_and_a_fresh_factor(secure_town: Town) -> None:
    citizen, manager = await secure_town.signed_in("citizen"), await secure_town.signed_in("manager")
    wrong = await name_it(citizen, current="not it at all")
    assert (wrong.status_code, OPTIONS.search(wrong.text), 'value="My phone"' in wrong.text) == (422, None, True)
    assert (await name_it(citizen, name=" ")).status_code == 422
    unasked = await citizen.send("/en/me/passkeys/add", {ANSWER: "failed", "next": ""})
    assert (unasked.status_code, "More than five minutes" in unasked.text) == (422, True)
    await age_proofs(secure_town, timedelta(minutes=6))
    led = await manager.get("/en/me/passkeys")
    assert led.headers["location"] == "/en/me/prove?next=/en/me/passkeys"
    await age_proofs(secure_town, timedelta(hours=1))
    for place in ("/en/me/passkeys", "/en/me/passkeys/add", "/en/me/passkeys/remove"):
        asked = await manager.send(place, {"name": "x", "current": PASSWORD})
        assert (asked.status_code, "This step needs a fresh code" in asked.text) == (403, True)
        assert (set(dict(CARRIED.findall(asked.text))), PASSWORD in asked.text) == ({"_token", "name"}, False)
    assert not await passkeys_of(secure_town, "manager")


async def test_a_manager_with_a_passkey_and_no_app_manages(secure_town: Town) -> None:
    passkey = await owned(secure_town, "manager")
    browser = secure_town.browser()
    assert (await sign_in(browser, passkey)).headers["location"] == "/en/manage"
    page = (await browser.get("/en/me/factor?act=remove")).text
    assert "Your passkeys stay" in page
    gone = await browser.send("/en/me/factor/remove", {FIELD: now_code(APP_SECRET)})
    assert gone.headers["location"] == "/en/me?done=factor-removed"
    assert (await browser.get("/en/manage")).status_code == 200
    assert "Set up an app as well" in (await browser.get("/en/me/factor")).text
    assert 'name="sealed"' in (await browser.get("/en/me/factor?act=app")).text
    await age_proofs(secure_town, timedelta(minutes=6))
    led = await browser.get("/en/me/factor?act=app")
    assert led.headers["location"] == "/en/me/prove?next=/en/me/factor"
    (letter,) = [each for each in await secure_town.letters(MANAGER) if each.kind == "factor_removed"]
    assert letter.facts == {"left": "passkeys"}


async def test_taking_them_away_ends_with_the_last_factor(town: Town) -> None:
    browser, first, second = await town.signed_in("citizen"), new_passkey(), new_passkey()
    await add(browser, first)
    added = await add(browser, second, name="My key")
    assert added.headers["location"] == "/en/me/factor?done=passkey-added"  # the recovery codes are those of before
    (one, two), stranger = await passkeys_of(town), await town.signed_in("manager")
    for answer in (
        await stranger.send("/en/me/passkeys/remove", {"passkey": str(one.id)}),
        await browser.send("/en/me/passkeys/remove", {"passkey": "none"}),
    ):
        assert (answer.status_code, "no such passkey any more" in answer.text) == (404, True)
    await age_proofs(town, timedelta(minutes=6))
    asked = await browser.send("/en/me/passkeys/remove", {"passkey": str(one.id)})
    assert (asked.status_code, dict(CARRIED.findall(asked.text))["passkey"]) == (403, str(one.id))
    options = await ask(browser)
    gone = await browser.send("/en/me/passkeys/remove", {"passkey": str(one.id), ANSWER: second.show(options)})
    assert gone.headers["location"] == "/en/me/factor?done=passkey-removed"
    assert len((await town.rows())["app_recovery_code"]) == 10
    assert (await sign_in(town.browser(), first)).status_code == 422
    await browser.send("/en/me/passkeys/remove", {"passkey": str(two.id)})
    rows = await town.rows()
    assert (rows["app_passkey"], rows["app_recovery_code"]) == ([], [])
    assert (await town.browser().sign_in(CITIZEN)).headers["location"] == "/en/me"
    kinds = [letter.kind for letter in await town.letters(CITIZEN)]
    assert kinds[:4] == ["passkey_added", "passkey_added", "passkey_removed", "passkey_removed"]


async def test_one_passkey_is_one_persons_and_ten_are_enough(secure_town: Town) -> None:
    passkey, browser = await owned(secure_town), await secure_town.signed_in("second citizen")
    taken = await add(browser, passkey)
    assert (taken.status_code, "has a passkey for your account already" in taken.text) == (409, True)
    for _ in range(MOST):
        assert (await add(browser, new_passkey())).status_code in {200, 303}
    many = await add(browser, new_passkey())
    assert (many.status_code, "10 passkeys already" in many.text) == (409, True)


async def test_a_lost_factor_and_an_erased_account_leave_none(secure_town: Town) -> None:
    passkey = await owned(secure_town, "manager")

    async def forget(session: AsyncSession) -> None:
        await forget_factor(session, await get_account(session, secure_town.people["manager"]), "en")

    await secure_town.house.db.write(forget)
    assert not await passkeys_of(secure_town, "manager")
    assert (await sign_in(secure_town.browser(), passkey)).status_code == 422
    browser = await secure_town.signed_in("citizen")
    await add(browser, new_passkey(), name="Canary phone")
    kept = json.loads((await browser.send("/en/me/data", page="/en/me")).text)
    (own,) = await passkeys_of(secure_town)
    assert kept["passkeys"] == [{"name": "Canary phone", "added_at": own.added_at.isoformat()}]
    form = form_at((await browser.get("/en/me/erase")).text, "/en/me/erase")
    assert (await browser.http.post("/en/me/erase", data=form | {"current": PASSWORD})).status_code == 303
    assert "Canary phone" not in str(await secure_town.rows())
    assert (await secure_town.rows())["app_passkey"] == []
