"""Writing a vote: what is asked, of which options, when; until it is locked everything can still be changed."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from commons.errors import Conflict, Invalid
from commons.ids import slug_of
from commons.organisations.tables import Organisation
from commons.services.tables import Service
from commons.tables import text_in
from polls.eligibility.rules import read_rule, write_rule
from polls.kinds import MOST_RANKED_EVER, RULES, Kind, check_cost, check_terms
from polls.lifecycle import State
from polls.rulecard import LONGEST_QUESTION, LONGEST_TITLE
from polls.store import add_poll, find_repeat, hold_poll
from polls.tables import MOST_RANKED, Poll
from polls.votecard import OPENERS, CardOption, VoteCard

MOST_OPTIONS = 200
LONGEST_NAME = 120
LONGEST_NOTE = 500
REPEATED = "again"
RESERVED = {"new", "screen"}
"""Addresses that stand for something else."""


@dataclass(frozen=True)
class Plan:
    """What a manager typed. Texts and names: language code -> text; moments in UTC.

    open_to_all:  instead of a roll, everybody with a confirmed address, once; such a vote is never binding.
    eligibility:  who of the roll may vote, as `polls.eligibility.rules.write_rule` writes it; None: all.
    options:      each either typed (names) or a service of the catalogue, as (names, address of the service or "").
    costs:        what each option costs, in whole units of money, where the rule spends a budget.
    terms:        what the rule is given besides (`polls.kinds.check_terms`).
    publishes_at: never before closes_at.
    """

    titles: Mapping[str, str]
    questions: Mapping[str, str]
    options: Sequence[tuple[Mapping[str, str], str]]
    opens_at: datetime
    closes_at: datetime
    publishes_at: datetime
    objections: Mapping[str, str]
    objections_until: datetime
    legal_basis: Mapping[str, str] = field(default_factory=dict)
    most_ranked: int = MOST_RANKED
    rule: str = "schulze"
    terms: Mapping[str, Any] = field(default_factory=dict)
    costs: Sequence[int | None] = ()
    binding: bool = False
    single_handed: bool = False
    repeats: UUID | None = None
    roll_id: UUID | None = None
    open_to_all: bool = False
    eligibility: Mapping[str, Any] | None = None


def option_of(service: Service) -> tuple[Mapping[str, str], str]:
    """Make an option of a service in the catalogue: its names as they are now."""
    return service.names, service.slug


async def draft(session: AsyncSession, organisation_id: UUID, plan: Plan) -> Poll:
    """Write a new vote down; its address is made from its first title.

    Raises: Invalid with the field's name; Conflict "poll.taken".
    """
    poll = Poll(organisation_id=organisation_id, slug="", **_checked(plan))
    poll.slug = slug_of(text_in(poll.titles, "en"))
    if poll.slug in RESERVED:
        raise Conflict("poll.taken", field="title_en", slug=poll.slug)
    await add_poll(session, poll)
    return poll


async def repeat(session: AsyncSession, poll_id: UUID, opens_at: datetime) -> Poll:
    """Write a draft that repeats an annulled vote: the same question and options, as long, from another day on.

    It names the vote it repeats, and gets keys of its own when it is locked.

    Raises: NotFound; Conflict "poll.not_annulled", or "poll.repeated" when there is one already.
    """
    first = await hold_poll(session, poll_id)
    if first.state is not State.ANNULLED:
        raise Conflict("poll.not_annulled")
    if await find_repeat(session, poll_id) is not None:
        raise Conflict("poll.repeated")
    later = opens_at - first.planned_opens_at
    plan = Plan(
        titles=first.titles,
        questions=first.questions,
        options=[(each["names"], each["service"]) for each in first.options],
        opens_at=opens_at,
        closes_at=first.planned_closes_at + later,
        publishes_at=first.planned_publishes_at + later,
        objections=first.objections,
        objections_until=first.objections_until + later,
        legal_basis=first.legal_basis,
        most_ranked=first.most_ranked,
        rule=first.rule,
        terms=first.terms,
        costs=[each.get("cost") for each in first.options],
        binding=first.binding,
        single_handed=first.single_handed,
        repeats=first.id,
        roll_id=first.roll_id,
        open_to_all=first.open_to_all,
        eligibility=first.eligibility,
    )
    poll = Poll(organisation_id=first.organisation_id, slug=f"{first.slug}-{REPEATED}", **_checked(plan))
    await add_poll(session, poll)
    return poll


async def revise(session: AsyncSession, poll_id: UUID, plan: Plan) -> Poll:
    """Write a draft anew; its address stays. Raises as `draft`; Conflict "poll.frozen" once it is locked."""
    poll = await hold_poll(session, poll_id)
    if poll.state is not State.DRAFT:
        raise Conflict("poll.frozen")
    for name, value in _checked(plan).items():
        setattr(poll, name, value)
    session.add(poll)
    await session.flush()
    return poll


def card_of(poll: Poll, organiser: Organisation, opener: str, sealing_key: bytes, receipt_key: bytes) -> VoteCard:
    """Make the rule card of a vote as it stands; before locking it is a preview, with empty keys."""
    if opener not in OPENERS:
        raise ValueError(f"nobody opens by {opener!r}")
    return VoteCard(
        poll_id=poll.id,
        titles=poll.titles,
        questions=poll.questions,
        organiser=organiser.names,
        options=tuple(
            CardOption(each["id"], each["names"], each["service"], each.get("cost")) for each in poll.options
        ),
        most_ranked=poll.most_ranked,
        rule=poll.rule,
        terms=poll.terms,
        binding=poll.binding,
        legal_basis=poll.legal_basis,
        objections=poll.objections,
        objections_until=poll.objections_until,
        opens_at=poll.planned_opens_at,
        closes_at=poll.planned_closes_at,
        publishes_at=poll.planned_publishes_at,
        opener=opener,
        sealing_key=sealing_key.hex(),
        receipt_key=receipt_key.hex(),
        single_handed=poll.single_handed,
        repeats=poll.repeats,
        open_to_all=poll.open_to_all,
        eligibility=poll.eligibility,
    )


def _checked(plan: Plan) -> dict[str, Any]:
    """Check a plan and return it as columns."""
    titles = _texts("title", plan.titles, LONGEST_TITLE)
    if not titles:
        raise Invalid("text.missing", field="title_en")
    options: list[dict[str, Any]] = [
        {"id": number, "names": _texts(f"option_{number}", names, LONGEST_NAME), "service": service}
        for number, (names, service) in enumerate(plan.options, start=1)
    ]
    _check_options(options)
    if plan.rule not in RULES:
        raise Invalid("count.unknown_rule", field="rule", name=plan.rule, known=", ".join(sorted(RULES)))
    terms = check_terms(plan.rule, plan.terms, len(options))
    if RULES[plan.rule].kind is Kind.BUDGET:
        for number, option in enumerate(options, start=1):
            cost = plan.costs[number - 1] if number <= len(plan.costs) else None
            option["cost"] = check_cost(cost, f"cost_{number}")
    if not 1 <= plan.most_ranked <= min(MOST_RANKED_EVER, len(options)):
        most = min(MOST_RANKED_EVER, len(options))
        raise Invalid("poll.most_ranked", field="most_ranked", limit=most, found=plan.most_ranked)
    if plan.open_to_all and plan.binding:
        raise Invalid("poll.open_binding", field="effect")
    if plan.open_to_all and plan.eligibility is not None:
        raise Invalid("rule.without_roll", field="roll")
    for name, earlier, later, equal in (
        ("closes_at", plan.opens_at, plan.closes_at, False),
        ("publishes_at", plan.closes_at, plan.publishes_at, True),
        ("objections_until", plan.publishes_at, plan.objections_until, True),
    ):
        if later < earlier or (later == earlier and not equal):
            raise Invalid("time.order", field=name)
    return {
        "titles": titles,
        "questions": _texts("question", plan.questions, LONGEST_QUESTION),
        "options": options,
        "most_ranked": plan.most_ranked,
        "rule": plan.rule,
        "terms": terms,
        "binding": plan.binding,
        "legal_basis": _texts("legal_basis", plan.legal_basis, LONGEST_NOTE),
        "objections": _texts("objections", plan.objections, LONGEST_NOTE),
        "objections_until": plan.objections_until,
        "single_handed": plan.single_handed,
        "repeats": plan.repeats,
        "roll_id": None if plan.open_to_all else plan.roll_id,  # its own is made when it is locked
        "open_to_all": plan.open_to_all,
        "eligibility": None if plan.eligibility is None else write_rule(read_rule(plan.eligibility)),
        "planned_opens_at": plan.opens_at,
        "planned_closes_at": plan.closes_at,
        "planned_publishes_at": plan.publishes_at,
        "closes_at": plan.closes_at,
        "publishes_at": plan.publishes_at,
    }


def _check_options(options: Sequence[Mapping[str, Any]]) -> None:
    """Check that there is something to choose from, and that no two options look alike in any language."""
    if len(options) < 2:
        raise Invalid("options.too_few", field="options", limit=2, found=len(options))
    if len(options) > MOST_OPTIONS:
        raise Invalid("options.too_many", field="options", limit=MOST_OPTIONS, found=len(options))
    for number, option in enumerate(options, start=1):
        if not option["names"]:
            raise Invalid("text.missing", field=f"option_{number}")
        for language, name in option["names"].items():
            if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in name):
                raise Invalid("text.control_sign", field=f"option_{number}_{language}")
    for language in sorted({language for option in options for language in option["names"]}):
        seen: dict[str, int] = {}
        for number, option in enumerate(options, start=1):
            name = text_in(option["names"], language)  # as a page in that language will show it
            if (other := seen.setdefault(name.casefold(), number)) != number:
                raise Invalid(
                    "options.same_name",
                    field=f"option_{number}",
                    name=name,
                    other=text_in(options[other - 1]["names"], language),
                )


def _texts(name: str, given: Mapping[str, str], limit: int) -> dict[str, str]:
    texts = {language: text.strip() for language, text in given.items() if text.strip()}
    for language, text in texts.items():
        if len(text) > limit:
            raise Invalid("text.too_long", field=f"{name}_{language}", limit=limit, found=len(text))
    return texts
