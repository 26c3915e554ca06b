"""The organisation's own pages: about, contact, help, privacy, accessibility, terms. Templates: templates/pages/.

Each has a first text that comes with Khma, in four languages; the organisation may replace it in any of them.
"""

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.jobs.clocks import CLOCKS
from app.web.respond import AnyRequest, page
from app.web.session import house_of
from app.writing import to_html
from commons.organisations.store import find_page, get_host


class OrganisationPages(Controller):
    """Read what the organisation says about itself."""

    path = "/{lang:str}/pages/{key:str}"

    @get(name="pages.show")
    async def show(self, request: AnyRequest, lang: FromPath[str], key: FromPath[str]) -> Response[str]:
        """Show one page: the organisation's own text, else the first one; on privacy, also what is kept how long."""
        async with house_of(request).db.reading() as session:
            own = await find_page(session, (await get_host(session)).id, key, lang)
        clocks = CLOCKS if key == "privacy" else ()
        if own is None:
            return await page(request, f"pages/{key}.html", key=key, clocks=clocks)
        return await page(request, "pages/own.html", key=key, own=own, body=to_html(own.body), clocks=clocks)


ROUTES = [OrganisationPages]
