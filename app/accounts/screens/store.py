"""Second screens as rows: set up, joined, handed a ballot, left. Whatever changes a row holds it first.

One agent has one screen. A row is reached by its agent, by their account, and by its screen, by the key in its browser;
by nobody else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.voters import AT_SCREEN, Voter
from app.accounts.screens.handing import LASTS as SESSION_LASTS
from app.accounts.screens.handing import OFFERED_FOR, hand_over, new_session, open_lease, seal_lease, take_over
from app.accounts.screens.joining import CODE_LIVES, LASTS, Joined, code_hash, code_of, new_joined, number_of
from app.accounts.screens.tables import Screen
from app.accounts.tables import RollLine
from commons.clock import now
from commons.errors import Conflict, Forbidden
from commons.ids import new_id
from commons.organisations.store import get_host, host_id


class Use(StrEnum):
    """What a second screen does just now, as far as its agent may know."""

    CODE = "code"  # no browser joined yet
    WAITING = "waiting"
    OFFERED = "offered"
    IN_USE = "in_use"


@dataclass(frozen=True)
class Seen:
    """A screen as it stands. session: which one lasts, where it is in use; else nothing."""

    screen_id: UUID
    use: Use
    session: bytes = b""

    @property
    def number(self) -> int:
        """The two digits that both browsers show."""
        return number_of(self.screen_id)


_OURS = col(Screen.organisation_id) == host_id()


async def set_up(session: AsyncSession, secret: str, account_id: UUID) -> None:
    """Begin a screen for an agent; the one they had is theirs no longer. `code_of` tells its code."""
    await stop(session, account_id)
    screen_id, ends_at = new_id(), await now(session) + CODE_LIVES
    host = await get_host(session)
    marked = code_hash(secret, code_of(secret, screen_id))
    row = Screen(account_id=account_id, organisation_id=host.id, id=screen_id, code_hash=marked, ends_at=ends_at)
    session.add(row)
    await session.flush()


async def join(session: AsyncSession, secret: str, code: str, lang: str) -> tuple[Joined, UUID]:
    """Join the browser in which a code was typed; of many at once, one joins.

    code:    from `joining.read_code`.
    Returns: what that browser is to carry, and whose counter it is.
    Raises:  Forbidden "screen.unknown" for a code that nobody waits with, was used, or is over.
    """
    query = select(Screen).where(_OURS, col(Screen.code_hash) == code_hash(secret, code)).with_for_update()
    row, moment = (await session.exec(query)).first(), await now(session)
    if row is None or row.ends_at <= moment:
        raise Forbidden("screen.unknown", field="screen_code")
    joined = new_joined(row.id, lang)
    row.code_hash, row.public, row.ends_at = None, joined.public, moment + LASTS
    session.add(row)
    await session.flush()
    return joined, row.account_id


async def find_own(session: AsyncSession, secret: str, account_id: UUID) -> Seen | None:
    """Find how an agent's own screen stands; None where they have none that lasts."""
    return _seen(await find_kept(session, account_id), secret, await now(session))


async def find_kept(session: AsyncSession, account_id: UUID) -> Screen | None:
    """Find what is kept of an agent's own screen."""
    return (await session.exec(select(Screen).where(_OURS, col(Screen.account_id) == account_id))).first()


def look(connection: Connection, secret: str, joined: Joined, moment: datetime) -> Seen | None:
    """Find how the screen stands that a browser says it is; None where it is that no longer. One statement."""
    of_ours = _OURS & (col(Screen.id) == joined.screen_id)
    row = connection.execute(select_columns(Screen.__table__).where(of_ours)).first()  # type: ignore[attr-defined]
    return _seen(row, secret, moment) if row is not None and row.public == joined.public else None


async def offer(session: AsyncSession, secret: str, account_id: UUID, poll_id: UUID, line_id: UUID) -> None:
    """Hand an agent's screen the ballot of a person; it takes it within five minutes, or nobody does.

    Raises: Conflict "screen.none" where no browser joined, "screen.busy" while somebody has it.
    """
    row, moment = await _hold(session, col(Screen.account_id) == account_id), await now(session)
    seen = _seen(row, secret, moment)
    if row is None or row.public is None or seen is None:
        raise Conflict("screen.none")
    if seen.use is not Use.WAITING:
        raise Conflict("screen.busy")
    row.sealed = hand_over(row.public, row.id, poll_id, line_id)
    row.lease = seal_lease(secret, row.id, new_session(), moment + OFFERED_FOR)
    session.add(row)
    await session.flush()


