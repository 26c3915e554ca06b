"""The second factor: shown at sign-in and before what cannot be taken back, set up, taken away. Templates: factors/."""

import base64
import binascii

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.entering import let_in
from app.accounts.events import note
from app.accounts.factors.codes import app_address, new_app_secret, shown
from app.accounts.factors.halfway import VALID_FOR, Halfway, mark_of, open_halfway
from app.accounts.factors.recovery import Sheet, draw_sheet
from app.accounts.factors.store import (
    FIELD,
    add_factor,
    check_first,
    count_recovery_codes,
    find_factor,
    has_factor,
    remove_factor,
    renew_recovery_codes,
)
from app.accounts.passkeys.store import list_passkeys
from app.accounts.sealing import seal, unseal
from app.accounts.sessions import close_other_sessions, renew_session
from app.accounts.store import get_account
from app.accounts.tables import Account, Event
from app.letters.outbox import write_letter
from app.qr import draw
from app.security import JUST_NOW, Roles
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, arrival_of, come_in, first_page, go, onward, page, safe_place
from app.web.session import (
    ProveFirst,
    check_password,
    house_of,
    keep_cookie,
    prove,
    shown_code,
    visitor_of,
    with_factor,
)
from commons.clock import now
from commons.errors import Conflict, Invalid

SET_UP = "khma-factor-set-up-1"


class SecondStep(Controller):
    """Sign-in, after the password: the code, and only then a session."""

    path = "/{lang:str}/sign-in/code"

    @get(name="factors.code")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for the code of somebody whose password was right."""
        if (halfway := await _halfway(request)) is None:
            return onward(request, "accounts.sign_in")
        return await _code_form(request, halfway, request.query_params.get("next", ""))

    @post(name="factors.code_check")
    async def check(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take it, and open a session."""
        visitor, house = visitor_of(request), house_of(request)
        wanted, arrival = visitor.text("next"), arrival_of(request, proved=True)
        if (halfway := await _halfway(request)) is None:
            return onward(request, "accounts.sign_in")

        async def work(session: AsyncSession) -> tuple[str, Roles]:
            account = await get_account(session, halfway.account_id)
            return await let_in(session, house.config.secret, account, arrival)

        try:
            token, roles = await with_factor(request, halfway.account_id, work, at_sign_in=True)
        except Invalid as error:
            return await _code_form(request, halfway, wanted, error)
        answer = come_in(request, first_page(request, roles, wanted), token, arrival)
        keep_cookie(request, house.config.halfway_cookie_name, "", VALID_FOR)
        return answer


async def _halfway(request: AnyRequest) -> Halfway | None:
    """Read who is halfway in, in this browser, by a password that is still theirs."""
    house, visitor = house_of(request), visitor_of(request)
    if not (text := request.cookies.get(house.config.halfway_cookie_name, "")):
        return None
    async with house.db.reading() as session:
        halfway = open_halfway(house.config.secret, visitor.cookie, text, await now(session))
        account = await session.get(Account, halfway.account_id) if halfway else None
    return halfway if account and halfway and mark_of(account.password_hash) == halfway.mark else None


async def _code_form(request: AnyRequest, halfway: Halfway, wanted: str, error: Invalid | None = None) -> Response[str]:
    async with house_of(request).db.reading() as session:
        has_passkey = bool(await list_passkeys(session, halfway.account_id))
    return await page(
        request,
        "factors/code.html",
        error.status if error else 200,
        next=wanted,
        code=await shown_code(house_of(request), halfway.account_id),
        has_passkey=has_passkey,
        error=error,
    )


class Proving(Controller):
    """Show again who one is: before an act that needs it, and to stay signed in."""

    path = "/{lang:str}/me/prove"

    @get(name="factors.prove")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for a code, or for the password of somebody without a second factor."""
        return await _proof_form(request, request.query_params.get("next", ""))

    @post(name="factors.prove_check")
    async def check(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take it, give the session a new id and its full time, and go on."""
        visitor = visitor_of(request)
        wanted = visitor.text("next")
        try:
            await prove(request, visitor)
        except Invalid as error:
            return await _proof_form(request, wanted, error)
        return go(request, safe_place(wanted, request)) if wanted else onward(request, "accounts.me", done="proved")


async def _proof_form(request: AnyRequest, wanted: str, error: Invalid | None = None) -> Response[str]:
    code = await shown_code(house_of(request), visitor_of(request).known_id)
    return await page(
        request, "factors/prove.html", error.status if error else 200, next=wanted, code=code, error=error
    )


