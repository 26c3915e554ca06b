"""The end of a vote's secrets: once nobody can object any more, what could still be opened is deleted.

Lists and hashes stay: a receipt and a line of the roll can be looked up for ever. Deleting a file is not unwriting it:
docs/operating.md says what that means on which disk.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.closing import URN_FILE, Doors
from ballots.files import destroy
from ballots.keys import Keys
from ballots.store import drop_acts, drop_envelopes, drop_opened, drop_set_aside, drop_urn, find_box, forget_forms
from commons.clock import now
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from polls.lifecycle import State
from polls.store import get_poll, hold_poll

OVER = (State.PUBLISHED, State.ANNULLED)


async def end(doors: Doors, keys: Keys, folders: Sequence[Path], poll_id: UUID) -> bool:
    """Delete what is left of the ballots of a vote, and the keys, after the time for objections. May be run again.

    folders: where the urn's file was written, as in `closing.close`.
    Returns: whether it is done; False while the vote goes on, or somebody may still object.
    Raises:  NotFound "poll.unknown".
    Cost:    one small transaction for each slice of rows: casts elsewhere go on meanwhile.
    """
    async with doors.reading() as session:
        poll, box = await get_poll(session, poll_id), await find_box(session, poll_id)
        if box is not None and box.deleted_at is not None:
            return True
        if poll.state not in OVER or await now(session) < poll.objections_end:
            return False
    # The keys go first: from here on whatever is left is noise, also when this is interrupted.
    keys.destroy_opener(poll_id)
    keys.destroy_box(poll_id)
    keys.destroy_roll(poll_id)
    destroy(folder / str(poll_id) / URN_FILE for folder in folders)
    while await doors.write(lambda session: delete_slice(session, poll_id)):
        pass
    await doors.write(lambda session: note(session, poll_id))
    return True


async def delete_slice(session: AsyncSession, poll_id: UUID) -> int:
    """Delete up to one slice of what is left in one of the tables. Returns how many rows there were; 0 at the end."""
    for drop in (drop_urn, drop_opened, drop_set_aside, drop_acts, drop_envelopes, forget_forms):
        if dropped := await drop(session, poll_id):
            return dropped
    return 0


async def note(session: AsyncSession, poll_id: UUID) -> None:
    """Say in the ledger that the ballots are gone, once; a vote that never opened had none."""
    poll = await hold_poll(session, poll_id)
    box = await find_box(session, poll_id)
    if box is None or box.deleted_at is not None:
        return
    box.deleted_at = await now(session)
    session.add(box)
    said: LineWords = {"by": "server", "urn": box.urn_hash, "opened": box.opened_hash}
    await append(session, "box.deleted", said, subject=poll.subject)
