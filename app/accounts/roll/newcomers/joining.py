"""Asking to take part in a vote open to all: one account, one line, and from there the same way as by a code.

The line is made in a transaction of its own, before any ballot. It carries a keyed hash of the address, under the roll
key of the vote: who erases the account and comes back with the same address finds their line taken. That key lies
outside the database and is destroyed when the objections are over; then the hash leads to nobody.
"""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.assurance import Known, Level, level_of
from app.accounts.roll.newcomers.store import add_newcomer, find_newcomer, find_vouchers
from app.accounts.store import get_account
from ballots.keys import Keys
from commons.clock import now
from commons.errors import Forbidden
from polls.lifecycle import check_accepting
from polls.store import hold_poll
from polls.tables import Poll

NEEDED = Level.A1
"""How sure the house must be of who takes part; a vote with a roll takes codes and bound lines alone, which is A2."""
_PURPOSE = "khma-newcomer-1"  # longer than a line's id: no mark is anybody's tag


async def join(session: AsyncSession, keys: Keys, poll_id: UUID, account_id: UUID) -> None:
    """Let somebody signed in take part; asking again changes nothing.

    Raises: Conflict "poll.not_open", ".suspended", ".closed", ".annulled", "keys.gone"; Forbidden "voter.not_on_roll"
            for a vote with a list, "voter.unconfirmed", or "voter.address_used" where another account took part with
            this address.
    """
    poll = await hold_poll(session, poll_id, shared=True)  # whoever fixes the list waits for us
    check_accepting(poll.state, poll.closes_at, await now(session))
    roll_id, mark = await _find_mark(session, keys, poll, account_id)
    if await find_newcomer(session, roll_id, account_id, mark) is None:
        await add_newcomer(session, roll_id, account_id, mark)


async def check_joining(session: AsyncSession, keys: Keys, poll: Poll, account_id: UUID) -> None:
    """Check that somebody could take part, or does already. Raises Forbidden and "keys.gone" as `join`."""
    roll_id, mark = await _find_mark(session, keys, poll, account_id)
    await find_newcomer(session, roll_id, account_id, mark)


async def _find_mark(session: AsyncSession, keys: Keys, poll: Poll, account_id: UUID) -> tuple[UUID, bytes]:
    """Work out what stands for somebody's address, or for who vouches for them, in this vote alone."""
    if not poll.open_to_all or poll.roll_id is None:
        raise Forbidden("voter.not_on_roll")
    account, vouchers = await get_account(session, account_id), await find_vouchers(session, account_id)
    if level_of(Known(email=bool(account.email), identity=bool(vouchers))) < NEEDED:
        raise Forbidden("voter.unconfirmed")
    who = account.email or " ".join((vouchers[0][0], vouchers[0][1].hex()))
    return poll.roll_id, keys.tag(poll.id, f"{_PURPOSE} {who}".encode())
