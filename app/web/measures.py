"""What was taken off the pages, in public: by which house rule, why, and until when. Templates: templates/measures/."""

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest, page, page_number
from app.web.session import house_of
from commons.moderation.store import PER_PAGE, list_measures
from commons.moderation.tables import Rule


class MeasurePages(Controller):
    """Read what was taken off."""

    path = "/{lang:str}/measures"

    @get(name="measures.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the measures, the newest first, and the house rules."""
        number = page_number(request)
        async with house_of(request).db.reading() as session:
            found, total = await list_measures(session, number)
            pages = max(1, -(-total // PER_PAGE))
            if number > pages:  # beyond the end, the last page is shown
                number, (found, _) = pages, await list_measures(session, pages)
        return await page(
            request, "measures/index.html", found=found, total=total, number=number, pages=pages, rules=list(Rule)
        )


ROUTES = [MeasurePages]
