"""The counter's second screen: set up by an agent, joined by a code, shown to one person after another.

The agent learns whether it waits or is in use, and nothing else; the screen says no name.
Templates: templates/screens/.
"""

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.booth import VALID_FOR
from app.accounts.events import note
from app.accounts.guarding import count_screen_code, screen_code_was_right
from app.accounts.limits import networks_of
from app.accounts.roll.codes import shown
from app.accounts.roll.voters import Voter
from app.accounts.screens.joining import LASTS, Joined, code_of, read_code, seal_joined
from app.accounts.screens.store import (
    Seen,
    Use,
    extend,
    find_own,
    free,
    join,
    leave,
    look,
    part,
    set_up,
    stop,
    take,
)
from app.accounts.tables import Event
from app.qr import draw
from app.web.admission import admitted, pass_of, with_pass
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, go, language_of, onward, page, screen_of, wants_piece
from app.web.session import house_of, keep_cookie, visitor_of
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid
from commons.rows import within
from polls.lifecycle import State
from polls.store import find_polls, get_poll, get_public_poll
from polls.tables import Poll

NEVER_KEPT = {"Cache-Control": "no-store"}
WIPED = NEVER_KEPT | {"Clear-Site-Data": '"cache"'}
"""Said when a voter leaves: the button for the page before brings nothing back. The screen's own cookie stays."""
JOIN, HERE = "join", "here"
OVER = "over"
"""What the address says when a browser without scripts comes back because nobody answered."""


class AgentsScreen(Controller):
    """The agent's side: a code for a browser that is to join, and whether the screen is free."""

    path = "/{lang:str}/counter/screen"

    @get(name="counter.screen")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show how the agent's screen stands: a page, or the piece that looks again by itself."""
        config = house_of(request).config
        async with house_of(request).db.reading() as session:
            screen = await find_own(session, config.secret, visitor_of(request).known_id)
        if wants_piece(request):
            if request.query_params.get("seen") == Use.CODE and (screen is None or screen.use is not Use.CODE):
                return onward(request, "counter.screen")
            return await page(request, "screens/_state.html", screen=screen)
        code = code_of(config.secret, screen.screen_id) if screen is not None and screen.use is Use.CODE else ""
        address = f"{config.base_url}{request.app.route_reverse('screens.show', lang=lang)}"
        drawing = draw(f"{address}#{code}") if code else None
        return await page(
            request, "screens/counter.html", screen=screen, code=shown(code), address=address, drawing=drawing
        )

    @post(name="counter.screen_set_up")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Make a code for a browser that is to join; the screen before it parts."""
        house, account_id = house_of(request), visitor_of(request).known_id
        await house.db.write(lambda session: set_up(session, house.config.secret, account_id))
        return onward(request, "counter.screen")

    @post("/free", name="counter.screen_free")
    async def end(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """End what goes on at the screen; it waits again."""
        account_id = visitor_of(request).known_id
        await house_of(request).db.write(lambda session: free(session, account_id))
        return onward(request, "counter.screen", done="screen-ended")

    @post("/part", name="counter.screen_part")
    async def stop(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Part from the screen: it shows nobody's ballot any more."""
        account_id = visitor_of(request).known_id
        await house_of(request).db.write(lambda session: stop(session, account_id))
        return onward(request, "counter.screen", done="saved")


