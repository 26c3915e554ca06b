"""The fields for passwords: hidden while typed, filled in by password managers, open to pasting."""

import re
from html.parser import HTMLParser

import pytest

from app.accounts.links import password_mark
from app.accounts.passwords import LONGEST
from app.accounts.tokens import make_token
from app.config import ROOT
from tests.plumbing.house import PEOPLE, QUICK, Town

pytestmark = pytest.mark.anyio

NAMES = {"current", "password", "present"}
MANAGERS = {"current-password", "new-password"}
PAGES = {
    None: ("/en/sign-in", "/en/welcome/{welcome}", "/en/reset/{reset}"),
    "citizen": ("/en/me", "/en/me/prove", "/en/me/factor", "/en/me/address", "/en/me/erase"),
    "manager": ("/en/me/factor?act=renew",),
}


class Fields(HTMLParser):
    """Collects what somebody can type a password into."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"input", "textarea"} and (given.get("name") in NAMES or given.get("type") == "password"):
            self.found.append(given)


def faults(field: dict[str, str]) -> list[str]:
    """Name what keeps somebody from typing, pasting or having a password filled in, unseen."""
    wrong = [name for name in ("readonly", "disabled", "value", "onpaste", "oncopy", "pattern") if name in field]
    wrong += [] if field.get("type") == "password" else ["seen by whoever looks on"]
    wrong += [] if field.get("autocomplete") in MANAGERS else ["not for password managers"]
    wrong += ["too short"] if int(field.get("maxlength", LONGEST)) < LONGEST else []
    return wrong


async def test_every_field_for_a_password_hides_it_and_takes_it_from_anywhere(one_town: Town) -> None:
    secret, email = one_town.config.secret, PEOPLE["citizen"][1]
    links = {
        "welcome": make_token(secret, "welcome", {"email": "new@vardisi.example"}, hours=1),
        "reset": make_token(secret, "reset", {"email": email, "mark": password_mark(QUICK)}, hours=1),
    }
    for person, paths in PAGES.items():
        browser = await one_town.signed_in(person) if person else one_town.browser()
        for path in paths:
            answer = await browser.get(path.format(**links))
            fields = Fields(answer.text).found
            assert (answer.status_code, len(fields) >= 1) == (200, True), path
            assert [faults(each) for each in fields] == [[]] * len(fields), path


def test_no_template_and_no_script_makes_another_one() -> None:
    macro, others = ROOT / "templates" / "macros" / "forms.html", 0
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        calls = re.findall(r"\bfield\([^{}]*type=\"password\"[^{}]*\)", text)
        others += len(calls)
        assert [each for each in calls if 'password")' not in each.partition("autocomplete=")[2]] == [], path
        if path != macro:
            assert 'type="password"' not in re.sub(r"{{.*?}}", "", text), path
    assert others >= 7
    for name in ("khma.js", "ballot.js", "proof.js", "passkeys.js"):
        script = (ROOT / "app" / "static" / name).read_text("utf-8")
        assert not re.search(r"paste|clipboard|oncopy|password|autocomplete", script), name


@pytest.mark.parametrize(
    "field",
    [
        {"type": "text", "autocomplete": "current-password"},
        {"type": "password", "autocomplete": "off"},
        {"type": "password"},
        {"type": "password", "autocomplete": "new-password", "maxlength": "20"},
        {"type": "password", "autocomplete": "new-password", "onpaste": "return false"},
        {"type": "password", "autocomplete": "new-password", "readonly": ""},
    ],
)
def test_a_worse_field_would_be_found(field: dict[str, str]) -> None:
    assert faults(field)
