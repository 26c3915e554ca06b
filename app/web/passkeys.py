"""Passkeys: one button to come in, and one's own added and taken away. Templates: passkeys/.

A browser asks for a question and sends the answer as an ordinary form, so that whatever goes wrong is an ordinary page.
None of this is needed by anybody: the pages that offer it do all they do without (docs/adr/0021).
"""

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.entering import let_in
from app.accounts.events import note
from app.accounts.factors.codes import shown
from app.accounts.factors.recovery import draw_sheet
from app.accounts.factors.store import renew_recovery_codes
from app.accounts.guarding import FACTOR, begin
from app.accounts.passkeys.answers import ANSWER, Site, ask_to_add, ask_to_show, check_added, read_answer
from app.accounts.passkeys.questions import (
    ADDING,
    SHOWING,
    VALID_FOR,
    Question,
    new_question,
    open_question,
    seal_question,
)
from app.accounts.passkeys.store import add_passkey, find_owner, list_passkeys, remove_passkey
from app.accounts.sessions import close_other_sessions, renew_session
from app.accounts.store import check_name, get_account
from app.accounts.tables import Event
from app.letters.outbox import write_letter
from app.security import Roles
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, arrival_of, come_in, first_page, onward, page, safe_place
from app.web.session import (
    check_password,
    house_of,
    keep_cookie,
    trier_of,
    visitor_of,
    with_factor,
)
from commons.clock import now
from commons.errors import Conflict, Invalid, NotFound
from commons.organisations.store import find_host


class Showing(Controller):
    """What a passkey is asked, and coming in by its answer."""

    path = "/{lang:str}"

    @post("/passkey", name="passkeys.ask")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Give a question, as JSON, to whoever has a form of ours; of somebody signed in, only their own may answer."""
        house, visitor = house_of(request), visitor_of(request)
        async with house.db.reading() as session:
            moment = await now(session)
            own = await list_passkeys(session, visitor.known_id) if visitor.signed_in else []
        question = new_question()
        _hand_out(request, SHOWING, question, moment)
        text = ask_to_show(_site(request), question, [each.credential_id for each in own])
        return Response(text, status_code=200, media_type=MediaType.JSON)

    @post("/sign-in/passkey", name="passkeys.sign_in")
    async def sign_in(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Let somebody in by their passkey alone: it made sure of its owner, so it is two factors."""
        house, wanted = house_of(request), visitor_of(request).text("next")
        arrival = arrival_of(request, proved=True)
        try:
            account_id = await _owner(request)

            async def work(session: AsyncSession) -> tuple[str, Roles]:
                account = await get_account(session, account_id)
                return await let_in(session, house.config.secret, account, arrival)

            token, roles = await with_factor(request, account_id, work)
        except Invalid as error:
            told = {"email": "", "next": wanted, "turn": "", "puzzle": None, "error": error}
            return await page(request, "accounts/sign_in.html", error.status, **told)
        return come_in(request, first_page(request, roles, wanted), token, arrival)


