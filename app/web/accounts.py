"""Sign up, sign in, sign out, and one's own page. Templates: templates/accounts/.

An address is confirmed before an account exists: a stranger's sign-up leaves one letter and no other trace, and the
answer is the same whether the address is known or not.
"""

from urllib.parse import urlsplit

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.assurance import Known, level_of
from app.accounts.entering import let_in
from app.accounts.events import note
from app.accounts.guarding import PASSWORD, begin, begin_letter
from app.accounts.limits import TooMany
from app.accounts.links import open_reset, open_welcome, spend
from app.accounts.oidc.store import find_own_identity, is_checked
from app.accounts.passwords import Busy
from app.accounts.puzzles import BITS, PARTS
from app.accounts.roles.granting import give_invited
from app.accounts.sessions import (
    DEVICE_KNOWN_FOR,
    close_all_sessions,
    close_one_session,
    close_other_sessions,
    close_session,
    find_at_door,
    hash_of,
    list_sessions,
    meet_device,
    renew_session,
)
from app.accounts.store import add_account, check_address, check_name, get_account
from app.accounts.tables import Event
from app.jobs.store import enqueue
from app.letters.outbox import write_letter
from app.security import Role, Roles
from app.web.browsers import browser_of
from app.web.errors import busy_seconds
from app.web.respond import (
    AnyRequest,
    arrival_of,
    ask_for_code,
    come_in,
    first_page,
    language_of,
    onward,
    page,
)
from app.web.session import (
    check_password,
    device_of,
    fits,
    house_of,
    keep_cookie,
    trier_of,
    visitor_of,
)
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound

WORTH_A_SUM_SECONDS = 5


