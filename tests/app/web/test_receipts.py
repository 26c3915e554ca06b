"""What anybody can look up about a vote: its files, its turnout in steps, a receipt in the list; and the cost of it."""

import html
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

import ballots.closing
from app.i18n import words
from app.web.respond import static_hash
from ballots.keys import Keys
from ballots.receipts import Receipt, tag_hash
from ballots.standing import show_turnout
from commons.clock import now
from polls.lifecycle import State
from tests.plumbing.clocks import database_clock
from tests.plumbing.house import Town
from tests.plumbing.queries import counted_queries
from tests.plumbing.votes import HeldVote, Voter, hold_vote

pytestmark = pytest.mark.anyio

FILES = ("card.json", "roll.txt", "took_part.txt", "box.txt")
LISTS = FILES[1:]
AFTER_OPENING, AFTER_CLOSING = {"card.json", "roll.txt"}, set(FILES)


def says(answer: httpx.Response, code: str) -> bool:
    return words("en", code, {}) in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("state", "public"),
    [
        (State.DRAFT, set()),
        (State.LOCKED, {"card.json"}),
        (State.OPEN, AFTER_OPENING),
        (State.SUSPENDED, AFTER_OPENING),
        (State.HALTED, AFTER_OPENING),
        (State.ANNULLED, AFTER_OPENING),
        (State.CLOSED, AFTER_CLOSING),
        (State.PUBLISHED, AFTER_CLOSING),
    ],
)
async def test_a_list_is_public_from_its_time_on_and_not_before(town: Town, state: State, public: set[str]) -> None:
    vote = await hold_vote(town.house, state)
    page = (await town.browser().get(vote.path)).text
    for name in FILES:
        answer = await town.browser().get(f"/votes/{vote.slug}/{name}")
        assert answer.status_code == (200 if name in public else 404), name
        assert (f'href="/votes/{vote.slug}/{name}"' in page) == (name in public), name
    for name in ("urn.bin", "participation.txt", "..", "roll", "BOX.TXT", "opened.txt", "a" * 500):
        assert (await town.browser().get(f"/votes/{vote.slug}/{name}")).status_code in {303, 404}, name


async def test_the_lists_hold_sorted_hashes_and_nothing_else(town: Town) -> None:
    vote = await hold_vote(town.house, voters=5)
    receipts = [(await vote.cast(code)).receipt for code in vote.codes[:3]]
    tags = [Keys(town.config.keys).tag(vote.id, line.bytes) for line in vote.lines]
    await vote.close()
    files = {name: await town.browser().get(f"/votes/{vote.slug}/{name}") for name in LISTS}
    assert {answer.headers["content-type"] for answer in files.values()} == {"text/plain; charset=utf-8"}
    hashes = {
        "roll.txt": [tag_hash(vote.id, tag) for tag in tags],
        "took_part.txt": [tag_hash(vote.id, tag) for tag in tags[:3]],
        "box.txt": [receipt.commitment for receipt in receipts],
    }
    for name, expected in hashes.items():
        assert files[name].text == "".join(f"{each.hex()}\n" for each in sorted(expected)), name


async def look_up(town: Town, vote: HeldVote, typed: str) -> httpx.Response:
    return await town.browser().send(f"{vote.path}/receipt/check", {"receipt": typed})


async def test_a_receipt_is_found_on_its_line_in_every_spelling(town: Town) -> None:
    vote = await hold_vote(town.house, voters=4)
    old = (await vote.cast(vote.codes[0])).receipt
    receipts = [(await vote.cast(code)).receipt for code in vote.codes]
    await vote.close()
    listed = (await town.browser().get(f"/votes/{vote.slug}/box.txt")).text.split()
    assert sorted(receipt.commitment.hex() for receipt in receipts) == listed
    for receipt in receipts:
        line = listed.index(receipt.commitment.hex()) + 1
        for typed in (receipt.code, receipt.commitment.hex().upper(), f" {receipt.text()}\n"):
            answer = await look_up(town, vote, typed)
            assert (answer.status_code, f"It stands on line {line} of the list" in answer.text) == (200, True)
            assert html.escape(typed.strip()) in answer.text
    for typed in (old.code, old.text(), "ab" * 32):
        answer = await look_up(town, vote, typed)
        assert (answer.status_code, "This receipt is not in the list." in answer.text) == (200, True)


