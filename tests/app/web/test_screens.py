"""The counter's second screen: one person after another votes on it, and neither side learns more than it must."""

import asyncio
import html
import re
from datetime import UTC

import pytest
from sqlalchemy import text
from sqlmodel import select

from app.accounts.roll.store import strike
from app.accounts.tables import Event, SecurityEvent
from app.security import Role
from ballots.eligibility import Channel
from ballots.tables import Act, AssistedAct, Envelope, Participation
from polls.lifecycle import State
from polls.store import get_poll
from tests.plumbing.house import Town
from tests.plumbing.screens import (
    AGENTS_PAGE,
    READY,
    SEEN,
    WAITING,
    Counter,
    cookie_on,
    counter_of,
    names_of,
    person,
    row_of,
)
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio

IN_USE, FREE, NONE = "is in use.", "is waiting.", "No second screen is joined to your counter."
DURING = {"/receipt", "/my-line", ""}


@pytest.fixture
async def vote(one_town: Town) -> HeldVote:
    return await hold_vote(one_town.house, voters=4)


@pytest.fixture
async def counter(one_town: Town) -> Counter:
    return await counter_of(one_town)


async def lines(vote: HeldVote) -> list[tuple[bytes, Channel]]:
    async with vote.house.db.reading() as session:
        rows = (await session.exec(select(Participation).where(Participation.poll_id == vote.id))).all()
        return sorted((row.tag, row.channel) for row in rows)


def tag(vote: HeldVote, number: int) -> bytes:
    return vote.keys.tag(vote.id, vote.lines[number].bytes)


def main_of(page: str) -> str:
    return html.unescape(page.partition("<main")[2].partition("</main>")[0])


async def test_one_person_after_another_votes_on_the_second_screen(town: Town) -> None:
    vote, counter = await hold_vote(town.house, voters=3), await counter_of(town)
    assert WAITING in await counter.show()
    assert (await counter.state()).endswith(FREE)
    number = re.search(r"Screen (\d\d)", await counter.show())
    assert number is not None
    assert await counter.state() == f"Screen {number[1]} is waiting."
    assert (await counter.hand(vote, 0)).headers["location"] == f"{person(vote, 0)}?done=screen-opened"
    assert READY in await counter.show()
    assert (await counter.begin()).headers["location"] == vote.path
    first = Voter(counter.screen, vote)
    assert not (await first.open()).asks_code
    assert (await first.cast("Buses", "Parks")).headers["location"] == f"{vote.path}/receipt?done=first"
    receipt = await first.receipt()
    assert len(receipt) == 64
    done = await counter.leave(vote)
    assert (done.status_code, done.headers["location"]) == (303, "/en/screen")
    assert (done.headers["clear-site-data"], done.headers["cache-control"]) == ('"cache"', "no-store")
    assert WAITING in await counter.show()
    second = await counter.opened(vote, 1)
    assert await second.receipt() == ""
    assert (await second.cast("Parks")).status_code == 303
    assert await second.receipt() != receipt
    await counter.leave(vote)
    assert await lines(vote) == sorted((tag(vote, number), Channel.DESK) for number in (0, 1))
    at_home = Voter(town.browser(), vote)
    await at_home.browser.send(f"{vote.path}/receipt", {"code": vote.codes[0]}, page=f"{vote.path}/receipt")
    assert await at_home.receipt() == receipt  # the code they had works as before, for the same one ballot
    assert (await at_home.cast("Parks")).headers["location"].endswith("done=changed")
    assert len(await lines(vote)) == 2


async def test_the_screen_is_in_the_voters_language_and_then_again_in_its_own(one_town: Town, vote: HeldVote) -> None:
    counter = await counter_of(one_town, lang="ka")
    await counter.hand(vote, 0)
    begun = await counter.screen.send("/fr/screen/begin")
    assert begun.headers["location"] == f"/fr/votes/{vote.slug}"
    done = await counter.screen.send(f"/fr/votes/{vote.slug}/leave")
    assert done.headers["location"] == "/ka/screen"


