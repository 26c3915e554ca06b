"""The second factor as its owner uses it, and as somebody does who has only the password, or an old code."""

import asyncio
import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import app_code, step_at
from app.accounts.factors.store import FIELD
from app.accounts.limits import FACTOR_OF_ACCOUNT
from app.accounts.tables import Session
from app.security import PROVED_WITHIN, Role, may
from tests.plumbing.house import APP_SECRET, PASSWORD, PEOPLE, Browser, Places, Town, link_in

pytestmark = pytest.mark.anyio

CITIZEN, MANAGER = PEOPLE["citizen"][1], PEOPLE["manager"][1]
ANOTHER = "four other words together"
CODES = re.compile(r"<li><code>(\d{4} \d{4} \d{4})</code></li>")
CARRIED = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def shown_secret(page: str) -> str:
    """Read the secret of the app off the page that sets it up."""
    found = re.search(r'<p class="receipt-code" dir="ltr"><code>([A-Z2-7 ]+)</code>', page)
    assert found is not None
    return found[1].replace(" ", "")


def now_code(secret: str, later: int = 0) -> str:
    return app_code(secret, step_at(datetime.now(UTC)) + later)


async def set_up(browser: Browser, wanted: str = "") -> tuple[str, list[str]]:
    """Set a factor up as somebody does who reads the page. Returns the app's secret and the recovery codes."""
    page = (await browser.get(f"/en/me/factor?next={wanted}")).text
    secret = shown_secret(page)
    fields = dict(CARRIED.findall(page))
    typed = {"current": PASSWORD, FIELD: now_code(secret, -1)}
    answer = await browser.send("/en/me/factor", {"sealed": fields["sealed"], "next": fields["next"]} | typed)
    assert answer.status_code == 200, answer.text
    return secret, CODES.findall(answer.text)


async def halfway(town: Town, email: str = MANAGER, **network: str) -> Browser:
    """Give a browser in which a right password was sent, and no code yet."""
    browser = town.browser(**network)
    form = {"email": email, "password": PASSWORD, "next": ""}
    answer = await browser.send("/en/sign-in", form, page="/en/sign-in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/sign-in/code")
    return browser


async def age_proofs(town: Town, ago: timedelta) -> None:
    """Let it be so long ago that anybody showed a factor."""

    async def work(session: AsyncSession) -> None:
        shown = col(Session.proved_at).is_not(None)
        await session.exec(update(Session).where(shown).values(proved_at=datetime.now(UTC) - ago))

    await town.house.db.write(work)


async def test_from_no_factor_to_one_and_back(town: Town) -> None:
    browser, elsewhere = await town.signed_in("citizen"), await town.signed_in("citizen")
    before, rows = browser.cookie, await town.rows()
    secret = shown_secret((await browser.get("/en/me/factor")).text)
    assert await town.rows() == rows  # looking at a secret keeps none
    secret, codes = await set_up(browser)
    assert (len(codes), len(set(codes))) == (10, 10)
    assert browser.cookie != before
    assert (await elsewhere.get("/en/me")).status_code == 303
    everything = str(await town.rows())
    assert secret not in everything
    assert not any(code in everything or code.replace(" ", "") in everything for code in codes)

    other = await halfway(town, CITIZEN)
    assert (await other.get("/en/me")).status_code == 303
    answer = await other.send("/en/sign-in/code", {FIELD: f" {now_code(secret)} "}, page="/en/sign-in/code")
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/me")
    wrong = await other.send("/en/me/factor/remove", {FIELD: "000 000"})
    assert (wrong.status_code, "does not fit" in wrong.text) == (422, True)
    gone = await other.send("/en/me/factor/remove", {FIELD: now_code(secret, 1)})
    assert gone.headers["location"] == "/en/me?done=factor-removed"
    assert not (await town.rows())["app_factor"] or CITIZEN not in str((await town.rows())["app_factor"])
    assert (await town.browser().sign_in(CITIZEN)).headers["location"] == "/en/me"
    kinds = [letter.kind for letter in await town.letters(CITIZEN)]
    assert kinds == ["factor_added", "factor_removed", "new_device"]


