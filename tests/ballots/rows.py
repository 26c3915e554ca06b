"""A row in every table of polls and ballots, with bytes that no text can hold: for tests of copies."""

from datetime import date, timedelta
from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.eligibility import Channel
from ballots.tables import (
    Act,
    AssistedAct,
    Box,
    Custodian,
    Custody,
    Envelope,
    List,
    OpenedPattern,
    Participation,
    SetAside,
    UrnRow,
)
from polls import amendments
from polls.drafting import draft
from polls.lifecycle import Kind, State
from tests.ballots.voting import plan


async def fill_every_table(session: AsyncSession, organisation_id: UUID) -> None:
    poll = await draft(session, organisation_id, plan(["ავტობუსი", "Parks"]))
    poll.state = State.LOCKED
    values = {"time": (poll.publishes_at + timedelta(days=1)).isoformat()}
    await amendments.ask(session, poll.id, Kind.POSTPONE, "a holiday", uuid4(), values)
    custodian = Custodian(organisation_id=organisation_id, functions={"en": "Archive"}, public=bytes(range(64)))
    for row in (
        custodian,
        Custody(poll_id=poll.id, custodian_id=custodian.id),
        Box(poll_id=poll.id, faults={"envelope without line": 2}),
        List(poll_id=poll.id, name="roll", size=1, root=b"\xff" * 32, hashes=b"\x00" * 32),
        Participation(poll_id=poll.id, tag=b"\xfe" * 32, channel=Channel.DESK),
        AssistedAct(poll_id=poll.id, mark=b"\xfc" * 32, act=Act.SLIP_BOUND, day=date(2026, 11, 22)),
        Envelope(poll_id=poll.id, slot=b"\x00\xff" * 16, sealed=b"\x80" * 89),
        UrnRow(poll_id=poll.id, ciphertext=b"\x81" * 61),
        OpenedPattern(poll_id=poll.id, pattern=b"", count=3),
        SetAside(poll_id=poll.id, kind="line without envelope", tag=b"\xfd" * 32),
    ):
        session.add(row)
        await session.flush()
