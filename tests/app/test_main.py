"""One line a request: what was asked for by its name, how it ended, how long it took, and nothing of who asked."""

import json
import logging

import pytest

from app.log import JsonLines
from tests.plumbing.house import PEOPLE, Town

pytestmark = pytest.mark.anyio


async def test_every_request_leaves_one_line(one_town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="khma")
    browser = await one_town.signed_in("manager")
    for path in ("/en/services?q=CANARY", "/ka/CANARY", "/en/manage", "/static/0/khma.css", "/healthz", "/CANARY"):
        await browser.get(path, User_Agent="CANARY")
    await browser.http.head("/en/results")
    await one_town.browser().sign_in(PEOPLE["citizen"][1], "CANARY CANARY CANARY")
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if hasattr(record, "status")]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "services.index", 200),
        ("GET", None, 404),
        ("GET", "manage.home", 200),
        ("GET", "static", 200),
        ("GET", "operating.health", 200),
        ("GET", "home", 303),
        ("HEAD", "results.index", 200),
        ("GET", "accounts.sign_in", 200),
        ("POST", "accounts.sign_in_check", 422),
    ]
    assert all(0 <= line["milliseconds"] < 60_000 for line in lines)
    assert "CANARY" not in json.dumps(lines)
    assert set(lines[0]) == {"at", "level", "logger", "event", "method", "route", "status", "milliseconds"}
