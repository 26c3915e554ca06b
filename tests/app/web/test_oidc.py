"""Sign-in by a real provider: the first time, the next times, joined to an account, and refused with a way on."""

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import guarding
from app.accounts.factors.store import FIELD
from app.accounts.limits import PROVIDER_FROM_NETWORK
from app.accounts.oidc.notes import VALID_FOR
from app.accounts.tables import Event, Identity, SecurityEvent, Session
from tests.conftest import Addresses
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Town, opened_town
from tests.plumbing.providers import NUMBER, accounts, agreed, begun, is_in, real_provider, settings

pytestmark = pytest.mark.anyio

EKA = {"sub": "person-eka", "name": "Eka Japaridze", "email": "Eka@vardisi.example", "email_verified": True}
PEOPLE_THERE = (
    EKA | {NUMBER: "01-017 0123"},
    {"sub": "person-nino", "name": "Nino", "email": PEOPLE["citizen"][1], "email_verified": True},
    {"sub": "person-luka", "email": PEOPLE["second citizen"][1], "email_verified": False},
    {"sub": "person-maia", "name": "Maia", "email": PEOPLE["manager"][1], "email_verified": True},
)
NOT_IN = "You are not signed in yet"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider(*PEOPLE_THERE) as there:
        yield there


@pytest.fixture
async def there(addresses: Addresses, tmp_path: Path, issuer: str, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a house that trusts the real provider, on a fresh database of each kind in turn."""
    async with opened_town(addresses.url, addresses.owner_url, tmp_path, **settings(issuer)) as town:
        yield town


async def came(town: Town, subject: str, browser: Browser | None = None, wanted: str = "") -> httpx.Response:
    """Sign in at the real provider as a browser does, and come back."""
    browser = browser or town.browser()
    return await browser.get(await agreed(await begun(browser, wanted), subject))


async def identities(town: Town) -> list[Identity]:
    async with town.house.db.reading() as session:
        return list(await session.exec(select(Identity)))


async def events(town: Town, event: Event) -> int:
    async with town.house.db.reading() as session:
        return len((await session.exec(select(SecurityEvent).where(SecurityEvent.event == event))).all())


async def test_a_first_sign_in_makes_an_account_and_the_next_one_finds_it(there: Town) -> None:
    browser = there.browser()
    page = await browser.get("/en/sign-in?next=/ka/votes")
    assert "Sign in with Vardisi ID" in page.text
    assert 'href="/en/sign-in/provider?next=%2Fka%2Fvotes"' in page.text
    answer = await came(there, "person-eka", browser, "/ka/votes")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ka/votes")
    assert answer.headers["cache-control"] == "no-store"
    assert (await accounts(there))["Eka Japaridze"] == "eka@vardisi.example"
    me = (await browser.get("/en/me")).text
    assert "Person confirmed" in me
    again = there.browser()
    assert (await came(there, "person-eka", again)).headers["location"] == "/en/me"
    assert await is_in(again)
    assert len(await accounts(there)) == len(PEOPLE) + 1
    (kept,) = await identities(there)
    assert (len(kept.subject_mac), len(kept.person_mac or b"")) == (32, 32)


async def test_neither_number_nor_subject_is_kept_in_any_row(there: Town) -> None:
    await came(there, "person-eka")
    rows = str(await there.rows())
    assert [word for word in ("person-eka", "01-017", "010170123") if word in rows] == []


async def test_somebody_without_a_checked_address_gets_an_account_without_one(there: Town) -> None:
    browser = there.browser()
    await came(there, "person-luka", browser)  # whose unchecked address is that of somebody here
    assert (await accounts(there))[""] is None
    me = await browser.get("/en/me")
    assert me.status_code == 200
    assert "your only way in" in me.text
    refused = await browser.send("/en/me/provider/remove", {}, page="/en/me")
    assert (refused.status_code, len(await identities(there))) == (409, 1)
    for path in ("/en/me/factor", "/en/me/prove"):
        assert (await browser.get(path)).status_code == 200
    admin = await there.signed_in("admin")
    person = next(str(each.account_id) for each in await identities(there))
    page = await admin.get(f"/en/manage/people/{person}")
    assert (page.status_code, "No name given" in page.text, "None" in page.text) == (200, True, False)


async def test_somebody_without_a_password_signs_in_again_and_comes_back_to_the_form(there: Town) -> None:
    browser = there.browser()
    await came(there, "person-eka", browser)

    async def age(session: AsyncSession) -> None:
        for row in (await session.exec(select(Session))).all():
            row.created_at -= timedelta(minutes=6)
            session.add(row)

    await there.house.db.write(age)
    page = (await browser.get("/en/me/erase")).text
    found = re.search(r'href="(/en/sign-in/provider[^"]*)"', page)
    assert found is not None
    left = await browser.get(html.unescape(found[1]))
    assert "prompt=login" in left.headers["location"]
    back = await browser.get(await agreed(left.headers["location"], "person-eka"))
    assert back.headers["location"] == "/en/me/erase"
    gone = await browser.send("/en/me/erase", {}, page="/en/me/erase")
    assert (gone.headers["location"], await identities(there)) == ("/en?done=erased", [])


async def test_a_network_with_many_failures_waits_in_turn_and_nobody_is_refused(
    there: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits, browser, other = there.house.limits, there.browser(), there.browser()
    clock = [time.time()]  # stands still, however slow the machine is
    monkeypatch.setattr(guarding.time, "time", lambda: clock[0])
    await came(there, "person-luka")  # who comes rightly takes nothing from the others
    for number in range(PROVIDER_FROM_NETWORK.free):
        assert limits.count(PROVIDER_FROM_NETWORK.scope, "127.0.0.1") == number + 1
    assert (await came(there, "person-eka", wanted="/en/votes")).status_code == 303  # one a second goes through
    turns = [await came(there, "person-eka", each, "/en/votes") for each in (browser, other)]
    assert [turn.status_code for turn in turns] == [429, 429]
    assert "Your place in the queue is kept" in turns[0].text
    assert [turn.headers["retry-after"] for turn in turns] == ["1", "2"]
    early = await browser.get("/en/sign-in/provider?next=/en/votes")
    assert (early.status_code, await is_in(browser)) == (429, False)  # and the provider was not asked
    clock[0] += int(turns[1].headers["retry-after"])
    for each in (other, browser):  # whatever others do
        entered = await came(there, "person-eka", each, "/en/votes")
        assert (entered.status_code, entered.headers["location"]) == (303, "/en/votes")


async def test_a_checked_address_opens_no_account_before_its_password(there: Town) -> None:
    browser = there.browser()
    answer = await came(there, "person-nino", browser, "/en/votes")
    assert answer.headers["location"] == "/en/sign-in/join"
    assert not await is_in(browser)
    wrong = await browser.send("/en/sign-in/join", {"password": "wrong"}, page="/en/sign-in/join")
    assert (wrong.status_code, await identities(there), await is_in(browser)) == (422, [], False)
    right = await browser.send("/en/sign-in/join", {"password": PASSWORD}, page="/en/sign-in/join")
    assert (right.status_code, right.headers["location"]) == (303, "/en/votes")
    assert await is_in(browser)
    assert [letter.kind for letter in await there.letters(PEOPLE["citizen"][1])] == ["identity_joined"]
    assert await events(there, Event.IDENTITY_JOINED) == 1
    assert (await came(there, "person-nino")).headers["location"] == "/en/me"
    assert len(await accounts(there)) == len(PEOPLE)


async def test_a_factor_is_asked_for_when_joining_and_at_every_later_sign_in(there: Town) -> None:
    email = PEOPLE["manager"][1]
    browser = there.browser()
    await came(there, "person-maia", browser)
    without = await browser.send("/en/sign-in/join", {"password": PASSWORD}, page="/en/sign-in/join")
    assert (without.status_code, await identities(there), await is_in(browser)) == (422, [], False)
    fields = {"password": PASSWORD, FIELD: await there.next_code(email)}
    joined = await browser.send("/en/sign-in/join", fields, page="/en/sign-in/join")
    assert (joined.status_code, joined.headers["location"]) == (303, "/en/me?done=identity-joined")

    later = there.browser()
    answer = await came(there, "person-maia", later, "/en/manage/rolls")
    assert answer.headers["location"] == "/en/sign-in/code?next=%2Fen%2Fmanage%2Frolls"
    assert not await is_in(later)
    form = {FIELD: await there.next_code(email), "next": "/en/manage/rolls"}
    shown = await later.send("/en/sign-in/code", form, page="/en/sign-in/code")
    assert (shown.status_code, shown.headers["location"]) == (303, "/en/manage/rolls")


async def test_somebody_signed_in_joins_and_takes_away_with_their_password(there: Town) -> None:
    browser = await there.signed_in("second citizen")
    assert "Set it up" in (await browser.get("/en/me")).text
    assert (await came(there, "person-eka", browser)).headers["location"] == "/en/sign-in/join"
    await browser.send("/en/sign-in/join", {"password": PASSWORD}, page="/en/sign-in/join")
    assert "Eka Japaridze" not in await accounts(there)
    wrong = await browser.send("/en/me/provider/remove", {"present": "wrong"}, page="/en/me")
    assert (wrong.status_code, len(await identities(there))) == (422, 1)
    gone = await browser.send("/en/me/provider/remove", {"present": PASSWORD}, page="/en/me")
    assert (gone.status_code, await identities(there)) == (303, [])
    assert [each.kind for each in await there.letters(PEOPLE["second citizen"][1])][-1] == "identity_removed"


async def test_one_identity_belongs_to_one_account(there: Town) -> None:
    first, second = await there.signed_in("citizen"), await there.signed_in("second citizen")
    await came(there, "person-eka", first)
    await came(there, "person-eka", second)
    for browser in (first, second):
        last = await browser.send("/en/sign-in/join", {"password": PASSWORD}, page="/en/sign-in/join")
    assert (last.status_code, len(await identities(there))) == (409, 1)
    assert "belongs to another account already" in last.text


async def test_a_no_at_the_provider_is_told_with_a_way_on(there: Town) -> None:
    browser = there.browser()
    back = await agreed(await begun(browser, "/en/votes"), "", deny=True)
    answer = await browser.get(back)
    assert (answer.status_code, NOT_IN in answer.text) == (403, True)
    assert "You said no at the other service" in answer.text
    assert 'href="/en/sign-in/provider?next=%2Fen%2Fvotes"' in answer.text
    again = await browser.get(back)  # the note went with the first answer
    assert "begun in another browser" in again.text


async def test_an_address_to_come_back_to_works_once_and_in_one_browser(there: Town) -> None:
    browser, stranger = there.browser(), there.browser()
    back = await agreed(await begun(browser), "person-eka")
    await begun(stranger)  # who has a note of their own
    for other in (there.browser(), stranger):
        refused = await other.get(back)
        assert (refused.status_code, await is_in(other)) == (403, False)
        assert "begun in another browser" in refused.text
    stolen = there.browser()
    for cookie in browser.http.cookies.jar:
        if cookie.name == there.config.provider_cookie_name:  # the note alone, without the cookie it is bound to
            stolen.http.cookies.set(cookie.name, cookie.value or "", domain="127.0.0.1")
    await stolen.token()
    assert (await stolen.get(back)).status_code == 403
    kept = list(browser.http.cookies.jar)
    assert (await browser.get(back)).status_code == 303
    assert (await browser.get(back)).status_code == 403
    again = there.browser()
    for cookie in kept:
        again.http.cookies.set(cookie.name, cookie.value or "", domain="127.0.0.1")
    used = await again.get(back)  # all cookies of before: then the provider says that the code is used
    assert (used.status_code, "has been used already" in used.text, await is_in(again)) == (409, True, False)


async def test_a_note_is_good_for_ten_minutes(there: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = there.browser()
    back = await agreed(await begun(browser), "person-eka")
    from app.web import oidc

    present = oidc._moment

    async def later(request: Any) -> Any:  # noqa: ANN401
        return await present(request) + VALID_FOR

    monkeypatch.setattr(oidc, "_moment", later)
    assert (await browser.get(back)).status_code == 403


async def test_another_site_cannot_send_anybody_there(there: Town) -> None:
    answer = await there.browser().get("/en/sign-in/provider", Sec_Fetch_Site="cross-site")
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/sign-in")


async def test_two_first_sign_ins_at_once_make_one_account(there: Town) -> None:
    browsers = [there.browser() for _ in range(3)]
    backs = [await agreed(await begun(each), "person-eka") for each in browsers]
    answers = await asyncio.gather(*(each.get(back) for each, back in zip(browsers, backs, strict=True)))
    assert {answer.status_code for answer in answers} <= {303, 409}
    assert 303 in {answer.status_code for answer in answers}
    assert (len(await accounts(there)), len(await identities(there))) == (len(PEOPLE) + 1, 1)


async def test_a_house_without_a_provider_has_no_such_door(one_town: Town) -> None:
    browser = one_town.browser()
    for path in ("/en/sign-in/provider", "/en/sign-in/back?state=a&code=b", "/en/sign-in/join"):
        assert (await browser.get(path)).status_code == 404
    assert "sign-in/provider" not in (await browser.get("/en/sign-in")).text
