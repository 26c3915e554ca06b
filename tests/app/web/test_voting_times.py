"""The closing time, to the millisecond, by the database's clock: what the web server believes does not matter."""

from datetime import timedelta

import pytest

from polls.lifecycle import State
from tests.plumbing.clocks import database_clock
from tests.plumbing.house import Town
from tests.plumbing.votes import Voter, hold_vote

pytestmark = pytest.mark.anyio

MILLISECOND = timedelta(milliseconds=1)


async def test_a_ballot_counts_until_the_last_millisecond_and_not_at_the_closing_time(town: Town) -> None:
    vote = await hold_vote(town.house)
    closes_at = (await vote.poll()).closes_at.replace(microsecond=0)
    await vote.change(closes_at=closes_at)
    early, late, later = (Voter(town.browser(), vote) for _ in range(3))
    with database_clock(closes_at - MILLISECOND):
        sheets = [await voter.open() for voter in (early, late, later)]
        filled = [sheet.ranked("Parks", code=code) for sheet, code in zip(sheets, vote.codes, strict=True)]
        done = await early.send(filled[0])
        assert (done.status_code, done.headers["location"]) == (303, f"{vote.path}/receipt?done=first")
    for moment in (closes_at, closes_at + MILLISECOND):
        with database_clock(moment):
            refused = await late.send(filled[1])
            assert (refused.status_code, "Voting has ended." in refused.text) == (409, True)
            assert 'name="position_1"' not in refused.text
            page = await town.browser().get(vote.path)
            assert ("Voting has ended." in page.text, 'name="position_1"' in page.text) == (True, False)
            again = await early.send(filled[0])
            assert again.headers["location"] == f"{vote.path}/receipt?done=repeated"


async def test_the_web_server_s_own_clock_closes_nothing_and_opens_nothing(town: Town) -> None:
    """The real clock is a day away from the database's: the day counts that the database has."""
    vote = await hold_vote(town.house)
    closes_at = (await vote.poll()).closes_at
    with database_clock(closes_at + timedelta(days=1)):  # the server believes that the vote is open
        assert (await Voter(town.browser(), vote).browser.get(vote.path)).text.count("Voting has ended.") == 1
    await vote.let_time_pass(closes_at=-60)  # and now that it is over
    with database_clock((await vote.poll()).closes_at - timedelta(minutes=1)):
        done = await Voter(town.browser(), vote).cast("Parks", code=vote.codes[0])
        assert done.status_code == 303
    assert (await vote.poll()).state is State.OPEN


async def test_a_pass_ends_after_half_an_hour_of_the_database_s_time(town: Town) -> None:
    vote = await hold_vote(town.house)
    opened = (await vote.poll()).planned_opens_at.replace(microsecond=0)  # a pass counts whole seconds
    voter = Voter(town.browser(), vote)
    with database_clock(opened + timedelta(minutes=1)):
        await voter.cast("Parks", code=vote.codes[0])
    with database_clock(opened + timedelta(minutes=31) - MILLISECOND):
        assert not (await voter.open()).asks_code
    with database_clock(opened + timedelta(minutes=31)):
        assert (await voter.open()).asks_code