async def test_what_is_no_receipt_of_this_vote_is_told_why(town: Town) -> None:
    vote, other = await hold_vote(town.house), await hold_vote(town.house)
    mine, theirs = (await vote.cast(vote.codes[0])).receipt, (await other.cast(other.codes[0])).receipt
    await vote.close()
    swapped = Receipt(mine.poll_id, theirs.commitment, mine.signature)
    forged = Receipt(mine.poll_id, mine.commitment, bytes([mine.signature[0] ^ 1]) + mine.signature[1:])
    cases = {
        "": "receipt.malformed",
        " ": "receipt.malformed",
        mine.commitment.hex()[:-1]: "receipt.malformed",
        mine.commitment.hex() + "ab": "receipt.malformed",
        "z" * 64: "receipt.malformed",
        '"><b>x</b>': "receipt.malformed",
        "ab" * 100_000: "receipt.malformed",
        "khma-receipt-1": "receipt.malformed",
        mine.text().replace("khma-receipt-1", "khma-receipt-2"): "receipt.malformed",
        mine.text() + " more": "receipt.malformed",
        mine.text().replace(b64encode(mine.signature).decode(), "AAAA"): "receipt.signature_wrong",
        theirs.text(): "receipt.of_another_vote",
        swapped.text(): "receipt.signature_wrong",
        forged.text(): "receipt.signature_wrong",
    }
    for typed, code in cases.items():
        answer = await look_up(town, vote, typed)
        assert (answer.status_code, says(answer, code)) == (422, True), typed[:80]
        assert 'href="#f-receipt"' in answer.text
        assert html.escape(typed)[:500].replace("&quot;", "&#34;") in answer.text
        assert "<b>x</b>" not in answer.text


async def test_before_the_list_is_there_nothing_can_be_looked_up_in_it(town: Town) -> None:
    vote = await hold_vote(town.house)
    receipt = (await vote.cast(vote.codes[0])).receipt
    page = await town.browser().get(f"{vote.path}/receipt")
    assert ('name="receipt"' in page.text, "is published when the vote closes" in page.text) == (False, True)
    assert (await look_up(town, vote, receipt.code)).status_code == 404


