"""Print runs through the pages: asked for, released by somebody else, shown once, void as a whole, told in public."""

import html
import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.prints.store import tally
from app.accounts.roll.codes import hash_of, read_code
from app.accounts.roll.store import find_voter, issue_codes
from app.accounts.tables import PrintRun, RunState, VoterCode
from app.qr import draw
from app.security import Role
from commons.errors import Forbidden
from commons.ledger.tables import PendingLine
from commons.organisations.store import set_single_handed
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of, made_roll, made_vote, people
from tests.plumbing.house import Browser, Town
from tests.plumbing.prints import CODE, NUMBER, asked, newest, printed
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio

PATH = re.compile(r'<svg class="qr" viewBox="0 0 (\d+) \1" aria-hidden="true"><path d="([^"]+)"/></svg>')


@pytest.fixture
async def eka(town: Town) -> Browser:
    return await town.signed_in("print_officer")


async def runs(town: Town, roll_id: UUID) -> list[PrintRun]:
    async with town.house.db.reading() as session:
        found = await session.exec(select(PrintRun).where(PrintRun.roll_id == roll_id))
        return sorted(found.all(), key=lambda run: run.number)


async def codes(town: Town) -> list[VoterCode]:
    async with town.house.db.reading() as session:
        return list((await session.exec(select(VoterCode))).all())


async def works(town: Town, code: str) -> bool:
    async with town.house.db.reading() as session:
        return not (await find_voter(session, read_code(code))).is_void


async def told(town: Town) -> list[tuple[str, dict[str, str | int]]]:
    async with town.house.db.reading() as session:
        lines = (await session.exec(select(PendingLine))).all()
        return sorted(((line.kind, line.words) for line in lines if line.kind.startswith("codes.")), key=repr)


async def test_a_slip_has_everything_and_its_square_holds_exactly_the_address(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(3))
    vote = await made_vote(town.house.db, roll_id, State.OPEN)
    maia = await town.signed_in("manager")
    assert f'<option value="{vote.slug}"' in (await maia.get(f"/en/manage/rolls/{roll_id}/prints")).text
    text = await printed(town, roll_id, 3, vote=vote.slug)
    shown, squares = CODE.findall(text), PATH.findall(text)
    assert (len(shown), len(squares)) == (3, 3)
    assert [number[:6] for number in NUMBER.findall(text)] == ["1-0001", "1-0002", "1-0003"]
    lines = await lines_of(town.house.db, roll_id)
    for line, code, (side, path) in zip(lines, shown, squares, strict=True):
        assert re.fullmatch(r"(\w{4}-){4}\w{4}", code)
        drawing = draw(f"{town.config.base_url}/en/votes/{vote.slug}#{read_code(code)}")
        assert (int(side), path) == (drawing.side, drawing.path)  # tests/app/test_qr.py: a drawing is its text
        assert line.reference in text
        assert line.name in text
        async with town.house.db.reading() as session:
            assert (await find_voter(session, read_code(code))).line_id == line.id
    for said in (vote.titles["en"], "Open from", "Keep it like a key", "With a camera:", "Without:",
                 f"/en/votes/{vote.slug}</code>", f"{town.config.base_url}/en/pages/contact"):  # fmt: skip
        assert text.count(said) == 3, said
    assert "style=" not in text


async def test_a_slip_without_a_vote_leads_to_the_list_of_votes(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(1))
    text = await printed(town, roll_id)
    (code,), ((_, path),) = CODE.findall(text), PATH.findall(text)
    assert path == draw(f"{town.config.base_url}/en/votes#{read_code(code)}").path
    assert "Your code for voting" in text


async def test_before_a_second_person_released_it_there_is_no_code(town: Town, eka: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(3))
    assert (await asked(eka, roll_id, 3)).headers["location"] == f"/en/manage/rolls/{roll_id}/prints?done=asked"
    run = await newest(await town.signed_in("manager"), roll_id)
    assert (await eka.send(f"/en/manage/prints/{run}", {"decision": "agree"})).status_code == 403
    early = await eka.send(f"/en/manage/prints/{run}/slips")
    assert (early.status_code, CODE.findall(early.text)) == (409, [])
    assert (await codes(town), (await runs(town, roll_id))[0].state) == ([], RunState.ASKED)
    assert await told(town) == []


