"""How people come to the pages about a provider of sign-ins; in the town that is walked through it does not answer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Page
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.notes import Joining, seal_joining
from app.accounts.oidc.store import add_identity
from app.accounts.passwords import no_password
from app.accounts.sessions import list_sessions, open_session
from app.accounts.store import add_account, find_account
from app.accounts.tables import Account, RollLine
from app.db import Database
from app.house import House
from tests.plumbing.server import SECRET
from tests.plumbing.town import RunningTown, in_thread
from tests.plumbing.votes import HeldVote

ISSUER = "http://127.0.0.1:9"  # where nobody answers
SETTINGS = {
    "KHMA_OIDC_ISSUER": ISSUER,
    "KHMA_OIDC_CLIENT_ID": "khma",
    "KHMA_OIDC_CLIENT_SECRET": "secret",
    "KHMA_OIDC_NAME": "Vardisi ID",
    "KHMA_OIDC_IDENTIFIER_CLAIM": "number",
}
OWNER = "levan@vardisi.example"
Act = Callable[[Page, RunningTown], None]


async def bind(house: House, vote: HeldVote) -> None:
    """Give the officer an identity, and the first line of a vote's roll."""

    async def work(session: AsyncSession) -> None:
        owner = await find_account(session, OWNER)
        assert owner is not None
        await add_identity(session, ISSUER, b"levan", owner.id, None)
        line = update(RollLine).where(col(RollLine.id) == vote.lines[0])
        await session.exec(line.values(account_id=owner.id))

    await house.db.write(work)


def joining(email: str, **typed: str) -> Act:
    """Come back from the provider as somebody whose address has an account here; then type, if anything is given."""

    def act(page: Page, town: RunningTown) -> None:
        page.goto(page.url.replace("/sign-in/join", "/sign-in"))  # a page with a form gives the cookie
        cookies = {each.get("name"): each.get("value") or "" for each in page.context.cookies()}
        account = in_thread(_account(town, email))
        note = Joining(account.id, b"subject", None, "")
        sealed = seal_joining(SECRET, cookies["khma"], note, datetime.now(UTC))
        page.context.add_cookies([{"name": "khma-provider", "value": sealed, "url": town.base}])
        page.goto(page.url + "/join")
        if typed:
            for name, text in typed.items():
                page.fill(f'main [name="{name}"]', text)
            page.locator("main form button").last.click()
            page.wait_for_load_state()
            town.forgive()

    return act


def erasing_without_a_password(page: Page, town: RunningTown) -> None:
    """Come to the end of an account as somebody who never chose a password, some minutes after signing in."""
    cookie = {"name": "khma", "value": "s" + in_thread(_came(town)), "url": town.base}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"{town.base}/{urlsplit(page.url).path.split('/')[1]}/me/erase")


async def _came(town: RunningTown) -> str:
    database = Database(f"sqlite:///{town.folder / 'khma.sqlite3'}")

    async def work(session: AsyncSession) -> str:
        account = await add_account(session, None, "", no_password())
        token = await open_session(session, account.id, "test")
        (row,) = await list_sessions(session, account.id)
        row.created_at -= timedelta(minutes=6)
        session.add(row)
        return token

    token = await database.write(work)
    await database.close()
    return token


async def _account(town: RunningTown, email: str) -> Account:
    database = Database(f"sqlite:///{town.folder / 'khma.sqlite3'}")
    async with database.reading() as session:
        account = (await session.exec(select(Account).where(Account.email == email))).one()
    await database.close()
    return account


def sent_own(page: Page, town: RunningTown) -> None:
    """Press the button of somebody who was on the list when the page was opened."""
    page.evaluate("""() => {
      const form = document.querySelector('main form');
      form.action = location.pathname + '/own';
      form.submit();
    }""")
    page.wait_for_url("**/own")
