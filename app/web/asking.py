"""Ask what comes first: write a vote, see its card and its ballot, lock it, open it. Templates: templates/asking/."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.freezing import count_fitting, lines_at_opening
from app.accounts.roll.newcomers.store import give_roll
from app.accounts.roll.store import find_rolls
from app.accounts.tables import Roll
from app.config import LANGUAGES
from app.jobs.store import enqueue
from app.web.respond import AnyRequest, language_of, onward, page, page_number
from app.web.session import house_of, visitor_of
from ballots.keys import Keys
from ballots.preparing import CUSTODIANS, agree_to_open, lock, start
from ballots.store import find_custodians, find_custody
from commons.canonical import readable
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid
from commons.ledger import reading
from commons.organisations.store import get_host
from commons.services.store import all_services
from commons.services.tables import Service
from commons.zones import read_moment, write_moment
from polls.drafting import card_of, draft, repeat, revise
from polls.kinds import RULES
from polls.lifecycle import State, check_change, kinds_in
from polls.store import PER_PAGE, find_amendments, find_repeat, get_poll, get_poll_at, list_polls
from polls.typed import Typed, TypedVote, written

OPENER = "key file"
TYPED_OPTIONS = 5
MOST_TICKED = 12
"""A catalogue of up to so many services stands on the form ticked: a ballot that people can still oversee."""
OPENS_AFTER, OPENS_AT = timedelta(days=1), 9
CLOSES_AFTER, CLOSES_AT = timedelta(days=15), 20
MOST_LINES = 20


class AskingPages(Controller):
    """From a question to an open vote."""

    path = "/{lang:str}/manage/votes"

    @get(name="manage.votes")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the votes in every state."""
        number = page_number(request)
        async with house_of(request).db.reading() as session:
            found, total = await list_polls(session, list(State), number)
            pages = max(1, -(-total // PER_PAGE))
            if number > pages:  # beyond the end, the last page is shown
                number, (found, _) = pages, await list_polls(session, list(State), pages)
        return await page(request, "asking/votes.html", found=found, number=number, pages=pages)

    @get("/new", name="manage.vote_new")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the form with what is likely to be meant."""
        return await _new(request)

    @post("/new", name="manage.vote_add")
    async def add(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Keep a draft, or show the form again with all that was typed."""
        typed = _sent(request)

        async def work(session: AsyncSession) -> str:
            host = await get_host(session)
            services = await all_services(session, host.id, lang)
            rolls = await find_rolls(session, host.id)
            form = TypedVote(typed, tuple(LANGUAGES))
            try:
                return (await draft(session, host.id, form.plan(services, _ids(rolls), host))).slug
            except (Invalid, Conflict) as error:
                raise form.placed(error, lang) from error

        try:
            slug = await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _new(request, typed, error)
        return onward(request, "manage.vote", done="saved", slug=slug)

    @get("/{slug:str}", name="manage.vote")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show a vote: its card, its ballot, what is missing, and what was changed; a draft with its form."""
        return await _vote(request, slug)

    @post("/{slug:str}", name="manage.vote_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Write a draft anew."""
        typed = _sent(request)

        async def work(session: AsyncSession) -> None:
            host = await get_host(session)
            poll = await get_poll_at(session, slug)
            if poll.state is not State.DRAFT:  # said before anything else that may be wrong with the form
                raise Conflict("poll.frozen")
            services = await all_services(session, host.id, lang)
            rolls = await find_rolls(session, host.id)
            form = TypedVote(typed, tuple(LANGUAGES))
            try:
                await revise(session, poll.id, form.plan(services, _ids(rolls), host, poll))
            except (Invalid, Conflict) as error:
                raise form.placed(error, lang) from error

        try:
            await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _vote(request, slug, error, typed)
        return onward(request, "manage.vote", done="saved", slug=slug)

    @post("/{slug:str}/lock", name="manage.vote_lock")
    async def lock(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Freeze the rule card and make the keys, and so ask that the vote opens."""
        keys, by = Keys(house_of(request).config.keys), visitor_of(request).known_id

        async def work(session: AsyncSession) -> None:
            poll = await get_poll_at(session, slug)
            check_change(poll.state, State.LOCKED)  # else a key would be made for a box that has none any more
            # Files know no rollback. Keys of a draft that stayed a draft open nothing and name nobody; the next
            # locking finds them and takes them.
            sealing_key = keys.make_opener(poll.id)
            if poll.open_to_all:
                await give_roll(session, poll)
            await lock(session, keys, poll.id, by=by, opener=OPENER, sealing_key=sealing_key)
            await enqueue(session, "ledger.sequence")

        try:
            await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _vote(request, slug, error)
        return onward(request, "manage.vote", done="locked", slug=slug)

    @post("/{slug:str}/agree", name="manage.vote_agree")
    async def agree(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Agree, as a second person, that the vote opens at its time."""
        by = visitor_of(request).known_id

        async def work(session: AsyncSession) -> None:
            await agree_to_open(session, (await get_poll_at(session, slug)).id, by)

        try:
            await house_of(request).db.write(work)
        except (Conflict, Forbidden) as error:
            return await _vote(request, slug, error)
        return onward(request, "manage.vote", done="agreed", slug=slug)

    @post("/{slug:str}/open", name="manage.vote_open")
    async def open(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Freeze the roll and let people vote; the worker does the same by itself at the planned time."""
        keys = Keys(house_of(request).config.keys)

        async def work(session: AsyncSession) -> None:
            poll = await get_poll_at(session, slug)
            await start(session, keys, poll.id, await lines_at_opening(session, poll))
            await enqueue(session, "ledger.sequence")

        try:
            await house_of(request).db.write(work)
        except (Invalid, Conflict) as error:
            return await _vote(request, slug, error)
        return onward(request, "manage.vote", done="opened", slug=slug)

    @post("/{slug:str}/repeat", name="manage.vote_repeat")
    async def repeat(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Write a draft that repeats an annulled vote."""

        async def work(session: AsyncSession) -> str:
            host = await get_host(session)
            poll = await get_poll_at(session, slug)
            opens_at = read_moment(_first_times(await now(session), host.zone)["opens_at"], host.zone, "opens_at")
            return (await repeat(session, poll.id, opens_at or poll.planned_opens_at)).slug

        return onward(request, "manage.vote", done="saved", slug=await house_of(request).db.write(work))


async def _new(
    request: AnyRequest, typed: Typed | None = None, error: Invalid | Conflict | None = None
) -> Response[str]:
    lang = language_of(request)
    async with house_of(request).db.reading() as session:
        host = await get_host(session)
        services = await all_services(session, host.id, lang)
        rolls = await find_rolls(session, host.id)
        moment = await now(session)
    if typed is None:
        typed = _first(request, services, rolls, moment, host.zone)
    form = _form(typed, services, rolls, host.zone)
    return await page(request, "asking/new.html", error.status if error else 200, **form, error=error)


async def _vote(
    request: AnyRequest, slug: str, error: Invalid | Conflict | Forbidden | None = None, typed: Typed | None = None
) -> Response[str]:
    """Show one vote; typed: what stood in its form when it was refused."""
    async with house_of(request).db.reading() as session:
        host = await get_host(session)
        poll = await get_poll_at(session, slug)
        rolls = await find_rolls(session, host.id)
        custody = await find_custody(session, poll.id)
        custodians = [each for _, each in custody] or await find_custodians(session, host.id)
        lines = (await reading.page(session, subject=poll.subject, limit=MOST_LINES)).lines
        amendments = await find_amendments(session, poll.id)
        services = await all_services(session, host.id, language_of(request)) if poll.state is State.DRAFT else []
        repeats = await get_poll(session, poll.repeats) if poll.repeats else None
        repeated = await find_repeat(session, poll.id) if poll.state is State.ANNULLED else None
        moment = await now(session)
        fitting = await count_fitting(session, poll) if poll.state in {State.DRAFT, State.LOCKED} else None
    card = poll.card or card_of(poll, host, OPENER, poll.sealing_key, poll.receipt_key).as_json()
    return await page(
        request,
        "asking/vote.html",
        error.status if error else 200,
        poll=poll,
        card=card,
        card_file=readable(card).decode(),
        roll=next(((roll, size) for roll, size in rolls if roll.id == poll.roll_id), None),
        fitting=fitting,
        custodians=custodians,
        custodians_needed=CUSTODIANS,
        proved=len([each for each, _ in custody if each.proved_at]),
        is_time=moment >= poll.planned_opens_at,
        lines=lines,
        amendments=amendments,
        can_change=bool(kinds_in(poll.state)),
        repeats=repeats,
        repeated=repeated,
        is_refused=typed is not None,
        **_form(written(poll, host.zone) if typed is None else typed, services, rolls, host.zone),
        error=error,
    )


def _sent(request: AnyRequest) -> Typed:
    """Take all that was typed and ticked."""
    visitor = visitor_of(request)
    return {name: visitor.text(name) for name in visitor.form}


def _first(
    request: AnyRequest, services: Sequence[Service], rolls: Sequence[tuple[Roll, int]], moment: datetime, zone: str
) -> Typed:
    """Fill in a new form: tomorrow, for two weeks, a small catalogue ticked, the only roll chosen, our own address."""
    base = house_of(request).config.base_url
    contact = {
        f"objections_{code}": base + request.app.route_reverse("pages.show", lang=code, key="contact")
        for code in LANGUAGES
    }
    ticked = {f"service_{each.slug}": "yes" for each in services if len(services) <= MOST_TICKED}
    roll = {"roll": str(rolls[0][0].id) if len(rolls) == 1 else ""}
    return contact | ticked | roll | _first_times(moment, zone) | {"effect": "advisory"}


def _first_times(moment: datetime, zone: str) -> Typed:
    today = moment.astimezone(ZoneInfo(zone))
    opens_at = (today + OPENS_AFTER).replace(hour=OPENS_AT, minute=0)
    closes_at = (today + CLOSES_AFTER).replace(hour=CLOSES_AT, minute=0)
    return {"opens_at": write_moment(opens_at, zone), "closes_at": write_moment(closes_at, zone)}


def _ids(rolls: Sequence[tuple[Roll, int]]) -> set[str]:
    return {str(roll.id) for roll, _ in rolls}


def _form(typed: Typed, services: Sequence[Service], rolls: Sequence[tuple[Roll, int]], zone: str) -> dict[str, object]:
    """Gather what the form's template needs."""
    most = max([TYPED_OPTIONS, *TypedVote(typed, tuple(LANGUAGES)).numbers])
    given: dict[str, object] = {"typed": typed, "services": services, "rolls": rolls, "zone": zone}
    return given | {"slots": range(1, most + 1), "rules": list(RULES)}


ROUTES = [AskingPages]
