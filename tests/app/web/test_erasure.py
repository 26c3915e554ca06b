"""An erased account leads to nobody any more: nowhere in the database, in its file, in other files or in the logs."""

import logging
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.store import FIELD
from app.accounts.rights.erasing import GOES, KEPT_AS
from app.accounts.roles.granting import GRANT, Wish
from app.accounts.sessions import list_sessions, open_session
from app.accounts.store import add_account
from app.jobs.schedule import WORK
from app.jobs.worker import Worker
from app.log import JsonLines
from app.security import Role
from commons.approvals.store import ask
from commons.organisations.store import set_single_handed
from tests.plumbing.forms import form_at
from tests.plumbing.house import PASSWORD, PEOPLE, QUICK, Browser, Town
from tests.plumbing.votes import hold_vote

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
# One for each field that a person can fill in; the last two are what others write about them.
CANARIES = {
    "name at first": "Canaryone Flown",
    "name": "Canarytwo Flies",
    "address at first": "canary.three@vardisi.example",
    "address": "canary.four@elsewhere.example",
    "address never confirmed": "canary.five@nowhere.example",
    "password at first": "canary six, four words of it",
    "password": "canary seven, four words more",
    "wrong password": "canary eight was typed wrongly",
    "browser": "CanaryNine/1.0",
    "where they wanted to go": "/en/canary-ten",
    "code": "canary-eleven",
    "voter code": "CANARY-TWELVE-0000-0000",
    "search": "canarythirteen",
    "reason of a request about them": "Canaryfourteen edits the services.",
    "part of the organisation": "Canaryfifteen office",
}
STORED = ("name", "address at first", "address", "address never confirmed", "reason of a request about them")


async def erase(browser: Browser, password: str = PASSWORD) -> tuple[int, str]:
    form = form_at((await browser.get("/en/me/erase")).text, "/en/me/erase")
    answer = await browser.http.post("/en/me/erase", data=form | {"current": password})
    return answer.status_code, answer.headers.get("location", answer.text)


async def test_who_has_no_password_shows_a_fresh_sign_in_instead(town: Town) -> None:
    """As somebody for whom a provider of sign-ins vouches, without an address."""

    async def arrive(session: AsyncSession) -> tuple[UUID, str]:
        account = await add_account(session, None, "Eka", QUICK)
        return account.id, await open_session(session, account.id, "test")

    account_id, token = await town.house.db.write(arrive)
    browser = town.browser("s" + token)

    async def age(session: AsyncSession) -> None:
        (row,) = await list_sessions(session, account_id)
        row.created_at -= timedelta(minutes=6)
        session.add(row)

    await town.house.db.write(age)
    refused = await browser.send("/en/me/erase", {"current": PASSWORD})
    assert (refused.status_code, "You have no password here" in refused.text) == (422, True)
    fresh = await town.house.db.write(lambda session: open_session(session, account_id, "test"))
    assert await erase(town.browser("s" + fresh), "") == (303, "/en?done=erased")


async def live(town: Town, vote_path: str) -> Browser:
    """Type a canary into every field that a person can fill in."""
    browser = town.browser()
    browser.http.headers["User-Agent"] = CANARIES["browser"]
    first, new = CANARIES["address at first"], CANARIES["address"]
    await browser.send("/en/sign-up", {"email": first})
    (letter,) = await town.letters(first)
    form = {"name": CANARIES["name at first"], "password": CANARIES["password at first"]}
    assert (await browser.send(f"/en/welcome/{letter.facts['token']}", form)).status_code == 303
    await browser.send("/en/me/name", {"name": CANARIES["name"]}, page="/en/me")
    await browser.send("/en/me/password", {"current": form["password"], "password": CANARIES["password"]})
    for address in (CANARIES["address never confirmed"], new):
        await browser.send("/en/me/address", {"email": address, "current": CANARIES["password"]})
    token = (await town.letters(new))[0].facts["token"]
    assert (await browser.send(f"/en/me/address/{token}")).status_code == 303
    await town.browser().send("/en/forgot", {"email": new})
    elsewhere = town.browser()
    typed = {"email": new, "password": CANARIES["wrong password"], "next": CANARIES["where they wanted to go"]}
    await elsewhere.send("/en/sign-in", typed)
    await elsewhere.sign_in(new, CANARIES["password"])
    await browser.send("/en/me/factor/remove", {FIELD: CANARIES["code"]})
    await town.browser().send(vote_path, {"code": CANARIES["voter code"]}, page=vote_path)
    await browser.get(f"/en/services?q={CANARIES['search']}")
    return browser


async def ask_about(town: Town) -> None:
    """Have an administrator write down why this person shall have a role."""
    rows = (await town.rows())["app_account"]
    found = re.search(r"UUID\('([0-9a-f-]{36})'\), 'canary\.four", " ".join(rows))
    assert found is not None
    wish = Wish(GRANT, UUID(found[1]), Role.OFFICER, CANARIES["part of the organisation"])
    admin, reason = town.people["admin"], CANARIES["reason of a request about them"]
    await town.house.db.write(lambda session: ask(session, GRANT, wish.subject, reason, admin))


def found_in(text: str) -> list[str]:
    """Name the canaries that sing in a text, in any case."""
    return [name for name, canary in CANARIES.items() if canary.lower() in text.lower()]


