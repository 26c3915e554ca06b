"""A vote open to all: called indicative wherever it stands, and one ballot for one account, whatever happens."""

import asyncio
import json
import re
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc.store import is_checked
from app.accounts.rights.erasing import erase
from app.accounts.roll.newcomers.joining import join
from app.accounts.roll.newcomers.store import forget_newcomers, give_roll, newcomers
from app.accounts.store import add_account, get_account
from app.jobs.clocks import NEWCOMERS_KEPT
from app.jobs.schedule import sequence_ledger
from ballots import closing
from ballots.store import get_list
from commons.errors import Conflict, Forbidden, NotFound
from polls.lifecycle import State
from polls.store import get_poll
from results.verify import verify
from tests.app.web.voting import NEW, Hall, fill_in, prepare, press, send
from tests.plumbing.forms import form_at
from tests.plumbing.house import Town
from tests.plumbing.votes import HeldVote, Voter, hold_vote, receipt_in

pytestmark = pytest.mark.anyio
WORD = "<b>Indicative.</b>"
LOCATED = re.compile(r"^/en/votes/[\w-]+/receipt\?done=(\w+)$")
AT_ONCE = 8


@pytest.fixture
async def vote(town: Town) -> HeldVote:
    return await hold_vote(town.house, open_to_all=True, voters=1)


@pytest.fixture
async def one_vote(one_town: Town) -> HeldVote:
    return await hold_vote(one_town.house, open_to_all=True, voters=1)


@pytest.fixture
async def one_hall(one_town: Town) -> Hall:
    return await prepare(one_town)


async def take_part(town: Town, vote: HeldVote, person: str = "citizen") -> Voter:
    """Sign somebody in, and press the button that makes their line."""
    voter = Voter(await town.signed_in(person), vote)
    answer = await press(voter.browser, vote.path, f"{vote.path}/own")
    assert (answer.status_code, answer.headers["location"]) == (303, vote.path)
    return voter


