"""At the counter: a sleeping slip votes for nobody until it is given to a person; web, desk and paper are one vote."""

import asyncio
import html
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import select

from app.accounts.prints.binding import bind
from app.accounts.prints.store import tally
from app.accounts.roll.codes import read_code
from app.accounts.roll.store import strike
from app.accounts.tables import Event, PrintRun, SecurityEvent, VoterCode
from app.security import Role
from ballots import paper
from ballots.keys import Keys
from ballots.tables import Participation
from commons.errors import Conflict, DomainError
from polls.lifecycle import State
from polls.store import get_poll
from tests.plumbing.house import Browser, Town
from tests.plumbing.prints import CODE, NUMBER, printed
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vote(town: Town) -> HeldVote:
    return await hold_vote(town.house, voters=4)


@pytest.fixture
async def davit(town: Town) -> Browser:
    return await town.signed_in("counter_agent")


async def slips(town: Town, vote: HeldVote, size: int = 3) -> list[tuple[str, str]]:
    """Make sleeping slips. Returns number and code of each."""
    text = await printed(town, await roll_of(vote), size, kind="desk", vote=vote.slug)
    return list(zip(NUMBER.findall(text), [read_code(code) for code in CODE.findall(text)], strict=True))


async def roll_of(vote: HeldVote) -> UUID:
    async with vote.house.db.reading() as session:
        return (await get_poll(session, vote.id)).roll_id or UUID(int=0)


def person(vote: HeldVote, number: int) -> str:
    return f"/en/counter/{vote.slug}/people/{vote.lines[number]}"


async def give(agent: Browser, vote: HeldVote, number: int, slip: str, seen: str = "yes") -> tuple[int, str]:
    answer = await agent.send(f"{person(vote, number)}/slip", {"slip": slip, "seen_slip": seen})
    return answer.status_code, html.unescape(answer.text)


async def on_paper(agent: Browser, vote: HeldVote, number: int) -> tuple[int, str]:
    answer = await agent.send(f"{person(vote, number)}/paper", {"seen_paper": "yes"})
    return answer.status_code, html.unescape(answer.text)


async def channels(vote: HeldVote) -> list[str]:
    async with vote.house.db.reading() as session:
        lines = (await session.exec(select(Participation).where(Participation.poll_id == vote.id))).all()
        return sorted(line.channel.value for line in lines)


async def events(town: Town) -> list[tuple[Event, UUID | None, UUID | None, str]]:
    wanted = {Event.SLIP_BOUND, Event.PAPER_MARKED, Event.PAPER_RELEASE_ASKED, Event.PAPER_RELEASED}
    async with town.house.db.reading() as session:
        rows = (await session.exec(select(SecurityEvent))).all()
        return [(row.event, row.who, row.whom, row.about) for row in rows if row.event in wanted]


async def test_a_sleeping_slip_votes_for_nobody_until_it_is_given(town: Town, vote: HeldVote, davit: Browser) -> None:
    (number, code), *_ = await slips(town, vote)
    voter = Voter(town.browser(), vote)
    asleep, unknown = await voter.cast("Buses", code=code), await voter.cast("Buses", code="0" * 20)
    assert (asleep.status_code, unknown.status_code) == (403, 403)
    for said in (asleep, unknown):
        assert "This code is not known here." in said.text
    assert (await give(davit, vote, 0, number.lower()))[0] == 303
    assert (await voter.cast("Buses", code=code)).status_code == 303
    old = await Voter(town.browser(), vote).cast("Buses", code=vote.codes[0])
    assert (old.status_code, "void" in old.text or "no longer" in old.text) == (403, True)
    assert await channels(vote) == ["desk"]
    async with town.house.db.reading() as session:
        counted = await tally(session, await roll_of(vote))
        bound = (await session.exec(select(VoterCode).where(VoterCode.from_desk))).one()  # type: ignore[arg-type]
        void = (await session.exec(select(VoterCode).where(VoterCode.line_id == bound.line_id))).all()
    assert (counted.printed, counted.bound, counted.left, counted.void) == (3, 1, 2, 1)
    (moment,) = {code.void_at for code in void} - {None}
    assert moment is not None
    assert (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)


