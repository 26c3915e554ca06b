"""A vote from draft to amended: what is refused by name, what freezes, and that two different people are needed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots.keys import prove
from ballots.preparing import accept_proof, start
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.organisations.store import found, get_host
from polls import amendments
from polls.drafting import card_of, draft, revise
from polls.lifecycle import Kind, State
from polls.store import find_amendments, find_due, get_poll
from polls.votecard import VoteCard
from tests.ballots.voting import locked_vote, open_vote, plan
from tests.plumbing.locking import lock_by_two

pytestmark = pytest.mark.anyio
MINE, YOURS = uuid4(), uuid4()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"titles": {"en": " "}}, "text.missing", "title_en"),
        ({"titles": {"ka": "ა" * 201}}, "text.too_long", "title_ka"),
        ({"options": [({"en": "Buses"}, "")]}, "options.too_few", "options"),
        ({"options": [({"en": "Buses"}, ""), ({}, "")]}, "text.missing", "option_2"),
        ({"options": [({"en": "Buses"}, ""), ({"en": "BUSES "}, "")]}, "options.same_name", "option_2"),
        ({"options": [({"en": "Buses"}, ""), ({"fr": "buses"}, "")]}, "options.same_name", "option_2"),
        ({"options": [({"en": "Buses"}, ""), ({"en": "a\tb"}, "")]}, "text.control_sign", "option_2_en"),
        ({"most_ranked": 4}, "poll.most_ranked", "most_ranked"),
        ({"rule": "drawn by lot"}, "count.unknown_rule", "rule"),
        ({"closes_at": datetime(2020, 1, 1, tzinfo=UTC)}, "time.order", "closes_at"),
        ({"publishes_at": datetime(2020, 1, 1, tzinfo=UTC)}, "time.order", "publishes_at"),
    ],
)
async def test_what_cannot_be_asked_is_named(db: Database, changed: dict[str, object], code: str, field: str) -> None:
    async def work(session: AsyncSession) -> None:
        host = await found(session, {"en": "Hall"}, {}, "UTC")
        await draft(session, host.id, plan(**changed))  # type: ignore[arg-type]

    with pytest.raises(Invalid) as refused:
        await db.write(work)
    assert (refused.value.code, refused.value.field) == (code, field)


async def test_a_draft_is_revised_until_it_is_locked(db: Database, tmp_path: Path) -> None:
    vote = await locked_vote(db, tmp_path)
    with pytest.raises(Conflict, match=r"poll\.frozen"):
        await db.write(lambda session: revise(session, vote.poll.id, plan()))
    with pytest.raises(Conflict, match=r"poll\.taken"):
        await db.write(lambda s: draft(s, vote.poll.organisation_id, plan(titles=vote.poll.titles)))
    with pytest.raises(NotFound, match=r"poll\.unknown"):
        await db.write(lambda session: revise(session, uuid4(), plan()))


async def test_the_card_says_what_was_locked_and_comes_back_from_its_json(db: Database, tmp_path: Path) -> None:
    vote = await locked_vote(db, tmp_path)
    async with db.reading() as session:
        poll = await get_poll(session, vote.poll.id)
        card = card_of(poll, await get_host(session), "key file", poll.sealing_key, poll.receipt_key)
    assert poll.card == card.as_json()
    assert VoteCard.from_json(poll.card) == card
    assert poll.card_hash == card.hash()
    assert card.as_json()["fewest_opened"] == 10
    for name in card.as_json():
        with pytest.raises(Invalid, match=r"card\.malformed"):
            VoteCard.from_json(card.as_json() | {name: "something else"})
        with pytest.raises(Invalid, match=r"card\.malformed"):
            VoteCard.from_json({each: value for each, value in card.as_json().items() if each != name})
    (said,) = await vote.rows("SELECT words FROM commons_ledger_pending WHERE kind = 'poll.locked'")
    assert poll.card_hash in str(said)


async def test_a_vote_opens_only_when_everything_is_ready(db: Database, tmp_path: Path) -> None:
    vote = await locked_vote(db, tmp_path)
    poll, keys = vote.poll, vote.keys
    (first, seed), (second, other_seed) = vote.seeds.items()

    async def opened(lines: list[bytes]) -> None:
        await db.write(lambda session: start(session, keys, poll.id, lines))

    with pytest.raises(Conflict, match=r"custody\.unproved"):
        await opened([b"a"])
    proof = prove(seed, poll.id, keys.copies(poll.id, first))
    with pytest.raises(Invalid, match=r"custody\.proof_wrong"):
        await db.write(lambda session: accept_proof(session, keys, poll.id, second, proof))
    await db.write(lambda session: accept_proof(session, keys, poll.id, first, proof))
    with pytest.raises(Conflict, match=r"custody\.unproved"):
        await opened([b"a"])
    proof = prove(other_seed, poll.id, keys.copies(poll.id, second))
    await db.write(lambda session: accept_proof(session, keys, poll.id, second, proof))
    for lines, code in (([], r"roll\.empty"), ([b"a", b"a"], r"roll\.line_twice")):
        with pytest.raises(Invalid, match=code):
            await opened(lines)
    await opened([b"a", b"b"])
    with pytest.raises(Conflict, match=r"poll\.change"):
        await opened([b"a", b"b"])
    assert await vote.rows("SELECT size FROM ballots_list WHERE name = 'roll'") == [(2,)]
    with pytest.raises(Conflict, match=r"poll\.change"):
        await db.write(lambda s: lock_by_two(s, keys, poll.id, poll.sealing_key))


async def test_a_vote_is_not_opened_before_its_planned_time(db: Database, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"poll\.too_early"):
        await open_vote(db, tmp_path, opens_at=datetime.now(UTC) + timedelta(hours=1))


async def test_two_different_people_extend_and_the_card_stays(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    later = vote.poll.closes_at + DAY
    asked = await db.write(
        lambda s: amendments.ask(s, vote.poll.id, Kind.EXTEND, "the river rose", MINE, {"time": later.isoformat()})
    )
    assert (await vote.refreshed()).closes_at == vote.poll.closes_at  # nothing has changed yet
    with pytest.raises(Conflict, match=r"approval\.waiting"):
        await db.write(
            lambda s: amendments.ask(s, vote.poll.id, Kind.EXTEND, "again", MINE, {"time": later.isoformat()})
        )
    with pytest.raises(Forbidden, match=r"approval\.same_person"):
        await db.write(lambda session: amendments.agree(session, asked.id, MINE))
    await db.write(lambda session: amendments.agree(session, asked.id, YOURS))
    poll = await vote.refreshed()
    assert (poll.closes_at, poll.publishes_at, poll.card) == (later, later, vote.poll.card)
    with pytest.raises(Conflict, match=r"approval\.decided"):
        await db.write(lambda session: amendments.agree(session, asked.id, YOURS))
    (said,) = await vote.rows("SELECT words FROM commons_ledger_pending WHERE kind = 'poll.amended'")
    assert "the river rose" in str(said)
    assert str(YOURS) not in str(said)


async def test_a_suspended_vote_waits_and_goes_on(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    for kind, state in ((Kind.SUSPEND, State.SUSPENDED), (Kind.RESUME, State.OPEN)):
        asked = await db.write(lambda s, k=kind: amendments.ask(s, vote.poll.id, k, "an outage", MINE, {}))  # type: ignore[misc]
        poll = await db.write(lambda session, a=asked: amendments.agree(session, a.id, YOURS))  # type: ignore[misc]
        assert poll.state is state
        async with db.reading() as session:
            due = await find_due(session, poll.closes_at - DAY)
        assert [each.id for each in due] == ([] if state is State.SUSPENDED else [poll.id])
    assert poll.closes_at >= vote.poll.closes_at
    assert poll.suspended_at is None


async def test_one_officer_alone_agrees_only_where_the_card_says_so(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path, single_handed=True)
    asked = await db.write(lambda s: amendments.ask(s, vote.poll.id, Kind.SUSPEND, "an outage", MINE, {}))
    assert (await db.write(lambda session: amendments.agree(session, asked.id, MINE))).state is State.SUSPENDED
    assert vote.poll.card is not None
    assert vote.poll.card["single_handed"] is True


async def test_a_refused_change_changes_nothing(db: Database, tmp_path: Path) -> None:
    vote = await open_vote(db, tmp_path)
    asked = await db.write(lambda s: amendments.ask(s, vote.poll.id, Kind.ANNUL, "a mistake", MINE, {}))
    await db.write(lambda session: amendments.refuse(session, asked.id, YOURS))
    with pytest.raises(Conflict, match=r"approval\.decided"):
        await db.write(lambda session: amendments.agree(session, asked.id, YOURS))
    assert (await vote.refreshed()).state is State.OPEN
    async with db.reading() as session:
        assert [each.waits for each in await find_amendments(session, vote.poll.id)] == [False]
