"""Links in letters: scanners use nothing up, of twenty senders one does, and a dead link says what to do.

One table holds every purpose that a link is made for; one that is not in it fails here: bars 25 and T07, T13.
"""

import asyncio
import base64
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.links import INVITATION_HOURS, LINK_HOURS, PURPOSES, RESET, WELCOME, password_mark
from app.accounts.store import find_account
from app.accounts.tables import Account, Grant
from app.accounts.tokens import make_token
from app.config import ROOT
from app.security import Role
from commons.clock import now
from tests.plumbing.house import PEOPLE, QUICK, Places, Town

pytestmark = pytest.mark.anyio

EMAIL, NEW = PEOPLE["citizen"][1], "new@vardisi.example"
CHOSEN = {"name": "Ana", "password": "four other words together", "role": "admin", "email": "other@vardisi.example"}
CURES = ("/en/sign-in", "/en/forgot", "/en/sign-up")
OTHER_SECRET = "the secret of another house, as long as ours is"


@dataclass(frozen=True)
class Link:
    """One kind of link: its purpose, the page it leads to, what it says, and how long it is good for."""

    purpose: str
    page: str
    facts: dict[str, str]
    hours: int

    def token(self, secret: str, *, purpose: str = "", hours: int | None = None) -> str:
        return make_token(secret, purpose or self.purpose, self.facts, hours=self.hours if hours is None else hours)


LINKS = {
    "sign-up": Link(WELCOME, "/en/welcome/", {"email": NEW}, LINK_HOURS),
    "invitation": Link(WELCOME, "/en/welcome/", {"email": NEW, "role": "manager"}, INVITATION_HOURS),
    "reset": Link(RESET, "/en/reset/", {"email": EMAIL, "mark": password_mark(QUICK)}, LINK_HOURS),
}
Revoke = Callable[[Town], Awaitable[None]]


async def use(town: Town, link: Link, token: str) -> int:
    return (await town.browser().send(link.page + token, CHOSEN)).status_code


async def lose_account(town: Town) -> None:
    async def work(session: AsyncSession) -> None:
        for email in (EMAIL, NEW):
            if account := await find_account(session, email):
                await session.exec(delete(Account).where(Account.id == account.id))  # type: ignore[arg-type]

    await town.house.db.write(work)


async def change_password(town: Town) -> None:
    async def work(session: AsyncSession) -> None:
        account = await find_account(session, EMAIL)
        assert account is not None
        account.password_hash = "another hash"

    await town.house.db.write(work)


async def end_roles(town: Town) -> None:
    async def work(session: AsyncSession) -> None:
        moment = await now(session)
        for grant in (await session.exec(Grant.__table__.select())).all():  # type: ignore[attr-defined]
            (await session.get_one(Grant, grant.id)).ended_at = moment

    await town.house.db.write(work)