async def test_a_slip_is_given_once_and_only_as_it_stands_on_it(town: Town, vote: HeldVote, davit: Browser) -> None:
    (first, _), (second, _), _ = await slips(town, vote)
    other = await hold_vote(town.house, voters=1)
    (foreign, code), *_ = await slips(town, other, 5)
    assert "Look at the person’s document first" in (await give(davit, vote, 0, first, seen=""))[1]
    for wrong, said in (
        ("", "This is no number of a slip."),
        (first[:-1] + ("0" if first[-1] != "0" else "1"), "This is no number of a slip."),
        ("2-0001-" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[20001 % 31], "There is no such slip for this vote."),
        ("1-0004-" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[10004 % 31], "There is no such slip for this vote."),
    ):
        status, text = await give(davit, vote, 0, wrong)
        assert (status, said in text) == (422, True), wrong
    assert (await give(davit, vote, 0, first))[0] == 303
    for number in (0, 1):
        status, text = await give(davit, vote, number, first)
        assert (status, "This slip was given to somebody already." in text) == (409, True)
    assert (await give(davit, vote, 1, second))[0] == 303
    assert foreign == first  # numbers are counted in each list, and each vote reads its own
    assert (await Voter(town.browser(), other).cast("Buses", code=code)).status_code == 403


async def test_a_void_run_gives_nothing_more(town: Town, vote: HeldVote, davit: Browser) -> None:
    (first, code), (second, _), _ = await slips(town, vote)
    await give(davit, vote, 0, first)
    async with town.house.db.reading() as session:
        run = (await session.exec(select(PrintRun))).one()
    maia = await town.signed_in("manager")
    assert (await maia.send(f"/en/manage/prints/{run.id}/void", {f"sure-{run.id}": "yes"})).status_code == 303
    assert (await Voter(town.browser(), vote).cast("Buses", code=code)).status_code == 403
    status, text = await give(davit, vote, 1, second)
    assert (status, "Shred it" in text) == (409, True)
    async with town.house.db.reading() as session:
        counted = await tally(session, await roll_of(vote))
    assert (counted.printed, counted.bound, counted.left) == (3, 1, 0)
    assert counted.void == 4  # the two that slept, the one given, and the code that this one took the place of


async def test_the_agent_finds_people_and_sees_neither_code_nor_who_voted(
    town: Town, vote: HeldVote, davit: Browser
) -> None:
    assert vote.slug in (await davit.get("/en/counter")).text
    place = f"/en/counter/{vote.slug}"
    short = await davit.send(place, {"q": "V"})
    assert (short.status_code, "at least two signs" in short.text) == (422, True)
    assert "Nobody on this list fits" in (await davit.send(place, {"q": "%%"})).text
    found = await davit.send(place, {"q": "voter 2"})
    assert person(vote, 1) in found.text
    assert person(vote, 0) not in found.text
    before = await davit.get(person(vote, 1))
    await Voter(town.browser(), vote).cast("Buses", code=vote.codes[1])
    after = await davit.get(person(vote, 1))
    assert strip(before.text) == strip(after.text)
    nobody = await davit.get(f"{place}/people/{UUID(int=7)}")
    assert nobody.status_code == 404


