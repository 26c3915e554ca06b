"""Sign-in by the provider that the organisation trusts: leave, come back, join what belongs together. Templates: oidc/.

Whoever comes back without the note that this browser took along is shown how to begin again; nobody is signed in by a
link of somebody else's. An address that the provider vouches for leads to no account until its password was shown.
"""

import hmac
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.entering import let_in
from app.accounts.events import note
from app.accounts.factors.store import has_factor
from app.accounts.guarding import (
    TURN_HELD_SECONDS,
    Trier,
    begin_at_provider,
    end_at_provider,
    seconds_to_turn,
)
from app.accounts.limits import LONGEST_WAIT_SECONDS, PROVIDER_FROM_NETWORK, TooMany
from app.accounts.oidc.claims import Person, shown_ago
from app.accounts.oidc.marks import PersonMarker, subject_mark
from app.accounts.oidc.notes import (
    LONGEST_TURN,
    VALID_FOR,
    Joining,
    Leaving,
    new_leaving,
    open_joining,
    open_leaving,
    seal_joining,
    seal_leaving,
)
from app.accounts.oidc.provider import Provider, ProviderAway
from app.accounts.oidc.store import add_identity, find_identity, remove_identity
from app.accounts.passkeys.store import list_passkeys
from app.accounts.passwords import no_password
from app.accounts.store import LONGEST_NAME, add_account, check_address, find_account, get_account, has_password
from app.accounts.tables import Account, Event
from app.letters.outbox import write_letter
from app.security import JUST_NOW, Roles
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, arrival_of, ask_for_code, come_in, first_page, go, onward, page
from app.web.session import (
    OWN_SITES,
    check_password,
    house_of,
    keep_cookie,
    shown_code,
    trier_of,
    visitor_of,
    with_factor,
)
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound

log = logging.getLogger("khma.provider")

BACK = "/sign-in/back"  # without a language, so that the provider knows one address for all of them
LONG_AGO = JUST_NOW + timedelta(seconds=1)
TURN_KEPT_FOR = timedelta(seconds=LONGEST_WAIT_SECONDS + TURN_HELD_SECONDS)


@dataclass(frozen=True)
class Shown:
    """Whom the provider showed to us: the person, how long ago they showed it who they are, the marks we keep.

    ago: longer than what counts as just now, where the provider does not say.
    """

    person: Person
    ago: timedelta
    subject_mac: bytes
    person_mac: bytes | None