async def dead_ones(town: Town) -> dict[str, tuple[Link, str]]:
    """Make a dead link of every kind in every way that there is. Returns each with a name for what is wrong."""
    secret, dead = town.config.secret, {}
    for name, link in LINKS.items():
        good = link.token(secret)
        dead[f"{name}: expired"] = link, link.token(secret, hours=0)
        dead[f"{name}: of another house"] = link, link.token(OTHER_SECRET)
        for purpose in (PURPOSES - {link.purpose}) | {"", "letter", link.purpose + "2"}:
            dead[f"{name}: made for {purpose!r}"] = link, link.token(secret, purpose=purpose or " ")
        dead[f"{name}: changed"] = link, good[:-1] + ("A" if good[-1] != "A" else "B")
        dead[f"{name}: lengthened"] = link, good + "A"
        dead[f"{name}: cut"] = link, good[: len(good) // 2]
        dead[f"{name}: of the older kind"] = link, _readable(secret, link)
    return dead


def _readable(secret: str, link: Link) -> str:
    """Make a link as it was before it was sealed: the address could be read in it."""
    facts = json.dumps([int(time.time()) + 3600, link.facts], separators=(",", ":"))
    body = base64.urlsafe_b64encode(facts.encode()).rstrip(b"=")
    mark = hmac.digest(secret.encode(), b"letter\0" + link.purpose.encode() + b"\0" + body, "sha256")
    return f"{body.decode()}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


async def wrong_answers(town: Town, dead: dict[str, tuple[Link, str]]) -> list[tuple[str, str, int]]:
    """Open and send each; the answer must be a page that names the cure."""
    wrong = []
    for name, (link, token) in dead.items():
        browser = town.browser()
        looked, sent = await browser.get(link.page + token), await browser.send(link.page + token, CHOSEN)
        for method, answer in (("GET", looked), ("POST", sent)):
            helps = "Ask for a new one" in answer.text and all(f'href="{cure}"' in answer.text for cure in CURES)
            if answer.status_code != 404 or not helps:
                wrong.append((name, method, answer.status_code))
    return wrong


ELSEWHERE = {"/en/address-undo/", "/en/keep-factor/", "/en/me/address/"}
"""Links to somebody's account that is there: tried in tests/app/web/test_rights.py and test_lost_factor.py."""
TRIED_THERE = {"confirm", "undo"}


def test_every_purpose_of_a_link_is_in_this_table() -> None:
    assert {link.purpose for link in LINKS.values()} == PURPOSES
    bodies = [path.read_text("utf-8") for path in Path(ROOT, "templates/letters").glob("*/body.txt")]
    pages = [found for body in bodies for found in re.findall(r"{{ lang }}/([^{]+)/{{ token", body)]
    assert {f"/en/{page}/" for page in pages} == {link.page for link in LINKS.values()} | ELSEWHERE
    calls = [
        purpose
        for path in Path(ROOT, "app").rglob("*.py")
        for purpose in re.findall(r"(?<!def )(?:make|read)_token\([^,()]+, ([^,]+),", path.read_text("utf-8"))
    ]
    named = {purpose.strip('"').lower() for purpose in calls}  # by its constant, or in words
    assert named == PURPOSES | TRIED_THERE  # a new one belongs there, and so into this table


async def test_dead_links_are_refused_everywhere_with_a_way_on(town: Town) -> None:
    dead, before = await dead_ones(town), await town.rows()
    assert await wrong_answers(town, dead) == []
    assert await town.rows() == before


@pytest.mark.parametrize(
    ("kind", "happened"),
    [("sign-up", [lose_account]), ("invitation", [end_roles, lose_account]), ("reset", [lose_account]), ("reset", [])],
)
async def test_a_used_link_stays_dead_whatever_became_of_the_account(
    town: Town, kind: str, happened: list[Revoke]
) -> None:
    link = LINKS[kind]
    token = link.token(town.config.secret)
    assert await use(town, link, token) == 303
    for revoke in happened:
        await revoke(town)
    before = await town.rows()
    assert await wrong_answers(town, {kind: (link, token)}) == []
    assert await town.rows() == before


@pytest.mark.parametrize(("kind", "revoke"), [("reset", change_password), ("reset", lose_account)])
async def test_a_link_dies_with_what_it_was_made_for(town: Town, kind: str, revoke: Revoke) -> None:
    link = LINKS[kind]
    token = link.token(town.config.secret)
    assert (await town.browser().get(link.page + token)).status_code == 200
    await revoke(town)
    assert await wrong_answers(town, {kind: (link, token)}) == []


async def test_an_invitation_gives_what_it_says_and_nothing_that_a_form_adds(town: Town) -> None:
    link = LINKS["invitation"]
    assert await use(town, link, link.token(town.config.secret)) == 303
    grants = [row for row in (await town.rows())["app_grant"] if "operator" not in row]
    assert sum(str(Role.ADMIN) in row for row in grants) == 2  # the two that were there
    assert not [row for row in (await town.rows())["app_account"] if CHOSEN["email"] in row]


@pytest.mark.parametrize("kind", LINKS)
async def test_a_scanner_uses_nothing_up_and_of_twenty_senders_one_does(town: Town, kind: str, places: Places) -> None:
    link = LINKS[kind]
    place = link.page + link.token(town.config.secret)
    before = await town.rows()
    scanner = town.browser()
    for method in ("HEAD", *["GET"] * 5):
        answer = await scanner.http.request(method, place)
        assert answer.status_code == 200
        assert "khma=s" not in answer.headers.get("set-cookie", "")  # no session for whoever only looks
    assert await town.rows() == before
    browsers = [town.browser() for _ in range(20)]
    for browser in browsers:
        await browser.get("/en/settings")
    answers = await asyncio.gather(*(browser.send(place, CHOSEN) for browser in browsers))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 404, 409}
    after = await town.rows()
    accounts = len(after["app_account"]) - len(before["app_account"])
    assert (accounts, len(after["app_session"]) - len(before["app_session"])) == ((1, 1) if kind != "reset" else (0, 0))
