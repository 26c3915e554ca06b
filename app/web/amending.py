"""Change a frozen vote with two people: one asks and says why, another agrees. Templates: templates/amending/."""

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.i18n import moment_filter
from app.jobs.store import enqueue
from app.web.respond import AnyRequest, language_of, onward, page
from app.web.session import house_of, visitor_of
from ballots import halting
from ballots.keys import Keys
from commons.errors import Conflict, Invalid
from commons.organisations.store import get_host
from commons.zones import read_moment
from polls import amendments
from polls.lifecycle import TAKES_TIME, Kind, kinds_in
from polls.store import find_amendments, get_poll, get_poll_at, hold_amendment


class Asking(Controller):
    """Ask for a change, with the reason that everybody will read."""

    path = "/{lang:str}/manage/votes/{slug:str}/amend"

    @get(name="manage.vote_change")
    async def begin(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show what can be changed in the present state."""
        return await _form(request, slug)

    @post(name="manage.vote_amend")
    async def ask(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Ask for it; nothing changes before a second person agrees."""
        visitor, keys = visitor_of(request), Keys(house_of(request).config.keys)
        reason = visitor.text("reason")

        async def work(session: AsyncSession) -> None:
            poll = await get_poll_at(session, slug)
            zone = (await get_host(session)).zone
            if (said := visitor.text("kind")) not in set(Kind):
                raise Invalid("amendment.missing", field="kind")
            kind = Kind(said)
            if kind is Kind.SET_ASIDE:
                await halting.ask_to_set_aside(session, keys, poll.id, reason, visitor.known_id)
                return
            moment = read_moment(visitor.text("time"), zone, "time") if kind in TAKES_TIME else None
            values = {"time": moment.isoformat()} if moment else {}
            await amendments.ask(session, poll.id, kind, reason, visitor.known_id, values)

        try:
            await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _form(request, slug, error)
        return onward(request, "manage.vote", done="asked", slug=slug)


class Deciding(Controller):
    """Agree to a change that somebody else asked for, or refuse it."""

    path = "/{lang:str}/manage/amendments"

    @post("/{amendment_id:uuid}", name="manage.amendment")
    async def decide(self, request: AnyRequest, lang: FromPath[str], amendment_id: FromPath[UUID]) -> Response[str]:
        """Decide on it. Who asked may take it back, not agree."""
        visitor, keys = visitor_of(request), Keys(house_of(request).config.keys)
        if (said := visitor.text("decision")) not in {"agree", "refuse"}:
            raise Invalid("amendment.undecided")

        async def work(session: AsyncSession) -> str:
            if said == "agree":
                poll = await halting.agree(session, keys, amendment_id, visitor.known_id)
                await enqueue(session, "ledger.sequence")
            else:
                await amendments.refuse(session, amendment_id, visitor.known_id)
                poll = await get_poll(session, (await hold_amendment(session, amendment_id)).poll_id)
            return poll.slug

        slug = await house_of(request).db.write(work)
        return onward(request, "manage.vote", done="agreed" if said == "agree" else "refused", slug=slug)


async def _form(request: AnyRequest, slug: str, error: Invalid | Conflict | None = None) -> Response[str]:
    visitor = visitor_of(request)
    async with house_of(request).db.reading() as session:
        zone = (await get_host(session)).zone
        poll = await get_poll_at(session, slug)
        asked = {each.kind for each in await find_amendments(session, poll.id) if each.waits}
    return await page(
        request,
        "amending/amend.html",
        error.status if error else 200,
        poll=poll,
        kinds=[kind for kind in kinds_in(poll.state) if kind not in asked],
        takes_time=TAKES_TIME,
        zone=zone,
        typed={name: visitor.text(name) for name in ("kind", "time", "reason")},
        error=_by_the_wall(error, language_of(request), zone) if error else None,
    )


def _by_the_wall(error: Invalid | Conflict, lang: str, zone: str) -> Invalid | Conflict:
    """Let an error name a time as the page does: in the organisation's zone."""
    if "than" not in error.facts:
        return error
    than = moment_filter(lang, zone)(datetime.fromisoformat(str(error.facts["than"])))
    return type(error)(error.code, field=error.field, **error.facts | {"than": than})


ROUTES = [Asking, Deciding]
