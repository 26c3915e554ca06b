"""From sign-in to the ballot by one button: whose line it is, for how long, and that every door leads to the same."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.marks import PersonMarker
from app.accounts.oidc.store import add_identity, find_own_line, remove_identity
from app.accounts.roll.store import issue_codes, strike, unstrike, void_codes
from app.accounts.roll.voters import BY_SIGN_IN
from app.accounts.tables import RollLine
from polls.lifecycle import State
from tests.conftest import Addresses
from tests.plumbing.house import Town, all_rows, opened_town
from tests.plumbing.providers import settings
from tests.plumbing.queries import counted_queries
from tests.plumbing.server import SECRET
from tests.plumbing.votes import HeldVote, Voter, hold_vote, sheet_in

pytestmark = pytest.mark.anyio

ISSUER = "http://127.0.0.1:1"  # which nobody asks here
MARK = PersonMarker(SECRET)
BUTTON = "Vote as <bdi>Nino Beridze</bdi>"
CASTING = "I vote with a code from a slip"


@pytest.fixture
async def there(addresses: Addresses, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Town]:
    """Give a house with a provider of sign-ins, on a fresh database of each kind in turn."""
    async with opened_town(addresses.url, addresses.owner_url, tmp_path, **settings(ISSUER)) as town:
        yield town


@pytest.fixture
async def vote(there: Town) -> HeldVote:
    """Hold a vote on whose roll the first line has an official number, which Nino's identity has too."""
    held = await hold_vote(there.house)
    await put(there, held.lines[0], person_mac=MARK("01-017"))
    await there.house.db.write(
        lambda session: add_identity(session, ISSUER, b"n" * 32, there.people["citizen"], MARK("01017"))
    )
    return held


async def put(town: Town, line: UUID, **values: object) -> None:
    change = update(RollLine).where(col(RollLine.id) == line).values(**values)

    async def work(session: AsyncSession) -> None:
        await session.exec(change)

    await town.house.db.write(work)


async def nino(town: Town, vote: HeldVote) -> Voter:
    return Voter(await town.signed_in("citizen"), vote)


async def press(voter: Voter) -> httpx.Response:
    return await voter.browser.send(f"{voter.vote.path}/own", {}, page=voter.vote.path)


async def test_one_button_leads_to_the_ballot_and_a_cast_to_its_receipt(there: Town, vote: HeldVote) -> None:
    voter = await nino(there, vote)
    page = await voter.browser.get(vote.path)
    assert (page.text.count('data-kind="main"'), BUTTON in page.text, CASTING in page.text) == (1, True, True)
    answer = await press(voter)
    assert (answer.status_code, answer.headers["location"]) == (303, vote.path)
    sheet = await voter.open()
    assert not sheet.asks_code
    done = await voter.send(sheet.ranked("Parks"))
    assert done.headers["location"] == f"{vote.path}/receipt?done=first"
    assert len(await voter.receipt()) == 64


async def test_a_person_is_the_same_voter_by_code_and_by_sign_in(there: Town, vote: HeldVote) -> None:
    voter, other = await nino(there, vote), Voter(there.browser(), vote)
    await press(voter)
    assert (await voter.cast("Parks")).headers["location"].endswith("?done=first")
    first = await voter.receipt()
    assert (await other.cast("Buses", code=vote.codes[0])).status_code == 409  # the form follows nothing
    again = await other.browser.send(f"{vote.path}/receipt", {"code": vote.codes[0]})
    assert (again.status_code, await other.receipt()) == (303, first)
    assert (await other.cast("Buses")).headers["location"].endswith("?done=changed")
    assert await voter.receipt() != first
    assert await vote.close() is State.CLOSED
    assert len((await there.browser().get(f"/votes/{vote.slug}/took_part.txt")).text.split()) == 1


async def test_a_line_that_is_bound_to_an_account_comes_first(there: Town, vote: HeldVote) -> None:
    await put(there, vote.lines[1], account_id=there.people["citizen"])
    roll_id = (await vote.poll()).roll_id
    assert roll_id is not None
    async with there.house.db.reading() as session:
        found = await find_own_line(session, roll_id, there.people["citizen"])
        nobody = await find_own_line(session, roll_id, there.people["second citizen"])
    assert found is not None
    assert (found.line_id, found.serial, found.is_void, nobody) == (vote.lines[1], BY_SIGN_IN, False, None)


