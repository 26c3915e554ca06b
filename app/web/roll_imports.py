"""How far a long list is on its way into a roll. Templates: templates/rolls/."""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.accounts.roll.filling.store import find_import
from app.accounts.roll.store import get_roll
from app.i18n import words
from app.web.respond import AnyRequest, page, wants_piece
from app.web.session import house_of


class ImportPages(Controller):
    """A list that was confirmed: how many of its lines are written, and how it ended."""

    path = "/{lang:str}/manage/rolls/{roll_id:uuid}/imports"

    @get("/{import_id:uuid}", name="rolls.import")
    async def show(
        self, request: AnyRequest, lang: FromPath[str], roll_id: FromPath[UUID], import_id: FromPath[UUID]
    ) -> Response[str]:
        """Show it; to htmx, which asks once a second until it is over, only what changes."""
        async with house_of(request).db.reading() as session:
            roll = await get_roll(session, roll_id)
            filling = await find_import(session, roll_id, import_id)
        template = "rolls/_progress.html" if wants_piece(request) else "rolls/progress.html"
        trouble = words(lang, filling.trouble, {}) if filling.trouble else ""
        answer = await page(request, template, roll=roll, filling=filling, trouble=trouble)
        answer.headers["Cache-Control"] = "no-store"
        return answer


ROUTES = [ImportPages]