class SigningUp(Controller):
    """From an address to an account, by a letter."""

    path = "/{lang:str}"

    @get("/sign-up", name="accounts.sign_up")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for an address."""
        return await page(request, "accounts/sign_up.html", email="", turn="", puzzle=None, error=None)

    @post("/sign-up", name="accounts.sign_up_send")
    async def send(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Write a letter to the address, whoever has it."""
        return await _send_letter(request, "sign_up")

    @get("/letter-sent", name="accounts.sent")
    async def sent(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Say that a letter is on its way."""
        return await page(request, "accounts/sent.html")

    @get("/welcome/{token:str}", name="accounts.welcome")
    async def welcome(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Ask for a name and a password; opening a link from a letter changes nothing."""
        house = house_of(request)
        async with house.db.reading() as session:
            facts = await open_welcome(session, house.config.secret, token)
        return await page(request, "accounts/welcome.html", email=facts["email"], name="", link=token, error=None)

    @post("/welcome/{token:str}", name="accounts.welcome_save")
    async def settle(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Make the account and sign its owner in."""
        house, typed_name = house_of(request), visitor_of(request).text("name")
        async with house.db.reading() as session:
            facts = await open_welcome(session, house.config.secret, token)
        email, role = facts["email"], Role(facts.get("role", Role.CITIZEN))
        try:
            name = check_name(typed_name)
            password_hash = await _hash_of(request, email, name)

            arrival = arrival_of(request, proved=False)

            async def work(session: AsyncSession) -> str:
                account = await add_account(session, email, name, password_hash)
                await spend(session, token)
                if role is not Role.CITIZEN:
                    await give_invited(session, account.id, role, arrival.browser)
                    await enqueue(session, "ledger.sequence")
                opened, _ = await let_in(session, house.config.secret, account, arrival)
                return opened

            opened = await house.db.write(work)
        except (Invalid, Conflict, Busy) as error:
            return await _form_again(request, "welcome", error, email=email, name=typed_name, link=token)
        return come_in(request, onward(request, "accounts.me", done="signed-in"), opened, arrival)


class SigningIn(Controller):
    """Come in, go out."""

    path = "/{lang:str}"

    @get("/sign-in", name="accounts.sign_in")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for address and password."""
        wanted = request.query_params.get("next", "")
        return await page(request, "accounts/sign_in.html", email="", next=wanted, turn="", puzzle=None, error=None)

    @post("/sign-in", name="accounts.sign_in_check")
    async def check(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Check them. The answer takes as long, and says the same, whether the address or the password is wrong.

        Who finds too many others at it is told at once, before anything is asked of the database.
        """
        visitor = visitor_of(request)
        email, wanted = visitor.text("email"), visitor.text("next")
        try:
            with house_of(request).passwords.place():
                return await _sign_in(request, email, wanted)
        except (Invalid, TooMany, Busy) as error:
            return await _form_again(request, "sign_in", error, email=email, next=wanted)

    @post("/sign-out", name="accounts.sign_out")
    async def leave(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Sign this browser out."""
        visitor = visitor_of(request)
        token, account_id = visitor.session_token, visitor.known_id

        async def work(session: AsyncSession) -> None:
            await close_session(session, token)
            await note(session, Event.SIGNED_OUT, who=account_id, browser=browser_of(request))

        await house_of(request).db.write(work)
        visitor.sign_out()
        answer = onward(request, "home", done="signed-out")
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer


class LostPassword(Controller):
    """A new password for somebody who can read their letters."""

    path = "/{lang:str}"

    @get("/forgot", name="accounts.forgot")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for the address."""
        return await page(request, "accounts/forgot.html", email="", turn="", puzzle=None, error=None)

    @post("/forgot", name="accounts.forgot_send")
    async def send(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Write a letter with a link, if somebody has the address; the answer is the same if nobody has."""
        return await _send_letter(request, "forgot")

    @get("/reset/{token:str}", name="accounts.reset")
    async def choose(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Ask for the new password; opening a link from a letter changes nothing."""
        house = house_of(request)
        async with house.db.reading() as session:
            account = await open_reset(session, house.config.secret, token)
        return await page(request, "accounts/reset.html", email=account.email, link=token, error=None)

    @post("/reset/{token:str}", name="accounts.reset_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Set the new password and sign the person out everywhere; the link dies with the old password.

        Whoever has the letter is the owner, so this browser is known from now on: no stranger's tries slow it.
        """
        house, secret, device = house_of(request), house_of(request).config.secret, device_of(request)
        async with house.db.reading() as session:
            account = await open_reset(session, secret, token)
        email = account.email
        try:
            password_hash = await _hash_of(request, email or "", account.name)
        except (Invalid, Busy) as error:
            return await _form_again(request, "reset", error, email=email, link=token)

        async def work(session: AsyncSession) -> None:
            account = await open_reset(session, secret, token, lock=True)
            account.password_hash = password_hash
            await close_all_sessions(session, account.id)
            await meet_device(session, secret, account.id, device)
            await note(session, Event.PASSWORD_RESET, who=account.id, browser=browser_of(request))
            await write_letter(session, account.email, "password_changed", lang)

        await house.db.write(work)
        keep_cookie(request, house.config.device_cookie_name, device, DEVICE_KNOWN_FOR)
        return onward(request, "accounts.sign_in", done="password-changed")


class MyAccount(Controller):
    """One's own page: name, password, and the browsers one is signed in with."""

    path = "/{lang:str}/me"

    @get(name="accounts.me")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show it."""
        return await _me(request)

    @post("/name", name="accounts.name")
    async def rename(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Change the name one is called by."""
        visitor = visitor_of(request)
        try:
            name = check_name(visitor_of(request).text("name"))
        except Invalid as error:
            return await _me(request, error)

        async def work(session: AsyncSession) -> None:
            account = await get_account(session, visitor.known_id)
            account.name = name

        await house_of(request).db.write(work)
        return onward(request, "accounts.me", done="saved")

    @post("/password", name="accounts.password")
    async def change_password(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Change the password: this browser gets a new session, every other one is signed out."""
        house, visitor = house_of(request), visitor_of(request)
        try:
            await check_password(request, visitor.known_id, "current")
            password_hash = await _hash_of(request, visitor.email, visitor.name)
        except Invalid as error:
            return await _me(request, error)

        async def work(session: AsyncSession) -> str:
            changed = await get_account(session, visitor.known_id)
            changed.password_hash = password_hash
            await close_other_sessions(session, changed.id, visitor.session_token)
            await note(session, Event.PASSWORD_CHANGED, who=changed.id, browser=browser_of(request))
            await write_letter(session, changed.email, "password_changed", lang)
            return await renew_session(session, visitor.session_token, proved=False)

        visitor.sign_in(await house.db.write(work))
        return onward(request, "accounts.me", done="password-changed")

    @post("/sign-out-one", name="accounts.sign_out_one")
    async def leave_one(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Sign one other browser out."""
        visitor = visitor_of(request)
        account_id, named = visitor.known_id, visitor.text("session")
        try:
            id_hash = bytes.fromhex(named)
        except ValueError as wrong:
            raise NotFound("session.unknown") from wrong
        await house_of(request).db.write(lambda session: close_one_session(session, account_id, id_hash))
        return onward(request, "accounts.me", done="signed-out-there")

    @post("/sign-out-everywhere", name="accounts.sign_out_everywhere")
    async def leave_everywhere(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Sign every browser out, this one too."""
        visitor = visitor_of(request)
        account_id = visitor.known_id

        async def work(session: AsyncSession) -> None:
            await close_all_sessions(session, account_id)
            await note(session, Event.SIGNED_OUT_EVERYWHERE, who=account_id, browser=browser_of(request))

        await house_of(request).db.write(work)
        visitor.sign_out()
        return onward(request, "home", done="signed-out")


async def _hash_of(request: AnyRequest, email: str, name: str) -> str:
    """Hash the new password in a form, which holds neither its owner's names nor the place's. Raises Invalid, Busy."""
    house = house_of(request)
    host = await house.host()
    of_the_place = [urlsplit(house.config.base_url).netloc, *(host.names.values() if host else ())]
    return await house.passwords.hash(visitor_of(request).text("password"), [*of_the_place, email, name])


async def _sign_in(request: AnyRequest, email: str, wanted: str) -> Response[str]:
    """Let somebody in, or ask for their code. Raises Invalid "sign_in.wrong", TooMany, Busy."""
    house, visitor, known_as = house_of(request), visitor_of(request), email.strip().lower()
    secret = house.config.secret
    async with house.db.reading() as session:
        found = await find_at_door(session, secret, known_as, device_of(request))
        moment = await now(session)
    account, has_factor, known = found or (None, False, False)
    attempt = begin(house.limits, secret, trier_of(request, known_as, known=known), PASSWORD)
    password_hash = account.password_hash if account else house.passwords.nobody
    right = await fits(house, attempt, password_hash, visitor.text("password"))
    if account is None or not right:
        # Written down for unknown addresses too, so that known ones take no longer; which address, is not.
        who, browser = account.id if account else None, browser_of(request)
        await house.db.write(lambda session: note(session, Event.SIGN_IN_FAILED, whom=who, browser=browser))
        raise Invalid("sign_in.wrong", field="email")
    if not has_factor:
        person, arrival = account, arrival_of(request, proved=False)

        async def work(session: AsyncSession) -> tuple[str, Roles]:
            return await let_in(session, secret, person, arrival)

        token, roles = await house.db.write(work)
        return come_in(request, first_page(request, roles, wanted), token, arrival)
    return ask_for_code(request, account, wanted, moment)


async def _me(request: AnyRequest, error: Invalid | None = None) -> Response[str]:
    visitor = visitor_of(request)
    provider = house_of(request).provider
    async with house_of(request).db.reading() as session:
        sessions = await list_sessions(session, visitor.known_id)
        identity = await find_own_identity(session, visitor.known_id, provider.issuer) if provider else None
        checked = await is_checked(session, visitor.known_id)
    known = Known(email=bool(visitor.email), checked=checked, identity=identity is not None, factor=visitor.has_factor)
    name = visitor_of(request).text("name") if error and error.field == "name" else visitor.name
    return await page(
        request,
        "accounts/me.html",
        error.status if error else 200,
        sessions=sessions,
        here_hash=hash_of(visitor.session_token),
        name=name,
        identity=identity,
        level=level_of(known),
        phones=bool(house_of(request).config.sms_number),
        error=error,
    )


async def _send_letter(request: AnyRequest, form: str) -> Response[str]:
    """Take the wish for a letter. Nobody looks here whether the address is known; the worker does, later."""
    house, lang, typed = house_of(request), language_of(request), visitor_of(request).text("email")
    try:
        email = check_address(typed)
        who = trier_of(request, email, known=False)
        begin_letter(house.limits, house.config.secret, who)
    except (Invalid, TooMany) as error:
        return await _form_again(request, form, error, email=typed)
    facts = {"form": form, "email": email, "language": lang}
    await house.db.write(lambda session: enqueue(session, "letters.answer", facts))
    return onward(request, "accounts.sent")


async def _form_again(
    request: AnyRequest, form: str, error: DomainError | TooMany | Busy, **typed: object
) -> Response[str]:
    """Show a form with what was typed and what was wrong, or how long to wait."""
    headers, turn, puzzle = {}, "", None
    if isinstance(error, TooMany):
        turn, status, headers = error.turn, 429, {"Retry-After": str(error.seconds)}
        minutes = -(-error.seconds // 60)
        if turn:
            said: DomainError = Forbidden("tries.in_turn", seconds=error.seconds)
            puzzle = {"parts": PARTS, "bits": BITS} if error.seconds >= WORTH_A_SUM_SECONDS else None
        elif form == "sign_in":
            said = Forbidden("sign_in.too_many", minutes=minutes)
        else:
            said = Forbidden("letters.too_many", minutes=minutes)
    elif isinstance(error, Busy):
        said, status, headers = Forbidden("door.busy"), 503, {"Retry-After": str(busy_seconds())}
    else:
        said, status = error, error.status
    answer = await page(request, f"accounts/{form}.html", status, error=said, turn=turn, puzzle=puzzle, **typed)
    answer.headers |= headers
    return answer


ROUTES = [SigningUp, SigningIn, LostPassword, MyAccount]
