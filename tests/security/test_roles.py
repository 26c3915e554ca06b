"""Every route × every role, asked over HTTP: who is let in, that no foreign form counts, that looking changes nothing.

One house on each database serves all cells; an eleventh person, who holds every role in another organisation, is a
citizen here. What is expected stands in one table, `ROUTES` of test_routes.
"""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlmodel import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roles.granting import GRANT, GRANTED, Wish
from app.accounts.roles.store import add_grant
from app.accounts.tables import Grant
from app.security import Role
from commons.approvals.store import ask
from commons.organisations.tables import Organisation
from tests.plumbing.house import Browser, Places, Town
from tests.security.test_routes import ANYBODY, ROLES, ROUTES, address, let_in

pytestmark = pytest.mark.anyio

ELSEWHERE = "elsewhere"
LEAVES = ("/sign-out", "/sign-out-everywhere")
LOOKS = [path for method, path in ROUTES if method == "GET"]
SENDS = [path for method, path in ROUTES if method == "POST"]


async def browser_of(town: Town, role: str) -> Browser:
    """Open a browser as somebody who holds this role and no other; as a visitor, one that was shown a form."""
    if role == "visitor":
        browser = town.browser()
        await browser.token()
        return browser
    if role == ELSEWHERE and role not in town.people:
        town.people[role] = await town.move_in("Everything elsewhere", "elsewhere@vardisi.example")
        await town.house.db.write(lambda session: _appoint_elsewhere(session, town.people[ELSEWHERE]))
    return await town.signed_in(role)


async def _appoint_elsewhere(session: AsyncSession, account_id: UUID) -> None:
    other = Organisation(slug="zz-other-town", names={"en": "Other town"}, summaries={}, zone="UTC")
    session.add(other)
    await session.flush()
    for role in GRANTED:
        await add_grant(session, other.id, account_id, role)


def allowed(role: str, group: frozenset[str]) -> bool:
    return ("citizen" if role == ELSEWHERE else role) in group


def form(town: Town, browser: Browser, **fields: str) -> dict[str, str]:
    return {"_token": town.token_of(browser.cookie), **fields}


async def test_every_role_is_let_in_where_it_should_be_and_nowhere_else(town: Town, places: Places) -> None:
    wrong, cells = [], 0
    for role in (*ROLES, ELSEWHERE):
        browser = await browser_of(town, role)
        own = {"Origin": town.config.origin, "Sec-Fetch-Site": "same-origin"}
        for (method, path), group in ROUTES.items():
            place = address(path, places)
            if method == "GET":
                answer = await browser.http.get(place)
            else:
                answer = await browser.http.post(place, data=form(town, browser), headers=own)
            cells += 1
            way_back = path.endswith("/sign-in/code") and answer.status_code == 303  # nobody is halfway in here
            admitted = let_in(answer) or way_back or (role == "visitor" and group == ANYBODY)
            if admitted != allowed(role, group):
                wrong.append((role, method, path, answer.status_code))
            if path.endswith(LEAVES) and role != "visitor":
                browser = await browser_of(town, role)
    assert wrong == []
    assert cells == (len(ROLES) + 1) * len(ROUTES)


async def test_no_form_from_elsewhere_counts_for_any_role(town: Town, places: Places) -> None:
    browsers = {role: await browser_of(town, role) for role in (*ROLES, ELSEWHERE)}
    before = await town.rows()
    wrong = []
    for at, (role, browser) in enumerate(browsers.items()):
        filled = {"role": "grant/admin", "reason": "A reason", "decision": "agree", "name": "Somebody"}
        right = form(town, browser, **filled)
        for number, path in enumerate(
            SENDS
        ):  # by turns without our token and from another's page; the rest: test_forms
            sent = (filled, {}) if (at + number) % 2 else (right, {"Origin": "https://evil.example"})
            answer = await browser.http.post(address(path, places), data=sent[0], headers=sent[1])
            sent_away = role == "visitor" and ROUTES["POST", path] != ANYBODY and not let_in(answer)
            if answer.status_code != 403 and not sent_away:
                wrong.append((role, path, answer.status_code))
    assert wrong == []
    assert await town.rows() == before


