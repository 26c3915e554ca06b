"""The door: who comes in, whether they may, and whether what they send comes from a page of ours.

One cookie, two kinds. `s…` stands for somebody signed in; its hash is a row. `a…` is signed, belongs to nobody and to
no row; it is only given to a browser that was shown a form, and binds that form to it. Nobody chooses their own.
"""

import base64
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import FormMultiDict
from litestar.exceptions import ClientException
from litestar.handlers.base import BaseRouteHandler
from multipart import MultipartError
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.guessed import note_refused
from app.accounts.factors.showing import hash_shown, read_shown, take_shown
from app.accounts.factors.store import FIELD, next_code
from app.accounts.guarding import FACTOR, PASSWORD, Attempt, Trier, begin
from app.accounts.limits import networks_of
from app.accounts.passkeys.answers import ANSWER
from app.accounts.passkeys.questions import VALID_FOR
from app.accounts.passwords import Busy
from app.accounts.sessions import LONGEST, find_signed_in, knows_device, mark_seen, renew_session
from app.accounts.store import get_account, has_password
from app.accounts.tables import Event
from app.config import LANGUAGES
from app.house import House
from app.security import EVERY_ROLE, JUST_NOW, NOBODY, SIGNED_BY_SENDER, Roles, is_proved, may, needs_factor
from app.web.browsers import browser_of, set_cookie
from commons.clock import now
from commons.errors import Forbidden, Invalid, NotFound
from commons.tables import Texts

Result = TypeVar("Result")

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
OWN_SITES = frozenset({"same-origin", "none"})
DEVICE_SIGNS = 32
CURRENT = "current"  # the field for the password somebody has
REFUSED = {"passkey.copied": Event.PASSKEY_COPIED}


class SignInFirst(Exception):
    """The page is for people who are signed in: go to sign-in, and come back."""


class FactorFirst(Exception):
    """The page is for people with a second factor, and this one has none yet: go to its set-up, and come back."""


class ProveFirst(Exception):
    """The second factor was shown too long ago for this: ask for a code, and go on.

    error: what was wrong with the code that came, if one did. code: the right one, on a demonstration only.
    """

    def __init__(self, code: str, error: Invalid | None = None) -> None:
        super().__init__(code, error)
        self.code, self.error = code, error


class NoLanguage(Exception):
    """The address has no language in front: go to the same one with the reader's."""


class WrongForm(Exception):
    """The body is not a form: a 415."""


@dataclass
class Visitor:
    """Who is at the door in this request."""

    cookie: str = ""
    account_id: UUID | None = None
    name: str = ""
    email: str = ""
    roles: Roles = NOBODY
    has_password: bool = True
    has_factor: bool = False
    has_passkey: bool = False
    entered_ago: timedelta = timedelta(0)
    shown_ago: timedelta = timedelta(0)
    proved_ago: timedelta | None = None
    ends_at: datetime | None = None  # only where that is soon
    secret: str = field(default="", repr=False)
    new_cookie: str | None = None
    more_cookies: list[str] = field(default_factory=list)
    recognised: bool = False
    form: FormMultiDict = field(default_factory=FormMultiDict)

    @property
    def signed_in(self) -> bool:
        """True for somebody with an account."""
        return self.account_id is not None

    @property
    def known_id(self) -> UUID:
        """The account's id, on pages that only somebody signed in can reach."""
        if self.account_id is None:
            raise SignInFirst
        return self.account_id

    @property
    def must_enter(self) -> bool:
        """True for somebody without a password who signed in too long ago to be taken for themselves at a form."""
        return self.signed_in and not self.has_password and max(self.entered_ago, self.shown_ago) > JUST_NOW

    def may(self, route: str) -> bool:
        """Tell whether this visitor may use a route; for showing only what can be done."""
        return may(route, self.roles)

    def form_token(self) -> str:
        """Give the token of this browser's forms; a browser without a cookie is given one."""
        if not self.cookie:
            nonce = "a" + secrets.token_urlsafe(18)
            self.cookie = self.new_cookie = f"{nonce}.{_mark(self.secret, 'cookie', nonce)}"
        return _mark(self.secret, "form", self.cookie)

    def sign_in(self, token: str) -> None:
        """Give the browser the cookie of a session that was just opened."""
        self.cookie = self.new_cookie = "s" + token

    def sign_out(self) -> None:
        """Take the cookie away."""
        self.cookie, self.new_cookie = "", ""

    def text(self, name: str) -> str:
        """Give what was typed into a field of the form; nothing where the field is missing or holds a file."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> Texts:
        """Give what was typed into a field that stands once in each language, such as `name_en`, `name_ka`."""
        return {code: self.text(f"{name}_{code}") for code in LANGUAGES}

    @property
    def session_token(self) -> str:
        """The session's token, or nothing for somebody who is not signed in."""
        return self.cookie[1:] if self.signed_in else ""