async def count(vote: HeldVote, table: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE {'roll_id' if table == 'app_roll_line' else 'poll_id'} = :id"
    poll = await vote.poll()
    which = poll.roll_id if table == "app_roll_line" else poll.id
    async with vote.house.db.reading() as session:
        bound = sa.text(query).bindparams(sa.bindparam("id", which, type_=sa.Uuid()))
        return int((await (await session.connection()).execute(bound)).scalar_one())


async def lines(vote: HeldVote) -> list[bytes]:
    async with vote.house.db.reading() as session:
        return await newcomers(session, (await vote.poll()).roll_id or UUID(int=0))


async def joined(vote: HeldVote, account_id: UUID) -> None:
    await vote.house.db.write(lambda session: join(session, vote.keys, vote.id, account_id))


async def test_a_vote_with_neither_a_roll_nor_this_choice_cannot_open(one_hall: Hall) -> None:
    address = await one_hall.vote(roll="")
    locked = await press(one_hall.browser, address, f"{address}/lock")
    assert (locked.status_code, "Choose who may vote." in locked.text) == (422, True)
    poll = await one_hall.poll(address)
    assert (poll.state, poll.open_to_all, poll.roll_id) == (State.DRAFT, False, None)
    address = await one_hall.vote(State.LOCKED, title="Locked")  # even where somebody took the roll away afterwards
    await one_hall.agree(address)
    await one_hall.prove(address)
    await one_hall.set(address, roll_id=None)
    opened = await press(one_hall.browser, address, f"{address}/open")
    assert opened.status_code == 422
    assert (await one_hall.poll(address)).state is State.LOCKED


async def test_a_manager_chooses_it_in_words_and_it_binds_nobody(one_hall: Hall) -> None:
    browser = one_hall.browser
    refused = await send(browser, NEW, await fill_in(browser, title_en="Mood", roll="everybody", effect="binding"))
    assert (refused.status_code, 'href="#f-effect"' in refused.text) == (422, True)
    assert form_at(refused.text, NEW)["roll"] == "everybody"
    address = await one_hall.vote(title="Mood", roll="everybody")
    assert (await fill_in(browser, address))["roll"] == "everybody"  # and so it is saved again
    assert (await one_hall.poll(address)).roll_id is None
    await press(browser, address, f"{address}/lock")
    poll, page = await one_hall.poll(address), (await browser.get(address)).text
    assert WORD in page
    card = poll.card or {}
    assert (card["weight"], card["roll_published"], card["effect"]) == ("indicative", "at close", "advisory")
    assert poll.roll_id is not None
    assert (await browser.get(f"/en/manage/rolls/{poll.roll_id}")).status_code == 404  # no office keeps it
    assert str(poll.roll_id) not in (await browser.get("/en/manage/rolls")).text
    assert str(poll.roll_id) not in (await browser.get(NEW)).text


async def test_from_asking_to_the_archive(town: Town, tmp_path: Path) -> None:
    vote = await hold_vote(town.house, open_to_all=True, voters=1)
    stranger, pages = town.browser(), [vote.path, f"{vote.path}/eligible", f"{vote.path}/my-line", "/en/votes", "/en"]
    for page in [*pages, f"{vote.path}/receipt"]:
        assert WORD in (await stranger.get(page)).text, page
    front = (await stranger.get(vote.path)).text
    assert ("Sign in to take part" in front, 'name="position_1"' in front, 'name="code"' in front) == (
        True,
        False,
        False,
    )
    assert "an account with a confirmed e-mail address" in (await stranger.get(f"{vote.path}/eligible")).text
    for person, wish in (("citizen", "Parks"), ("second citizen", "Buses")):
        voter = await take_part(town, vote, person)
        assert "<b>Yes.</b>" in (await voter.browser.get(f"{vote.path}/eligible")).text
        sheet = await voter.open()
        assert not sheet.asks_code
        assert LOCATED.match((await voter.send(sheet.ranked(wish))).headers["location"])[1] == "first"  # type: ignore[index]
        assert WORD in (page := await voter.browser.get(f"{vote.path}/receipt")).text
        assert receipt_in(page)
        mine = (await voter.browser.get(f"{vote.path}/my-line")).text
        assert "published when voting has ended" in mine
    assert LOCATED.match((await voter.cast("Clinics")).headers["location"])[1] == "changed"  # type: ignore[index]
    assert (await stranger.get(f"/votes/{vote.slug}/roll.txt")).status_code == 404  # it still grows
    await take_part(town, vote, "officer")  # and does not vote
    await vote.publish()
    listed = (await stranger.get(f"/votes/{vote.slug}/roll.txt")).text.split()
    took_part = (await stranger.get(f"/votes/{vote.slug}/took_part.txt")).text.split()
    assert (len(listed), len(took_part), set(took_part) < set(listed)) == (3, 2, True)
    assert "You stand on line" in (await voter.browser.get(f"{vote.path}/my-line")).text
    for page in (vote.path, "/en/votes", f"/en/results/{vote.slug}", "/en/results", "/en"):
        assert WORD in (await stranger.get(page)).text, page
    log = (await stranger.get("/en/ledger")).text
    assert "opened without a list of people entitled to vote" in log
    assert log.count("The list of those who may vote was fixed") == 1
    archive = await stranger.get(f"/archive/{vote.slug}/card.json")
    assert json.loads(archive.text)["weight"] == "indicative"
    await vote.house.db.write(lambda session: sequence_ledger(vote.house, session, {}))
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in re.findall(
        rf'href="/archive/{vote.slug}/([\w.]+)"', (await stranger.get(f"/en/results/{vote.slug}")).text
    ):
        if not name.endswith(".zip"):
            (folder / name).write_bytes((await stranger.get(f"/archive/{vote.slug}/{name}")).content)
    found = {(each.where, each.place) for each in verify(folder)}
    assert found == {
        ("minutes.json", "closes_at"),
        ("minutes.json", "publishes_at"),
    }  # the test moved them, not the town


async def test_of_many_forms_at_once_one_account_gets_one_line_and_one_ballot(town: Town, vote: HeldVote) -> None:
    account = town.people["citizen"]
    await asyncio.gather(*(joined(vote, account) for _ in range(AT_ONCE)))
    assert await count(vote, "app_roll_line") == 1
    voters = [Voter(await town.signed_in("citizen"), vote) for _ in range(AT_ONCE)]  # each in a browser of its own
    sheets = [await voter.open() for voter in voters]
    answers = await asyncio.gather(
        *(voter.send(sheet.ranked("Parks")) for voter, sheet in zip(voters, sheets, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * (AT_ONCE - 1)
    assert await count(vote, "ballots_participation") == await count(vote, "ballots_envelope") == 1


async def test_who_comes_back_with_the_same_address_votes_no_second_time(town: Town, vote: HeldVote) -> None:
    voter, first = await take_part(town, vote), town.people["citizen"]
    await voter.cast("Parks")
    before = await lines(vote)
    await vote.house.db.write(lambda session: erase(session, first, "test"))
    assert await lines(vote) == before  # what is counted stays, and leads to nobody
    assert (await voter.send({"_token": "x"}, "/own")).status_code in {303, 403}  # that browser is signed in no more
    again = await vote.house.db.write(lambda session: add_account(session, "nino@vardisi.example", "Nino", ""))
    with pytest.raises(Forbidden, match=r"voter\.address_used"):
        await joined(vote, again.id)
    town.people["citizen"] = again.id
    browser = await town.signed_in("citizen")
    told = (await browser.get(f"{vote.path}/eligible")).text
    assert "took part already, and was erased" in told
    refused = await press(browser, vote.path, f"{vote.path}/own")
    assert (refused.status_code, "has taken part in this vote already" in refused.text) == (403, True)
    cast = await browser.send(vote.path, {"form": "ab" * 16, "after": "0" * 64, "position_1": "01"})
    assert (cast.status_code, await count(vote, "ballots_participation")) == (403, 1)
    assert await vote.close() is State.CLOSED


async def test_a_changed_address_leads_to_the_same_line(one_town: Town, one_vote: HeldVote) -> None:
    vote, account_id = one_vote, one_town.people["citizen"]
    voter = await take_part(one_town, vote)
    await voter.cast("Parks")

    async def move(session: AsyncSession) -> None:
        account = await get_account(session, account_id)
        account.email = "elsewhere@vardisi.example"
        session.add(account)

    await vote.house.db.write(move)
    await joined(vote, account_id)
    assert (await voter.cast("Buses")).headers["location"].endswith("?done=changed")
    other = await vote.house.db.write(lambda session: add_account(session, "nino@vardisi.example", "Ana", ""))
    with pytest.raises(Forbidden, match=r"voter\.address_used"):  # the address took part
        await joined(vote, other.id)
    assert (await count(vote, "app_roll_line"), await count(vote, "ballots_participation")) == (1, 1)


async def test_taking_part_does_not_make_a_person_known(one_town: Town, one_vote: HeldVote) -> None:
    await take_part(one_town, one_vote)
    async with one_vote.house.db.reading() as session:
        assert not await is_checked(session, one_town.people["citizen"])  # A2 is for secret votes that bind
        line = (await lines(one_vote))[0]
        words = await (await session.connection()).execute(sa.text("SELECT reference, name FROM app_roll_line"))
        assert "nino" not in str(words.all()).lower()
    assert len(line) == 16


async def test_only_who_is_signed_in_and_asked_is_at_the_ballot(one_town: Town, one_vote: HeldVote) -> None:
    vote, sheet = one_vote, {"form": "ab" * 16, "after": "0" * 64, **{f"position_{n}": "00" for n in range(1, 5)}}
    stranger = one_town.browser()
    refused = await stranger.send(vote.path, sheet)
    assert (refused.status_code, "ask to take part first" in refused.text) == (403, True)
    assert (await stranger.send(f"{vote.path}/own")).headers["location"].startswith("/en/sign-in")
    signed_in = await one_town.signed_in("citizen")
    assert (await signed_in.send(vote.path, sheet)).status_code == 403  # has not asked yet
    coded = await signed_in.send(vote.path, sheet | {"code": vote.codes[0]})  # of some other roll
    assert (coded.status_code, "You are not on the list" in coded.text) == (403, True)
    assert (await signed_in.send(f"{vote.path}/receipt", {"code": vote.codes[0]})).status_code == 403
    assert await count(vote, "ballots_participation") == 0
    agent = await one_town.signed_in("counter_agent")
    assert vote.slug not in (await agent.get("/en/counter")).text  # there is nobody to check in
    assert (await agent.get(f"/en/counter/{vote.slug}")).status_code in {404, 200}
    assert (await agent.send(f"/en/counter/{vote.slug}", {"q": "nino"})).status_code == 404


async def test_nobody_joins_before_or_after_and_the_list_is_fixed_once(town: Town) -> None:
    coming = await hold_vote(town.house, State.LOCKED, open_to_all=True, titles={"en": "Coming"})
    with pytest.raises(Conflict, match=r"poll\.not_open"):
        await joined(coming, town.people["citizen"])
    vote = await hold_vote(town.house, open_to_all=True)
    with pytest.raises(Forbidden, match=r"voter\.not_on_roll"):
        await joined(await hold_vote(town.house, titles={"en": "By roll"}), town.people["citizen"])
    await joined(vote, town.people["citizen"])
    await vote.let_time_pass(closes_at=-1)
    with pytest.raises(Conflict, match=r"poll\.closed"):
        await joined(vote, town.people["second citizen"])
    with pytest.raises(NotFound, match=r"list\.unknown"):  # without its list no closing goes on
        await closing.close(vote.house.db, vote.keys, vote.house.config.box_folders, vote.id)
    assert await vote.close() is State.CLOSED
    assert await vote.close() is State.CLOSED
    async with vote.house.db.reading() as session:
        assert (await get_list(session, vote.id, "roll")).size == 1


async def test_who_took_part_is_forgotten_after_the_objections(one_town: Town, one_vote: HeldVote) -> None:
    vote = one_vote
    voter = await take_part(one_town, vote)
    await voter.cast("Parks")
    taken = await voter.browser.send("/en/me/data")
    assert json.loads(taken.text)["votes_open_to_all"] == [vote.slug]
    await vote.publish()

    async def sweep() -> int:
        await vote.house.db.write(lambda session: forget_newcomers(session, NEWCOMERS_KEPT))
        return await count(vote, "app_roll_line")

    over = await voter.browser.get(f"{vote.path}/eligible")
    assert (over.status_code, "Voting has ended." in over.text, "<b>Yes.</b>" in over.text) == (200, True, False)
    assert await sweep() == 1
    await vote.let_time_pass(objections_until=-NEWCOMERS_KEPT.total_seconds() - 1, planned_publishes_at=0)
    assert await sweep() == 0
    assert len((await one_town.browser().get(f"/votes/{vote.slug}/roll.txt")).text.split()) == 1


async def test_a_vote_open_to_all_has_one_roll(one_town: Town) -> None:
    vote = await hold_vote(one_town.house, State.LOCKED, open_to_all=True)

    async def again(session: AsyncSession) -> None:
        await give_roll(session, await get_poll(session, vote.id))

    with pytest.raises(sa.exc.IntegrityError):
        await vote.house.db.write(again)
