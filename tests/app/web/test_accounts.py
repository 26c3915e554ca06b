"""Signing up, in and out, and getting a new password, as a citizen does it, and as somebody who means ill does it."""

import asyncio
import json
import logging
import re
import time

import pytest

from app.accounts.limits import PASSWORD_OF_ACCOUNT
from app.accounts.roles.store import find_roles
from app.accounts.store import find_account
from app.accounts.tokens import make_token
from app.letters.sending import compose
from app.log import JsonLines
from app.security import Role
from tests.plumbing.house import BASE, PASSWORD, PEOPLE, Town, link_in

pytestmark = pytest.mark.anyio

EMAIL = PEOPLE["citizen"][1]
NEW = "new@vardisi.example"
ANOTHER = "four other words together"


async def test_from_an_address_to_an_account(town: Town) -> None:
    browser = town.browser()
    asked = await browser.send("/ka/sign-up", {"email": f" {NEW.upper()} "}, page="/en/sign-up")
    assert (asked.status_code, asked.headers["location"]) == (303, "/ka/letter-sent")
    (letter,) = await town.letters(NEW)
    assert (letter.kind, letter.language) == ("sign_up", "ka")
    place = f"/ka/welcome/{link_in(letter)}"
    assert f"{BASE}{place}" in compose(letter, town.config, "Vardisi").get_content()

    before = await town.rows()
    for _ in range(5):  # as a mail scanner would
        page = await town.browser().get(place)
        await town.browser().http.head(place)
    assert (page.status_code, NEW in page.text) == (200, True)
    assert await town.rows() == before

    done = await browser.send(place, {"name": "  Ana   B. ", "password": ANOTHER})
    assert (done.status_code, done.headers["location"]) == (303, "/ka/me?done=signed-in")
    assert "<bdi>Ana B.</bdi>" in (await browser.get("/en/me")).text
    assert (await browser.get("/en/manage")).status_code == 403
    assert (await town.browser().sign_in(NEW, ANOTHER)).headers["location"] == "/en/me"


async def test_twenty_at_once_make_one_account(town: Town) -> None:
    await town.browser().send("/en/sign-up", {"email": NEW})
    (letter,) = await town.letters(NEW)
    place, before = f"/en/welcome/{link_in(letter)}", len((await town.rows())["app_account"])
    browsers = [town.browser() for _ in range(20)]
    for browser in browsers:
        await browser.get("/en/settings")
    answers = await asyncio.gather(*(each.send(place, {"name": "Ana", "password": ANOTHER}) for each in browsers))
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * 19
    assert len((await town.rows())["app_account"]) == before + 1
    assert len((await town.rows())["app_session"]) == 1


@pytest.mark.parametrize("form", ["sign-up", "forgot"])
async def test_the_answer_is_the_same_whether_an_address_is_known_or_not(one_town: Town, form: str) -> None:
    answers = []
    for email in (EMAIL, "nobody@vardisi.example"):
        browser = one_town.browser()
        answer = await browser.send(f"/en/{form}", {"email": email})
        after = await browser.get(answer.headers["location"])
        answers.append((answer.status_code, dict(answer.headers), answer.text, after.status_code, after.text))
    assert answers[0] == answers[1]
    assert answers[0][0] == 303
    assert [letter.kind for letter in await one_town.letters(EMAIL)] == [
        "sign_up_known" if form == "sign-up" else "reset"
    ]
    assert len(await one_town.letters("nobody@vardisi.example")) == (form == "sign-up")


async def test_a_wrong_person_and_a_wrong_password_are_told_alike(one_town: Town) -> None:
    texts = []
    for email in (EMAIL, "nobody@vardisi.example"):
        browser = one_town.browser()
        answer = await browser.sign_in(email, "not the password at all")
        token = one_town.token_of(browser.cookie)
        texts.append((answer.status_code, answer.text.replace(email, "…").replace(token, "…")))
        assert "set-cookie" not in answer.headers
    assert texts[0] == texts[1]
    assert texts[0][0] == 422


