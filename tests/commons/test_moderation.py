"""Taken off in public: once at a time, by a known rule, with reasons that stay, and never without a line in the log."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from commons.errors import Conflict, DomainError, Invalid
from commons.ledger.tables import PendingLine
from commons.moderation.store import (
    LONGEST_REASON,
    PER_PAGE,
    find_hidden,
    find_measure,
    hide,
    list_measures,
    show_again,
)
from commons.moderation.tables import Measure, Rule
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio

NINO, MAIA = uuid4(), uuid4()
WHAT = "services/passports"
NOON, MINUTE = datetime(2026, 11, 23, 12, tzinfo=UTC), timedelta(minutes=1)
Said = tuple[str, str, dict[str, str | int]]


async def hidden(
    db: Database, subject: str = WHAT, rule: str = "privacy", reason: str = " A face. ", who: UUID = NINO
) -> Measure:
    return await db.write(lambda session: hide(session, subject, rule, reason, who))


async def shown(db: Database, subject: str = WHAT, reason: str = " The face is gone. ", who: UUID = MAIA) -> Measure:
    return await db.write(lambda session: show_again(session, subject, reason, who))


async def in_force(db: Database, subject: str = WHAT) -> Measure | None:
    async with db.reading() as session:
        return await find_measure(session, subject)


async def listed(db: Database, page: int = 1) -> tuple[list[Measure], int]:
    async with db.reading() as session:
        return await list_measures(session, page)


async def lines(db: Database) -> list[Said]:
    async with db.reading() as session:
        waiting = (await session.exec(select(PendingLine))).all()
    return sorted(((line.kind, line.subject, line.words) for line in waiting), key=repr)


async def test_hide_show_hide_and_everything_stays(db: Database) -> None:
    first = await hidden(db)
    assert (first.rule, first.reason, first.taken_by, first.lifted_at) == (Rule.PRIVACY, "A face.", NINO, None)
    assert (found := await in_force(db)) is not None
    assert found.id == first.id
    lifted = await shown(db)
    assert (lifted.id, lifted.reason, lifted.lifted_because, lifted.lifted_by) == (
        first.id, "A face.", "The face is gone.", MAIA,
    )  # fmt: skip
    assert lifted.lifted_at is not None
    assert lifted.lifted_at >= first.taken_at
    assert await in_force(db) is None
    second = await hidden(db, rule="insult", reason="A bad word.")
    assert (found := await in_force(db)) is not None
    assert found.id == second.id
    measures, total = await listed(db)
    assert ({each.id for each in measures}, total) == ({second.id, first.id}, 2)
    assert await lines(db) == [
        ("moderation.hidden", WHAT, {"what": WHAT, "rule": "insult", "reason": "A bad word."}),
        ("moderation.hidden", WHAT, {"what": WHAT, "rule": "privacy", "reason": "A face."}),
        ("moderation.shown", WHAT, {"what": WHAT, "reason": "The face is gone."}),
    ]


async def test_no_line_of_the_log_names_who_did_it(db: Database) -> None:
    await hidden(db)
    await shown(db)
    said = repr(await lines(db))
    for person in (NINO, MAIA):
        assert str(person) not in said
        assert person.hex not in said


async def test_of_ten_who_hide_at_once_one_does(db: Database) -> None:
    async def one() -> str:
        try:
            await hidden(db, who=uuid4())
        except Conflict as refused:
            return refused.code
        return "hidden"

    assert sorted(await asyncio.gather(*[one() for _ in range(10)])) == ["hidden"] + ["moderation.hidden_already"] * 9
    assert (await listed(db))[1] == len(await lines(db)) == 1


async def test_of_ten_who_show_again_at_once_one_does(db: Database) -> None:
    await hidden(db)

    async def one() -> str:
        try:
            await shown(db, who=uuid4())
        except Conflict as refused:
            return refused.code
        return "shown"

    assert sorted(await asyncio.gather(*[one() for _ in range(10)])) == ["moderation.not_hidden"] * 9 + ["shown"]
    assert [kind for kind, _, _ in await lines(db)] == ["moderation.hidden", "moderation.shown"]


async def test_what_is_shown_cannot_be_shown_again(db: Database) -> None:
    with pytest.raises(Conflict, match=r"moderation\.not_hidden"):
        await shown(db)
    await hidden(db, "services/roads")
    with pytest.raises(Conflict, match=r"moderation\.not_hidden"):
        await shown(db)
    assert (await in_force(db, "services/roads")) is not None


@pytest.mark.parametrize(
    ("rule", "reason", "code", "field"),
    [
        ("", "A face.", "rule.unknown", "rule"),
        ("taste", "A face.", "rule.unknown", "rule"),
        ("PRIVACY", "A face.", "rule.unknown", "rule"),
        ("privacy", "", "reason.missing", "reason"),
        ("privacy", " \n ", "reason.missing", "reason"),
        ("privacy", "x" * (LONGEST_REASON + 1), "text.too_long", "reason"),
    ],
)
async def test_nothing_is_hidden_without_a_rule_and_a_reason(
    db: Database, rule: str, reason: str, code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await hidden(db, rule=rule, reason=reason)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert await in_force(db) is None
    assert await lines(db) == []


@pytest.mark.parametrize("reason", ["", "\t", "x" * (LONGEST_REASON + 1)])
async def test_nothing_is_shown_again_without_a_reason(db: Database, reason: str) -> None:
    await hidden(db)
    with pytest.raises(DomainError) as refused:
        await shown(db, reason=reason)
    assert (type(refused.value), refused.value.field) == (Invalid, "reason")
    assert await in_force(db) is not None
    assert len(await lines(db)) == 1


async def test_a_reason_may_be_as_long_as_the_limit(db: Database) -> None:
    assert len((await hidden(db, reason="ხ" * LONGEST_REASON)).reason) == LONGEST_REASON


@pytest.mark.parametrize("rule", Rule)
async def test_every_house_rule_can_be_named(db: Database, rule: Rule) -> None:
    assert (await hidden(db, rule=rule.value)).rule is rule


async def test_what_is_hidden_is_found_by_its_beginning_in_one_query(db: Database) -> None:
    for subject in ("services/a", "services/b", "services/c", "services-old/d", "pages/services/e", "service_/f"):
        await hidden(db, subject)
    await shown(db, "services/b")
    async with db.reading() as session:
        await find_measure(session, WHAT)  # the connection is there
        with counted_queries() as statements:
            assert await find_hidden(session, "services/") == {"services/a", "services/c"}
        assert len(statements) == 1
        assert await find_hidden(session, "service_") == {"service_/f"}
        assert await find_hidden(session, "%") == set()


async def test_the_list_comes_in_pages_that_hold_everything_once_the_newest_first(db: Database) -> None:
    numbers = list(range(PER_PAGE + 1))
    rows = [
        Measure(
            subject=f"services/{number}",
            rule=Rule.INSULT,
            reason="Bad.",
            taken_by=NINO,
            taken_at=NOON + number * MINUTE,
        )
        for number in random.Random(7).sample(numbers, len(numbers))
    ]

    async def work(session: AsyncSession) -> None:
        session.add_all(rows)

    await db.write(work)
    first, total = await listed(db)
    second, _ = await listed(db, 2)
    assert total == PER_PAGE + 1
    assert [each.subject for each in first + second] == [f"services/{number}" for number in reversed(numbers)]
    assert (await listed(db, 3))[0] == []
