"""What voters get wrong, and what somebody sends on purpose: the right status, a true sentence, nothing lost."""

import html
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.booth import VALID_FOR, seal_pass
from app.accounts.limits import CODE_FROM_NETWORK, WINDOW_SECONDS
from app.accounts.roll import voters
from app.accounts.roll.codes import SIGNS, new_code, shown
from app.accounts.roll.store import issue_codes, strike, void_code
from app.i18n import words
from commons.clock import now
from tests.plumbing.house import Town
from tests.plumbing.votes import NAMES, HeldVote, Voter, hold_vote, sheet_in

pytestmark = pytest.mark.anyio

NONE_BEFORE = "0" * 64
CHOSEN = {"Parks": "01", "Buses": "02"}


@pytest.fixture
async def vote(town: Town) -> HeldVote:
    return await hold_vote(town.house)


async def recorded(vote: HeldVote) -> int:
    async with vote.house.db.reading() as session:
        rows = await (await session.connection()).exec_driver_sql("SELECT count(*) FROM ballots_envelope")
        return int(rows.scalar_one())


def says(answer: httpx.Response, code: str, **facts: str | int) -> bool:
    return words("en", code, facts) in html.unescape(answer.text)


def points_at(answer: httpx.Response, field: str) -> bool:
    """Tell whether the list of errors leads to a field that is there, and the field knows of its error."""
    place = answer.text.partition(f'id="f-{field}" ')[2].partition(">")[0]
    return (
        f'<a href="#f-{field}">' in answer.text
        and f'id="f-{field}-error"' in answer.text
        and 'aria-invalid="true"' in place
        and f"f-{field}-error" in place
    )


async def test_a_number_given_twice_is_mended_where_it_stands(town: Town, vote: HeldVote) -> None:
    voter = Voter(town.browser(), vote)
    sheet = await voter.open()
    positions = {name: key for key, name in sheet.names.items()}
    twice = {positions["Parks"]: "01", positions["Clinics"]: "01", positions["Buses"]: "02"}
    answer = await voter.send(sheet.ranked(code=vote.codes[0]) | twice)
    assert answer.status_code == 422
    assert says(answer, "ballot.rank_twice", rank=1)
    assert points_at(answer, max(positions["Parks"], positions["Clinics"]))
    back = sheet_in(answer)
    assert back.chosen == {"Parks": "01", "Clinics": "01", "Buses": "02"}
    assert (back.names, back.fields["form"]) == (sheet.names, sheet.fields["form"])
    assert not back.asks_code  # it was right, and need not be typed again
    assert await recorded(vote) == 0
    assert (await voter.send(back.fields | {positions["Clinics"]: "03"})).status_code == 303


@pytest.mark.parametrize("rank", ["05", "13", "99"])
async def test_a_number_that_is_not_on_the_list(town: Town, vote: HeldVote, rank: str) -> None:
    voter = Voter(town.browser(), vote)
    sheet = await voter.open()
    position = next(key for key, name in sheet.names.items() if name == "Schools")
    answer = await voter.send(sheet.ranked("Parks", "Buses", code=vote.codes[0]) | {position: rank})
    assert answer.status_code == 422
    assert says(answer, "ballot.rank_unknown", rank=int(rank), limit=len(NAMES))
    assert points_at(answer, position)
    assert sheet_in(answer).chosen == CHOSEN
    assert await recorded(vote) == 0