async def test_only_failures_count_and_the_right_password_works_after_the_wait(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = town.browser()
    for _ in range(PASSWORD_OF_ACCOUNT.free + 5):
        assert (await browser.sign_in(EMAIL)).status_code == 303  # success costs nothing
        browser.http.cookies.clear()
    for place in range(PASSWORD_OF_ACCOUNT.free):
        other = town.browser(peer=f"203.0.113.{place}")  # from ten networks: the account's own counter
        answer = await other.sign_in(EMAIL, f"wrong password number {place}")
        assert answer.status_code == 422
    answer = await browser.send("/en/sign-in", {"email": f" {EMAIL.upper()}", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert "Wait 1 minute" in answer.text
    for number in range(3):
        forged = {"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": "for=198.51.100.9"}
        answer = await browser.send("/en/sign-in", {"email": EMAIL, "password": PASSWORD}, headers=forged)
        assert answer.status_code == 429
    assert (await browser.sign_in(PEOPLE["second citizen"][1])).status_code == 303  # nobody else waits
    later = time.time() + 31
    monkeypatch.setattr("app.accounts.limits.time.time", lambda: later)
    assert (await town.browser().sign_in(EMAIL)).status_code == 303
    assert (await town.browser().sign_in(EMAIL, "wrong password again")).status_code == 422


async def test_a_password_is_asked_for_before_it_is_changed(town: Town) -> None:
    browser = await town.signed_in("citizen")
    before = await town.rows()
    wrong = await browser.send("/en/me/password", {"current": "not it, surely not", "password": ANOTHER})
    short = await browser.send("/en/me/password", {"current": PASSWORD, "password": "short"})
    long = await browser.send("/en/me/password", {"current": PASSWORD, "password": "x" * 201})
    assert [answer.status_code for answer in (wrong, short, long)] == [422] * 3
    assert 'href="#f-current"' in wrong.text
    assert "Use 15 characters or more." in short.text
    assert await town.rows() == before


async def test_a_reset_link_works_once_and_dies_with_the_password(town: Town) -> None:
    for _ in range(2):
        await town.browser().send("/en/forgot", {"email": EMAIL})
    first, second = await town.letters(EMAIL)
    short = await town.browser().send(f"/en/reset/{link_in(first)}", {"password": "short"})
    assert short.status_code == 422
    done = await town.browser().send(f"/en/reset/{link_in(first)}", {"password": ANOTHER})
    assert (done.status_code, done.headers["location"]) == (303, "/en/sign-in?done=password-changed")
    for letter in (first, second):
        again = await town.browser().send(f"/en/reset/{link_in(letter)}", {"password": "yet another long one"})
        assert again.status_code == 404
        assert "too old, or was used already" in again.text
    assert (await town.browser().sign_in(EMAIL, ANOTHER)).status_code == 303
    assert (await town.browser().sign_in(EMAIL, PASSWORD)).status_code == 422


async def test_ten_at_once_use_a_reset_link_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, slow = asyncio.Barrier(10), town.house.passwords.hash

    async def together(password: str, names: list[str]) -> str:
        hashed = await slow(password, names)
        await ready.wait()  # all ten come to the database at the same moment
        return hashed

    monkeypatch.setattr(town.house.passwords, "hash", together)
    await town.browser().send("/en/forgot", {"email": EMAIL})
    place = f"/en/reset/{link_in((await town.letters(EMAIL))[0])}"
    passwords = [f"password number {number:04}" for number in range(10)]
    answers = await asyncio.gather(*(town.browser().send(place, {"password": each}) for each in passwords))
    assert sorted(answer.status_code for answer in answers) == [303] + [404] * 9
    (chosen,) = [each for each, answer in zip(passwords, answers, strict=True) if answer.status_code == 303]
    assert (await town.browser().sign_in(EMAIL, chosen)).status_code == 303


async def test_a_link_for_one_purpose_opens_no_other_door(one_town: Town) -> None:
    secret = one_town.config.secret
    facts = {"email": EMAIL, "mark": "x", "role": "admin"}
    links = {
        "welcome": make_token(secret, "reset", facts, hours=1),
        "reset": make_token(secret, "welcome", facts, hours=1),
    }
    old = make_token(secret, "welcome", facts, hours=0)
    strange = make_token("another secret" * 4, "welcome", facts, hours=1)
    good = make_token(secret, "welcome", {"email": NEW}, hours=1)
    tries = [("welcome", old), ("welcome", strange), ("welcome", good + "A"), ("welcome", "A" + good), *links.items()]
    for place, token in tries:
        answer = await one_town.browser().get(f"/en/{place}/{token}")
        assert answer.status_code == 404
        assert "Ask for a new one" in answer.text
        sent = await one_town.browser().send(f"/en/{place}/{token}", {"name": "x", "password": ANOTHER})
        assert sent.status_code == 404
    assert (await one_town.browser().get(f"/en/welcome/{good}")).status_code == 200


async def test_an_invitation_gives_its_role_and_no_form_does(one_town: Town) -> None:
    token = make_token(one_town.config.secret, "welcome", {"email": NEW, "role": "manager"}, hours=1)
    browser = one_town.browser()
    await browser.send(f"/en/welcome/{token}", {"name": "Ana", "password": ANOTHER, "role": "admin"})
    there = await browser.get("/en/manage")
    assert there.headers["location"] == "/en/me/factor?next=/en/manage"  # the role has rooms
    async with one_town.house.db.reading() as session:
        account = await find_account(session, NEW)
        assert account is not None
        assert await find_roles(session, account.id) == {Role.CITIZEN, Role.MANAGER}
    lines = (await one_town.rows())["commons_ledger_pending"]
    assert len(lines) == 1
    assert "'role.granted'" in lines[0]
    assert "'asked_by': 'operator'" in lines[0]
    assert "Ana" not in lines[0]


async def test_a_manager_comes_to_their_rooms_and_everybody_to_where_they_were_going(one_town: Town) -> None:
    assert (await one_town.browser().sign_in(PEOPLE["manager"][1])).headers["location"] == "/en/manage"
    browser = one_town.browser()
    sent = (await browser.get("/en/manage/letters")).headers["location"]
    page = (await browser.get(sent)).text
    wanted = re.search(r'name="next" value="([^"]*)"', page)
    assert wanted is not None
    assert (await browser.sign_in(PEOPLE["manager"][1], next=wanted[1])).headers["location"] == "/en/manage/letters"


async def test_the_one_who_asked_cannot_also_agree(town: Town) -> None:
    places = await town.furnish()
    place = f"/en/manage/withdrawals/{places.approval}"
    before = await town.rows()
    answer = await (await town.signed_in("manager")).send(place, {"decision": "approve"})
    assert answer.status_code == 403
    assert "Somebody else must decide" in answer.text
    assert await town.rows() | {"app_session": []} == before | {"app_session": []}
    answer = await (await town.signed_in("second manager")).send(place, {"decision": "approve"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/en/results/{places.result}?done=withdrawn")
    assert (await town.browser().get(f"/en/results/{places.result}")).status_code == 410
    again = await (await town.signed_in("second manager")).send(place, {"decision": "refuse"})
    assert again.status_code == 409


async def test_log_lines_hold_nothing_that_was_sent(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Walk through sign-in, a refusal and a bug with canaries, and read every line that any logger wrote."""

    def broken(*_: object) -> None:
        raise ValueError(f"CANARY message with {EMAIL}")

    caplog.set_level(logging.WARNING)
    caplog.set_level(logging.DEBUG, logger="khma")  # the last level is also that of what catches the lines
    browser = town.browser()
    await browser.sign_in(EMAIL)
    await town.browser().sign_in("CANARY@vardisi.example", "CANARY password\r\n{}", next="/en\r\nCANARY")
    await browser.send("/en/me/password", {"current": PASSWORD, "password": ANOTHER})
    monkeypatch.setattr("app.web.ledger.newest_checkpoint", broken)
    assert (await browser.get("/en/ledger?q=CANARY%0aline", User_Agent="CANARY")).status_code == 500
    lines = [JsonLines().format(record) for record in caplog.records]
    assert [json.loads(line)["exception"] for line in lines if "exception" in line] == ["ValueError"]
    assert {record.levelname for record in caplog.records} > {"ERROR"}  # the door's lines too
    everything = "\n".join(lines)
    token = town.token_of(browser.cookie)
    for secret in ("CANARY", EMAIL, PASSWORD, ANOTHER, browser.cookie, browser.cookie[1:], token, town.config.secret):
        assert secret not in everything
    assert "127.0.0.1" not in everything
