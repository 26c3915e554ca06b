"""The catalogue: found in four scripts, in one order on both databases, in pages, and one name for one service."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from commons.errors import Conflict, Invalid, NotFound
from commons.naming import sorted_by_name
from commons.organisations.store import found
from commons.organisations.tables import Organisation
from commons.services.store import (
    LONGEST_NAME,
    LONGEST_SUMMARY,
    PER_PAGE,
    Found,
    add_service,
    change_service,
    find_services,
    get_service,
)
from commons.tables import Texts

pytestmark = pytest.mark.anyio

SERVICES: list[tuple[Texts, Texts]] = [
    ({"en": "Passports", "fr": "Passeports", "ka": "პასპორტები", "ar": "جوازات السفر"}, {"en": "Ready in ten days."}),
    ({"en": "Évian water", "ka": "წყალი"}, {"en": "Meters and bills.", "fr": "Compteurs et factures."}),
    ({"en": "evening school"}, {"en": "For all ages.", "ar": "مدرسة مسائية"}),
    ({"ka": "ბიბლიოთეკა"}, {"ka": "წიგნები და პასპორტი"}),
    ({"en": "Zoo", "fr": "Écureuils"}, {}),
]


@pytest.fixture
async def host(db: Database) -> Organisation:
    return await db.write(lambda session: found(session, {"en": "Hall"}, {}, "UTC"))


async def add(db: Database, host: Organisation, names: Texts, summaries: Texts | None = None) -> str:
    return (await db.write(lambda session: add_service(session, host.id, names, summaries or {}))).slug


async def look(db: Database, host: Organisation, wanted: str = "", language: str = "en", page: int = 1) -> Found:
    async with db.reading() as session:
        return await find_services(session, host.id, language, wanted, page)


async def fill(db: Database, host: Organisation) -> None:
    for names, summaries in random.Random(7).sample(SERVICES, len(SERVICES)):
        await add(db, host, names, summaries)


@pytest.mark.parametrize(
    ("wanted", "slugs"),
    [
        ("", ["evening-school", "evian-water", "passports", "zoo", "biblioteka"]),
        ("passport", ["passports"]),
        ("PASSEPORTS", ["passports"]),
        ("პასპორტ", ["passports", "biblioteka"]),
        ("جوازات", ["passports"]),
        ("مدرسة", ["evening-school"]),
        ("bills meters", ["evian-water"]),
        ("  école  ", []),
        ("écureuils", ["zoo"]),
        ("passports water", []),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE commons_service; --", []),
    ],
)
async def test_a_word_in_any_language_finds_what_is_meant(
    db: Database, host: Organisation, wanted: str, slugs: list[str]
) -> None:
    await fill(db, host)
    hits = await look(db, host, wanted)
    assert [service.slug for service in hits.services] == slugs
    assert hits.total == len(slugs)


@pytest.mark.parametrize(
    ("language", "slugs"),
    [
        ("en", ["evening-school", "evian-water", "passports", "zoo", "biblioteka"]),
        ("fr", ["zoo", "evening-school", "evian-water", "passports", "biblioteka"]),  # Écureuils
        ("ka", ["evening-school", "zoo", "biblioteka", "passports", "evian-water"]),  # …, ბ, პ, წ
        ("ar", ["evening-school", "evian-water", "zoo", "passports", "biblioteka"]),  # …, ج, ბ
    ],
)
async def test_the_order_is_that_of_the_readers_language(
    db: Database, host: Organisation, language: str, slugs: list[str]
) -> None:
    await fill(db, host)
    assert [service.slug for service in (await look(db, host, language=language)).services] == slugs


async def test_pages_hold_everything_once_and_no_page_is_beyond_the_ends(db: Database, host: Organisation) -> None:
    async def many(session: AsyncSession) -> None:
        for number in random.Random(7).sample(range(2 * PER_PAGE + 1), 2 * PER_PAGE + 1):
            await add_service(session, host.id, {"en": f"Service {number:03}"}, {})

    await db.write(many)
    pages = [await look(db, host, page=number) for number in (1, 2, 3)]
    assert [len(each.services) for each in pages] == [PER_PAGE, PER_PAGE, 1]
    assert [service.slug for each in pages for service in each.services] == [
        f"service-{number:03}" for number in range(2 * PER_PAGE + 1)
    ]
    for wanted, given_back in ((0, 1), (-3, 1), (4, 3), (999_999, 3)):
        beyond = await look(db, host, page=wanted)
        assert (beyond.page, beyond.pages, beyond.total) == (given_back, 3, 2 * PER_PAGE + 1)
        assert beyond.services


async def test_an_empty_catalogue_has_one_empty_page(db: Database, host: Organisation) -> None:
    assert await look(db, host, page=5) == Found([], 0, 1, 1)


async def test_exactly_one_full_page_has_no_second(db: Database, host: Organisation) -> None:
    async def many(session: AsyncSession) -> None:
        for number in range(PER_PAGE):
            await add_service(session, host.id, {"en": f"Service {number:03}"}, {})

    await db.write(many)
    assert (await look(db, host)).pages == 1


async def test_of_twenty_who_add_the_same_name_one_succeeds(db: Database, host: Organisation) -> None:
    async def one() -> object:
        try:
            return await add(db, host, {"en": "Evening hours"})
        except Conflict as refused:
            return refused

    outcomes = await asyncio.gather(*[one() for _ in range(20)])
    refused = [each for each in outcomes if isinstance(each, Conflict)]
    assert [each for each in outcomes if isinstance(each, str)] == ["evening-hours"]
    assert {(each.code, each.field, each.facts["name"]) for each in refused} == {
        ("service.taken", "name_en", "Evening hours")
    }
    assert len(refused) == 19
    assert (await look(db, host)).total == 1


async def test_a_refused_name_does_not_spoil_the_rest_of_a_transaction(db: Database, host: Organisation) -> None:
    async def work(session: AsyncSession) -> None:
        await add_service(session, host.id, {"en": "One"}, {})
        with pytest.raises(Conflict):
            await add_service(session, host.id, {"en": "one!"}, {})
        await add_service(session, host.id, {"en": "Two"}, {})

    await db.write(work)
    assert (await look(db, host)).total == 2


@pytest.mark.parametrize(
    ("names", "summaries", "code", "field"),
    [
        ({}, {}, "text.missing", "name_en"),
        ({"en": "  ", "ka": "\n"}, {"en": "A summary without a name"}, "text.missing", "name_en"),
        ({"ka": "ხ" * (LONGEST_NAME + 1)}, {}, "text.too_long", "name_ka"),
        ({"en": "Name"}, {"ar": "م" * (LONGEST_SUMMARY + 1)}, "text.too_long", "summary_ar"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(
    db: Database, host: Organisation, names: Texts, summaries: Texts, code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await add(db, host, names, summaries)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert (await look(db, host)).total == 0


async def test_a_service_is_described_anew_and_keeps_its_address(db: Database, host: Organisation) -> None:
    slug = await add(db, host, {"en": "Passports", "fr": "Passeports"}, {"en": "Old"})

    async def work(session: AsyncSession, name: str) -> None:
        service = await get_service(session, host.id, slug)
        await change_service(session, service, {"en": name, "fr": " "}, {"ka": "ახალი"})

    await db.write(lambda session: work(session, " " + "x" * LONGEST_NAME + " "))
    async with db.reading() as session:
        service = await get_service(session, host.id, slug)
    assert (service.names, service.summaries) == ({"en": "x" * LONGEST_NAME}, {"ka": "ახალი"})
    with pytest.raises(Invalid):
        await db.write(lambda session: work(session, ""))
    async with db.reading() as session:
        assert (await get_service(session, host.id, slug)).names == {"en": "x" * LONGEST_NAME}
        with pytest.raises(NotFound, match=r"service.unknown"):
            await get_service(session, host.id, "no-such-service")


@settings(max_examples=200)
@given(st.lists(st.text(alphabet="aAbéÉzZხგ أبÿ-1", max_size=4), max_size=8), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_who_came_first(names: list[str], chance: random.Random) -> None:
    mixed = chance.sample(names, len(names))
    assert sorted_by_name(mixed, str) == sorted_by_name(names, str)
    assert sorted(sorted_by_name(names, str)) == sorted(names)


def test_accents_and_capitals_do_not_tear_words_apart() -> None:
    names = ["zoo", "Zebra", "école", "Eis", "evening", "Äpfel", "ხმა", "გზა", "مدرسة", "10", "apple"]
    assert sorted_by_name(names, str) == [
        "10", "Äpfel", "apple", "école", "Eis", "evening", "Zebra", "zoo", "مدرسة", "გზა", "ხმა"
    ]  # fmt: skip
