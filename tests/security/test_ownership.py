"""Whose is it: every route that names a thing, with one's own, another person's, another organisation's and no thing.

A second organisation lives in the same database, with a roll, a vote, a result, a service, a picture and requests of
its own. Its things are answered like things that do not exist, to whoever may use the route at most. Bar 17.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.prints.running import ask_for as ask_to_print
from app.accounts.roles.granting import GRANT, GRANTED, Wish
from app.accounts.roles.store import add_grant
from app.accounts.roll.filling.tables import RollImport
from app.accounts.roll.importing import Entry
from app.accounts.roll.lookup import find_lines
from app.accounts.roll.store import add_lines, add_roll, issue_codes
from app.accounts.sessions import hash_of
from app.accounts.tables import Grant, RunKind
from app.security import Role
from commons.approvals.store import ask
from commons.media.store import add_picture
from commons.organisations.store import get_host
from commons.organisations.tables import Organisation
from commons.services.store import add_service
from polls import amendments
from polls.lifecycle import Kind
from polls.tables import Poll
from results.publication import prepare_import, publish
from tests.plumbing.house import PEOPLE, SHEET, Browser, Places, Town
from tests.plumbing.votes import hold_vote
from tests.security.test_routes import ROUTES

pytestmark = pytest.mark.anyio

NAMES_A_THING = re.compile(r"{(slug|roll_id|line_id|account_id|approval_id|amendment_id|picture_id|run_id|import_id)}")
FORM = {
    "reason": "A reason.", "decision": "agree", "name_en": "Other", "summary_en": "Other", "code": "", "sure": "yes",
    "act": "strike", "role": "grant/officer", "rule": "privacy", "text": "reference,name\n9,Nobody", "kind": "annul",
}  # fmt: skip
FORMS = (FORM, FORM | {"decision": "approve"}, FORM | {"decision": "refuse", "act": "restore"})


@dataclass(frozen=True)
class Things:
    """Names of one thing of each kind, as addresses hold them. code: of a voter on that roll."""

    service: str
    vote: str
    result: str
    picture: str
    roll: str
    line: str
    approval: str
    amendment: str
    run: str
    filling: str
    code: str = ""

    def fill(self, path: str) -> str:
        """Fill a route's address in."""
        slugs = {"/services/": self.service, "/results/": self.result, "/archive/": self.result, "/votes/": self.vote,
                 "/counter/": self.vote}  # fmt: skip
        return path.format(
            lang="en",
            slug=next((slug for part, slug in slugs.items() if part in path), ""),
            name="card.json" if path.startswith("/votes/") else "SHA256SUMS",
            picture_id=self.picture,
            roll_id=self.roll,
            line_id=self.line,
            approval_id=self.approval,
            amendment_id=self.amendment,
            run_id=self.run,
            import_id=self.filling,
            account_id=uuid4(),
        )


NOTHING = Things("no-such-service", "no-such-vote", "no-such-result", *(str(uuid4()) for _ in range(7)))


def png() -> bytes:
    kept = BytesIO()
    Image.new("RGB", (8, 8), "green").save(kept, "PNG")
    return kept.getvalue()


@pytest.fixture
async def theirs(town: Town, places: Places) -> Things:
    """Found a second organisation in the same house, and give it one thing of each kind."""
    vote = await hold_vote(town.house, titles={"en": "Their vote"})
    manager = town.people["second manager"]

    async def work(session: AsyncSession) -> Things:
        other = Organisation(slug="zz-other-town", names={"en": "Other town"}, summaries={}, zone="UTC")
        session.add(other)
        await session.flush()
        service = await add_service(session, other.id, {"en": "Their desk"}, {"en": "Elsewhere."})
        picture = await add_picture(session, other.id, png(), {"en": "Their hall."})
        service.picture = picture.id
        roll = await add_roll(session, (await get_host(session)).id, {"en": "Their people"})
        await add_lines(session, roll.id, [Entry("7", "Somebody of theirs")])
        line = (await find_lines(session, roll.id)).lines[0][0]
        run = await ask_to_print(session, roll.id, RunKind.LETTERS, "1", "", "Theirs.", manager)
        ((_, code),) = await issue_codes(session, roll.id)
        prepared = prepare_import(
            titles={"en": "Their result"}, source_name="Theirs", source_url="https://example.org/votes",
            held_on=date(2026, 1, 31), rule="schulze", ballots_public=True, data=SHEET, filename="first.abif",
            today=date(2026, 2, 1),
        )  # fmt: skip
        result = await publish(session, other.id, prepared)
        approval = await ask(session, "result.withdraw", f"results/{result.slug}", "Theirs.", manager)
        amendment = await amendments.ask(session, vote.id, Kind.ANNUL, "Theirs.", manager, {})
        filling = RollImport(
            roll_id=roll.id, seen=0, acts=1, added=1, renamed=0, struck=0, hash="", lines=1, asked_by=manager,
            asked_at=roll.made_at, moved_at=roll.made_at,
        )  # fmt: skip
        session.add(filling)
        await session.flush()
        roll.organisation_id = other.id  # the house makes such things for the host alone, so they are moved
        moved = update(Poll).where(col(Poll.id) == vote.id)
        await session.exec(moved.values(organisation_id=other.id, roll_id=roll.id))
        return Things(
            service.slug, vote.slug, result.slug,
            *(str(each.id) for each in (picture, roll, line, approval, amendment, run, filling)), code,
        )  # fmt: skip

    return await town.house.db.write(work)


