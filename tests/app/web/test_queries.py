"""How often a page asks the database: a few times, and no more often when there is sixty times as much to show."""

import re
from dataclasses import replace
from datetime import date
from urllib.parse import quote

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.links import password_mark
from app.demo.votes import OPEN
from app.keys import ledger_origin, make_ledger_key
from bench.pages import MOST_QUERIES, public_pages
from commons.ledger.sequence import append, sequence
from commons.organisations.store import get_host
from commons.services.store import PER_PAGE as SERVICES_PER_PAGE
from commons.services.store import add_service
from results.publication import prepare_import, publish
from results.store import PER_PAGE as RESULTS_PER_PAGE
from results.tables import Result
from tests.plumbing.house import QUICK, SHEET, Town
from tests.plumbing.queries import counted_queries
from tests.plumbing.votes import hold_vote

pytestmark = pytest.mark.anyio

LINES_PER_PAGE = 50
MANY = 60


async def fill(town: Town, first: int, last: int) -> None:
    """Add services, results and lines of the ledger with these numbers, and put the lines into the ledger."""
    prepared = prepare_import(
        titles={"en": "Vote"}, source_name="Vardisi", source_url="https://example.org/votes", held_on=date(2026, 1, 31),
        rule="schulze", ballots_public=True, data=SHEET, filename="first.abif", today=date(2026, 2, 1),
    )  # fmt: skip

    async def work(session: AsyncSession) -> None:
        host = await get_host(session)
        for number in range(first, last):
            await add_service(session, host.id, {"en": f"Service {number}"}, {})
            card = replace(prepared.card, titles={"en": f"Vote {number}"})
            await publish(session, host.id, replace(prepared, card=card))
            await append(session, "poll.closed", {"ballots": number}, subject="results/vote-0")

    key, origin = make_ledger_key(town.config), ledger_origin(town.config)
    await town.house.db.write(work)
    await town.house.db.write(lambda session: sequence(session, key, origin))


def addresses(town: Town) -> list[str]:
    replaced = {"debian-project-leader-2007": "vote-0", "evening-hours-at-the-vake-branch": "service-0"}
    found = []
    for address in public_pages(town.app, town.config.secret, password_mark(QUICK)):
        head, _, last = address.rpartition("/")
        found.append(f"{head}/{replaced.get(last, last)}")
    return found


async def questions(town: Town, wanted: list[str]) -> dict[str, int]:
    browser, asked = town.browser(), {}
    for address in wanted:
        await browser.get(address)  # the hosting organisation is remembered for half a minute
        with counted_queries() as statements:
            answer = await browser.get(address)
        assert answer.status_code == 200, address
        asked[address] = len(statements)
    return asked


async def test_a_page_asks_a_few_times_however_much_there_is(town: Town) -> None:
    wanted = addresses(town)
    await fill(town, 0, 1)
    vote = await hold_vote(town.house, voters=MANY, titles=OPEN.titles)
    few = await questions(town, wanted)
    await fill(town, 1, MANY)
    for code in vote.codes:
        await vote.cast(code)
    many = await questions(town, wanted)
    assert many == few
    assert max(many.values()) <= MOST_QUERIES
    known = {"/en", "/en/results", "/en/results/vote-0", "/en/services", "/en/services/service-0", "/en/ledger"}
    assert known | {"/en/votes", vote.path, f"{vote.path}/receipt"} < set(few)


async def test_pages_that_tell_nothing_of_the_record_do_not_ask_for_it(town: Town) -> None:
    await fill(town, 0, 1)
    asked = await questions(town, ["/en/sign-in", "/en/sign-up", "/en/forgot", "/en/settings", "/en/secrecy"])
    assert set(asked.values()) == {0}


LISTS = {
    "/en/services": (r'href="/en/services/(service-\d+)"', SERVICES_PER_PAGE, MANY),
    "/en/results": (r'href="/en/results/(vote-\d+)"', RESULTS_PER_PAGE, MANY),
    "/en/ledger": (r'<th scope="row" data-number>(\d+)</th>', LINES_PER_PAGE, 2 * MANY),
}


@pytest.mark.parametrize("address", LISTS)
async def test_lists_come_in_pages_that_hold_everything_once(one_town: Town, address: str) -> None:
    item, per_page, total = LISTS[address]
    await fill(one_town, 0, MANY)
    shown: list[str] = []
    for number in range(1, -(-total // per_page) + 1):
        body = (await one_town.browser().get(f"{address}?page={number}")).text
        items = list(dict.fromkeys(re.findall(item, body)))
        assert len(items) == min(per_page, total - len(shown))
        shown += items
    assert len(set(shown)) == total


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("page", ["0", "-1", "999999", "9" * 40, "x", "²"])
async def test_a_page_that_is_none_shows_one_that_is(one_town: Town, address: str, page: str) -> None:
    item, per_page, _ = LISTS[address]
    await fill(one_town, 0, MANY)
    answer = await one_town.browser().get(f"{address}?page={quote(page)}")
    assert answer.status_code == 200
    assert 0 < len(set(re.findall(item, answer.text))) <= per_page


async def test_a_result_shows_its_newest_lines_only(one_town: Town) -> None:
    await fill(one_town, 0, MANY)
    async with one_town.house.db.reading() as session:
        assert len((await session.exec(select(Result))).all()) == MANY
    sizes = [len((await one_town.browser().get(f"/en/results/vote-{number}")).content) for number in (0, 1)]
    assert sizes[0] < 3 * sizes[1]
