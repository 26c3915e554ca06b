"""One person's way: from an address to an account, and back into it after the password was forgotten.

In Georgian, on a small phone, without JavaScript; and each click and each typed field is counted.
"""

from dataclasses import dataclass
from uuid import uuid4

from playwright.sync_api import Browser, Page

from tests.plumbing.browser import opened_page
from tests.plumbing.town import RunningTown

FIRST, SECOND, THIRD = "ოთხი სიტყვა ერთად აქ", "სხვა ოთხი სიტყვა აქ", "კიდევ ოთხი სიტყვა აქ"
MAIN = "main form button[data-kind=main]"


@dataclass
class Person:
    """Somebody at a page, who counts what it costs them."""

    page: Page
    clicks: int = 0
    fields: int = 0

    def click(self, selector: str) -> None:
        """Press something."""
        self.clicks += 1
        self.page.click(selector)

    def type(self, selector: str, text: str) -> None:
        """Write into a field."""
        self.fields += 1
        self.page.fill(selector, text)

    def spent(self) -> tuple[int, int]:
        """Tell fields and clicks since the last time."""
        said, self.fields, self.clicks = (self.fields, self.clicks), 0, 0
        return said


def sign_in(person: Person, email: str, password: str) -> None:
    """Fill in the form for signing in."""
    person.type("#f-email", email)
    person.type("#f-password", password)
    person.click(MAIN)


def open_account(person: Person, town: RunningTown, email: str) -> None:
    """Sign up, read the letter, choose a name and a password."""
    page = person.page
    page.goto("/ka/sign-up")
    person.type("#f-email", email)
    person.click(MAIN)
    assert page.url == f"{town.base}/ka/letter-sent"
    assert person.spent() == (1, 1)
    link = town.link_in(town.letter(email))
    assert link.startswith(f"{town.base}/ka/welcome/")
    page.goto(link)
    person.type("#f-name", "ქეთევან")
    person.type("#f-password", FIRST)
    person.click(MAIN)
    assert page.url == f"{town.base}/ka/me?done=signed-in"
    assert "ქეთევან" in page.locator("main .lead").inner_text()
    assert person.spent() == (2, 1)


def change_password(person: Person, town: RunningTown, email: str) -> None:
    """Change the password, leave, and come in with the new one only."""
    page = person.page
    person.type("#f-current", FIRST)
    person.type("#f-password", SECOND)
    person.click("form[action$='/me/password'] button")
    assert page.url == f"{town.base}/ka/me?done=password-changed"
    assert person.spent() == (2, 1)
    person.click(".masthead summary")
    person.click(".masthead details form button")
    assert page.url == f"{town.base}/ka?done=signed-out"
    assert person.spent() == (0, 2)
    page.goto("/ka/me")
    assert page.url == f"{town.base}/ka/sign-in?next=/ka/me"
    sign_in(person, email, FIRST)
    assert page.locator(".errors").is_visible()
    page.goto("/ka/sign-in")
    person.spent()
    sign_in(person, email, SECOND)
    assert page.url == f"{town.base}/ka/me"
    assert person.spent() == (2, 1)


def forget_password(person: Person, town: RunningTown, email: str) -> None:
    """Choose a new password by a letter, whose link works once."""
    page = person.page
    page.goto("/ka/sign-in")
    person.click("a[href='/ka/forgot']")
    person.type("#f-email", email)
    person.click(MAIN)
    assert page.url == f"{town.base}/ka/letter-sent"
    assert person.spent() == (1, 2)
    link = town.link_in(town.letter(email, 3))  # the second one said that the password was changed
    assert link.startswith(f"{town.base}/ka/reset/")
    page.goto(link)
    person.type("#f-password", THIRD)
    person.click(MAIN)
    assert page.url == f"{town.base}/ka/sign-in?done=password-changed"
    assert person.spent() == (1, 1)
    page.goto("/ka/me")
    assert page.url == f"{town.base}/ka/sign-in?next=/ka/me"  # every browser was signed out
    sign_in(person, email, THIRD)
    assert page.url == f"{town.base}/ka/me"
    again = page.goto(link)
    assert again is not None
    assert again.status == 404
    assert page.locator("main a[href='/ka/forgot']").count() == 1  # the page of a dead link names the cure


def test_from_an_address_to_an_account_and_back_into_it(chromium: Browser, each_town: RunningTown) -> None:
    email = f"ketevan.{uuid4().hex}@vardisi.example"
    with opened_page(chromium, each_town.base, javascript=False, width=320, language="ka") as page:
        person = Person(page)
        open_account(person, each_town, email)
        change_password(person, each_town, email)
        forget_password(person, each_town, email)