@pytest.mark.parametrize("second", ["manager", "admin", "another print officer"])
async def test_who_may_release_and_who_is_shown(town: Town, eka: Browser, second: str) -> None:
    if second not in town.people:
        town.people[second] = await town.move_in("Keti", "keti@vardisi.example", Role.PRINT_OFFICER)
    roll_id = await made_roll(town.house.db, people(3))
    await asked(eka, roll_id, 2, reason="For the old town")
    other = await town.signed_in(second)
    home = html.unescape((await other.get("/en/manage")).text)
    assert "For the old town" in home
    run = await newest(other, roll_id)
    assert f'action="/en/manage/prints/{run}"' in home
    done = await other.send(f"/en/manage/prints/{run}", {"decision": "agree"})
    assert done.headers["location"] == f"/en/manage/rolls/{roll_id}/prints?done=released"
    assert (await other.send(f"/en/manage/prints/{run}", {"decision": "agree"})).status_code == 409
    assert await codes(town) == []  # drawn when they are shown, not before
    if second != "admin":  # who may not print at all
        stolen = await other.send(f"/en/manage/prints/{run}/slips")
        assert (stolen.status_code, "Only the person who asked" in stolen.text) == (403, True)
    shown = CODE.findall((await eka.send(f"/en/manage/prints/{run}/slips")).text)
    assert len(shown) == 2
    again = await eka.send(f"/en/manage/prints/{run}/slips")
    assert (again.status_code, CODE.findall(again.text)) == (409, [])
    assert len(await codes(town)) == 2
    said = {"run": 1, "kind": "letters", "slips": 2}
    assert await told(town) == [("codes.printed", said), ("codes.released", said)]


async def test_a_refused_run_is_never_printed(town: Town, eka: Browser) -> None:
    roll_id = await made_roll(town.house.db, people(1))
    await asked(eka, roll_id)
    maia = await town.signed_in("manager")
    run = await newest(maia, roll_id)
    refused = await maia.send(f"/en/manage/prints/{run}", {"decision": "refuse"})
    assert refused.headers["location"].endswith("?done=refused")
    for path in ("", "/slips", "/void"):
        fields = {"decision": "agree", f"sure-{run}": "yes"}
        assert (await eka.send(f"/en/manage/prints/{run}{path}", fields)).status_code in {403, 409}, path
    assert (await codes(town), await told(town)) == ([], [])


async def test_who_runs_the_vote_prints_only_where_nobody_else_can(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(1))
    maia = await town.signed_in("manager")
    assert (await asked(maia, roll_id)).status_code == 303  # no print officer yet
    both = await town.move_in("Both", "both@vardisi.example", Role.PRINT_OFFICER, Role.MANAGER)
    assert (await asked(maia, roll_id)).status_code == 303  # one who manages too is no other
    await town.signed_in("print_officer")
    town.people["both"] = both
    for browser in (maia, await town.signed_in("both")):
        refused = await asked(browser, roll_id)
        assert (refused.status_code, "a print officer asks for slips" in refused.text) == (403, True)
        assert "that person asks for slips" in (await browser.get(f"/en/manage/rolls/{roll_id}/prints")).text
    assert len(await runs(town, roll_id)) == 2


async def test_a_single_handed_body_does_it_alone(town: Town) -> None:
    await town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    roll_id = await made_roll(town.house.db, people(1))
    maia = await town.signed_in("manager")
    assert (await asked(maia, roll_id)).headers["location"].endswith("?done=released")
    (run,) = await runs(town, roll_id)
    assert len(CODE.findall((await maia.send(f"/en/manage/prints/{run.id}/slips")).text)) == 1


