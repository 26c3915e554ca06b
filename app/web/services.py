"""The service catalogue. Templates: templates/services/."""

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest, page, page_number, wants_piece
from app.web.session import house_of
from commons.media.store import get_picture
from commons.organisations.store import get_host
from commons.services.store import find_services, get_service

LONGEST_SEARCH = 100


class ServicePages(Controller):
    """Look services up, and read about one."""

    path = "/{lang:str}/services"

    @get(name="services.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the services, or those that fit a search."""
        q = request.query_params.get("q", "")[:LONGEST_SEARCH]
        async with house_of(request).db.reading() as session:
            host = await get_host(session)
            found = await find_services(session, host.id, lang, q, page_number(request))
        template = "services/_list.html" if wants_piece(request) else "services/index.html"
        return await page(request, template, found=found, q=q)

    @get("/{slug:str}", name="services.show")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show one service."""
        async with house_of(request).db.reading() as session:
            host = await get_host(session)
            service = await get_service(session, host.id, slug)
            picture = await get_picture(session, service.picture) if service.picture else None
        address = request.app.route_reverse("pictures.show", picture_id=service.picture) if picture else ""
        return await page(request, "services/show.html", service=service, picture=picture, picture_address=address)


ROUTES = [ServicePages]
