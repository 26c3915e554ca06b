"""All votes of the house, who must be trusted, and the files of a vote while it runs. Templates: templates/votes/."""

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest, page, page_number
from app.web.session import house_of
from ballots.store import get_list, lines_of
from commons.canonical import readable
from commons.errors import NotFound
from polls.lifecycle import State
from polls.store import PER_PAGE, get_public_poll, list_polls

COMING = (State.LOCKED,)
RUNNING = (State.OPEN, State.SUSPENDED)
OVER = (State.CLOSING, State.HALTED, State.CLOSED, State.PUBLISHED, State.ANNULLED)
CARD = "card.json"
LISTS = {"roll.txt": "roll", "took_part.txt": "took_part", "box.txt": "box"}


class VotePages(Controller):
    """What is asked, was asked and will be asked."""

    path = "/{lang:str}"

    @get("/votes", name="votes.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the votes: open ones, coming ones, and those that are over, page by page."""
        number = page_number(request)
        async with house_of(request).db.reading() as session:
            running, _ = await list_polls(session, RUNNING, 1, soonest=True)
            coming, _ = await list_polls(session, COMING, 1, soonest=True)
            over, total = await list_polls(session, OVER, number)
            pages = max(1, -(-total // PER_PAGE))
            if number > pages:  # beyond the end, the last page is shown
                number, (over, _) = pages, await list_polls(session, OVER, pages)
        return await page(
            request, "votes/index.html", running=running, coming=coming, over=over, number=number, pages=pages
        )

    @get("/secrecy", name="votes.secrecy")
    async def secrecy(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Say what a sealed vote keeps to itself, and who must still be trusted."""
        return await page(request, "votes/secrecy.html")


class VoteFiles(Controller):
    """The card and the public lists of a vote from its opening on; its whole archive comes with the result."""

    path = "/votes/{slug:str}"

    @get("/{name:str}", name="votes.file")
    async def file(self, request: AnyRequest, slug: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """Give one file, byte for byte."""
        async with house_of(request).db.reading() as session:
            poll = await get_public_poll(session, slug)
            if name == CARD:
                return Response(readable(poll.card), media_type="application/json")
            if name not in LISTS:
                raise NotFound("list.unknown", name=name[:100])
            data = lines_of(await get_list(session, poll.id, LISTS[name]))
        return Response(data, media_type="text/plain")


ROUTES = [VotePages, VoteFiles]
