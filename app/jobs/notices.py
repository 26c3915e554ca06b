"""Rounds of notices: once a day at most, and once at closing, those in whose name a ballot was cast are told by letter.

A round is thought out on one view of the box and then written: nobody who votes meanwhile is in it. What the letters
and their rows may tell, and what not, stands in docs/adr/0024.
"""

import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.telling.rounds import Marker, Times, Told, is_last_round, is_morning_round, whom_to_tell
from app.accounts.telling.store import (
    Contact,
    begin_round,
    find_contacts,
    find_round,
    find_told,
    forget_marks,
    write_marks,
)
from app.config import LANGUAGES
from app.house import House
from app.letters.outbox import CAST, Note, write_notes
from ballots.eligibility import Channel
from ballots.keys import Keys
from ballots.store import SLICE, all_lines
from commons.clock import now
from commons.errors import DomainError
from commons.tables import text_in
from polls.lifecycle import State
from polls.store import find_polls, get_poll, hold_poll
from polls.tables import Poll

log = logging.getLogger("khma.worker")

SPREAD = timedelta(hours=2)
"""Within so long after a round its letters go, each at a moment drawn for it alone."""


Due = Callable[[Times, datetime], bool]


@dataclass(frozen=True)
class Round:
    """A round as it was thought out.

    seen: when the round before was looked at. marks: (tag, mark) of whom it tells, in an order drawn anew.
    told: what was told before it. contacts: tag -> where letters go; most lines have none.
    """

    poll: Poll
    seen: datetime | None
    marks: Sequence[tuple[bytes, bytes]]
    told: Mapping[bytes, Told]
    contacts: Mapping[bytes, Sequence[Contact]]


async def tell_each_morning(house: House) -> None:
    """Hold the day's round of every open vote, and forget what is known of votes that are over."""
    if (host := await house.host()) is None:
        return
    async with house.db.reading() as session:
        polls = await find_polls(session, State.OPEN)
    for poll in polls:
        await _tell(house, poll, lambda times, moment: is_morning_round(times, moment, host.zone))
    while await house.db.write(forget_marks):
        pass


async def tell_at_closing(house: House, poll: Poll) -> None:
    """Hold the last round of a vote whose closing time has come, before its forms are forgotten.

    It never keeps a vote from closing: what goes wrong is logged.
    """
    await house.db.write(lambda session: hold_poll(session, poll.id))  # whoever still was casting has done so
    await _tell(house, poll, is_last_round)


async def _tell(house: House, poll: Poll, is_due: Due) -> None:
    try:
        if (thought_out := await _think_out(house, poll.id, is_due)) is None:
            return
        if (number := await house.db.write(lambda session: _begin(session, thought_out))) is None:
            return
        for start in range(SLICE, len(thought_out.marks), SLICE):
            await house.db.write(lambda session, s=start: _write(session, thought_out, number, s))  # type: ignore[misc]
    except Exception as trouble:
        name = trouble.code if isinstance(trouble, DomainError) else type(trouble).__name__
        log.warning("notices failed", extra={"vote": poll.slug, "trouble": name}, exc_info=trouble)


async def _think_out(house: House, poll_id: UUID, is_due: Due) -> Round | None:
    """Choose whom a round tells, on one view of the box; None where no round is due. Raises Conflict "keys.gone"."""
    mark = Marker(house.config.secret, poll_id)
    async with house.db.reading() as session:
        poll, before, moment = await get_poll(session, poll_id), await find_round(session, poll_id), await now(session)
        looked_at, told_at = (before.looked_at, before.told_at) if before else (None, None)
        if not is_due(Times(poll.opened_at or poll.planned_opens_at, poll.closes_at, looked_at, told_at), moment):
            return None
        told, lines = await find_told(session, poll_id), await all_lines(session, poll_id)
        contacts = await find_contacts(session, poll.roll_id) if poll.roll_id else []
    cast = {tag: mark(tag, form) for tag, channel, form in lines if channel is not Channel.PAPER and form is not None}
    marks = [(tag, cast[tag]) for tag in whom_to_tell(cast, told)]
    secrets.SystemRandom().shuffle(marks)
    by_tag = defaultdict[bytes, list[Contact]](list)
    if marks and contacts:
        tags = Keys(house.config.keys).tags(poll_id, [each.line_id.bytes for each in contacts])
        for tag, contact in zip(tags, contacts, strict=True):
            by_tag[tag].append(contact)
    return Round(poll, looked_at, marks, told, by_tag)


async def _begin(session: AsyncSession, thought_out: Round) -> int | None:
    """Begin a round, and write its first slice. Returns its number; None where another worker was first."""
    moment = await now(session)
    tells = bool(thought_out.marks)
    number = await begin_round(session, thought_out.poll.id, thought_out.seen, moment, tells=tells)
    if number is not None and tells:
        await _write(session, thought_out, number, 0)
    return number


async def _write(session: AsyncSession, thought_out: Round, number: int, start: int) -> None:
    """Write one slice of a round: its marks, and its letters. Cost: 0.4 s for 5,000 of each on SQLite."""
    marks, poll = thought_out.marks[start : start + SLICE], thought_out.poll
    await write_marks(session, poll.id, number, marks, thought_out.told.keys())
    moment = await now(session)
    contacts = [contact for tag, _ in marks for contact in thought_out.contacts.get(tag, ())]
    await write_notes(session, CAST, [_note_for(contact, poll, moment) for contact in contacts])


def _note_for(contact: Contact, poll: Poll, moment: datetime) -> Note:
    language = contact.language or next((code for code in LANGUAGES if code in poll.titles), "en")
    facts = {"vote": text_in(poll.titles, language), "slug": poll.slug}
    later = timedelta(seconds=secrets.randbelow(int(SPREAD.total_seconds())))
    return Note(contact.address, language, facts, moment + later)
