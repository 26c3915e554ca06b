"""Print runs of a roll: asked for, released by a second person, shown once. Templates: templates/prints/."""

import asyncio
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.prints.running import ask_for, declare_void, find_named, is_under_way, may_ask, settle, show
from app.accounts.prints.slips import Printed, make_slips
from app.accounts.prints.store import find_runs, get_run, tally
from app.accounts.roll.store import MOST_SLIPS, count_factless, count_lines, find_fact_names, get_roll
from app.accounts.tables import PrintRun, RunKind, RunState
from app.jobs.store import enqueue
from app.web.admission import AT_THE_DESK
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, onward, page
from app.web.session import house_of, visitor_of
from ballots.store import find_box, list_sizes
from commons.approvals.tables import Decision
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from commons.tables import Texts
from polls.store import get_public_poll
from polls.tables import Poll

SHOWN_RUNS = 50
NOBODYS = UUID(int=0)
"""A roll that is none: of a vote that names no roll."""


class PrintPages(Controller):
    """The runs of one roll."""

    path = "/{lang:str}/manage/rolls/{roll_id:uuid}/prints"

    @get(name="prints.index")
    async def index(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Show what was printed and what waits, and the form for a new run."""
        return await _runs(request, roll_id)

    @post(name="prints.ask")
    async def ask(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Ask for a run; nothing is printed before a second person has released it."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> bool:
            if (said := visitor.text("kind")) not in set(RunKind):
                raise NotFound("print.unknown")
            asked = (visitor.text("size"), visitor.text("vote"), visitor.text("reason"), visitor.known_id)
            run = await ask_for(session, roll_id, RunKind(said), *asked)
            await enqueue(session, "ledger.sequence")
            return run.state is RunState.RELEASED

        try:
            is_released = await house_of(request).db.write(work)
        except (Invalid, Conflict, Forbidden) as error:
            return await _runs(request, roll_id, error)
        return onward(request, "prints.index", done="released" if is_released else "asked", roll_id=roll_id)


class OneRun(Controller):
    """What becomes of a run."""

    path = "/{lang:str}/manage/prints/{run_id:uuid}"

    @post(name="prints.decide")
    async def decide(self, request: AnyRequest, lang: FromPath[str], run_id: FromPath[UUID]) -> Response[str]:
        """Release it or refuse it, as somebody else than the one who asked."""
        visitor = visitor_of(request)
        if (said := visitor.text("decision")) not in {"agree", "refuse"}:
            raise Invalid("amendment.undecided")
        decision = Decision.APPROVED if said == "agree" else Decision.REFUSED

        async def work(session: AsyncSession) -> PrintRun:
            run = await settle(session, run_id, visitor.known_id, decision)
            await enqueue(session, "ledger.sequence")
            return run

        run = await house_of(request).db.write(work)
        return onward(request, "prints.index", done="released" if said == "agree" else "refused", roll_id=run.roll_id)

    @post("/slips", name="prints.show")
    async def slips(self, request: AnyRequest, lang: FromPath[str], run_id: FromPath[UUID]) -> Response[str]:
        """Draw the codes, and show the slips this one time."""
        house, visitor = house_of(request), visitor_of(request)

        async def work(session: AsyncSession) -> tuple[PrintRun, Poll | None, list[Printed], Texts]:
            run, vote, printed = await show(session, run_id, visitor.known_id, browser_of(request))
            await enqueue(session, "ledger.sequence")
            return run, vote, printed, await find_fact_names(session, run.roll_id)

        run, vote, printed, fact_names = await house.db.write(work)
        address = f"{house.config.base_url}/{lang}/votes" + (f"/{vote.slug}" if vote else "")
        behind = f"{address}?{AT_THE_DESK}=yes" if vote and run.kind is RunKind.DESK else address
        slips = await asyncio.to_thread(make_slips, printed, behind, run.number)
        return await page(
            request,
            "prints/slips.html",
            slips=slips,
            vote=vote,
            address=address,
            roll_id=run.roll_id,
            run=run,
            fact_names=fact_names,
        )

    @post("/void", name="prints.void")
    async def void(self, request: AnyRequest, lang: FromPath[str], run_id: FromPath[UUID]) -> Response[str]:
        """Declare a run void as a whole, when its slips were lost or spoilt."""
        if visitor_of(request).text(f"sure-{run_id}") != "yes":
            async with house_of(request).db.reading() as session:
                roll_id = (await get_run(session, run_id)).roll_id
            return await _runs(request, roll_id, Invalid("roll.void_unsure", field=f"sure-{run_id}"), run_id)

        async def work(session: AsyncSession) -> PrintRun:
            run = await declare_void(session, run_id)
            await enqueue(session, "ledger.sequence")
            return run

        run = await house_of(request).db.write(work)
        return onward(request, "prints.index", done="void", roll_id=run.roll_id)


class PublicNumbers(Controller):
    """How many slips there are, for everybody."""

    path = "/{lang:str}/votes/{slug:str}/slips"

    @get(name="votes.slips")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show the numbers of slips and of paper marks.

        While a vote with this roll is under way, what changes at a counter is kept back: whoever watched the numbers
        would see when somebody came. What was printed stands in the public log anyway.
        """
        async with house_of(request).db.reading() as session:
            poll = await get_public_poll(session, slug)
            numbers = await tally(session, poll.roll_id or NOBODYS)
            kept_back = poll.roll_id is not None and await is_under_way(session, poll.roll_id)
            box, sizes = await find_box(session, poll.id), await list_sizes(session, poll.id)
        return await page(
            request,
            "prints/public.html",
            poll=poll,
            numbers=numbers,
            kept_back=kept_back,
            box=box,
            used=sizes.get("box"),
        )


async def _runs(
    request: AnyRequest, roll_id: UUID, error: DomainError | None = None, unsure: UUID | None = None
) -> Response[str]:
    """Show the runs of a roll. unsure: the run that somebody would have declared void without being sure."""
    visitor = visitor_of(request)
    async with house_of(request).db.reading() as session:
        roll = await get_roll(session, roll_id)
        counts = await count_lines(session, roll_id)
        runs = await find_runs(session, roll_id, SHOWN_RUNS)
        numbers = await tally(session, roll_id)
        votes = await find_named(session, roll_id)
        factless = await count_factless(session, roll_id) if roll.fact_names else 0
        is_free = visitor.may("prints.ask") and await may_ask(session, visitor.known_id)
    return await page(
        request,
        "prints/index.html",
        error.status if error else 200,
        roll=roll,
        counts=counts,
        factless=factless,
        runs=runs,
        numbers=numbers,
        votes=votes,
        may_ask=is_free,
        portion=min(counts.waiting, MOST_SLIPS),
        most=MOST_SLIPS,
        unsure=unsure,
        typed={name: visitor.text(name) for name in ("kind", "size", "vote", "reason")},
        error=error,
    )


ROUTES = [PrintPages, OneRun, PublicNumbers]
