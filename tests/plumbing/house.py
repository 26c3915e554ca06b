"""The whole house in the test's own process: every door, a founded town, six people, and browsers without scripts."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher
from litestar import Litestar
from sqlalchemy import create_engine
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import app_code, seal_app_secret, step_at
from app.accounts.factors.store import FIELD
from app.accounts.prints.running import ask_for
from app.accounts.roles.granting import GRANT, Wish
from app.accounts.roles.store import add_grant
from app.accounts.roll.changes import STRIKE, Change
from app.accounts.roll.filling.plan import plan_of
from app.accounts.roll.filling.store import begin, write_on
from app.accounts.roll.importing import Entry, examine
from app.accounts.roll.lookup import find_lines
from app.accounts.roll.store import add_lines, add_roll, find_on_roll
from app.accounts.sessions import open_session
from app.accounts.store import add_account
from app.accounts.tables import Factor, RunKind
from app.config import Config
from app.db import driver_url
from app.house import House
from app.jobs.schedule import answer_by_letter
from app.jobs.store import record_done
from app.jobs.tables import Job, State
from app.letters.tables import Letter
from app.main import create_app
from app.security import Role
from app.web.session import Visitor
from commons.approvals.store import ask
from commons.clock import now
from commons.organisations.store import found, get_host, save_page
from commons.services.store import add_service
from polls import amendments
from polls.lifecycle import Kind
from results.publication import prepare_import, publish
from tests.conftest import Addresses
from tests.plumbing.server import SECRET

BASE = "http://127.0.0.1:8000"
PASSWORD = "correct horse battery staple"
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # of all who manage: their app, which no test needs a telephone for
QUICK = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1).hash(PASSWORD)  # a hash names its own cost
PEOPLE = {
    "citizen": ("Nino Beridze", "nino@vardisi.example", Role.CITIZEN),
    "second citizen": ("Luka Beridze", "luka@vardisi.example", Role.CITIZEN),
    "manager": ("Maia Lomidze", "maia@vardisi.example", Role.MANAGER),
    "second manager": ("Giorgi Kapanadze", "giorgi@vardisi.example", Role.MANAGER),
    "admin": ("Salome Abashidze", "salome@vardisi.example", Role.ADMIN),
    "second admin": ("Tamar Gelashvili", "tamar@vardisi.example", Role.ADMIN),
}
SHEET = b"=A:[Evening hours]\n=B:[Birth certificate by post]\n=C:[Home visits]\n7:A>B>C\n5:B>C\n4:C>A=B\n2:\n"
TOKEN = re.compile(r'name="_token" value="([^"]+)"')


@dataclass(frozen=True)
class Places:
    """Addresses of one thing of each kind, as `Town.furnish` made them."""

    service: str
    result: str
    approval: UUID
    roll: UUID
    line: UUID
    vote: str
    amendment: UUID
    person: UUID
    wish: UUID
    filling: UUID
    change: UUID
    run: UUID


class Browser:
    """What a browser of today does: keeps cookies, sends a form with its token, says where the form comes from."""

    def __init__(self, town: "Town", cookie: str = "", *, peer: str = "127.0.0.1") -> None:
        self.town = town
        transport = httpx.ASGITransport(app=cast("Any", town.app), raise_app_exceptions=False, client=(peer, 50_000))
        self.http = httpx.AsyncClient(
            transport=transport, base_url=town.config.base_url, headers={"Accept-Language": "en"}
        )
        if cookie:
            self.set_cookie(cookie)

    @property
    def cookie(self) -> str:
        """The value of Khma's cookie in this browser, or nothing."""
        return self.http.cookies.get(self.town.config.cookie_name) or ""

    def set_cookie(self, value: str) -> None:
        """Put a cookie in as somebody with a hold on the browser would."""
        self.http.cookies.clear()
        self.http.cookies.set(self.town.config.cookie_name, value, domain=httpx.URL(self.town.config.base_url).host)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open an address; redirects are not followed."""
        return await self.http.get(path, headers=_named(headers))

    async def token(self, path: str = "/en/settings") -> str:
        """Open a page and read its form's token."""
        found_token = TOKEN.search((await self.get(path)).text)
        assert found_token is not None, f"{path} has no form"
        return found_token[1]

    async def send(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        page: str = "/en/settings",
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Open a page with a form, and send its token and the fields to an address."""
        data = {"_token": await self.token(page)} | dict(fields or {})
        own = {"Origin": self.town.config.origin, "Sec-Fetch-Site": "same-origin"} | dict(headers or {})
        return await self.http.post(path, data=data, files=dict(files) if files else None, headers=own)

    async def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Sign in by the form, and by the code of those who have a second factor."""
        form = {"email": email, "password": password, "next": ""} | fields
        answer = await self.send("/en/sign-in", form, page="/en/sign-in")
        if (place := answer.headers.get("location", "")).startswith("/en/sign-in/code"):
            code = await self.town.next_code(email)
            return await self.send("/en/sign-in/code", {FIELD: code} | fields, page=place)
        return answer


def _named(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in headers.items()}


@dataclass
class Town:
    """A running house with a founded organisation and its people.

    owner_url: address of the database as its owner, for looking at all rows.
    """

    app: Litestar
    config: Config
    owner_url: str
    people: dict[str, UUID]
    _shown: dict[str, int] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """What the running process holds."""
        held: House = self.app.state.house
        return held

    def browser(self, cookie: str = "", *, peer: str = "127.0.0.1") -> Browser:
        """Open a fresh browser, signed in nowhere; `peer` is its network address."""
        return Browser(self, cookie, peer=peer)

    async def signed_in(self, person: str) -> Browser:
        """Open a fresh browser in which somebody is signed in already, without the slow password.

        person: one of PEOPLE, or the word for a role: whoever has it moves in when they are first asked for.
        """
        if person not in self.people:
            self.people[person] = await self.move_in(person, f"{person}@vardisi.example", Role(person))
        account_id = self.people[person]
        proved = person not in PEOPLE or PEOPLE[person][2] is not Role.CITIZEN

        async def work(session: AsyncSession) -> str:
            return await open_session(session, account_id, "test", proved=proved)

        return Browser(self, "s" + await self.house.db.write(work))

    async def next_code(self, email: str) -> str:
        """Read a code from somebody's app that was not shown yet: of this half minute, else of a neighbour."""
        async with self.house.db.reading() as session:
            present = step_at(await now(session))
        self._shown[email] = max(present, self._shown.get(email, 0) + 1)
        return app_code(APP_SECRET, self._shown[email])

    async def move_in(self, name: str, email: str, *roles: Role) -> UUID:
        """Let somebody move in who has some roles, the password of all, and with a role the app of all."""
        return await self.house.db.write(lambda session: _move_in(session, name, email, roles))

    def token_of(self, cookie: str) -> str:
        """Work out the form token that belongs to a cookie, as the house does: for attackers who have their own."""
        return Visitor(cookie=cookie, secret=self.config.secret).form_token()

    async def rows(self) -> dict[str, list[str]]:
        """Write down every row of every table, to see whether anything changed."""
        return await asyncio.to_thread(all_rows, self.owner_url)

    async def letters(self, address: str) -> list[Letter]:
        """Give the letters to an address, the first one first; those that forms asked for are written by now."""
        await self.house.db.write(self._answer_forms)
        async with self.house.db.reading() as session:
            query = select(Letter).where(Letter.address == address).order_by(Letter.written_at)  # type: ignore[arg-type]
            return list((await session.exec(query)).all())

    async def _answer_forms(self, session: AsyncSession) -> None:
        """Do what the worker would, for this one kind of job."""
        query = select(Job).where(Job.kind == "letters.answer", Job.state == State.WAITING)
        for job in (await session.exec(query.order_by(Job.due_at))).all():  # type: ignore[arg-type]
            await answer_by_letter(self.house, session, job.facts)
            await record_done(session, job)

    async def furnish(self) -> Places:
        """Add one of each thing that has an address: a service, an own page, a result, a roll, votes, requests."""
        from tests.plumbing.votes import hold_vote  # which stands on this file

        manager, vote = self.people["manager"], await hold_vote(self.house)

        async def work(session: AsyncSession) -> Places:
            host = await get_host(session)
            service = await add_service(session, host.id, {"en": "Evening hours"}, {"en": "Open until nine."})
            await save_page(session, host.id, "about", "en", "Who we are", "We are **Vardisi**.")
            result = await publish(
                session,
                host.id,
                prepare_import(
                    titles={"en": "What comes first"},
                    source_name="Vardisi",
                    source_url="https://example.org/votes",
                    held_on=date(2026, 1, 31),
                    rule="schulze",
                    ballots_public=True,
                    data=SHEET,
                    filename="first.abif",
                    today=date(2026, 2, 1),
                ),
            )
            approval = await ask(session, "result.withdraw", f"results/{result.slug}", "A line was wrong.", manager)
            roll = await add_roll(session, host.id, {"en": "Residents"})
            await add_lines(session, roll.id, [Entry("0017", "Nino Beridze")])
            line = (await find_lines(session, roll.id)).lines[0][0]
            amendment = await amendments.ask(session, vote.id, Kind.ANNUL, "A mistake.", manager, {})
            person = self.people["second citizen"]
            subject = Wish(GRANT, person, Role.OFFICER, "").subject
            wish = await ask(session, GRANT, subject, "He edits the services now.", self.people["admin"])
            own = (service.slug, result.slug, approval.id, roll.id, line.id, vote.slug, amendment.id, person, wish.id)
            change = await ask(session, STRIKE, Change(STRIKE, roll.id, line.id).subject, "She moved away.", manager)
            run = await ask_for(session, roll.id, RunKind.LETTERS, "1", "", "Letters.", manager)
            return Places(*own, await _bring_in(session, roll.id, manager), change.id, run.id)

        return await self.house.db.write(work)


async def _bring_in(session: AsyncSession, roll_id: UUID, by: UUID) -> UUID:
    """Bring a list into a roll as a long one comes in."""
    there = await find_on_roll(session, roll_id)
    plan = plan_of(examine("0018\n", there), there, withdraw=False)
    filling = await begin(session, roll_id, plan, 0, by)
    while await write_on(session, filling.id):
        pass
    return filling.id


def all_rows(owner_url: str) -> dict[str, list[str]]:
    """Read every row of every table, as text in a fixed order."""
    engine = create_engine(driver_url(owner_url, asynchronous=False))
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted(repr(tuple(row)) for row in connection.execute(table.select()))
                for table in SQLModel.metadata.sorted_tables
                if not table.name.startswith("tests_")
            }
    finally:
        engine.dispose()


