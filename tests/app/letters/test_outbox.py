"""The outbox: a letter exists with the transaction it speaks of, is handed to a mail server, and is then forgotten."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from app.house import House
from app.jobs.worker import Worker
from app.letters.outbox import PER_PAGE, WAITS, claim_letter, count_letters, list_letters, write_letter
from app.letters.sending import smtp_sender
from app.letters.tables import Fate, Letter
from commons.errors import Conflict
from commons.organisations.store import found
from tests.app.jobs.kit import house_on
from tests.plumbing.mail import MailServer, running_mail_server
from tests.plumbing.postgres import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    opened = house_on(db, tmp_path, mail_from="Town Hall <hall@town.example>", base_url="https://town.example")
    yield opened
    await opened.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


async def write(db: Database, address: str = "nino@example.org", kind: str = "reset", **facts: str) -> None:
    facts = facts or {"name": "Nino", "token": "abc"}
    await db.write(lambda session: write_letter(session, address, kind, "en", **facts))


async def letters(db: Database) -> list[Letter]:
    async with db.reading() as session:
        return list((await session.exec(select(Letter).order_by(Letter.address))).all())


async def let_days_pass(db: Database) -> None:
    earlier = datetime.now(UTC) - timedelta(seconds=1)
    await db.write(lambda session: make_due(session, earlier))


async def make_due(session: AsyncSession, moment: datetime) -> None:
    await session.exec(update(Letter).values(due_at=moment))


def worker(house: House, url: str) -> Worker:
    return Worker(house, {}, smtp_sender(url))


async def test_a_letter_arrives_and_what_it_said_is_forgotten(house: House, mail: MailServer) -> None:
    await house.db.write(lambda session: found(session, {"en": "Town Hall"}, {}, "UTC"))
    await write(house.db)
    await worker(house, mail.url).do_all()
    [(recipients, arrived)] = mail.taken
    assert recipients == ["nino@example.org"]
    assert arrived["To"] == "nino@example.org"
    assert arrived["From"] == "Town Hall <hall@town.example>"
    assert arrived["Subject"] == "Choose a new password"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert abs(arrived["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=5)
    body = arrived.get_content()
    assert "https://town.example/en/reset/abc" in body
    assert "Hello Nino," in body
    assert "Town Hall" in body
    (kept,) = await letters(house.db)
    assert (kept.fate, kept.facts, kept.answer, kept.attempts) == (Fate.SENT, {}, "", 1)
    assert kept.sent_at is not None
    await let_days_pass(house.db)
    await worker(house, mail.url).do_all()
    assert len(mail.taken) == 1


async def test_a_letter_of_a_transaction_that_failed_was_never_written(house: House, mail: MailServer) -> None:
    async def fail(session: AsyncSession) -> None:
        await write_letter(session, "nino@example.org", "sign_up", "en", token="abc")
        raise Conflict("test.change_of_mind")

    with pytest.raises(Conflict):
        await house.db.write(fail)
    await worker(house, mail.url).do_all()
    assert mail.taken == []


async def test_a_passing_no_is_tried_again_later_under_the_same_id(house: House, mail: MailServer) -> None:
    mail.data = "451 the disk is full"
    await write(house.db)
    await worker(house, mail.url).do_all()
    (waiting,) = await letters(house.db)
    assert (waiting.fate, waiting.attempts, waiting.answer) == (Fate.WAITING, 1, "451 the disk is full")
    assert waiting.facts == {"name": "Nino", "token": "abc"}
    assert waiting.due_at - waiting.written_at >= WAITS[0]
    mail.data = None
    await worker(house, mail.url).do_all()
    assert mail.taken == []  # it is not due yet
    await let_days_pass(house.db)
    await worker(house, mail.url).do_all()
    (sent,) = await letters(house.db)
    assert (sent.fate, sent.answer, sent.attempts) == (Fate.SENT, "", 2)
    assert mail.taken[0][1]["Message-ID"] == f"<{sent.id}@town.example>"


async def test_who_dies_after_handing_over_sends_again_under_the_same_id(house: House, mail: MailServer) -> None:
    await write(house.db)
    dying = worker(house, mail.url)
    letter = await house.db.write(claim_letter)
    assert letter is not None
    await let_days_pass(house.db)
    await dying.do_all()
    await house.db.write(lambda session: forget_that_it_was_sent(session, letter))
    await worker(house, mail.url).do_all()
    first, second = (arrived["Message-ID"] for _, arrived in mail.taken)
    assert first == second


async def forget_that_it_was_sent(session: AsyncSession, letter: Letter) -> None:
    earlier = datetime.now(UTC) - timedelta(seconds=1)
    await session.exec(update(Letter).values(fate=Fate.WAITING, due_at=earlier, facts=letter.facts))


@pytest.mark.parametrize("step", ["recipient", "data"])
async def test_a_final_no_is_a_bounce_that_can_be_seen(house: House, mail: MailServer, step: str) -> None:
    setattr(mail, step, "550 no such mailbox")
    await write(house.db)
    await worker(house, mail.url).do_all()
    async with house.db.reading() as session:
        (shown,), total = await list_letters(session, 1)
        counted = await count_letters(session)
    assert (shown.fate, shown.answer, shown.facts, total) == (Fate.BOUNCED, "550 no such mailbox", {}, 1)
    assert counted == {"bounced": 1}


async def test_a_passing_no_at_the_recipient_is_no_bounce(house: House, mail: MailServer) -> None:
    mail.recipient = "450 greylisted, come again"
    await write(house.db)
    await worker(house, mail.url).do_all()
    assert [(kept.fate, kept.answer) for kept in await letters(house.db)] == [
        (Fate.WAITING, "450 greylisted, come again")
    ]


async def test_a_server_that_is_never_there_makes_a_bounce_in_the_end(house: House) -> None:
    nobody = f"smtp://127.0.0.1:{free_port()}"
    await write(house.db)
    for attempt in range(1, len(WAITS) + 2):
        await let_days_pass(house.db)
        await worker(house, nobody).do_all()
        (kept,) = await letters(house.db)
        expected = Fate.BOUNCED if attempt > len(WAITS) else Fate.WAITING
        assert (kept.fate, kept.attempts, kept.answer) == (expected, attempt, "ConnectionRefusedError")


async def test_a_letter_that_cannot_be_written_out_holds_up_nobody(house: House, mail: MailServer) -> None:
    await write(house.db, "a@example.org", kind="never_heard_of", token="abc")
    await write(house.db, "b@example.org", kind="reset", token="abc")  # lacks the name that its words need
    await write(house.db, "c@example.org")
    await worker(house, mail.url).do_all()
    assert [(kept.fate, kept.answer) for kept in await letters(house.db)] == [
        (Fate.WAITING, "TemplateNotFound"),
        (Fate.WAITING, "UndefinedError"),
        (Fate.SENT, ""),
    ]


async def test_eight_workers_send_twenty_letters_once_each(house: House, mail: MailServer) -> None:
    addresses = [f"person{number:02}@example.org" for number in range(20)]
    for address in addresses:
        await write(house.db, address)
    await asyncio.gather(*[worker(house, mail.url).do_all() for _ in range(8)])
    assert sorted(recipients[0] for recipients, _ in mail.taken) == addresses


async def test_the_list_is_shown_in_pages_the_newest_first(house: House) -> None:
    async def many(session: AsyncSession) -> None:
        for number in range(PER_PAGE + 1):
            await write_letter(session, f"person{number:02}@example.org", "sign_up", "en", token="abc")

    await house.db.write(many)
    async with house.db.reading() as session:
        first, total = await list_letters(session, 1)
        second, _ = await list_letters(session, 2)
    assert (len(first), len(second), total) == (PER_PAGE, 1, PER_PAGE + 1)
    assert {letter.id for letter in first} & {letter.id for letter in second} == set()
    moments = [letter.written_at for letter in [*first, *second]]
    assert moments == sorted(moments, reverse=True)
