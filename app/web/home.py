"""The front page, and the way to it for those who name no language. Templates: templates/home/."""

from litestar import Controller, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from app.web.respond import AnyRequest, page
from app.web.session import NoLanguage, house_of
from commons.clock import now
from polls.lifecycle import State
from polls.store import list_polls
from results.store import list_results

MOST_SHOWN = 3


class HomePages(Controller):
    """What a citizen can do now, what was decided, and what became of it."""

    @get("/{lang:str}", name="home")
    async def home(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the front page."""
        host = await house_of(request).host()
        if host is None:
            return await page(request, "home/unfounded.html")
        async with house_of(request).db.reading() as session:
            latest, total = await list_results(session, host.id, 1)
            running, running_total = await list_polls(session, [State.OPEN, State.SUSPENDED], 1, soonest=True)
            coming, _ = await list_polls(session, [State.LOCKED], 1, soonest=True)
            moment = await now(session)
        return await page(
            request,
            "home/home.html",
            latest=latest[:MOST_SHOWN],
            total=total,
            running=running[:MOST_SHOWN],
            running_total=running_total,
            coming=coming[:MOST_SHOWN],
            now=moment,
        )


@get("/", name="start")
async def start(request: AnyRequest) -> Response[str]:
    """Send the reader to the front page in their language."""
    raise NoLanguage


ROUTES: list[ControllerRouterHandler] = [HomePages, start]