async def test_nobody_else_is_shown_the_button_or_let_in_by_its_address(there: Town, vote: HeldVote) -> None:
    for person in ("second citizen", "manager"):
        other = Voter(await there.signed_in(person), vote)
        assert "Vote as" not in (await other.browser.get(vote.path)).text
        refused = await press(other)
        assert (refused.status_code, (await other.open()).asks_code) == (403, True)
    stranger = Voter(there.browser(), vote)
    page = await stranger.browser.get(vote.path)
    assert f"/en/sign-in/provider?next=%2Fen%2Fvotes%2F{vote.slug}" in page.text
    assert (await press(stranger)).headers["location"] == "/en/sign-in"
    elsewhere = await hold_vote(there.house, titles={"en": "Another vote"})
    assert "Vote as" not in (await (await there.signed_in("citizen")).get(elsewhere.path)).text


async def test_two_people_without_numbers_are_not_one(there: Town, vote: HeldVote) -> None:
    """Nothing equals nothing: a person whose provider tells no number owns no line that has none."""
    await there.house.db.write(
        lambda session: add_identity(session, ISSUER, b"l" * 32, there.people["second citizen"], None)
    )
    other = Voter(await there.signed_in("second citizen"), vote)
    assert (await press(other)).status_code == 403


async def struck(town: Town, vote: HeldVote) -> None:
    roll_id = (await vote.poll()).roll_id
    assert roll_id is not None
    await town.house.db.write(lambda session: strike(session, roll_id, vote.lines[0]))


async def unjoined(town: Town, vote: HeldVote) -> None:
    await town.house.db.write(lambda session: remove_identity(session, town.people["citizen"], ISSUER))


async def renumbered(town: Town, vote: HeldVote) -> None:
    await put(town, vote.lines[0], person_mac=MARK("999"))


@pytest.mark.parametrize("stop", [struck, unjoined, renumbered])
async def test_a_pass_ends_with_what_it_rests_on(
    there: Town, vote: HeldVote, stop: Callable[[Town, HeldVote], object]
) -> None:
    voter = await nino(there, vote)
    await press(voter)
    sheet = await voter.open()
    await stop(there, vote)  # type: ignore[misc]
    refused = await voter.send(sheet.ranked("Parks"))
    assert refused.status_code == 422  # the ballot comes back and asks for a code
    assert sheet_in(refused).asks_code
    assert "Vote as" not in refused.text
    assert all_rows(there.owner_url)["ballots_envelope"] == []


async def test_a_line_put_back_votes_again(there: Town, vote: HeldVote) -> None:
    roll_id = (await vote.poll()).roll_id
    assert roll_id is not None
    voter = await nino(there, vote)
    await press(voter)
    await struck(there, vote)
    await there.house.db.write(lambda session: unstrike(session, roll_id, vote.lines[0]))
    assert (await voter.cast("Parks")).status_code == 303


async def test_signing_out_ends_the_pass_and_another_account_cannot_use_it(there: Town, vote: HeldVote) -> None:
    voter, other = await nino(there, vote), await there.signed_in("second citizen")
    await press(voter)
    name = there.config.booth_cookie_name
    taken = voter.browser.http.cookies[name]
    other.http.cookies.set(name, taken, domain="127.0.0.1")
    assert (await Voter(other, vote).open()).asks_code
    assert not (await voter.open()).asks_code
    await voter.browser.send("/en/sign-out", {}, page="/en/me")
    assert voter.browser.http.cookies[name] == taken  # it is still there, and opens nothing
    assert (await voter.open()).asks_code


async def test_void_codes_do_not_end_a_pass_by_sign_in_and_a_new_code_does_not_either(
    there: Town, vote: HeldVote
) -> None:
    roll_id = (await vote.poll()).roll_id
    assert roll_id is not None
    voter = await nino(there, vote)
    await press(voter)
    await there.house.db.write(lambda session: void_codes(session, roll_id))
    await there.house.db.write(lambda session: issue_codes(session, roll_id, [vote.lines[0]]))
    assert (await voter.cast("Parks")).status_code == 303


async def test_pressing_the_button_writes_no_row(there: Town, vote: HeldVote) -> None:
    voter = await nino(there, vote)
    await voter.open()
    rows = await there.rows()
    await press(voter)
    await voter.open()
    assert await there.rows() == rows


async def test_a_cast_by_sign_in_changes_only_the_box(there: Town, vote: HeldVote) -> None:
    voter = await nino(there, vote)
    await press(voter)
    rows = await there.rows()
    await voter.cast("Parks")
    after = await there.rows()
    assert {name for name, kept in after.items() if kept != rows[name]} == {"ballots_envelope", "ballots_participation"}