async def test_nobody_votes_before_a_document_was_seen_or_where_no_ballot_is_taken(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    unseen = await counter.hand(vote, 0, seen_screen="")
    assert (unseen.status_code, "Look at the person’s document first" in unseen.text) == (422, True)
    async with one_town.house.db.reading() as session:
        roll_id = (await get_poll(session, vote.id)).roll_id
    assert roll_id is not None
    await one_town.house.db.write(lambda session: strike(session, roll_id, vote.lines[1]))
    assert (await counter.hand(vote, 1)).status_code == 403
    await counter.agent.send(f"{person(vote, 2)}/paper", {"seen_paper": "yes"})
    on_paper = await counter.hand(vote, 2)
    assert (on_paper.status_code, "marked as voting on paper already" in on_paper.text) == (409, True)
    for state in (State.LOCKED, State.SUSPENDED, State.CLOSING):
        other = await hold_vote(one_town.house, state, voters=1)
        assert (await counter.hand(other, 0)).status_code == 409, state
    other = await hold_vote(one_town.house, voters=1)
    stranger = await counter.agent.send(f"/en/counter/{vote.slug}/people/{other.lines[0]}/screen", SEEN)
    assert stranger.status_code == 404
    assert WAITING in await counter.show()
    async with one_town.house.db.reading() as session:
        acts = (await session.exec(select(AssistedAct.act))).all()
    assert acts == [Act.PAPER_MARKED]


async def test_somebody_marked_for_paper_or_struck_while_at_the_screen_casts_nothing(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    voter = await counter.opened(vote, 0)
    sheet = await voter.open()
    await counter.agent.send(f"{person(vote, 0)}/paper", {"seen_paper": "yes"})
    refused = await voter.send(sheet.ranked("Buses"))
    assert (refused.status_code, "marked as voting on paper" in refused.text) == (409, True)
    assert await lines(vote) == [(tag(vote, 0), Channel.PAPER)]
    await counter.leave(vote)
    voter = await counter.opened(vote, 1)
    sheet = await voter.open()
    async with one_town.house.db.reading() as session:
        roll_id = (await get_poll(session, vote.id)).roll_id
    assert roll_id is not None
    await one_town.house.db.write(lambda session: strike(session, roll_id, vote.lines[1]))
    refused = await voter.send(sheet.ranked("Buses"))
    assert (refused.status_code, "f-code" in refused.text) == (403, False)
    assert len(await lines(vote)) == 1


async def test_what_the_agent_ends_is_over_at_once(one_town: Town, vote: HeldVote, counter: Counter) -> None:
    assert (await counter.hand(vote, 0)).status_code == 303
    busy = await counter.hand(vote, 1)
    assert (busy.status_code, "end that session first" in busy.text) == (409, True)
    assert (await counter.state()).endswith(IN_USE)
    await counter.agent.send(f"{AGENTS_PAGE}/free")
    nothing = await counter.begin()
    assert (nothing.status_code, "Nothing is opened on this screen now." in nothing.text) == (409, True)
    voter = await counter.opened(vote, 0)
    sheet, kept = await voter.open(), cookie_on(counter.screen, "booth")
    assert kept
    assert (await counter.state()).endswith(IN_USE)
    await counter.agent.send(f"{AGENTS_PAGE}/free")
    assert (await counter.state()).endswith(FREE)
    late = await voter.send(sheet.ranked("Buses"))
    assert (late.status_code, "Ask at the counter to open the ballot again." in late.text) == (403, True)
    assert 'name="code"' not in late.text
    for page in sorted(DURING):
        shown = await counter.screen.get(f"{vote.path}{page}")
        assert "Nobody votes on this screen now." in shown.text, page
    assert await lines(vote) == []
    await counter.opened(vote, 1)
    assert cookie_on(counter.screen, "booth") != kept


async def test_old_cookies_of_a_screen_lead_nowhere(one_town: Town, vote: HeldVote, counter: Counter) -> None:
    voter = await counter.opened(vote, 0)
    await voter.cast("Buses")
    jar = dict(counter.screen.http.cookies.items())
    await counter.leave(vote)
    assert not cookie_on(counter.screen, "booth")
    thief = one_town.browser()
    host = "127.0.0.1"
    for name, value in jar.items():
        thief.http.cookies.set(name, value, domain=host)
    assert await Voter(thief, vote).receipt() == ""
    await counter.opened(vote, 1)  # and not while the next person is there
    assert await Voter(thief, vote).receipt() == ""
    assert "Nobody votes on this screen now." in (await thief.get(vote.path)).text
    await thief.send(f"{vote.path}/leave")  # nor does it end what is not its own
    assert (await counter.state()).endswith(IN_USE)
    carried = one_town.browser()  # the pass alone, in a browser that is no screen
    carried.http.cookies.set(f"{one_town.config.cookie_name}-booth", cookie_on(counter.screen, "booth"), domain=host)
    assert (await Voter(carried, vote).open()).asks_code


async def test_a_voter_without_scripts_is_asked_and_the_screen_then_clears(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    voter = await counter.opened(vote, 0)
    page = (await counter.screen.get(vote.path)).text
    assert '<noscript><meta http-equiv="refresh" content="1200; url=/en/screen"></noscript>' in page
    asked = await counter.show()
    assert "Are you still there?" in main_of(asked)
    assert 'content="120; url=/en/screen?over"' in asked
    before = (await row_of(one_town)).lease
    stayed = await counter.screen.send(f"{vote.path}/still")
    assert stayed.headers["location"] == vote.path
    assert (await row_of(one_town)).lease != before
    piece = {"HX-Request": "true"}
    assert (await counter.screen.send(f"{vote.path}/still", headers=piece)).status_code == 204
    assert not (await voter.open()).asks_code
    over = await counter.screen.get("/en/screen?over")
    assert WAITING in over.text
    assert over.headers["clear-site-data"] == '"cache"'
    assert not cookie_on(counter.screen, "booth")
    gone = await counter.screen.send(f"{vote.path}/still")
    assert gone.headers["location"] == "/en/screen"
    assert (await counter.state()).endswith(IN_USE)  # until its time is over, or the agent ends it
    await counter.agent.send(f"{AGENTS_PAGE}/free")
    assert (await counter.state()).endswith(FREE)


async def test_the_screen_looks_again_by_itself_and_goes_on_when_something_changed(
    vote: HeldVote, counter: Counter
) -> None:
    page = await counter.show()
    assert '<noscript><meta http-equiv="refresh" content="10; url=/en/screen"></noscript>' in page
    assert 'hx-get="/en/screen?seen=waiting"' in page
    assert (await counter.screen.get("/en/screen?seen=waiting", HX_Request="true")).status_code == 204
    await counter.hand(vote, 0)
    changed = await counter.screen.get("/en/screen?seen=waiting", HX_Request="true")
    assert changed.headers["hx-redirect"] == "/en/screen"
    assert (await counter.screen.get("/en/screen?seen=offered", HX_Request="true")).status_code == 204


async def test_a_screen_shows_no_way_that_leads_away(vote: HeldVote, counter: Counter) -> None:
    waiting = await counter.show()
    await counter.opened(vote, 0)
    for page in (waiting, (await counter.screen.get(vote.path)).text):
        for away in ("/en", "/en/sign-in", "/en/results", "/en/services", "/en/pages/privacy"):
            assert f'href="{away}"' not in page, away
    assert re.findall(r'lang="(\w\w)" hreflang', main_of(waiting)) == ["en", "fr", "ka", "ar"]


async def test_the_agent_the_log_and_the_rows_tell_neither_choice_nor_hour(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    """Between two people, one of whom voted and one of whom left, nothing that is kept makes a difference."""
    before = await one_town.rows()
    seen: list[tuple[str, str]] = []
    kept = []
    for number, votes in ((0, True), (1, False)):
        await counter.hand(vote, number)
        handed = repr(await row_of(one_town))
        line, *names = names_of(vote, number)
        assert not [each for each in (str(line), line.hex, line.bytes.hex(), str(vote.id)) if each in handed]
        sealed = (await row_of(one_town)).sealed or b""
        assert len(sealed) == 80
        assert not [at for at in range(13) if line.bytes[at : at + 4] in sealed]
        await counter.begin()
        assert (await row_of(one_town)).sealed is None
        during = [main_of((await counter.agent.get(place)).text) for place in (AGENTS_PAGE, person(vote, 2))]
        if votes:
            await Voter(counter.screen, vote).cast("Buses")
            assert [
                main_of((await counter.agent.get(place)).text) for place in (AGENTS_PAGE, person(vote, 2))
            ] == during
        await counter.leave(vote)
        seen.append((main_of((await counter.agent.get(AGENTS_PAGE)).text), during[0]))
        screen = await row_of(one_town)
        assert (screen.sealed, screen.lease) == (None, None)
        kept.append(names)
    assert seen[0] == seen[1]
    after = await one_town.rows()
    changed = {table for table in after if after[table] != before[table]}
    assert changed - {"app_session"} == {
        "app_security_event", "ballots_assisted_act", "ballots_participation", "ballots_envelope",
    }  # fmt: skip
    async with one_town.house.db.reading() as session:
        events = (await session.exec(select(SecurityEvent).where(SecurityEvent.event == Event.SCREEN_OPENED))).all()
        acts = (await session.exec(select(AssistedAct))).all()
    assert {(each.who, each.about) for each in events} == {(one_town.people["counter_agent"], vote.slug)}
    moments = {each.happened_at.astimezone(UTC) for each in events}
    assert {(each.hour, each.minute, each.second, each.microsecond) for each in moments} == {(20, 0, 0, 0)}  # Tbilisi
    assert [each.act for each in acts] == [Act.SCREEN_OPENED] * 2
    log = "".join((await one_town.rows())["app_security_event"])
    for names in kept:
        assert not [name for name in names if name in log]


async def test_voters_see_on_their_line_that_a_ballot_was_opened_for_them(
    one_town: Town, vote: HeldVote, counter: Counter
) -> None:
    await counter.opened(vote, 0)
    said = "a ballot was opened for you on the second screen"
    on_screen = await counter.screen.get(f"{vote.path}/my-line")
    assert said in on_screen.text
    await counter.leave(vote)
    for number, told in ((0, True), (1, False)):
        browser = one_town.browser()
        code = {"code": vote.codes[number]}
        assert (await browser.send(f"{vote.path}/my-line", code, page=f"{vote.path}/my-line")).status_code == 303
        assert (said in (await browser.get(f"{vote.path}/my-line")).text) is told


async def test_a_person_at_two_screens_has_one_line_and_one_ballot(town: Town) -> None:
    vote = await hold_vote(town.house, voters=1)
    town.people["keti"] = await town.move_in("Keti", "keti@vardisi.example", Role.COUNTER_AGENT)
    counters = [await counter_of(town), await counter_of(town, "keti")]
    voters = [await each.opened(vote, 0) for each in counters]
    sheets = [await each.open() for each in voters]
    answers = await asyncio.gather(
        *(voter.send(sheet.ranked("Buses")) for voter, sheet in zip(voters, sheets, strict=True))
    )
    assert sorted(each.status_code for each in answers) == [303, 409]
    assert await lines(vote) == [(tag(vote, 0), Channel.DESK)]
    async with town.house.db.reading() as session:
        connection = await session.connection()
        assert (await connection.execute(text(f"SELECT count(*) FROM {Envelope.__tablename__}"))).scalar() == 1
