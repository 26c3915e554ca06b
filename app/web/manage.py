"""The manager's rooms: start page, services, the organisation's own pages, letters. Templates: templates/manage/."""

from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.prints.running import find_waiting_runs
from app.accounts.roles.granting import find_wishes
from app.accounts.roll.changes import find_changes
from app.config import LANGUAGES
from app.letters import outbox
from app.letters.outbox import count_letters, list_letters
from app.letters.tables import Fate
from app.web.respond import AnyRequest, onward, page, page_number
from app.web.session import house_of, visitor_of
from commons.approvals.store import find_waiting
from commons.errors import Conflict, Invalid
from commons.media.pictures import LARGEST_FILE_BYTES
from commons.media.store import add_picture
from commons.moderation.store import find_measure
from commons.organisations.store import find_page, get_host, save_page
from commons.organisations.tables import PAGES
from commons.services.store import ADDRESS, add_service, change_service, find_services, get_service
from polls.store import find_waiting_amendments
from results.publication import WITHDRAWAL
from results.store import list_results


class ManagerPages(Controller):
    """Where a manager begins."""

    path = "/{lang:str}/manage"

    @get(name="manage.home")
    async def home(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show what waits, and what can be begun."""
        visitor = visitor_of(request)
        async with house_of(request).db.reading() as session:
            host = await get_host(session)
            waiting = await find_waiting(session, [WITHDRAWAL]) if visitor.may("manage.votes") else []
            changes = await find_waiting_amendments(session, host.id) if visitor.may("manage.votes") else []
            on_rolls = await find_changes(session, visitor.known_id) if visitor.may("rolls.index") else []
            wishes = [each for each in await find_wishes(session, visitor.known_id) if each.may_agree]
            runs = await find_waiting_runs(session, visitor.known_id) if visitor.may("prints.decide") else []
            latest, results_total = await list_results(session, host.id, 1)
            services_total = (await find_services(session, host.id, lang)).total
            bounced = (await count_letters(session)).get(Fate.BOUNCED, 0)
        return await page(
            request,
            "manage/home.html",
            waiting=waiting,
            changes=changes,
            on_rolls=on_rolls,
            wishes=wishes,
            runs=runs,
            latest=latest[:5],
            results_total=results_total,
            services_total=services_total,
            bounced=bounced,
            keys=PAGES,
        )

    @get("/letters", name="manage.letters")
    async def letters(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the letters and their fate."""
        number = page_number(request)
        async with house_of(request).db.reading() as session:
            letters, total = await list_letters(session, number)
            pages = max(1, -(-total // outbox.PER_PAGE))
            if number > pages:  # beyond the end, the last page is shown
                number, (letters, total) = pages, await list_letters(session, pages)
        return await page(request, "manage/letters.html", letters=letters, total=total, number=number, pages=pages)


class PageEditor(Controller):
    """Replace the first texts by the organisation's own, language by language."""

    path = "/{lang:str}/manage/pages/{key:str}"

    @get(name="manage.page")
    async def edit(self, request: AnyRequest, lang: FromPath[str], key: FromPath[str]) -> Response[str]:
        """Show the page's text in the reader's language."""
        async with house_of(request).db.reading() as session:
            own = await find_page(session, (await get_host(session)).id, key, lang)
        title, body = (own.title, own.body) if own else ("", "")
        return await page(request, "manage/page.html", key=key, title=title, body=body, error=None)

    @post(name="manage.page_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], key: FromPath[str]) -> Response[str]:
        """Keep it."""
        visitor = visitor_of(request)
        title, body = visitor.text("title"), visitor.text("body")

        async def work(session: AsyncSession) -> None:
            await save_page(session, (await get_host(session)).id, key, lang, title, body)

        try:
            await house_of(request).db.write(work)
        except Invalid as error:
            return await page(request, "manage/page.html", error.status, key=key, title=title, body=body, error=error)
        return onward(request, "pages.show", done="saved", key=key)


class ServiceEditor(Controller):
    """Add services to the catalogue, describe them anew, give them a picture."""

    path = "/{lang:str}/manage"

    @get("/new-service", name="manage.service_new")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the empty form."""
        return await _service_form(request, None, {}, {})

    @post("/new-service", name="manage.service_add")
    async def add(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Add a service."""
        names, summaries = visitor_of(request).texts("name"), visitor_of(request).texts("summary")

        async def work(session: AsyncSession) -> str:
            return (await add_service(session, (await get_host(session)).id, names, summaries)).slug

        try:
            slug = await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _service_form(request, None, names, summaries, error)
        return onward(request, "services.show", done="saved", slug=slug)

    @get("/services/{slug:str}", name="manage.service")
    async def edit(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show a service's form."""
        async with house_of(request).db.reading() as session:
            service = await get_service(session, (await get_host(session)).id, slug)
        return await _service_form(request, slug, service.names, service.summaries)

    @post("/services/{slug:str}", name="manage.service_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Describe a service anew."""
        names, summaries = visitor_of(request).texts("name"), visitor_of(request).texts("summary")

        async def work(session: AsyncSession) -> None:
            service = await get_service(session, (await get_host(session)).id, slug)
            await change_service(session, service, names, summaries)

        try:
            await house_of(request).db.write(work)
        except Invalid as error:
            return await _service_form(request, slug, names, summaries, error)
        return onward(request, "services.show", done="saved", slug=slug)

    @post(
        "/services/{slug:str}/picture",
        name="manage.service_picture",
        request_max_body_size=LARGEST_FILE_BYTES + 100_000,
    )
    async def picture(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Give a service a picture, with words for those who do not see it."""
        visitor = visitor_of(request)
        sent = visitor.form.get("picture")
        data = await sent.read() if isinstance(sent, UploadFile) else b""
        descriptions = {code: text for code in LANGUAGES if (text := visitor.text(f"description_{code}").strip())}

        async def work(session: AsyncSession) -> None:
            host = await get_host(session)
            service = await get_service(session, host.id, slug)
            if not descriptions:
                raise Invalid("picture.no_description", field=f"description_{lang}")
            service.picture = (await add_picture(session, host.id, data, descriptions)).id
            session.add(service)

        try:
            await house_of(request).db.write(work)
        except Invalid as error:
            async with house_of(request).db.reading() as session:
                service = await get_service(session, (await get_host(session)).id, slug)
            return await _service_form(
                request, slug, service.names, service.summaries, error, visitor.texts("description")
            )
        return onward(request, "services.show", done="saved", slug=slug)


async def _service_form(
    request: AnyRequest,
    slug: str | None,
    names: dict[str, str],
    summaries: dict[str, str],
    error: Invalid | Conflict | None = None,
    descriptions: dict[str, str] | None = None,
) -> Response[str]:
    async with house_of(request).db.reading() as session:
        hidden = slug is not None and await find_measure(session, ADDRESS + slug) is not None
    return await page(
        request,
        "manage/service.html",
        error.status if error else 200,
        slug=slug,
        hidden=hidden,
        names=names,
        summaries=summaries,
        descriptions=descriptions or {},
        error=error,
    )


ROUTES = [ManagerPages, PageEditor, ServiceEditor]
