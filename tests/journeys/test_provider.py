"""From a vote's page over a real provider, on another site, to the receipt: in a real browser, without a code."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.marks import PersonMarker
from app.accounts.tables import RollLine
from tests.plumbing.booth import Booth, Hand, opened_booth, receipt_on
from tests.plumbing.browser import opened_page
from tests.plumbing.providers import NUMBER, real_provider, settings
from tests.plumbing.server import SECRET
from tests.plumbing.votes import HeldVote

EKA = {"sub": "eka", "name": "Eka Japaridze", "email": "eka@vardisi.example", "email_verified": True, NUMBER: "01-017"}


@pytest.fixture(scope="module")
def sign_in_booth(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booth]:
    """Hold a vote whose first line is Eka's. The provider is `localhost`: for a browser another site than 127.0.0.1."""
    folder = tmp_path_factory.mktemp("provider")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'khma.sqlite3')}"
    with real_provider(EKA) as issuer:
        trusted = settings(issuer.replace("127.0.0.1", "localhost"))
        with opened_booth(url, folder, **trusted) as booth:
            booth.do(_know_eka)
            yield booth


async def _know_eka(vote: HeldVote) -> None:
    async def work(session: AsyncSession) -> None:
        line = update(RollLine).where(col(RollLine.id) == vote.lines[0])
        await session.exec(line.values(person_mac=PersonMarker(SECRET)("01017")))

    await vote.house.db.write(work)


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without"])
def test_from_the_vote_over_the_provider_to_the_receipt(
    chromium: Browser, sign_in_booth: Booth, javascript: bool
) -> None:
    booth = sign_in_booth
    with opened_page(chromium, booth.base, javascript=javascript, width=390, height=800) as page:
        hand = Hand(page)
        page.goto(booth.path())
        page.get_by_role("link", name="Sign in with Vardisi ID, and vote without a code").click()
        page.wait_for_url("http://localhost:*/**")
        page.get_by_role("button", name="eka").first.click()
        page.wait_for_url(f"{booth.base}{booth.path()}")
        page.get_by_role("button", name="Vote as Eka Japaridze").click()
        page.wait_for_url(f"{booth.base}{booth.path()}")
        assert page.locator("#f-code").count() == 0
        if javascript:
            hand.add("Home visits")
        else:
            page.get_by_label("Home visits", exact=True).select_option("01")
        hand.cast()
        page.wait_for_url("**/receipt?done=*")
        assert len(receipt_on(page)) == 64
        assert hand.fields == 0
        kept = {cookie.get("name") for cookie in page.context.cookies(booth.base)}
        assert kept == {"khma", "khma-booth", "khma-device"}


def test_a_slip_read_by_somebody_signed_in_unfolds_the_ballot_with_its_code(
    chromium: Browser, sign_in_booth: Booth
) -> None:
    booth = sign_in_booth
    code = booth.vote.codes[5]
    with opened_page(chromium, booth.base) as page:
        page.goto(f"/en/sign-in/provider?next={booth.path()}")
        page.get_by_role("button", name="eka").first.click()
        page.wait_for_url(f"{booth.base}{booth.path()}")
        assert not page.locator("#f-code").is_visible()
        page.goto("/en")
        page.goto(f"{booth.path()}#{code}")
        assert page.locator("#f-code").is_visible()
        assert page.input_value("#f-code") == code