class OwnFactor(Controller):
    """One's own app: set up with password and a first code, taken away or given new recovery codes with another."""

    path = "/{lang:str}/me/factor"

    @get(name="factors.show")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show what there is, or how to set it up."""
        wanted = request.query_params.get("next", "")
        if visitor_of(request).has_factor:
            return await _present(request)
        return await _set_up(request, new_app_secret(), wanted)

    @post(name="factors.add")
    async def add(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Set it up: a new session id here, every other browser signed out, and the recovery codes, shown once."""
        house, visitor = house_of(request), visitor_of(request)
        account_id, wanted = visitor.known_id, visitor.text("next")
        if (app_secret := _read_set_up(request)) is None:
            return onward(request, "factors.show")

        async def work(session: AsyncSession) -> str:
            await add_factor(session, house.config.secret, account_id, app_secret, visitor.text(FIELD), sheet)
            await close_other_sessions(session, account_id, visitor.session_token)
            await note(session, Event.FACTOR_ADDED, who=account_id, browser=browser_of(request))
            await write_letter(session, visitor.email, "factor_added", lang)
            return await renew_session(session, visitor.session_token, proved=True)

        try:
            await check_password(request, visitor.known_id, "current")
            async with house.db.reading() as session:
                await check_first(session, account_id, app_secret, visitor.text(FIELD))
            sheet = await house.passwords.run(draw_sheet)
            token = await house.db.write(work)
        except Invalid as error:
            return await _set_up(request, app_secret, wanted, error)
        except Conflict:  # in another window, meanwhile
            return onward(request, "factors.show")
        visitor.sign_in(token)
        place = safe_place(wanted, request) if wanted else request.app.route_reverse("accounts.me", lang=lang)
        return await _codes(request, sheet, place)

    @post("/codes", name="factors.renew")
    async def renew(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Make new recovery codes, shown once; the old ones stop working."""
        house, visitor = house_of(request), visitor_of(request)
        account_id, token = visitor.known_id, visitor.session_token

        async def renew(session: AsyncSession) -> None:
            await renew_recovery_codes(session, house.config.secret, account_id, sheet)
            await note(session, Event.RECOVERY_CODES_RENEWED, who=account_id, browser=browser_of(request))

        try:
            await check_password(request, visitor.known_id, "current")
            renewed = await with_factor(request, account_id, lambda session: renew_session(session, token, proved=True))
        except Invalid as error:
            return await _present(request, error, "renew")
        visitor.sign_in(renewed)
        sheet = await house.passwords.run(draw_sheet)  # ten hashes, for nobody but whoever showed their factor
        await house.db.write(renew)
        return await _codes(request, sheet, request.app.route_reverse("factors.show", lang=lang))

    @post("/remove", name="factors.remove")
    async def remove(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take it away; with the last factor go the recovery codes."""
        visitor = visitor_of(request)
        account_id, token = visitor.known_id, visitor.session_token

        async def work(session: AsyncSession) -> str:
            await remove_factor(session, account_id)
            await close_other_sessions(session, account_id, token)
            await note(session, Event.FACTOR_REMOVED, who=account_id, browser=browser_of(request))
            left = "passkeys" if await has_factor(session, account_id) else ""
            await write_letter(session, visitor.email, "factor_removed", lang, left=left)
            return await renew_session(session, token, proved=False)

        try:
            renewed = await with_factor(request, account_id, work)
        except Invalid as error:
            return await _present(request, error, "remove")
        visitor.sign_in(renewed)
        return onward(request, "accounts.me", done="factor-removed")


async def _present(request: AnyRequest, error: Invalid | None = None, act: str = "") -> Response[str]:
    """Show the factors that are there. act: the form in which the error is."""
    house, visitor = house_of(request), visitor_of(request)
    account_id, act = visitor.known_id, act or request.query_params.get("act", "")
    async with house.db.reading() as session:
        factor = await find_factor(session, account_id)
        passkeys = await list_passkeys(session, account_id)
        left = await count_recovery_codes(session, account_id)
    if factor is None and (act == "app" or not passkeys):
        if passkeys and (visitor.proved_ago is None or visitor.proved_ago > JUST_NOW):
            raise ProveFirst("")  # an app opens as much as the passkey does
        return await _set_up(request, new_app_secret(), "")
    return await page(
        request,
        "factors/show.html",
        error.status if error else 200,
        since=factor.added_at if factor else None,
        passkeys=passkeys,
        left=left,
        act=act,
        code=await shown_code(house, account_id),
        error=error,
    )


async def _set_up(request: AnyRequest, app_secret: str, wanted: str, error: Invalid | None = None) -> Response[str]:
    """Show an app's secret; until its first code comes, it is kept in the form alone, under seal."""
    house, visitor = house_of(request), visitor_of(request)
    host = await house.host()
    organisation = host.names.get("en") or next(iter(host.names.values())) if host else "Khma"
    sealed = seal(house.config.secret, SET_UP, visitor.known_id.bytes, app_secret.encode())
    return await page(
        request,
        "factors/set_up.html",
        error.status if error else 200,
        app_secret=shown(app_secret),
        drawing=draw(app_address(app_secret, visitor.email or visitor.name or organisation, organisation)),
        sealed=base64.urlsafe_b64encode(sealed).decode(),
        next=wanted,
        error=error,
    )


def _read_set_up(request: AnyRequest) -> str | None:
    house, visitor = house_of(request), visitor_of(request)
    try:
        sealed = base64.urlsafe_b64decode(visitor.text("sealed"))
    except (ValueError, binascii.Error):
        return None
    opened = unseal(house.config.secret, SET_UP, visitor.known_id.bytes, sealed)
    return None if opened is None else opened.decode()


async def _codes(request: AnyRequest, sheet: Sheet, place: str) -> Response[str]:
    return await page(request, "factors/codes.html", codes=[shown(code) for code in sheet.codes], place=place)


ROUTES = [SecondStep, Proving, OwnFactor]
