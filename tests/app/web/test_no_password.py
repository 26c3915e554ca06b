"""Who came by a provider and never chose a password: no page asks for one, and everything is reached without."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import app_code, seal_app_secret, step_at
from app.accounts.factors.store import FIELD
from app.accounts.oidc.notes import Joining, seal_joining
from app.accounts.oidc.store import add_identity
from app.accounts.passwords import is_chosen, no_password
from app.accounts.sessions import list_sessions, open_session
from app.accounts.store import add_account
from app.accounts.tables import Account, Factor
from app.letters.sending import compose
from commons.clock import now
from tests.conftest import Addresses
from tests.plumbing.forms import form_at
from tests.plumbing.house import APP_SECRET, PASSWORD, QUICK, Browser, Town, opened_town
from tests.plumbing.providers import settings
from tests.plumbing.server import SECRET

pytestmark = pytest.mark.anyio

ISSUER = "http://127.0.0.1:9"  # where nobody answers
ADDRESSES = {"no address": None, "an address": "eka@vardisi.example"}
PAGES = ("/en/me", "/en/me/erase", "/en/me/address", "/en/me/factor", "/en/me/prove")
AGAIN = "Sign in again with Vardisi ID"
ASKS = 'autocomplete="current-password"'


@pytest.fixture
async def town(sqlite_addresses: Addresses, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a house that trusts a provider."""
    there = sqlite_addresses
    async with opened_town(there.url, there.owner_url, tmp_path, **settings(ISSUER)) as town:
        yield town


async def came(town: Town, email: str | None = None, *, factor: bool = False) -> tuple[UUID, Browser]:
    """Let somebody come by the provider for the first time."""

    async def work(session: AsyncSession) -> tuple[UUID, str]:
        # Without an address there is none either: accounts of before have the hash of one that nobody knows.
        account = await add_account(session, email, "", no_password() if email else QUICK)
        await add_identity(session, ISSUER, account.id.bytes, account.id, None)
        if factor:
            sealed = seal_app_secret(SECRET, account.id, APP_SECRET)
            session.add(Factor(account_id=account.id, sealed=sealed, last_step=0, added_at=await now(session)))
        return account.id, await open_session(session, account.id, "test", proved=factor)

    account_id, token = await town.house.db.write(work)
    return account_id, town.browser("s" + token)


async def age(town: Town, account_id: UUID) -> None:
    """Let the five minutes after signing in go by."""

    async def work(session: AsyncSession) -> None:
        for row in await list_sessions(session, account_id):
            row.created_at -= timedelta(minutes=6)
            session.add(row)

    await town.house.db.write(work)


async def account_of(town: Town, account_id: UUID) -> Account | None:
    async with town.house.db.reading() as session:
        return await session.get(Account, account_id)


@pytest.mark.parametrize("kind", ADDRESSES)
@pytest.mark.parametrize("factor", [False, True])
async def test_no_page_shows_a_field_that_they_cannot_fill(town: Town, kind: str, factor: bool) -> None:
    account_id, browser = await came(town, ADDRESSES[kind], factor=factor)
    pages = (*PAGES, "/en/me/factor?act=renew") if factor else PAGES
    for path in pages:
        page = await browser.get(path)
        assert (page.status_code, ASKS in page.text, AGAIN in page.text) == (200, False, False), path
    await age(town, account_id)
    for path in pages:
        page = await browser.get(path)
        assert (page.status_code, ASKS in page.text) == (200, False), path
        # With a second factor the page itself is the proof's, or asks for a code; /me needs no proof where it cannot
        # change a password.
        expected = {"/en/me": kind == "an address", "/en/me/prove": not factor, "/en/me/factor": not factor}
        assert (AGAIN in page.text) is expected.get(path, True), path
        if AGAIN in page.text:
            assert "/en/sign-in/provider?next=%2Fen%2Fme" in page.text
            assert "again=1" in page.text


async def test_they_choose_a_password_and_are_asked_for_it_from_then_on(town: Town) -> None:
    account_id, browser = await came(town, ADDRESSES["an address"])
    before = await browser.send("/en/me/password", {"password": PASSWORD}, page="/en/me")
    assert before.headers["location"] == "/en/me?done=password-changed"
    account = await account_of(town, account_id)
    assert account is not None
    assert is_chosen(account.password_hash)
    for path in PAGES:
        assert ASKS in (await browser.get(path)).text, path
    refused = await browser.send("/en/me/erase", {"current": ""}, page="/en/me")
    assert (refused.status_code, await account_of(town, account_id) is not None) == (422, True)
    assert (await town.browser().sign_in(ADDRESSES["an address"] or "", PASSWORD)).status_code == 303


