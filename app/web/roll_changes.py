"""Strike somebody off a roll while a vote is under way, or put them back: two people. Templates: templates/rolls/."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.changes import RESTORE, STRIKE, Change, ask_for, settle
from app.accounts.roll.store import find_freezing, get_line, get_roll
from app.jobs.store import enqueue
from app.web.respond import AnyRequest, onward, page
from app.web.session import house_of, visitor_of
from commons.approvals.tables import Decision
from commons.errors import Conflict, Invalid


class AskingForChanges(Controller):
    """Ask for it, and say why."""

    path = "/{lang:str}/manage/rolls/{roll_id:uuid}/lines/{line_id:uuid}/change"

    @get(name="rolls.change")
    async def begin(
        self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Show who it is about, and the form for the reason."""
        return await _form(request, roll_id, line_id)

    @post(name="rolls.change_ask")
    async def ask(
        self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Ask for it; nothing changes before a second person agrees."""
        visitor = visitor_of(request)
        action = RESTORE if visitor.text("do") == "restore" else STRIKE

        async def work(session: AsyncSession) -> bool:
            change = Change(action, roll_id, line_id)
            is_done = await ask_for(session, change, visitor.text("reason"), visitor.known_id)
            if is_done:
                await enqueue(session, "ledger.sequence")
            return is_done

        try:
            is_done = await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _form(request, roll_id, line_id, error)
        return onward(request, "rolls.show", done="agreed" if is_done else "asked", roll_id=roll_id)


class DecidingOnChanges(Controller):
    """Agree that somebody be struck off or put back, or refuse."""

    path = "/{lang:str}/manage/roll-changes"

    @post("/{approval_id:uuid}", name="rolls.decide")
    async def decide(self, request: AnyRequest, lang: FromPath[str], approval_id: FromPath[UUID]) -> Response[str]:
        """Decide on it, as somebody else than the one who asked."""
        visitor = visitor_of(request)
        if (said := visitor.text("decision")) not in {"agree", "refuse"}:
            raise Invalid("amendment.undecided")
        decision = Decision.APPROVED if said == "agree" else Decision.REFUSED

        async def work(session: AsyncSession) -> UUID:
            change = await settle(session, approval_id, visitor.known_id, decision)
            if decision is Decision.APPROVED:
                await enqueue(session, "ledger.sequence")
            return change.roll_id

        roll_id = await house_of(request).db.write(work)
        done = "agreed" if decision is Decision.APPROVED else "refused"
        return onward(request, "rolls.show", done=done, roll_id=roll_id)


async def _form(
    request: AnyRequest, roll_id: UUID, line_id: UUID, error: Invalid | Conflict | None = None
) -> Response[str]:
    async with house_of(request).db.reading() as session:
        roll = await get_roll(session, roll_id)
        line = await get_line(session, roll_id, line_id)
        votes = await find_freezing(session, roll_id)
    return await page(
        request,
        "rolls/change.html",
        error.status if error else 200,
        roll=roll,
        line=line,
        votes=votes,
        reason=visitor_of(request).text("reason"),
        error=error,
    )


ROUTES = [AskingForChanges, DecidingOnChanges]