IDLE: list[Litestar] = []  # making an application takes longer than most tests; one that ended well starts anew


async def _move_in(session: AsyncSession, name: str, email: str, roles: Iterable[Role]) -> UUID:
    account, host = await add_account(session, email, name, QUICK), await get_host(session)
    for role in set(roles) - {Role.CITIZEN}:
        await add_grant(session, host.id, account.id, role)
    if set(roles) - {Role.CITIZEN}:
        sealed = seal_app_secret(SECRET, account.id, APP_SECRET)  # set up long ago: no code was shown since
        session.add(Factor(account_id=account.id, sealed=sealed, last_step=0, added_at=await now(session)))
    return account.id


@asynccontextmanager
async def opened_town(url: str, owner_url: str, folder: Path, **settings: Any) -> AsyncIterator[Town]:  # noqa: ANN401
    """Open the house on an empty database with tables, and let six people move in.

    settings: further ones of Config, such as base_url or trusted_proxy.
    """
    own: dict[str, Any] = {"database_url": url, "base_url": BASE, "secret": SECRET}
    config = Config(**own | {"data": folder / "data", "keys": folder / "keys"} | settings)
    app = IDLE.pop() if IDLE else create_app(config)
    app.state.config = config

    async def work(session: AsyncSession) -> dict[str, UUID]:
        await found(session, {"en": "Vardisi", "ka": "ვარდისი"}, {"en": "An invented town."}, "Asia/Tbilisi")
        return {key: await _move_in(session, name, email, [role]) for key, (name, email, role) in PEOPLE.items()}

    async with app.lifespan():
        people = await app.state.house.db.write(work)
        yield Town(app, config, owner_url, people)
    IDLE.append(app)


def link_in(letter: Letter) -> str:
    """Give the token of the link that a letter brings."""
    return letter.facts["token"]


@pytest.fixture
async def town(addresses: Addresses, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a running house on a fresh database of each kind in turn."""
    async with opened_town(addresses.url, addresses.owner_url, tmp_path) as town:
        yield town


@pytest.fixture
async def one_town(sqlite_addresses: Addresses, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a running house on SQLite alone, for what no database has a part in."""
    async with opened_town(sqlite_addresses.url, sqlite_addresses.owner_url, tmp_path) as town:
        yield town


@pytest.fixture
async def secure_town(sqlite_addresses: Addresses, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a running house that people reach over https."""
    address = "https://town.example"
    async with opened_town(sqlite_addresses.url, sqlite_addresses.owner_url, tmp_path, base_url=address) as town:
        yield town


@pytest.fixture
async def places(town: Town) -> Places:
    """Put one of each thing into the town."""
    return await town.furnish()