@pytest.mark.parametrize("kind", ADDRESSES)
async def test_all_of_it_is_reached_after_a_fresh_sign_in_and_not_before(town: Town, kind: str) -> None:
    account_id, browser = await came(town, ADDRESSES[kind])
    secret = form_at((await browser.get("/en/me/factor")).text, "/en/me/factor")["sealed"]
    acts = {
        "/en/me/address": {"email": "new@vardisi.example"},
        "/en/me/factor": {"sealed": secret, FIELD: "000000"},
        "/en/me/password": {"password": PASSWORD},
        "/en/me/erase": {},
    }
    await age(town, account_id)
    before = await town.rows()
    for path, fields in acts.items():
        refused = await browser.send(path, fields)
        assert refused.status_code == 422, path
        assert "You have no password here, and signed in too long ago" in refused.text
        assert ASKS not in refused.text
    assert (await browser.send("/en/me/prove", {"next": ""})).status_code == 422
    assert await town.rows() == before

    token = await town.house.db.write(lambda session: open_session(session, account_id, "test"))
    fresh = town.browser("s" + token)
    assert (await fresh.send("/en/me/prove", {"next": ""})).headers["location"] == "/en/me?done=proved"
    sent = await fresh.send("/en/me/address", acts["/en/me/address"])
    assert sent.headers["location"] == "/en/letter-sent"
    (letter,) = await town.letters("new@vardisi.example")
    link = f"/en/me/address/{letter.facts['token']}"
    assert (await fresh.send(link)).headers["location"] == "/en/me?done=address-changed"
    account = await account_of(town, account_id)
    assert account is not None
    assert (account.email, is_chosen(account.password_hash)) == ("new@vardisi.example", False)
    page = (await fresh.get("/en/me/factor")).text
    assert "2. Type the code that it shows" in page
    shown = re.search(r"<code>([A-Z2-7 -]+)</code>", page)
    assert shown is not None
    async with town.house.db.reading() as session:
        code = app_code(re.sub("[ -]", "", shown[1]), step_at(await now(session)))
    added = await fresh.send("/en/me/factor", form_at(page, "/en/me/factor") | {FIELD: code})
    assert (added.status_code, "Your recovery codes" in added.text) == (200, True)
    gone = await fresh.send("/en/me/erase", {})
    assert (gone.headers["location"], await account_of(town, account_id)) == ("/en?done=erased", None)


async def test_their_only_way_in_is_not_taken_away(town: Town) -> None:
    _, browser = await came(town, ADDRESSES["an address"])
    page = await browser.get("/en/me")
    assert "your only way in, as long as you have chosen no password" in page.text
    refused = await browser.send("/en/me/provider/remove", {}, page="/en/me")
    assert (refused.status_code, "Choose a password first" in refused.text) == (409, True)


async def test_joining_asks_for_no_password_of_an_account_that_has_none(town: Town) -> None:
    account_id, _ = await came(town, ADDRESSES["an address"])
    browser = town.browser()
    await browser.get("/en/sign-in")  # whose form gives it a cookie
    note = Joining(account_id, b"another subject", None, "")
    async with town.house.db.reading() as session:
        sealed = seal_joining(SECRET, browser.cookie, note, await now(session))
    browser.http.cookies.set(town.config.provider_cookie_name, sealed, domain="127.0.0.1")
    page = await browser.get("/en/sign-in/join")
    assert (page.status_code, ASKS in page.text) == (200, False)
    assert "This account has no password yet" in page.text
    assert 'href="/en/forgot"' in page.text


async def test_nobody_is_called_by_an_english_word(town: Town) -> None:
    await came(town)
    _, browser = await came(town, ADDRESSES["an address"])
    for lang in ("en", "fr", "ka", "ar"):
        assert "Voter" not in (await browser.get(f"/{lang}/me")).text
    assert ">My account</bdi>" in (await browser.get("/en")).text
    admin = await town.signed_in("admin")
    assert "No name given" in (await admin.get("/en/manage/people?q=eka@vardisi.example")).text
    account_id, _ = await came(town)
    assert "No name given" in (await admin.get(f"/en/manage/people/{account_id}")).text
    await browser.send("/en/me/name", {"name": "Eka"}, page="/en/me")
    assert ">Eka</bdi>" in (await browser.get("/en")).text


async def test_a_letter_greets_somebody_without_a_name(town: Town) -> None:
    email = ADDRESSES["an address"] or ""
    await came(town, email)
    await town.browser().send("/en/forgot", {"email": email})
    (letter,) = await town.letters(email)
    assert compose(letter, town.config, "Vardisi").get_content().startswith("Hello,\n")