class SecondScreen(Controller):
    """The screen's own page: it joins, waits, and begins when something was handed to it."""

    path = "/{lang:str}/screen"

    @get(name="screens.show")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show what the screen does now. `?seen=` is what a browser with scripts shows: where it is so still, 204."""
        return await _screen(request)

    @post(name="screens.join")
    async def join(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take a code, and make this browser the second screen of the counter that waits with it."""
        house, networks = house_of(request), networks_of(request, house_of(request).config.trusted_proxy)

        async def work(session: AsyncSession) -> Joined:
            joined, agent_id = await join(session, house.config.secret, code, lang)
            await note(session, Event.SCREEN_JOINED, who=agent_id, browser=browser_of(request))
            return joined

        try:
            if visitor_of(request).signed_in:
                raise Conflict("screen.signed_in")
            code = read_code(visitor_of(request).text("screen_code"))
            count_screen_code(house.limits, networks)
            joined = await house.db.write(work)
        except (Invalid, Forbidden, Conflict) as error:
            return await _screen(request, error)
        screen_code_was_right(house.limits, networks)
        keep_cookie(request, house.config.screen_cookie_name, seal_joined(house.config.secret, joined), LASTS)
        keep_cookie(request, house.config.booth_cookie_name, "", VALID_FOR)
        return onward(request, "screens.show")

    @post("/begin", name="screens.take")
    async def take(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take what was handed over, and go to the ballot with a pass that holds for this session."""
        house, joined = house_of(request), screen_of(request)

        async def work(session: AsyncSession) -> tuple[Poll, Voter, str]:
            if joined is None:
                raise Forbidden("screen.gone")
            poll_id, voter = await take(session, house.config.secret, joined)
            poll = await get_poll(session, poll_id)
            return poll, voter, pass_of(house, poll, voter, await now(session))

        try:
            poll, _, booth_pass = await house.db.write(work)
        except (Forbidden, Conflict) as error:
            return await _screen(request, error)
        keep_cookie(request, house.config.booth_cookie_name, booth_pass, VALID_FOR)
        return onward(request, "votes.show", slug=poll.slug)

    @post("/part", name="screens.part")
    async def part(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Be a second screen no longer."""
        config = house_of(request).config
        if (joined := screen_of(request)) is not None:
            await house_of(request).db.write(lambda session: part(session, joined))
        for name in (config.screen_cookie_name, config.booth_cookie_name):
            keep_cookie(request, name, "", LASTS)
        return _wiped(onward(request, "screens.show"))


class AtTheScreen(Controller):
    """What a voter at the screen can do beside voting: say that they are there, and leave."""

    path = "/{lang:str}/votes/{slug:str}"

    @post("/still", name="screens.stay")
    async def stay(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Begin the time anew, for whoever is still there."""
        house, joined = house_of(request), screen_of(request)
        async with house.db.reading() as session:
            poll = await get_public_poll(session, slug)
            voter = await admitted(request, session, poll)
        if joined is None or voter is None or not voter.session:
            return onward(request, "screens.show")
        try:
            await house.db.write(lambda session: extend(session, house.config.secret, joined, voter.session))
        except Forbidden:  # the counter ended it at this moment
            return onward(request, "screens.show")
        answer = Response("", status_code=204) if wants_piece(request) else onward(request, "votes.show", slug=slug)
        return await with_pass(request, answer, poll, voter)

    @post("/leave", name="screens.leave")
    async def leave(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """End the session and forget who was here; the next person begins in the language of the counter."""
        house, joined = house_of(request), screen_of(request)
        async with house.db.reading() as session:
            poll = await get_public_poll(session, slug)
            voter = await admitted(request, session, poll)
        if joined is not None and voter is not None and voter.session:
            await house.db.write(lambda session: leave(session, house.config.secret, joined, voter.session))
        keep_cookie(request, house.config.booth_cookie_name, "", VALID_FOR)
        language = lang if joined is None else joined.lang
        return _wiped(go(request, request.app.route_reverse("screens.show", lang=language)))


def _wiped(answer: Response[str]) -> Response[str]:
    answer.headers |= WIPED
    return answer


async def _screen(request: AnyRequest, error: DomainError | None = None) -> Response[str]:
    """Show the screen as it stands, with what went wrong."""
    house, joined, was_told = house_of(request), screen_of(request), request.query_params.get("seen")
    seen, poll = await _look(request, joined)
    state = JOIN if seen is None else Use.WAITING.value if seen.use is Use.IN_USE else seen.use.value
    if poll is not None:
        state = HERE
    if was_told is not None and wants_piece(request):
        if was_told == state:
            return Response("", status_code=204, headers=NEVER_KEPT)
        return go(request, request.app.route_reverse("screens.show", lang=language_of(request)))
    answer = await page(
        request,
        "screens/show.html",
        error.status if error else 200,
        state=state,
        screen=seen,
        poll=poll,
        is_gone=joined is not None and seen is None,
        typed=visitor_of(request).text("screen_code"),
        error=error,
    )
    answer.headers |= NEVER_KEPT
    if joined is not None and seen is None:
        keep_cookie(request, house.config.screen_cookie_name, "", LASTS)
    if joined is not None and state != HERE and house.config.booth_cookie_name in request.cookies:
        keep_cookie(request, house.config.booth_cookie_name, "", VALID_FOR)
        answer = _wiped(answer)
    return answer


async def _look(request: AnyRequest, joined: Joined | None) -> tuple[Seen | None, Poll | None]:
    """Find how this screen stands, and the vote whose ballot is open on it; none where nobody answered in time."""
    if joined is None:
        return None, None
    async with house_of(request).db.reading() as session:
        seen = await within(session, look, house_of(request).config.secret, joined, await now(session))
        if seen is None or seen.use is not Use.IN_USE or OVER in request.query_params:
            return seen, None
        for poll in await find_polls(session, State.OPEN):
            if await admitted(request, session, poll) is not None:
                return seen, poll
    return seen, None


ROUTES = [AgentsScreen, SecondScreen, AtTheScreen]
