"""Published results, and the files anybody can recount them from. Templates: templates/results/."""

import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.web.respond import AnyRequest, language_of, onward, page, page_number
from app.web.session import house_of, visitor_of
from ballots.preparing import count_unconfirmed
from commons.approvals.store import ask, find_waiting
from commons.errors import Conflict, Invalid, NotFound
from commons.ledger import reading
from commons.naming import text_in
from commons.organisations.store import get_host
from polls.store import get_poll
from polls.votecard import VoteCard
from results import recount
from results.import_explanation import explain_import
from results.publication import WITHDRAWAL
from results.store import PER_PAGE, get_file, get_result, list_files, list_results, read_files
from results.vote_explanation import explain_vote

MOST_LINES = 20
TYPES = {"json": "application/json", "csv": "text/csv", "zip": "application/zip"}
TEXT = "text/plain"


class ResultPages(Controller):
    """Read what was found."""

    path = "/{lang:str}/results"

    @get(name="results.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List the results, the newest first."""
        number = page_number(request)
        async with house_of(request).db.reading() as session:
            host = await get_host(session)
            found, total = await list_results(session, host.id, number)
            pages = max(1, -(-total // PER_PAGE))
            if number > pages:  # beyond the end, the last page is shown
                number, (found, _) = pages, await list_results(session, host.id, pages)
        return await page(request, "results/index.html", found=found, total=total, number=number, pages=pages)

    @get("/{slug:str}", name="results.show")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show one result: the order, the reason for every place, every pair, and the files."""
        return await _result(request, slug)


class Withdrawing(Controller):
    """Ask for a result to be taken back."""

    path = "/{lang:str}/manage/results/{slug:str}/withdraw"

    @post(name="results.withdraw")
    async def ask(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Ask, with the reason that everybody will read; another official decides."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> None:
            result = await get_result(session, slug)
            if result.withdrawn_at is not None:
                raise Conflict("result.withdrawn")
            await ask(session, WITHDRAWAL, f"results/{slug}", visitor.text("reason"), visitor.known_id)

        try:
            await house_of(request).db.write(work)
        except Invalid as error:
            return await _result(request, slug, error)
        return onward(request, "results.show", done="asked", slug=slug)


async def _result(request: AnyRequest, slug: str, error: Invalid | None = None) -> Response[str]:
    async with house_of(request).db.reading() as session:
        result = await get_result(session, slug)
        poll = None if result.poll_id is None else await get_poll(session, result.poll_id)
        about = [f"results/{slug}"] if poll is None else [f"results/{slug}", poll.subject]
        lines = (await reading.page(session, subject=about, limit=MOST_LINES)).lines
        if result.withdrawn_at is not None:
            return await page(request, "results/withdrawn.html", 410, result=result, lines=lines)
        files, key = await list_files(session, result.id), await reading.told_key(session)
        waiting = await find_waiting(session, [WITHDRAWAL], f"results/{slug}") if visitor_of(request).signed_in else []
        unconfirmed = 0 if poll is None else await count_unconfirmed(session, poll.id)
    told: dict[str, Any] = {"result": result, "lines": lines, "files": files, "key": key, "waiting": waiting}
    told |= {"reason": visitor_of(request).text("reason"), "error": error}
    told |= {"program_hash": hashlib.sha256(recount_program()).hexdigest()}
    status = error.status if error else 200
    if poll is None:
        story = explain_import(result.card, result.count)
        return await page(request, "results/show.html", status, story=story, **told)
    card = VoteCard.from_json(result.card)
    shown = (text_in(option.names, language_of(request)) for option in card.options)
    sealed = explain_vote(result.count, dict(zip(card.names, shown, strict=True)))
    told |= {"poll": poll, "card": card, "minutes": result.count["minutes"], "unconfirmed": unconfirmed}
    return await page(request, "results/vote.html", status, story=sealed, **told)


@cache
def recount_program() -> bytes:
    """Read the second counter, one file that needs nothing of this house; once a process."""
    return Path(recount.__file__).read_bytes()


class SecondCounter(Controller):
    """Fetch the program to recount with; its address has no language, for programs use it."""

    path = "/recount.py"

    @get(name="results.recount")
    async def file(self) -> Response[bytes]:
        """Give it, byte for byte."""
        return Response(recount_program(), media_type=TEXT)


class ResultFiles(Controller):
    """Fetch what a result was counted from; the addresses have no language, for programs use them."""

    path = "/archive/{slug:str}"

    @get("/{name:str}", name="results.file")
    async def file(self, request: AnyRequest, slug: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """Give one file, byte for byte; or all of them as one, under the result's own name."""
        async with house_of(request).db.reading() as session:
            result = await get_result(session, slug)
            if result.withdrawn_at is not None:
                raise NotFound("result.withdrawn")
            if name == f"{slug}.zip":
                data = zipped(slug, await read_files(session, result.id))
            else:
                data = (await get_file(session, result.id, name)).data
        return Response(data, media_type=TYPES.get(name.rpartition(".")[2], TEXT))


def zipped(slug: str, files: dict[str, bytes]) -> bytes:
    """Pack files into one folder of a zip, the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{slug}/{name}", date_time=(1980, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


ROUTES = [ResultPages, Withdrawing, SecondCounter, ResultFiles]