async def take(session: AsyncSession, secret: str, joined: Joined) -> tuple[UUID, Voter]:
    """Take what was handed to a screen; it is gone from the row with that. Of many at once, one takes it.

    Returns: the vote, and who is at the ballot.
    Raises:  Forbidden "screen.gone" where the browser is no screen any more, "voter.not_on_roll"; Conflict
             "screen.nothing" where nothing waits.
    """
    row, moment = await _hold_joined(session, joined), await now(session)
    seen = _seen(row, secret, moment)
    if seen is None or row.sealed is None or seen.use is not Use.OFFERED:
        raise Conflict("screen.nothing")
    if (found := take_over(joined.private, row.id, row.sealed)) is None:
        raise Conflict("screen.nothing")
    poll_id, line_id = found
    own = open_lease(secret, row.id, row.lease, moment) or b""
    row.sealed, row.lease = None, seal_lease(secret, row.id, own, moment + SESSION_LASTS)
    session.add(row)
    await session.flush()
    voter = await session.run_sync(lambda inner: find_voter_at_screen(inner.connection(), line_id, own))
    if voter is None or voter.is_void:
        raise Forbidden("voter.not_on_roll")
    return poll_id, voter


async def extend(session: AsyncSession, secret: str, joined: Joined, lasting: bytes) -> None:
    """Let a session begin its time anew. Raises Forbidden "screen.gone", "screen.over"."""
    row, moment = await _hold_joined(session, joined), await now(session)
    if row.sealed is not None or open_lease(secret, row.id, row.lease, moment) != lasting:
        raise Forbidden("screen.over")
    row.lease = seal_lease(secret, row.id, lasting, moment + SESSION_LASTS)
    session.add(row)
    await session.flush()


async def leave(session: AsyncSession, secret: str, joined: Joined, lasting: bytes) -> None:
    """End a session from the screen; one that was ended before, or another one's, stays as it is."""
    row = await _hold(session, col(Screen.id) == joined.screen_id)
    if row is None or row.public != joined.public:
        return
    if row.sealed is None and open_lease(secret, row.id, row.lease, await now(session)) == lasting:
        row.lease = None
        session.add(row)
        await session.flush()


async def free(session: AsyncSession, account_id: UUID) -> None:
    """End whatever goes on at an agent's screen, or was about to; its pass is worth nothing from then on."""
    if (row := await _hold(session, col(Screen.account_id) == account_id)) is not None:
        row.sealed = row.lease = None
        session.add(row)
        await session.flush()


async def stop(session: AsyncSession, account_id: UUID) -> None:
    """Part an agent from their screen."""
    await session.exec(delete(Screen).where(col(Screen.account_id) == account_id))


async def part(session: AsyncSession, joined: Joined) -> None:
    """Part a screen from its agent, from the screen's side. One that parted already stays so."""
    of_key = (col(Screen.id) == joined.screen_id) & (col(Screen.public) == joined.public)
    await session.exec(delete(Screen).where(of_key))


async def sweep_screens(session: AsyncSession) -> None:
    """Forget screens whose time is over, and codes that nobody typed."""
    await session.exec(delete(Screen).where(col(Screen.ends_at) <= await now(session)))


def find_voter_at_screen(connection: Connection, line_id: UUID, lasting: bytes) -> Voter | None:
    """Find who is at a second screen; no code of theirs is needed there. One statement.

    lasting: the session to which their pass is bound.
    """
    columns = (col(RollLine.roll_id), col(RollLine.struck_at), col(RollLine.facts))
    row = connection.execute(select_columns(*columns).where(col(RollLine.id) == line_id)).first()
    if row is None:
        return None
    is_struck = row.struck_at is not None
    return Voter(line_id, row.roll_id, AT_SCREEN, is_struck, from_desk=True, known=row.facts, session=lasting)


async def _hold(session: AsyncSession, which: Any) -> Screen | None:  # noqa: ANN401 - a condition
    query = select(Screen).where(_OURS, which).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).first()


async def _hold_joined(session: AsyncSession, joined: Joined) -> Screen:
    row = await _hold(session, col(Screen.id) == joined.screen_id)
    if row is None or row.public != joined.public or row.ends_at <= await now(session):
        raise Forbidden("screen.gone")
    return row


def _seen(row: Any, secret: str, moment: datetime) -> Seen | None:  # noqa: ANN401 - a Screen, or a row of its columns
    """Tell how a screen stands."""
    if row is None or row.ends_at <= moment:
        return None
    lasting = open_lease(secret, row.id, row.lease, moment)
    if row.public is None:
        return Seen(row.id, Use.CODE)
    if lasting is None:
        return Seen(row.id, Use.WAITING)
    return Seen(row.id, Use.OFFERED) if row.sealed is not None else Seen(row.id, Use.IN_USE, lasting)