class OwnPasskeys(Controller):
    """One's own passkeys: the password and a name, then the passkey itself; taken away one by one."""

    path = "/{lang:str}/me/passkeys"

    @get(name="passkeys.new")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for the password, and for what the passkey shall be called."""
        return await _name_form(request, "", request.query_params.get("next", ""))

    @post(name="passkeys.begin")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take them, and hand out the question that the new passkey shall sign; nothing is kept yet."""
        visitor, house = visitor_of(request), house_of(request)
        try:
            name = check_name(visitor.text("name"))
            await check_password(request, visitor.known_id, "current")
        except Invalid as error:
            return await _name_form(request, visitor.text("name"), visitor.text("next"), error)
        question = new_question(name)
        async with house.db.reading() as session:
            _hand_out(request, ADDING, question, await now(session))
        return await _make_form(request, question)

    @post("/add", name="passkeys.add")
    async def add(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Add it: a new session id here, every other browser signed out; with a first factor come recovery codes."""
        house, visitor, wanted = house_of(request), visitor_of(request), visitor_of(request).text("next")
        account_id, is_first = visitor.known_id, not visitor.has_factor
        if (question := await _question(request)) is None:
            return await _name_form(request, "", wanted, Invalid("passkey.late"))

        async def work(session: AsyncSession) -> str:
            await add_passkey(session, account_id, question, new)
            await close_other_sessions(session, account_id, visitor.session_token)
            await note(session, Event.PASSKEY_ADDED, who=account_id, browser=browser_of(request))
            await write_letter(session, visitor.email, "passkey_added", lang)
            if sheet:
                await renew_recovery_codes(session, house.config.secret, account_id, sheet)
            return await renew_session(session, visitor.session_token, proved=True)

        try:
            new = check_added(_site(request), read_answer(visitor.text(ANSWER)), question)
            sheet = await house.passwords.run(draw_sheet) if is_first else None
            token = await house.db.write(work)
        except (Invalid, Conflict) as error:
            return await _make_form(request, question, error)
        keep_cookie(request, house.config.passkey_cookie_name, "", VALID_FOR)
        visitor.sign_in(token)
        if not sheet:
            return onward(request, "factors.show", done="passkey-added")
        place = safe_place(wanted, request) if wanted else request.app.route_reverse("factors.show", lang=lang)
        return await page(request, "factors/codes.html", codes=[shown(code) for code in sheet.codes], place=place)

    @post("/remove", name="passkeys.remove")
    async def remove(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take one away; with the last factor go the recovery codes."""
        visitor = visitor_of(request)
        account_id, token = visitor.known_id, visitor.session_token
        try:
            passkey_id = UUID(visitor.text("passkey"))
        except ValueError as wrong:
            raise NotFound("passkey.gone") from wrong

        async def work(session: AsyncSession) -> str:
            if not await remove_passkey(session, account_id, passkey_id):
                raise NotFound("passkey.gone")
            await close_other_sessions(session, account_id, token)
            await note(session, Event.PASSKEY_REMOVED, who=account_id, browser=browser_of(request))
            await write_letter(session, visitor.email, "passkey_removed", lang)
            return await renew_session(session, token, proved=False)

        visitor.sign_in(await house_of(request).db.write(work))
        return onward(request, "factors.show", done="passkey-removed")


def _site(request: AnyRequest) -> Site:
    config = house_of(request).config
    return Site(config.host, config.origin)


def _hand_out(request: AnyRequest, aim: str, question: Question, moment: datetime) -> None:
    """Have the browser keep a question; the one before it is gone."""
    config, cookie = house_of(request).config, visitor_of(request).cookie
    keep_cookie(
        request, config.passkey_cookie_name, seal_question(config.secret, cookie, aim, question, moment), VALID_FOR
    )


async def _question(request: AnyRequest) -> Question | None:
    """Read which question this browser was given, by the password, for a new passkey."""
    house, cookie = house_of(request), visitor_of(request).cookie
    text = request.cookies.get(house.config.passkey_cookie_name, "")
    async with house.db.reading() as session:
        return open_question(house.config.secret, cookie, ADDING, text, await now(session))


async def _owner(request: AnyRequest) -> UUID:
    """Find whose passkey it says it is. Raises Invalid "passkey.unknown", counted as wrong; and as `read_answer`."""
    house, credential_id = house_of(request), read_answer(visitor_of(request).text(ANSWER)).credential_id
    async with house.db.reading() as session:
        account_id = await find_owner(session, credential_id)
    if account_id is None:
        begin(house.limits, house.config.secret, trier_of(request, credential_id.hex(), known=False), FACTOR)
        browser = browser_of(request)
        await house.db.write(lambda session: note(session, Event.PASSKEY_REFUSED, browser=browser))
        raise Invalid("passkey.unknown")
    return account_id


async def _name_form(request: AnyRequest, name: str, wanted: str, error: Invalid | None = None) -> Response[str]:
    return await page(request, "passkeys/new.html", error.status if error else 200, name=name, next=wanted, error=error)


async def _make_form(request: AnyRequest, question: Question, error: Invalid | Conflict | None = None) -> Response[str]:
    """Show the page on which the passkey is made; its question stands in it."""
    house, visitor = house_of(request), visitor_of(request)
    async with house.db.reading() as session:
        known = [each.credential_id for each in await list_passkeys(session, visitor.known_id)]
        host = await find_host(session)
    organisation = host.names.get("en") or next(iter(host.names.values())) if host else "Khma"
    named = (visitor.email or visitor.name, visitor.name)
    options = ask_to_add(_site(request), organisation, visitor.known_id, named, question, known)
    return await page(
        request,
        "passkeys/make.html",
        error.status if error else 200,
        name=question.name,
        options=options,
        next=visitor.text("next"),
        error=error,
    )


ROUTES = [Showing, OwnPasskeys]
