"""The public ledger, line by line, and its signed checkpoint. Templates: templates/ledger/."""

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest, page, page_number
from app.web.session import house_of
from commons.errors import NotFound
from commons.ledger import reading
from commons.ledger.store import newest_checkpoint

PER_PAGE = 50


class LedgerPages(Controller):
    """Read what was written down for good."""

    @get("/{lang:str}/ledger", name="ledger.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the lines, the newest first."""
        number = page_number(request)
        async with house_of(request).db.reading() as session:
            found = await reading.page(session, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
            pages = max(1, -(-found.total // PER_PAGE))
            if number > pages:  # beyond the end, the last page is shown
                number, found = pages, await reading.page(session, offset=(pages - 1) * PER_PAGE, limit=PER_PAGE)
            checkpoint, key = await newest_checkpoint(session), await reading.told_key(session)
        return await page(
            request, "ledger/index.html", found=found, number=number, pages=pages, checkpoint=checkpoint, key=key
        )

    @get("/ledger/checkpoint", name="ledger.checkpoint")
    async def checkpoint(self, request: AnyRequest) -> Response[str]:
        """Give the newest checkpoint as it was signed, for programs."""
        async with house_of(request).db.reading() as session:
            checkpoint = await newest_checkpoint(session)
        if checkpoint is None:
            raise NotFound("ledger.empty")
        return Response(checkpoint.note, media_type="text/plain")


ROUTES = [LedgerPages]
