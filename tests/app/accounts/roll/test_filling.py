"""A long list on its way into a roll, on both databases: slices that nobody sees, then all of it at once, or none."""

import asyncio
import json
import zlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.marks import PersonMarker
from app.accounts.roll.changes import STRIKE, Change, change_alone
from app.accounts.roll.filling import plan as planning
from app.accounts.roll.filling.plan import ADD, RENAME, Act, Plan, count_acts, pack, plan_of, unpack
from app.accounts.roll.filling.store import (
    GIVEN_UP_AFTER,
    KEPT,
    begin,
    find_import,
    find_newest_import,
    find_versions,
    give_up_imports,
    newest_version,
    take,
    write_on,
)
from app.accounts.roll.filling.tables import PendingRollLine, RollImport, RollImportPart, Stage
from app.accounts.roll.freezing import roll_lines
from app.accounts.roll.importing import Entry, OnRoll, examine, hash_of_lines
from app.accounts.roll.store import add_lines, count_lines, find_on_roll, strike
from app.db import Database
from commons.errors import Conflict, NotFound
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people

pytestmark = pytest.mark.anyio

NEWER = "reference,name\n000001,Voter 1\n000002,Luka\n000003,Eka\n" + "".join(f"N{each},New\n" for each in range(6))
BY = uuid4()


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a list of ten acts take several slices, and the tidying several portions."""
    monkeypatch.setattr(planning, "SLICE", 3)
    monkeypatch.setattr("app.accounts.roll.filling.store._CLEARED_AT_ONCE", 4)


async def planned(db: Database, roll_id: UUID, text: str = NEWER) -> tuple[Plan, int]:
    async with db.reading() as session:
        on_roll, seen = await find_on_roll(session, roll_id), await newest_version(session, roll_id)
    return plan_of(examine(text, on_roll), on_roll, withdraw=True), seen


async def begun(db: Database, roll_id: UUID, text: str = NEWER) -> UUID:
    plan, seen = await planned(db, roll_id, text)
    return (await db.write(lambda session: begin(session, roll_id, plan, seen, BY))).id


async def finish(db: Database, import_id: UUID) -> RollImport:
    while await db.write(lambda session: write_on(session, import_id)):
        pass
    return await one(db, import_id)


async def one(db: Database, import_id: UUID) -> RollImport:
    async with db.reading() as session:
        filling = await session.get(RollImport, import_id)
    assert filling is not None
    return filling


async def left_over(db: Database) -> int:
    async with db.reading() as session:
        tables = (PendingRollLine, RollImportPart)
        return sum([(await session.exec(select(func.count()).select_from(each))).one() for each in tables])


def told(lines: list[OnRoll]) -> list[OnRoll]:
    return sorted(lines, key=lambda each: each.reference)


async def roll_of(db: Database, roll_id: UUID) -> list[OnRoll]:
    async with db.reading() as session:
        return told(await find_on_roll(session, roll_id))


async def test_a_long_list_comes_to_the_same_as_a_short_one(db: Database) -> None:
    at_once, slowly = await made_roll(db, people(6)), await made_roll(db, people(6))
    async with db.reading() as session:
        report = examine(NEWER, await find_on_roll(session, at_once))
    assert count_acts(report, withdraw=True) == 11
    await db.write(lambda session: take(session, at_once, report, BY, withdraw=True))
    filling = await finish(db, await begun(db, slowly))
    assert (filling.stage, filling.written, filling.acts, filling.trouble) == (Stage.DONE, 11, 11, "")
    assert await roll_of(db, slowly) == await roll_of(db, at_once)
    versions = []
    for roll_id in (at_once, slowly):
        async with db.reading() as session:
            ((version, _),) = await find_versions(session, roll_id, 9)
        versions.append(version.model_dump(exclude={"roll_id", "made_at"}))
    assert versions[0] == versions[1]
    assert versions[1]["hash"] == hash_of_lines(each for each in await roll_of(db, slowly) if not each.is_struck)
    assert await left_over(db) == 0


async def test_marks_of_official_numbers_come_along_and_stay_where_none_is_given(db: Database) -> None:
    mark, roll_id = PersonMarker("x" * 40), await made_roll(db, people(2))
    lists = (
        "reference,identifier,name\n000001,01001,Voter 1\nN1,02002,New\nN2,,New\n",
        "reference,identifier,name\n000001,,Voter one\nN1,03003,New\n",
    )
    for text in lists:
        async with db.reading() as session:
            on_roll, seen = await find_on_roll(session, roll_id), await newest_version(session, roll_id)
        plan = plan_of(examine(text, on_roll, mark), on_roll, withdraw=False)
        filling = await db.write(lambda session, p=plan, n=seen: begin(session, roll_id, p, n, BY))  # type: ignore[misc]
        assert (await finish(db, filling.id)).stage is Stage.DONE
    found = {each.reference: (each.name, each.person) for each in await roll_of(db, roll_id)}
    assert found["000001"] == ("Voter one", mark("01001"))
    assert (found["N1"], found["N2"]) == (("New", mark("03003")), ("New", None))


async def test_nobody_sees_a_line_before_all_are_there(db: Database) -> None:
    roll_id = await made_roll(db, people(6))
    before, import_id = await roll_of(db, roll_id), await begun(db, roll_id)
    written = []
    while (filling := await one(db, import_id)).stage is Stage.WRITING:
        written.append(filling.written)
        assert await roll_of(db, roll_id) == before
        async with db.reading() as session:
            assert (await count_lines(session, roll_id)).eligible == 6
        assert len(await db.write(lambda session: roll_lines(session, roll_id))) == 6
        assert await db.write(lambda session: write_on(session, import_id))
    assert written == [0, 3, 6, 9, 11]
    assert len([each for each in await roll_of(db, roll_id) if not each.is_struck]) == 9
    assert await left_over(db) > 0  # tidied up afterwards, in portions
    await finish(db, import_id)
    assert await left_over(db) == 0


async def test_who_is_stopped_at_any_piece_has_done_nothing_of_it_and_the_next_goes_on(db: Database) -> None:
    class Killed(Exception):
        pass

    async def killed(session: AsyncSession) -> None:
        await write_on(session, import_id)
        raise Killed

    roll_id = await made_roll(db, people(6))
    import_id = await begun(db, roll_id)
    more = True
    while more:
        before = (await one(db, import_id)).written, await roll_of(db, roll_id), await left_over(db)
        with pytest.raises(Killed):
            await db.write(killed)
        assert ((await one(db, import_id)).written, await roll_of(db, roll_id), await left_over(db)) == before
        more = await db.write(lambda session: write_on(session, import_id))
    assert (await one(db, import_id)).stage is Stage.DONE
    assert len(await lines_of(db, roll_id)) == 12


async def test_a_second_list_is_refused_until_the_first_is_there(db: Database) -> None:
    roll_id, other = await made_roll(db, people(6)), await made_roll(db, people(6))
    plan, seen = await planned(db, roll_id)
    both = await asyncio.gather(
        *(db.write(lambda session: begin(session, roll_id, plan, seen, BY)) for _ in range(2)), return_exceptions=True
    )
    (first,) = [each for each in both if isinstance(each, RollImport)]
    assert [each.code for each in both if isinstance(each, Conflict)] == ["roll.import_running"]
    report = examine("Z1\n", [])
    with pytest.raises(Conflict, match=r"roll\.import_running"):
        await db.write(lambda session: take(session, roll_id, report, BY))
    assert (await finish(db, await begun(db, other))).stage is Stage.DONE  # another roll is free
    assert (await finish(db, first.id)).stage is Stage.DONE
    with pytest.raises(Conflict, match=r"roll\.changed_meanwhile"):  # a plan made before it
        await db.write(lambda session: begin(session, roll_id, plan, seen, BY))
    await db.write(lambda session: take(session, roll_id, report, BY))
    assert (await one(db, first.id)).stage is Stage.DONE


@pytest.mark.parametrize("meanwhile", ["struck", "silently", "added", "opened"])
async def test_a_roll_that_changes_meanwhile_stays_as_it_is(db: Database, meanwhile: str) -> None:
    roll_id = await made_roll(db, people(6))
    import_id = await begun(db, roll_id)
    await db.write(lambda session: write_on(session, import_id))
    line = (await lines_of(db, roll_id))[5].id
    if meanwhile == "struck":
        await db.write(lambda session: change_alone(session, Change(STRIKE, roll_id, line), BY))
    elif meanwhile == "silently":  # by something that left no version; only the counts of what was done tell
        await db.write(lambda session: strike(session, roll_id, line))
    elif meanwhile == "added":
        await db.write(lambda session: add_lines(session, roll_id, [Entry("N3", "Came by another way")]))
    else:
        await made_vote(db, roll_id, State.OPEN)
    before = await roll_of(db, roll_id)
    filling = await finish(db, import_id)
    trouble = "roll.in_use" if meanwhile == "opened" else "roll.changed_meanwhile"
    assert (filling.stage, filling.trouble) == (Stage.FAILED, trouble)
    assert await roll_of(db, roll_id) == before
    assert await left_over(db) == 0


async def test_an_import_that_does_not_move_is_given_up_and_makes_room(db: Database) -> None:
    roll_id = await made_roll(db, people(6))
    stuck, fresh = await begun(db, roll_id), await begun(db, await made_roll(db, people(6)))
    await db.write(lambda session: write_on(session, stuck))

    async def put_back(session: AsyncSession, import_id: UUID, by: timedelta) -> None:
        moved_at = (await one(db, import_id)).moved_at - by
        await session.exec(update(RollImport).where(col(RollImport.id) == import_id).values(moved_at=moved_at))

    await db.write(lambda session: put_back(session, stuck, GIVEN_UP_AFTER + timedelta(minutes=1)))
    assert await db.write(give_up_imports) == [stuck]
    filling = await finish(db, stuck)
    assert (filling.stage, filling.trouble) == (Stage.FAILED, "roll.import_stopped")
    assert (await one(db, fresh)).stage is Stage.WRITING
    assert len(await lines_of(db, roll_id)) == 6
    again = await begun(db, roll_id)
    async with db.reading() as session:
        newest = await find_newest_import(session, roll_id)
        assert newest is not None
        assert newest.id == again
        with pytest.raises(NotFound, match=r"roll\.import_unknown"):
            await find_import(session, roll_id, fresh)
    await db.write(lambda session: put_back(session, stuck, KEPT))
    await db.write(give_up_imports)
    assert not await db.write(lambda session: write_on(session, stuck))  # forgotten
    assert (await one(db, again)).stage is Stage.WRITING


PERSON = st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "Nino", "Luka"]))


@given(st.dictionaries(*[st.sampled_from("abcdef")], st.tuples(st.sampled_from(["Nino", "Eka"]), st.booleans())),
       st.lists(PERSON, min_size=1), st.booleans())  # fmt: skip
def test_a_plan_says_what_the_roll_will_be(
    roll: dict[str, tuple[str, bool]], file: list[tuple[str, str]], withdraw: bool
) -> None:
    on_roll = [OnRoll(reference, name, is_struck) for reference, (name, is_struck) in roll.items()]
    text = "reference,name\n" + "".join(f"{reference},{name}\n" for reference, name in file)
    plan = plan_of(examine(text, on_roll), on_roll, withdraw=withdraw)
    after = {each.reference: each.name for each in on_roll if not each.is_struck}
    for act, reference, name, *_ in [act for part in plan.parts for act in unpack(part)]:
        if act == ADD:
            assert reference not in after
        after[reference] = name
        if act not in {ADD, RENAME}:
            del after[reference]
    wanted = dict(reversed(file))  # the first of two counts
    for reference, name in after.items():
        old = roll.get(reference, ("", False))[0]
        assert name == (wanted.get(reference, "") or old)
    active = {reference for reference, (_, is_struck) in roll.items() if not is_struck}
    struck = roll.keys() - active
    assert after.keys() == (wanted.keys() if withdraw else active | wanted.keys()) - struck
    assert (plan.hash, plan.lines) == (hash_of_lines(OnRoll(*each) for each in after.items()), len(after))


MARKS = st.none() | st.binary(min_size=1)
TOLD = st.none() | st.fixed_dictionaries({"born": st.dates().map(str)}, optional={"services": st.lists(st.text())})
ACT = st.builds(Act, st.sampled_from([ADD, RENAME]), st.text(), st.text(), MARKS, TOLD, MARKS, st.none() | st.uuids())


@given(st.lists(ACT))
def test_a_slice_is_read_as_it_was_written(acts: list[Act]) -> None:
    assert unpack(pack(acts)) == acts
    older = json.dumps([(act, reference, name, (person or b"").hex()) for act, reference, name, person, *_ in acts])
    assert unpack(zlib.compress(older.encode())) == [Act(*act[:4]) for act in acts]
