"""Roles on the pages: find a person, ask, agree, and read what happened; also in a body with one officer."""

import re

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.store import EVENTS_PER_PAGE
from app.accounts.tables import Event, SecurityEvent
from app.letters.sending import compose
from commons.clock import now
from commons.ledger.sequence import sequence
from commons.organisations.store import set_single_handed
from tests.commons.ledger.written import KEY, ORIGIN
from tests.plumbing.forms import form_at
from tests.plumbing.house import PEOPLE, Browser, Town
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio

CITIZEN = PEOPLE["citizen"][1]


async def ask_by_form(browser: Browser, town: Town, person: str, **fields: str) -> str:
    """Find somebody, open their page and send its form. Returns where it leads, or the page that came back."""
    place = f"/en/manage/people/{town.people[person]}"
    assert place in (await browser.get(f"/en/manage/people?q={PEOPLE[person][1]}")).text
    form = form_at((await browser.get(place)).text, place) | fields
    answer = await browser.http.post(place, data=form)
    return answer.headers.get("location") or f"{answer.status_code} {answer.text}"


async def test_from_asking_to_the_public_log(town: Town) -> None:
    admin, second = await town.signed_in("admin"), await town.signed_in("second admin")
    sent = await ask_by_form(
        admin, town, "citizen", role="grant/officer", unit="Registry", reason="She writes them now."
    )
    assert sent.endswith("?done=asked")
    assert "Somebody else must decide" in (await admin.get(sent)).text
    for place in ("/en/manage", "/en/manage/people"):
        page = (await second.get(place)).text
        assert "She writes them now." in page
    action = re.search(r'action="(/en/manage/roles/[^"]+)"', page)
    assert action is not None
    answer = await second.http.post(action[1], data=form_at(page, action[1]) | {"decision": "agree"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/manage?done=agreed")
    assert "Officer (<bdi>Registry</bdi>)" in (await admin.get(f"/en/manage/people/{town.people['citizen']}")).text
    officer = town.browser()
    assert (await officer.sign_in(CITIZEN)).headers["location"] == "/en/manage"
    first = await officer.get("/en/manage/new-service")
    assert first.headers["location"] == "/en/me/factor?next=/en/manage/new-service"  # a second factor, and in
    await town.house.db.write(lambda session: sequence(session, KEY, ORIGIN))
    ledger = (await town.browser().get("/en/ledger")).text
    assert "A role was given: Officer (Registry)." in ledger
    assert "Asked for by: Administrator. Agreed to by: Administrator." in ledger
    assert "Nino" not in ledger


async def test_the_person_is_told_by_letter_of_a_role_given_and_ended(town: Town) -> None:
    admin, second = await town.signed_in("admin"), await town.signed_in("second admin")
    for change, kind, words in (
        ("grant/officer", "role_granted", "Officer (R & D)"),
        ("end/officer/R & D", "role_ended", "Officer (R & D)"),
    ):
        await ask_by_form(admin, town, "citizen", role=change, unit="R & D", reason="Because.")
        assert [letter for letter in await town.letters(CITIZEN) if letter.kind == kind] == []  # not before it is so
        page = (await second.get("/en/manage")).text
        action = re.search(r'action="(/en/manage/roles/[^"]+)"', page)
        assert action is not None
        await second.http.post(action[1], data=form_at(page, action[1]) | {"decision": "agree"})
        (letter,) = [each for each in await town.letters(CITIZEN) if each.kind == kind]
        said = compose(letter, town.config, "Vardisi").get_content()
        assert words in said
        assert "Because." not in said


async def test_who_asked_takes_it_back_and_nobody_else_does(town: Town) -> None:
    admin, second = await town.signed_in("admin"), await town.signed_in("second admin")
    place = await ask_by_form(admin, town, "citizen", role="grant/officer", reason="A mistake.")
    page = (await admin.get(place)).text
    action = re.search(r'action="(/en/manage/roles/[^"]+/take-back)"', page)
    assert action is not None
    assert "take-back" not in (await second.get(place)).text
    foreign = await second.send(action[1])
    assert (foreign.status_code, "Only they can take it back" in foreign.text) == (403, True)
    done = await admin.http.post(action[1], data=form_at(page, action[1]))
    assert done.headers["location"] == f"/en/manage/people/{town.people['citizen']}?done=taken-back"
    again = await admin.send(action[1])
    late = await second.send(action[1].removesuffix("/take-back"), {"decision": "agree"})
    assert [(answer.status_code, "decided already" in answer.text) for answer in (again, late)] == [(409, True)] * 2
    assert "'officer'" not in str((await town.rows())["app_grant"])
    log = (await (await town.signed_in("auditor")).get(f"/en/manage/security?person={CITIZEN}")).text
    assert "Request about a person taken back" in log
    assert (await ask_by_form(admin, town, "citizen", role="grant/officer", reason="Again.")).endswith("?done=asked")


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"reason": "Because."}, "422", "Choose what shall change."),
        ({"role": "grant/king", "reason": "Because."}, "422", "Choose what shall change."),
        ({"role": "grant/citizen", "reason": "Because."}, "422", "Choose what shall change."),
        ({"role": "grant/officer", "reason": " "}, "422", "Give the reason."),
        ({"role": "grant/officer", "unit": "x" * 61, "reason": "Because."}, "422", "Use 60 characters at most"),
        ({"role": "end/manager/", "reason": "Because."}, "409", "does not have this role"),
    ],
)
async def test_a_wrong_form_comes_back_with_what_was_typed(
    one_town: Town, fields: dict[str, str], status: str, words: str
) -> None:
    before = await one_town.rows() | {"app_session": []}
    answer = await ask_by_form(await one_town.signed_in("admin"), one_town, "citizen", **fields)
    assert answer.startswith(status)
    assert words in answer
    assert fields["reason"].strip() in answer
    assert await one_town.rows() | {"app_session": []} == before


