"""The demonstration checks a whole vote by HTTP: from codes to receipts, from closing to a result that holds."""

import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.accounts.roll.codes import shown
from app.demo.votes import Free
from app.demo.walk import Broken, Browser, expect, recount

PUBLISHED_WITHIN_SECONDS = 50
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
SELECT = re.compile(r'<select [^>]*name="(position_\d+)"')
RECEIPT = re.compile(r'<p class="receipt-code" dir="ltr"><code>([0-9a-f ]+)</code>')


@dataclass
class Voter:
    """One person with a code and a browser of their own."""

    browser: Browser
    vote: str
    code: str

    def form(self) -> dict[str, str]:
        """Open the ballot, and fill it in: everything but the ranks."""
        status, _, body = self.browser.open(self.vote)
        expect("the ballot", 200, status)
        form = next((part for part in body.decode().split("<form ") if 'name="position_1"' in part), "")
        fields = dict(HIDDEN.findall(form)) | dict.fromkeys(SELECT.findall(form), "00")
        if 'name="code"' in form:
            fields["code"] = shown(self.code)
        return fields

    def cast(self, fields: dict[str, str]) -> tuple[int, str, str]:
        """Send a form. Returns status, the page's text, and the receipt's code without blanks, or ""."""
        status, place, body = self.browser.open(self.vote, fields)
        text = html.unescape(body.decode())
        found = RECEIPT.search(text)
        if self.code in urlsplit(place).geturl() or shown(self.code) in place:
            raise Broken(f"a code stands in the address {place}")
        return status, text, found[1].replace(" ", "") if found else ""


def walk_vote(base: str, free: Free) -> Iterator[str]:
    """Walk a vote that closes soon. Yields a sentence after each step. Raises Broken at the first that failed."""
    vote = f"/en/votes/{free['vote']}"
    voters = [Voter(Browser(base), vote, code) for code in free["codes"]]

    receipts = []
    for number, voter in enumerate(voters):
        fields = voter.form()
        first = fields | {f"position_{number % 4 + 1}": "01", f"position_{(number + 1) % 4 + 1}": "02"}
        status, text, receipt = voter.cast(first)
        expect(f"ballot {number + 1}", (200, True, 64), (status, "Your vote is in the box." in text, len(receipt)))
        receipts.append(receipt)
    yield f"{len(voters)} people vote with a code each, and get a receipt"

    status, text, again = voters[0].cast(first_form := voters[0].form() | {"position_1": "01"})
    expect("a change of mind", (200, True), (status, "Your new vote is in the box." in text))
    status, text, twice = voters[0].cast(first_form | {"position_1": "02", "position_2": "01"})
    expect("the same form again", (200, True, again), (status, "already recorded, once" in text, twice))
    yield "one changes their mind; the same form sent again is recorded once, and its page says so"

    status, text, _ = Voter(Browser(base), vote, voters[1].code).cast(
        Voter(Browser(base), vote, voters[1].code).form() | {"position_1": "01"}
    )
    expect("a form without its browser", 403, status)
    other = Voter(Browser(base), vote, voters[1].code)
    status, text, _ = other.cast(other.form() | {"position_1": "01"})
    expect("a second device", (409, True), (status, "recorded meanwhile" in text))
    wrong = Voter(Browser(base), vote, voters[1].code)
    status, text, _ = wrong.cast(wrong.form() | {"code": "0000-0000-0000-0000-0001", "position_1": "01"})
    expect("a code mistyped", (422, True), (status, "wrong or missing" in text))
    yield "a second device, a foreign form and a mistyped code are told what is true"

    reader = Browser(base)
    until = time.monotonic() + PUBLISHED_WITHIN_SECONDS
    while (found := reader.open(f"/en/results/{free['vote']}"))[0] != 200:
        if time.monotonic() > until:
            raise Broken(f"{vote}: no result within {PUBLISHED_WITHIN_SECONDS} seconds")
        time.sleep(0.3)
    yield "the vote closes, is opened, counted and published by itself"

    recount(reader, free["vote"])
    _, _, listed = reader.open(f"/archive/{free['vote']}/box.txt")
    box = set(listed.decode().split())
    expect("receipts in the box", (True, False, True), (set(receipts[1:]) <= box, receipts[0] in box, again in box))
    yield "its files hold, and every last receipt stands in the list of the box"

    expect("the page of the result", True, free["vote"] in found[1])