class GoingThere(Controller):
    """Out to the provider and back."""

    path = "/{lang:str}/sign-in"

    @get("/provider", name="oidc.begin")
    async def leave(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Send the browser to the provider, with a note that it must bring back."""
        provider, house, visitor = _provider(request), house_of(request), visitor_of(request)
        if request.headers.get("sec-fetch-site", "none") not in OWN_SITES:  # nobody asked for it: another site began
            return onward(request, "accounts.sign_in")
        visitor.form_token()  # a browser without a cookie gets one, to bind the note to
        moment, wanted = await _moment(request), request.query_params.get("next", "")
        turn = _turn_of(request, moment)
        if seconds := seconds_to_turn(house.config.secret, PROVIDER_FROM_NETWORK, _trier(request, turn)):
            return await _wait(request, TooMany(seconds, turn), new_leaving(wanted))
        leaving = new_leaving(wanted, turn, again="again" in request.query_params)
        try:
            place = await provider.leave(leaving, house.config.base_url + BACK)
        except (DomainError, ProviderAway) as error:
            return await _failed(request, error, leaving)
        sealed = seal_leaving(house.config.secret, visitor.cookie, leaving, moment)
        keep_cookie(request, house.config.provider_cookie_name, sealed, VALID_FOR)
        answer = go(request, place)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @get("/back", name="oidc.back")
    async def come_back(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take somebody in whom the provider vouches for."""
        provider, visitor, house = _provider(request), visitor_of(request), house_of(request)
        keep_cookie(request, house.config.provider_cookie_name, "", VALID_FOR)  # it works once
        moment = await _moment(request)
        leaving: Leaving | None = None
        try:
            leaving = _note_of(request, moment)
            who = _trier(request, leaving.turn)
            begin_at_provider(house.limits, house.config.secret, who)
            shown = await _identify(request, provider, leaving, moment)
            end_at_provider(house.limits, who)
            found = await _find(request, provider, shown)
            if found is not None:
                return await _enter(request, found, shown, leaving.wanted, moment)
            if visitor.signed_in:
                return await _ask_to_join(request, visitor.known_id, shown, leaving.wanted, moment)
            return await _welcome(request, provider, shown, leaving.wanted, moment)
        except TooMany as error:
            return await _wait(request, error, leaving)
        except (DomainError, ProviderAway) as error:
            return await _failed(request, error, leaving)


class JoiningBoth(Controller):
    """Join an account that was here before to the provider's sign-in, once its password was shown."""

    path = "/{lang:str}/sign-in/join"

    @get(name="oidc.join")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for the password of the account, and for the code if it has a second factor."""
        _provider(request)
        if (found := await _to_join(request)) is None:
            return await _failed(request, Forbidden("oidc.lost"))
        return await _join_form(request, *found)

    @post(name="oidc.join_save")
    async def join(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take them, join the two, and sign in."""
        provider, house = _provider(request), house_of(request)
        if (found := await _to_join(request)) is None:
            return await _failed(request, Forbidden("oidc.lost"))
        joining, account, needs_factor = found
        arrival = arrival_of(request, proved=needs_factor)

        async def work(session: AsyncSession) -> tuple[str, Roles]:
            owner = await get_account(session, account.id)
            await add_identity(session, provider.issuer, joining.subject_mac, owner.id, joining.person_mac)
            await note(session, Event.IDENTITY_JOINED, who=owner.id, browser=arrival.browser)
            await write_letter(session, owner.email, "identity_joined", lang, provider=provider.name)
            return await let_in(session, house.config.secret, owner, arrival)

        try:
            await check_password(request, account.id, "password")
            if needs_factor:
                token, roles = await with_factor(request, account.id, work)
            else:
                token, roles = await house.db.write(work)
        except Invalid as error:
            return await _join_form(request, joining, account, needs_factor, error)
        except Conflict as error:
            return await _failed(request, error, new_leaving(joining.wanted))
        keep_cookie(request, house.config.provider_cookie_name, "", VALID_FOR)
        answer = first_page(request, roles, joining.wanted)
        if not joining.wanted:
            answer = onward(request, "accounts.me", done="identity-joined")
        return come_in(request, answer, token, arrival)


class WithoutIt(Controller):
    """One's own account without the provider."""

    path = "/{lang:str}/me/provider"

    @post("/remove", name="oidc.remove")
    async def remove(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take the provider's sign-in away, where there is another way in: an address and a password of one's own."""
        provider, visitor, house = _provider(request), visitor_of(request), house_of(request)
        account_id, email = visitor.known_id, visitor.email
        try:
            if not visitor.has_password:
                raise Conflict("identity.only_way")
            if not visitor.has_factor:  # who has one showed it at the door
                await check_password(request, account_id, "present")
        except (Invalid, Conflict) as error:
            return await _failed(request, error)

        async def work(session: AsyncSession) -> None:
            if await remove_identity(session, account_id, provider.issuer):
                await note(session, Event.IDENTITY_REMOVED, who=account_id, browser=browser_of(request))
                await write_letter(session, email, "identity_removed", lang, provider=provider.name)

        await house.db.write(work)
        return onward(request, "accounts.me", done="identity-removed")


def _provider(request: AnyRequest) -> Provider:
    """Give the provider. Raises NotFound "door.nowhere" where the organisation has none."""
    if (provider := house_of(request).provider) is None:
        raise NotFound("door.nowhere")
    return provider


async def _moment(request: AnyRequest) -> datetime:
    async with house_of(request).db.reading() as session:
        return await now(session)


def _note_of(request: AnyRequest, moment: datetime) -> Leaving:
    """Read the note that this browser took along. Raises Forbidden "oidc.lost" for another's, or an old one."""
    house, visitor = house_of(request), visitor_of(request)
    text = request.cookies.get(house.config.provider_cookie_name, "")
    leaving = open_leaving(house.config.secret, visitor.cookie, text, moment)
    state = request.query_params.get("state", "")
    if leaving is None or not hmac.compare_digest(leaving.state.encode(), state.encode()):
        raise Forbidden("oidc.lost")
    return leaving


def _turn_of(request: AnyRequest, moment: datetime) -> str:
    """Read which place in the queue this browser has, if any: by itself, or in a note that was not brought back yet."""
    house, visitor = house_of(request), visitor_of(request)
    text = request.cookies.get(house.config.provider_cookie_name, "")
    if len(text) <= LONGEST_TURN:
        return text
    leaving = open_leaving(house.config.secret, visitor.cookie, text, moment)
    return leaving.turn if leaving else ""


def _trier(request: AnyRequest, turn: str) -> Trier:
    return replace(trier_of(request, "", known=False), turn=turn)


async def _identify(request: AnyRequest, provider: Provider, leaving: Leaving, moment: datetime) -> Shown:
    """Ask the provider who came back.

    Raises: Forbidden "oidc.refused", "oidc.untrue", "oidc.not_again"; Conflict "oidc.fault", "oidc.code_dead";
            ProviderAway.
    """
    query, house = request.query_params, house_of(request)
    await provider.check_sender(query.get("iss", ""))
    if said := query.get("error"):
        raise Forbidden("oidc.refused") if said == "access_denied" else Conflict("oidc.fault")
    token, access = await provider.redeem(query.get("code", ""), leaving, house.config.base_url + BACK)
    person = await provider.identify(token, access, leaving, moment)
    ago = shown_ago(person, moment)
    if leaving.again and (ago is None or ago > JUST_NOW):
        raise Forbidden("oidc.not_again")
    secret = house.config.secret
    number = PersonMarker(secret)(person.identifier) if person.identifier else None
    return Shown(
        person,
        LONG_AGO if ago is None else min(ago, LONG_AGO),
        subject_mark(secret, provider.issuer, person.subject),
        number,
    )


async def _find(request: AnyRequest, provider: Provider, shown: Shown) -> Account | None:
    async with house_of(request).db.reading() as session:
        found = await find_identity(session, provider.issuer, shown.subject_mac)
    return found[1] if found else None


async def _enter(request: AnyRequest, account: Account, shown: Shown, wanted: str, moment: datetime) -> Response[str]:
    """Sign in whom we know; who has a second factor shows it first."""
    house, provider = house_of(request), _provider(request)
    arrival = replace(arrival_of(request, proved=False), shown_ago=shown.ago)

    async def work(session: AsyncSession) -> tuple[bool, str, Roles]:
        found = await find_identity(session, provider.issuer, shown.subject_mac)
        if found is None or found[1].id != account.id:  # it was taken away meanwhile
            raise Forbidden("oidc.lost")
        identity, owner = found
        if identity.person_mac != shown.person_mac:  # the provider knows better than it did
            identity.person_mac = shown.person_mac
            session.add(identity)
            await session.flush()
        if await has_factor(session, owner.id):
            return True, "", frozenset()
        return False, *(await let_in(session, house.config.secret, owner, arrival))

    halfway, token, roles = await house.db.write(work)
    if halfway:
        return ask_for_code(request, account, wanted, moment)
    return come_in(request, first_page(request, roles, wanted), token, arrival)


async def _welcome(
    request: AnyRequest, provider: Provider, shown: Shown, wanted: str, moment: datetime
) -> Response[str]:
    """Make an account for somebody who comes the first time; where their address has one, ask for its password."""
    house = house_of(request)
    email = _address(shown.person)
    if email:
        async with house.db.reading() as session:
            there = await find_account(session, email)
        if there is not None:
            return await _ask_to_join(request, there.id, shown, wanted, moment)
    name = shown.person.name[:LONGEST_NAME].strip()
    arrival = replace(arrival_of(request, proved=False), shown_ago=shown.ago)

    async def work(session: AsyncSession) -> tuple[str, Roles]:
        account = await add_account(session, email or None, name, no_password())
        await add_identity(session, provider.issuer, shown.subject_mac, account.id, shown.person_mac)
        await note(session, Event.IDENTITY_JOINED, who=account.id, browser=arrival.browser)
        return await let_in(session, house.config.secret, account, arrival)

    token, roles = await house.db.write(work)
    return come_in(request, first_page(request, roles, wanted), token, arrival)


def _address(person: Person) -> str:
    """Give the address that the provider checked; nothing where it is none that a letter could go to."""
    try:
        return check_address(person.email)
    except Invalid:
        return ""


async def _ask_to_join(
    request: AnyRequest, account_id: UUID, shown: Shown, wanted: str, moment: datetime
) -> Response[str]:
    """Go and ask for the password of an account, with a note of what was proved."""
    house, visitor = house_of(request), visitor_of(request)
    joining = Joining(account_id, shown.subject_mac, shown.person_mac, wanted)
    sealed = seal_joining(house.config.secret, visitor.cookie, joining, moment)
    keep_cookie(request, house.config.provider_cookie_name, sealed, VALID_FOR)
    return onward(request, "oidc.join")


async def _to_join(request: AnyRequest) -> tuple[Joining, Account, bool] | None:
    """Read what is to be joined, to whom, and whether they have a second factor; None without a note that holds."""
    house, visitor = house_of(request), visitor_of(request)
    text = request.cookies.get(house.config.provider_cookie_name, "")
    async with house.db.reading() as session:
        joining = open_joining(house.config.secret, visitor.cookie, text, await now(session))
        account = await session.get(Account, joining.account_id) if joining else None
        needs_factor = await has_factor(session, account.id) if account else False
    return (joining, account, needs_factor) if joining and account else None


async def _join_form(
    request: AnyRequest, _: Joining, account: Account, needs_factor: bool, error: Invalid | None = None
) -> Response[str]:
    async with house_of(request).db.reading() as session:
        has_passkey = bool(await list_passkeys(session, account.id))
    return await page(
        request,
        "oidc/join.html",
        error.status if error else 200,
        email=account.email or "",
        name=account.name,
        has_password=has_password(account),
        has_factor=needs_factor,
        has_passkey=has_passkey,
        code=await shown_code(house_of(request), account.id) if needs_factor else "",
        error=error,
    )


async def _wait(request: AnyRequest, error: TooMany, leaving: Leaving | None) -> Response[str]:
    """Say when the turn of this browser comes; it takes its place along in a cookie."""
    keep_cookie(request, house_of(request).config.provider_cookie_name, error.turn, TURN_KEPT_FOR)
    answer = await _failed(request, Forbidden("oidc.in_turn", seconds=error.seconds), leaving)
    answer.status_code, answer.headers["Retry-After"] = 429, str(error.seconds)
    return answer


async def _failed(
    request: AnyRequest, error: DomainError | ProviderAway, leaving: Leaving | None = None
) -> Response[str]:
    """Say what went wrong, and how to go on: nobody is stuck. What the provider said goes into the log, and no name."""
    if isinstance(error, ProviderAway):
        log.error("provider away", extra={"why": str(error)})
        error, status = Conflict("oidc.away"), 503
    else:
        status = error.status
        if error.code == "oidc.untrue":
            log.warning("provider not believed", extra={"why": str(error.facts.get("part", ""))})
    wanted, again = (leaving.wanted, leaving.again) if leaving else ("", False)
    answer = await page(request, "oidc/failed.html", status, next=wanted, again=again, error=error)
    answer.headers["Cache-Control"] = "no-store"
    return answer


ROUTES = [GoingThere, JoiningBoth, WithoutIt]
