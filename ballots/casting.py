"""The one door into the box: a filled form becomes a sealed ballot, and its voter gets a signed promise.

Everything happens in the caller's transaction. Tell the voter only after it is committed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.answers import order_of, read_sheet, write
from ballots.eligibility import Channel, VoterFacts, check_eligible
from ballots.keys import Keys
from ballots.receipts import Receipt, form_hash_of, sign_receipt
from ballots.sealing import BoxKeys, seal, slot_of, unwrap, wrap
from ballots.store import add_line, change_line, find_envelope, form_of, put_envelope, step_of
from ballots.tables import Step
from commons.clock import now
from commons.errors import Conflict, DomainError, Invalid
from commons.rows import within
from polls.lifecycle import check_accepting
from polls.store import HELD, Held, hold_poll
from polls.tables import Poll


class Happened(StrEnum):
    """What a cast did."""

    FIRST = "first"
    CHANGED = "changed"
    REPEATED = "repeated"  # this form was recorded before; whatever it says now was not


@dataclass(frozen=True)
class Cast:
    """A recorded ballot, sealed, and what happened. It does not hold the choice."""

    poll_id: UUID
    ciphertext: bytes
    happened: Happened
    _box: BoxKeys = field(repr=False)

    @property
    def receipt(self) -> Receipt:
        """The promise, signed when it is asked for: a cast by HTTP shows it on the next page."""
        return sign_receipt(self.poll_id, self.ciphertext, self._box.receipt)


async def cast(
    session: AsyncSession,
    keys: Keys,
    poll_id: UUID,
    numbers: Sequence[int],
    facts: VoterFacts,
    tag: bytes,
    form_key: bytes,
    after: bytes | None,
    channel: Channel = Channel.WEB,
) -> Cast:
    """Record a ballot: hold the vote, and let `record` do the rest. Raises NotFound "poll.unknown", and as `record`."""
    poll = await hold_poll(session, poll_id, shared=True)
    given = {name: getattr(poll, name) for name in HELD if name != "moment"}
    held = Held(**given, moment=await now(session))
    return await within(session, record, keys, held, numbers, facts, tag, form_key, after, channel)


def record(
    connection: Connection,
    keys: Keys,
    poll: Held,
    numbers: Sequence[int],
    facts: VoterFacts,
    tag: bytes,
    form_key: bytes,
    after: bytes | None,
    channel: Channel = Channel.WEB,
) -> Cast:
    """Record a ballot in a vote whose row this transaction holds.

    numbers:  one per position of the form, in the order that `answers.order_of` derives from form_key; 0 = left out.
    tag:      the voter's, from `Keys.tag`: the same by every door.
    form_key: random bytes that the form carried. after: hash of the last accepted form (`last_form`), or None.
    Returns:  the receipt; the same one again for a form that was recorded before, even after closing as long as the
              box key lives.
    Raises:   Forbidden "voter.not_on_roll" or "voter.void"; Invalid from `answers`; Conflict "poll.not_open",
              ".suspended", ".closed", ".annulled", "ballot.meanwhile" when another form was recorded since,
              "ballot.on_paper", "ballot.damaged", "keys.gone" for a recorded form whose receipt can be made no more.
    Cost:     two statements for a ballot that is recorded; about 0.3 ms of computing.
    """
    form_hash = form_hash_of(poll.id, form_key)
    try:
        check_accepting(poll.state, poll.closes_at, poll.moment)
        check_eligible(facts, poll.roll_id)
        answer = read_sheet(numbers, order_of(poll.option_ids, form_key), poll.paper)
        _note(connection, poll.id, tag, after, channel, form_hash)
    except DomainError:  # nothing was written; whatever else is wrong, a form that was recorded is told so
        if (again := _repeated(connection, keys, poll, tag, form_hash)) is not None:
            return again
        raise
    box = keys.box(poll.id)
    ciphertext = seal(write(answer), poll.sealing_key, poll.id, poll.card_hash)
    slot = slot_of(box, tag)
    put_envelope(connection, poll.id, slot, wrap(box, ciphertext, poll.id, slot, channel, form_hash))
    happened = Happened.FIRST if after is None else Happened.CHANGED
    return Cast(poll.id, ciphertext, happened, box)


def _note(
    connection: Connection, poll_id: UUID, tag: bytes, after: bytes | None, channel: Channel, form_hash: bytes
) -> None:
    """Note this form as the voter's last.

    Raises: Conflict "ballot.meanwhile" where it does not follow the last one, "ballot.on_paper".
    """
    if after is None:
        is_noted = add_line(connection, poll_id, tag, channel, form_hash)
    else:  # a form that names itself follows nothing
        is_noted = after != form_hash and change_line(connection, poll_id, tag, after, channel, form_hash)
    if is_noted:
        return
    line = form_of(connection, poll_id, tag)
    if line is not None and line[0] is Channel.PAPER:
        raise Conflict("ballot.on_paper")
    raise Conflict("ballot.meanwhile")


async def last_form(session: AsyncSession, poll_id: UUID, tag: bytes) -> bytes | None:
    """Find the hash of a voter's last accepted form: the `after` of a fresh one. None when nothing was recorded."""
    line = await within(session, form_of, poll_id, tag)
    return None if line is None or line[0] is Channel.PAPER else line[1]


async def find_receipt(session: AsyncSession, keys: Keys, poll: Poll, tag: bytes) -> Receipt | None:
    """Make a voter's receipt again; None when nothing was recorded.

    Raises: Conflict "keys.gone" once the urn is full: from then on nobody can make one; "ballot.damaged".
    """
    box = keys.box(poll.id)
    line = await within(session, form_of, poll.id, tag)
    if line is None or line[0] is Channel.PAPER:
        return None
    if line[1] is None:  # the closing has come to where forms are forgotten
        raise Conflict("keys.gone")
    ciphertext = await within(session, _ciphertext, box, poll.id, tag, line[0], line[1])
    return sign_receipt(poll.id, ciphertext, box.receipt)


def _repeated(connection: Connection, keys: Keys, poll: Held, tag: bytes, form_hash: bytes) -> Cast | None:
    """Find what this very form recorded. A retry must not be told "closed"."""
    line = form_of(connection, poll.id, tag)
    if line is None or line[1] != form_hash:
        return None
    box = keys.box(poll.id)
    return Cast(poll.id, _ciphertext(connection, box, poll.id, tag, line[0], form_hash), Happened.REPEATED, box)


def _ciphertext(
    connection: Connection, box: BoxKeys, poll_id: UUID, tag: bytes, channel: Channel, form_hash: bytes
) -> bytes:
    slot = slot_of(box, tag)
    sealed = find_envelope(connection, poll_id, slot)
    try:
        return unwrap(box, sealed or b"", poll_id, slot, channel, form_hash)
    except Invalid as damaged:
        is_dropped = sealed is None and step_of(connection, poll_id) is Step.FILLED
        raise Conflict("keys.gone" if is_dropped else "ballot.damaged") from damaged
