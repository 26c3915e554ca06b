"""A number is added by a message from it, and only by one that the gateway signed; nothing is sent to a telephone."""

import asyncio
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.accounts.phones.messages import sign
from app.accounts.phones.store import CODE_LIVES, MOST_OPEN
from app.accounts.rights.erasing import erase
from app.jobs.schedule import WORK
from app.jobs.store import enqueue
from app.jobs.worker import Worker
from tests.plumbing.clocks import database_clock
from tests.plumbing.house import PEOPLE, Browser, Town

pytestmark = pytest.mark.anyio

SECRET = "0123456789abcdef-what-the-gateway-knows"
OURS, NUMBER, OTHER = "+995322000000", "+995555123456", "+995555654321"
CITIZEN, SECOND = PEOPLE["citizen"][1], PEOPLE["second citizen"][1]
CODE = re.compile(r'<p class="receipt-code" dir="ltr"><code>([0-9 ]+)</code>')


@pytest.fixture(autouse=True)
def gateway(request: pytest.FixtureRequest) -> None:
    """Set a gateway up in the town of the test."""
    name = "town" if "town" in request.fixturenames else "one_town"
    town: Town = request.getfixturevalue(name)
    town.house.config = replace(town.config, sms_number=OURS, sms_secret=SECRET)


async def ask(browser: Browser) -> str:
    """Have a code shown."""
    page = await browser.send("/en/me/phone", page="/en/me/phone")
    found = CODE.search(page.text)
    assert found is not None, page.text
    assert OURS in page.text
    return found[1]


async def deliver(town: Town, text: str, sender: str = NUMBER, **instead: str) -> httpx.Response:
    """Pass a message on as the gateway does. instead: of timestamp, signature, secret, cookie."""
    body = json.dumps({"from": sender, "text": text}).encode()
    timestamp = instead.get("timestamp", str(int(time.time())))
    signature = instead.get("signature", sign(instead.get("secret", SECRET), timestamp, body))
    headers = {"X-Khma-Timestamp": timestamp, "X-Khma-Signature": signature, "Content-Type": "application/json"}
    return await town.browser(instead.get("cookie", "")).http.post("/gateway/messages", content=body, headers=headers)


def numbers(rows: dict[str, list[str]]) -> int:
    return len(rows["app_phone"])


async def kinds(town: Town, address: str) -> list[str]:
    return [letter.kind for letter in await town.letters(address)]


async def test_from_a_code_to_a_number_and_back(town: Town) -> None:
    browser = await town.signed_in("citizen")
    assert "/en/me/phone" in (await browser.get("/en/me")).text
    before = await town.rows()
    page = await browser.get("/en/me/phone")
    assert "You have added none" in page.text
    assert "For signing in and for voting it counts nothing." in page.text
    assert await town.rows() == before
    code = await ask(browser)
    assert code.replace(" ", "") not in str(await town.rows())
    answer = await deliver(town, f"Khma {code}", sender="00995 555 123456")
    assert (answer.status_code, answer.content, "set-cookie" in answer.headers) == (204, b"", False)
    assert NUMBER in (await browser.get("/en/me/phone")).text
    everything = str(await town.rows())
    assert NUMBER[1:] not in everything
    assert "phone_added" in everything
    kept = (await browser.send("/en/me/data", page="/en/me")).json()
    assert kept["telephone"]["number"] == NUMBER
    gone = await browser.send("/en/me/phone/remove", page="/en/me/phone")
    assert gone.headers["location"] == "/en/me/phone?done=saved"
    assert numbers(await town.rows()) == 0
    letters = await town.letters(CITIZEN)
    assert [(each.kind, each.facts) for each in letters] == [
        ("phone_added", {"ending": "56"}),
        ("phone_removed", {"ending": "56"}),
    ]


async def test_what_the_gateway_did_not_sign_just_now_changes_nothing(one_town: Town) -> None:
    code = await ask(browser := await one_town.signed_in("citizen"))
    before, later = await one_town.rows(), str(int(time.time()) + 3_600)
    wrong = ({"signature": ""}, {"signature": "0" * 64}, {"secret": "another secret of the same length......"})
    for instead in (*wrong, {"timestamp": "1"}, {"timestamp": later}, {"timestamp": ""}):
        answer = await deliver(one_town, code, cookie=browser.cookie, **instead)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False), instead
    assert await one_town.rows() == before
    assert (await deliver(one_town, code)).status_code == 204  # it still works
    assert numbers(await one_town.rows()) == 1


async def test_a_form_of_a_browser_is_no_message(one_town: Town) -> None:
    code = await ask(browser := await one_town.signed_in("citizen"))
    before = await one_town.rows()
    assert (await browser.send("/gateway/messages", {"from": NUMBER, "text": code})).status_code == 403
    assert await one_town.rows() == before


