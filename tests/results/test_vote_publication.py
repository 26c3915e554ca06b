"""A sealed vote from the box to the published result on both databases: released, listed, proven, verified, once."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots import paper
from ballots.answers import order_of
from ballots.casting import cast
from ballots.counting.registry import count
from ballots.opening import contest_of, open_box
from ballots.store import get_list
from commons.checkpoint import read_unsigned
from commons.errors import Conflict
from commons.ledger import reading
from commons.ledger.lines import LineWords
from commons.ledger.sequence import append
from polls import amendments
from polls.lifecycle import Kind, State
from results import archive, recount
from results.figures import Form
from results.publication import add_proofs, withdraw
from results.release import Plan, Reason
from results.store import find_of_poll, list_results, read_files
from results.tables import Result
from results.verify import examine, summary, verify
from results.vote_archive import MINUTES, SEALED
from results.vote_publication import PreparedVote, prepare_vote, publish_vote
from tests.ballots.voting import Vote, open_vote
from tests.commons.ledger.written import VERIFIER
from tests.plumbing.sizes import FAULTS
from tests.results.test_verify import write

pytestmark = pytest.mark.anyio

FOUR = ("Buses", "Parks", "Clinics", "=Pools")
DIFFERING = ([1, 2, 3], [4, 3], [2, 4, 1], [3, 1], [4, 2, 1, 3], [2])


async def opened(db: Database, folder: Path, voters: int, **changed: Any) -> Vote:  # noqa: ANN401 - any entry of a plan
    """Hold a vote in which people differ about every pair, up to the opened box."""
    vote = await open_vote(db, folder, voters + 3, FOUR, **changed)
    for number, tag in enumerate(vote.tags[:voters]):
        await vote.cast(tag, DIFFERING[number % len(DIFFERING)])
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    return vote


async def prepare(vote: Vote) -> PreparedVote:
    async with vote.db.reading() as session:
        return await prepare_vote(session, vote.poll.id)


async def publish(vote: Vote) -> Result:
    prepared = await prepare(vote)
    return await vote.db.write(lambda session: publish_vote(session, prepared))


async def files_of(vote: Vote, result: Result) -> dict[str, bytes]:
    """Let the ledger sign, and give all files."""
    await vote.sign()
    await vote.db.write(add_proofs)
    async with vote.db.reading() as session:
        return await read_files(session, result.id)


async def test_a_large_vote_is_published_whole_and_verifies(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 54)
    result = await publish(vote)
    files = await files_of(vote, result)
    report = examine(write(tmp_path / "archive", files), VERIFIER)
    assert report.findings == ()
    assert "Found the order again" in summary(report)
    assert report.card_hash == vote.poll.card_hash
    assert (vote.folder / str(vote.poll.id) / "box.txt").read_bytes() == files["box.txt"]
    assert json.loads(files[archive.RESULT])["order"] == result.count["order"]
    assert (result.slug, result.poll_id, result.titles) == (vote.poll.slug, vote.poll.id, vote.poll.titles)
    assert result.count["ballots"] == 54
    assert not {"first", "first_three", "ranked"} & set(result.count["places"][0])
    assert (await vote.refreshed()).state is State.PUBLISHED
    async with db.reading() as session:
        (line,) = (await reading.page(session, subject=f"results/{result.slug}")).lines
        ((listed,), total) = await list_results(session, vote.poll.organisation_id, 1)
    assert line.words == {"result": result.slug, "sums": archive.sha256(files[archive.SUMS])}
    assert (listed.id, total) == (result.id, 1)


async def test_paper_voters_are_told_beside_the_figures(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 14)
    for tag in vote.tags[:11]:
        await vote.cast(tag, [1, 2])
    for tag in vote.tags[11:13]:
        await db.write(lambda s, t=tag: paper.mark(s, vote.keys, vote.poll.id, t, vote.facts))  # type: ignore[misc]
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    minutes = (await prepare(vote)).minutes
    assert (minutes.took_part, minutes.box, minutes.paper) == (13, 11, 2)
    files = await files_of(vote, await publish(vote))
    assert examine(write(tmp_path / "archive", files), VERIFIER).findings == ()


async def test_every_change_of_the_roll_is_proven_once_the_log_has_it(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 12)
    struck: LineWords = {"change": "struck", "people": 1, "decided_by": 2}
    for words in (struck, struck, struck | {"change": "restored"}):
        await db.write(lambda session, said=words: append(session, "roll.changed", said, subject=vote.poll.subject))  # type: ignore[misc]
    with pytest.raises(Conflict, match=r"ledger\.line_waits"):
        await prepare(vote)
    await vote.sign()
    minutes = (await prepare(vote)).minutes
    assert (minutes.struck, minutes.restored) == (2, 1)
    files = await files_of(vote, await publish(vote))
    report = examine(write(tmp_path / "archive", files), VERIFIER)
    assert report.findings == ()
    assert report.told.endswith(
        "15, as the ledger says. While the vote was under way 2 were struck off and 1 put back."
    )


async def test_a_root_that_is_not_the_one_of_the_list_is_not_proven(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 9)
    await db.write(lambda session: _lengthen(session, vote.poll.id))
    with pytest.raises(Conflict, match=r"roll\.not_in_ledger"):
        await prepare(vote)


async def _lengthen(session: AsyncSession, poll_id: UUID) -> None:
    listed = await get_list(session, poll_id, "roll")
    listed.root, listed.size = bytes(32), listed.size + 1
    session.add(listed)


async def test_a_small_vote_tells_the_order_and_nothing_that_could_be_a_ballot(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 13)
    result = await publish(vote)
    files = await files_of(vote, result)
    report = examine(write(tmp_path / "archive", files), VERIFIER)
    assert report.findings == ()
    assert "needs the ballots: recounted by nobody yet" in summary(report)
    assert archive.PAIRWISE not in files
    told = json.loads(files[archive.RESULT])
    assert (told["ballots"], told["counted"], told["pairwise"], told["certificate"]) == (10, 10, None, None)
    assert json.loads(files[MINUTES])["because"] == [Reason.BALLOTS]
    assert (result.count["pairwise"], result.count["certificate"], result.count["ballots"]) == (None, None, 13)


async def test_an_unopened_vote_is_published_as_such(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 9)
    result = await publish(vote)
    files = await files_of(vote, result)
    report = examine(write(tmp_path / "archive", files), VERIFIER)
    assert report.findings == ()
    assert archive.RESULT not in files
    assert (result.count["winners"], result.count["places"], result.count["ballots"]) == ([], [], 9)
    assert result.count["minutes"]["released"] == Plan.NONE
    assert (await vote.refreshed()).state is State.PUBLISHED


async def test_the_box_list_was_in_the_signed_ledger_before_the_box_was_opened(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 10)
    await vote.sign()  # the opening too
    sealed = json.loads((await prepare(vote)).files[SEALED])
    assert sealed["subject"] == vote.poll.subject
    ((opening,),) = await vote.rows("SELECT position FROM commons_ledger_leaf WHERE kind = 'box.opened'")
    assert sealed["position"] < read_unsigned(sealed["checkpoint"]).size <= int(str(opening))


async def test_a_vote_is_published_once(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 10)
    prepared = await prepare(vote)
    first = await db.write(lambda session: publish_vote(session, prepared))
    again = await db.write(lambda session: publish_vote(session, prepared))
    assert first.id == again.id
    assert len(await vote.rows("SELECT kind FROM commons_ledger_pending WHERE kind = 'result.published'")) == 1


async def test_an_address_that_is_taken_gets_a_number(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 10)
    prepared = await prepare(vote)

    async def take(session: AsyncSession) -> None:
        for slug in (vote.poll.slug, f"{vote.poll.slug}-2"):
            session.add(
                Result(
                    organisation_id=vote.poll.organisation_id, slug=slug, titles={}, source_name="", source_url="",
                    held_on=prepared.held_on, card={}, count={}, published_at=vote.poll.closes_at,
                )
            )  # fmt: skip
        await session.flush()

    await db.write(take)
    result = await db.write(lambda session: publish_vote(session, prepared))
    assert result.slug == f"{vote.poll.slug}-3"
    files = await files_of(vote, result)
    assert examine(write(tmp_path / "archive", files), VERIFIER).findings == ()


async def test_what_changed_after_the_count_is_counted_anew(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 10)
    prepared = await prepare(vote)
    asker, agreer = uuid4(), uuid4()
    later = {"time": "2099-01-01T00:00:00+00:00"}

    async def postpone(session: AsyncSession) -> UUID:
        asked = await amendments.ask(session, vote.poll.id, Kind.POSTPONE, "An objection.", asker, later)
        await amendments.agree(session, asked.id, agreer)
        return asked.id

    await db.write(postpone)
    with pytest.raises(Conflict, match=r"vote\.changed_meanwhile"):
        await db.write(lambda session: publish_vote(session, prepared))
    with pytest.raises(Conflict, match=r"box\.too_early"):
        await prepare(vote)
    await vote.set_time("publishes_at", -1)
    minutes = json.loads((await prepare(vote)).files[MINUTES])
    change = minutes["amendments"][-1]
    assert (change["kind"], change["reason"], change["time"]) == (Kind.POSTPONE, "An objection.", later["time"])
    assert str(asker) not in json.dumps(minutes)
    assert str(agreer) not in json.dumps(minutes)


async def test_nothing_is_published_before_the_box_is_opened(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 12)
    for tag in vote.tags:
        await vote.cast(tag, [1, 2])
    await vote.end()
    await vote.close()
    with pytest.raises(Conflict, match=r"box\.not_opened"):
        await prepare(vote)
    async with db.reading() as session:
        assert await find_of_poll(session, vote.poll.id) is None


async def test_a_result_taken_back_stays_taken_back(db: Database, tmp_path: Path) -> None:
    vote = await opened(db, tmp_path, 10)
    prepared = await prepare(vote)
    result = await db.write(lambda session: publish_vote(session, prepared))
    await db.write(lambda session: withdraw(session, result, "An objection was upheld."))
    again = await db.write(lambda session: publish_vote(session, prepared))
    assert again.withdrawn_at is not None


KINDS: dict[str, tuple[dict[str, Any], tuple[tuple[int, ...], ...], str]] = {
    "plurality": ({}, ((1, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0)), "totals.csv"),
    "approval": ({}, ((1, 1, 0, 0), (0, 1, 1, 0), (1, 0, 0, 1), (0, 0, 1, 1), (1, 0, 0, 0)), "totals.csv"),
    "score": ({}, ((6, 1, 3, 2), (2, 6, 0, 5), (4, 4, 6, 1), (5, 3, 1, 6), (6, 2, 5, 3), (1, 6, 4, 2)), "grades.csv"),
    "majority-judgment": ({}, ((6, 1, 3, 2), (2, 6, 0, 5), (4, 4, 6, 1), (5, 3, 1, 6), (6, 2, 5, 3)), "grades.csv"),
    "borda": ({}, ((1, 2, 3, 0), (0, 2, 1, 3), (2, 0, 1, 0), (1, 0, 0, 2), (0, 1, 0, 2), (3, 1, 2, 4)), "pairwise.csv"),
    "greedy": (
        {"terms": {"budget": 70}, "costs": (30, 40, 20, 60)},
        ((1, 1, 0, 0), (1, 0, 1, 0), (0, 1, 1, 0), (0, 0, 0, 1), (0, 0, 1, 0)),
        "totals.csv",
    ),
    "equal-shares": (
        {"terms": {"budget": 70, "points": 9}, "costs": (30, 40, 20, 60)},
        ((4, 5, 0, 0), (1, 0, 8, 0), (0, 3, 3, 3)),
        "",
    ),
    "stv": ({"terms": {"seats": 2}}, ((1, 2, 0, 0), (0, 1, 2, 0), (3, 0, 1, 2), (0, 0, 0, 1)), ""),
    "star": ({}, ((6, 1, 3, 2), (2, 6, 0, 5), (4, 4, 6, 1)), ""),
}  # fmt: skip


def recounted(folder: Path) -> list[str]:
    """Ask the second counter what it finds changed."""
    found = recount.Archive(folder)
    recount.check(found)
    return found.changed


async def say(vote: Vote, tag: bytes, answer: Sequence[int]) -> None:
    """Vote by a number for each option, in the order of the card."""
    key = secrets.token_bytes(16)
    said = dict(zip(vote.poll.option_ids, answer, strict=True))
    numbers = [said[option] for option in order_of(vote.poll.option_ids, key)]
    await vote.db.write(lambda s: cast(s, vote.keys, vote.poll.id, numbers, vote.facts, tag, key, None))


@pytest.mark.parametrize("addresses", ["sqlite"], indirect=True)  # kinds make no difference to a database
@pytest.mark.parametrize("rule", KINDS if FAULTS else ["plurality", "score", "greedy", "stv"])
async def test_a_vote_of_every_kind_is_published_and_verifies(db: Database, tmp_path: Path, rule: str) -> None:
    given, answers, figures = KINDS[rule]
    vote = await open_vote(db, tmp_path, 75, FOUR, most_ranked=4, rule=rule, **given)
    for number, tag in enumerate(vote.tags[:72]):
        await say(vote, tag, answers[number % len(answers)])
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    result = await publish(vote)
    files = await files_of(vote, result)
    report = examine(write(tmp_path / "archive", files), VERIFIER)
    assert report.findings == ()
    assert recounted(tmp_path / "archive") == []
    assert [name for name in files if name in {*Form}] == ([figures] if figures else [])
    told = json.loads(files[archive.RESULT])
    async with db.reading() as session:
        outcome = count(rule, await contest_of(session, vote.poll.id))
    assert (told["rule"], told["order"], told["winners"]) == (rule, outcome.order, outcome.winners)
    if figures:
        changed = bytearray(files[figures])
        place = next(i for i in range(len(changed) - 3, 0, -1) if chr(changed[i]).isdigit())
        changed[place] = ord("9") if changed[place] != ord("9") else ord("8")
        assert list(verify(write(tmp_path / "forged", files | {figures: bytes(changed)}), VERIFIER))
        assert any(
            fault.startswith(f"{figures}: ") and ", says result" in fault for fault in recounted(tmp_path / "forged")
        )


@pytest.mark.parametrize("addresses", ["sqlite"], indirect=True)
async def test_few_votes_of_a_single_choice_are_told_together(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, 70, FOUR, rule="plurality")
    chosen = [0] * 40 + [1] * 18 + [2] * 4 + [3] * 2 + [4] * 3
    for tag, option in zip(vote.tags, chosen, strict=False):
        await say(vote, tag, [int(place == option) for place in range(4)])
    await vote.end()
    await vote.close()
    await open_box(db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    files = await files_of(vote, await publish(vote))
    assert examine(write(tmp_path / "archive", files), VERIFIER).findings == ()
    assert recounted(tmp_path / "archive") == []
    assert files["totals.csv"].decode().split() == ["option,votes", "Buses,40", "Parks,18", "Clinics,", "'=Pools,"]
    told = json.loads(files[archive.RESULT])
    assert told["order"] == [["Buses"], ["Parks"], ["Clinics", "=Pools"]]
    assert (told["blank"], told["counted"]) == (None, 67)
    assert b": 4," not in files[archive.RESULT]