def bytes_under(folder: Path) -> dict[str, list[str]]:
    """Search every file under a folder, the database's own and its logs as well."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: found_in(path.read_bytes().decode("latin-1")) for path in files}


async def test_of_fifteen_canaries_none_is_left(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    vote = await hold_vote(town.house)
    for code in vote.codes[:3]:
        await vote.cast(code)
    browser = await live(town, vote.path)
    await ask_about(town)
    await Worker(town.house, WORK, lambda _: None).do_all()  # letters are sent, and stay as sent ones
    before = await town.rows()
    everything = " ".join(row for rows in before.values() for row in rows)
    assert set(STORED) <= set(found_in(everything))  # the search finds what is there
    assert not {"password", "password at first", "wrong password", "voter code", "code"} & set(found_in(everything))
    assert len(CANARIES) >= 12

    status, place = await erase(browser, CANARIES["password"])
    assert (status, place) == (303, "/en?done=erased")
    after = await town.rows()
    assert found_in(" ".join(row for rows in after.values() for row in rows)) == []
    hits = {name: found for name, found in bytes_under(town.config.data.parent).items() if found}
    assert hits == {}
    if town.config.embedded:
        assert town.config.database_url.rpartition("/")[2] in bytes_under(town.config.data.parent)
    ours = [record for record in caplog.records if record.name.startswith("khma")]  # not those of the test's browser
    logged = "\n".join(JsonLines().format(record) for record in ours)
    assert "answered" in logged
    assert found_in(logged) == []

    same = [name for name in before if name.startswith(("ballots_", "polls_", "results_", "app_roll", "app_voter"))]
    assert len(same) > 10
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    gone = ("app_account", "app_session", "app_device", "app_letter", "commons_approval")
    assert all(len(after[name]) < len(before[name]) for name in gone)


async def test_the_page_says_before_what_stays_and_a_wrong_password_erases_nothing(town: Town) -> None:
    browser = await town.signed_in("citizen")
    page = (await browser.get("/en/me/erase")).text
    for words in ("What stays, and why", "no count changes", "They name nobody", "leads to nobody"):
        assert words in page
    before = await town.rows()
    status, text = await erase(browser, "not the password at all")
    assert (status, 'href="#f-current"' in text) == (422, True)
    assert await town.rows() == before


async def test_an_official_who_leaves_ends_their_roles_in_public_and_without_a_name(town: Town) -> None:
    admin, manager = await town.signed_in("admin"), await town.signed_in("manager")
    person = town.people["manager"]
    form = form_at((await admin.get(f"/en/manage/people/{person}")).text, f"/en/manage/people/{person}")
    await admin.http.post(f"/en/manage/people/{person}", data=form | {"role": "grant/auditor", "reason": "Maia reads."})
    form = form_at((await admin.get(place := f"/en/manage/people/{town.people['citizen']}")).text, place)
    await admin.http.post(place, data=form | {"role": "grant/officer", "reason": "Edits."})
    assert (await erase(manager))[1] == "/en?done=erased"
    rows = await town.rows()
    assert "Maia" not in str(rows)
    (line,) = rows["commons_ledger_pending"]
    for part in ("role.ended", "'role': 'manager'", "'asked_by': 'person'", "'agreed_by': 'nobody'"):
        assert part in line
    assert str(person) not in line
    assert str(person) not in str(rows["app_grant"])
    assert "account_erased" in str([row for row in rows["app_security_event"] if str(person) in row])
    second = await town.signed_in("second admin")
    for path in ("/en/manage", "/en/manage/people", "/en/manage/security"):  # what waited about them is gone too
        assert (await second.get(path)).status_code == 200, path
    assert "An account that is gone" in (await second.get("/en/manage/security")).text
    assert (await second.get(f"/en/manage/people/{person}")).status_code == 404
    assert (await erase(admin))[1] == "/en?done=erased"
    left = [row for row in (await town.rows())["commons_approval"] if "waiting" in row]
    assert left == []  # nobody stands behind that request any more
    await Worker(town.house, WORK, lambda _: None).do_all()
    assert "Asked for by: the person concerned, who left." in (await town.browser().get("/en/ledger")).text


async def test_the_last_administrator_stays(town: Town) -> None:
    admin, second = await town.signed_in("admin"), await town.signed_in("second admin")
    assert (await erase(second))[0] == 303
    status, text = await erase(admin)
    assert (status, "This is the last administrator" in text) == (409, True)
    assert (await admin.get("/en/me")).status_code == 200
    await town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    assert (await erase(admin))[0] == 409


async def test_everything_that_was_open_is_closed(town: Town) -> None:
    browser, elsewhere = await town.signed_in("citizen"), await town.signed_in("citizen")
    email = PEOPLE["citizen"][1]
    await town.browser().send("/en/forgot", {"email": email})
    (letter,) = await town.letters(email)
    assert (await erase(browser))[0] == 303
    assert browser.cookie == ""
    for each in (browser, elsewhere):
        assert (await each.get("/en/me")).status_code == 303
    reset = await town.browser().send(f"/en/reset/{letter.facts['token']}", {"password": "four other words together"})
    assert reset.status_code == 404
    assert await town.letters(email) == []
    assert (await town.browser().sign_in(email)).status_code == 422
    await town.browser().send("/en/sign-up", {"email": email})  # and may begin anew
    assert [each.kind for each in await town.letters(email)] == ["sign_up"]


def test_every_column_that_names_an_account_is_decided_upon_and_written_down() -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if column.name in {"account_id", "who", "whom"} or column.name.endswith("_by")
    }
    assert named == set(KEPT_AS)
    record = (ROOT / "docs" / "privacy-record.md").read_text("utf-8")
    written = dict(re.findall(r"^\| `(\w+\.\w+)` \| (goes|stays) \|", record, re.MULTILINE))
    assert written == {name: "goes" if kept == GOES else "stays" for name, kept in KEPT_AS.items()}