async def test_a_message_is_taken_once_and_a_code_too(one_town: Town) -> None:
    code, timestamp = await ask(browser := await one_town.signed_in("citizen")), str(int(time.time()))
    assert (await deliver(one_town, code, timestamp=timestamp)).status_code == 204
    await browser.send("/en/me/phone/remove", page="/en/me/phone")
    replayed = await deliver(one_town, code, timestamp=timestamp)
    assert (replayed.status_code, "was taken already" in replayed.text) == (403, True)
    again = await deliver(one_town, code, timestamp=str(int(timestamp) + 1))
    assert (again.status_code, numbers(await one_town.rows())) == (204, 0)


async def test_of_two_telephones_with_one_code_at_once_one_is_added(town: Town) -> None:
    code = await ask(await town.signed_in("citizen"))
    answers = await asyncio.gather(*(deliver(town, code, sender=each) for each in (NUMBER, OTHER) * 3))
    assert {answer.status_code for answer in answers} <= {204, 403}  # the same message twice is a replay
    assert numbers(await town.rows()) == 1
    assert await kinds(town, CITIZEN) == ["phone_added"]


async def test_a_number_that_another_account_had_goes_over_and_its_owner_is_told(town: Town) -> None:
    await deliver(town, await ask(await town.signed_in("citizen")))
    await deliver(town, await ask(taker := await town.signed_in("second citizen")))
    assert NUMBER in (await taker.get("/en/me/phone")).text
    assert NUMBER not in (await (await town.signed_in("citizen")).get("/en/me/phone")).text
    assert (await kinds(town, CITIZEN), await kinds(town, SECOND)) == (
        ["phone_added", "phone_removed"],
        ["phone_added"],
    )
    assert (await deliver(town, await ask(taker), sender=OTHER)).status_code == 204
    assert OTHER in (await taker.get("/en/me/phone")).text
    assert numbers(await town.rows()) == 1


async def test_five_codes_wait_and_the_oldest_gives_way(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    codes = [await ask(browser) for _ in range(MOST_OPEN + 1)]
    assert len((await one_town.rows())["app_phone_code"]) == MOST_OPEN
    assert (await deliver(one_town, codes[0])).status_code == 204
    assert numbers(await one_town.rows()) == 0
    assert (await deliver(one_town, codes[1])).status_code == 204
    assert numbers(await one_town.rows()) == 1


async def test_a_code_ends_after_a_quarter_of_an_hour_and_is_swept(one_town: Town) -> None:
    code = await ask(await one_town.signed_in("citizen"))
    late = datetime.now(UTC) + CODE_LIVES + timedelta(seconds=1)
    with database_clock(late):
        answer = await deliver(one_town, code, timestamp=str(int(late.timestamp())))
    assert (answer.status_code, numbers(await one_town.rows())) == (204, 0)
    await ask(await one_town.signed_in("citizen"))
    await one_town.house.db.write(lambda session: enqueue(session, "sweep"))
    worker = Worker(one_town.house, WORK, lambda _: None)
    await worker.do_one_job()
    assert len((await one_town.rows())["app_phone_code"]) == 1
    with database_clock(late):
        await one_town.house.db.write(lambda session: enqueue(session, "sweep"))
        while await worker.do_one_job():
            pass
    assert (await one_town.rows())["app_phone_code"] == []


async def test_a_message_without_a_code_that_waits_is_answered_in_the_same_way(one_town: Town) -> None:
    await ask(await one_town.signed_in("citizen"))
    for text in ("hello", "12345", "1234567890 and 1234567890"):
        answer = await deliver(one_town, text)
        assert (answer.status_code, answer.content, numbers(await one_town.rows())) == (204, b"", 0)


async def test_an_erased_account_leaves_no_number_and_no_code(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    await deliver(one_town, await ask(browser))
    await ask(browser)
    await one_town.house.db.write(lambda session: erase(session, one_town.people["citizen"], ""))
    rows = await one_town.rows()
    assert (rows["app_phone"], rows["app_phone_code"]) == ([], [])


async def test_where_no_gateway_is_set_up_nothing_is_offered(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    code = await ask(browser)
    one_town.house.config = one_town.config
    assert "/en/me/phone" not in (await browser.get("/en/me")).text
    assert (await browser.get("/en/me/phone")).status_code == 404
    assert (await browser.send("/en/me/phone")).status_code == 404
    unsigned = await deliver(one_town, code, signature=sign("", str(int(time.time())), b""))
    assert unsigned.status_code == 403
