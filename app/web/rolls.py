"""Who may vote: rolls from a file, their lines, and a new slip for one person. Templates: templates/rolls/."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.prints.running import find_named, get_named, is_under_way
from app.accounts.prints.slips import Printed, make_slips
from app.accounts.roll.importing import LARGEST_BYTES, OnRoll, Report, examine, text_of
from app.accounts.roll.spreadsheet import is_workbook, text_of_sheet
from app.accounts.roll.store import (
    add_roll,
    check_growing,
    check_names,
    count_lines,
    find_lines,
    find_on_roll,
    find_rolls,
    find_versions,
    get_roll,
    issue_codes,
    strike,
    take,
    unstrike,
    void_code,
    void_codes,
)
from app.web.respond import AnyRequest, go, onward, page, page_number
from app.web.session import Visitor, house_of, visitor_of
from commons.errors import Conflict, Invalid, NotFound
from commons.organisations.store import get_host
from polls.tables import Poll

SHOWN_SIGNS = 300_000
LONGEST_SEARCH = 100
SHOWN_VERSIONS = 10
ACTS: dict[str, Callable[[AsyncSession, UUID, UUID], Awaitable[None]]] = {
    "strike": strike,
    "restore": unstrike,
    "void": void_code,
}


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
        if (act := ACTS.get(said)) is None:
            raise NotFound("roll.line_unknown")
        await house_of(request).db.write(lambda session: act(session, roll_id, line_id))
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
        error=error,
    )


async def _slip(request: AnyRequest, roll_id: UUID, line_id: UUID) -> Response[str]:
    """Draw a new code for one line, keep its hash, and show the slip once that is on disk."""
    wanted = visitor_of(request).text("vote")

    async def work(session: AsyncSession) -> tuple[list[Printed], Poll | None]:
        vote = await get_named(session, roll_id, wanted)
        issued = await issue_codes(session, roll_id, [line_id])
        return [Printed(code, line.reference, line.name) for line, code in issued], vote

    house, lang = house_of(request), request.path_params["lang"]
    printed, vote = await house.db.write(work)
    address = f"{house.config.base_url}/{lang}/votes" + (f"/{vote.slug}" if vote else "")
    slips = await asyncio.to_thread(make_slips, printed, address)
    return await page(request, "prints/slips.html", slips=slips, vote=vote, address=address, roll_id=roll_id, run=None)


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
            await get_roll(session, roll_id)
        return await _form(request, roll_id)

    @post("/{roll_id:uuid}/add", name="rolls.add_save", request_max_body_size=2 * LARGEST_BYTES)
    async def save(self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID]) -> Response[str]:
        """Report on the list; do what the report says if this very one is confirmed."""
        return await _take(request, roll_id)


async def _take(request: AnyRequest, roll_id: UUID | None) -> Response[str]:
    visitor, house = visitor_of(request), house_of(request)
    text, report, names = visitor.text("text"), None, visitor.texts("name")
    on_roll: Sequence[OnRoll] = ()
    withdraw = roll_id is not None and visitor.text("withdraw") == "yes"
    try:
        if roll_id is None:
            check_names(names)
        else:
            async with house.db.reading() as session:
                await get_roll(session, roll_id)
                await check_growing(session, roll_id)
                on_roll = await find_on_roll(session, roll_id)
        text = await _sent(visitor)
        report = await asyncio.to_thread(examine, text, on_roll)
        done = report
        does = done.new or done.changed or (withdraw and done.missing)
        if not does or visitor.text("checked") != done.mark:
            return await _form(request, roll_id, text, report)

        async def work(session: AsyncSession) -> UUID:
            into = roll_id or (await add_roll(session, (await get_host(session)).id, names)).id
            await take(session, into, done, visitor.known_id, withdraw=withdraw)
            return into

        return onward(request, "rolls.show", done="saved", roll_id=await house.db.write(work))
    except (Invalid, Conflict) as error:
        return await _form(request, roll_id, text, report, error)


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
) -> Response[str]:
    visitor = visitor_of(request)
    return await page(
        request,
        "rolls/import.html",
        error.status if error else 200,
        roll_id=roll_id,
        names=visitor.texts("name"),
        text=text,
        is_long=len(text) > SHOWN_SIGNS,
        report=report,
        was_checked=report is not None and visitor.text("checked") not in {"", report.mark},
        withdraw=visitor.text("withdraw") == "yes",
        error=error,
    )


ROUTES = [RollPages, Importing]
