"""The log tells which route was refused and why, so that an attack is seen; and never to whom."""

import json
import logging

import pytest

from app.accounts.limits import LETTER_TO_ADDRESS
from app.log import JsonLines
from tests.plumbing.house import PEOPLE, Town
from tests.plumbing.votes import hold_vote

pytestmark = pytest.mark.anyio

CITIZEN = PEOPLE["citizen"][1]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


Log = pytest.LogCaptureFixture


@pytest.fixture(autouse=True)
def heard(caplog: Log) -> None:
    caplog.set_level(logging.INFO, logger="khma")


def told(caplog: Log) -> list[tuple[str, int, str]]:
    """Give route, status and reason of each request that was refused, as the log has them, and forget them."""
    written = [json.loads(JsonLines().format(each)) for each in caplog.records if each.name == "khma.door"]
    caplog.clear()
    return [(each["route"], each["status"], each["refused"]) for each in written if "refused" in each]


async def test_forged_forms_and_refused_access_are_told_with_route_and_reason(one_town: Town, caplog: Log) -> None:
    citizen, stranger = await one_town.signed_in("citizen"), one_town.browser()
    token = {"_token": one_town.token_of(citizen.cookie)}
    told(caplog)
    await citizen.http.post("/en/me/name", data=token, headers={"Origin": "https://evil.example"})
    await citizen.http.post("/en/me/name", data={"_token": "x"})
    await citizen.http.post("/en/me/name", json={})
    await citizen.http.put("/en/me")
    await citizen.http.post("/en/me/name", content=b"a=" + b"b" * 1_000_001, headers=FORM)
    await citizen.get("/en/manage/people")
    await stranger.get("/en/manage/people")
    await stranger.get("/metrics", X_Forwarded_For="203.0.113.7")
    assert told(caplog) == [
        ("accounts.name", 403, "door.foreign_form"),
        ("accounts.name", 403, "door.stale_form"),
        ("accounts.name", 415, "door.no_form"),
        (None, 405, "door.wrong_method"),
        ("accounts.name", 413, "door.too_large"),
        ("people.index", 403, "door.not_allowed"),
        ("people.index", 303, "door.sign_in_first"),
        ("operating.metrics", 403, "door.not_allowed"),
    ]


async def test_tries_beyond_the_limits_and_one_person_for_two_are_told(one_town: Town, caplog: Log) -> None:
    admin, browser = await one_town.signed_in("admin"), one_town.browser()
    told(caplog)
    for _ in range(LETTER_TO_ADDRESS.free + 1):
        await browser.send("/en/forgot", {"email": CITIZEN})
    assert told(caplog) == [("accounts.forgot_send", 429, "letters.too_many")]
    own = {"role": "grant/manager", "reason": "For myself."}
    await admin.send(f"/en/manage/people/{one_town.people['admin']}", own)
    assert told(caplog) == [("people.ask", 403, "role.own")]


async def test_who_is_sent_to_prove_themselves_is_told_too(one_town: Town, caplog: Log) -> None:
    from tests.app.web.test_factors import age_proofs, timedelta

    manager = await one_town.signed_in("manager")
    await age_proofs(one_town, timedelta(hours=1))
    told(caplog)
    await manager.get("/en/manage/rolls/new")
    assert told(caplog) == [("rolls.new", 303, "door.prove_first")]


async def test_no_line_tells_a_person_and_none_is_written_where_nothing_was_refused(
    one_town: Town, caplog: Log
) -> None:
    citizen = await one_town.signed_in("citizen")
    told(caplog)
    for place in ("/en", "/en/me", "/en/nowhere", "/healthz"):
        await citizen.get(place)
    assert told(caplog) == []
    await citizen.get("/en/manage/people")
    text = JsonLines().format(caplog.records[-1])
    for word in (CITIZEN, "Nino", str(one_town.people["citizen"]), "127.0.0.1", citizen.cookie):
        assert word not in text


async def test_at_the_ballot_no_reason_is_told_but_the_doors_own(one_town: Town, caplog: Log) -> None:
    vote = await hold_vote(one_town.house)
    browser = one_town.browser()
    place = f"/en/votes/{vote.slug}/eligible"
    told(caplog)
    answer = await browser.send(place, {"code": "0000-0000-0000-0000-0000"}, page=place)
    assert (answer.status_code, told(caplog)) == (403, [])
    await browser.http.post(place, data={"_token": "x"})
    assert told(caplog) == [("votes.eligible_ask", 403, "door.stale_form")]
