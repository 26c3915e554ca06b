"""Give somebody a role or end it: an administrator asks and says why, somebody else agrees, and the public log says so.

In the same way a second factor that somebody lost is forgotten; that one waits a day more, and no public line tells it.
Who asks, who agrees and whom it is about are three people. Only where one officer runs the whole body ("single-handed")
one person does all three, at once; every page says so, and so does each line.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.losing import begin_forgetting, check_forgettable
from app.accounts.roles.store import add_grant, end_grant, find_grant, find_grants, find_holders, find_roles
from app.accounts.sessions import close_all_sessions
from app.accounts.store import find_accounts, get_account
from app.accounts.tables import Account, Event
from app.i18n import FALLBACK
from app.letters.outbox import write_letter
from app.security import Role, Roles
from commons.approvals.store import ask, decide, erase_about, find_by, find_waiting, get_approval, take_back
from commons.approvals.tables import Approval, Decision
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.ledger.sequence import append
from commons.organisations.store import get_host, hold_host
from commons.organisations.tables import Organisation

GRANT, END, FORGET = "role.grant", "role.end", "factor.forget"
GRANTED = tuple(role for role in Role if role is not Role.CITIZEN)
LONGEST_UNIT = 60


@dataclass(frozen=True)
class Wish:
    """A role that somebody shall be given, or that shall end; or that their second factor be forgotten.

    role: for a second factor, that of everybody.
    """

    action: str
    account_id: UUID
    role: Role
    unit: str

    @property
    def subject(self) -> str:
        """The wish as a request for approval keeps it."""
        return f"people/{self.account_id}/{self.role}/{self.unit}"


@dataclass(frozen=True)
class Waiting:
    """A wish that waits for a second person. may_agree: whether that can be the one who looks at it."""

    approval: Approval
    wish: Wish
    account: Account
    may_agree: bool


def wish_of(approval: Approval) -> Wish:
    """Read a wish back from its request. Raises NotFound for a request of another kind."""
    if approval.action not in {GRANT, END, FORGET}:
        raise NotFound("approval.unknown")
    _, account_id, role, unit = approval.subject.split("/", 3)
    return Wish(approval.action, UUID(account_id), Role(role), unit)


def check_agreeing(wish: Wish, asked_by: UUID, agreed_by: UUID, roles: Roles, admins: set[UUID]) -> None:
    """Check that somebody is the right second person.

    roles:  of the one who decides. admins: everybody who is an administrator.
    Raises: Forbidden "approval.same_person", "role.own"; "role.admin_decides" for a manager while there is another
            administrator who could.
    """
    if agreed_by == asked_by:
        raise Forbidden("approval.same_person")
    if agreed_by == wish.account_id:
        raise Forbidden("role.own")
    if Role.ADMIN not in roles and (Role.MANAGER not in roles or admins - {asked_by, wish.account_id}):
        raise Forbidden("role.admin_decides")


async def ask_for(
    session: AsyncSession, wish: Wish, reason: str, asked_by: UUID, browser: str, language: str = FALLBACK
) -> bool:
    """Ask for a role or its end, or that a factor be forgotten; in a single-handed body it is agreed to at once.

    Returns: whether it is agreed to.
    Raises:  NotFound; Invalid "role.missing", "role.reason_missing" or "text.too_long"; Forbidden "role.own"; Conflict
             "role.held", "role.not_held", "role.last_admin", "factor.none", "factor.forgetting" or "approval.waiting".
    """
    host = await hold_host(session)
    await get_account(session, wish.account_id)
    if wish.role not in GRANTED and wish.action != FORGET:
        raise Invalid("role.missing", field="role")
    if len(wish.unit) > LONGEST_UNIT:
        raise Invalid("text.too_long", field="unit", limit=LONGEST_UNIT, found=len(wish.unit))
    if not reason.strip():
        raise Invalid("role.reason_missing", field="reason")
    if asked_by == wish.account_id and not host.single_handed:
        raise Forbidden("role.own")
    await _check_possible(session, wish)
    approval = await ask(session, wish.action, wish.subject, reason, asked_by)
    await _note(session, "asked", wish, asked_by, browser)
    if host.single_handed:
        await settle(session, approval.id, asked_by, Decision.APPROVED, browser, language)
    return host.single_handed


async def settle(
    session: AsyncSession,
    approval_id: UUID,
    decided_by: UUID,
    decision: Decision,
    browser: str,
    language: str = FALLBACK,
) -> Wish:
    """Decide on a wish; agreed to, it is done, its line is in the public log, and the person signs in anew.

    The person is told by letter, in the language given. A lost factor is forgotten a day later, unless they object.

    Raises: as `check_agreeing`; NotFound; Conflict "approval.decided" and as `ask_for`.
    """
    host = await hold_host(session)
    approval = await get_approval(session, approval_id)
    wish, roles = wish_of(approval), await find_roles(session, decided_by)
    if not host.single_handed:
        admins = await find_holders(session, Role.ADMIN)
        check_agreeing(wish, approval.asked_by, decided_by, roles, admins)
    await decide(session, approval_id, decided_by, decision, single_handed=host.single_handed)
    if decision is Decision.REFUSED:
        await _note(session, "refused", wish, decided_by, browser)
        return wish
    await _check_possible(session, wish)
    await _note(session, "agreed", wish, decided_by, browser)
    account = await get_account(session, wish.account_id)
    if wish.action == FORGET:
        await begin_forgetting(session, account, language)
        return wish
    agreed = Role.ADMIN if Role.ADMIN in roles else Role.MANAGER
    words = {"asked_by": Role.ADMIN.value, "agreed_by": "nobody" if approval.asked_by == decided_by else agreed.value}
    await _carry_out(session, host, wish, words, approval.asked_by, decided_by)
    kind = "role_granted" if wish.action == GRANT else "role_ended"
    await write_letter(session, account.email, kind, language, role=wish.role.value, unit=wish.unit)
    return wish


async def take_back_wish(session: AsyncSession, approval_id: UUID, asked_by: UUID, browser: str) -> Wish:
    """Take a wish back that one asked for. Raises as `commons.approvals.store.take_back`."""
    wish = wish_of(await get_approval(session, approval_id))
    await take_back(session, approval_id, asked_by)
    await note(session, Event.ROLE_TAKEN_BACK, who=asked_by, whom=wish.account_id, browser=browser, about=wish.role)
    return wish


async def give_up_roles(session: AsyncSession, account_id: UUID) -> None:
    """End all that somebody holds, because they leave, and what is asked about them; the public log counts it.

    Raises: Conflict "role.last_admin".
    """
    host = await hold_host(session)
    if await find_holders(session, Role.ADMIN) == {account_id}:
        raise Conflict("role.last_admin")
    for grant in await find_grants(session, [account_id]):
        wish = Wish(END, account_id, grant.role, grant.unit)
        await _carry_out(session, host, wish, {"asked_by": "person", "agreed_by": "nobody"}, account_id, None)
    for approval in await find_by(session, account_id):
        if approval.action in {GRANT, END, FORGET} and approval.decision is Decision.WAITING:
            await take_back(session, approval.id, account_id)
    await erase_about(session, f"people/{account_id}/")


async def give_invited(session: AsyncSession, account_id: UUID, role: Role, browser: str) -> None:
    """Give a role that the operator's invitation brings; its public line says that no second person agreed."""
    words = {"asked_by": "operator", "agreed_by": "nobody"}
    await _carry_out(session, await get_host(session), Wish(GRANT, account_id, role, ""), words, None, None)
    await note(session, Event.ROLE_GRANTED, whom=account_id, browser=browser, about=role)


