"""Ask what comes first: write a vote, see its card and its ballot, lock it, open it. Templates: templates/asking/."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
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
from commons.organisations.tables import Organisation
from commons.services.store import all_services
from commons.services.tables import Service
from commons.zones import read_moment, write_moment
from polls.drafting import MOST_OPTIONS, Plan, card_of, draft, option_of, repeat, revise
from polls.eligibility.simple import rule_typed, typed_of
from polls.kinds import MOST_RANKED_EVER, RULES
from polls.lifecycle import State, check_change, kinds_in
from polls.store import PER_PAGE, find_amendments, find_repeat, get_poll, get_poll_at, list_polls
from polls.tables import MOST_RANKED, Poll

OPENER = "key file"
TYPED_OPTIONS = 5
MOST_TICKED = 12
"""A catalogue of up to so many services stands on the form ticked: a ballot that people can still oversee."""
OPENS_AFTER, OPENS_AT = timedelta(days=1), 9
CLOSES_AFTER, CLOSES_AT = timedelta(days=15), 20
OBJECTIONS = timedelta(days=14)
MOST_LINES = 20
NUMBERS = ("seats", "budget", "points")
"""What a rule may be given besides, as whole numbers."""
MOST_DIGITS = 15
EVERYBODY = "everybody"
"""What the form sends, in place of a roll, for a vote open to all."""

Typed = dict[str, str]
"""What stands in the form, by field: texts as they were typed, and "yes" for the box of each ticked service."""


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
            fields: list[str] = []
            try:
                return (await draft(session, host.id, _plan(typed, services, rolls, host, fields))).slug
            except (Invalid, Conflict) as error:
                raise _placed(error, fields, typed, lang) from error

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
            fields: list[str] = []
            try:
                await revise(session, poll.id, _plan(typed, services, rolls, host, fields, poll))
            except (Invalid, Conflict) as error:
                raise _placed(error, fields, typed, lang) from error

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
        **_form(_written(poll, host.zone) if typed is None else typed, services, rolls, host.zone),
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


def _written(poll: Poll, zone: str) -> Typed:
    """Fill in the form of a draft with what it says."""
    typed = {
        "roll": EVERYBODY if poll.open_to_all else str(poll.roll_id or ""),
        "most_ranked": str(poll.most_ranked),
        "rule": poll.rule,
        "equal": "yes" if poll.terms.get("equal") else "",
        "effect": "binding" if poll.binding else "advisory",
        "opens_at": write_moment(poll.planned_opens_at, zone),
        "closes_at": write_moment(poll.planned_closes_at, zone),
        "publishes_at": write_moment(poll.planned_publishes_at, zone),
        "objections_until": write_moment(poll.objections_until, zone),
    }
    typed |= typed_of(poll.eligibility)
    typed |= {name: str(poll.terms.get(name, "")) for name in NUMBERS}
    for name, texts in (
        ("title", poll.titles),
        ("question", poll.questions),
        ("objections", poll.objections),
        ("legal_basis", poll.legal_basis),
    ):
        typed |= {f"{name}_{code}": text for code, text in texts.items()}
    for each in poll.options:
        if each["service"]:
            typed |= {f"service_{each['service']}": "yes", f"cost_service_{each['service']}": str(each.get("cost", ""))}
    for number, each in enumerate((each for each in poll.options if not each["service"]), start=1):
        typed |= {f"typed_{number}_{code}": name for code, name in each["names"].items()}
        typed[f"cost_typed_{number}"] = str(each.get("cost", ""))
    return typed


def _form(typed: Typed, services: Sequence[Service], rolls: Sequence[tuple[Roll, int]], zone: str) -> dict[str, object]:
    """Gather what the form's template needs."""
    most = max([TYPED_OPTIONS, *_typed_numbers(typed)])
    return {
        "typed": typed,
        "services": services,
        "rolls": rolls,
        "zone": zone,
        "slots": range(1, most + 1),
        "rules": list(RULES),
    }


def _typed_numbers(typed: Typed) -> list[int]:
    """Find the numbers of the options that were typed, not taken from the catalogue."""
    codes = LANGUAGES
    return [n for n in range(1, MOST_OPTIONS + 1) if any(typed.get(f"typed_{n}_{code}", "").strip() for code in codes)]


