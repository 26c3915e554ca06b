"""Faults of the frameworks below us: each is shown first as it is without us, and then that it does not reach Khma."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, Request, get, post
from litestar.config.csrf import CSRFConfig
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import DateTime
from sqlalchemy.exc import StatementError
from sqlmodel import Field, MetaData, Session, SQLModel, create_engine, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.limits import LETTER_TO_ADDRESS, PASSWORD_OF_ACCOUNT
from app.log import JsonLines, set_up
from app.main import create_app
from commons.errors import Invalid
from commons.services.store import add_service
from commons.services.tables import Service
from tests.plumbing.house import PEOPLE, Town

pytestmark = pytest.mark.anyio

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def bare(**settings: Any) -> httpx.AsyncClient:  # noqa: ANN401 - whatever Litestar takes
    """Open a browser on the bare framework."""
    app = Litestar(logging_config=None, openapi_config=None, **settings)
    return httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", app)), base_url="http://127.0.0.1")


async def test_the_framework_adopts_a_session_id_that_somebody_chose_and_khma_does_not(one_town: Town) -> None:
    @post("/sign-in")
    async def sign_in(request: Request[Any, Any, Any]) -> None:
        request.set_session({"who": "victim"})

    @get("/me")
    async def me(request: Request[Any, Any, Any]) -> dict[str, Any]:
        return dict(request.session)

    client = bare(route_handlers=[sign_in, me], middleware=[ServerSideSessionConfig().middleware])
    chosen = {"Cookie": "session=ATTACKERCHOSEN"}
    await client.post("/sign-in", headers=chosen)
    client.cookies.clear()
    assert (await client.get("/me", headers=chosen)).json() == {"who": "victim"}  # the fault

    victim = one_town.browser("sATTACKERCHOSEN")
    await victim.sign_in(PEOPLE["citizen"][1])
    assert (await victim.get("/en/me")).status_code == 200
    assert (await one_town.browser("sATTACKERCHOSEN").get("/en/me")).status_code == 303


async def test_the_framework_takes_a_foreign_form_with_an_injected_cookie_and_khma_does_not(one_town: Town) -> None:
    @get("/")
    async def page() -> str:
        return ""

    @post("/vote")
    async def vote() -> str:
        return "done"

    client = bare(route_handlers=[page, vote], csrf_config=CSRFConfig(secret="s" * 32))
    await client.get("/")
    own = client.cookies["csrftoken"]  # the attacker's, now put into the victim's browser
    answer = await client.post("/vote", headers=EVIL | {"x-csrftoken": own})
    assert answer.status_code == 201  # the fault

    attacker = one_town.browser()
    token = await attacker.token("/en/sign-in")
    for cookie in (attacker.cookie, (await one_town.signed_in("citizen")).cookie):
        victim = one_town.browser(cookie)
        data = {"_token": token, "email": PEOPLE["citizen"][1], "theme": "dark"}
        assert (await victim.http.post("/en/settings", data=data, headers=EVIL)).status_code == 403


async def test_the_framework_counts_two_limits_as_one_and_khma_does_not(one_town: Town) -> None:
    @get("/x", middleware=[RateLimitConfig(("minute", 3)).middleware])
    async def x() -> str:
        return ""

    @get("/login", middleware=[RateLimitConfig(("minute", 3)).middleware])
    async def login() -> str:
        return ""

    client = bare(route_handlers=[x, login])
    for _ in range(3):
        await client.get("/x")
    assert (await client.get("/login")).status_code == 429  # the fault

    browser, email = one_town.browser(), PEOPLE["citizen"][1]
    for _ in range(LETTER_TO_ADDRESS.free + 1):
        letters = await browser.send("/en/forgot", {"email": email})
    assert letters.status_code == 429
    assert (await browser.sign_in(email)).status_code == 303
    one_town.house.limits.try_one(PASSWORD_OF_ACCOUNT, email)


async def test_the_framework_runs_no_middleware_for_an_address_that_leads_nowhere_and_khma_answers_whole(
    one_town: Town,
) -> None:
    seen = []

    def middleware(app: ASGIApp) -> ASGIApp:
        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await app(scope, receive, send)

        return call

    @get("/here")
    async def here() -> str:
        return ""

    client = bare(route_handlers=[here], middleware=[middleware])
    await client.get("/here")
    await client.get("/nowhere")
    assert seen == ["/here"]  # the fault

    answer = await one_town.browser().get("/ka/nowhere")
    assert answer.status_code == 404
    assert '<html lang="ka"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_framework_replaces_our_log_lines_and_khma_keeps_them(one_town: Town) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        set_up()
        Litestar(openapi_config=None)
        assert not any(isinstance(handler.formatter, JsonLines) for handler in root.handlers)  # the fault
        set_up()
        create_app(one_town.config)
        assert [type(handler.formatter) for handler in root.handlers] == [JsonLines]
    finally:
        root.handlers[:] = before


class Apart(SQLModel):
    metadata = MetaData()  # no table of Khma's


class Unchecked(Apart, table=True):
    __tablename__ = "tests_unchecked"

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(min_length=3)
    at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


async def test_a_table_checks_nothing_that_is_put_into_it_and_our_services_do(one_town: Town) -> None:
    assert Unchecked(title="x").title == "x"  # the fault
    assert Unchecked(title=cast("str", b"x")).title == cast("str", b"x")

    async def nameless(session: AsyncSession) -> None:
        await add_service(session, one_town.people["manager"], {"en": "  "}, {})

    with pytest.raises(Invalid, match=r"text\.missing"):
        await one_town.house.db.write(nameless)
    async with one_town.house.db.reading() as session:
        assert (await session.exec(select(Service))).all() == []


async def test_a_moment_loses_its_zone_on_sqlite_and_ours_do_not(one_town: Town) -> None:
    engine, noon = create_engine("sqlite://"), datetime(2026, 1, 31, 12, tzinfo=UTC)
    Apart.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Unchecked(title="row", at=noon))
        session.commit()
        session.expire_all()
        at = session.exec(select(Unchecked.at)).one()
    engine.dispose()
    assert at is not None
    assert at.tzinfo is None  # the fault

    browser = await one_town.signed_in("citizen")
    await browser.send("/en/forgot", {"email": PEOPLE["citizen"][1]})
    (letter,) = await one_town.letters(PEOPLE["citizen"][1])
    assert letter.written_at.utcoffset() is not None
    naive = datetime(2026, 1, 31, 12)  # noqa: DTZ001 - that is the point

    async def careless(session: AsyncSession) -> None:
        letter.written_at = naive
        await session.merge(letter)

    with pytest.raises(StatementError, match="naive"):
        await one_town.house.db.write(careless)


async def test_a_transaction_that_begins_late_cannot_become_a_writer_and_ours_begins_as_one(tmp_path: Path) -> None:
    path = tmp_path / "late.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        first.execute("PRAGMA journal_mode=WAL")
        first.execute("CREATE TABLE t (n)")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as second:
            second.execute("BEGIN")
            second.execute("SELECT * FROM t").fetchall()
            first.execute("INSERT INTO t VALUES (1)")
            with pytest.raises(sqlite3.OperationalError, match="locked"):  # at once, whatever the timeout: the fault
                second.execute("INSERT INTO t VALUES (2)")
            second.execute("ROLLBACK")
            second.execute("BEGIN IMMEDIATE")  # as app/db.py says it; tests/app/test_db.py runs twenty at once
            second.execute("SELECT * FROM t").fetchall()
            second.execute("INSERT INTO t VALUES (2)")
            second.execute("COMMIT")
        assert first.execute("SELECT count(*) FROM t").fetchone() == (2,)


async def test_an_autocommit_that_swallows_a_failing_commit_says_yes_and_ours_says_no(
    one_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a popular plugin does: commit after the answer is made, and log at debug level what goes wrong."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA foreign_keys=ON; CREATE TABLE p (n PRIMARY KEY);"
            "CREATE TABLE c (n REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
        )

        async def autocommit(*_: object) -> None:
            try:
                connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                connection.execute("ROLLBACK")

        @post("/vote")
        async def vote() -> str:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO c VALUES (1)")
            return "a receipt"

        client = bare(route_handlers=[vote], after_response=autocommit)
        answer = await client.post("/vote")
        assert (answer.status_code, answer.text) == (201, "a receipt")  # the fault
        assert connection.execute("SELECT count(*) FROM c").fetchone() == (0,)

    def failing(_: object) -> None:
        raise RuntimeError("disk")

    browser = await one_town.signed_in("citizen")
    before = await one_town.rows()
    token = await browser.token("/en/me")
    monkeypatch.setattr("sqlalchemy.engine.Connection._commit_impl", failing)
    answer = await browser.http.post("/en/me/name", data={"_token": token, "name": "Other"})
    assert answer.status_code == 500
    assert "Nothing was recorded" in answer.text
    monkeypatch.undo()
    assert await one_town.rows() == before
