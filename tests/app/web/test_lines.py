"""My line and "May I vote?": what a voter is told of themselves, when, with which proof, and what nobody is told."""

import html
import logging
from pathlib import Path

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.limits import CODE_FROM_NETWORK
from app.accounts.roll.codes import new_code, shown
from app.accounts.roll.store import void_code
from app.i18n import words
from app.jobs.schedule import sequence_ledger
from app.log import JsonLines
from ballots.receipts import tag_hash
from ballots.store import get_list, hashes_of, put_list
from commons.ledger.reading import told_key
from polls.lifecycle import State
from results.verify import main
from tests.plumbing.forms import form_at
from tests.plumbing.house import Browser, Town
from tests.plumbing.queries import counted_queries
from tests.plumbing.votes import HeldVote, Voter, hold_vote
from tests.results.test_verify import write

pytestmark = pytest.mark.anyio

ON_LIST, NOT_ON_LIST = "You are on the list.", "You are not on the list of this vote."
PART, NO_PART, LATER = "You took part.", "You did not take part.", "is told after closing"


def says(answer: httpx.Response, code: str) -> bool:
    return words("en", code, {}) in html.unescape(answer.text)


async def sign_log(town: Town) -> None:
    await town.house.db.write(lambda session: sequence_ledger(town.house, session, {}))


async def line_of(town: Town, vote: HeldVote, code: str) -> tuple[Browser, httpx.Response]:
    """Type a code on the page of one's line. Returns the browser, and the page it ends on."""
    voter = Voter(town.browser(), vote)
    form = form_at((await voter.browser.get(f"{vote.path}/my-line")).text, f"{vote.path}/my-line")
    answer = await voter.send(form | {"code": shown(code)}, "/my-line")
    if answer.status_code == httpx.codes.SEE_OTHER:
        answer = await voter.browser.get(answer.headers["location"])
    return voter.browser, answer


async def file_of(vote: HeldVote, browser: Browser) -> httpx.Response:
    action = f"{vote.path}/my-line/file"
    return await Voter(browser, vote).send(
        form_at((await browser.get(f"{vote.path}/my-line")).text, action), "/my-line/file"
    )


async def kept(town: Town, vote: HeldVote, folder: Path, code: str, *lists: str) -> list[str]:
    """Save a voter's file and some lists into a folder. Returns the arguments of the verifier."""
    browser, _ = await line_of(town, vote, code)
    files = {name: (await town.browser().get(f"/votes/{vote.slug}/{name}")).content for name in lists}
    write(folder, files | {"my-line.json": (await file_of(vote, browser)).content})
    async with town.house.db.reading() as session:
        key = await told_key(session)
    return ["--line", str(folder / "my-line.json"), str(folder), "--key", key or ""]


