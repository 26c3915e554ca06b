"""Rolls on both databases: who stands on them, whose code works, and when nobody may join any more."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import hash_of, new_code
from app.accounts.roll.filling.store import find_versions, take
from app.accounts.roll.freezing import roll_lines
from app.accounts.roll.importing import Entry, OnRoll, examine, hash_of_lines
from app.accounts.roll.lookup import PER_PAGE, find_lines
from app.accounts.roll.store import (
    LONGEST_NAME,
    MOST_SLIPS,
    Counts,
    add_lines,
    add_roll,
    count_lines,
    find_on_roll,
    find_rolls,
    find_voter,
    find_voter_again,
    get_roll,
    issue_codes,
    strike,
    unstrike,
    void_code,
)
from app.accounts.roll.voters import Voter
from app.accounts.tables import VoterCode
from app.db import Database
from ballots.eligibility import VoterFacts
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.organisations.store import get_host
from commons.rows import within
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio


async def issued(db: Database, roll_id: UUID, *line_ids: UUID) -> dict[UUID, str]:
    pairs = await db.write(lambda session: issue_codes(session, roll_id, line_ids or None))
    return {line.id: code for line, code in pairs}


async def voter_of(db: Database, code: str) -> Voter:
    async with db.reading() as session:
        return await find_voter(session, code)


async def counts(db: Database, roll_id: UUID) -> Counts:
    async with db.reading() as session:
        return await count_lines(session, roll_id)


async def test_a_roll_has_a_name_and_its_people(db: Database) -> None:
    first = await made_roll(db, people(3))
    await made_roll(db)
    async with db.reading() as session:
        host = await get_host(session)
        assert [total for _, total in await find_rolls(session, host.id)] == [0, 3]
        assert (await get_roll(session, first)).names == {"en": "Residents"}
        with pytest.raises(NotFound, match=r"roll\.unknown"):
            await get_roll(session, uuid4())
    for names, code in (({"en": " "}, "text.missing"), ({"ka": "n" * (LONGEST_NAME + 1)}, "text.too_long")):
        with pytest.raises(Invalid, match=code):
            await db.write(lambda session, names=names: add_roll(session, host.id, names))  # type: ignore[misc]


async def test_one_reference_is_one_person_in_whatever_spelling(db: Database) -> None:
    roll_id = await made_roll(db, [Entry("A-7", "Nino")])
    for spelled in ("A-7", "a-7", "Ａ-７"):
        with pytest.raises(Conflict, match=r"roll\.line_taken"):
            await db.write(lambda session, s=spelled: add_lines(session, roll_id, [Entry("9"), Entry(s)]))  # type: ignore[misc]
    with pytest.raises(Conflict, match=r"roll\.line_taken"):
        await db.write(lambda session: add_lines(session, roll_id, [Entry("b"), Entry("B")]))
    assert [line.reference for line in await lines_of(db, roll_id)] == ["A-7"]
    other = await made_roll(db, [Entry("A-7", "Luka")])  # on another roll it is another person
    assert len(await lines_of(db, other)) == 1


async def test_each_import_is_a_version_that_anybody_can_count_again(db: Database) -> None:
    roll_id, by = await made_roll(db), uuid4()
    files = ["reference,name\n1,Nino\n2,Luka\n3,Eka\n", "reference,name\n2,Luka B\n3,Eka\n4,Gia\n"]
    for file, withdraw in zip(files, (False, True), strict=True):
        async with db.reading() as session:
            report = examine(file, await find_on_roll(session, roll_id))
        await db.write(lambda session, r=report, w=withdraw: take(session, roll_id, r, by, withdraw=w))  # type: ignore[misc]
    async with db.reading() as session:
        versions = [version for version, _ in await find_versions(session, roll_id, 9)]
        assert [each.number for each, _ in await find_versions(session, roll_id, 1)] == [2]
    told = [(each.number, each.lines, each.added, each.renamed, each.struck, each.made_by) for each in versions]
    assert told == [(2, 3, 1, 1, 1, by), (1, 3, 3, 0, 0, by)]
    assert [each.hash for each in versions] == [
        hash_of_lines([OnRoll("4", "Gia"), OnRoll("2", "Luka B"), OnRoll("3", "Eka")]),
        "4022a3a93c97c1adaeec8f21646273c9c4928e9c6d28f1f683f3257876cba2a9",
    ]


async def test_a_report_that_is_no_longer_true_changes_nothing(db: Database) -> None:
    file = "reference,name\n000001,Nino\n000009,Tamar\n"
    for meanwhile in ("000001", "000002"):  # one who would be renamed, one who would be struck off
        roll_id = await made_roll(db, people(3))
        lines = {line.reference: line.id for line in await lines_of(db, roll_id)}
        async with db.reading() as session:
            report = examine(file, await find_on_roll(session, roll_id))
        await db.write(lambda session, r=roll_id, i=lines[meanwhile]: strike(session, r, i))  # type: ignore[misc]
        with pytest.raises(Conflict, match=r"roll\.changed_meanwhile"):
            await db.write(lambda s, r=roll_id, rep=report: take(s, r, rep, uuid4(), withdraw=True))  # type: ignore[misc]
        assert len(await lines_of(db, roll_id)) == 3
        async with db.reading() as session:
            assert await find_versions(session, roll_id, 9) == []


async def test_while_a_vote_is_under_way_no_list_is_taken(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    await made_vote(db, roll_id, State.OPEN)
    report = examine("9\n", [])
    with pytest.raises(Conflict, match=r"roll\.in_use"):
        await db.write(lambda session: take(session, roll_id, report, uuid4()))


async def test_a_code_leads_to_its_line_and_nothing_of_it_is_kept_but_the_hash(db: Database) -> None:
    roll_id = await made_roll(db, people(3))
    codes = await issued(db, roll_id)
    assert len(set(codes.values())) == 3
    for line_id, code in codes.items():
        voter = await voter_of(db, code)
        assert voter == Voter(line_id, roll_id, 1)
        assert (voter.facts(None), voter.line) == (VoterFacts(roll_id), line_id.bytes)
    async with db.reading() as session:
        kept = (await session.exec(select(VoterCode))).all()
    assert {row.code_hash for row in kept} == {hash_of(code) for code in codes.values()}
    assert not [code for code in codes.values() if code in repr(kept)]
    with pytest.raises(Forbidden, match=r"code\.unknown"):
        await voter_of(db, new_code())


async def test_a_new_code_makes_the_old_ones_void(db: Database) -> None:
    roll_id = await made_roll(db, people(2))
    first = await issued(db, roll_id)
    line_id, other_id = first
    second = await issued(db, roll_id, line_id)
    assert set(second) == {line_id}
    assert await voter_of(db, first[line_id]) == Voter(line_id, roll_id, 1, is_void=True)
    assert await voter_of(db, second[line_id]) == Voter(line_id, roll_id, 2)
    assert not (await voter_of(db, first[other_id])).is_void
    async with db.reading() as session:
        assert await within(session, find_voter_again, line_id, 1) == Voter(line_id, roll_id, 1, is_void=True)
        assert await within(session, find_voter_again, line_id, 2) == Voter(line_id, roll_id, 2)
        assert await within(session, find_voter_again, line_id, 3) is None
        assert await within(session, find_voter_again, uuid4(), 1) is None


async def test_a_void_code_a_struck_line_and_the_way_back(db: Database) -> None:
    roll_id = await made_roll(db, people(2))
    codes = await issued(db, roll_id)
    line_id, other_id = codes
    await db.write(lambda session: void_code(session, roll_id, line_id))
    await db.write(lambda session: strike(session, roll_id, other_id))
    assert [(await voter_of(db, code)).is_void for code in codes.values()] == [True, True]
    assert await counts(db, roll_id) == Counts(lines=2, struck=1, coded=0, waiting=1)
    assert set(await issued(db, roll_id)) == {line_id}  # the voided one waits for a code, the struck one gets none
    assert await issued(db, roll_id, other_id) == {}
    await db.write(lambda session: unstrike(session, roll_id, other_id))
    assert not (await voter_of(db, codes[other_id])).is_void
    assert await counts(db, roll_id) == Counts(lines=2, struck=0, coded=2, waiting=0)
    assert (await counts(db, roll_id)).eligible == 2


@pytest.mark.parametrize("act", [void_code, strike, unstrike])
async def test_a_line_is_reached_through_its_own_roll_only(db: Database, act: object) -> None:
    roll_id, other = await made_roll(db, people(1)), await made_roll(db)
    line_id = (await lines_of(db, roll_id))[0].id
    for where, which, code in ((other, line_id, "line_unknown"), (roll_id, uuid4(), "line_unknown"),
                               (uuid4(), line_id, "roll.unknown")):  # fmt: skip
        with pytest.raises(NotFound, match=code):
            await db.write(lambda session, r=where, n=which: act(session, r, n))  # type: ignore[operator, misc]


async def test_codes_are_issued_in_portions_to_those_who_wait(db: Database) -> None:
    roll_id = await made_roll(db, people(MOST_SLIPS + 20))
    first = await db.write(lambda session: issue_codes(session, roll_id))
    assert [line.reference for line, _ in first] == [entry.reference for entry in people(MOST_SLIPS)]
    assert (await counts(db, roll_id)).waiting == 20
    assert len(await issued(db, roll_id)) == 20
    assert await issued(db, roll_id) == {}


async def test_two_officials_who_issue_at_once_leave_one_working_code_each(db: Database) -> None:
    roll_id = await made_roll(db, people(30))
    ids = [line.id for line in await lines_of(db, roll_id)]
    rounds = await asyncio.gather(*(issued(db, roll_id, *ids) for _ in range(4)))
    working = [[code for code in codes.values() if not (await voter_of(db, code)).is_void] for codes in rounds]
    assert sorted(map(len, working)) == [0, 0, 0, 30]


async def test_only_lines_that_are_not_struck_reach_an_opening_vote(db: Database) -> None:
    roll_id = await made_roll(db, people(5))
    lines = await lines_of(db, roll_id)
    await db.write(lambda session: strike(session, roll_id, lines[2].id))
    given = await db.write(lambda session: roll_lines(session, roll_id))
    assert sorted(given) == sorted(line.id.bytes for line in lines if line is not lines[2])
    with pytest.raises(NotFound, match=r"roll\.unknown"):
        await db.write(lambda session: roll_lines(session, uuid4()))


@pytest.mark.parametrize("state", list(State))
async def test_a_roll_grows_until_a_vote_opens_and_again_when_it_has_closed(db: Database, state: State) -> None:
    roll_id = await made_roll(db, people(2))
    line_id = (await lines_of(db, roll_id))[0].id
    await db.write(lambda session: strike(session, roll_id, line_id))
    await made_vote(db, roll_id, state)
    is_frozen = state in {State.OPEN, State.SUSPENDED, State.CLOSING, State.HALTED}
    for act in (
        lambda session: add_lines(session, roll_id, [Entry("new")]),
        lambda session: unstrike(session, roll_id, line_id),  # it is not on the list that was frozen
    ):
        if is_frozen:
            with pytest.raises(Conflict, match=r"roll\.in_use"):
                await db.write(act)
        else:
            await db.write(act)
    assert len(await lines_of(db, roll_id)) == (2 if is_frozen else 3)
    assert len(await issued(db, roll_id)) == (1 if is_frozen else 3)  # new codes always


async def test_who_was_struck_while_a_vote_is_open_may_be_put_back(db: Database) -> None:
    roll_id = await made_roll(db, people(1))
    line_id = (await lines_of(db, roll_id))[0].id
    await made_vote(db, roll_id, State.OPEN)
    await db.write(lambda session: strike(session, roll_id, line_id))
    await db.write(lambda session: unstrike(session, roll_id, line_id))
    assert (await lines_of(db, roll_id))[0].struck_at is None


async def test_nobody_joins_between_reading_the_list_and_opening(db: Database) -> None:
    """The one who opens reads the list; somebody adds a line; it must fail, or be on the list."""
    roll_id = await made_roll(db, people(3))
    poll = await made_vote(db, roll_id, State.LOCKED)
    read, added = asyncio.Event(), asyncio.Event()

    async def opening(session: AsyncSession) -> int:
        lines = await roll_lines(session, roll_id)
        read.set()
        await asyncio.wait([asyncio.create_task(added.wait())], timeout=0.3)
        held = await session.get(type(poll), poll.id)
        assert held is not None
        held.state = State.OPEN
        session.add(held)
        return len(lines)

    async def adding() -> bool:
        await read.wait()
        try:
            await db.write(lambda session: add_lines(session, roll_id, [Entry("late")]))
        except Conflict:
            return False
        finally:
            added.set()
        return True

    frozen, joined = await asyncio.gather(db.write(opening), adding())
    assert (frozen, joined) == (3, False)
    assert len(await lines_of(db, roll_id)) == 3


async def test_lines_are_found_by_reference_or_name_page_by_page(db: Database) -> None:
    odd = [Entry("ზ-1", "ნინო ბერიძე"), Entry("É-2", "Élodie Été"), Entry("x%_3", "Нина Петрова"), Entry("n4", "نينو")]
    roll_id = await made_roll(db, [*people(PER_PAGE + 7), *odd])

    async def found(wanted: str, page: int = 1) -> tuple[int, int, list[str]]:
        async with db.reading() as session:
            hits = await find_lines(session, roll_id, wanted, page)
        return hits.total, hits.page, [line.reference for line, _ in hits.lines]

    assert (await found("voter"))[0] == PER_PAGE + 7
    first, last = await found(""), await found("", 99)
    assert (first[0], first[1], len(first[2])) == (PER_PAGE + 11, 1, PER_PAGE)
    assert (last[1], len(last[2])) == (2, 11)
    assert set(first[2]).isdisjoint(last[2])
    for wanted, reference in {"ბერიძე": "ზ-1", "élodie": "É-2", "ÉLODIE été": "É-2", "нина": "x%_3", "%_": "x%_3",
                              "نينو": "n4", "voter 000007": "000007"}.items():  # fmt: skip
        assert (await found(wanted))[2] == [reference], wanted
    assert (await found("nobody")) == (0, 1, [])


async def test_a_page_of_lines_and_the_counts_ask_a_fixed_number_of_questions(db: Database) -> None:
    few, many = await made_roll(db, people(2)), await made_roll(db, people(300))
    asked = []
    for roll_id in (few, many):
        await issued(db, roll_id)
        async with db.reading() as session:
            with counted_queries() as statements:
                await find_lines(session, roll_id, "voter")
                await count_lines(session, roll_id)
        asked.append(len(statements))
    assert asked == [3, 3]


async def test_whether_a_code_was_used_is_nowhere(db: Database) -> None:
    assert set(VoterCode.model_fields) == {"line_id", "serial", "code_hash", "void_at", "run_id", "from_desk"}
    roll_id = await made_roll(db, people(1))
    codes = await issued(db, roll_id)
    async with db.reading() as session:
        before = repr((await session.exec(select(VoterCode).order_by(col(VoterCode.serial)))).all())
        for code in codes.values():
            await find_voter(session, code)
        assert repr((await session.exec(select(VoterCode).order_by(col(VoterCode.serial)))).all()) == before
