"""Notices that a ballot was cast: whom they reach, and that neither they nor their rows tell when anybody voted."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import text
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.rights.erasing import erase
from app.accounts.store import add_account, find_account
from app.accounts.tables import Identity, RollLine
from app.accounts.telling.rounds import FEWEST
from app.accounts.telling.tables import NoticeMark, NoticeRound
from app.jobs import notices
from app.jobs.notices import SPREAD, tell_each_morning
from app.jobs.schedule import by_the_clock
from app.jobs.votes import tend_votes
from app.jobs.worker import Worker
from app.letters.outbox import CAST, count_letters, list_letters
from app.letters.tables import Letter
from ballots import paper
from ballots.eligibility import Channel, VoterFacts
from ballots.tables import Participation
from commons.clock import now
from polls.lifecycle import State
from tests.plumbing.clocks import database_clock
from tests.plumbing.house import QUICK, Town
from tests.plumbing.votes import HeldVote, hold_vote

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
VOTERS = 30
EIGHT = (datetime.now(UTC) + DAY).replace(hour=4, minute=0)  # in the morning, in Tbilisi


def address(number: int) -> str:
    return f"voter{number}@vardisi.example"


async def hold(town: Town, known: Sequence[int], **changed: object) -> HeldVote:
    """Hold a vote of ten days that opened two days ago, and know the accounts of some of its voters."""
    moment = datetime.now(UTC)
    later = {"closes_at": moment + 10 * DAY, "publishes_at": moment + 10 * DAY, "objections_until": moment + 30 * DAY}
    vote = await hold_vote(town.house, voters=VOTERS, **(later | changed))
    await vote.change(opened_at=moment - 2 * DAY)

    async def bind(session: AsyncSession) -> None:
        for number in known:
            account = await add_account(session, address(number), "Somebody", QUICK)
            line = col(RollLine.id) == vote.lines[number]
            if number % 2:
                await session.exec(update(RollLine).where(line).values(account_id=account.id))
            else:  # by the official number that a provider told
                mac, moment = bytes([number]) * 32, await now(session)
                session.add(Identity(issuer="https://id.example", subject_mac=mac, account_id=account.id,
                                     person_mac=mac, linked_at=moment))  # fmt: skip
                await session.exec(update(RollLine).where(line).values(person_mac=mac))

    await town.house.db.write(bind)
    return vote


async def cast(vote: HeldVote, *numbers: int) -> None:
    """Cast in the order of the numbers, as the house does."""
    for number in numbers:
        await vote.cast(vote.codes[number])


async def note_forms(vote: HeldVote, *numbers: int) -> None:
    """Note a fresh form for each line, as casting does, without the ballots: where no test closes the vote."""
    tags = vote.keys.tags(vote.id, [vote.lines[number].bytes for number in numbers])

    async def work(session: AsyncSession) -> None:
        for tag in tags:
            form = secrets.token_bytes(32)
            await session.merge(Participation(poll_id=vote.id, tag=tag, channel=Channel.WEB, form_key=form))

    await vote.house.db.write(work)


async def morning(town: Town, days: int = 0) -> None:
    """Let the worker come by, at eight in the morning of some day."""
    with database_clock(EIGHT + days * DAY):
        await tell_each_morning(town.house)


async def letters(town: Town) -> list[Letter]:
    async with town.house.db.reading() as session:
        return list((await session.exec(select(Letter).where(Letter.kind == CAST))).all())


async def told(town: Town) -> list[str]:
    return sorted(letter.address for letter in await letters(town))


async def marks(town: Town) -> int:
    async with town.house.db.reading() as session:
        return len((await session.exec(select(NoticeMark))).all())


async def clear(town: Town) -> None:
    """Let all letters be gone, as they are once they were sent."""
    await town.house.db.write(lambda session: session.exec(delete(Letter)))


async def test_nine_wait_for_a_tenth_and_then_those_with_an_address_are_told(one_town: Town) -> None:
    vote = await hold(one_town, range(8))
    await note_forms(vote, *range(FEWEST - 1))
    await morning(one_town)
    assert (await told(one_town), await marks(one_town)) == ([], 0)
    await note_forms(vote, 20)
    with database_clock(EIGHT + timedelta(hours=1)):  # on the same day: the tenth's hour must not show
        await tell_each_morning(one_town.house)
    assert (await told(one_town), await marks(one_town)) == ([], 0)
    await morning(one_town, 1)
    assert await told(one_town) == [address(number) for number in range(8)]
    assert await marks(one_town) == FEWEST  # whether somebody has an address makes no difference to the line
    await morning(one_town, 2)
    assert len(await told(one_town)) == 8


async def test_a_letter_and_its_row_tell_no_time_of_voting_and_are_in_no_order_of_it(town: Town) -> None:
    vote = await hold(town, range(12))
    await cast(vote, *range(12))
    await morning(town)
    found = await letters(town)
    at = EIGHT.replace(microsecond=EIGHT.microsecond // 1000 * 1000)
    assert {abs(letter.written_at - at) < timedelta(seconds=1) for letter in found} == {True}
    assert {frozenset(letter.facts) for letter in found} == {frozenset({"vote", "slug"})}
    assert {(letter.account_id, letter.attempts, letter.sent_at) for letter in found} == {(None, 0, None)}
    assert all(timedelta(0) <= letter.due_at - letter.written_at < SPREAD for letter in found)
    assert len({letter.due_at for letter in found}) == 12
    place = "rowid" if town.config.embedded else "ctid"
    async with town.house.db.reading() as session:
        query = text(f"SELECT address FROM app_letter WHERE kind = '{CAST}' ORDER BY {place}")
        lying = [row[0] for row in await (await session.connection()).execute(query)]
        due = [letter.address for letter in sorted(found, key=lambda letter: letter.due_at)]
    cast_in = [address(number) for number in range(12)]
    assert sorted(lying) == sorted(cast_in)
    assert cast_in not in (lying, lying[::-1], due, due[::-1])  # one of 479,001,600 orders
    rows = await town.rows()
    assert not any(code in str(rows["app_letter"]) or code in str(rows["app_notice_mark"]) for code in vote.codes)


async def test_no_page_and_no_count_shows_such_letters_and_their_rows_go_when_sent(one_town: Town) -> None:
    vote = await hold(one_town, range(12))
    await note_forms(vote, *range(12))
    await morning(one_town)
    assert len(await told(one_town)) == 12
    async with one_town.house.db.reading() as session:
        shown, total = await list_letters(session, 1)
        assert (shown, total, await count_letters(session)) == ([], 0, {})
    browser = await one_town.signed_in("manager")
    assert "voter1@" not in (await browser.get("/en/manage/letters")).text
    sent: list[EmailMessage] = []
    with database_clock(EIGHT + timedelta(days=20)):
        worker = Worker(one_town.house, {}, sent.append)
        while await worker.send_one_letter():
            pass
    assert sorted(message["To"] for message in sent) == sorted(address(number) for number in range(12))
    assert {message["Subject"] for message in sent} == {"A vote was cast in your name"}
    assert all(vote.slug in message.get_content() for message in sent)
    assert (await one_town.rows())["app_letter"] == []


async def test_changes_are_told_of_once_and_only_by_ten(town: Town) -> None:
    vote = await hold(town, range(24))
    await note_forms(vote, *range(24))
    await morning(town)
    await clear(town)
    await note_forms(vote, *range(FEWEST - 1))
    await morning(town, 1)
    assert await told(town) == []
    await note_forms(vote, FEWEST - 1, FEWEST - 1)
    await morning(town, 2)
    assert sorted(await told(town)) == sorted(address(number) for number in range(FEWEST))
    await clear(town)
    await note_forms(vote, *range(FEWEST))
    await morning(town, 3)
    assert await told(town) == []


async def test_at_closing_the_rest_is_told_and_the_marks_go(one_town: Town) -> None:
    vote = await hold(one_town, range(24))
    await cast(vote, *range(12))
    await morning(one_town)
    await clear(one_town)
    await cast(vote, *range(12, 24))
    await let_close(one_town, vote, told_ago=2 * DAY)
    assert await told(one_town) == sorted(address(number) for number in range(12, 24))
    assert (await vote.poll()).state is State.CLOSED
    await tell_each_morning(one_town.house)
    assert await marks(one_town) == 0


async def let_close(town: Town, vote: HeldVote, told_ago: timedelta) -> None:
    """Let the closing time pass, so long after the last round, and let the worker close the vote."""
    moment = datetime.now(UTC) - told_ago

    async def age(session: AsyncSession) -> None:
        await session.exec(update(NoticeRound).values(told_at=moment, looked_at=moment))

    await town.house.db.write(age)
    await vote.let_time_pass(closes_at=-1)
    await tend_votes(town.house, {})


async def test_a_vote_closed_early_after_a_round_tells_nobody_of_its_last_hours(one_town: Town) -> None:
    vote = await hold(one_town, range(24))
    await cast(vote, *range(12))
    await morning(one_town)
    await clear(one_town)
    await cast(vote, *range(12, 24))
    await let_close(one_town, vote, told_ago=timedelta(hours=3))
    assert (await told(one_town), (await vote.poll()).state) == ([], State.CLOSED)


async def test_of_many_workers_at_once_one_tells(town: Town) -> None:
    vote = await hold(town, range(12))
    await note_forms(vote, *range(12))
    for day in range(2):  # of first ballots, and of changes
        with database_clock(EIGHT + day * DAY):
            await asyncio.gather(*(tell_each_morning(town.house) for _ in range(4)))
        assert (len(await told(town)), await marks(town)) == (12 * (day + 1), 12)
        await note_forms(vote, *range(12))


async def test_a_long_round_is_written_in_slices(one_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "SLICE", 5)
    vote = await hold(one_town, range(12))
    await note_forms(vote, *range(12))
    await morning(one_town)
    assert (len(await told(one_town)), await marks(one_town)) == (12, 12)
    async with one_town.house.db.reading() as session:
        (held,) = (await session.exec(select(NoticeRound))).all()
    assert held.number == 1


async def test_who_votes_on_paper_is_not_told_of_a_ballot(one_town: Town) -> None:
    vote = await hold(one_town, range(24))
    await note_forms(vote, *range(FEWEST - 1))
    tag = vote.keys.tag(vote.id, vote.lines[20].bytes)
    facts = VoterFacts((await vote.poll()).roll_id)
    await one_town.house.db.write(lambda session: paper.mark(session, vote.keys, vote.id, tag, facts))
    await morning(one_town)
    assert await told(one_town) == []


async def test_trouble_with_notices_keeps_no_vote_from_closing(
    one_town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> list[bytes]:
        raise ValueError

    vote = await hold(one_town, range(12))
    await cast(vote, *range(12))
    monkeypatch.setattr(notices, "whom_to_tell", broken)
    await morning(one_town)
    await vote.let_time_pass(closes_at=-1)
    await tend_votes(one_town.house, {})
    assert (await vote.poll()).state is State.CLOSED
    assert "notices failed" in caplog.text


async def test_an_erased_account_is_told_nothing_any_more(one_town: Town) -> None:
    vote = await hold(one_town, range(12))
    await note_forms(vote, *range(12))
    await morning(one_town)

    async def leave(session: AsyncSession) -> None:
        account = await find_account(session, address(1))
        assert account is not None
        await erase(session, account.id, "")

    await one_town.house.db.write(leave)
    assert address(1) not in str(await one_town.rows())
    assert len(await told(one_town)) == 11


async def test_the_worker_holds_rounds_by_the_clock(one_town: Town) -> None:
    vote = await hold(one_town, range(12))
    await note_forms(vote, *range(12))
    with database_clock(EIGHT):
        await by_the_clock(one_town.house)()
    assert len(await told(one_town)) == 12