async def test_a_body_with_one_officer_says_so_on_every_page_and_decides_at_once(town: Town) -> None:
    await town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    admin = await town.signed_in("admin")
    sent = await ask_by_form(admin, town, "admin", role="grant/manager", reason="There is nobody else.")
    assert sent.endswith("?done=agreed")
    assert (await admin.get("/en/me")).status_code == 303  # a new role is a new session
    for place in ("/en", "/en/ledger", "/en/sign-in", "/ar/votes", "/en/pages/about"):
        assert 'class="unprotected"' in (page := (await town.browser().get(place)).text)
        assert ("this body has one officer" in page) == place.startswith("/en")


async def test_the_security_log_tells_who_came_in_and_who_failed(town: Town) -> None:
    browser = town.browser()
    await browser.sign_in(CITIZEN, "wrong wrong wrong wrong")
    await browser.sign_in("nobody@vardisi.example", "wrong wrong wrong wrong")
    await browser.sign_in(CITIZEN)
    await browser.send("/en/me/sign-out-everywhere", page="/en/me")
    await browser.sign_in(CITIZEN)
    await browser.send("/en/sign-out", page="/en/me")
    auditor = await town.signed_in("auditor")
    with counted_queries() as asked:
        page = (await auditor.get("/en/manage/security")).text
    assert len(asked) <= 9
    told = re.findall(r'<th scope="row">([^<]+)</th>', page)
    assert told == [
        "Signed out", "Signed in", "Signed out everywhere", "Signed in", "Sign-in failed", "Sign-in failed",
    ]  # fmt: skip
    assert "nobody@vardisi.example" not in " ".join((await town.rows())["app_security_event"])
    hers = (await auditor.get(f"/en/manage/security?person={CITIZEN}")).text
    assert len(re.findall(r'<th scope="row">', hers)) == 5
    assert "Nothing to show" in (await auditor.get("/en/manage/security?person=none@vardisi.example")).text


async def test_a_long_security_log_is_read_in_pages(one_town: Town) -> None:
    async def write(session: AsyncSession) -> None:
        moment = await now(session)
        for _ in range(EVENTS_PER_PAGE + 1):
            session.add(SecurityEvent(happened_at=moment, event=Event.SIGN_IN_FAILED))

    await one_town.house.db.write(write)
    admin = await one_town.signed_in("admin")
    for number, rows in (("1", EVENTS_PER_PAGE), ("2", 1), ("9", 1), ("x", EVENTS_PER_PAGE)):
        page = (await admin.get(f"/en/manage/security?page={number}")).text
        assert page.count('<th scope="row">') == rows, number


async def test_each_official_sees_only_the_ways_they_may_go(one_town: Town) -> None:
    seen = {}
    for who in ("counter_agent", "print_officer", "officer", "auditor", "admin", "manager"):
        page = (await (await one_town.signed_in(who)).get("/en/manage")).text
        seen[who] = sorted(set(re.findall(r'href="/en/manage/([a-z-]+(?:/new)?)', page)))
    assert seen["counter_agent"] == []
    assert seen["print_officer"] == ["rolls"]
    assert seen["officer"] == ["new-service", "pages"]
    assert seen["auditor"] == ["letters", "people", "rolls", "security", "votes"]
    assert seen["admin"] == ["letters", "people", "security"]
    assert seen["manager"] == ["letters", "new-service", "pages", "results/new", "rolls", "votes", "votes/new"]
