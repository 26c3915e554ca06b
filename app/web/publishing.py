"""Bring in a past vote, and take a published result back with two people. Templates: templates/publishing/."""

import asyncio
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import LANGUAGES
from app.jobs.store import enqueue
from app.web.respond import AnyRequest, onward, page
from app.web.session import Visitor, house_of, visitor_of
from commons.approvals.store import decide
from commons.approvals.tables import Decision
from commons.clock import now
from commons.errors import Conflict, Invalid, NotFound
from commons.organisations.store import get_host
from polls.rulecard import RULES
from results.publication import WITHDRAWAL, prepare_import, publish, withdraw
from results.store import get_result

LARGEST_SHEET_BYTES = 20_000_000
SHOWN_SHEET_BYTES = 300_000


class Importing(Controller):
    """From a file of ballots to a published result, in one form."""

    path = "/{lang:str}/manage/results/new"

    @get(name="results.import")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the empty form."""
        return await _form(request, {}, None)

    @post(name="results.import_save", request_max_body_size=LARGEST_SHEET_BYTES)
    async def save(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Read, count, explain and publish; or show the form again with what was typed and what was in the file."""
        visitor = visitor_of(request)
        filename, data = await _sheet(visitor)

        house = house_of(request)
        async with house.db.reading() as session:
            host, today = await get_host(session), (await now(session)).date()
        try:
            prepared = await asyncio.to_thread(
                prepare_import,
                titles=visitor.texts("title"),
                source_name=visitor.text("source_name"),
                source_url=visitor.text("source_url"),
                held_on=visitor.text("held_on"),
                rule=visitor.text("rule"),
                seats=visitor.text("seats"),
                ballots_public=visitor.text("ballots_public") == "yes",
                data=data,
                filename=filename,
                today=today,
            )

            async def work(session: AsyncSession) -> str:
                slug = (await publish(session, host.id, prepared)).slug
                await enqueue(session, "ledger.sequence")
                return slug

            slug = await house.db.write(work)
        except (Invalid, Conflict) as error:
            return await _form(request, {"name": filename, "text": _shown(data)}, error)
        return onward(request, "results.show", done="published", slug=slug)


async def _sheet(visitor: Visitor) -> tuple[str, bytes]:
    """Take the ballots from the file that was chosen, else from the text that was shown after an error."""
    sent = visitor.form.get("sheet")
    if isinstance(sent, UploadFile) and (data := await sent.read()):
        return sent.filename, data
    return visitor.text("sheet_name"), visitor.text("sheet_text").encode()


def _shown(data: bytes) -> str:
    """Show a file that is small enough to be mended on the page; a larger one must be chosen again."""
    if len(data) > SHOWN_SHEET_BYTES:
        return ""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


async def _form(request: AnyRequest, sheet: dict[str, str], error: Invalid | Conflict | None) -> Response[str]:
    visitor = visitor_of(request)
    fields = (
        "source_name",
        "source_url",
        "held_on",
        "rule",
        "seats",
        "ballots_public",
        *(f"title_{code}" for code in LANGUAGES),
    )
    typed = {name: visitor.text(name) for name in fields}
    told = {"typed": typed, "sheet": sheet, "rules": list(RULES), "error": error}
    return await page(request, "publishing/import.html", error.status if error else 200, **told)


class Withdrawing(Controller):
    """Take a result back: one official asked for it on its page; another decides here."""

    path = "/{lang:str}/manage"

    @post("/withdrawals/{approval_id:uuid}", name="manage.withdrawal")
    async def decide(self, request: AnyRequest, lang: FromPath[str], approval_id: FromPath[UUID]) -> Response[str]:
        """Decide on it, as somebody else than the one who asked."""
        visitor = visitor_of(request)
        if (said := visitor.text("decision")) not in {"approve", "refuse"}:
            raise Invalid("decision.missing")
        decision = Decision.APPROVED if said == "approve" else Decision.REFUSED

        async def work(session: AsyncSession) -> str:
            alone = (await get_host(session)).single_handed
            approval = await decide(session, approval_id, visitor.known_id, decision, single_handed=alone)
            if approval.action != WITHDRAWAL:
                raise NotFound("approval.unknown")
            try:
                result = await get_result(session, approval.subject.removeprefix("results/"))
            except NotFound as elsewhere:  # another organisation's; refusing it is theirs alone, too
                raise NotFound("approval.unknown") from elsewhere
            if decision is Decision.APPROVED:
                await withdraw(session, result, approval.reason)
                await enqueue(session, "ledger.sequence")
            return result.slug

        slug = await house_of(request).db.write(work)
        done = "withdrawn" if decision is Decision.APPROVED else "kept"
        return onward(request, "results.show", done=done, slug=slug)


ROUTES = [Importing, Withdrawing]