def _plan(
    typed: Typed,
    services: Sequence[Service],
    rolls: Sequence[tuple[Roll, int]],
    host: Organisation,
    fields: list[str],
    before: Poll | None = None,
) -> Plan:
    """Read the form.

    fields: filled with the name of each option's field, in the plan's order, so that an error finds its place.
    before: the draft as it is; what no field shows stays.
    Raises: Invalid with the form's own field.
    """
    options: list[tuple[Mapping[str, str], str]] = []
    for service in services:
        if typed.get(f"service_{service.slug}"):
            options.append(option_of(service))
            fields.append(f"service_{service.slug}")
    for number in _typed_numbers(typed):
        options.append(({code: typed.get(f"typed_{number}_{code}", "") for code in LANGUAGES}, ""))
        fields.append(f"typed_{number}")
    costs = [_whole(typed.get(f"cost_{name}", "")) for name in fields]
    opens_at = _time(typed, host.zone, "opens_at")
    closes_at = _time(typed, host.zone, "closes_at")
    publishes_at = _time(typed, host.zone, "publishes_at", closes_at)
    roll = typed.get("roll", "")
    is_open = roll == EVERYBODY
    if roll and not is_open and roll not in {str(each.id) for each, _ in rolls}:
        raise Invalid("roll.missing", field="roll")
    return Plan(
        titles=_texts(typed, "title"),
        questions=_texts(typed, "question"),
        options=options,
        opens_at=opens_at,
        closes_at=closes_at,
        publishes_at=publishes_at,
        objections=_texts(typed, "objections"),
        objections_until=_time(typed, host.zone, "objections_until", publishes_at + OBJECTIONS),
        legal_basis=_texts(typed, "legal_basis"),
        most_ranked=_most_ranked(typed.get("most_ranked", "").strip(), len(options)),
        rule=typed.get("rule", "schulze"),
        terms={name: _whole(typed.get(name, "")) for name in NUMBERS} | {"equal": typed.get("equal") == "yes"},
        costs=costs,
        binding=typed.get("effect") == "binding",
        roll_id=UUID(roll) if roll and not is_open else None,
        open_to_all=is_open,
        eligibility=rule_typed(typed, opens_at.astimezone(ZoneInfo(host.zone)).date()),
        single_handed=host.single_handed,
        repeats=before.repeats if before else None,
    )


def _texts(typed: Typed, name: str) -> dict[str, str]:
    return {code: typed.get(f"{name}_{code}", "") for code in LANGUAGES}


def _time(typed: Typed, zone: str, field: str, otherwise: datetime | None = None) -> datetime:
    """Read a time; one that was left empty is what it is otherwise."""
    moment = read_moment(typed.get(field, ""), zone, field) or otherwise
    if moment is None:
        raise Invalid("time.missing", field=field)
    return moment


def _most_ranked(text: str, options: int) -> int:
    """Read how many may be ranked; left empty, five, or all where there are fewer."""
    if not text:
        return max(1, min(MOST_RANKED, options))
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise Invalid("poll.most_ranked", field="most_ranked", limit=max(1, min(MOST_RANKED_EVER, options)))
    return int(text)


def _whole(text: str) -> int | None:
    """Read a whole number of any script, with or without blanks in it; None for anything else."""
    digits = "".join(text.split())
    return int(digits) if digits.isdecimal() and len(digits) <= MOST_DIGITS else None


def _placed(error: Invalid | Conflict, fields: Sequence[str], typed: Typed, lang: str) -> Invalid | Conflict:
    """Lay an error to the field of the form it is about: an option to its box or line, a title to what was typed."""
    field = error.field
    if option := re.fullmatch(r"option_(\d+)(?:_([a-z]+))?", field or ""):
        field = fields[int(option[1]) - 1]
        if field.startswith("typed_"):
            language = option[2] or next((c for c in (lang, *LANGUAGES) if typed.get(f"{field}_{c}", "").strip()), lang)
            field = f"{field}_{language}"
    elif cost := re.fullmatch(r"cost_(\d+)", field or ""):
        field = f"cost_{fields[int(cost[1]) - 1]}"
    elif field == "title_en" and not typed.get("title_en", "").strip():
        written = (code for code in sorted(LANGUAGES) if typed.get(f"title_{code}", "").strip())
        field = f"title_{next(written, lang)}"
    return type(error)(error.code, field=field, **error.facts)


ROUTES = [AskingPages]
