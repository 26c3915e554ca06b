"""Whose lines a vote freezes when it opens: all that are not struck off, as far as its rule lets them vote."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.facts import NOTHING, Needs, fits, needs_of, rule_of
from app.accounts.roll.store import hold_roll
from app.accounts.tables import RollLine
from commons.clock import now
from polls.eligibility.rules import read_rule
from polls.lifecycle import State
from polls.tables import Poll


async def lines_at_opening(session: AsyncSession, poll: Poll) -> list[bytes]:
    """Read the fixed bytes of every line that may vote, for `ballots.preparing.start`, in the transaction that opens.

    Returns: none for a vote open to all, whose list is fixed at closing; none without a roll, and so it does not open.
    """
    if poll.open_to_all or poll.roll_id is None:
        return []
    return await roll_lines(session, poll.roll_id, poll.eligibility)


async def roll_lines(session: AsyncSession, roll_id: UUID, eligibility: Mapping[str, Any] | None = None) -> list[bytes]:
    """Read the fixed bytes of every line that is not struck and that a rule lets vote.

    Call it in the transaction that opens the vote: it holds the roll until then, and so cannot be only reading.

    Cost: O(lines); with a rule about ten microseconds more for each.
    """
    await hold_roll(session, roll_id, shared=True)
    rule = rule_of(eligibility)
    query = select(RollLine.id, RollLine.facts).where(RollLine.roll_id == roll_id, col(RollLine.struck_at).is_(None))
    return [line_id.bytes for line_id, kept in await session.exec(query) if fits(rule, kept)]


async def count_fitting(session: AsyncSession, poll: Poll) -> int | None:
    """Count whom on the roll a vote's rule lets vote, as the list tells them now; None for a vote without a rule.

    Cost: O(lines), the judging beside the event loop.
    """
    if (rule := rule_of(poll.eligibility)) is None:
        return None
    query = select(RollLine.facts).where(RollLine.roll_id == poll.roll_id, col(RollLine.struck_at).is_(None))
    told = (await session.exec(query)).all()
    return await asyncio.to_thread(lambda: sum(fits(rule, kept) for kept in told))


async def needs_of_roll(session: AsyncSession, roll_id: UUID) -> Needs:
    """Find what the rules of votes with this roll ask of a person, until the objections to each are over."""
    over = col(Poll.state).in_([State.PUBLISHED, State.ANNULLED]) & (col(Poll.objections_until) <= await now(session))
    query = select(Poll.eligibility).where(Poll.roll_id == roll_id, ~over)
    return needs_of(read_rule(each) for each in await session.exec(query) if each is not None)


async def forget_facts(session: AsyncSession) -> None:
    """Forget what lines tell of people beside their names, wherever no rule of a vote needs it any more."""
    known = col(RollLine.facts).is_not(None)
    for roll_id in (await session.exec(select(RollLine.roll_id).where(known).distinct())).all():
        if await needs_of_roll(session, roll_id) == NOTHING:
            await session.exec(update(RollLine).where(known, col(RollLine.roll_id) == roll_id).values(facts=None))