async def test_a_voter_sees_their_line_before_and_after_closing(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vote = await hold_vote(town.house, voters=5)
    await vote.cast(vote.codes[0])
    await sign_log(town)
    tag = vote.keys.tag(vote.id, vote.lines[0].bytes)
    _, page = await line_of(town, vote, vote.codes[0])
    listed = (await town.browser().get(f"/votes/{vote.slug}/roll.txt")).text.split()
    line = listed.index(tag_hash(vote.id, tag).hex()) + 1
    for said in (ON_LIST, f"You stand on line {line} of 5.", LATER, tag.hex(), "Keep them to yourself."):
        assert said in page.text, said
    assert PART not in page.text
    assert NO_PART not in page.text
    assert main(await kept(town, vote, tmp_path / "during", vote.codes[0], "roll.txt")) == 0
    assert (
        f"You are on the roll: line {line} of roll.txt. Whether you took part is told after" in capsys.readouterr().out
    )

    await vote.close()
    await sign_log(town)
    for code, said, told in (
        (vote.codes[0], PART, "You took part: line 1 of took_part.txt."),
        (vote.codes[1], NO_PART, "You did not take part."),
    ):
        _, page = await line_of(town, vote, code)
        assert (said in page.text, LATER in page.text) == (True, False)
        folder = tmp_path / str(vote.codes.index(code))
        assert main(await kept(town, vote, folder, code, "roll.txt", "took_part.txt")) == 0
        out = capsys.readouterr().out
        assert told in out
        assert "The lists are in the ledger, signed by " in out


async def test_a_lengthened_roll_and_a_changed_list_are_named_with_both_sides(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vote = await hold_vote(town.house, voters=5)
    await vote.cast(vote.codes[0])
    await vote.close()
    await sign_log(town)
    given = await kept(town, vote, tmp_path / "kept", vote.codes[1], "roll.txt", "took_part.txt")
    roll, part = tmp_path / "kept" / "roll.txt", tmp_path / "kept" / "took_part.txt"
    good = roll.read_text(), part.read_text()
    roll.write_text("".join(sorted([*good[0].splitlines(keepends=True), "ab" * 32 + "\n"])))
    assert main(given) == 1
    assert "roll.txt: number of lines: expected 5, found 6" in capsys.readouterr().out
    roll.write_text("".join(sorted([*good[0].splitlines(keepends=True)[1:], "ab" * 32 + "\n"])))
    assert main(given) == 1
    assert "roll.txt: root: expected " in capsys.readouterr().out
    roll.write_text(good[0])
    mine = tag_hash(vote.id, vote.keys.tag(vote.id, vote.lines[1].bytes)).hex()
    part.write_text(f"{mine}\n")
    assert main(given) == 1
    assert "took_part.txt: root: expected " in capsys.readouterr().out
    part.write_text(good[1])
    assert main(given) == 0


async def test_the_file_names_each_list_that_the_log_does_not_hold(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vote = await hold_vote(town.house)
    given = await kept(town, vote, tmp_path / "early", vote.codes[0], "roll.txt")
    assert main(given[:3]) == 0
    assert "That the ledger holds the lists was not checked." in capsys.readouterr().out


async def test_the_file_and_the_page_are_kept_nowhere_and_the_tag_stands_in_no_address_and_no_log(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    vote = await hold_vote(town.house)
    with caplog.at_level(logging.DEBUG):
        browser, page = await line_of(town, vote, vote.codes[0])
        file = await file_of(vote, browser)
    tag = vote.keys.tag(vote.id, vote.lines[0].bytes).hex()
    assert (tag in page.text, tag in file.text) == (True, True)
    assert {page.headers["cache-control"], file.headers["cache-control"]} == {"no-store"}
    assert file.headers["content-disposition"] == 'attachment; filename="my-line.json"'
    assert tag not in "".join(JsonLines().format(record) for record in caplog.records)
    assert tag not in str(page.url) + str(file.url)


async def test_without_a_pass_no_line_is_shown_and_no_file_given(town: Town) -> None:
    vote = await hold_vote(town.house)
    browser, _ = await line_of(town, vote, vote.codes[0])
    page = (await browser.get(f"{vote.path}/my-line")).text
    action = f"{vote.path}/my-line/file"
    await Voter(browser, vote).send(form_at(page, f"{vote.path}/done"), "/done")
    answer = await Voter(browser, vote).send(form_at(page, action), "/my-line/file")
    assert (answer.status_code, says(answer, "code.missing")) == (422, True)
    assert 'name="code"' in (await browser.get(f"{vote.path}/my-line")).text
    looked = await town.browser().get(action)
    assert (looked.status_code, looked.headers["location"]) == (303, f"{vote.path}/my-line")


async def test_who_is_on_the_roll_and_not_on_the_list_of_this_vote_is_shown_the_neighbours(town: Town) -> None:
    vote = await hold_vote(town.house, voters=5)
    mine = tag_hash(vote.id, vote.keys.tag(vote.id, vote.lines[0].bytes))

    async def forget_me(session: AsyncSession) -> None:
        listed = hashes_of(await get_list(session, vote.id, "roll"))
        await put_list(session, vote.id, "roll", [each for each in listed if each != mine])

    await town.house.db.write(forget_me)
    _, page = await line_of(town, vote, vote.codes[0])
    assert (NOT_ON_LIST in page.text, ON_LIST in page.text) == (True, False)
    assert mine.hex() in page.text


async def test_when_the_key_of_the_roll_is_destroyed_the_page_says_so(town: Town) -> None:
    vote = await hold_vote(town.house)
    await vote.close()
    vote.keys.destroy_roll(vote.id)
    _, page = await line_of(town, vote, vote.codes[0])
    assert (page.status_code, says(page, "line.no_key")) == (409, True)


async def test_a_line_costs_a_few_queries(town: Town) -> None:
    vote = await hold_vote(town.house, voters=20)
    for code in vote.codes[:10]:
        await vote.cast(code)
    await vote.close()
    await sign_log(town)
    browser, _ = await line_of(town, vote, vote.codes[0])
    with counted_queries() as statements:
        assert (await browser.get(f"{vote.path}/my-line")).status_code == 200
    assert len(statements) <= 28


async def asked(town: Town, vote: HeldVote, typed: str) -> httpx.Response:
    return await town.browser().send(f"{vote.path}/eligible", {"code": typed})


@pytest.mark.parametrize("state", [State.LOCKED, State.OPEN, State.SUSPENDED])
async def test_a_code_of_this_roll_is_told_yes_and_until_when(town: Town, state: State) -> None:
    vote = await hold_vote(town.house, state)
    answer = await asked(town, vote, shown(vote.codes[0]))
    assert (answer.status_code, "Your code works for this vote" in answer.text) == (200, True)
    said = {State.LOCKED: "You can vote from", State.OPEN: "You can vote until", State.SUSPENDED: "interrupted"}
    assert [other for other, text in said.items() if text in answer.text] == [state]
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in {name for name, value in answer.headers.items() if "booth" in value}


async def test_each_no_has_its_own_reason_and_its_own_cure(town: Town) -> None:
    vote, other = await hold_vote(town.house), await hold_vote(town.house)
    roll = (await vote.poll()).roll_id
    assert roll is not None
    await town.house.db.write(lambda session: void_code(session, roll, vote.lines[2]))
    cases = {
        "": (422, "code.missing", ""),
        "7K3D": (422, "code.mistyped", ""),
        shown(new_code()): (403, "code.unknown", "Compare each group of four"),
        shown(other.codes[0]): (403, "voter.not_on_roll", "another list of this organisation"),
        shown(vote.codes[2]): (403, "voter.void", "Look for a newer slip"),
    }
    for typed, (status, code, cure) in cases.items():
        answer = await asked(town, vote, typed)
        assert (answer.status_code, says(answer, code), cure in answer.text) == (status, True, True), code
        assert "Voter " not in answer.text  # the name of nobody
        assert 'name="code"' in answer.text
        others = [each for _, each, _ in cases.values() if each != code and says(answer, each)]
        assert others == [], code


async def test_a_pass_in_this_browser_does_not_answer_for_whoever_asks(town: Town) -> None:
    vote = await hold_vote(town.house)
    browser, _ = await line_of(town, vote, vote.codes[0])
    answer = await browser.send(f"{vote.path}/eligible", {"code": " "})
    assert (answer.status_code, says(answer, "code.missing")) == (422, True)


@pytest.mark.parametrize("path", ["my-line", "eligible"])
async def test_wrong_codes_are_counted_and_a_right_one_still_answers(town: Town, path: str) -> None:
    vote = await hold_vote(town.house)
    for _ in range(CODE_FROM_NETWORK.free):
        town.house.limits.try_one(CODE_FROM_NETWORK, "127.0.0.1")
    refused = await town.browser().send(f"{vote.path}/{path}", {"code": shown(new_code())})
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    right = await town.browser().send(f"{vote.path}/{path}", {"code": shown(vote.codes[0])})
    assert right.status_code in {200, 303}


async def test_the_pages_are_found_from_the_vote_and_from_the_help(town: Town) -> None:
    vote, coming = await hold_vote(town.house), await hold_vote(town.house, State.LOCKED)
    page = (await town.browser().get(vote.path)).text
    assert f'href="{vote.path}/eligible"' in page
    assert f'href="{vote.path}/my-line"' in page
    assert f'href="{coming.path}/eligible"' in (await town.browser().get(coming.path)).text
    assert "May I vote?" in (await town.browser().get("/en/pages/help")).text
    for path in ("my-line", "eligible"):
        assert (await town.browser().get(f"/en/votes/no-such-vote/{path}")).status_code == 404
