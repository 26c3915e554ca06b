"""The service catalogue, and taking a service off its pages. Templates: templates/services/."""

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.jobs.store import enqueue
from app.web.respond import AnyRequest, onward, page, page_number, wants_piece
from app.web.session import house_of, visitor_of
from commons.errors import Invalid
from commons.media.store import get_picture
from commons.moderation.store import find_measure, hide, show_again
from commons.moderation.tables import Rule
from commons.organisations.store import get_host
from commons.services.store import ADDRESS, find_services, get_service

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
        """Show one service, or why it was taken off."""
        return await _service(request, slug)


class Hiding(Controller):
    """Take a service off the pages and show it again, each with a reason that everybody will read."""

    path = "/{lang:str}/manage/services/{slug:str}"

    @post("/hide", name="services.hide")
    async def hide(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Take it off, by a house rule."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> None:
            await get_service(session, (await get_host(session)).id, slug)
            await hide(session, ADDRESS + slug, visitor.text("rule"), visitor.text("reason"), visitor.known_id)
            await enqueue(session, "ledger.sequence")

        try:
            await house_of(request).db.write(work)
        except Invalid as error:
            return await _service(request, slug, error)
        return onward(request, "services.show", done="hidden", slug=slug)

    @post("/show-again", name="services.show_again")
    async def show_again(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show it again."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> None:
            await get_service(session, (await get_host(session)).id, slug)
            await show_again(session, ADDRESS + slug, visitor.text("reason"), visitor.known_id)
            await enqueue(session, "ledger.sequence")

        try:
            await house_of(request).db.write(work)
        except Invalid as error:
            return await _service(request, slug, error)
        return onward(request, "services.show", done="shown", slug=slug)


async def _service(request: AnyRequest, slug: str, error: Invalid | None = None) -> Response[str]:
    typed = {name: visitor_of(request).text(name) for name in ("rule", "reason")}
    async with house_of(request).db.reading() as session:
        service = await get_service(session, (await get_host(session)).id, slug)
        measure = await find_measure(session, ADDRESS + slug)
        picture = await get_picture(session, service.picture) if service.picture and measure is None else None
    if measure is not None:
        status = error.status if error else 410
        return await page(
            request, "services/hidden.html", status, service=service, measure=measure, typed=typed, error=error
        )
    address = request.app.route_reverse("pictures.show", picture_id=service.picture) if picture else ""
    return await page(
        request,
        "services/show.html",
        error.status if error else 200,
        service=service,
        picture=picture,
        picture_address=address,
        rules=list(Rule),
        typed=typed,
        error=error,
    )


ROUTES = [ServicePages, Hiding]
