"""Who has which role, how one is given and ended by two people; signing people out; the security log.

Templates: templates/people/.
"""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.losing import WAITED, find_loss, stop_forgetting
from app.accounts.factors.store import has_factor
from app.accounts.roles.granting import (
    END,
    FORGET,
    GRANT,
    GRANTED,
    Wish,
    ask_for,
    find_wishes,
    settle,
    take_back_wish,
)
from app.accounts.roles.store import find_grants, find_people
from app.accounts.sessions import close_all_sessions
from app.accounts.store import find_account, find_accounts, find_events, get_account
from app.accounts.tables import Event, SecurityEvent
from app.jobs.store import enqueue
from app.letters.outbox import write_letter
from app.security import Role
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, onward, page, page_number
from app.web.session import Visitor, house_of, visitor_of
from commons.approvals.tables import Decision
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid
from commons.organisations.store import get_host

LONGEST_SEARCH = 100
LOST = "lost-factor"


class PeoplePages(Controller):
    """Find people, see what they may do, ask for a change."""

    path = "/{lang:str}/manage/people"

    @get(name="people.index")
    async def index(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """List those who hold a role, or find anybody by name or address."""
        wanted = request.query_params.get("q", "")[:LONGEST_SEARCH]
        async with house_of(request).db.reading() as session:
            found = await find_people(session, wanted, page_number(request))
            wishes = await find_wishes(session, visitor_of(request).known_id)
        return await page(request, "people/index.html", found=found, q=wanted, wishes=wishes)

    @get("/{account_id:uuid}", name="people.show")
    async def show(self, request: AnyRequest, lang: FromPath[str], account_id: FromPath[UUID]) -> Response[str]:
        """Show one person's roles."""
        return await _person(request, account_id)

    @post("/{account_id:uuid}", name="people.ask")
    async def ask(self, request: AnyRequest, lang: FromPath[str], account_id: FromPath[UUID]) -> Response[str]:
        """Ask that they be given a role, or that one end; nothing changes before a second person agrees."""
        visitor = visitor_of(request)

        async def work(session: AsyncSession) -> bool:
            wish = _wish_in(visitor, account_id)
            reason, browser = visitor.text("reason"), browser_of(request)
            is_done = await ask_for(session, wish, reason, visitor.known_id, browser, lang)
            if is_done:
                await _go_on(session, wish)
            return is_done

        try:
            is_done = await house_of(request).db.write(work)
        except (Invalid, Conflict, Forbidden) as error:
            return await _person(request, account_id, error)
        return onward(request, "people.show", done="agreed" if is_done else "asked", account_id=account_id)

    @post("/{account_id:uuid}/sign-out", name="people.sign_out")
    async def sign_out(self, request: AnyRequest, lang: FromPath[str], account_id: FromPath[UUID]) -> Response[str]:
        """Sign somebody out everywhere, such as from a telephone that was stolen; a letter tells them."""
        by, browser = visitor_of(request).known_id, browser_of(request)

        async def work(session: AsyncSession) -> None:
            account = await get_account(session, account_id)
            await close_all_sessions(session, account_id)
            await note(session, Event.SESSIONS_ENDED, who=by, whom=account_id, browser=browser)
            await write_letter(session, account.email, "signed_out", lang)

        await house_of(request).db.write(work)
        return onward(request, "people.show", done="signed-out-person", account_id=account_id)


def _wish_in(visitor: Visitor, account_id: UUID) -> Wish:
    """Read what a form asks for: `grant/officer`, `end/officer/Registry office`, or that a lost factor be forgotten."""
    do, _, said = visitor.text("role").partition("/")
    if do == LOST:
        return Wish(FORGET, account_id, Role.CITIZEN, "")
    role, _, held_for = said.partition("/")
    if role not in set(GRANTED):
        raise Invalid("role.missing", field="role")
    unit = held_for if do == "end" else " ".join(visitor.text("unit").split())
    return Wish(END if do == "end" else GRANT, account_id, Role(role), unit)


class Deciding(Controller):
    """Agree to what somebody asked for about a person, refuse it, or take back what one asked for."""

    path = "/{lang:str}/manage/roles"

    @post("/{approval_id:uuid}", name="people.decide")
    async def decide(self, request: AnyRequest, lang: FromPath[str], approval_id: FromPath[UUID]) -> Response[str]:
        """Decide on it, as neither the one who asked nor the one it is about."""
        visitor = visitor_of(request)
        if (said := visitor.text("decision")) not in {"agree", "refuse"}:
            raise Invalid("amendment.undecided")
        decision = Decision.APPROVED if said == "agree" else Decision.REFUSED

        async def work(session: AsyncSession) -> None:
            wish = await settle(session, approval_id, visitor.known_id, decision, browser_of(request), lang)
            if decision is Decision.APPROVED:
                await _go_on(session, wish)

        await house_of(request).db.write(work)
        return onward(request, "manage.home", done="agreed" if decision is Decision.APPROVED else "refused")

    @post("/{approval_id:uuid}/take-back", name="people.take_back")
    async def take_back(self, request: AnyRequest, lang: FromPath[str], approval_id: FromPath[UUID]) -> Response[str]:
        """Take back what one asked for oneself, before anybody decided."""
        visitor = visitor_of(request)
        wish = await house_of(request).db.write(
            lambda session: take_back_wish(session, approval_id, visitor.known_id, browser_of(request))
        )
        return onward(request, "people.show", done="taken-back", account_id=wish.account_id)


async def _go_on(session: AsyncSession, wish: Wish) -> None:
    """Ask for the work that follows when something was agreed to."""
    if wish.action == FORGET:
        await enqueue(session, "factors.forget", due_at=await now(session) + WAITED)
    else:
        await enqueue(session, "ledger.sequence")


class KeepingFactor(Controller):
    """What the letter about a lost factor leads to: its owner says no, signed in or not."""

    path = "/{lang:str}/keep-factor/{token:str}"

    @get(name="people.keep_factor")
    async def ask(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Say what would happen, and when; opening a link from a letter changes nothing."""
        async with house_of(request).db.reading() as session:
            loss = await find_loss(session, token)
        return await page(request, "people/keep_factor.html", link=token, due_at=loss.due_at, error=None)

    @post(name="people.keep_factor_save")
    async def keep(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Keep the factor."""
        browser = browser_of(request)
        await house_of(request).db.write(lambda session: stop_forgetting(session, token, browser))
        return onward(request, "home", done="factor-kept")


class SecurityLog(Controller):
    """What happened at the door, and to roles."""

    path = "/{lang:str}/manage/security"

    @get(name="people.log")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the newest lines, of everybody or of one person."""
        wanted = request.query_params.get("person", "").strip()[:LONGEST_SEARCH]
        async with house_of(request).db.reading() as session:
            person = await find_account(session, wanted.lower()) if wanted else None
            events: list[SecurityEvent] = []
            number = pages = 1
            if person is not None or not wanted:
                events, number, pages = await find_events(session, person.id if person else None, page_number(request))
            ids = {each for event in events for each in (event.who, event.whom) if each is not None}
            names = await find_accounts(session, ids)
        return await page(
            request, "people/log.html", events=events, names=names, person=wanted, number=number, pages=pages
        )


async def _person(
    request: AnyRequest, account_id: UUID, error: Invalid | Conflict | Forbidden | None = None
) -> Response[str]:
    visitor = visitor_of(request)
    async with house_of(request).db.reading() as session:
        host = await get_host(session)
        account = await get_account(session, account_id)
        grants = await find_grants(session, [account_id])
        wishes = [each for each in await find_wishes(session, visitor.known_id) if each.account.id == account_id]
        may_lose = await has_factor(session, account_id)
    return await page(
        request,
        "people/person.html",
        error.status if error else 200,
        account=account,
        grants=grants,
        wishes=wishes,
        has_factor=may_lose,
        roles=GRANTED,
        may_ask=visitor.may("people.ask") and (host.single_handed or account_id != visitor.account_id),
        typed={name: visitor.text(name) for name in ("role", "unit", "reason")},
        error=error,
    )


ROUTES = [PeoplePages, Deciding, KeepingFactor, SecurityLog]
