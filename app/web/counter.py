"""The counter: find a person on the roll of an open vote, give them a slip, or mark that they vote on paper.

Whoever works here never sees a code or a choice, and is not told who has voted. Which document was seen is not kept.
Templates: templates/counter/.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.prints.binding import bind
from app.accounts.roll.lookup import FoundLines, find_lines
from app.accounts.roll.store import get_line
from app.accounts.roll.voters import Voter
from app.accounts.screens.store import find_own, offer
from app.accounts.tables import Event, RollLine
from app.jobs.store import enqueue
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, onward, page
from app.web.session import house_of, visitor_of
from ballots import paper
from ballots.assisted import note_act
from ballots.eligibility import check_eligible
from ballots.keys import Keys
from ballots.tables import Act
from commons.approvals.tables import Decision
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from polls.lifecycle import State, check_accepting
from polls.store import find_polls, get_public_poll
from polls.tables import Poll

FEWEST_SIGNS = 2
LONGEST_SEARCH = 100


@dataclass(frozen=True)
class Present:
    """Somebody at the counter of a vote: their line, what stands for them in the vote's lists."""

    poll: Poll
    line: RollLine
    tag: bytes

    @property
    def voter(self) -> Voter:
        """Who they are to the vote."""
        is_struck = self.line.struck_at is not None
        return Voter(self.line.id, self.line.roll_id, 0, is_struck, known=self.line.facts)


