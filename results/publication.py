"""Publishing a result: ballots that others have published are counted, put into an archive, and noted in the ledger."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.formats.reading import read_contest
from commons.canonical import readable
from commons.clock import now
from commons.errors import Conflict, Invalid
from commons.ids import slug_of
from commons.ledger.reading import prove
from commons.ledger.sequence import append
from commons.tables import text_in
from polls.rulecard import RuleCard
from results import archive, comparing, store
from results.bringing import find_seats, pile_of
from results.standings import find_standings
from results.tables import Result, ResultFile

LONGEST_REASON = 1000
WITHDRAWAL = "result.withdraw"
"""The act that two people take a result back by, as `commons.approvals` names it."""
MOST_PROOFS = 20


@dataclass(frozen=True)
class Prepared:
    """A vote that was read and counted, ready to be published: its card, its files, and the count with its places."""

    card: RuleCard
    files: Mapping[str, bytes]
    count: Mapping[str, Any]


def prepare_import(
    *,
    titles: Mapping[str, str],
    source_name: str,
    source_url: str,
    held_on: date | str,
    rule: str,
    ballots_public: bool,
    data: bytes,
    filename: str,
    today: date,
    questions: Mapping[str, str] | None = None,
    seats: str = "",
) -> Prepared:
    """Read and count a vote that was held elsewhere. No database: nothing waits while this takes its time.

    titles, questions: language code -> text, as typed.
    held_on:           a date, or text such as "2007-04-07".
    ballots_public:    somebody confirmed that the source itself has published the ballots. Without that, ballots never
                       leave the house: a full ranking can be as telling as a signature.
    data, filename:    the ballots as `ballots.formats.reading` reads them; filename only tells the format.
    seats:             how many were to be elected, as typed; "" = as the file says. Only for rules that fill seats.
    Raises:            Invalid with the form field that is wrong ("sheet" for the ballots, "rule" where they do not
                       fit).
    Cost:              a count by each rule that the ballots allow.
    """
    if not ballots_public:
        raise Invalid("result.ballots_not_public", field="ballots_public")
    try:
        contest = read_contest(data, filename)
    except Invalid as fault:
        fault.field = "sheet"
        raise
    pile = pile_of(rule, contest)
    card = RuleCard.brought_in(
        titles=titles,
        questions=questions or {},
        rule=rule,
        source_name=source_name,
        source_url=source_url,
        held_on=_day(held_on),
        today=today,
        options=pile.options,
        implicit=contest.rankings is None or contest.rankings.implicit,
        seats=find_seats(rule, contest, seats),
    )
    try:
        files = archive.build(card, pile)
    except Invalid as fault:
        fault.field = "rule"
        raise
    outcome = json.loads(files[archive.RESULT])
    counted = archive.contest_of(card, pile)
    places = [{"place": each.place, "option": each.option, **each.figures}
              for each in find_standings(rule, counted, outcome["order"], outcome["certificate"])]  # fmt: skip
    told = {"places": places, "grades": archive.grades_of(counted), "rules": comparing.order_by_all(card, counted)}
    return Prepared(card, files, outcome | told)


async def publish(session: AsyncSession, organisation_id: UUID, prepared: Prepared) -> Result:
    """Publish a counted vote, with its files and a line in the ledger; its address is spelled from the title.

    Raises: Conflict "result.taken".
    """
    card, files = prepared.card, dict(prepared.files)
    result = Result(
        organisation_id=organisation_id,
        slug=slug_of(text_in(card.titles, "en")),
        titles=dict(card.titles),
        source_name=card.source_name,
        source_url=card.source_url,
        held_on=card.held_on,
        card=card.as_json(),
        count=dict(prepared.count),
        published_at=await now(session),
    )
    await store.add_result(session, result, files)
    await note_published(session, result, files)
    return result


async def note_published(session: AsyncSession, result: Result, files: Mapping[str, bytes]) -> None:
    """Say in the ledger that a result is published, with the hash that holds every file of it."""
    words: dict[str, str | int] = {"result": result.slug, "sums": archive.sha256(files[archive.SUMS])}
    await append(session, "result.published", words, subject=f"results/{result.slug}")


async def withdraw(session: AsyncSession, result: Result, reason: str) -> None:
    """Take a result back: its page then says when and why, its files are kept but no longer given out.

    reason: the public reads it, in the ledger too: no person's name in it.
    Raises: Invalid without a reason, or for one that is too long; Conflict "result.withdrawn" for the second time.
    """
    if not (reason := reason.strip()):
        raise Invalid("reason.missing", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("text.too_long", field="reason", limit=LONGEST_REASON, found=len(reason))
    result = await store.lock_result(session, result.id)
    if result.withdrawn_at is not None:
        raise Conflict("result.withdrawn")
    result.withdrawn_at, result.withdrawn_because = await now(session), reason
    session.add(result)
    words: dict[str, str | int] = {"result": result.slug, "reason": reason}
    await append(session, "result.withdrawn", words, subject=f"results/{result.slug}")


async def add_proofs(session: AsyncSession, most: int = MOST_PROOFS) -> int:
    """Give each published result that has its place in the ledger the proof of it, as one more file.

    Returns: how many got theirs, at most `most`; the ledger's job calls again.
    Cost:    O(length of the log) for each.
    """
    unproven = await store.find_unproven(session, most)
    for result_id, position in unproven:
        proof = readable(await prove(session, position))
        session.add(ResultFile(result_id=result_id, name=archive.LEDGER, data=proof))
    await session.flush()
    return len(unproven)


def _day(held_on: date | str) -> date:
    if isinstance(held_on, date):
        return held_on
    try:
        return date.fromisoformat(held_on.strip())
    except ValueError:
        raise Invalid("date.malformed", field="held_on") from None