async def test_a_void_run_dies_as_a_whole_and_no_other(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(5))
    first, second = CODE.findall(await printed(town, roll_id, 2)), CODE.findall(await printed(town, roll_id, 2))
    maia = await town.signed_in("manager")
    one, other = await runs(town, roll_id)
    unsure = await maia.send(f"/en/manage/prints/{one.id}/void", {f"sure-{other.id}": "yes"})
    assert (unsure.status_code, "Tick this if you are sure." in unsure.text) == (422, True)
    assert all([await works(town, code) for code in first])
    assert (await maia.send(f"/en/manage/prints/{one.id}/void", {f"sure-{one.id}": "yes"})).status_code == 303
    assert [await works(town, code) for code in (*first, *second)] == [False, False, True, True]
    assert (await maia.send(f"/en/manage/prints/{one.id}/void", {f"sure-{one.id}": "yes"})).status_code == 409
    assert ("codes.void", {"run": 1, "kind": "letters", "slips": 2}) in await told(town)
    async with town.house.db.reading() as session:
        counted = await tally(session, roll_id)
    assert (counted.printed, counted.alone, counted.void, counted.bound, counted.left) == (4, 0, 2, 0, 0)
    assert len(CODE.findall(await printed(town, roll_id, 3))) == 3  # who lost theirs, and who had none


async def test_codes_are_told_once_and_kept_nowhere(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(5))
    shown = CODE.findall(await printed(town, roll_id, 5))
    assert len(shown) == 5
    maia = await town.signed_in("manager")
    nobody = await asked(maia, roll_id)
    assert (nobody.status_code, "Nobody on this list waits for a code." in nobody.text) == (409, True)
    rows = "\n".join(row for table in (await town.rows()).values() for row in table)
    page = "".join([(await maia.get(f"/en/manage/rolls/{roll_id}{rest}")).text for rest in ("", "/prints")])
    for code in shown:
        for spelled in (code, read_code(code), code.lower(), read_code(code).lower()):
            assert spelled not in rows
            assert spelled not in page
        assert repr(hash_of(read_code(code))) in rows


async def test_a_run_takes_a_portion_and_never_more_than_wait(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(6))
    maia = await town.signed_in("manager")
    for wrong in ("0", "7", "-1", "many", "", "9" * 30):
        refused = await asked(maia, roll_id, size=wrong)  # type: ignore[arg-type]
        assert (refused.status_code, "a number from 1 to 6" in refused.text) == (422, True), wrong
    assert len(CODE.findall(await printed(town, roll_id, 4))) == 4
    assert "2 people wait for a code." in (await maia.get(f"/en/manage/rolls/{roll_id}")).text
    await asked(maia, roll_id, 2)
    line = (await lines_of(town.house.db, roll_id))[5]
    await town.house.db.write(lambda session: issue_codes(session, roll_id, [line.id]))  # meanwhile, at the counter
    giorgi, run = await town.signed_in("second manager"), await newest(maia, roll_id)
    run = (await runs(town, roll_id))[-1].id
    await giorgi.send(f"/en/manage/prints/{run}", {"decision": "agree"})
    assert len(CODE.findall((await maia.send(f"/en/manage/prints/{run}/slips")).text)) == 1
    async with town.house.db.reading() as session:
        counted = await tally(session, roll_id)
    assert (counted.printed, counted.alone) == (5, 1)


@pytest.mark.parametrize("state", [State.DRAFT, State.CLOSED])
async def test_a_slip_names_only_a_vote_of_its_roll_that_is_locked_or_open(town: Town, state: State) -> None:
    roll_id, other = await made_roll(town.house.db, people(1)), await made_roll(town.house.db)
    maia = await town.signed_in("manager")
    for vote in (await made_vote(town.house.db, roll_id, state), await made_vote(town.house.db, other, State.OPEN)):
        assert (await asked(maia, roll_id, vote=vote.slug)).status_code == 404
    assert await runs(town, roll_id) == []