async def test_looking_changes_no_row_whoever_looks(town: Town, places: Places) -> None:
    browsers = {role: await browser_of(town, role) for role in (*ROLES, ELSEWHERE)}
    before = await town.rows()
    for role, browser in browsers.items():
        for path in LOOKS:
            for method in ("GET", "HEAD") if role in {"manager", "admin"} else ("GET",):
                answer = await browser.http.request(method, address(path, places))
                assert answer.status_code < 500, path
    assert await town.rows() == before


async def wished(town: Town, asker: str, person: str) -> str:
    """Ask for a role. Returns the address at which it is decided."""
    subject = Wish(GRANT, town.people[person], Role.OFFICER, "").subject
    approval = await town.house.db.write(lambda session: ask(session, GRANT, subject, "A reason.", town.people[asker]))
    return f"/en/manage/roles/{approval.id}"


@pytest.mark.parametrize(
    ("asker", "person", "decides", "status"),
    [
        ("admin", "citizen", "admin", 403),  # one's own request
        ("admin", "second admin", "second admin", 403),  # about oneself
        ("admin", "citizen", "manager", 403),  # there is a second administrator
        ("admin", "citizen", "auditor", 403),
        ("admin", "citizen", "citizen", 403),
        ("admin", "citizen", ELSEWHERE, 403),
        ("admin", "second admin", "manager", 303),  # no other administrator is left
        ("admin", "citizen", "second admin", 303),
    ],
)
async def test_who_may_decide_on_a_role(town: Town, asker: str, person: str, decides: str, status: int) -> None:
    browser = await browser_of(town, decides)
    place = await wished(town, asker, person)
    before = (await town.rows())["app_grant"]
    answer = await browser.send(place, {"decision": "agree"})
    assert (answer.status_code, (await town.rows())["app_grant"] == before) == (status, status == 403)


async def test_nobody_asks_for_their_own_role(town: Town) -> None:
    browser = await town.signed_in("admin")
    place = f"/en/manage/people/{town.people['admin']}"
    assert 'name="reason"' not in (await browser.get(place)).text
    before = await town.rows()
    answer = await browser.send(place, {"role": "grant/manager", "reason": "I would like to."})
    assert answer.status_code == 403
    assert await town.rows() == before


async def test_the_one_who_asked_does_not_withdraw_alone(town: Town, places: Places) -> None:
    place = f"/en/manage/withdrawals/{places.approval}"
    statuses: Sequence[tuple[str, int]] = [("manager", 403), ("admin", 403), ("second manager", 303)]
    for who, status in statuses:
        answer = await (await town.signed_in(who)).send(place, {"decision": "approve"})
        assert answer.status_code == status, who


async def test_a_role_request_is_no_withdrawal_and_the_other_way_round(town: Town, places: Places) -> None:
    before = await town.rows() | {"app_session": []}
    manager, admin = await town.signed_in("manager"), await town.signed_in("second admin")
    crossed = await manager.send(f"/en/manage/withdrawals/{places.wish}", {"decision": "approve"})
    back = await admin.send(f"/en/manage/roles/{places.approval}", {"decision": "agree"})
    assert (crossed.status_code, back.status_code) == (404, 404)
    assert await town.rows() | {"app_session": []} == before


async def test_a_role_is_gone_with_the_next_request(town: Town) -> None:
    browser = await town.signed_in("auditor")
    assert (await browser.get("/en/manage/security")).status_code == 200

    async def end_all(session: AsyncSession) -> None:
        await session.exec(delete(Grant))

    await town.house.db.write(end_all)
    assert (await browser.get("/en/manage/security")).status_code == 403