async def ask_for(
    browser: Browser, method: str, path: str, things: Things, fields: Mapping[str, str] = FORM
) -> tuple[int, str]:
    """Use a route with a thing. Returns the status, and the text without what is random or was given."""
    place = things.fill(path)
    if method == "GET":
        answer = await browser.get(place)
    else:
        token = browser.town.token_of(browser.cookie)
        answer = await browser.http.post(place, data=dict(fields) | {"_token": token}, headers=own(browser))
    return answer.status_code, without_names(answer, place)


def own(browser: Browser) -> dict[str, str]:
    return {"Origin": browser.town.config.origin, "Sec-Fetch-Site": "same-origin"}


def without_names(answer: httpx.Response, place: str) -> str:
    """Give an answer without the address that was asked for, and without tokens."""
    text = re.sub(r'name="_token" value="[^"]+"', "", answer.text)
    for part in place.split("/")[2:]:
        if len(part) > 7:
            text = text.replace(part, "…")
    return text


async def test_another_organisations_things_are_answered_like_none(town: Town, theirs: Things) -> None:
    """By the three who may do most, each route that names a thing, on each thing of theirs."""
    wrong, cells = [], 0
    before = without_sessions(await town.rows())
    browsers = {role: await town.signed_in(role) for role in ("manager", "admin", "citizen")}
    browsers["visitor"] = town.browser()
    await browsers["visitor"].token()
    for method, path in ROUTES:
        if not NAMES_A_THING.search(path) or "{account_id}" in path:
            continue
        for role, browser in browsers.items():
            for fields in FORMS if method == "POST" else FORMS[:1]:
                given = await ask_for(browser, method, path, theirs, fields)
                nothing = await ask_for(browser, method, path, NOTHING, fields)
                cells += 1
                if given != nothing or given[0] in (200, 410) or given[0] >= 500:
                    wrong.append((role, method, path, given[0], nothing[0]))
    assert wrong == [], wrong
    assert cells > 4 * 60
    assert without_sessions(await town.rows()) == before