def strip(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


async def test_somebody_on_paper_casts_nothing_and_somebody_who_voted_is_not_marked(
    town: Town, vote: HeldVote, davit: Browser
) -> None:
    (slip, _), *_ = await slips(town, vote)
    unseen = await davit.send(f"{person(vote, 0)}/paper")
    assert (unseen.status_code, await channels(vote)) == (422, [])
    assert (await on_paper(davit, vote, 0))[0] == 303
    refused = await Voter(town.browser(), vote).cast("Buses", code=vote.codes[0])
    assert refused.status_code == 409
    for said in ("marked as voting on paper", "go to the counter", "Buses"):
        assert said in refused.text
    assert "This person is marked as voting on paper" in (await davit.get(person(vote, 0))).text
    status, text = await give(davit, vote, 0, slip)
    assert (status, "marked as voting on paper already" in text) == (409, True)
    assert (await Voter(town.browser(), vote).cast("Buses", code=vote.codes[1])).status_code == 303
    status, text = await on_paper(davit, vote, 1)
    assert (status, "This person has voted already" in text) == (409, True)
    assert await channels(vote) == ["paper", "web"]
    roll_id = await roll_of(vote)
    await town.house.db.write(lambda session: strike(session, roll_id, vote.lines[2]))
    assert (await on_paper(davit, vote, 2))[0] == 403


async def test_a_mark_is_taken_back_by_a_second_person_and_every_act_is_logged_without_a_name(
    town: Town, vote: HeldVote, davit: Browser
) -> None:
    (slip, _), *_ = await slips(town, vote)
    await on_paper(davit, vote, 0)
    place = person(vote, 0)
    assert (await davit.send(f"{place}/back", {"reason": " "})).status_code == 422
    assert (await davit.send(f"{place}/back", {"reason": "The neighbour"})).status_code == 303
    own = await davit.send(f"{place}/back/decide", {"decision": "agree"})
    assert (own.status_code, "Somebody else must decide" in own.text) == (403, True)
    town.people["keti"] = await town.move_in("Keti", "keti@vardisi.example", Role.COUNTER_AGENT)
    keti = await town.signed_in("keti")
    assert "The neighbour" in (await keti.get(place)).text
    assert (await keti.send(f"{place}/back/decide", {"decision": "agree"})).status_code == 303
    assert (await give(davit, vote, 0, slip))[0] == 303
    about = (None, vote.slug)
    expected = [
        (Event.PAPER_MARKED, town.people["counter_agent"]),
        (Event.PAPER_RELEASED, town.people["keti"]),
        (Event.PAPER_RELEASE_ASKED, town.people["counter_agent"]),
        (Event.SLIP_BOUND, town.people["counter_agent"]),
    ]
    assert sorted((event, who) for event, who, _, _ in await events(town)) == sorted(expected)
    assert {said for *_, said in await events(town)} == {about[1]}
    shown = (await town.browser().get(f"/en/votes/{vote.slug}/slips")).text
    assert "two people took back" in shown
    log = "".join((await town.rows())["app_security_event"])
    for secret in (str(vote.lines[0]), "0001", "Voter 1", slip):
        assert secret not in log
    assert vote.slug in (await (await town.signed_in("admin")).get("/en/manage/security")).text


@pytest.mark.parametrize("state", [State.SUSPENDED, State.LOCKED])
async def test_nothing_is_done_for_a_vote_that_takes_no_ballots(town: Town, davit: Browser, state: State) -> None:
    vote = await hold_vote(town.house, state, voters=1)
    assert "takes no ballots now" in (await davit.get(person(vote, 0))).text
    assert (await on_paper(davit, vote, 0))[0] == 409
    assert (await give(davit, vote, 0, "1-0001-" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[10001 % 31]))[0] == 409
    assert await channels(vote) == []


async def test_web_desk_and_paper_race_for_many_voters_and_each_has_one_line(town: Town) -> None:
    voters = 20
    vote = await hold_vote(town.house, voters=voters)
    roll_id = await roll_of(vote)
    made = await slips(town, vote, voters)
    keys = Keys(town.config.keys)
    outcomes: dict[str, int] = {}

    def counted(way: str, *, done: bool) -> None:
        outcomes[way] = outcomes.get(way, 0) + done

    async def by_web(number: int) -> None:
        counted(
            "web", done=(await Voter(town.browser(), vote).cast("Buses", code=vote.codes[number])).status_code == 303
        )

    async def at_the_desk(number: int) -> None:
        slip, code = made[number]
        await town.house.db.write(lambda session: bind(session, roll_id, vote.lines[number], slip))
        counted("desk", done=(await Voter(town.browser(), vote).cast("Parks", code=code)).status_code == 303)

    async def by_paper(number: int) -> None:
        async with town.house.db.reading() as session:
            poll = await get_poll(session, vote.id)
        from app.accounts.roll.voters import Voter as OnRoll

        facts = OnRoll(vote.lines[number], roll_id, 0).facts(None)
        tag = keys.tag(poll.id, vote.lines[number].bytes)
        try:
            await town.house.db.write(lambda session: paper.mark(session, keys, poll.id, tag, facts))
        except DomainError as no:
            assert isinstance(no, Conflict) and no.code == "paper.voted"  # noqa: PT017, PT018
            counted("paper", done=False)
        else:
            counted("paper", done=True)

    ways = (by_web, at_the_desk, by_paper)
    await asyncio.gather(*(ways[(way + number) % 3](number) for number in range(voters) for way in range(3)))
    assert sum(outcomes.values()) == voters, outcomes
    assert len(await channels(vote)) == voters
    async with town.house.db.reading() as session:
        connection = await session.connection()
        envelopes = (await connection.execute(text("SELECT count(*) FROM ballots_envelope"))).scalar()
    assert envelopes == voters - outcomes["paper"]
    assert (await channels(vote)).count("paper") == outcomes["paper"]
