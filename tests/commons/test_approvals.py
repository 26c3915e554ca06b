"""Two pairs of eyes: who asks does not decide, two who decide at once do not both, and the reason stays."""

import asyncio
from uuid import UUID, uuid4

import pytest

from app.db import Database
from commons.approvals.store import LONGEST_REASON, MOST_SHOWN, ask, decide, find_waiting
from commons.approvals.tables import Approval, Decision
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound

pytestmark = pytest.mark.anyio

NINO, MAIA, GIORGI = uuid4(), uuid4(), uuid4()
WHAT = "results/parks-2026"
ACTIONS = ["result.withdraw", *(f"act.{number}" for number in range(MOST_SHOWN + 1))]


async def asked(db: Database, action: str = "result.withdraw", subject: str = WHAT, who: UUID = NINO) -> Approval:
    return await db.write(lambda session: ask(session, action, subject, " A line was wrong. ", who))


async def decided(db: Database, approval: Approval, who: UUID, decision: Decision = Decision.APPROVED) -> Approval:
    return await db.write(lambda session: decide(session, approval.id, who, decision))


async def waiting(db: Database, subject: str | None = None) -> list[Approval]:
    async with db.reading() as session:
        return await find_waiting(session, ACTIONS, subject)


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.REFUSED])
async def test_one_asks_and_another_decides(db: Database, decision: Decision) -> None:
    request = await asked(db)
    assert (request.reason, request.decision, request.decided_by) == ("A line was wrong.", Decision.WAITING, None)
    assert [each.id for each in await waiting(db)] == [request.id]
    done = await decided(db, request, MAIA, decision)
    assert (done.asked_by, done.decided_by, done.decision) == (NINO, MAIA, decision)
    assert done.decided_at is not None
    assert done.decided_at >= done.asked_at
    assert await waiting(db) == []


async def test_who_asked_may_not_decide(db: Database) -> None:
    request = await asked(db)
    for decision in (Decision.APPROVED, Decision.REFUSED):
        with pytest.raises(Forbidden, match=r"approval.same_person"):
            await decided(db, request, NINO, decision)
    assert [each.decision for each in await waiting(db)] == [Decision.WAITING]


async def test_in_a_body_with_one_officer_who_asked_decides(db: Database) -> None:
    request = await asked(db)
    done = await db.write(lambda session: decide(session, request.id, NINO, Decision.APPROVED, single_handed=True))
    assert (done.asked_by, done.decided_by, done.decision) == (NINO, NINO, Decision.APPROVED)


async def test_of_ten_who_decide_at_once_one_does(db: Database) -> None:
    request = await asked(db)

    async def one(number: int) -> Decision | str:
        decision = Decision.APPROVED if number % 2 else Decision.REFUSED
        try:
            return (await decided(db, request, uuid4(), decision)).decision
        except DomainError as refused:
            return refused.code

    outcomes = await asyncio.gather(*[one(number) for number in range(10)])
    (winner,) = [each for each in outcomes if isinstance(each, Decision)]
    assert outcomes.count("approval.decided") == 9
    with pytest.raises(Conflict, match=r"approval.decided"):
        await decided(db, request, GIORGI, Decision.REFUSED)
    assert winner in {Decision.APPROVED, Decision.REFUSED}


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "reason.missing"), (" \n ", "reason.missing"), ("x" * (LONGEST_REASON + 1), "text.too_long")],
)
async def test_without_a_reason_nothing_is_asked(db: Database, reason: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await db.write(lambda session: ask(session, "result.withdraw", WHAT, reason, NINO))
    assert (refused.value.code, refused.value.field) == (code, "reason")
    assert await waiting(db) == []


async def test_the_same_is_not_asked_twice_until_it_is_decided(db: Database) -> None:
    first = await asked(db)
    with pytest.raises(Conflict, match=r"approval.waiting"):
        await asked(db, who=MAIA)
    await asked(db, action="result.correct")
    await asked(db, subject="results/roads-2026")
    await decided(db, first, MAIA, Decision.REFUSED)
    again = await asked(db, who=MAIA)
    assert again.id != first.id


async def test_of_ten_who_ask_the_same_at_once_one_does(db: Database) -> None:
    async def one() -> str:
        try:
            await asked(db, who=uuid4())
        except Conflict as refused:
            return refused.code
        return "asked"

    outcomes = await asyncio.gather(*[one() for _ in range(10)])
    assert sorted(outcomes) == ["approval.waiting"] * 9 + ["asked"]


async def test_what_waits_is_shown_by_its_subject_the_oldest_first(db: Database) -> None:
    requests = [await asked(db, subject=f"results/{number % 2}", action=f"act.{number}") for number in range(4)]
    assert [each.id for each in await waiting(db, "results/1")] == [requests[1].id, requests[3].id]
    assert [each.id for each in await waiting(db)] == [each.id for each in requests]
    assert await waiting(db, "results/none") == []
    await asked(db, subject="results/1", action="an.act.of.another.page")
    assert [each.id for each in await waiting(db)] == [each.id for each in requests]


async def test_a_list_that_is_too_long_is_cut(db: Database) -> None:
    for number in range(MOST_SHOWN + 1):
        await asked(db, action=f"act.{number}")
    assert len(await waiting(db)) == MOST_SHOWN


async def test_nobody_decides_what_was_never_asked(db: Database) -> None:
    with pytest.raises(NotFound, match=r"approval.unknown"):
        await db.write(lambda session: decide(session, uuid4(), MAIA, Decision.APPROVED))
