"""Guessing over HTTP: the owner gets in while others guess, a queue keeps one's place, and what was typed stays."""

import re

import httpx
import pytest

from app.accounts.limits import LETTER_FROM_NETWORK, PASSWORD_FROM_NETWORK, PASSWORD_OF_ACCOUNT
from app.accounts.passwords import Busy
from tests.plumbing.forms import form_at
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Town, link_in
from tests.plumbing.sums import solve

pytestmark = pytest.mark.anyio

EMAIL = PEOPLE["citizen"][1]
ANOTHER = "four other words together"
HERE = ("127.0.0.1", "127.0.0.0/24")


async def attack(town: Town) -> None:
    """Guess one account's password from many addresses until it is slow."""
    for number in range(PASSWORD_OF_ACCOUNT.free + 5):
        answer = await town.browser(peer=f"198.51.100.{number}").sign_in(EMAIL, f"wrong password {number}")
    assert answer.status_code == 429


def crowd(town: Town, scope: str, times: int) -> None:
    """Have others from this network spend what is free there."""
    for network in HERE:
        for _ in range(times):
            town.house.limits.count(scope, network)


async def send(browser: Browser, path: str, **fields: str) -> httpx.Response:
    return await browser.send(path, fields, page=path)


async def test_the_owner_comes_in_from_a_known_browser_while_others_guess(town: Town) -> None:
    browser = town.browser()
    assert (await browser.sign_in(EMAIL)).status_code == 303
    await browser.send("/en/sign-out", page="/en/me")
    await attack(town)
    assert (await browser.sign_in(EMAIL, "mistyped by the owner")).status_code == 422
    assert (await browser.sign_in(EMAIL)).status_code == 303
    stranger = await send(town.browser(), "/en/sign-in", email=EMAIL, password=PASSWORD)
    assert stranger.status_code == 429
    assert (await browser.send("/en/me/password", {"current": PASSWORD, "password": ANOTHER})).status_code == 303


async def test_from_an_unknown_browser_a_letter_is_the_way_around_the_guessing(town: Town) -> None:
    await attack(town)
    browser = town.browser()
    slowed = await send(browser, "/en/sign-in", email=EMAIL, password=PASSWORD)
    assert "Or choose a new password by a letter" in slowed.text
    await send(browser, "/en/forgot", email=EMAIL)
    (letter,) = await town.letters(EMAIL)
    place = f"/en/reset/{link_in(letter)}"
    assert (await browser.send(place, {"password": ANOTHER}, page=place)).status_code == 303
    assert (await browser.sign_in(EMAIL, ANOTHER)).status_code == 303


@pytest.mark.parametrize("email", [EMAIL, "nobody@vardisi.example"])
async def test_a_turn_is_kept_in_the_form_and_taken_when_it_is_due(
    town: Town, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    browser, other = town.browser(), town.browser()
    crowd(town, PASSWORD_FROM_NETWORK.scope, PASSWORD_FROM_NETWORK.free)
    assert (await other.sign_in("somebody@vardisi.example", "wrong password")).status_code == 422  # nobody queued
    waits = await send(browser, "/en/sign-in", email=email, password=PASSWORD, next="/en/votes")
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "1")
    assert "Your place in the queue is kept: send this form again in 1 second" in waits.text
    form = form_at(waits.text, "/en/sign-in")
    assert (form["email"], form["next"], bool(form["turn"])) == (email, "/en/votes", True)
    for number in range(3):  # a made-up sender changes nothing, nor does a turn that is another browser's
        fields = {"email": email, "password": PASSWORD, "turn": form["turn"]}
        forged = {"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": "for=198.51.100.9"}
        assert (await other.send("/en/sign-in", fields, headers=forged)).status_code == 429
    now = town.house.limits.next_turn(PASSWORD_FROM_NETWORK, HERE[0]) + 1
    monkeypatch.setattr("app.accounts.guarding.time.time", lambda: now)
    monkeypatch.setattr("app.accounts.limits.time.time", lambda: now)
    for _ in range(20):
        town.house.limits.next_turn(PASSWORD_FROM_NETWORK, HERE[0])  # others go on
    done = await browser.http.post("/en/sign-in", data=form | {"password": PASSWORD})
    assert done.status_code == (303 if email == EMAIL else 422)


async def test_a_sum_is_offered_to_who_waits_for_long_and_taken(one_town: Town) -> None:
    browser = one_town.browser()
    crowd(one_town, PASSWORD_FROM_NETWORK.scope, PASSWORD_FROM_NETWORK.free)
    short = await send(browser, "/en/sign-in", email=EMAIL, password=PASSWORD)
    assert "proof" not in (await browser.get("/en/sign-in")).text + short.text
    for _ in range(60):
        one_town.house.limits.next_turn(PASSWORD_FROM_NETWORK, HERE[0])
    waits = await send(browser, "/en/sign-in", email="luka@vardisi.example", password=PASSWORD)
    form = form_at(waits.text, "/en/sign-in")
    assert (waits.status_code, form["proof"], "/proof.js" in waits.text) == (429, "", True)
    unsolved = await browser.http.post("/en/sign-in", data=form | {"password": PASSWORD, "proof": "1.2.3"})
    assert form_at(unsolved.text, "/en/sign-in")["turn"] == form["turn"]
    done = await browser.http.post("/en/sign-in", data=form | {"password": PASSWORD, "proof": solve(form["turn"])})
    assert done.status_code == 303


@pytest.mark.parametrize("path", ["/en/sign-up", "/en/forgot"])
async def test_the_forms_for_a_letter_have_a_queue_too_and_keep_what_was_typed(one_town: Town, path: str) -> None:
    crowd(one_town, LETTER_FROM_NETWORK.scope, LETTER_FROM_NETWORK.free)
    one_town.house.limits.next_turn(LETTER_FROM_NETWORK, HERE[0])
    waits = await send(one_town.browser(), path, email="anybody@vardisi.example")
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "2")
    form = form_at(waits.text, path)
    assert (form["email"], bool(form["turn"])) == ("anybody@vardisi.example", True)
    assert not (await one_town.rows())["app_job"]


async def test_a_busy_house_keeps_what_was_typed_and_counts_nothing(
    one_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> bool:
        raise Busy

    browser = one_town.browser()
    with monkeypatch.context() as patched:
        patched.setattr(one_town.house.passwords, "fits", busy)
        waits = set()
        for _ in range(2 * PASSWORD_OF_ACCOUNT.free):
            answer = await browser.sign_in(EMAIL)
            assert answer.status_code == 503
            waits.add(int(answer.headers["retry-after"]))
            assert re.search(f'value="{EMAIL}"', answer.text)
        assert min(waits) >= 5
        assert len(waits) > 3  # or all would come back at one moment
    assert (await browser.sign_in(EMAIL)).status_code == 303
