"""Opening the box: at publication time, never before; the whole box or nothing; no ballot keeps its place.

What is kept is a list of patterns, each with the number of ballots that say it. Which sealed ballot said what is
nowhere written down.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.answers import read
from ballots.closing import Doors
from ballots.counting.contest import Contest, Grades, Money
from ballots.counting.types import Profile, close_up
from ballots.keys import Keys
from ballots.receipts import commitment_of
from ballots.sealing import unseal
from ballots.store import add_patterns, all_patterns, all_urn_rows, get_box, get_list, hashes_of
from ballots.tables import List, Step
from commons.canonical import canonical, digest
from commons.clock import now
from commons.errors import Conflict, Invalid
from commons.ledger.lines import LineWords
from commons.ledger.reading import find_signed
from commons.ledger.sequence import append
from commons.merkle import root
from commons.naming import text_in
from polls.kinds import Kind
from polls.lifecycle import State, check_change
from polls.store import get_poll, hold_poll
from polls.tables import Poll
from polls.votecard import FEWEST_OPENED, FILE_LANGUAGE


@dataclass(frozen=True)
class Opened:
    """What was in a box.

    counts:     pattern (an answer: one number an option) -> how many ballots say it; all zeros is a blank ballot.
    unreadable: ballots that could not be opened or read: counted, never dropped.
    """

    counts: dict[bytes, int]
    unreadable: int

    @property
    def hash(self) -> str:
        """Return 64 hex digits over the sorted list of patterns with their numbers, and the unreadable ones."""
        listed = [[pattern.hex(), number] for pattern, number in sorted(self.counts.items())]
        return digest("khma-opened-2", canonical([listed, self.unreadable])).hex()


async def open_box(doors: Doors, keys: Keys, opener: X25519PrivateKey, poll_id: UUID) -> Step:
    """Open the box of a closed vote once its publication time has come. May be run again; it opens once.

    opener:  the private half of the vote's sealing key; `Keys.opener` in a demonstration.
    Returns: OPENED, or UNOPENED when fewer than ten ballots are in it.
    Raises:  NotFound; Conflict "poll.not_closed", "box.too_early", "box.key_alive" while a box key of this vote exists,
             "box.wrong_opener", "box.not_the_list" when the urn is not the list in the ledger, "box.not_in_checkpoint"
             while no signed checkpoint holds that list's root.
    Cost:    O(ballots), about 0.1 ms each, beside the event loop.
    """
    async with doors.reading() as session:
        poll, box = await get_poll(session, poll_id), await get_box(session, poll_id)
        if box.step in {Step.OPENED, Step.UNOPENED}:
            return box.step
        await _check_time(session, keys, poll)
        urn = list(await all_urn_rows(session, poll_id))
        listed = await get_list(session, poll_id, "box")
        await find_sealed(session, poll, listed)
    if sorted(commitment_of(poll_id, each) for each in urn) != hashes_of(listed):
        raise Conflict("box.not_the_list", found=len(urn), expected=listed.size)
    if len(urn) < FEWEST_OPENED:
        return await doors.write(lambda session: _leave_shut(session, poll_id, len(urn)))
    if opener.public_key().public_bytes_raw() != poll.sealing_key:
        raise Conflict("box.wrong_opener")
    opened = await asyncio.to_thread(open_all, urn, opener, poll)
    return await doors.write(lambda session: _record(session, keys, poll_id, opened))


async def find_sealed(session: AsyncSession, poll: Poll, listed: List) -> int:
    """Find the ledger's line that holds the root of the box list, under a signed checkpoint. Returns its position.

    Raises: Conflict "box.not_in_checkpoint": without it nobody outside can tell that the list was made before opening.
    """
    known = root(hashes_of(listed)).hex()
    for line in await find_signed(session, "box.sealed", poll.subject):
        if line.words is not None and line.words["root"] == known:
            return line.position
    raise Conflict("box.not_in_checkpoint")


def open_all(urn: Sequence[bytes], opener: X25519PrivateKey, poll: Poll) -> Opened:
    """Open every ballot of an urn and lay equal ones together. Pure."""
    counts: Counter[bytes] = Counter()
    unreadable = 0
    for ciphertext in urn:
        try:
            answer = read(unseal(ciphertext, opener, poll.id, poll.card_hash), poll.paper)
        except Invalid:
            unreadable += 1
        else:
            counts[bytes(answer)] += 1
    return Opened(dict(counts), unreadable)


async def contest_of(session: AsyncSession, poll_id: UUID, language: str = FILE_LANGUAGE) -> Contest:
    """Make the pile of ballots of an opened box, ready to count.

    language: in which the options are named; as published files do, where nothing is said.
    Raises:   NotFound; Conflict "box.not_opened".
    """
    poll, box = await get_poll(session, poll_id), await get_box(session, poll_id)
    if box.step is not Step.OPENED:
        raise Conflict("box.not_opened")
    names = [text_in(option["names"], language) for option in poll.options]
    return _lay_out(poll, names, await all_patterns(session, poll_id), box.unreadable)


def _lay_out(poll: Poll, names: Sequence[str], patterns: Mapping[bytes, int], unreadable: int) -> Contest:
    """Lay opened ballots out in the form that their rule counts. patterns: answer -> how many ballots say it. Pure."""
    paper, seats = poll.paper, poll.terms.get("seats")
    blank = patterns.get(bytes(len(names)), 0)
    rows = {row: number for row, number in patterns.items() if any(row)}
    if paper.kind is Kind.RANKING:
        ranks = Counter[bytes]()
        for row, number in rows.items():
            ranks[close_up([rank or None for rank in row])] += number
        return Contest(Profile.of_rows(names, dict(ranks), blank=blank, invalid=unreadable), seats=seats)
    lowest = 1 if paper.kind is Kind.GRADES else 0  # a ballot says 1 for the lowest grade, 0 for none
    given = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), len(names))
    weights = np.fromiter(rows.values(), dtype=np.int64, count=len(rows))
    grades = Grades(
        tuple(names), np.maximum(given, lowest) - lowest, weights, paper.highest - lowest, blank, unreadable
    )
    money = None if paper.budget is None else Money(Fraction(paper.budget), tuple(map(Fraction, paper.costs)))
    return Contest(grades=grades, seats=seats, money=money)


async def publish(session: AsyncSession, poll_id: UUID) -> Poll:
    """Call a vote published, in the transaction that publishes its result. Raises Conflict "box.not_opened"."""
    poll, box = await hold_poll(session, poll_id), await get_box(session, poll_id)
    check_change(poll.state, State.PUBLISHED)
    if box.step not in {Step.OPENED, Step.UNOPENED}:
        raise Conflict("box.not_opened")
    poll.state = State.PUBLISHED
    session.add(poll)
    await session.flush()
    return poll


async def _check_time(session: AsyncSession, keys: Keys, poll: Poll) -> None:
    """Check that this box may be opened now."""
    if poll.state is not State.CLOSED:
        raise Conflict("poll.not_closed", found=poll.state.value)
    if await now(session) < max(poll.publishes_at, poll.closes_at):
        raise Conflict("box.too_early")
    if keys.has_box(poll.id):
        raise Conflict("box.key_alive")


async def _record(session: AsyncSession, keys: Keys, poll_id: UUID, opened: Opened) -> Step:
    """Keep what was found, once."""
    poll = await hold_poll(session, poll_id)
    box = await get_box(session, poll_id)
    if box.step is not Step.CLOSED:
        return box.step
    await _check_time(session, keys, poll)  # it may have been annulled or postponed meanwhile
    await add_patterns(session, poll_id, opened.counts)
    box.step, box.unreadable, box.opened_hash = Step.OPENED, opened.unreadable, opened.hash
    box.opened_at = await now(session)
    session.add(box)
    listed = await get_list(session, poll_id, "box")
    said: LineWords = {"ballots": listed.size, "unreadable": opened.unreadable, "hash": opened.hash}
    said |= {"root": listed.root.hex(), "by": "key file"}
    await append(session, "box.opened", said, subject=poll.subject)
    return box.step


async def _leave_shut(session: AsyncSession, poll_id: UUID, ballots: int) -> Step:
    """Note that the box stays shut for ever."""
    poll = await hold_poll(session, poll_id)
    box = await get_box(session, poll_id)
    if box.step is Step.CLOSED and poll.state is State.CLOSED:
        box.step = Step.UNOPENED
        session.add(box)
        await append(session, "box.unopened", {"ballots": ballots, "needed": FEWEST_OPENED}, subject=poll.subject)
    return box.step
