"""Closing a vote: on time, by itself, step by step, each step done once, whoever is killed in between.

    drain     no cast is on its way any more
    list      every envelope is unwrapped and fits its voter; box.txt and its root go into the ledger
    fill      the sealed ballots alone lie in the urn; the four counts of electronic ballots agree; the urn is durable
    drop      envelopes and form keys are deleted
    destroy   the box key and its copies are gone: the vote is closed

A row that does not fit stops all this: the vote is `halted`, publicly, and two people decide how it goes on
(`ballots/halting.py`). No ballot is opened here, and none can be: the opening key is elsewhere.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.files import replace
from ballots.inspecting import Inspection, inspect
from ballots.keys import Keys
from ballots.receipts import commitment_of
from ballots.store import (
    SLICE,
    add_urn_rows,
    all_urn_rows,
    count,
    count_electronic,
    drop_envelopes,
    empty,
    forget_forms,
    get_box,
    get_list,
    hashes_of,
    is_embedded,
    lines_of,
    put_list,
    rewrite_lines,
)
from ballots.tables import Box, Envelope, Participation, Step, UrnRow
from commons.clock import now
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from polls.lifecycle import State, check_change
from polls.store import get_poll, hold_poll
from polls.tables import Poll

Result = TypeVar("Result")

BOX_FILE, URN_FILE = "box.txt", "urn.bin"


class Doors(Protocol):
    """The database as the house opens it: a view that cannot write, and one transaction at a time."""

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session for looking things up."""

    async def write(self, work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """Run the work in one transaction; it may be run again from the beginning."""


async def close(doors: Doors, keys: Keys, folders: Sequence[Path], poll_id: UUID) -> State:
    """Close a vote whose time has come, or go on with a closing that was interrupted.

    folders: where box.txt and the urn's file are written, one folder a vote in each: the house's own, and where
             backups go; none of them the key folder.
    Returns: the state it has now: `closed`; `halted`; or what it was, when its time has not come.
    Raises:  NotFound "poll.unknown"; Conflict "keys.gone" when the box key was lost before the urn was full.
    Cost:    100,000 ballots on SQLite took 12 s, no transaction over 0.6 s: casts elsewhere go on meanwhile.
    """
    state = await doors.write(lambda session: begin(session, poll_id))
    while state is State.CLOSING:
        state = await _next_step(doors, keys, folders, poll_id)
    return state


async def begin(session: AsyncSession, poll_id: UUID) -> State:
    """End the casting if its time has come: holding the vote alone waits for every cast that is on its way."""
    poll = await hold_poll(session, poll_id)
    if poll.state is State.OPEN and await now(session) >= poll.closes_at:
        check_change(poll.state, State.CLOSING)
        poll.state = State.CLOSING
        session.add(poll)
        await session.flush()
    return poll.state


async def _next_step(doors: Doors, keys: Keys, folders: Sequence[Path], poll_id: UUID) -> State:
    """Do one step of a closing, in as many transactions as it needs. Returns the state after it."""
    async with doors.reading() as session:
        step = (await get_box(session, poll_id)).step
        if step in {Step.CASTING, Step.LISTED}:
            found = await inspect(session, keys, poll_id)
        elif step is Step.FILLED:
            urn, listed = await all_urn_rows(session, poll_id), await get_list(session, poll_id, "box")
    match step:
        case Step.CASTING:
            await doors.write(lambda session: record_list(session, poll_id, found))
        case Step.LISTED:
            while await doors.write(lambda session: fill_slice(session, poll_id, found)):
                pass
        case Step.FILLED:
            hashes = [write_files(folder / str(poll_id), lines_of(listed), b"".join(urn)) for folder in folders]
            while await doors.write(lambda session: drop_slice(session, poll_id, hashes[0])):
                pass
        case Step.DROPPED:
            keys.destroy_box(poll_id)
            await doors.write(lambda session: finish(session, poll_id))
    async with doors.reading() as session:
        return (await get_poll(session, poll_id)).state


async def record_list(session: AsyncSession, poll_id: UUID, found: Inspection) -> None:
    """Put the box list and the list of those who took part on record, or halt."""
    poll, box = await _hold(session, poll_id, Step.CASTING)
    if box is None:
        return
    if found.faults:
        await _halt(session, poll, box, found.faults)
        return
    listed = await put_list(session, poll_id, "box", found.commitments)
    took_part = await put_list(session, poll_id, "took_part", found.took_part)
    box.step = Step.LISTED
    session.add(box)
    said: LineWords = {"root": listed.root.hex(), "ballots": listed.size, "set_aside": box.set_aside}
    await append(session, "box.sealed", said, subject=poll.subject)
    part: LineWords = {"root": took_part.root.hex(), "size": took_part.size}
    await append(session, "took_part.root", part, subject=poll.subject)


async def fill_slice(session: AsyncSession, poll_id: UUID, found: Inspection) -> bool:
    """Put sealed ballots into the urn: all at once on PostgreSQL, together with the lines rewritten; else one slice.

    After the last slice the urn is read again: its C must be box.txt, and the four counts must agree; else it halts.

    Returns: whether there is more to put.
    """
    poll, box = await _hold(session, poll_id, Step.LISTED)
    if box is None:
        return False
    listed = await get_list(session, poll_id, "box")
    if found.faults or found.commitments != hashes_of(listed):
        await _halt(session, poll, box, found.faults or {"envelope that was changed after the list": 1})
        return False
    at_once = SLICE if is_embedded(session) else len(found.ciphertexts)
    start = await count(session, UrnRow, poll_id)
    await add_urn_rows(session, poll_id, found.ciphertexts[start : start + at_once])
    if start + at_once < len(found.ciphertexts):
        return True
    urn = await all_urn_rows(session, poll_id)
    lines, envelopes = await count_electronic(session, poll_id), await count(session, Envelope, poll_id)
    if sorted(commitment_of(poll_id, each) for each in urn) != hashes_of(listed):
        await _halt(session, poll, box, {"urn that is not the list": 1})
    elif not lines == envelopes == listed.size == len(urn):
        await _halt(session, poll, box, {"counts that do not agree": 1})
    else:
        if not is_embedded(session):
            await rewrite_lines(session, poll_id)
        box.step = Step.FILLED
        session.add(box)
        await session.flush()
    return False


async def drop_slice(session: AsyncSession, poll_id: UUID, urn_hash: str) -> bool:
    """Delete envelopes and form keys, now that the urn's file is on disk. Returns whether there are more."""
    _, box = await _hold(session, poll_id, Step.FILLED)
    if box is None:
        return False
    box.urn_hash = urn_hash
    session.add(box)
    if await drop_envelopes(session, poll_id) or await forget_forms(session, poll_id):
        return True
    box.step = Step.DROPPED
    await session.flush()
    return False


async def finish(session: AsyncSession, poll_id: UUID) -> None:
    """Call the vote closed, once its box key is destroyed, and say so in the ledger."""
    poll, box = await _hold(session, poll_id, Step.DROPPED)
    if box is None:
        return
    check_change(poll.state, State.CLOSED)
    poll.state, box.step = State.CLOSED, Step.CLOSED
    session.add_all([poll, box])
    ballots = await count(session, UrnRow, poll_id)
    lines = await count(session, Participation, poll_id)
    said: LineWords = {"ballots": ballots, "took_part": lines, "set_aside": box.set_aside, "urn": box.urn_hash}
    said |= {"paper": box.paper} if box.paper else {}
    await append(session, "poll.closed", said, subject=poll.subject)
    await append(session, "box.key_destroyed", {"by": "server"}, subject=poll.subject)


def write_files(folder: Path, box_list: bytes, urn: bytes) -> str:
    """Write box.txt and, beside it, the urn: noise without the opening key. Both are read back from the disk's cache.

    Returns: SHA-256 of the urn file, 64 hex digits.
    Raises:  OSError where a file does not hold what was written.
    """
    for name, data in ((BOX_FILE, box_list), (URN_FILE, urn)):
        replace(folder / name, data)
        if (folder / name).read_bytes() != data:
            raise OSError(f"{folder / name} does not hold what was written")
    return hashlib.sha256(urn).hexdigest()


async def _halt(session: AsyncSession, poll: Poll, box: Box, faults: dict[str, int]) -> None:
    """Stop the closing in public: how many rows of which kind, since when; never which."""
    check_change(poll.state, State.HALTED)
    poll.state = State.HALTED
    box.step, box.faults, box.halted_at = Step.CASTING, faults, await now(session)
    await empty(session, UrnRow, poll.id)
    session.add_all([poll, box])
    await append(session, "poll.halted", dict(faults), subject=poll.subject)


async def _hold(session: AsyncSession, poll_id: UUID, step: Step) -> tuple[Poll, Box | None]:
    """Hold a vote that is being closed; no box when another worker did this step already, or the vote was ended."""
    poll = await hold_poll(session, poll_id)
    box = await get_box(session, poll_id)
    return poll, box if poll.state is State.CLOSING and box.step is step else None