async def find_wishes(session: AsyncSession, looked_at_by: UUID) -> list[Waiting]:
    """Find the wishes that wait, oldest first, and which of them somebody may agree to."""
    approvals = await find_waiting(session, [GRANT, END, FORGET])
    if not approvals:
        return []
    host, roles = await get_host(session), await find_roles(session, looked_at_by)
    admins = await find_holders(session, Role.ADMIN)
    waiting = []
    wishes = [(approval, wish_of(approval)) for approval in approvals]
    accounts = await find_accounts(session, {wish.account_id for _, wish in wishes})
    for approval, wish in wishes:
        may_agree = host.single_handed
        if not may_agree:
            try:
                check_agreeing(wish, approval.asked_by, looked_at_by, roles, admins)
                may_agree = True
            except Forbidden:
                may_agree = False
        waiting.append(Waiting(approval, wish, accounts[wish.account_id], may_agree))
    return waiting


async def _check_possible(session: AsyncSession, wish: Wish) -> None:
    """Check that there is something to give or to end, and that an administrator is left."""
    if wish.action == FORGET:
        await check_forgettable(session, wish.account_id)
        return
    held = await find_grant(session, wish.account_id, wish.role, wish.unit)
    if wish.action == GRANT:
        if held is not None:
            raise Conflict("role.held", field="role")
        return
    if held is None:
        raise Conflict("role.not_held", field="role")
    if wish.role is Role.ADMIN and await find_holders(session, Role.ADMIN) == {wish.account_id}:
        raise Conflict("role.last_admin", field="role")


async def _note(session: AsyncSession, what: str, wish: Wish, who: UUID, browser: str) -> None:
    """Write into the security log that something was asked for, agreed to or refused."""
    event = _EVENTS[wish.action, what]
    about = "" if wish.action == FORGET else wish.role.value
    await note(session, event, who=who, whom=wish.account_id, browser=browser, about=about)


_EVENTS = {
    (GRANT, "asked"): Event.ROLE_ASKED,
    (GRANT, "agreed"): Event.ROLE_GRANTED,
    (GRANT, "refused"): Event.ROLE_REFUSED,
    (END, "asked"): Event.ROLE_ASKED,
    (END, "agreed"): Event.ROLE_ENDED,
    (END, "refused"): Event.ROLE_REFUSED,
    (FORGET, "asked"): Event.FACTOR_LOSS_ASKED,
    (FORGET, "agreed"): Event.FACTOR_LOSS_AGREED,
    (FORGET, "refused"): Event.FACTOR_LOSS_REFUSED,
}


async def _carry_out(
    session: AsyncSession,
    host: Organisation,
    wish: Wish,
    words: dict[str, str],
    asked_by: UUID | None,
    approved_by: UUID | None,
) -> None:
    if wish.action == GRANT:
        await add_grant(
            session, host.id, wish.account_id, wish.role, wish.unit, asked_by=asked_by, approved_by=approved_by
        )
    elif (held := await find_grant(session, wish.account_id, wish.role, wish.unit)) is not None:
        await end_grant(session, held)
    await close_all_sessions(session, wish.account_id)
    kind = "role.granted" if wish.action == GRANT else "role.ended"
    await append(session, kind, words | {"role": wish.role.value, "unit": wish.unit}, subject=f"roles/{wish.role}")