async def test_who_is_at_the_ballot_is_found_in_one_statement(there: Town, vote: HeldVote) -> None:
    """By code, by pass and by sign-in: a cast asks as often, but for who is signed in."""
    by_code, by_sign_in = Voter(there.browser(), vote), await nino(there, vote)
    await by_code.browser.send(f"{vote.path}/receipt", {"code": vote.codes[1]})
    await press(by_sign_in)
    counted = []
    for voter in (by_code, by_sign_in):
        sheet = (await voter.open()).ranked("Parks")
        with counted_queries() as statements:
            assert (await voter.send(sheet)).status_code == 303
        asked = [each for each in statements if "app_roll_line" in each]
        assert len(asked) == 1
        begin = next(number for number, each in enumerate(statements) if "polls_poll" in each)
        counted.append(len(statements[begin:]))  # before it, the session of who is signed in
    assert counted[0] == counted[1]


async def test_own_line_receipt_and_answer_need_no_code_by_sign_in(there: Town, vote: HeldVote) -> None:
    voter, other = await nino(there, vote), Voter(await there.signed_in("second citizen"), vote)
    await press(voter)
    await voter.cast("Parks")
    receipt = await voter.receipt()
    later = await nino(there, vote)  # in another browser, without a pass
    yes = await later.browser.send(f"{vote.path}/eligible", {"code": ""}, page=vote.path)
    assert "need no code while you are signed in" in yes.text
    assert (await later.browser.send(f"{vote.path}/receipt", {"code": ""}, page=vote.path)).status_code == 303
    assert await later.receipt() == receipt
    await vote.close()
    last = await nino(there, vote)
    answer = await last.browser.send(f"{vote.path}/my-line", {"code": ""}, page="/en/settings")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{vote.path}/my-line")
    assert "Your tag in this vote:" in (await last.browser.get(f"{vote.path}/my-line")).text
    for path in ("eligible", "receipt", "my-line"):
        refused = await other.browser.send(f"{vote.path}/{path}", {"code": ""}, page="/en/settings")
        assert (refused.status_code, "Write your voting code." in refused.text) == (422, True), path


async def test_the_button_is_there_only_while_the_vote_is_open(there: Town, vote: HeldVote) -> None:
    browser = await there.signed_in("citizen")
    await vote.close()
    assert "Vote as" not in (await browser.get(vote.path)).text


async def test_a_roll_from_a_file_knows_who_signs_in(there: Town) -> None:
    """A whole way: the office's file with official numbers, and no number in any row afterwards."""
    manager = await there.signed_in("manager")
    text = "reference,name,identifier\n1,Nino,01-017 0123\n2,Luka,٠٢٠٢٨\n3,Gia,010170123\n"
    form = {"name_en": "Vake", "text": text}
    report = await manager.send("/en/manage/rolls/new", form, page="/en/manage/rolls/new")
    assert "Another line has the same official number." in report.text
    mark = report.text.partition('name="checked" value="')[2].partition('"')[0]
    answer = await manager.send("/en/manage/rolls/new", form | {"checked": mark}, page="/en/manage/rolls/new")
    assert answer.status_code == 303, answer.text
    async with there.house.db.reading() as session:
        lines = {each.reference: each.person_mac for each in await session.exec(select(RollLine))}
    assert lines == {"1": MARK("010170123"), "2": MARK("02028")}
    rows = str(await there.rows())
    assert [number for number in ("010170123", "01-017", "٠٢٠٢٨", "02028") if number in rows] == []

    place = answer.headers["location"].partition("?")[0] + "/add"
    newer = "reference,identifier\n2,777\n1,\n"
    report = await manager.send(place, {"text": newer}, page="/en/manage/rolls/new")
    assert "Luka, with another official number" in report.text
    mark = report.text.partition('name="checked" value="')[2].partition('"')[0]
    await manager.send(place, {"text": newer, "checked": mark}, page="/en/manage/rolls/new")
    async with there.house.db.reading() as session:
        found = {each.reference: (each.name, each.person_mac) for each in await session.exec(select(RollLine))}
    assert found == {"1": ("Nino", MARK("010170123")), "2": ("Luka", MARK("777"))}


async def test_without_a_provider_a_column_of_numbers_is_not_kept(one_town: Town) -> None:
    manager = await one_town.signed_in("manager")
    form = {"name_en": "Vake", "text": "reference,identifier\n1,010170123\n"}
    report = await manager.send("/en/manage/rolls/new", form, page="/en/manage/rolls/new")
    assert "Columns that are not kept:" in report.text
