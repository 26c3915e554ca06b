"""Publishing the result of a sealed vote: what lies in the opened box is counted, released by rule, and noted."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots import opening
from ballots.counting.registry import count
from ballots.counting.types import Outcome
from ballots.store import get_box, get_list, lines_of
from ballots.tables import Box, Step
from commons.canonical import readable
from commons.clock import now
from commons.errors import Conflict, NotFound
from commons.ledger.reading import prove
from commons.organisations.tables import Organisation
from polls.rulecard import VoteCard, utc_text
from polls.store import find_amendments, get_poll, hold_poll
from polls.tables import Amendment, Poll
from results import store, vote_archive
from results.publication import note_published
from results.release import Release, decide
from results.tables import Result
from results.vote_archive import BOX, ROLL, TOOK_PART, Change, Minutes

LISTS = {BOX: "box", ROLL: "roll", TOOK_PART: "took_part"}
"""The public lists: file -> name of the list."""


@dataclass(frozen=True)
class PreparedVote:
    """A sealed vote that was counted, ready to be published: its card, minutes and files, and the count for the page.

    count: as much of it as is released, its places, the number of ballots in the box, and the minutes.
    """

    poll_id: UUID
    card: VoteCard
    minutes: Minutes
    held_on: date
    files: Mapping[str, bytes]
    count: Mapping[str, Any]


async def prepare_vote(session: AsyncSession, poll_id: UUID) -> PreparedVote:
    """Read and count a box that was opened, or stays shut; writes nothing.

    Raises: NotFound; Conflict "box.not_opened", "box.too_early", "box.not_in_checkpoint", "box.deleted".
    Cost:   the count, beside the event loop; O(length of the log) for the proof.
    """
    poll, box = await get_poll(session, poll_id), await get_box(session, poll_id)
    if box.deleted_at is not None:
        raise Conflict("box.deleted")
    if await now(session) < max(poll.publishes_at, poll.closes_at):
        raise Conflict("box.too_early")
    if (organisation := await session.get(Organisation, poll.organisation_id)) is None:
        raise NotFound("organisation.none")
    card = VoteCard.from_json(poll.card)
    outcome = None
    if box.step is not Step.UNOPENED:
        profile = await opening.profile_of(session, poll_id)
        outcome = await asyncio.to_thread(count, card.rule, profile)
    minutes = await _gather_minutes(session, poll, box, decide(outcome))
    listed = await get_list(session, poll_id, "box")
    position = await opening.find_sealed(session, poll, listed)
    sealed = readable(await prove(session, position, earliest=True))  # signed before anyone could open the box
    lists = {file: lines_of(await get_list(session, poll_id, name)) for file, name in LISTS.items()}
    files = await asyncio.to_thread(vote_archive.build, card, minutes, lists, sealed, outcome)
    held_on = poll.closes_at.astimezone(ZoneInfo(organisation.zone)).date()
    return PreparedVote(poll_id, card, minutes, held_on, files, _count_for_page(card, minutes, outcome))


async def publish_vote(session: AsyncSession, prepared: PreparedVote) -> Result:
    """Publish a counted vote with its files and a line in the ledger. May be run again; it is published once.

    Returns: the result; its address is the vote's, with a number where another result has that one.
    Raises:  NotFound; Conflict "vote.changed_meanwhile" when the minutes are no longer true: prepare it again;
             "poll.change", "box.not_opened", "box.too_early", "result.taken".
    """
    poll = await hold_poll(session, prepared.poll_id)
    if (published := await store.find_of_poll(session, poll.id)) is not None:
        return published
    box = await get_box(session, poll.id)
    if await _gather_minutes(session, poll, box, prepared.minutes.release) != prepared.minutes:
        raise Conflict("vote.changed_meanwhile")
    await opening.publish(session, poll.id)
    result = Result(
        organisation_id=poll.organisation_id,
        slug=await store.find_free_slug(session, poll.slug),
        titles=dict(poll.titles),
        poll_id=poll.id,
        source_name="",
        source_url="",
        held_on=prepared.held_on,
        card=prepared.card.as_json(),
        count=dict(prepared.count),
        published_at=await now(session),
    )
    await store.add_result(session, result, dict(prepared.files))
    await note_published(session, result, prepared.files)
    return result


async def _gather_minutes(session: AsyncSession, poll: Poll, box: Box, release: Release) -> Minutes:
    """Write down what became of a vote."""
    sizes = {name: (await get_list(session, poll.id, name)).size for name in LISTS.values()}
    return Minutes(
        poll_id=poll.id,
        address=poll.slug,
        card=poll.card_hash,
        opened_at=poll.opened_at or poll.planned_opens_at,
        closes_at=poll.closes_at,
        publishes_at=poll.publishes_at,
        roll=sizes["roll"],
        took_part=sizes["took_part"],
        box=sizes["box"],
        set_aside=box.set_aside,
        unreadable=box.unreadable,
        urn=box.urn_hash,
        opened=box.opened_hash,
        amendments=tuple(_change(each) for each in await find_amendments(session, poll.id) if each.agreed_at),
        release=release,
        paper=box.paper,
    )


def _change(amendment: Amendment) -> Change:
    """Tell an amendment without the people."""
    return Change(
        kind=amendment.kind.value,
        reason=amendment.reason,
        time=amendment.values.get("time", ""),
        asked_at=utc_text(amendment.asked_at),
        agreed_at="" if amendment.agreed_at is None else utc_text(amendment.agreed_at),
    )


def _count_for_page(card: VoteCard, minutes: Minutes, outcome: Outcome | None) -> dict[str, Any]:
    """Put together what the page tells; nothing in it is not in the files as well."""
    told: dict[str, Any] = {"options": list(card.names), "order": [], "winners": []}
    if outcome is not None:
        told = vote_archive.released(outcome, minutes.release.plan)
    places = [place._asdict() for place in vote_archive.find_places(told["order"])]
    return told | {"ballots": minutes.box, "places": places, "minutes": minutes.as_json()}
