"""The booth as its voters meet it: cast, changed, sent again, too late, in every state; and what no answer tells."""

import base64
import logging
import random
from itertools import permutations

import httpx
import pytest

from app.accounts.booth import PASS_SIGNS
from app.accounts.roll.codes import shown
from app.log import JsonLines
from polls.lifecycle import State
from tests.plumbing.house import Town, all_rows
from tests.plumbing.votes import NAMES, REASON, HeldVote, Voter, hold_vote, receipt_in, sheet_in

pytestmark = pytest.mark.anyio

NONE_BEFORE = "0" * 64
ONCE = "This form was already recorded, once."
NOT_RECORDED = "If you changed anything since, that was not recorded: open a fresh ballot."
MEANWHILE = "What you chose now was not recorded."
ENDED = "Voting has ended."


@pytest.fixture
async def vote(town: Town) -> HeldVote:
    return await hold_vote(town.house)


def somebody(town: Town, vote: HeldVote) -> Voter:
    return Voter(town.browser(), vote)


async def box_of(town: Town, vote: HeldVote) -> list[str]:
    """Close the vote, and read the receipts in its box."""
    assert await vote.close() is State.CLOSED
    return (await town.browser().get(f"/votes/{vote.slug}/box.txt")).text.split()


def answered_rows(town: Town) -> dict[str, list[str]]:
    """Read all that was answered."""
    return {name: rows for name, rows in all_rows(town.owner_url).items() if name.startswith("ballots_")}


async def test_a_first_ballot_leads_to_its_receipt_by_pass_and_by_code(town: Town, vote: HeldVote) -> None:
    voter = somebody(town, vote)
    sheet = await voter.open()
    assert (set(sheet.names.values()), sheet.chosen, sheet.asks_code) == (set(NAMES), {}, True)
    assert sheet.fields["after"] == NONE_BEFORE
    done = await voter.send(sheet.ranked("Parks", "Buses", code=vote.codes[0]))
    assert (done.status_code, done.headers["location"], done.content) == (303, f"{vote.path}/receipt?done=first", b"")
    page = await voter.browser.get(done.headers["location"])
    assert "<h1>Your vote is in the box.</h1>" in page.text
    receipt = receipt_in(page)
    assert (len(receipt), await voter.receipt()) == (64, receipt)

    stranger = somebody(town, vote)
    asked = await stranger.browser.get(f"{vote.path}/receipt")
    assert (receipt_in(asked), 'name="code"' in asked.text) == ("", True)
    again = await stranger.browser.send(f"{vote.path}/receipt", {"code": f" {shown(vote.codes[0]).lower()} "})
    assert (again.status_code, again.headers["location"]) == (303, f"{vote.path}/receipt")
    assert await stranger.receipt() == receipt
    assert await box_of(town, vote) == [receipt]


async def test_who_has_not_voted_finds_the_way_from_the_receipt_to_the_ballot(town: Town, vote: HeldVote) -> None:
    voter = somebody(town, vote)
    await voter.browser.send(f"{vote.path}/receipt", {"code": vote.codes[0]})
    page = await voter.browser.get(f"{vote.path}/receipt")
    assert (receipt_in(page), "There is no ballot of yours in the box yet." in page.text) == ("", True)
    assert not (await voter.open()).asks_code
    assert (await voter.cast("Parks")).headers["location"].endswith("?done=first")


async def test_a_change_of_mind_starts_empty_and_takes_the_place_of_the_first(town: Town, vote: HeldVote) -> None:
    voter = somebody(town, vote)
    await voter.cast("Parks", "Buses", code=vote.codes[0])
    first = await voter.receipt()
    assert "You have voted already. This ballot starts empty" in (await voter.browser.get(vote.path)).text
    sheet = await voter.open()
    assert (sheet.chosen, sheet.asks_code) == ({}, False)
    assert sheet.fields["after"] != NONE_BEFORE
    done = await voter.send(sheet.ranked("Clinics"))
    assert done.headers["location"] == f"{vote.path}/receipt?done=changed"
    page = await voter.browser.get(done.headers["location"])
    assert "<h1>Your new vote is in the box.</h1>" in page.text
    assert receipt_in(page) not in {"", first}
    old = await voter.send(sheet.ranked("Parks", form="ab" * 16))  # a form that follows the first ballot
    assert (old.status_code, MEANWHILE in old.text) == (409, True)
    assert await box_of(town, vote) == [receipt_in(page)]


@pytest.mark.parametrize("other", [("Parks", "Buses"), ("Clinics",), ()], ids=["retry", "second thought", "blank"])
async def test_the_same_form_again_is_recorded_once(town: Town, vote: HeldVote, other: tuple[str, ...]) -> None:
    voter = somebody(town, vote)
    sheet = await voter.open()
    first = await voter.send(sheet.ranked("Parks", "Buses", code=vote.codes[0]))
    receipt, rows = await voter.receipt(), answered_rows(town)
    again = await voter.send(sheet.ranked(*other, code=vote.codes[0]))
    assert (first.status_code, again.status_code) == (303, 303)
    page = await voter.browser.get(again.headers["location"])
    assert f"<h1>{ONCE}</h1>" in page.text
    assert NOT_RECORDED in page.text
    assert receipt_in(page) == receipt
    assert answered_rows(town) == rows


