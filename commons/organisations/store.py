"""Find the organisation, read and change its pages."""

from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import ScalarSelect
from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.clock import now
from commons.errors import Conflict, Invalid, NotFound
from commons.ids import slug_of
from commons.ledger.sequence import append
from commons.organisations.tables import PAGES, Organisation, OrganisationPage
from commons.tables import Texts, text_in

LONGEST_TITLE = 200
LONGEST_BODY = 50_000


async def find_host(session: AsyncSession) -> Organisation | None:
    """Find the organisation that hosts this installation; None before `khma admin found`."""
    return (await session.exec(select(Organisation).order_by(Organisation.slug).limit(1))).first()


async def found(session: AsyncSession, names: Texts, summaries: Texts, zone: str) -> Organisation:
    """Found the organisation that hosts this installation.

    zone:   of the tz database, such as Asia/Tbilisi.
    Raises: Conflict when there is one already; Invalid when it has no name or the zone is unknown.
    """
    if await find_host(session) is not None:
        raise Conflict("organisation.founded")
    if not any(names.values()):
        raise Invalid("text.missing", field="name")
    if zone not in available_timezones():
        raise Invalid("zone.unknown", field="zone", found=zone)
    host = Organisation(slug=slug_of(text_in(names, "en")), names=names, summaries=summaries, zone=zone)
    try:
        async with session.begin_nested():
            session.add(host)
            await session.flush()
    except IntegrityError as taken:
        raise Conflict("organisation.founded") from taken
    return host


async def get_host(session: AsyncSession) -> Organisation:
    """Get the hosting organisation.

    Raises: NotFound where none was founded yet.
    """
    if (host := await find_host(session)) is None:
        raise NotFound("organisation.none")
    return host


def host_id() -> ScalarSelect[UUID]:
    """Write the hosting organisation's id as a part of a larger question."""
    return select(Organisation.id).order_by(Organisation.slug).limit(1).scalar_subquery()


async def hold_host(session: AsyncSession) -> Organisation:
    """Get the hosting organisation and keep it: whoever else holds it waits until this transaction has ended."""
    host = await get_host(session)
    await session.refresh(host, with_for_update=True)
    return host


async def set_single_handed(session: AsyncSession, *, is_on: bool) -> bool:
    """Say whether this body has one officer only, who then decides alone. Returns whether that was new.

    The public log says so each time.
    """
    host = await hold_host(session)
    if host.single_handed == is_on:
        return False
    host.single_handed = is_on
    session.add(host)
    await append(
        session, "organisation.single_handed", {"single_handed": "on" if is_on else "off"}, subject="organisation"
    )
    return True


async def find_page(session: AsyncSession, organisation_id: UUID, key: str, language: str) -> OrganisationPage | None:
    """Find the organisation's own version of a page in a language; None while the first text stands.

    Raises: NotFound for a page that does not exist in any version.
    """
    if key not in PAGES:
        raise NotFound("page.unknown")
    return await session.get(OrganisationPage, (organisation_id, key, language))


async def save_page(
    session: AsyncSession, organisation_id: UUID, key: str, language: str, title: str, body: str
) -> None:
    """Replace a page in one language; an empty title and body bring the first text back.

    Raises: Invalid with the field's name when only one of them is empty, or one is too long.
    """
    await session.get(Organisation, organisation_id, with_for_update=True)  # who save at once follow one another
    page = await find_page(session, organisation_id, key, language)
    title, body = title.strip(), body.strip()
    for field, text, limit in (("title", title, LONGEST_TITLE), ("body", body, LONGEST_BODY)):
        if not text and (title or body):
            raise Invalid("text.missing", field=field)
        if len(text) > limit:
            raise Invalid("text.too_long", field=field, limit=limit, found=len(text))
    if not title:
        if page is not None:
            await session.delete(page)
    elif page is None:
        moment = await now(session)
        session.add(
            OrganisationPage(
                organisation_id=organisation_id, key=key, language=language, title=title, body=body, changed_at=moment
            )
        )
    else:
        page.title, page.body, page.changed_at = title, body, await now(session)
    await session.flush()
