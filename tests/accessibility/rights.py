"""How people come to the pages about their own data that a link in a letter leads to: acts for the list of cases."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from playwright.sync_api import Page

from app.accounts.factors.halfway import mark_of
from app.accounts.rights.moving import CONFIRM, UNDO
from app.accounts.tokens import make_token
from tests.accessibility.acts import pressed
from tests.plumbing.server import SECRET
from tests.plumbing.town import RunningTown

LOSS = "a-link-that-keeps-a-second-factor"
_NOBODY = {"account": str(UUID(int=0)), "from": "a@b.example", "address": "c@d.example", "mark": ""}
PERSON = UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a12")  # who stands in the furnished town
MOVED = make_token(SECRET, UNDO, {"account": str(PERSON), "address": "an.old.one@vardisi.example"}, hours=1)
FOREIGN = make_token(SECRET, CONFIRM, _NOBODY, hours=1)

GATEWAY = {"KHMA_SMS_NUMBER": "+995322000000", "KHMA_SMS_SECRET": SECRET}


def _account(town: RunningTown) -> tuple[str, str, str]:
    """Read the citizen's id, address and the mark of their password."""
    with closing(sqlite3.connect(town.folder / "khma.sqlite3", timeout=20)) as file:
        email = town.people["citizen"]["email"]
        asked = "SELECT id, password_hash FROM app_account WHERE email = ?"
        found, password_hash = file.execute(asked, (email,)).fetchone()
    return str(UUID(found)), email, mark_of(password_hash).hex()[:32]


def _go(page: Page, town: RunningTown, path: str) -> None:
    page.goto(f"{town.base}/{urlsplit(page.url).path.split('/')[1]}{path}")


def confirming(page: Page, town: RunningTown) -> None:
    """Open the link that a new address was sent."""
    account, email, mark = _account(town)
    facts = {"account": account, "from": email, "address": "a.new.one@vardisi.example", "mark": mark}
    _go(page, town, f"/me/address/{make_token(SECRET, CONFIRM, facts, hours=1)}")


def typed(**fields: str) -> Callable[[Page, RunningTown], None]:
    """Type into fields by name, and send the main form."""

    def act(page: Page, _: RunningTown) -> None:
        for name, text in fields.items():
            page.fill(f'main [name="{name}"]', text)
        page.locator("main form button").last.click()

    return act


CITIZEN, NOBODY = ("citizen",), ("nobody",)
# What `Case` of cases.py is made of.
SEEN: list[tuple[Any, ...]] = [
    ("address", "rights.address", "/me/address", CITIZEN),
    ("address-foreign", "rights.address_confirm", f"/me/address/{FOREIGN}", CITIZEN, None, 403),
    ("address-undo", "rights.address_undo", f"/address-undo/{MOVED}", NOBODY),
    ("erasing", "rights.erasing", "/me/erase", CITIZEN),
    ("keep-factor", "people.keep_factor", f"/keep-factor/{LOSS}", NOBODY),
    ("phone", "phones.show", "/me/phone", CITIZEN),
]
MISTAKEN: list[tuple[Any, ...]] = [
    ("phone-code", "phones.show", "/me/phone", CITIZEN, pressed("form")),
    ("address-confirm", "rights.address_confirm", "/me/address", CITIZEN, confirming),
    ("address-wrong", "rights.address", "/me/address", CITIZEN, typed(email="nowhere", current="x"), 422, 1),
    ("address-unproved", "rights.address", "/me/address", CITIZEN, typed(email="a@b.example", current="x"), 422, 1),
    ("address-dead", "rights.address_confirm", "/me/address/no.link", CITIZEN, None, 404),
    ("undo-dead", "rights.address_undo", "/address-undo/no.link", NOBODY, None, 404),
    ("keep-factor-dead", "people.keep_factor", "/keep-factor/no-link", NOBODY, None, 404),
    ("erasing-unproved", "rights.erasing", "/me/erase", CITIZEN, typed(current="wrong"), 422, 1),
]
