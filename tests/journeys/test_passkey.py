"""Somebody makes a passkey, leaves, and comes back with it: in a real Chromium, with an authenticator of its own."""

import shutil
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Browser, Page

from app.accounts.store import add_account
from app.db import Database
from commons.organisations.store import found
from tests.plumbing.browser import axe, opened_page, overflows
from tests.plumbing.house import PASSWORD, QUICK
from tests.plumbing.town import in_thread, served

EMAIL = f"nino.{uuid4().hex}@vardisi.example"
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


async def settle(url: str) -> None:
    """Found the town, and let one person move in."""
    db = Database(url)
    try:
        await db.write(lambda session: found(session, {"en": "Vardisi"}, {}, "Asia/Tbilisi"))
        await db.write(lambda session: add_account(session, EMAIL, "Nino Beridze", QUICK))
    finally:
        await db.close()


def holds(page: Page) -> None:
    """Check a page that only a browser with passkeys shows in full; its buttons are there."""
    assert axe(page, preload=False) == []
    assert not overflows(page)
    assert page.locator("[data-passkey-none]:visible").count() == 0


def test_from_a_passkey_made_to_signing_in_with_it(chromium: Browser, sqlite_template: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'khma.sqlite3')}"
    in_thread(settle(url))
    with served(url, tmp_path, name="localhost") as base, opened_page(chromium, base, width=320) as page:
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        device = page.context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        key = device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
        page.goto("/en/sign-in?next=/en/me/passkeys")
        page.fill("#f-email", EMAIL)
        page.fill("#f-password", PASSWORD)
        page.click("main form button")
        page.wait_for_url("**/en/me/passkeys")
        holds(page)
        page.fill("#f-name", "My phone")
        page.fill("#f-current", PASSWORD)
        page.click("main form button")
        page.wait_for_selector("[data-passkey-make]:visible")
        holds(page)
        page.click("[data-passkey-make]")
        page.wait_for_selector("main ul code")  # the recovery codes
        assert len(device.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]) == 1
        page.goto("/en/me/factor")
        assert page.locator("main tbody th").inner_text() == "My phone"
        holds(page)

        page.click(".masthead summary")
        page.locator(".masthead details form button").click()
        page.wait_for_url("**/en?done=signed-out")
        device.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
        page.goto("/en/sign-in?next=/en/votes")
        holds(page)
        page.click("[data-passkey-ask]")
        page.wait_for_selector(".errors")
        assert "Your device did not answer" in page.locator(".errors").inner_text()
        device.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
        page.click("[data-passkey-ask]")
        page.wait_for_url("**/en/votes")
        page.goto("/en/me")
        assert "Nino Beridze" in page.locator("main .lead").inner_text()
        page.goto("/en/me/prove")
        holds(page)
        page.click("[data-passkey-ask]")
        page.wait_for_url("**/en/me?done=proved")
        assert wrong == []
