"""Who may vote: rolls from a file, their lines, and a new slip for one person. Templates: templates/rolls/."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.marks import PersonMarker
from app.accounts.prints.running import find_named, get_named, is_under_way, printed_of
from app.accounts.prints.slips import Printed, make_slips
from app.accounts.roll.changes import RESTORE, STRIKE, Change, change_alone, find_changes
from app.accounts.roll.facts import NAMED, NOTHING
from app.accounts.roll.filling.plan import count_acts, plan_of
from app.accounts.roll.filling.store import (
    MOST_AT_ONCE,
    begin,
    check_idle,
    find_newest_import,
    find_versions,
    newest_version,
    take,
)
from app.accounts.roll.freezing import needs_of_roll
from app.accounts.roll.importing import LARGEST_BYTES, OnRoll, Report, examine, no_mark, text_of
from app.accounts.roll.lookup import find_lines
from app.accounts.roll.second_fact import SecondFactMarker, check_fact_names
from app.accounts.roll.spreadsheet import is_workbook, text_of_sheet
from app.accounts.roll.store import (
    add_roll,
    check_growing,
    check_names,
    count_lines,
    find_on_roll,
    find_rolls,
    get_roll,
    issue_codes,
    void_code,
    void_codes,
)
from app.jobs.store import enqueue
from app.web.respond import AnyRequest, go, onward, page, page_number
from app.web.session import Visitor, house_of, visitor_of
from commons.errors import Conflict, Invalid, NotFound
from commons.organisations.store import get_host
from commons.tables import Texts
from polls.tables import Poll

SHOWN_SIGNS = 300_000
LONGEST_SEARCH = 100
SHOWN_VERSIONS = 10
CHANGES = {"strike": STRIKE, "restore": RESTORE}


class RollPages(Controller):
    """Lists of those who may vote, and what is on them."""

    path = "/{lang:str}/manage/rolls"

    @get(name="rolls.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the rolls."""
        async with house_of(request).db.reading() as session:
            rolls = await find_rolls(session, (await get_host(session)).id)
        return await page(request, "rolls/index.html", rolls=rolls)

    @get("/{roll_id:uuid}", name="rolls.show")
    async def show(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Show a roll: its numbers, its lines, and the way to its slips."""
        return await _roll_page(request, roll_id)

    @post("/{roll_id:uuid}/lines/{line_id:uuid}", name="rolls.line")
    async def change(
        self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID], line_id: FromPath[UUID]
    ) -> Response[str]:
        """Strike a line off or put it back, make its code void, or give it a new one."""
        visitor = visitor_of(request)
        if (said := visitor.text("do")) == "code":
            return await _slip(request, roll_id, line_id)
        if said not in {*CHANGES, "void"}:
            raise NotFound("roll.line_unknown")

        async def work(session: AsyncSession) -> None:
            if said == "void":
                await void_code(session, roll_id, line_id)
            else:
                await change_alone(session, Change(CHANGES[said], roll_id, line_id), visitor.known_id)

        await house_of(request).db.write(work)
        place = request.app.route_reverse("rolls.show", lang=lang, roll_id=roll_id)
        return go(
            request, f"{place}?{urlencode({'done': 'saved', 'q': visitor.text('q'), 'page': visitor.text('page')})}"
        )

    @post("/{roll_id:uuid}/void", name="rolls.void")
    async def void(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Make every code of the roll void, when slips were lost."""
        if visitor_of(request).text("sure") != "yes":
            return await _roll_page(request, roll_id, Invalid("roll.void_unsure", field="sure"))
        await house_of(request).db.write(lambda session: void_codes(session, roll_id))
        return onward(request, "rolls.show", done="saved", roll_id=roll_id)


async def _roll_page(request: AnyRequest, roll_id: UUID, error: Invalid | None = None) -> Response[str]:
    q = request.query_params.get("q", "").replace("\0", "")[:LONGEST_SEARCH]  # PostgreSQL keeps no such sign
    async with house_of(request).db.reading() as session:
        roll = await get_roll(session, roll_id)
        counts = await count_lines(session, roll_id)
        found = await find_lines(session, roll_id, q, page_number(request))
        votes, is_frozen = await find_named(session, roll_id), await is_under_way(session, roll_id)
        versions = await find_versions(session, roll_id, SHOWN_VERSIONS)
        filling = await find_newest_import(session, roll_id)
        changes = await find_changes(session, visitor_of(request).known_id, roll_id)
    return await page(
        request,
        "rolls/show.html",
        error.status if error else 200,
        roll=roll,
        counts=counts,
        found=found,
        q=q,
        votes=votes,
        is_frozen=is_frozen,
        versions=versions,
        filling=filling,
        changes=changes,
        error=error,
    )


async def _slip(request: AnyRequest, roll_id: UUID, line_id: UUID) -> Response[str]:
    """Draw a new code for one line, keep its hash, and show the slip once that is on disk."""
    wanted = visitor_of(request).text("vote")

    async def work(session: AsyncSession) -> tuple[list[Printed], Poll | None, Texts]:
        vote, roll = await get_named(session, roll_id, wanted), await get_roll(session, roll_id)
        issued = await issue_codes(session, roll_id, [line_id])
        return [printed_of(line, code) for line, code in issued], vote, roll.fact_names

    house, lang = house_of(request), request.path_params["lang"]
    printed, vote, fact_names = await house.db.write(work)
    address = f"{house.config.base_url}/{lang}/votes" + (f"/{vote.slug}" if vote else "")
    slips = await asyncio.to_thread(make_slips, printed, address)
    return await page(
        request,
        "prints/slips.html",
        slips=slips,
        vote=vote,
        address=address,
        roll_id=roll_id,
        run=None,
        fact_names=fact_names,
    )


class Importing(Controller):
    """From a file or a pasted list to lines: first a report of what would happen, then the same form confirms it."""

    path = "/{lang:str}/manage/rolls"

    @get("/new", name="rolls.new")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the empty form of a new roll."""
        return await _form(request, None)

    @post("/new", name="rolls.make", request_max_body_size=2 * LARGEST_BYTES)
    async def make(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Report on the list; make the roll if this very report is confirmed."""
        return await _take(request, None)

    @get("/{roll_id:uuid}/add", name="rolls.add")
    async def extend(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Show the empty form for a newer list."""
        async with house_of(request).db.reading() as session:
            roll = await get_roll(session, roll_id)
        return await _form(request, roll_id, fact_names=roll.fact_names)

    @post("/{roll_id:uuid}/add", name="rolls.add_save", request_max_body_size=2 * LARGEST_BYTES)
    async def save(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Report on the list; do what the report says if this very one is confirmed."""
        return await _take(request, roll_id)


async def _take(request: AnyRequest, roll_id: UUID | None) -> Response[str]:
    visitor, house = visitor_of(request), house_of(request)
    text, report, names = visitor.text("text"), None, visitor.texts("name")
    had_second_facts = False
    on_roll: Sequence[OnRoll] = ()
    seen, needs = 0, NOTHING
    withdraw = roll_id is not None and visitor.text("withdraw") == "yes"
    try:
        if roll_id is None:
            check_names(names)
        else:
            async with house.db.reading() as session:
                had_second_facts = bool((await get_roll(session, roll_id)).fact_names)
                await check_growing(session, roll_id)
                await check_idle(session, roll_id)
                needs = await needs_of_roll(session, roll_id)
                on_roll, seen = await find_on_roll(session, roll_id), await newest_version(session, roll_id)
        text = await _sent(visitor)
        mark = PersonMarker(house.config.secret) if house.config.oidc_identifier_claim else no_mark
        mark_fact, fact_names = SecondFactMarker(house.config.secret), check_fact_names(visitor.texts("fact"))
        report = await asyncio.to_thread(examine, text, on_roll, mark, needs, mark_fact)
        done = report
        _check_second_fact_named(done, fact_names, had_second_facts=had_second_facts)
        acts = count_acts(done, withdraw=withdraw)
        if not acts or visitor.text("checked") != done.mark:
            return await _form(request, roll_id, text, report)
        is_long = acts > MOST_AT_ONCE
        plan = (
            await asyncio.to_thread(plan_of, done, on_roll, withdraw=withdraw, mark_fact=mark_fact) if is_long else None
        )

        async def work(session: AsyncSession) -> tuple[UUID, UUID | None]:
            into = roll_id or (await add_roll(session, (await get_host(session)).id, names)).id
            if plan is None:
                await take(
                    session,
                    into,
                    done,
                    visitor.known_id,
                    withdraw=withdraw,
                    mark_fact=mark_fact,
                    fact_names=fact_names,
                )
                return into, None
            filling = await begin(session, into, plan, seen, visitor.known_id, fact_names)
            await enqueue(session, "roll.import", {"import": str(filling.id)})
            return into, filling.id

        into, import_id = await house.db.write(work)
        if import_id is not None:
            return onward(request, "rolls.import", roll_id=into, import_id=import_id)
        return onward(request, "rolls.show", done="saved", roll_id=into)
    except (Invalid, Conflict) as error:
        return await _form(request, roll_id, text, report, error)


def _check_second_fact_named(report: Report, fact_names: Texts, *, had_second_facts: bool) -> None:
    """Check that second facts have a name by which they are asked for, and a name has such facts.

    Raises: Invalid "roll.fact_unnamed", "roll.facts_missing".
    """
    if report.has_second_facts and not fact_names and not had_second_facts:
        raise Invalid("roll.fact_unnamed", field="fact_en")
    if fact_names and not report.has_second_facts and not had_second_facts:
        raise Invalid("roll.facts_missing", field="fact_en")


async def _sent(visitor: Visitor) -> str:
    """Take the list from the file that was chosen, else from the text."""
    sent = visitor.form.get("file")
    if isinstance(sent, UploadFile) and (data := await sent.read()):
        return await asyncio.to_thread(text_of_sheet if is_workbook(data) else text_of, data)
    return visitor.text("text")


async def _form(
    request: AnyRequest,
    roll_id: UUID | None,
    text: str = "",
    report: Report | None = None,
    error: Invalid | Conflict | None = None,
    fact_names: Texts | None = None,
) -> Response[str]:
    """Show the form. fact_names: as the roll has them, before anything was typed."""
    visitor, needs = visitor_of(request), NOTHING
    if roll_id is not None:
        async with house_of(request).db.reading() as session:
            needs = await needs_of_roll(session, roll_id)
    return await page(
        request,
        "rolls/import.html",
        error.status if error else 200,
        roll_id=roll_id,
        names=visitor.texts("name"),
        fact_names=visitor.texts("fact") | (fact_names or {}),
        text=text,
        is_long=len(text) > SHOWN_SIGNS,
        report=report,
        was_checked=report is not None and visitor.text("checked") not in {"", report.mark},
        withdraw=visitor.text("withdraw") == "yes",
        needed=[name for name, is_read in zip(NAMED, needs.columns, strict=True) if is_read],
        takes_numbers=bool(house_of(request).config.oidc_identifier_claim),
        error=error,
    )


ROUTES = [RollPages, Importing]