@pytest.mark.parametrize("step", ["write_files", "finish"])
async def test_in_the_last_steps_of_a_closing_nobody_is_told_that_their_ballot_is_not_there(
    town: Town, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote = await hold_vote(town.house)
    voter = Voter(town.browser(), vote)
    sheet = await voter.open()
    filled = sheet.ranked("Parks", code=vote.codes[0])
    await voter.send(filled)

    def killed(*_: object) -> str:
        raise InterruptedError

    with monkeypatch.context() as until:
        until.setattr(ballots.closing, step, killed)
        with pytest.raises(InterruptedError):
            await vote.close()
    if step == "write_files":  # on SQLite it is then that envelopes go in slices, while forms are still there
        await vote.run("DELETE FROM ballots_envelope")
    page = await voter.browser.get(f"{vote.path}/receipt")
    assert (page.status_code, "nobody can make a receipt any more" in page.text) == (200, True)
    for untrue in ("no ballot of yours", "cannot be read"):
        assert untrue not in page.text
    again = await voter.send(filled)
    assert again.status_code == 409
    assert says(again, "keys.gone") or says(again, "poll.closed")


async def test_a_damaged_ballot_is_not_passed_over(town: Town) -> None:
    vote = await hold_vote(town.house)
    voter = Voter(town.browser(), vote)
    await voter.cast("Parks", code=vote.codes[0])
    await vote.run("DELETE FROM ballots_envelope")
    page = await voter.browser.get(f"{vote.path}/receipt")
    assert (page.status_code, says(page, "ballot.damaged")) == (409, True)


async def shown_turnout(town: Town, vote: HeldVote) -> str:
    page = (await town.browser().get(vote.path)).text
    return page.partition("people have voted")[0].rpartition("<p>")[2].strip() if "people have voted" in page else ""


async def test_turnout_is_shown_in_tens_and_at_most_each_quarter_of_an_hour(town: Town) -> None:
    vote = await hold_vote(town.house, voters=33)
    async with town.house.db.reading() as session:
        moment = await now(session)

    async def told(voted: int, minutes: float) -> str:
        """Let so many more vote; give what the page says that long after the beginning."""
        for code in vote.codes[told_so_far[0] : told_so_far[0] + voted]:
            await vote.cast(code)
        told_so_far[0] += voted
        with database_clock(moment + timedelta(minutes=minutes)):
            await town.house.db.write(lambda session: show_turnout(session, vote.id))
            return await shown_turnout(town, vote)

    told_so_far = [0]
    assert await told(9, 0) == ""
    assert await told(10, 14.9) == ""  # nineteen have voted, and nothing moves within a quarter of an hour
    assert await told(0, 15) == "At least 10"
    assert await told(1, 29.9) == "At least 10"
    assert await told(0, 30) == "At least 20"  # exactly twenty
    assert await told(9, 45.1) == "At least 20"
    assert await told(4, 60.2) == "At least 30"
    for place in ("/en/votes", f"{vote.path}/receipt", "/en", "/metrics", "/en/ledger"):
        page = (await town.browser().get(place)).text.replace(vote.slug, "").replace(static_hash(), "")
        page = page.replace(vote.slug.rpartition("-")[2], "")  # random signs, which stand in its title too
        assert "33" not in page, place


MOST = {
    "anybody at the ballot": 9,
    "anybody at the receipt": 9,
    "a voter with a pass at the ballot": 12,
    "a voter with a pass at the receipt": 13,
    "a first cast": 11,
    "the list of votes": 7,
    "secrecy": 0,
    "a file": 3,
}
"""How often each page asks the database, at most: on PostgreSQL, where a look is first said to be only a look."""


async def test_a_page_of_a_vote_asks_a_few_times_however_many_voted(town: Town) -> None:
    vote = await hold_vote(town.house, voters=45)
    voter, stranger = Voter(town.browser(), vote), Voter(town.browser(), vote)

    async def count() -> dict[str, int]:
        casts = Voter(town.browser(), vote)
        filled = (await casts.open()).ranked("Parks", "Buses", code=vote.codes.pop())
        ask: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
            "anybody at the ballot": lambda: stranger.browser.get(vote.path),
            "anybody at the receipt": lambda: stranger.browser.get(f"{vote.path}/receipt"),
            "a voter with a pass at the ballot": lambda: voter.browser.get(vote.path),
            "a voter with a pass at the receipt": lambda: voter.browser.get(f"{vote.path}/receipt"),
            "a first cast": lambda: casts.send(filled),
            "the list of votes": lambda: stranger.browser.get("/en/votes"),
            "secrecy": lambda: stranger.browser.get("/en/secrecy"),
            "a file": lambda: stranger.browser.get(f"/votes/{vote.slug}/roll.txt"),
        }
        asked = {}
        for name in MOST:
            with counted_queries() as statements:
                assert (await ask[name]()).status_code in {200, 303}, name
            asked[name] = len(statements)
        return asked

    await voter.cast("Parks", code=vote.codes.pop())
    few = await count()
    for code in vote.codes[:40]:
        await vote.cast(code)
    assert await count() == few
    assert {name: number for name, number in few.items() if number > MOST[name]} == {}