def _mark(secret: str, purpose: str, text: str) -> str:
    digest = hmac.digest(secret.encode(), f"{purpose}\0{text}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def house_of(connection: ASGIConnection[Any, Any, Any, Any]) -> House:
    """Get what the process holds."""
    return cast("House", connection.app.state.house)


def visitor_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Visitor:
    """Get who is at the door; somebody unknown where the door was never reached (an address that leads nowhere)."""
    visitor = connection.scope["state"].get("visitor")
    if visitor is None:
        visitor = Visitor(secret=house_of(connection).config.secret)
        connection.scope["state"]["visitor"] = visitor
    return cast("Visitor", visitor)


async def enter(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request in, or say why not: language, person, permission, form — in this order, on every route.

    Raises: NoLanguage · NotFound · SignInFirst · Forbidden (not allowed, or the form is not ours) · WrongForm ·
            FactorFirst · ProveFirst.
    """
    if "\0" in connection.scope["path"]:  # PostgreSQL keeps no such text, so no address has it
        raise NotFound("door.nowhere")
    if connection.path_params.get("lang", "en") not in LANGUAGES:
        raise NoLanguage
    if handler.name in SIGNED_BY_SENDER:
        return
    visitor = await _recognise(connection)
    if not may(handler.name, visitor.roles):
        if not visitor.signed_in and may(handler.name, EVERY_ROLE):
            raise SignInFirst
        raise Forbidden("door.not_allowed")
    if visitor.signed_in and needs_factor(handler.name) and not visitor.has_factor:
        raise FactorFirst
    request = cast("Request[Any, Any, Any]", connection)
    if request.method not in SAFE:
        _check_site(request)
        visitor.form = await _read_form(request)
        sent = str(visitor.form.get("_token") or request.headers.get("x-csrf-token") or "")
        if not visitor.cookie or not hmac.compare_digest(sent.encode(), visitor.form_token().encode()):
            raise Forbidden("door.stale_form")
    proved = is_proved(handler.name, visitor.proved_ago, visitor.shown_ago, has_factor=visitor.has_factor)
    if visitor.signed_in and not proved:
        await _prove(request, visitor)


async def _prove(request: "Request[Any, Any, Any]", visitor: Visitor) -> None:
    """Take the factor or password that came with a form, which goes on under a new session id; else ask for one."""
    error, factor = None, visitor.text(FIELD) or visitor.text(ANSWER)
    if (factor if visitor.has_factor else visitor.text(CURRENT)) or not (visitor.has_factor or visitor.has_password):
        try:
            await prove(request, visitor)
        except Invalid as wrong:
            error = wrong
        else:
            return
    raise ProveFirst(await shown_code(house_of(request), visitor.known_id), error)


async def prove(connection: ASGIConnection[Any, Any, Any, Any], visitor: Visitor) -> None:
    """Take the factor in a form of somebody signed in, or the password of who has none, and renew their session.

    Raises: Invalid; TooMany; Busy.
    """
    account_id, token = visitor.known_id, visitor.session_token
    if visitor.has_factor:
        renewed = await with_factor(connection, account_id, lambda session: renew_session(session, token, proved=True))
    else:
        await check_password(connection, account_id, CURRENT)
        renewed = await house_of(connection).db.write(lambda session: renew_session(session, token, proved=False))
    visitor.sign_in(renewed)


async def with_factor(
    connection: ASGIConnection[Any, Any, Any, Any],
    account_id: UUID,
    work: Callable[[AsyncSession], Awaitable[Result]],
    *,
    at_sign_in: bool = False,
) -> Result:
    """Take the code or the passkey in a form, and do what it was shown for, in one transaction.

    at_sign_in: nobody is signed in yet, only the password was right: who is refused then may be a thief of it.

    Raises: Invalid "factor.…", "passkey.…"; TooMany, since wrong ones are counted; Busy.
    """
    house, visitor, browser = house_of(connection), visitor_of(connection), browser_of(connection)
    config, lang, sent = house.config, connection.path_params["lang"], (visitor.text(FIELD), visitor.text(ANSWER))
    async with house.db.reading() as session:
        moment = await now(session)
    shown = read_shown(config, visitor.cookie, sent, connection.cookies.get(config.passkey_cookie_name, ""), moment)
    who = await known_trier(connection, account_id, str(account_id))
    attempt = begin(house.limits, config.secret, who, FACTOR)
    try:
        shown = await hash_shown(house.db, house.passwords, account_id, shown)
    except Busy:
        attempt.was_not_looked_at()
        raise

    async def take(session: AsyncSession) -> Result:
        await take_shown(session, config, account_id, shown, browser, lang)
        return await work(session)

    try:
        result = await house.db.write(take)
    except Invalid as error:
        refused = REFUSED.get(error.code, Event.PASSKEY_REFUSED if shown.answer else Event.CODE_FAILED)
        if at_sign_in and refused is Event.CODE_FAILED:
            await house.db.write(lambda session: note_refused(session, account_id, browser, lang))
        else:
            await house.db.write(lambda session: note(session, refused, whom=account_id, browser=browser))
        raise
    finally:
        if shown.answer:  # one question, one answer
            keep_cookie(connection, config.passkey_cookie_name, "", VALID_FOR)
    attempt.was_right()
    return result


def trier_of(connection: ASGIConnection[Any, Any, Any, Any], name: str, *, known: bool) -> Trier:
    """Say who tries. name: the account, as it is counted. known: its owner signed in with this browser before."""
    visitor, config = visitor_of(connection), house_of(connection).config
    device, networks = device_of(connection) if known else "", networks_of(connection, config.trusted_proxy)
    return Trier(name, device, networks, visitor.cookie, visitor.text("turn"), visitor.text("proof"))


async def fits(house: House, attempt: Attempt, password_hash: str, password: str) -> bool:
    """Tell whether a password is right, and count it where it is not. Raises Busy, and then nothing is counted."""
    try:
        right = await house.passwords.fits(password_hash, password)
    except Busy:
        attempt.was_not_looked_at()
        raise
    if right:
        attempt.was_right()
    return right


async def check_password(connection: ASGIConnection[Any, Any, Any, Any], account_id: UUID, field: str) -> None:
    """Check the password of an account in a form.

    Who never chose one came by a provider, and must have signed in there just now.

    Raises: Invalid "password.wrong"; "password.none", of no field, for such a form has none; TooMany, since wrong ones
            are counted; Busy.
    """
    house, visitor = house_of(connection), visitor_of(connection)
    async with house.db.reading() as session:
        account = await get_account(session, account_id)
    if account_id == visitor.account_id and not visitor.has_password:
        if visitor.must_enter:
            raise Invalid("password.none")
        return
    who = await known_trier(connection, account_id, account.email or str(account_id))
    attempt = begin(house.limits, house.config.secret, who, PASSWORD)
    if not await fits(house, attempt, account.password_hash, visitor.text(field)):
        raise Invalid("password.wrong", field=field)


async def known_trier(connection: ASGIConnection[Any, Any, Any, Any], account_id: UUID, name: str) -> Trier:
    """Say who tries, whose account is known already."""
    house = house_of(connection)
    async with house.db.reading() as session:
        known = await knows_device(session, house.config.secret, account_id, device_of(connection))
    return trier_of(connection, name, known=known)


async def shown_code(house: House, account_id: UUID) -> str:
    """Give the code that somebody's app would show, on a demonstration only: there everybody plays everybody."""
    if not house.config.demonstration:
        return ""
    async with house.db.reading() as session:
        return await next_code(session, house.config.secret, account_id)


async def _recognise(connection: ASGIConnection[Any, Any, Any, Any]) -> Visitor:
    house = house_of(connection)
    visitor = visitor_of(connection)
    visitor.recognised = True
    cookie = connection.cookies.get(house.config.cookie_name, "")
    if cookie.startswith("a"):
        nonce, _, mark = cookie.partition(".")
        if hmac.compare_digest(mark.encode(), _mark(visitor.secret, "cookie", nonce).encode()):
            visitor.cookie = cookie
    elif cookie.startswith("s"):
        async with house.db.reading() as session:
            found = await find_signed_in(session, cookie[1:])
        if found is None:
            visitor.new_cookie = ""
            return visitor
        if found.stale:
            await house.db.write(lambda session: mark_seen(session, found.session.id_hash))
        visitor.cookie = cookie
        visitor.account_id, visitor.name = found.account.id, found.account.name
        visitor.email, visitor.roles = found.account.email or "", found.roles
        visitor.has_password = has_password(found.account)
        visitor.has_factor, visitor.has_passkey = found.has_factor, found.has_passkey
        visitor.proved_ago = found.proved_ago
        visitor.entered_ago, visitor.shown_ago = found.entered_ago, found.shown_ago
        visitor.ends_at = found.session.expires_at if found.ends_soon else None
    return visitor


def _check_site(request: "Request[Any, Any, Any]") -> None:
    """Believe what the browser says of where a form comes from; an old one says nothing, and the token decides."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if (site is not None and site not in OWN_SITES) or (
        origin is not None and origin != house_of(request).config.origin
    ):
        raise Forbidden("door.foreign_form")


async def _read_form(request: "Request[Any, Any, Any]") -> FormMultiDict:
    if request.content_type[0] not in FORM_TYPES:
        raise WrongForm
    try:
        form = await request.form()
        if any(isinstance(sent, str) and "\0" in sent for _, sent in form.multi_items()):
            raise ValueError("a character that no database keeps")
    except (MultipartError, UnicodeDecodeError, ValueError) as broken:
        raise ClientException from broken
    return form


def device_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Read by which cookie this browser is known again, or draw one."""
    known = connection.cookies.get(house_of(connection).config.device_cookie_name, "")
    return known if len(known) == DEVICE_SIGNS and known.isascii() else secrets.token_urlsafe(24)


def cookie_for(house: House, value: str) -> str:
    """Write the Set-Cookie of the cookie that says who is at the door; without a value, the one that takes it away."""
    return set_cookie(house.config, house.config.cookie_name, value, LONGEST)


def keep_cookie(connection: ASGIConnection[Any, Any, Any, Any], name: str, value: str, lasts: timedelta) -> None:
    """Have the browser keep another cookie beside that one; without a value, have it taken away."""
    cookies = visitor_of(connection).more_cookies
    cookies[:] = [each for each in cookies if not each.startswith(f"{name}=")]  # the last word counts, and goes alone
    cookies.append(set_cookie(house_of(connection).config, name, value, lasts))
