"""Sign up, sign in, sign out, and one's own page. Templates: templates/accounts/.

An address is confirmed before an account exists: a stranger's sign-up leaves one letter and no other trace, and the
answer is the same whether the address is known or not.
"""

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.assurance import Known, level_of
from app.accounts.entering import let_in
from app.accounts.events import note
from app.accounts.factors.halfway import mark_of
from app.accounts.factors.store import find_factor
from app.accounts.limits import (
    LETTER_FROM_NETWORK,
    LETTER_TO_ADDRESS,
    PASSWORD_FROM_NETWORK,
    PASSWORD_OF_ACCOUNT,
    network_of,
)
from app.accounts.oidc.store import find_own_identity, is_checked
from app.accounts.roles.granting import give_invited
from app.accounts.sessions import (
    close_all_sessions,
    close_one_session,
    close_other_sessions,
    close_session,
    hash_of,
    list_sessions,
    renew_session,
)
from app.accounts.store import add_account, check_address, check_name, find_account, get_account
from app.accounts.tables import Event
from app.accounts.tokens import make_token, read_token
from app.jobs.store import enqueue
from app.letters.outbox import write_letter
from app.security import Role, Roles
from app.web.respond import AnyRequest, arrival_of, ask_for_code, come_in, first_page, language_of, onward, page
from app.web.session import browser_of, check_password, house_of, visitor_of
from commons.clock import now
from commons.errors import DomainError, Invalid, NotFound

LINK_HOURS = 24


class SigningUp(Controller):
    """From an address to an account, by a letter."""

    path = "/{lang:str}"

    @get("/sign-up", name="accounts.sign_up")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for an address."""
        return await page(request, "accounts/sign_up.html", email="", error=None)

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
        facts = read_token(house_of(request).config.secret, "welcome", token)
        return await page(request, "accounts/welcome.html", email=facts["email"], name="", link=token, error=None)

    @post("/welcome/{token:str}", name="accounts.welcome_save")
    async def settle(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Make the account and sign its owner in."""
        house = house_of(request)
        facts = read_token(house.config.secret, "welcome", token)
        email, role = facts["email"], Role(facts.get("role", Role.CITIZEN))
        try:
            name, password = check_name(visitor_of(request).text("name")), visitor_of(request).text("password")
            password_hash = await house.passwords.hash(password)

            arrival = arrival_of(request, proved=False)

            async def work(session: AsyncSession) -> str:
                account = await add_account(session, email, name, password_hash)
                if role is not Role.CITIZEN:
                    await give_invited(session, account.id, role, arrival.browser)
                    await enqueue(session, "ledger.sequence")
                token, _ = await let_in(session, house.config.secret, account, arrival)
                return token

            token = await house.db.write(work)
        except DomainError as error:
            return await page(
                request,
                "accounts/welcome.html",
                error.status,
                email=email,
                name=visitor_of(request).text("name"),
                link=token,
                error=error,
            )
        return come_in(request, onward(request, "accounts.me", done="signed-in"), token, arrival)


