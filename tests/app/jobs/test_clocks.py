"""What is kept for a time goes when it is over and not before: every clock, with rows that were moved into the past."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.limits import LETTER_TO_ADDRESS
from app.accounts.roll.importing import Entry
from app.accounts.roll.store import add_lines, add_roll, issue_codes
from app.accounts.sessions import open_session
from app.accounts.store import add_account
from app.accounts.tables import Device, Event, RollLine, SecurityEvent, Session, VoterCode
from app.db import Database
from app.house import House
from app.i18n import environment
from app.jobs.clocks import CLOCKS, LETTERS_KEPT, STRANGERS_KEPT, STRUCK_KEPT
from app.jobs.schedule import WORK
from app.jobs.store import enqueue
from app.jobs.tables import Job, State
from app.jobs.worker import Worker
from app.letters.outbox import write_letter
from app.letters.tables import Fate, Letter
from commons.clock import now
from commons.organisations.store import found, get_host
from polls import lifecycle
from polls.drafting import Plan, draft
from tests.app.jobs.kit import house_on

pytestmark = pytest.mark.anyio

MINUTE, DAY, YEAR = timedelta(minutes=1), timedelta(days=1), timedelta(days=365)


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    opened = house_on(db, tmp_path)
    yield opened
    await opened.close()


async def sweep(house: House) -> None:
    """Let the worker do the hour's sweep, as it does by itself."""
    await house.db.write(lambda session: enqueue(session, "sweep"))
    await Worker(house, WORK, lambda _: None).do_one_job()


async def do(house: House, work: Callable[[AsyncSession, datetime], Awaitable[None]]) -> None:
    async def with_moment(session: AsyncSession) -> None:
        await work(session, await now(session))

    await house.db.write(with_moment)


async def count(house: House, table: type[SQLModel]) -> int:
    async with house.db.reading() as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


async def test_sessions_and_devices(house: House) -> None:
    async def put(session: AsyncSession, moment: datetime) -> None:
        account = await add_account(session, "nino@example.org", "Nino", "hash")
        for browser, over in (("old", -MINUTE), ("fresh", MINUTE)):
            await open_session(session, account.id, browser)
            named = col(Session.browser) == browser
            await session.exec(update(Session).where(named).values(expires_at=moment + over))
        for mark, ago in ((b"old", 400 * DAY + MINUTE), (b"known", 400 * DAY - MINUTE)):
            session.add(Device(account_id=account.id, mark=mark, seen_at=moment - ago))

    await do(house, put)
    await sweep(house)
    async with house.db.reading() as session:
        assert (await session.exec(select(Session.browser))).all() == ["fresh"]
        assert (await session.exec(select(Device.mark))).all() == [b"known"]


async def test_letters_and_sooner_those_to_people_who_never_joined(house: House) -> None:
    ages = {
        "reset": (LETTERS_KEPT + MINUTE, LETTERS_KEPT - MINUTE),
        "sign_up": (STRANGERS_KEPT + MINUTE, STRANGERS_KEPT - MINUTE),
        "invitation": (STRANGERS_KEPT + MINUTE, STRANGERS_KEPT - MINUTE),
        "address_new": (STRANGERS_KEPT + MINUTE, STRANGERS_KEPT - MINUTE),
    }

    async def put(session: AsyncSession, moment: datetime) -> None:
        for kind, (over, within) in ages.items():
            for fate in Fate:
                for name, ago in (("over", over), ("within", within)):
                    address = f"{name}.{fate}@example.org"
                    await write_letter(session, address, kind, "en")
                    one = (col(Letter.address) == address) & (col(Letter.kind) == kind)
                    values = {"fate": fate, "written_at": moment - ago, "due_at": moment + DAY}
                    await session.exec(update(Letter).where(one).values(values))

    await do(house, put)
    await sweep(house)
    async with house.db.reading() as session:
        left = sorted((await session.exec(select(Letter.kind, Letter.address))).all())
    kept = ("over.waiting", "within.bounced", "within.sent", "within.waiting")  # what still waits is not yet over
    assert left == sorted((kind, f"{name}@example.org") for kind in ages for name in kept)


async def test_the_security_log_after_a_year_and_no_line_earlier_whoever_tries(house: House) -> None:
    async def put(session: AsyncSession, moment: datetime) -> None:
        for name, ago in (("over", YEAR + MINUTE), ("within", YEAR - MINUTE), ("fresh", MINUTE)):
            session.add(SecurityEvent(happened_at=moment - ago, event=Event.SIGNED_IN, about=name))

    async def names() -> list[str]:
        async with house.db.reading() as session:
            return sorted((await session.exec(select(SecurityEvent.about))).all())

    await do(house, put)
    forgeries = ["DELETE FROM app_security_event", "DELETE FROM app_security_event WHERE about = 'within'"]
    forgeries += ["UPDATE app_security_event SET happened_at = '2001-01-01 00:00:00+00'"]
    for statement in forgeries:
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            await house.db.write(lambda session, s=statement: run(session, s))  # type: ignore[misc]
    assert await names() == ["fresh", "over", "within"]
    await sweep(house)
    assert await names() == ["fresh", "within"]


