"""Publishing the result of a sealed vote: what lies in the opened box is counted, released by rule, and noted."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots import opening
from ballots.counting.contest import Contest
from ballots.counting.registry import count
from ballots.counting.types import Outcome
from ballots.looking_up import ROOTS
from ballots.store import all_patterns, get_box, get_list, lines_of
from ballots.tables import Box, Step
from commons.canonical import readable
from commons.checkpoint import read_unsigned
from commons.clock import now
from commons.errors import Conflict, NotFound
from commons.ledger.lines import Line
from commons.ledger.reading import find_all_signed, prove, prove_all
from commons.organisations.tables import Organisation
from polls.kinds import Kind
from polls.store import find_amendments, get_poll, hold_poll
from polls.tables import Amendment, Poll
from polls.votecard import VoteCard, utc_text
from results import store, vote_archive
from results.figures import FORMS, UNTOLD, Figures, gathered
from results.publication import note_published
from results.release import Plan, Release, decide, told_blank
from results.tables import Result
from results.vote_archive import BOX, ROLL, ROLL_CHANGED, ROLL_PROOF, SEALED, TOOK_PART, Change, Minutes

LISTS = {BOX: "box", ROLL: "roll", TOOK_PART: "took_part"}
"""The public lists: file -> name of the list."""

ON_ROLL = (*ROOTS.values(), ROLL_CHANGED)
"""The kinds of ledger lines that say who might vote and who did."""


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

    Raises: NotFound; Conflict "box.not_opened", "box.too_early", "box.not_in_checkpoint", "box.deleted",
            "ledger.line_waits" while the log has not taken all that was said about the roll.
    Cost:   the count, beside the event loop; O(length of the log) for each proof.
    """
    poll, box = await get_poll(session, poll_id), await get_box(session, poll_id)
    if box.deleted_at is not None:
        raise Conflict("box.deleted")
    if await now(session) < max(poll.publishes_at, poll.closes_at):
        raise Conflict("box.too_early")
    if (organisation := await session.get(Organisation, poll.organisation_id)) is None:
        raise NotFound("organisation.none")
    card = VoteCard.from_json(poll.card)
    outcome, figures, release = None, None, decide(None, None)
    if box.step is not Step.UNOPENED:
        contest, opened = await opening.contest_of(session, poll_id), await all_patterns(session, poll_id)
        outcome, figures, release = await asyncio.to_thread(_count, card, contest, opened)
    minutes = await _gather_minutes(session, poll, box, release)
    listed = await get_list(session, poll_id, "box")
    position = await opening.find_sealed(session, poll, listed)
    sealed = await prove(session, position, earliest=True)  # signed before anyone could open the box
    said = await _find_said_of_roll(session, poll)
    proven = await prove_all(session, said, since=read_unsigned(sealed["checkpoint"]).size)
    proofs = {SEALED: readable(sealed), ROLL_PROOF: readable(proven)}
    lists = {file: lines_of(await get_list(session, poll_id, name)) for file, name in LISTS.items()}
    files = await asyncio.to_thread(vote_archive.build, card, minutes, lists, proofs, outcome, figures)
    held_on = poll.closes_at.astimezone(ZoneInfo(organisation.zone)).date()
    return PreparedVote(poll_id, card, minutes, held_on, files, _count_for_page(card, minutes, outcome, figures))


def _count(card: VoteCard, contest: Contest, opened: Mapping[bytes, int]) -> tuple[Outcome, Figures | None, Release]:
    """Count opened ballots, and decide what of the count goes out. opened: answer -> how many ballots say it."""
    from results.attack import forces  # noqa: PLC0415 - it brings a large library, which only the worker needs

    outcome = count(card.rule, contest)
    if (form := FORMS.get(card.rule)) is None:
        return outcome, None, decide(outcome, None)
    figures = Figures.of(form, card.paper, card.names, opened)
    if card.paper.kind is Kind.SINGLE:
        figures = gathered(figures, outcome.blank)
    release = decide(outcome, figures)
    if release.plan is Plan.FULL:
        is_told = told_blank(outcome.blank) is not None
        blank = bytes(len(card.names))
        hidden = {answer: number for answer, number in opened.items() if answer != blank or not is_told}
        untold = np.flatnonzero(figures.table.ravel() == UNTOLD).tolist()
        forced = len(untold) == figures.table.size or forces(
            [form], card.paper, hidden, blank_told=is_told, untold=untold
        )
        release = decide(outcome, figures, forced=forced)
    return outcome, figures, release


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


async def _find_said_of_roll(session: AsyncSession, poll: Poll) -> list[Line]:
    """Find what the ledger says of the roll of a vote: its root, that of those who took part, and every change.

    Raises: Conflict "ledger.line_waits"; "roll.not_in_ledger" where no line holds the root of a list.
    """
    said = await find_all_signed(session, ON_ROLL, poll.subject)
    kept = [line for line in said if line.kind == ROLL_CHANGED]
    for name, kind in ROOTS.items():
        listed = await get_list(session, poll.id, name)
        words = {"root": listed.root.hex(), "size": listed.size}
        # A closing that halted and went on leaves an older line of those who took part.
        held = [line for line in said if (line.kind, line.words) == (kind, words)]
        if not held:
            raise Conflict("roll.not_in_ledger")
        kept.append(held[-1])
    return sorted(kept, key=lambda line: line.position)


async def _gather_minutes(session: AsyncSession, poll: Poll, box: Box, release: Release) -> Minutes:
    """Write down what became of a vote."""
    changed = Counter[str]()
    for line in await find_all_signed(session, [ROLL_CHANGED], poll.subject):
        if line.words is not None:
            changed[str(line.words["change"])] += int(line.words["people"])
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
        struck=changed["struck"],
        restored=changed["restored"],
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


def _count_for_page(
    card: VoteCard, minutes: Minutes, outcome: Outcome | None, figures: Figures | None
) -> dict[str, Any]:
    """Put together what the page tells; nothing in it is not in the files as well."""
    told: dict[str, Any] = {"options": list(card.names), "order": [], "winners": []}
    if outcome is not None:
        told = vote_archive.released(card, outcome, figures if minutes.release.plan is Plan.FULL else None)
    places = [place._asdict() for place in vote_archive.find_places(told["order"])]
    return told | {"ballots": minutes.box, "places": places, "minutes": minutes.as_json()}
