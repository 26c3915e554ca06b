"""Slips as they come out of the pages: a run is asked for, released by somebody else, and shown."""

import re
from uuid import UUID

import httpx

from tests.plumbing.house import Browser, Town

CODE = re.compile(r'<p class="slip-code" dir="ltr"><code>([^<]+)</code>')
NUMBER = re.compile(r'Slip <bdi class="serial" dir="ltr">([^<]+)</bdi>')
RUN = re.compile(r"/en/manage/prints/([0-9a-f-]{36})")
SETTINGS = "/en/settings"


async def asked(browser: Browser, roll_id: UUID, size: int = 1, **fields: str) -> httpx.Response:
    """Send the form that asks for a run."""
    form = {"kind": "letters", "size": str(size), "vote": "", "reason": "Letters"} | fields
    return await browser.send(f"/en/manage/rolls/{roll_id}/prints", form, page=SETTINGS)


async def newest(browser: Browser, roll_id: UUID) -> UUID:
    """Find the newest run on the page of a roll, by what can be done with it."""
    return UUID(RUN.findall((await browser.get(f"/en/manage/rolls/{roll_id}/prints")).text)[0])


async def printed(
    town: Town, roll_id: UUID, size: int = 1, *, asker: str = "manager", releaser: str = "second manager", **fields: str
) -> str:
    """Make a run from asking to its slips. Returns the page with the slips."""
    first, second = await town.signed_in(asker), await town.signed_in(releaser)
    answer = await asked(first, roll_id, size, **fields)
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
    run = await newest(second, roll_id)
    released = await second.send(f"/en/manage/prints/{run}", {"decision": "agree"})
    assert released.status_code == httpx.codes.SEE_OTHER, released.text
    shown = await first.send(f"/en/manage/prints/{run}/slips")
    assert shown.status_code == httpx.codes.OK, shown.text
    assert shown.headers["cache-control"] == "no-store"
    return shown.text