async def run(session: AsyncSession, statement: str) -> None:
    await (await session.connection()).execute(text(statement))


async def make_roll(house: House) -> UUID:
    """Make a roll of three: one struck off long ago, one lately, one who may vote; each has a code."""

    async def work(session: AsyncSession) -> UUID:
        host = await found(session, {"en": "Hall"}, {}, "UTC")
        roll, moment = await add_roll(session, host.id, {"en": "Residents"}), await now(session)
        await add_lines(session, roll.id, [Entry(name, name.title()) for name in ("long", "lately", "stays")])
        await issue_codes(session, roll.id)
        for name, ago in (("long", STRUCK_KEPT + MINUTE), ("lately", STRUCK_KEPT - MINUTE)):
            this = col(RollLine.reference) == name
            await session.exec(update(RollLine).where(this).values(struck_at=moment - ago))
        return roll.id

    return await house.db.write(work)


async def left_on(house: House) -> list[str]:
    async with house.db.reading() as session:
        return sorted((await session.exec(select(RollLine.reference))).all())


async def test_struck_lines_of_a_roll_that_no_vote_needs(house: House) -> None:
    await make_roll(house)
    await sweep(house)
    assert await left_on(house) == ["lately", "stays"]
    assert await count(house, VoterCode) == 2


@pytest.mark.parametrize(
    ("state", "objections", "kept"),
    [
        (lifecycle.State.OPEN, DAY, True),
        (lifecycle.State.HALTED, -DAY, True),
        (lifecycle.State.CLOSED, -DAY, True),
        (lifecycle.State.PUBLISHED, MINUTE, True),
        (lifecycle.State.PUBLISHED, -MINUTE, False),
        (lifecycle.State.ANNULLED, MINUTE, True),
        (lifecycle.State.ANNULLED, -MINUTE, False),
        (lifecycle.State.DRAFT, DAY, False),  # it will read the list when it opens, without them
    ],
)
async def test_struck_lines_wait_for_the_objections_of_the_last_vote(
    house: House, state: lifecycle.State, objections: timedelta, kept: bool
) -> None:
    roll_id = await make_roll(house)

    async def put(session: AsyncSession, moment: datetime) -> None:
        await hold(session, roll_id, moment, lifecycle.State.PUBLISHED, -DAY)  # an earlier vote, long over
        await hold(session, roll_id, moment, state, objections)

    await do(house, put)
    await sweep(house)
    assert ("long" in await left_on(house)) is kept


async def hold(
    session: AsyncSession, roll_id: UUID, moment: datetime, state: lifecycle.State, objections: timedelta
) -> None:
    """Write down a vote with this roll, in a state, whose objections end so much later."""
    plan = Plan(
        titles={"en": f"Vote {uuid4()}"}, questions={"en": "Which?"}, opens_at=moment, most_ranked=1,
        options=[({"en": "A"}, ""), ({"en": "B"}, "")], closes_at=moment + DAY, publishes_at=moment + DAY,
        objections={}, objections_until=moment + 9 * DAY,
    )  # fmt: skip
    poll = await draft(session, (await get_host(session)).id, plan)
    poll.roll_id, poll.state, poll.objections_until = roll_id, state, moment + objections
    poll.opened_at = None if state is lifecycle.State.DRAFT else moment - 3 * DAY
    poll.planned_publishes_at = poll.publishes_at
    session.add(poll)
    await session.flush()


async def test_done_jobs_and_failed_tries(house: House) -> None:
    async def put(session: AsyncSession, moment: datetime) -> None:
        for ago in (30 * DAY + MINUTE, 30 * DAY - MINUTE):
            session.add(Job(kind="test", facts={}, state=State.DONE, due_at=moment - ago, done_at=moment - ago))

    await do(house, put)
    house.limits.try_one(LETTER_TO_ADDRESS, "nino@example.org", now=time.time() - 30 * 60 - 1)
    house.limits.try_one(LETTER_TO_ADDRESS, "luka@example.org", now=time.time() - 29 * 60)
    await sweep(house)
    async with house.db.reading() as session:
        assert len((await session.exec(select(Job).where(Job.kind == "test"))).all()) == 1
    assert house.limits._file.execute("SELECT count(*) FROM tried").fetchone() == (1,)


def test_every_clock_is_told_in_words() -> None:
    module = environment("en").get_template("pages/_clocks.html").make_module({"clocks": ()})
    told = [(str(module.what(clock.name)), str(module.why(clock.name)), str(module.long(clock))) for clock in CLOCKS]  # type: ignore[attr-defined]
    assert all(all(words) for words in told)
    assert [words[2] for words in told] == [
        "7 days", "400 days", "7 days", "3 days", "15 minutes", "12 hours", "30 days", "365 days", "30 days",
        "60 minutes", "1 day", "30 minutes", "30 days", "30 days",
    ]  # fmt: skip
