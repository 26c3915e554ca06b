"""Who is asking: founded once, and with pages that can be replaced in one language and brought back."""

import asyncio

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from commons.errors import Conflict, Invalid, NotFound
from commons.organisations.store import (
    LONGEST_BODY,
    LONGEST_TITLE,
    find_host,
    find_page,
    found,
    get_host,
    save_page,
)
from commons.organisations.tables import PAGES, Organisation, OrganisationPage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def host(db: Database) -> Organisation:
    return await db.write(lambda session: found(session, {"en": "Hall", "ka": "სახლი"}, {}, "Asia/Tbilisi"))


async def page_of(
    db: Database, host: Organisation, key: str = "about", language: str = "en"
) -> OrganisationPage | None:
    async with db.reading() as session:
        return await find_page(session, host.id, key, language)


async def save(db: Database, host: Organisation, title: str, body: str, language: str = "en") -> None:
    await db.write(lambda session: save_page(session, host.id, "about", language, title, body))


async def test_before_anybody_is_founded_there_is_nobody(db: Database) -> None:
    async with db.reading() as session:
        assert await find_host(session) is None
        with pytest.raises(NotFound, match=r"organisation.none"):
            await get_host(session)


async def test_it_is_founded_once(db: Database, host: Organisation) -> None:
    async with db.reading() as session:
        assert (await get_host(session)) == host
    assert (host.slug, host.names, host.zone) == ("hall", {"en": "Hall", "ka": "სახლი"}, "Asia/Tbilisi")
    with pytest.raises(Conflict, match=r"organisation.founded"):
        await db.write(lambda session: found(session, {"en": "Another hall"}, {}, "UTC"))


async def test_of_ten_who_found_the_same_at_once_one_does(db: Database) -> None:
    async def one() -> object:
        try:
            return await db.write(lambda session: found(session, {"en": "Hall"}, {}, "UTC"))
        except Exception as refused:
            return refused

    outcomes = await asyncio.gather(*[one() for _ in range(10)])
    refusals = [each for each in outcomes if not isinstance(each, Organisation)]
    assert len(refusals) == 9
    assert {type(each) for each in refusals} == {Conflict}


@pytest.mark.parametrize(
    ("names", "zone", "code", "field"),
    [
        ({}, "UTC", "text.missing", "name"),
        ({"en": ""}, "UTC", "text.missing", "name"),
        ({"en": "Hall"}, "Mars/Olympus", "zone.unknown", "zone"),
        ({"en": "Hall"}, "", "zone.unknown", "zone"),
        ({"en": "Hall"}, "../../etc/passwd", "zone.unknown", "zone"),
    ],
)
async def test_without_a_name_or_a_known_zone_nobody_is_founded(
    db: Database, names: dict[str, str], zone: str, code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await db.write(lambda session: found(session, names, {}, zone))
    assert (refused.value.code, refused.value.field) == (code, field)


async def test_a_page_is_replaced_in_one_language_and_brought_back(db: Database, host: Organisation) -> None:
    assert await page_of(db, host) is None
    await save(db, host, " Who we are ", "\nWe are **the hall**.\n")
    await save(db, host, "ჩვენ შესახებ", "ჩვენ ვართ სახლი.", "ka")
    first = await page_of(db, host)
    assert first is not None
    assert (first.title, first.body) == ("Who we are", "We are **the hall**.")
    await save(db, host, "Who we are now", "Another text.")
    second = await page_of(db, host)
    assert second is not None
    assert second.title == "Who we are now"
    assert second.changed_at > first.changed_at
    await save(db, host, " ", "\n")
    assert await page_of(db, host) is None
    assert await page_of(db, host, language="ka") is not None
    await save(db, host, "", "")  # there is nothing to bring back, and no harm in asking
    assert await page_of(db, host) is None


@pytest.mark.parametrize(
    ("title", "body", "code", "field"),
    [
        ("", "Text", "text.missing", "title"),
        ("Title", " ", "text.missing", "body"),
        ("x" * (LONGEST_TITLE + 1), "Text", "text.too_long", "title"),
        ("Title", "x" * (LONGEST_BODY + 1), "text.too_long", "body"),
    ],
)
async def test_half_a_page_or_too_much_of_one_is_refused_and_the_old_one_stays(
    db: Database, host: Organisation, title: str, body: str, code: str, field: str
) -> None:
    await save(db, host, "Old", "Old text")
    with pytest.raises(Invalid) as refused:
        await save(db, host, title, body)
    assert (refused.value.code, refused.value.field) == (code, field)
    kept = await page_of(db, host)
    assert kept is not None
    assert (kept.title, kept.body) == ("Old", "Old text")


async def test_a_page_may_be_as_long_as_the_limit(db: Database, host: Organisation) -> None:
    await save(db, host, "ხ" * LONGEST_TITLE, "ხ" * LONGEST_BODY)
    kept = await page_of(db, host)
    assert kept is not None
    assert (len(kept.title), len(kept.body)) == (LONGEST_TITLE, LONGEST_BODY)


async def test_there_are_six_pages_and_no_others(db: Database, host: Organisation) -> None:
    assert PAGES == ("about", "contact", "help", "privacy", "accessibility", "terms")

    async def every(session: AsyncSession) -> None:
        for key in PAGES:
            await save_page(session, host.id, key, "en", "Title", "Text")

    await db.write(every)
    for key in ("imprint", "", "About", "about/../terms"):
        with pytest.raises(NotFound, match=r"page.unknown"):
            await page_of(db, host, key)
        with pytest.raises(NotFound, match=r"page.unknown"):
            await db.write(lambda session, key=key: save_page(session, host.id, key, "en", "Title", "Text"))  # type: ignore[misc]


async def test_two_who_save_the_same_page_at_once_leave_one_of_the_two(db: Database, host: Organisation) -> None:
    async def one(number: int) -> None:
        await save(db, host, f"Title {number}", f"Text {number}")

    await asyncio.gather(*[one(number) for number in range(10)])
    kept = await page_of(db, host)
    assert kept is not None
    assert kept.title.removeprefix("Title") == kept.body.removeprefix("Text")
