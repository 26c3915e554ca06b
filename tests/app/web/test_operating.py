"""What a monitor may ask: alive and ready for everybody, the counts for this machine or with the token."""

from pathlib import Path

import pytest

from app.letters.outbox import write_letter
from tests.conftest import Addresses
from tests.plumbing.house import PEOPLE, Town, opened_town

pytestmark = pytest.mark.anyio

TOKEN = "a monitor's token of some length"


async def test_alive_and_ready(town: Town) -> None:
    stranger = town.browser(peer="203.0.113.7")
    for path, said in (("/healthz", "alive\n"), ("/readyz", "ready\n")):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.text) == (200, said)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_counts_are_for_this_machine(town: Town) -> None:
    address = PEOPLE["citizen"][1]
    await town.house.db.write(lambda session: write_letter(session, address, "reset", "en", name="Nino", token="t"))
    answer = await town.browser().get("/metrics")
    assert answer.status_code == 200
    assert 'khma_letters{fate="waiting"} 1\n' in answer.text
    assert PEOPLE["citizen"][1] not in answer.text
    assert (await town.browser(peer="::1").get("/metrics")).status_code == 200
    assert (await town.browser(peer="203.0.113.7").get("/metrics")).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_a_proxy_on_this_machine_lets_nobody_else_see_them(one_town: Town, header: str) -> None:
    answer = await one_town.browser().http.get("/metrics", headers={header: "203.0.113.7"})
    assert answer.status_code == 403


async def test_the_token_opens_them_from_anywhere(sqlite_addresses: Addresses, tmp_path: Path) -> None:
    url = sqlite_addresses.url
    async with opened_town(url, url, tmp_path, metrics_token=TOKEN) as town:
        stranger = town.browser(peer="203.0.113.7")
        right = f"Bearer {TOKEN}"
        for sent, status in ((right, 200), (right + "x", 403), (TOKEN, 403), ("Bearer ", 403), ("ÿ", 403)):
            headers = {b"authorization": sent.encode("latin-1")}
            assert (await stranger.http.get("/metrics", headers=headers)).status_code == status, sent


async def test_an_empty_token_opens_nothing(one_town: Town) -> None:
    for sent in ("Bearer ", "Bearer", ""):
        answer = await one_town.browser(peer="203.0.113.7").get("/metrics", Authorization=sent)
        assert answer.status_code == 403