async def test_a_second_device_gets_the_pass_and_a_fresh_ballot(town: Town, vote: HeldVote) -> None:
    phone, tablet = somebody(town, vote), somebody(town, vote)
    await phone.cast("Parks", code=vote.codes[0])
    receipt = await phone.receipt()
    refused = await tablet.cast("Clinics", "Buses", code=vote.codes[0])
    assert (refused.status_code, MEANWHILE in refused.text) == (409, True)
    fresh = sheet_in(refused)
    assert (fresh.chosen, fresh.asks_code) == ({}, False)
    assert fresh.fields["after"] == (await phone.open()).fields["after"]
    assert await tablet.receipt() == receipt
    assert (await tablet.send(fresh.ranked("Clinics"))).headers["location"].endswith("?done=changed")
    assert await phone.receipt() == await tablet.receipt() != receipt


async def test_a_recorded_form_sent_after_the_closing_time_gets_its_receipt(town: Town, vote: HeldVote) -> None:
    voter, late = somebody(town, vote), somebody(town, vote)
    sheet, too_late = await voter.open(), await late.open()
    await voter.send(filled := sheet.ranked("Parks", code=vote.codes[0]))
    receipt = await voter.receipt()
    await vote.let_time_pass(closes_at=-1)
    for state in (State.OPEN, State.CLOSING):
        await vote.change(state=state)
        again = await voter.send(filled)
        assert (again.status_code, again.headers["location"]) == (303, f"{vote.path}/receipt?done=repeated")
        assert receipt_in(await voter.browser.get(again.headers["location"])) == receipt
        refused = await late.send(too_late.ranked("Parks", code=vote.codes[1]))
        assert (refused.status_code, ENDED in refused.text, 'name="position_1"' in refused.text) == (409, True, False)
    assert await box_of(town, vote) == [receipt]
    gone = await voter.send(filled)
    assert (gone.status_code, ENDED in gone.text) == (409, True)
    assert "nobody can make a receipt any more" in (await voter.browser.get(f"{vote.path}/receipt")).text


SAID = {
    State.LOCKED: "Voting has not begun.",
    State.SUSPENDED: "Voting is interrupted since",
    State.CLOSING: "The box is being closed",
    State.HALTED: "The closing has stopped",
    State.CLOSED: "The box is opened and counted",
    State.PUBLISHED: "The result is published.",
    State.ANNULLED: "Its box is never opened.",
}
REFUSED = {
    State.LOCKED: "Voting has not begun.",
    State.SUSPENDED: "Voting is interrupted. It goes on later.",
    State.ANNULLED: "This vote was annulled.",
}


@pytest.mark.parametrize("state", SAID)
async def test_a_vote_that_takes_no_ballots_says_why(town: Town, state: State) -> None:
    vote = await hold_vote(town.house, state)
    page = await town.browser().get(vote.path)
    assert (page.status_code, SAID[state] in page.text, 'name="position_1"' in page.text) == (200, True, False)
    assert (REASON in page.text) == (state in {State.SUSPENDED, State.ANNULLED})
    rows = answered_rows(town)
    filled = {"form": "ab" * 16, "after": NONE_BEFORE} | {f"position_{n}": "00" for n in range(1, 5)}
    for code in (vote.codes[0], "", "not a code", "0" * 20):  # whoever sends it, the vote is what they must hear of
        refused = await town.browser().send(vote.path, filled | {"code": code})
        assert refused.status_code == 409
        assert REFUSED.get(state, ENDED) in refused.text
        assert SAID[state] in refused.text
        assert 'href="#f-' not in refused.text
    broken = await town.browser().send(vote.path, {"code": vote.codes[0]})
    assert (broken.status_code, REFUSED.get(state, ENDED) in broken.text) == (409, True)
    assert answered_rows(town) == rows


async def test_a_draft_is_nowhere(town: Town) -> None:
    vote = await hold_vote(town.house, State.DRAFT)
    manager = await town.signed_in("manager")
    for browser in (town.browser(), manager):
        for place in ("", "/receipt"):
            assert (await browser.get(vote.path + place)).status_code == 404
        for place in ("", "/receipt", "/receipt/check"):
            assert (await browser.send(vote.path + place, {"code": vote.codes[0]})).status_code == 404
        assert (await browser.get(f"/votes/{vote.slug}/card.json")).status_code == 404
        assert vote.slug not in (await browser.get("/en/votes")).text