BROKEN: dict[str, dict[str, str | None]] = {
    "no form": {"form": None},
    "empty form": {"form": ""},
    "form of other signs": {"form": "zz" * 16},
    "short form": {"form": "ab" * 15},
    "long form": {"form": "ab" * 5000},
    "no after": {"after": None},
    "short after": {"after": "0" * 63},
    "after of other signs": {"after": "<b>" + "z" * 61},
    "no position": {"position_3": None},
    "empty position": {"position_1": ""},
    "one digit": {"position_1": "1"},
    "three digits": {"position_4": "001"},
    "letters": {"position_2": "xx"},
    "a sign before": {"position_2": "-1"},
    "digits of another script": {"position_1": "٠١"},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
async def test_a_form_that_is_not_whole_is_given_anew(
    town: Town, vote: HeldVote, broken: dict[str, str | None]
) -> None:
    voter, typed = Voter(town.browser(), vote), shown(vote.codes[0])
    sheet = await voter.open()
    filled = sheet.ranked("Parks", "Buses", code=vote.codes[0]) | broken
    answer = await voter.send({key: value for key, value in filled.items() if value is not None})
    assert (answer.status_code, says(answer, "ballot.form_broken")) == (422, True)
    fresh = sheet_in(answer)
    assert (fresh.chosen, fresh.asks_code) == ({}, True)
    assert f'value="{typed}"' in answer.text
    assert fresh.fields["form"] not in {"", sheet.fields["form"]}
    assert await recorded(vote) == 0
    assert (await voter.send(fresh.ranked("Parks", code=vote.codes[0]))).status_code == 303
    again = await voter.send({**(await voter.open()).ranked("Buses"), "form": "ab"})
    assert (again.status_code, says(again, "ballot.form_broken")) == (422, True)
    assert not sheet_in(again).asks_code  # the pass still holds
    assert (await voter.send(sheet_in(again).ranked("Buses"))).headers["location"].endswith("?done=changed")


async def test_a_form_that_follows_another_voter_s_ballot_records_nothing_and_says_nothing_else(
    town: Town, vote: HeldVote
) -> None:
    first, shared = vote.codes[:2]
    voter = Voter(town.browser(), vote)
    await voter.cast("Parks", code=first)
    receipt = await voter.receipt()
    answer = await voter.send((await voter.open()).ranked("Buses", code=shared))
    assert (answer.status_code, says(answer, "ballot.form_broken")) == (422, True)
    assert (sheet_in(answer).fields["after"], await recorded(vote)) == (NONE_BEFORE, 1)
    assert (await voter.send(sheet_in(answer).ranked("Buses"))).headers["location"].endswith("?done=first")
    assert await voter.receipt() != receipt
    assert await recorded(vote) == 2


async def wrong_codes(town: Town, vote: HeldVote) -> dict[str, tuple[str, int, str]]:
    """Make a wrong code of each kind: what is typed, the answer's status, the code of its sentence."""
    good, void, struck = vote.codes
    other = await hold_vote(town.house, voters=1)
    roll = (await vote.poll()).roll_id
    assert roll is not None
    await town.house.db.write(lambda session: void_code(session, roll, vote.lines[1]))
    await town.house.db.write(lambda session: strike(session, roll, vote.lines[2]))
    swap = next(place for place in range(len(good)) if good[place] != good[place + 1])
    next_sign = SIGNS[(SIGNS.index(good[3]) + 1) % len(SIGNS)]
    return {
        "missing": ("", 422, "code.missing"),
        "blank": (" \u00a0 ", 422, "code.missing"),
        "one sign wrong": (shown(good[:3] + next_sign + good[4:]), 422, "code.mistyped"),
        "one sign less": (good[:-1], 422, "code.mistyped"),
        "two signs swapped": (good[:swap] + good[swap + 1] + good[swap] + good[swap + 2 :], 422, "code.mistyped"),
        "garbage": ('"><script>alert(1)</script>' * 3, 422, "code.mistyped"),
        "very long": (good * 500, 422, "code.mistyped"),
        "unknown": (shown(new_code()), 403, "code.unknown"),
        "void": (void, 403, "voter.void"),
        "struck off": (struck, 403, "voter.void"),
        "of another roll": (other.codes[0], 403, "voter.not_on_roll"),
    }


async def test_a_wrong_code_loses_nothing(town: Town, vote: HeldVote) -> None:
    for kind, (typed, status, code) in (await wrong_codes(town, vote)).items():
        voter = Voter(town.browser(), vote)
        answer = await voter.send((await voter.open()).ranked("Parks", "Buses") | {"code": typed})
        assert (answer.status_code, says(answer, code)) == (status, True), kind
        assert points_at(answer, "code"), kind
        assert (sheet_in(answer).chosen, sheet_in(answer).asks_code) == (CHOSEN, True), kind
        kept = answer.text.partition('id="f-code" name="code"')[2].partition('value="')[2].partition('"')[0]
        assert html.unescape(kept) == typed, kind
        assert "<script>alert" not in answer.text
        assert town.config.booth_cookie_name not in voter.browser.http.cookies, kind
        asked = await voter.browser.send(f"{vote.path}/receipt", {"code": typed})
        assert (asked.status_code, says(asked, code), points_at(asked, "code")) == (status, True, True), kind
        assert await recorded(vote) == 0
        assert (await voter.send(sheet_in(answer).fields | {"code": vote.codes[0]})).status_code == 303, kind
        await vote.run("DELETE FROM ballots_envelope")
        await vote.run("DELETE FROM ballots_participation")


async def test_only_unknown_codes_slow_a_network_down_and_never_a_right_one(town: Town, vote: HeldVote) -> None:
    typed = await wrong_codes(town, vote)
    for _ in range(CODE_FROM_NETWORK.free - 1):
        town.house.limits.try_one(CODE_FROM_NETWORK, "127.0.0.1")
    voter = Voter(town.browser(), vote)
    sheet = await voter.open()
    for kind in ("missing", "one sign wrong", "garbage", "void", "struck off", "of another roll", "unknown"):
        answer = await voter.send(sheet.ranked("Parks") | {"code": typed[kind][0]})
        assert answer.status_code == typed[kind][1], kind  # the last one is the hundredth that counts
    for _ in range(2):
        slowed = await voter.send(sheet.ranked("Parks", "Buses", code=new_code()))
        assert slowed.status_code == 429
        assert 0 < int(slowed.headers["retry-after"]) <= WINDOW_SECONDS
        assert says(slowed, "code.too_many", minutes=1)
        assert points_at(slowed, "code")
        assert sheet_in(slowed).chosen == CHOSEN
    asked = await voter.browser.send(f"{vote.path}/receipt", {"code": new_code()})
    assert (asked.status_code, asked.headers["retry-after"].isdigit()) == (429, True)
    elsewhere = Voter(town.browser(peer="192.0.2.7"), vote)
    assert (await elsewhere.cast("Parks", code=new_code())).status_code == 403
    assert (await voter.send(sheet.ranked("Parks", code=vote.codes[0]))).status_code == 303
    assert (await voter.browser.send(f"{vote.path}/receipt", {"code": vote.codes[0]})).status_code == 303


async def give_pass(town: Town, voter: Voter, value: str) -> None:
    """Put a pass into a browser, as somebody with a hold on it would."""
    host = httpx.URL(town.config.base_url).host
    voter.browser.http.cookies.delete(town.config.booth_cookie_name)
    voter.browser.http.cookies.set(town.config.booth_cookie_name, value, domain=host)


async def bad_passes(town: Town, vote: HeldVote) -> dict[str, str]:
    other = await hold_vote(town.house, voters=1)
    poll = await vote.poll()
    assert poll.roll_id is not None
    async with town.house.db.reading() as session:
        moment = await now(session)
    holder = voters.Voter(vote.lines[0], poll.roll_id, 1)
    good = seal_pass(town.config.secret, vote.id, holder, moment)
    changed = good[:40] + ("A" if good[40] != "A" else "B") + good[41:]
    elsewhere = voters.Voter(other.lines[0], (await other.poll()).roll_id or poll.roll_id, 1)
    return {
        "expired": seal_pass(town.config.secret, vote.id, holder, moment - VALID_FOR),
        "of another vote": seal_pass(town.config.secret, other.id, holder, moment),
        "of another roll": seal_pass(town.config.secret, vote.id, elsewhere, moment),
        "of another house": seal_pass("x" * 40, vote.id, holder, moment),
        "of a code that never was": seal_pass(town.config.secret, vote.id, replace(holder, serial=9), moment),
        "changed": changed,
        "cut off": good[:-4],
        "garbage": "not a pass",
        "good": seal_pass(town.config.secret, vote.id, holder, moment - VALID_FOR + timedelta(minutes=1)),
    }  # fmt: skip


async def test_a_pass_that_does_not_hold_leads_back_to_the_code_and_loses_nothing(town: Town, vote: HeldVote) -> None:
    passes = await bad_passes(town, vote)
    voter = Voter(town.browser(), vote)
    await give_pass(town, voter, passes.pop("good"))
    assert not (await voter.open()).asks_code  # or the others would prove nothing
    for kind, value in passes.items():
        voter = Voter(town.browser(), vote)
        await give_pass(town, voter, value)
        assert (await voter.open()).asks_code, kind
        assert await voter.receipt() == ""
        answer = await voter.cast("Parks", "Buses")
        assert (answer.status_code, says(answer, "code.missing"), points_at(answer, "code")) == (422, True, True), kind
        assert sheet_in(answer).chosen == CHOSEN, kind
        assert await recorded(vote) == 0, kind
    done = await voter.send(sheet_in(answer).fields | {"code": vote.codes[0]})
    assert (done.status_code, await recorded(vote)) == (303, 1)


async def test_a_code_made_void_meanwhile_ends_its_pass_and_the_new_code_goes_on(town: Town, vote: HeldVote) -> None:
    voter = Voter(town.browser(), vote)
    await voter.cast("Clinics", code=vote.codes[0])
    sheet = await voter.open()
    assert not sheet.asks_code
    roll = (await vote.poll()).roll_id
    assert roll is not None

    async def give_new(session: AsyncSession) -> str:
        return (await issue_codes(session, roll, [vote.lines[0]]))[0][1]

    new = await town.house.db.write(give_new)
    answer = await voter.send(sheet.ranked("Parks", "Buses"))
    assert (answer.status_code, says(answer, "code.missing")) == (422, True)
    assert (sheet_in(answer).chosen, sheet_in(answer).asks_code) == (CHOSEN, True)
    old = await voter.send(sheet_in(answer).fields | {"code": vote.codes[0]})
    assert (old.status_code, says(old, "voter.void"), sheet_in(old).chosen) == (403, True, CHOSEN)
    done = await voter.send(sheet_in(old).fields | {"code": new})
    assert (done.status_code, done.headers["location"]) == (303, f"{vote.path}/receipt?done=changed")
    assert await recorded(vote) == 1  # the same person, by another code
