"""Striking off and putting back on both databases: alone before a vote, by two and in public while one is under way."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from app.accounts.roll.changes import (
    RESTORE,
    STRIKE,
    Change,
    ask_for,
    change_alone,
    change_of,
    find_changes,
    settle,
)
from app.accounts.roll.filling.store import find_versions
from app.accounts.roll.importing import OnRoll, hash_of_lines
from app.accounts.roll.store import FROZEN
from app.db import Database
from commons.approvals.store import LONGEST_REASON, ask
from commons.approvals.tables import Approval, Decision
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.ledger.tables import PendingLine
from commons.organisations.store import set_single_handed
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people

pytestmark = pytest.mark.anyio

MAIA, GIORGI = uuid4(), uuid4()
WHY = "Moved away in May."
APPROVED, REFUSED = Decision.APPROVED, Decision.REFUSED


async def struck(db: Database, roll_id: UUID) -> list[str]:
    return [line.reference for line in await lines_of(db, roll_id) if line.struck_at is not None]


async def asked(db: Database, change: Change, reason: str = WHY) -> Approval:
    assert not await db.write(lambda session: ask_for(session, change, reason, MAIA))
    async with db.reading() as session:
        return (await session.exec(select(Approval).where(Approval.decision == Decision.WAITING))).one()


async def agreed(db: Database, change: Change) -> None:
    approval = await asked(db, change)
    await db.write(lambda session: settle(session, approval.id, GIORGI, APPROVED))


async def public_lines(db: Database) -> list[tuple[str, dict[str, object]]]:
    async with db.reading() as session:
        found = (await session.exec(select(PendingLine).where(PendingLine.kind == "roll.changed"))).all()
    return sorted(((line.subject, dict(line.words)) for line in found), key=repr)


async def versions(db: Database, roll_id: UUID) -> list[tuple[int, int, int, str]]:
    async with db.reading() as session:
        return [
            (each.lines, each.struck, each.restored, each.hash) for each, _ in await find_versions(session, roll_id, 9)
        ]


async def test_before_a_vote_one_is_enough_and_each_change_is_a_version(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.LOCKED)
    line = (await lines_of(db, roll_id))[0].id
    everybody = hash_of_lines(OnRoll(each.reference, each.name) for each in people(3))
    two = hash_of_lines(OnRoll(each.reference, each.name) for each in people(3)[1:])
    for action in (STRIKE, STRIKE, RESTORE, RESTORE):  # what is so already makes no version
        await db.write(lambda session, a=action: change_alone(session, Change(a, roll_id, line), MAIA))  # type: ignore[misc]
    assert await versions(db, roll_id) == [(3, 0, 1, everybody), (2, 1, 0, two)]
    assert await public_lines(db) == []


@pytest.mark.parametrize("state", FROZEN)
async def test_while_a_vote_is_under_way_nobody_does_it_alone(db: Database, state: State) -> None:
    roll_id = await made_roll(db, people(3))
    vote = await made_vote(db, roll_id, state)
    change = Change(STRIKE, roll_id, (await lines_of(db, roll_id))[1].id)
    with pytest.raises(Conflict, match=r"roll\.two_people"):
        await db.write(lambda session: change_alone(session, change, MAIA))
    approval = await asked(db, change)
    assert change_of(approval) == change
    with pytest.raises(Forbidden, match=r"approval\.same_person"):
        await db.write(lambda session: settle(session, approval.id, MAIA, APPROVED))
    assert await struck(db, roll_id) == []
    assert await public_lines(db) == []
    await db.write(lambda session: settle(session, approval.id, GIORGI, APPROVED))
    assert await struck(db, roll_id) == ["000002"]
    assert await public_lines(db) == [(vote.subject, {"change": "struck", "people": 1, "decided_by": 2})]
    assert [each[:3] for each in await versions(db, roll_id)] == [(2, 1, 0)]
    with pytest.raises(Conflict, match=r"approval\.decided"):
        await db.write(lambda session: settle(session, approval.id, GIORGI, APPROVED))


async def test_who_was_struck_comes_back_by_two_people_too_and_every_vote_has_its_line(db: Database) -> None:
    roll_id, other = await made_roll(db, people(3)), await made_roll(db, people(3))
    votes = [await made_vote(db, roll_id, state) for state in (State.OPEN, State.SUSPENDED)]
    await made_vote(db, roll_id, State.DRAFT)
    await made_vote(db, other, State.OPEN)
    line = (await lines_of(db, roll_id))[1].id
    await agreed(db, Change(STRIKE, roll_id, line))
    await agreed(db, Change(RESTORE, roll_id, line))
    assert await struck(db, roll_id) == []
    said = [{"change": change, "people": 1, "decided_by": 2} for change in ("struck", "restored")]
    assert await public_lines(db) == sorted([(vote.subject, words) for vote in votes for words in said], key=repr)


async def test_the_public_line_tells_nobody_and_the_reason_stays_inside(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.OPEN)
    line = (await lines_of(db, roll_id))[1]
    await agreed(db, Change(STRIKE, roll_id, line.id))
    told = repr(await public_lines(db))
    for secret in (line.reference, line.name, line.id.hex, str(line.id), str(roll_id), WHY, str(MAIA), str(GIORGI)):
        assert secret not in told


async def test_who_was_not_on_the_frozen_list_is_not_put_back(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    line = (await lines_of(db, roll_id))[1].id
    await db.write(lambda session: change_alone(session, Change(STRIKE, roll_id, line), MAIA))
    vote = await made_vote(db, roll_id, State.OPEN)
    with pytest.raises(Conflict, match=r"roll\.in_use"):
        await db.write(lambda session: ask_for(session, Change(RESTORE, roll_id, line), WHY, MAIA))
    # and not by a request that somebody wrote into the table before either
    subject = Change(RESTORE, roll_id, line).subject
    approval = await db.write(lambda session: ask(session, RESTORE, subject, WHY, MAIA))
    with pytest.raises(Conflict, match=r"roll\.in_use"):
        await db.write(lambda session: settle(session, approval.id, GIORGI, APPROVED))
    assert await struck(db, roll_id) == ["000002"]
    assert vote.state is State.OPEN


async def test_a_refused_request_changes_nothing_and_may_be_asked_again(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.OPEN)
    change = Change(STRIKE, roll_id, (await lines_of(db, roll_id))[0].id)
    approval = await asked(db, change)
    with pytest.raises(Conflict, match=r"approval\.waiting"):
        await db.write(lambda session: ask_for(session, change, WHY, GIORGI))
    await db.write(lambda session: settle(session, approval.id, GIORGI, REFUSED))
    assert (await struck(db, roll_id), await public_lines(db), await versions(db, roll_id)) == ([], [], [])
    await asked(db, change)


async def test_what_is_done_already_cannot_be_asked_for_or_agreed_to(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.OPEN)
    line = (await lines_of(db, roll_id))[0].id
    with pytest.raises(Conflict, match=r"roll\.changed_already"):
        await db.write(lambda session: ask_for(session, Change(RESTORE, roll_id, line), WHY, MAIA))
    subject = Change(RESTORE, roll_id, line).subject
    approval = await db.write(lambda session: ask(session, RESTORE, subject, WHY, MAIA))
    with pytest.raises(Conflict, match=r"roll\.changed_already"):
        await db.write(lambda session: settle(session, approval.id, GIORGI, APPROVED))
    await db.write(lambda session: settle(session, approval.id, GIORGI, REFUSED))  # so it does not wait for ever


@pytest.mark.parametrize("reason", ["", " \n", "x" * (LONGEST_REASON + 1)])
async def test_a_request_needs_a_reason_of_a_fair_length(db: Database, reason: str) -> None:
    roll_id = await made_roll(db, people(1))
    await made_vote(db, roll_id, State.OPEN)
    change = Change(STRIKE, roll_id, (await lines_of(db, roll_id))[0].id)
    with pytest.raises(Invalid, match=r"roll\.reason_missing|text\.too_long"):
        await db.write(lambda session: ask_for(session, change, reason, MAIA))


async def test_unknown_people_lists_and_requests_of_another_kind_are_not_found(db: Database) -> None:
    roll_id, other = await made_roll(db, people(1)), await made_roll(db, people(1))
    await made_vote(db, roll_id, State.OPEN)
    line = (await lines_of(db, roll_id))[0].id
    for change in (Change(STRIKE, other, line), Change(STRIKE, uuid4(), line), Change(STRIKE, roll_id, uuid4())):
        with pytest.raises(NotFound):
            await db.write(lambda session, c=change: ask_for(session, c, WHY, MAIA))  # type: ignore[misc]
    approval = await db.write(lambda session: ask(session, "result.withdraw", "results/x", WHY, MAIA))
    with pytest.raises(NotFound, match=r"approval\.unknown"):
        await db.write(lambda session: settle(session, approval.id, GIORGI, APPROVED))


async def test_one_officer_decides_alone_and_the_line_says_so(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await db.write(lambda session: set_single_handed(session, is_on=True))
    vote = await made_vote(db, roll_id, State.OPEN)
    change = Change(STRIKE, roll_id, (await lines_of(db, roll_id))[0].id)
    assert await db.write(lambda session: ask_for(session, change, WHY, MAIA))
    assert await struck(db, roll_id) == ["000001"]
    assert await public_lines(db) == [(vote.subject, {"change": "struck", "people": 1, "decided_by": 1})]


async def test_once_no_vote_is_under_way_any_more_it_is_done_at_once_and_without_a_line(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.CLOSED)
    change = Change(STRIKE, roll_id, (await lines_of(db, roll_id))[0].id)
    assert await db.write(lambda session: ask_for(session, change, "", MAIA))
    assert (await struck(db, roll_id), await public_lines(db)) == (["000001"], [])


async def test_of_two_who_agree_at_once_one_is_told_that_it_was_decided(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.OPEN)
    approval = await asked(db, Change(STRIKE, roll_id, (await lines_of(db, roll_id))[0].id))
    ends: Sequence[object] = await asyncio.gather(
        *(db.write(lambda session: settle(session, approval.id, uuid4(), APPROVED)) for _ in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["Change", "Conflict", "Conflict", "Conflict"]
    assert len(await public_lines(db)) == 1


async def test_the_list_of_what_waits_tells_who_may_agree(db: Database) -> None:
    roll_id, other = await made_roll(db, people(3)), await made_roll(db, people(3))
    for each in (roll_id, other):
        await made_vote(db, each, State.OPEN)
    async with db.reading() as session:
        assert await find_changes(session, MAIA) == []
    await asked(db, Change(STRIKE, roll_id, (await lines_of(db, roll_id))[0].id))
    for who, may in ((MAIA, False), (GIORGI, True)):
        async with db.reading() as session:
            (waiting,) = await find_changes(session, who)
            assert (waiting.line.reference, waiting.roll.id, waiting.may_agree) == ("000001", roll_id, may)
            assert len(await find_changes(session, who, roll_id)) == 1
            assert await find_changes(session, who, other) == []
