"""Striking somebody off while a vote is open, on the pages: a reason, a second person, a public line with no name."""

import html
import re

import pytest

from app.jobs.schedule import sequence_ledger
from commons.organisations.store import set_single_handed
from polls.lifecycle import State
from tests.app.accounts.roll.lists import lines_of
from tests.plumbing.forms import form_at
from tests.plumbing.house import Browser, Town
from tests.plumbing.votes import HeldVote, hold_vote

pytestmark = pytest.mark.anyio

WHY = "She moved to <b>Ozurgeti</b>."
DECIDE = re.compile(r'action="(/en/manage/roll-changes/[^"]+)"')


async def roll_of(vote: HeldVote) -> str:
    return f"/en/manage/rolls/{(await vote.poll()).roll_id}"


async def ask(browser: Browser, place: str, **fields: str) -> str:
    """Send the form of a change. Returns where it leads, or the page that came back."""
    form = form_at((await browser.get(place)).text, place) | fields
    answer = await browser.http.post(place, data=form)
    return answer.headers.get("location") or f"{answer.status_code} {answer.text}"


async def decide(browser: Browser, place: str, decision: str) -> str:
    """Find the request on a page, and decide on it."""
    page = (await browser.get(place)).text
    action = DECIDE.search(page)
    assert action is not None
    answer = await browser.http.post(action[1], data=form_at(page, action[1]) | {"decision": decision})
    return answer.headers.get("location") or f"{answer.status_code} {html.unescape(answer.text)}"


async def sign_log(town: Town) -> None:
    await town.house.db.write(lambda session: sequence_ledger(town.house, session, {}))


async def test_from_the_reason_to_the_public_line(town: Town) -> None:
    maia, giorgi = await town.signed_in("manager"), await town.signed_in("second manager")
    vote, stranger = await hold_vote(town.house, voters=4), town.browser()
    roll = await roll_of(vote)
    assert "Struck off the list" not in (await stranger.get(vote.path)).text
    change = f"{roll}/lines/{vote.lines[0]}/change"
    assert f'<a href="{change}">Strike off' in (await maia.get(roll)).text
    asking = (await maia.get(change)).text
    name = '<bdi class="serial">0001</bdi> <bdi>Voter 1</bdi>'
    for said in (f"Strike off {name}?", "A ballot that they have cast already stays"):
        assert said in asking, said
    assert await ask(maia, change, reason=WHY) == f"{roll}?done=asked"
    mine = (await maia.get(roll)).text
    assert "Somebody else must decide" in mine
    assert DECIDE.search(mine) is None
    for place in ("/en/manage", roll):
        assert html.escape(WHY) in (await giorgi.get(place)).text
    assert (await giorgi.get("/en/manage")).text.count("1 decision waits for a second person.") == 1
    assert await decide(giorgi, "/en/manage", "agree") == f"{roll}?done=agreed"
    await sign_log(town)
    page, log = (await stranger.get(vote.path)).text, (await stranger.get("/en/ledger")).text
    assert "Struck off the list since the vote opened: 1 person." in page
    for public in (page, log):
        assert f'1 person was struck off the list of the vote <bdi dir="ltr">{vote.slug}</bdi>' in public
        assert "Two people decided." in public
        for secret in ("Voter 1", "0001<", "Ozurgeti", "Maia", "Giorgi", str(vote.lines[0])):
            assert secret not in public
    assert await ask(maia, change, reason="He was not she.") == f"{roll}?done=asked"  # the form now puts back
    await decide(giorgi, roll, "agree")
    await sign_log(town)
    page = (await stranger.get(vote.path)).text
    assert "Struck off the list since the vote opened: 1 person. Put back: 1." in page
    assert [line.struck_at for line in await lines_of(town.house.db, (await vote.poll()).roll_id)] == [None] * 4  # type: ignore[arg-type]


async def test_the_short_way_is_closed_while_a_vote_is_open_whatever_the_page_offers(town: Town) -> None:
    maia, vote = await town.signed_in("manager"), await hold_vote(town.house)
    roll = await roll_of(vote)
    for act in ("strike", "restore"):
        answer = await maia.send(f"{roll}/lines/{vote.lines[0]}", {"do": act})
        assert (answer.status_code, "needs a reason and a second person" in answer.text) == (409, True)
    page = (await maia.get(roll)).text
    assert 'value="strike"' not in page
    assert "striking off by two people" in page
    await vote.bring_into(State.CLOSED)
    assert 'value="strike"' in (await maia.get(roll)).text
    assert (await maia.send(f"{roll}/lines/{vote.lines[0]}", {"do": "strike"})).status_code == 303


async def test_the_same_person_cannot_agree_and_a_refusal_changes_nothing(town: Town) -> None:
    maia, giorgi = await town.signed_in("manager"), await town.signed_in("second manager")
    vote = await hold_vote(town.house)
    roll = await roll_of(vote)
    await ask(maia, f"{roll}/lines/{vote.lines[0]}/change", reason=WHY)
    action = DECIDE.search((await giorgi.get(roll)).text)
    assert action is not None
    answer = await maia.send(action[1], {"decision": "agree"})
    assert (answer.status_code, "cannot also agree" in answer.text) == (403, True)
    assert (await giorgi.send(action[1], {"decision": "burn"})).status_code == 422
    assert await decide(giorgi, roll, "refuse") == f"{roll}?done=refused"
    await sign_log(town)
    assert "Struck off the list" not in (await town.browser().get(vote.path)).text
    assert html.escape(WHY) not in (await giorgi.get("/en/manage")).text
    assert (await giorgi.send(action[1], {"decision": "agree"})).status_code == 409


async def test_a_form_without_a_reason_or_sent_twice_comes_back_with_what_was_typed(town: Town) -> None:
    maia, vote = await town.signed_in("manager"), await hold_vote(town.house)
    roll = await roll_of(vote)
    change = f"{roll}/lines/{vote.lines[0]}/change"
    answer = await ask(maia, change, reason=" ")
    assert answer.startswith("422")
    assert "Give the reason." in answer
    assert (await ask(maia, change, reason=WHY)).endswith("done=asked")
    answer = await ask(maia, change, reason="Once more.")
    assert answer.startswith("409")
    assert "has been asked for already" in answer
    assert "Once more.</textarea>" in answer


async def test_one_officer_alone_says_so_in_public(town: Town) -> None:
    maia = await town.signed_in("manager")
    await town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    await town.house.host()
    vote = await hold_vote(town.house)
    roll = await roll_of(vote)
    change = f"{roll}/lines/{vote.lines[0]}/change"
    assert await ask(maia, change, reason=WHY) == f"{roll}?done=agreed"
    await sign_log(town)
    assert "One person decided alone." in (await town.browser().get(vote.path)).text


async def test_a_code_of_somebody_struck_off_meanwhile_casts_nothing(town: Town) -> None:
    maia, giorgi = await town.signed_in("manager"), await town.signed_in("second manager")
    vote = await hold_vote(town.house)
    await vote.cast(vote.codes[0])
    roll = await roll_of(vote)
    await ask(maia, f"{roll}/lines/{vote.lines[0]}/change", reason=WHY)
    await decide(giorgi, roll, "agree")
    with pytest.raises(Exception, match=r"voter\.void"):
        await vote.cast(vote.codes[0])
    assert await vote.close() is State.CLOSED  # the ballot from before stays, and all counts agree