async def test_the_form_asks_for_a_reason_and_keeps_what_was_typed(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(3))
    answer = await asked(await town.signed_in("manager"), roll_id, 2, reason=" ")
    assert (answer.status_code, "Say what the slips are for." in answer.text) == (422, True)
    assert 'name="size" type="text" value="2"' in answer.text


async def test_unknown_runs_are_not_found_and_undecided_is_nothing(town: Town) -> None:
    nowhere, maia = "00000000-0000-4000-8000-000000000000", await town.signed_in("manager")
    assert (await maia.get(f"/en/manage/rolls/{nowhere}/prints")).status_code == 404
    assert (await asked(maia, UUID(nowhere))).status_code == 404
    assert (await asked(maia, await made_roll(town.house.db, people(1)), kind="stamps")).status_code == 404
    for path in ("", "/slips", "/void"):
        assert (await maia.send(f"/en/manage/prints/{nowhere}{path}", {"decision": "agree"})).status_code == 404
    assert (await maia.send(f"/en/manage/prints/{nowhere}", {})).status_code == 422


async def test_the_page_asks_a_fixed_number_of_questions(town: Town) -> None:
    maia, counts = await town.signed_in("manager"), []
    for size in (2, 30):
        roll_id = await made_roll(town.house.db, people(size))
        for _ in range(size // 2):
            await asked(maia, roll_id)
        with counted_queries() as statements:
            await maia.get(f"/en/manage/rolls/{roll_id}/prints")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 14


async def test_nobody_else_gets_a_code(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(1))
    await asked(await town.signed_in("manager"), roll_id)
    (run,) = await runs(town, roll_id)
    for browser, status in ((town.browser(), 303), (await town.signed_in("citizen"), 403)):
        for path in (f"/en/manage/prints/{run.id}", f"/en/manage/prints/{run.id}/slips"):
            answer = await browser.send(path, {"decision": "agree"})
            assert (answer.status_code, CODE.findall(answer.text)) == (status, [])
    assert (await codes(town), (await runs(town, roll_id))[0].state) == ([], RunState.ASKED)
    with pytest.raises(Forbidden):
        await works(town, "0" * 20)


async def test_a_proof_of_the_second_factor_must_be_fresh(town: Town) -> None:
    from tests.app.web.test_factors import age_proofs

    roll_id = await made_roll(town.house.db, people(1))
    maia = await town.signed_in("manager")
    await asked(maia, roll_id)
    await age_proofs(town, timedelta(minutes=6))
    answer = await asked(maia, roll_id)
    assert (answer.status_code, "This step needs a fresh code" in answer.text) == (403, True)

    async def count(session: AsyncSession) -> int:
        return len((await session.exec(select(PrintRun))).all())

    assert await town.house.db.write(count) == 1


def number(page: str, name: str) -> str | None:
    """Read a figure of the public page by its name."""
    found = re.search(rf"{re.escape(name)}</dt>\s*<dd[^>]*>([\d,]+)", html.unescape(page))
    return found and found[1]


async def test_everybody_reads_the_numbers_and_while_a_vote_runs_only_what_was_printed(town: Town) -> None:
    roll_id = await made_roll(town.house.db, people(4))
    vote = await made_vote(town.house.db, roll_id, State.CLOSED)
    await printed(town, roll_id, 2)
    line = (await lines_of(town.house.db, roll_id))[0]
    await town.house.db.write(lambda session: issue_codes(session, roll_id, [line.id]))
    place = f"/en/votes/{vote.slug}/slips"
    shown = {
        "Printed in runs that two people agreed to": "2",
        "Made one by one, for people whose slip was lost": "1",
        "Given out at the counter": "0",
        "Left over at the counter": "0",
        "Void: replaced, lost or spoilt": "1",
    }
    closed = (await town.browser().get(place)).text
    assert {name: number(closed, name) for name in shown} == shown
    await made_vote(town.house.db, roll_id, State.OPEN)  # another vote with this roll: the numbers are its own too
    under_way = (await town.browser().get(place)).text
    assert [number(under_way, name) for name in shown] == ["2", None, None, None, None]
    assert "A vote with this list is under way." in under_way
