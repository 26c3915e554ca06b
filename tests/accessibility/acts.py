"""What visitors do on a page, to bring it into a state: they type, press, choose, or send what a stale page would."""

from collections.abc import Callable

from playwright.sync_api import Page

from app.demo.walk import SHEET
from tests.plumbing.town import RunningTown

Act = Callable[[Page, RunningTown], None]


def send(page: Page) -> None:
    """Press the main form's own button."""
    page.locator("main form button").last.click()


def typed(**fields: str) -> Act:
    """Type into fields by name, and send the form that the last of them stands in."""

    def act(page: Page, town: RunningTown) -> None:
        field = page.locator("main form").first
        for name, text in fields.items():
            field = page.locator(f'main [name="{name}"]')
            field.fill(text)
        field.locator("xpath=ancestor::form").locator("button").click()

    return act


def pressed(form: str) -> Act:
    """Press the first button of the first form that a selector finds, folded away or not."""

    def act(page: Page, town: RunningTown) -> None:
        with page.expect_navigation():
            page.locator(f"main {form}").first.locator("button").first.evaluate("button => button.click()")

    return act


def past_vote(**instead: str) -> Act:
    """Fill in the form for a past vote rightly, but for what is given instead."""

    def act(page: Page, town: RunningTown) -> None:
        fields = {
            "title_en": "What comes next",
            "source_name": "Vardisi",
            "source_url": "https://example.org/votes",
            "held_on": "2026-01-31",
        }
        sheet = instead.get("sheet", SHEET)
        for name, text in fields.items():
            page.fill(f"#f-{name}", instead.get(name, text))
        page.set_input_files("#f-sheet", {"name": "next.abif", "mimeType": "text/plain", "buffer": sheet.encode()})
        if "rule" in instead:
            page.select_option("#f-rule", instead["rule"])
        if "ballots_public" not in instead:
            page.check("#f-ballots_public")
        send(page)

    return act


def picture(data: bytes, description: str) -> Act:
    """Send a file as a service's picture."""

    def act(page: Page, town: RunningTown) -> None:
        page.set_input_files("#f-picture", {"name": "hall.jpg", "mimeType": "image/jpeg", "buffer": data})
        page.fill("#f-description_en", description)
        send(page)

    return act


def hiding(rule: str, reason: str) -> Act:
    """Choose a house rule, or none, and give a reason for taking a service off."""

    def act(page: Page, town: RunningTown) -> None:
        if rule:
            page.check(f'main [value="{rule}"]')
        typed(reason=reason)(page, town)

    return act


def giving(role: str, reason: str) -> Act:
    """Choose a change of a role, or none, and give a reason."""

    def act(page: Page, town: RunningTown) -> None:
        if role:
            page.check(f'main [value="{role}"]')
        typed(reason=reason)(page, town)

    return act


def tampered(change: str, **fields: str) -> Act:
    """Change the main form as a stale or foreign page would hold it, then send it."""

    def act(page: Page, town: RunningTown) -> None:
        page.evaluate(change)
        typed(**fields)(page, town)

    return act


def unreadable(page: Page, town: RunningTown) -> None:
    """Send a body whose parts cannot be told from each other."""
    wrong = {"content-type": "multipart/form-data; boundary=none"}
    page.route("**/settings", lambda route: route.continue_(headers=route.request.headers | wrong))
    send(page)


def stale(page: Page, town: RunningTown) -> None:
    """Send a form whose token is not this browser's."""
    page.evaluate("document.querySelector('main [name=_token]').value = 'stale'")
    send(page)


def no_form(page: Page, town: RunningTown) -> None:
    """Send a body that is no form."""
    page.evaluate("document.querySelector('main form').enctype = 'text/plain'")
    send(page)


def unfolded(**fields: str) -> Act:
    """Unfold all that a form folds away, such as its fields in other languages, then type and send."""

    def act(page: Page, town: RunningTown) -> None:
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
        typed(**fields)(page, town)

    return act


def lock(page: Page, town: RunningTown) -> None:
    """Lock a draft that nobody may vote in."""
    page.locator("main form[action$='/lock'] button").click()


def ask_to_postpone(page: Page, town: RunningTown) -> None:
    """Ask for a later publication without a reason."""
    page.check("main [value=postpone_publication]")
    typed(time="2037-01-01T10:00", reason=" ")(page, town)
