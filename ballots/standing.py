"""How a vote stands, as far as everybody may know it: its state, its times, its public counts, its lines in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.store import count, find_box, find_custody, get_box, list_sizes
from ballots.tables import Box, Participation
from commons.clock import now
from commons.ledger import reading
from commons.ledger.lines import Line
from polls.store import find_amendments
from polls.tables import Amendment, Poll

MOST_LINES, MOST_READ = 30, 5_000
CHANGED = ("struck", "restored")
"""What a line "roll.changed" tells of people on the roll."""
STEP = timedelta(minutes=15)
STEP_VOTERS = 10


@dataclass(frozen=True)
class Standing:
    """One vote in public.

    moment:      when this was looked up, by the database's clock.
    box:         None before it opened.
    amendments:  those in force, oldest first.
    unconfirmed: custodians who have not signed yet that no copy of the box key is left.
    sizes:       list name (`roll`, `took_part`, `box`) -> number of lines, for the lists that are public already.
    lines:       its lines in the public log, newest first.
    struck:      people struck off its roll since it opened, as the public log tells. restored: put back of them.
    """

    poll: Poll
    moment: datetime
    box: Box | None
    amendments: Sequence[Amendment]
    unconfirmed: int
    sizes: dict[str, int]
    lines: Sequence[Line]
    struck: int = 0
    restored: int = 0

    @property
    def people(self) -> set[UUID]:
        """Whoever asked for what was decided about this vote, or agreed to it."""
        asked = {each for change in self.amendments for each in (change.asked_by, change.agreed_by)}
        return {each for each in (asked | {self.poll.locked_by, self.poll.agreed_by}) if each is not None}


async def look_at(session: AsyncSession, poll: Poll) -> Standing:
    """Gather how a vote stands. Cost: six queries."""
    custody = await find_custody(session, poll.id)
    lines = await reading.newest_of(session, poll.subject, MOST_READ)
    changed = [line.words or {} for line in lines if line.kind == "roll.changed"]
    people = {each: sum(int(words["people"]) for words in changed if words.get("change") == each) for each in CHANGED}
    return Standing(
        poll=poll,
        moment=await now(session),
        box=await find_box(session, poll.id),
        amendments=[each for each in await find_amendments(session, poll.id) if each.agreed_at is not None],
        unconfirmed=len([each for each, _ in custody if each.destroyed_at is None]),
        sizes=await list_sizes(session, poll.id),
        lines=lines[:MOST_LINES],
        struck=people["struck"],
        restored=people["restored"],
    )


async def show_turnout(session: AsyncSession, poll_id: UUID) -> None:
    """Note how many took part so far, for the pages: in steps, so that no single voter is seen coming.

    A step is at least a quarter of an hour and at least ten voters; what is shown is rounded down to tens.
    """
    box, moment = await get_box(session, poll_id), await now(session)
    if box.turnout_at is not None and moment - box.turnout_at < STEP:
        return
    took_part = await count(session, Participation, poll_id)
    box.turnout, box.turnout_at = took_part - took_part % STEP_VOTERS, moment
    session.add(box)
    await session.flush()