class SigningIn(Controller):
    """Come in, go out."""

    path = "/{lang:str}"

    @get("/sign-in", name="accounts.sign_in")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for address and password."""
        wanted = request.query_params.get("next", "")
        return await page(request, "accounts/sign_in.html", email="", next=wanted, error=None)

    @post("/sign-in", name="accounts.sign_in_check")
    async def check(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Check them. The answer takes as long, and says the same, whether the address or the password is wrong."""
        house, visitor = house_of(request), visitor_of(request)
        email, password, wanted = visitor.text("email"), visitor.text("password"), visitor.text("next")
        network = network_of(request, house.config.trusted_proxy)
        known_as = email.strip().lower()
        house.limits.try_one(PASSWORD_FROM_NETWORK, network)
        house.limits.try_one(PASSWORD_OF_ACCOUNT, known_as)
        async with house.db.reading() as session:
            account = await find_account(session, known_as)
            factor = await find_factor(session, account.id) if account else None
            moment = await now(session)
        right = await house.passwords.fits(account.password_hash if account else house.passwords.nobody, password)
        if account is None or not right:
            # Written down for unknown addresses too, so that known ones take no longer; which address, is not.
            who = account.id if account else None
            await house.db.write(
                lambda session: note(session, Event.SIGN_IN_FAILED, whom=who, browser=browser_of(request))
            )
            error = Invalid("sign_in.wrong", field="email")
            return await page(request, "accounts/sign_in.html", 422, email=email, next=wanted, error=error)
        house.limits.take_back(PASSWORD_FROM_NETWORK, network)
        house.limits.succeeded(PASSWORD_OF_ACCOUNT, known_as)
        if factor is None:
            person, arrival = account, arrival_of(request, proved=False)

            async def work(session: AsyncSession) -> tuple[str, Roles]:
                return await let_in(session, house.config.secret, person, arrival)

            token, roles = await house.db.write(work)
            return come_in(request, first_page(request, roles, wanted), token, arrival)
        return ask_for_code(request, account, wanted, moment)

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
        return await page(request, "accounts/forgot.html", email="", error=None)

    @post("/forgot", name="accounts.forgot_send")
    async def send(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Write a letter with a link, if somebody has the address; the answer is the same if nobody has."""
        return await _send_letter(request, "forgot")

    @get("/reset/{token:str}", name="accounts.reset")
    async def choose(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Ask for the new password; opening a link from a letter changes nothing."""
        facts = read_token(house_of(request).config.secret, "reset", token)
        return await page(request, "accounts/reset.html", email=facts["email"], link=token, error=None)

    @post("/reset/{token:str}", name="accounts.reset_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Set the new password and sign the person out everywhere; the link dies with the old password."""
        house = house_of(request)
        facts = read_token(house.config.secret, "reset", token)
        try:
            password_hash = await house.passwords.hash(visitor_of(request).text("password"))
        except Invalid as error:
            return await page(
                request, "accounts/reset.html", error.status, email=facts["email"], link=token, error=error
            )

        async def work(session: AsyncSession) -> None:
            account = await find_account(session, facts["email"], lock=True)
            if account is None or _mark(account.password_hash) != facts["mark"]:
                raise NotFound("link.dead")
            account.password_hash = password_hash
            await close_all_sessions(session, account.id)
            await note(session, Event.PASSWORD_RESET, who=account.id, browser=browser_of(request))
            await write_letter(session, account.email, "password_changed", lang)

        await house.db.write(work)
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
            password_hash = await house.passwords.hash(visitor_of(request).text("password"))
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
        error=error,
    )


async def _send_letter(request: AnyRequest, form: str) -> Response[str]:
    """Write the letter that a form asks for, and give the same answer whether the address is known or not."""
    house, lang, typed = house_of(request), language_of(request), visitor_of(request).text("email")
    try:
        email = check_address(typed)
    except Invalid as error:
        return await page(request, f"accounts/{form}.html", error.status, email=typed, error=error)
    house.limits.try_one(LETTER_FROM_NETWORK, network_of(request, house.config.trusted_proxy))
    house.limits.try_one(LETTER_TO_ADDRESS, email)
    secret = house.config.secret

    async def work(session: AsyncSession) -> None:
        account = await find_account(session, email)
        if account is not None:
            token = make_token(
                secret, "reset", {"email": email, "mark": _mark(account.password_hash)}, hours=LINK_HOURS
            )
            kind = "reset" if form == "forgot" else "sign_up_known"
            await write_letter(session, email, kind, lang, name=account.name, token=token)
        elif form == "sign_up":
            token = make_token(secret, "welcome", {"email": email}, hours=LINK_HOURS)
            await write_letter(session, email, "sign_up", lang, token=token)

    await house.db.write(work)
    return onward(request, "accounts.sent")


def _mark(password_hash: str) -> str:
    """Mark a password without telling it, so that a link to change it works once."""
    return mark_of(password_hash).hex()[:32]


ROUTES = [SigningUp, SigningIn, LostPassword, MyAccount]