async def test_a_code_is_taken_once_of_twenty_at_once(town: Town) -> None:
    browsers = [await halfway(town, peer=f"203.0.113.{number}") for number in range(FACTOR_OF_ACCOUNT.free)]
    browsers += [await town.signed_in("manager") for _ in range(20 - len(browsers))]
    town.house.limits.try_one = lambda *_, **__: None  # type: ignore[method-assign] - the race, not the brake
    code = now_code(APP_SECRET, 1)
    answers = await asyncio.gather(
        *(
            each.send("/en/sign-in/code" if each.cookie[0] == "a" else "/en/me/prove", {FIELD: code})
            for each in browsers
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303] + [422] * 19
    assert sum("used already" in answer.text for answer in answers) == 19


async def test_a_recovery_code_is_taken_once_of_twenty_at_once_and_told_by_letter(town: Town) -> None:
    browser = await town.signed_in("citizen")
    _, codes = await set_up(browser)
    town.house.limits.try_one = lambda *_, **__: None  # type: ignore[method-assign]
    browsers = [await halfway(town, CITIZEN) for _ in range(20)]
    answers = await asyncio.gather(*(each.send("/en/sign-in/code", {FIELD: codes[3]}) for each in browsers))
    assert sorted(answer.status_code for answer in answers) == [303] + [422] * 19
    (used,) = [letter for letter in await town.letters(CITIZEN) if letter.kind == "recovery_used"]
    assert used.facts == {"left": "9"}


async def test_new_recovery_codes_take_the_place_of_all_old_ones(town: Town) -> None:
    browser = await town.signed_in("citizen")
    secret, old = await set_up(browser)
    answer = await browser.send("/en/me/factor/codes", {"current": PASSWORD, FIELD: now_code(secret)})
    new = CODES.findall(answer.text)
    assert (len(new), set(new) & set(old)) == (10, set())
    for code, status in ((old[0], 422), (new[0].replace(" ", "-"), 303)):
        other = await halfway(town, CITIZEN)
        assert (await other.send("/en/sign-in/code", {FIELD: code})).status_code == status


async def test_a_wrong_first_code_leaves_the_app_as_it_is(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    page = (await browser.get("/en/me/factor")).text
    rows, sealed = await one_town.rows(), dict(CARRIED.findall(page))["sealed"]
    answer = await browser.send("/en/me/factor", {"sealed": sealed, "current": PASSWORD, FIELD: "12345"})
    assert answer.status_code == 422
    assert shown_secret(answer.text) == shown_secret(page)  # it need not be told again
    other = await one_town.signed_in("second citizen")  # a secret that was sealed for somebody else
    typed = {"sealed": sealed, "current": PASSWORD, FIELD: now_code(shown_secret(page))}
    assert (await other.send("/en/me/factor", typed)).is_redirect
    assert (await one_town.rows())["app_factor"] == rows["app_factor"]


async def test_a_found_browser_without_the_password_adds_no_factor_and_makes_no_codes(town: Town) -> None:
    browser = await town.signed_in("citizen")
    fields = dict(CARRIED.findall(page := (await browser.get("/en/me/factor")).text))
    typed = {"sealed": fields["sealed"], FIELD: now_code(shown_secret(page))}
    for wrong in ({}, {"current": "not the password at all"}):
        answer = await browser.send("/en/me/factor", typed | wrong)
        assert (answer.status_code, 'href="#f-current"' in answer.text) == (422, True)
        assert shown_secret(answer.text) == shown_secret(page)
    secret, codes = await set_up(browser)
    before = (await town.rows())["app_recovery_code"]
    refused = await browser.send("/en/me/factor/codes", {FIELD: now_code(secret)})
    assert (refused.status_code, "not your present password" in refused.text) == (422, True)
    assert (await town.rows())["app_recovery_code"] == before
    assert len(codes) == 10


async def test_halfway_in_is_nowhere(town: Town) -> None:
    browser = await halfway(town)
    assert not (await town.rows())["app_session"]
    value = browser.http.cookies["khma-halfway"]
    thief = town.browser()
    await thief.get("/en/sign-in")
    thief.http.cookies.set("khma-halfway", value, domain="127.0.0.1")
    assert (await thief.get("/en/sign-in/code")).headers["location"] == "/en/sign-in"
    stolen = await thief.send("/en/sign-in/code", {FIELD: now_code(APP_SECRET)})
    assert stolen.headers["location"] == "/en/sign-in"
    forged = town.browser(browser.cookie)
    forged.http.cookies.set("khma-halfway", value[:-4] + "AAA=", domain="127.0.0.1")
    assert (await forged.get("/en/sign-in/code")).headers["location"] == "/en/sign-in"
    assert (await browser.get("/en/sign-in/code")).status_code == 200
    assert not (await town.rows())["app_session"]


async def test_halfway_in_ends_after_ten_minutes(one_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await halfway(one_town)
    monkeypatch.setattr("app.accounts.factors.halfway.VALID_FOR", timedelta(seconds=-1))
    late = await halfway(one_town)
    assert (await late.get("/en/sign-in/code")).headers["location"] == "/en/sign-in"
    assert (await browser.get("/en/sign-in/code")).status_code == 200


async def test_a_reset_of_the_password_does_not_do_without_the_factor(town: Town) -> None:
    stale = await halfway(town)
    browser = town.browser()
    await browser.send("/en/forgot", {"email": MANAGER})
    (letter,) = await town.letters(MANAGER)
    await browser.send(f"/en/reset/{link_in(letter)}", {"password": ANOTHER})
    assert (await stale.get("/en/sign-in/code")).headers["location"] == "/en/sign-in"  # by the old password
    form = {"email": MANAGER, "password": ANOTHER, "next": ""}
    answer = await browser.send("/en/sign-in", form, page="/en/sign-in")
    assert answer.headers["location"] == "/en/sign-in/code"
    assert not (await town.rows())["app_session"]


async def test_wrong_codes_are_counted_by_account_from_wherever_they_come(town: Town) -> None:
    for number in range(FACTOR_OF_ACCOUNT.free):
        browser = await halfway(town, peer=f"203.0.113.{number}")
        assert (await browser.send("/en/sign-in/code", {FIELD: "12345"})).status_code == 422
    browser = await halfway(town, peer="198.51.100.7")
    refused = await browser.send("/en/sign-in/code", {FIELD: now_code(APP_SECRET)})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 30
    assert (await town.browser().sign_in(PEOPLE["second manager"][1])).headers["location"] == "/en/manage"


async def test_a_manager_without_a_factor_is_led_to_its_set_up_and_on(town: Town) -> None:
    browser = await town.signed_in("manager")
    await browser.send("/en/me/factor/remove", {FIELD: now_code(APP_SECRET)})
    for path in ("/en/manage", "/en/manage/rolls", "/en/manage/votes/new"):
        assert (await browser.get(path)).headers["location"] == f"/en/me/factor?next={path}"
    piece = await browser.get("/en/manage", HX_Request="true")
    assert (piece.status_code, piece.headers["hx-redirect"]) == (401, "/en/me/factor")
    rows = await town.rows()
    sent = await browser.send("/en/manage/new-service", {"name_en": "Without"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/en/me/factor")
    assert (await town.rows())["commons_service"] == rows["commons_service"]
    for path in ("/en", "/en/me", "/en/votes", "/en/results"):
        assert (await browser.get(path)).status_code == 200
    page = (await browser.get("/en/me/factor?next=/en/manage/rolls")).text
    fields = dict(CARRIED.findall(page)) | {"current": PASSWORD, FIELD: now_code(shown_secret(page))}
    done = await browser.send("/en/me/factor", {name: fields[name] for name in ("sealed", "next", "current", FIELD)})
    assert 'href="/en/manage/rolls"' in done.text
    assert (await browser.get("/en/manage/rolls")).status_code == 200


async def test_what_cannot_be_taken_back_asks_for_a_fresh_code_and_keeps_what_was_typed(
    town: Town, places: Places
) -> None:
    browser = await town.signed_in("manager")
    await age_proofs(town, timedelta(minutes=6))
    place, before = f"/en/manage/votes/{places.vote}/amend", browser.cookie
    assert (await browser.get(place)).status_code == 200  # reading the form asks for nothing
    reason = 'Because of "rain" <& wind>.\r\nAnd snow.'
    typed = {"kind": "postpone_publication", "time": "2037-01-01T10:00", "reason": reason}
    rows = await town.rows()
    asked = await browser.send(place, typed)
    assert asked.status_code == 403
    assert (await town.rows()) == rows
    carried = {name: html.unescape(text) for name, text in CARRIED.findall(asked.text)}
    assert {name: carried[name] for name in typed} == typed
    wrong = await browser.send(place, typed | {FIELD: "123456"})
    assert (wrong.status_code, "does not fit" in wrong.text, browser.cookie) == (422, True, before)
    done = await browser.send(place, typed | {FIELD: now_code(APP_SECRET)})
    assert (done.status_code, done.headers["location"]) == (303, f"/en/manage/votes/{places.vote}?done=asked")
    assert browser.cookie != before
    assert (await town.browser(before).get("/en/me")).status_code == 303
    again = await browser.send(place, typed | {"kind": "annul"})
    assert again.status_code == 409  # asked for already; and for five minutes no other code is needed


async def test_every_route_of_the_table_asks_and_no_other(town: Town, places: Places) -> None:
    from tests.security.test_routes import ROUTES, address, routes_of

    names, asking = routes_of(town.app), set()
    roles = (Role.MANAGER, Role.ADMIN, Role.COUNTER_AGENT)
    browsers = {role: await town.signed_in(role.value) for role in roles}
    for method, path in ROUTES:
        if path == "/{lang}/sign-out":
            continue
        await age_proofs(town, timedelta(hours=2))
        place = address(path, places)
        allowed = (each for role, each in browsers.items() if may(names[method, path], frozenset({role})))
        browser = next(allowed, browsers[Role.ADMIN])
        answer = await (browser.get(place) if method == "GET" else browser.send(place))
        led = answer.status_code == 303 and answer.headers["location"].startswith("/en/me/prove?next=")
        if led or (answer.status_code == 403 and "This step needs a fresh code" in answer.text):
            asking.add(names[method, path])
    assert asking == set(PROVED_WITHIN)


async def test_a_form_with_a_file_is_asked_for_before_it_is_filled_in(town: Town) -> None:
    browser = await town.signed_in("manager")
    await age_proofs(town, timedelta(minutes=6))
    led = await browser.get("/en/manage/rolls/new")
    assert led.headers["location"] == "/en/me/prove?next=/en/manage/rolls/new"
    fields = {FIELD: now_code(APP_SECRET), "next": "/en/manage/rolls/new"}
    on = await browser.send("/en/me/prove", fields, page="/en/me/prove")
    assert (on.status_code, on.headers["location"]) == (303, "/en/manage/rolls/new")
    await age_proofs(town, timedelta(minutes=34))
    files = {"file": ("roll.csv", b"reference,name\n7,Nino\n", "text/csv")}
    assert (await browser.send("/en/manage/rolls/new", {"name_en": "Vake"}, files=files)).status_code == 200
    await age_proofs(town, timedelta(minutes=36))
    late = await browser.send("/en/manage/rolls/new", {"name_en": "Vake"}, files=files)
    assert (late.status_code, "you will be asked for it again" in late.text) == (403, True)


async def test_a_session_that_never_showed_the_factor_manages_nothing(town: Town) -> None:
    browser = await town.signed_in("manager")

    async def work(session: AsyncSession) -> None:
        await session.exec(update(Session).where(col(Session.browser) == "test").values(proved_at=None))

    await town.house.db.write(work)
    assert (await browser.get("/en/manage")).headers["location"] == "/en/me/prove?next=/en/manage"
    assert (await browser.get("/en/me")).status_code == 200


async def test_a_new_device_is_told_and_a_known_one_is_not(town: Town) -> None:
    browser = town.browser()
    await browser.sign_in(CITIZEN)
    await browser.send("/en/sign-out")
    await browser.sign_in(CITIZEN)
    assert await town.letters(CITIZEN) == []  # the first device of all, and the same once more
    await town.browser().sign_in(CITIZEN)
    (letter,) = await town.letters(CITIZEN)
    assert letter.kind == "new_device"
    await browser.sign_in(PEOPLE["second citizen"][1])
    assert browser.http.cookies["khma-device"] not in str(await town.rows())
    assert len((await town.rows())["app_device"]) == 3


async def test_one_browser_is_signed_out_from_the_list_and_only_ones_own(town: Town) -> None:
    browser, elsewhere = await town.signed_in("citizen"), await town.signed_in("citizen")
    stranger = await town.signed_in("second citizen")
    (named,) = re.findall(r'name="session" value="(\w+)"', (await browser.get("/en/me")).text)
    refused = await stranger.send("/en/me/sign-out-one", {"session": named})
    assert refused.status_code == 303
    assert (await elsewhere.get("/en/me")).status_code == 200
    done = await browser.send("/en/me/sign-out-one", {"session": named})
    assert done.headers["location"] == "/en/me?done=signed-out-there"
    assert (await elsewhere.get("/en/me")).status_code == 303
    assert (await browser.get("/en/me")).status_code == 200
    assert (await browser.send("/en/me/sign-out-one", {"session": "no hash"})).status_code == 404


@pytest.mark.parametrize("person", ["citizen", "manager"])
async def test_the_last_half_hour_is_announced_and_can_be_made_longer(town: Town, person: str) -> None:
    browser = await town.signed_in(person)
    assert "You will be signed out" not in (await browser.get("/en/services")).text

    async def work(session: AsyncSession) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=29)
        await session.exec(update(Session).where(col(Session.browser) == "test").values(expires_at=soon))

    await town.house.db.write(work)
    page = (await browser.get("/en/services?page=1")).text
    assert "You will be signed out at" in page
    place = "/en/me/prove?next=/en/services%3Fpage%3D1"
    assert f'href="{place}"' in page
    proof = {"current": PASSWORD} if person == "citizen" else {FIELD: now_code(APP_SECRET)}
    wrong = await browser.send("/en/me/prove", {"current": "not it, surely", FIELD: "1"}, page=place)
    assert wrong.status_code == 422
    on = await browser.send("/en/me/prove", proof | {"next": "/en/services?page=1"}, page=place)
    assert on.headers["location"] == "/en/services?page=1"
    assert "You will be signed out" not in (await browser.get("/en/services")).text