class Counter(Controller):
    """The way to a person."""

    path = "/{lang:str}/counter"

    @get(name="counter.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the open votes."""
        async with house_of(request).db.reading() as session:
            polls = [poll for poll in await find_polls(session, State.OPEN) if _has_roll(poll)]
        return await page(request, "counter/index.html", polls=polls)

    @get("/{slug:str}", name="counter.vote")
    async def vote(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show the search of one vote."""
        return await _search(request, slug)

    @post("/{slug:str}", name="counter.find")
    async def find(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Find people by number or name; a form that is sent, since a name belongs in no address."""
        wanted = " ".join(visitor_of(request).text("q").split())[:LONGEST_SEARCH]
        if len(wanted) < FEWEST_SIGNS:
            return await _search(request, slug, error=Invalid("counter.short", field="q"))
        async with house_of(request).db.reading() as session:
            poll = await get_public_poll(session, slug)
            found = await find_lines(session, _roll_of(poll), wanted)
        return await _search(request, slug, found)


class Desk(Controller):
    """One person at the counter."""

    path = "/{lang:str}/counter/{slug:str}/people/{line_id:uuid}"

    @get(name="counter.person")
    async def show(
        self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Show what can be done for a person."""
        return await _person(request, slug, line_id)

    @post("/slip", name="counter.bind")
    async def give(
        self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Give them a slip: its code wakes, and older ones of theirs are void."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> None:
            here = await _present(request, session, slug, line_id)
            _check_seen(visitor.text("seen_slip"), "seen_slip")
            check_accepting(here.poll.state, here.poll.closes_at, await now(session))
            if await paper.is_marked(session, here.poll.id, here.tag):
                raise Conflict("paper.marked")
            replaced = await bind(session, here.line.roll_id, line_id, visitor.text("slip"))
            await _tell(request, session, here, Act.SLIP_REPLACED if replaced else Act.SLIP_BOUND)
            await _log(request, session, Event.SLIP_BOUND, here.poll)

        return await _done(request, slug, line_id, "bound", work)

    @post("/paper", name="counter.paper")
    async def mark(
        self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Mark that they vote on paper, if they took no part in any way."""
        keys, visitor = Keys(house_of(request).config.keys), visitor_of(request)

        async def work(session: AsyncSession) -> None:
            here = await _present(request, session, slug, line_id)
            _check_seen(visitor.text("seen_paper"), "seen_paper")
            await paper.mark(session, keys, here.poll.id, here.tag, here.voter.facts(here.poll.eligibility))
            await _tell(request, session, here, Act.PAPER_MARKED)
            await _log(request, session, Event.PAPER_MARKED, here.poll)

        return await _done(request, slug, line_id, "on-paper", work)

    @post("/screen", name="counter.open_screen")
    async def open_screen(
        self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Open their ballot on the agent's second screen. Codes they have go on working: one line, one vote."""
        visitor, secret = visitor_of(request), house_of(request).config.secret

        async def work(session: AsyncSession) -> None:
            here = await _present(request, session, slug, line_id)
            _check_seen(visitor.text("seen_screen"), "seen_screen")
            check_accepting(here.poll.state, here.poll.closes_at, await now(session))
            check_eligible(here.voter.facts(here.poll.eligibility), here.poll.roll_id)
            if await paper.is_marked(session, here.poll.id, here.tag):
                raise Conflict("paper.marked")
            await offer(session, secret, visitor.known_id, here.poll.id, line_id)
            await _tell(request, session, here, Act.SCREEN_OPENED)
            await _log(request, session, Event.SCREEN_OPENED, here.poll, day_alone=True)

        return await _done(request, slug, line_id, "screen-opened", work)

    @post("/back", name="counter.ask_back")
    async def ask(
        self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Ask that a mark made by mistake be taken back; a second person decides."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> None:
            here = await _present(request, session, slug, line_id)
            done = await paper.ask_to_release(session, here.poll.id, here.tag, visitor.text("reason"), visitor.known_id)
            await _log(request, session, Event.PAPER_RELEASE_ASKED, here.poll)
            if done:
                await _tell(request, session, here, Act.PAPER_RELEASED)
                await _log(request, session, Event.PAPER_RELEASED, here.poll)
            await enqueue(session, "ledger.sequence")

        return await _done(request, slug, line_id, "saved", work)

    @post("/back/decide", name="counter.decide_back")
    async def decide(
        self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Decide on it, as somebody else than the one who asked."""
        visitor = visitor_of(request)
        if (said := visitor.text("decision")) not in {"agree", "refuse"}:
            raise Invalid("amendment.undecided")
        decision = Decision.APPROVED if said == "agree" else Decision.REFUSED

        async def work(session: AsyncSession) -> None:
            here = await _present(request, session, slug, line_id)
            await paper.settle(session, here.poll.id, here.tag, visitor.known_id, decision)
            if decision is Decision.APPROVED:
                await _tell(request, session, here, Act.PAPER_RELEASED)
                await _log(request, session, Event.PAPER_RELEASED, here.poll)
                await enqueue(session, "ledger.sequence")

        return await _done(request, slug, line_id, "agreed" if said == "agree" else "refused", work)


def _has_roll(poll: Poll) -> bool:
    """Tell whether an office keeps the list of a vote: in one open to all there is nobody to check in."""
    return poll.roll_id is not None and not poll.open_to_all


def _roll_of(poll: Poll) -> UUID:
    if poll.roll_id is None or not _has_roll(poll):
        raise NotFound("roll.unknown")
    return poll.roll_id


def _check_seen(said: str, field: str) -> None:
    if said != "yes":
        raise Invalid("counter.unseen", field=field)


async def _present(request: AnyRequest, session: AsyncSession, slug: str, line_id: UUID) -> Present:
    poll = await get_public_poll(session, slug)
    line = await get_line(session, _roll_of(poll), line_id)
    return Present(poll, line, Keys(house_of(request).config.keys).tag(poll.id, line.id.bytes))


async def _tell(request: AnyRequest, session: AsyncSession, here: Present, act: Act) -> None:
    """Note for the voter what was done; they find it behind their code."""
    await note_act(session, Keys(house_of(request).config.keys), here.poll, here.line.id.bytes, act)


async def _log(
    request: AnyRequest, session: AsyncSession, event: Event, poll: Poll, *, day_alone: bool = False
) -> None:
    """Write down who did what, for which vote, and not for whom; by day alone what tells when somebody votes."""
    who, browser = visitor_of(request).known_id, browser_of(request)
    await note(session, event, who=who, browser=browser, about=poll.slug, day_alone=day_alone)


async def _done(
    request: AnyRequest, slug: str, line_id: UUID, done: str, work: Callable[[AsyncSession], Awaitable[None]]
) -> Response[str]:
    """Do it, and show the person's page again: with what was done, or with what went wrong."""
    try:
        await house_of(request).db.write(work)
    except (Invalid, Conflict, Forbidden) as error:
        return await _person(request, slug, line_id, error)
    return onward(request, "counter.person", done=done, slug=slug, line_id=line_id)


async def _search(
    request: AnyRequest, slug: str, found: FoundLines | None = None, error: Invalid | None = None
) -> Response[str]:
    async with house_of(request).db.reading() as session:
        poll = await get_public_poll(session, slug)
        is_open = poll.state is State.OPEN and await now(session) < poll.closes_at
    return await page(
        request,
        "counter/vote.html",
        error.status if error else 200,
        poll=poll,
        is_open=is_open,
        found=found,
        q=visitor_of(request).text("q"),
        error=error,
    )


async def _person(request: AnyRequest, slug: str, line_id: UUID, error: DomainError | None = None) -> Response[str]:
    visitor = visitor_of(request)
    async with house_of(request).db.reading() as session:
        here = await _present(request, session, slug, line_id)
        is_open = here.poll.state is State.OPEN and await now(session) < here.poll.closes_at
        on_paper = await paper.is_marked(session, here.poll.id, here.tag)
        asked = await paper.find_request(session, here.poll.id, here.tag) if on_paper else None
        screen = await find_own(session, house_of(request).config.secret, visitor.known_id)
    return await page(
        request,
        "counter/person.html",
        error.status if error else 200,
        poll=here.poll,
        line=here.line,
        is_open=is_open,
        on_paper=on_paper,
        asked=asked,
        screen=screen,
        typed={name: visitor.text(name) for name in ("slip", "reason")},
        error=error,
    )


ROUTES = [Counter, Desk]