def without_sessions(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    return {table: lines for table, lines in rows.items() if table != "app_session"}


async def test_no_list_or_page_names_another_organisations_things(town: Town, theirs: Things) -> None:
    for role in ("manager", "admin"):
        browser = await town.signed_in(role)
        for method, path in ROUTES:
            if method == "GET" and not NAMES_A_THING.search(path) and "{" not in path.replace("{lang}", ""):
                text = (await browser.get(path.format(lang="en"))).text
                assert not [
                    name for name in ("Their vote", "Their desk", "Their result", "Their people") if name in text
                ], path


async def test_another_organisations_code_opens_no_ballot_here(town: Town, places: Places, theirs: Things) -> None:
    browser = town.browser()
    for path in (f"/en/votes/{places.vote}/receipt", f"/en/votes/{places.vote}/my-line"):
        answer = await browser.send(path, {"code": theirs.code}, page=path)
        assert answer.status_code == 403


async def test_a_line_of_one_roll_is_not_found_under_another(town: Town, places: Places, theirs: Things) -> None:
    browser = await town.signed_in("manager")
    for roll, line in ((places.roll, theirs.line), (theirs.roll, places.line)):
        answer = await browser.send(f"/en/manage/rolls/{roll}/lines/{line}", {"act": "strike"})
        assert answer.status_code == 404


async def test_nobody_ends_another_persons_session_or_changes_their_account(town: Town) -> None:
    victim, attacker = await town.signed_in("second citizen"), await town.signed_in("citizen")
    named = hash_of(victim.cookie[1:]).hex()
    accounts = (await town.rows())["app_account"]
    unknown = await attacker.send("/en/me/sign-out-one", {"session": "00" * 32})
    foreign = await attacker.send(
        "/en/me/sign-out-one", {"session": named, "account_id": str(town.people["second citizen"])}
    )
    assert (foreign.status_code, foreign.headers["location"]) == (unknown.status_code, unknown.headers["location"])
    assert (await victim.get("/en/me")).status_code == 200
    more = {"account_id": str(town.people["second citizen"]), "id": str(town.people["second citizen"])}
    assert (await attacker.send("/en/me/name", {"name": "Attacker"} | more)).status_code == 303
    changed = set((await town.rows())["app_account"]) ^ set(accounts)
    assert all(str(town.people["citizen"].hex) in row or str(town.people["citizen"]) in row for row in changed)


async def test_requests_for_roles_are_the_hosts_alone_and_move_nothing_elsewhere(town: Town) -> None:
    """Requests and accounts name no organisation (docs/adr/0027), so this stands where their cell would be."""
    nino, luka = town.people["citizen"], town.people["second citizen"]

    async def elsewhere(session: AsyncSession) -> UUID:
        other = Organisation(slug="zz-other-town", names={"en": "Other town"}, summaries={}, zone="UTC")
        session.add(other)
        await session.flush()
        for role in GRANTED:
            await add_grant(session, other.id, nino, role, "Their unit")
        return other.id

    other = await town.house.db.write(elsewhere)
    admin, second = await town.signed_in("admin"), await town.signed_in("second admin")
    person = f"/en/manage/people/{nino}"
    assert "Their unit" not in (await admin.get(person)).text
    for path in ("/en/manage/people", "/en/manage"):
        assert PEOPLE["citizen"][0] not in (await admin.get(path)).text, path
    ended = await admin.send(person, {"role": "end/manager/Their unit", "reason": "It is held elsewhere."})
    assert ended.status_code == 409
    asked = await admin.send(person, {"role": "grant/officer", "unit": "Here", "reason": "A reason."})
    assert asked.status_code == 303
    waits = re.findall(r'action="(/en/manage/roles/[^"/]+)"', (await second.get("/en/manage/people")).text)
    theirs = await town.signed_in("citizen")
    assert (await theirs.get("/en/manage/people")).status_code == 403
    for role in ("grant/officer", "end/admin"):
        sent = await theirs.send(f"/en/manage/people/{luka}", {"role": role, "reason": "From elsewhere."})
        assert sent.status_code == 403
    assert (await theirs.send(waits[0], {"decision": "agree"})).status_code == 403
    assert (await second.send(waits[0], {"decision": "agree"})).status_code == 303
    async with town.house.db.reading() as session:
        host = (await get_host(session)).id
        held = (await session.exec(select(Grant).where(Grant.account_id == nino))).all()
    assert {(each.role, each.unit) for each in held if each.organisation_id == host} == {(Role.OFFICER, "Here")}
    assert {each.role for each in held if each.organisation_id == other and each.ended_at is None} == set(GRANTED)
    assert len(held) == len(GRANTED) + 1


async def test_an_administrator_elsewhere_is_no_second_person_here(town: Town) -> None:
    """Where no other administrator is left here, a manager agrees, whoever administers another organisation."""

    async def elsewhere(session: AsyncSession) -> None:
        other = Organisation(slug="zz-other-town", names={"en": "Other town"}, summaries={}, zone="UTC")
        session.add(other)
        await session.flush()
        await add_grant(session, other.id, town.people["citizen"], Role.ADMIN)

    await town.house.db.write(elsewhere)
    subject = Wish(GRANT, town.people["second admin"], Role.OFFICER, "").subject
    wish = await town.house.db.write(lambda session: ask(session, GRANT, subject, "A reason.", town.people["admin"]))
    manager = await town.signed_in("manager")
    assert (await manager.send(f"/en/manage/roles/{wish.id}", {"decision": "agree"})).status_code == 303


async def test_every_route_that_names_a_thing_is_in_the_matrix() -> None:
    named = {path for _, path in ROUTES if "{" in path.replace("{lang}", "")}
    elsewhere = {
        "/static/{version}/{name}",
        "/{lang}/pages/{key}",
        "/{lang}/manage/pages/{key}",
    }  # no rows, or the host's
    links = {path for path in named if "{token}" in path}  # in test_links
    people = {path for path in named if "{account_id}" in path}  # people belong to none: docs/adr/0027; in test_roles
    assert {path for path in named if NAMES_A_THING.search(path)} == named - elsewhere - links | people
