"""Look services up, add them, change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.errors import Conflict, Invalid, NotFound
from commons.ids import slug_of
from commons.moderation.store import find_hidden
from commons.naming import sorted_by_name
from commons.organisations.store import host_id
from commons.services.tables import Service
from commons.tables import Texts, text_in

LONGEST_NAME = 120
LONGEST_SUMMARY = 1000
PER_PAGE = 24
ADDRESS = "services/"
"""What the address of a service begins with, as `commons.moderation` names what is off."""


@dataclass(frozen=True)
class Found:
    """One page of a look-up.

    services: the page's services, by name · total: how many there are in all · page, pages: counted from 1.
    """

    services: list[Service]
    total: int
    page: int
    pages: int


async def find_services(
    session: AsyncSession, organisation_id: UUID, language: str, wanted: str = "", page: int = 1
) -> Found:
    """Find services whose name or summary holds every wanted word, in any language, sorted by name.

    What was taken off the pages is left out. Two queries: a catalogue holds hundreds of services, and two databases
    would sort four scripts in two ways.
    """
    hidden = await find_hidden(session, ADDRESS)
    everything = (await session.exec(select(Service).where(Service.organisation_id == organisation_id))).all()
    words = wanted.casefold().split()
    shown = [service for service in everything if ADDRESS + service.slug not in hidden]
    hits = [service for service in shown if all(word in _searched(service) for word in words)]
    ordered = sorted_by_name(hits, lambda service: text_in(service.names, language))
    pages = max(1, -(-len(ordered) // PER_PAGE))
    page = min(max(1, page), pages)
    return Found(ordered[(page - 1) * PER_PAGE : page * PER_PAGE], len(ordered), page, pages)


async def all_services(session: AsyncSession, organisation_id: UUID, language: str) -> list[Service]:
    """Read the whole catalogue, sorted by name."""
    everything = (await session.exec(select(Service).where(Service.organisation_id == organisation_id))).all()
    return sorted_by_name(everything, lambda service: text_in(service.names, language))


def _searched(service: Service) -> str:
    return " ".join([*service.names.values(), *service.summaries.values()]).casefold()


async def get_service(session: AsyncSession, organisation_id: UUID, slug: str) -> Service:
    """Get one service by its address, one that was taken off the pages too. Raises NotFound."""
    query = select(Service).where(Service.organisation_id == organisation_id, Service.slug == slug)
    if (service := (await session.exec(query)).first()) is None:
        raise NotFound("service.unknown")
    return service


async def is_picture_shown(session: AsyncSession, picture_id: UUID) -> bool:
    """Tell whether a service that is on the pages has this picture now. Two queries."""
    shown = select(Service.slug).where(Service.picture == picture_id, Service.organisation_id == host_id())
    slugs = (await session.exec(shown)).all()
    return bool({ADDRESS + slug for slug in slugs} - await find_hidden(session, ADDRESS))


async def add_service(
    session: AsyncSession, organisation_id: UUID, names: Mapping[str, str], summaries: Mapping[str, str]
) -> Service:
    """Add a service to the catalogue; its address is made from its first name.

    Raises: Invalid when no language has a name or a text is too long; Conflict when the address is taken.
    """
    service = Service(organisation_id=organisation_id, slug="", names={}, summaries={})
    _describe(service, names, summaries)
    service.slug = slug_of(text_in(service.names, "en"))
    try:
        async with session.begin_nested():
            session.add(service)
            await session.flush()
    except IntegrityError as taken:
        raise Conflict("service.taken", field="name_en", name=text_in(service.names, "en")) from taken
    return service


async def change_service(
    session: AsyncSession, service: Service, names: Mapping[str, str], summaries: Mapping[str, str]
) -> None:
    """Describe a service anew; its address stays. Raises Invalid as add_service does."""
    _describe(service, names, summaries)
    session.add(service)
    await session.flush()


def _describe(service: Service, names: Mapping[str, str], summaries: Mapping[str, str]) -> None:
    service.names = _texts(names, "name", LONGEST_NAME)
    service.summaries = _texts(summaries, "summary", LONGEST_SUMMARY)
    if not service.names:
        raise Invalid("text.missing", field="name_en")


def _texts(given: Mapping[str, str], field: str, limit: int) -> Texts:
    """Keep the languages that say something."""
    texts = {language: text.strip() for language, text in given.items() if text.strip()}
    for language, text in texts.items():
        if len(text) > limit:
            raise Invalid("text.too_long", field=f"{field}_{language}", limit=limit, found=len(text))
    return texts