async def test_done_makes_the_device_forget(town: Town, vote: HeldVote) -> None:
    voter = somebody(town, vote)
    await voter.cast("Parks", code=vote.codes[0])
    left = await voter.browser.send(f"{vote.path}/done")
    assert (left.status_code, left.headers["location"]) == (303, f"{vote.path}?done=left-booth")
    assert town.config.booth_cookie_name not in voter.browser.http.cookies
    assert (await voter.open()).asks_code
    assert await voter.receipt() == ""


async def test_somebody_signed_in_votes_with_a_slip_too(town: Town, vote: HeldVote) -> None:
    voter = Voter(await town.signed_in("citizen"), vote)
    assert (await voter.cast("Parks", code=vote.codes[0])).status_code == 303
    receipt = await voter.receipt()
    assert "nino@vardisi.example" not in str(answered_rows(town))
    assert await box_of(town, vote) == [receipt]


async def test_no_code_receipt_or_choice_is_told_where_it_must_not_be(
    town: Town, vote: HeldVote, caplog: pytest.LogCaptureFixture
) -> None:
    """Walk through all that a voter can do, then read every address, cookie, header and line of a log."""
    caplog.set_level(logging.WARNING)
    caplog.set_level(logging.DEBUG, logger="khma")  # last: it is what the capture lets through
    voter, other = somebody(town, vote), somebody(town, vote)
    code, answers = vote.codes[0], []
    sheet = await voter.open()
    filled = sheet.ranked("Parks", "Buses", code=code)
    answers += [await voter.send(filled), await voter.send(filled)]
    receipt = await voter.receipt()
    answers += [
        await voter.browser.get(vote.path),
        await voter.browser.get(f"{vote.path}/receipt?done=first"),
        await other.cast("Clinics", code=code),
        await other.cast("Clinics"),
        await other.send((await other.open()).ranked("Parks", code="0" * 20)),
        await other.send((await other.open()).ranked("Parks", code=vote.codes[1], position_1="xx")),
        await other.browser.send(f"{vote.path}/receipt", {"code": code}),
        await other.browser.send(f"{vote.path}/receipt/check", {"receipt": receipt}),
        await other.browser.send(f"{vote.path}/done"),
    ]
    await vote.close()
    answers += [await voter.send(filled), await other.browser.send(f"{vote.path}/receipt/check", {"receipt": receipt})]
    assert {answer.status_code for answer in answers} == {200, 303, 403, 404, 409, 422}
    secrets_of = [code, shown(code), vote.codes[1], receipt, " ".join(receipt[n : n + 4] for n in range(0, 64, 4))]
    for answer in answers:
        told = "\n".join([str(answer.url), *(f"{name}: {value}" for name, value in answer.headers.multi_items())])
        for secret in secrets_of:
            assert secret.lower() not in told.lower(), (answer.request.url, secret)
        assert answer.headers["cache-control"] == "no-store"
        assert "content-encoding" not in answer.headers
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
    for cast in answers[:2]:  # the answer to a cast repeats nothing at all
        assert cast.content == b""
    value = voter.browser.http.cookies[town.config.booth_cookie_name]
    opened = base64.urlsafe_b64decode(value)
    assert len(value) == PASS_SIGNS
    assert not [line for line in vote.lines if line.bytes in opened or line.bytes[:8] in opened]
    lines = "\n".join(JsonLines().format(record) for record in caplog.records)
    assert '"route": "votes.cast"' in lines
    for secret in [*secrets_of, vote.slug, filled["form"], value, *map(str, vote.lines), "position_"]:
        assert secret not in lines


def measure(answer: httpx.Response) -> tuple[object, ...]:
    """Weigh one request and its answer: every part of both, to the byte."""
    sent, got = answer.request, answer
    return (
        len(sent.content), [(name, len(value)) for name, value in sent.headers.raw], str(sent.url), sent.method,
        got.status_code, [(name, len(value)) for name, value in got.headers.raw], got.content,
    )  # fmt: skip


SMALL = [ranking for length in range(4) for ranking in permutations(NAMES[:3], length)]
MANY = [f"Option {number}" for number in range(1, 13)]
LARGE = [tuple(random.Random(length).sample(MANY, length)) for length in range(13)]


@pytest.mark.parametrize(("names", "rankings"), [(NAMES[:3], SMALL), (MANY, LARGE)], ids=["three", "twelve"])
async def test_all_valid_choices_have_one_request_and_one_answer(
    town: Town, names: list[str], rankings: list[tuple[str, ...]]
) -> None:
    vote = await hold_vote(town.house, voters=len(rankings), names=names, most_ranked=len(names))
    weights, changes = [], []
    for ranking, code in zip(rankings, vote.codes, strict=True):
        voter = somebody(town, vote)
        weights.append(measure(await voter.cast(*ranking, code=code)))
        changes.append(measure(await voter.cast(*ranking)))
    assert len(weights) == len(set(rankings)) in {16, 13}
    assert [each for each in weights if each != weights[0]] == []
    assert [each for each in changes if each != changes[0]] == []
    assert (weights[0][4], changes[0][4]) == (303, 303)
