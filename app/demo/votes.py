"""The town's votes: a roll of 500 invented people; two votes open, one closing soon, two published within a minute.

Everything goes through the services that a real vote goes through. The two custodians are folders on this machine, and
the demonstration proves and confirms for them: that is a show, and their names say so.
"""

import json
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roles.store import find_holders
from app.accounts.roll.codes import read_code
from app.accounts.roll.freezing import roll_lines
from app.accounts.roll.importing import Entry
from app.accounts.roll.store import add_lines, add_roll, find_voter, issue_codes
from app.house import House
from app.jobs.store import enqueue
from app.security import Role
from ballots.answers import order_of
from ballots.casting import cast
from ballots.files import keep
from ballots.keys import Keys, confirm_destroyed, new_custodian, prove, public_of
from ballots.preparing import accept_destruction, accept_proof, agree_to_open, lock, register_custodian, start
from ballots.store import find_custody
from commons.clock import now
from commons.services.store import find_services
from commons.services.tables import Service
from commons.tables import Texts
from polls.drafting import Plan, draft, option_of
from polls.kinds import GRADES, Kind, Paper
from polls.lifecycle import State
from polls.store import find_polls, get_poll

VOTERS = 500
AT_ONCE = 100
FREE_CODES = 12
SEED_FILE = "custodian.key"  # as `khma keys` names it
CUSTODIANS = {
    "archive": {
        "en": "City archive (demonstration)",
        "fr": "Archives de la ville (démonstration)",
        "ka": "ქალაქის არქივი (დემონსტრაცია)",
        "ar": "أرشيف المدينة (عرض)",
    },
    "notary": {
        "en": "Notary (demonstration)",
        "fr": "Notaire (démonstration)",
        "ka": "ნოტარიუსი (დემონსტრაცია)",
        "ar": "كاتب العدل (عرض)",
    },
}
ROLL = {
    "en": "Residents of Vardisi, invented",
    "fr": "Habitants de Vardisi, inventés",
    "ka": "ვარდისის მცხოვრებლები, გამოგონილი",
    "ar": "سكان فارديسي، متخيلون",
}
FIRST = (
    "Nino",
    "Giorgi",
    "Mariam",
    "Luka",
    "Ana",
    "Davit",
    "Tamar",
    "Irakli",
    "Eka",
    "Levan",
    "Maia",
    "Sandro",
    "Keti",
)
LAST = ("Beridze", "Kapanadze", "Lomidze", "Gelashvili", "Tsiklauri", "Abashidze", "Khutsishvili", "Mchedlidze")
OBJECTIONS = {
    "en": "At the Public Service Hall, in writing",
    "fr": "À la Maison des services publics, par écrit",
    "ka": "საჯარო სერვისების სახლში, წერილობით",
    "ar": "في دار الخدمات العامة، كتابةً",
}


@dataclass(frozen=True)
class Question:
    """One vote of the town: how many of the catalogue's services it asks about, when it closes, how many have voted.

    rule, terms, costs: as `polls.drafting.Plan` has them.
    """

    name: str
    titles: Texts
    questions: Texts
    services: slice
    closes_after: timedelta
    voted: int
    rule: str = "schulze"
    terms: dict[str, int] = field(default_factory=dict)
    costs: tuple[int, ...] = ()


ORDER = {
    "en": "Put the services in your order.",
    "fr": "Classez les services dans votre ordre.",
    "ka": "დაალაგეთ სერვისები თქვენი რიგით.",
    "ar": "رتّب الخدمات كما تراه.",
}
DONE = Question(
    "published",
    {
        "en": "Which services should come first this winter?",
        "fr": "Quels services d’abord cet hiver ?",
        "ka": "რომელი სერვისები იყოს პირველი ამ ზამთარს?",
        "ar": "أي الخدمات تأتي أولاً هذا الشتاء؟",
    },
    ORDER,
    slice(0, 7),
    timedelta(seconds=30),
    164,
)
SOON = Question(
    "closing soon",
    {
        "en": "What should the Hall do for families first?",
        "fr": "Que faire d’abord pour les familles ?",
        "ka": "რა გაკეთდეს პირველად ოჯახებისთვის?",
        "ar": "ماذا نفعل أولاً للعائلات؟",
    },
    ORDER,
    slice(7, 12),
    timedelta(minutes=10),
    41,
)
OPEN = Question(
    "open",
    {
        "en": "Which services should open first?",
        "fr": "Quels services ouvrir d’abord ?",
        "ka": "რომელი სერვისები გაიხსნას პირველად?",
        "ar": "أي الخدمات تُفتح أولاً؟",
    },
    ORDER,
    slice(0, 12),
    timedelta(days=6),
    82,
)
GRADED = Question(
    "graded",
    {
        "en": "How good are these services of the Hall?",
        "fr": "Que valent ces services de la Maison ?",
        "ka": "რამდენად კარგია სახლის ეს სერვისები?",
        "ar": "ما مدى جودة خدمات الدار هذه؟",
    },
    {
        "en": "Give each service a grade.",
        "fr": "Donnez une mention à chaque service.",
        "ka": "შეაფასეთ თითოეული სერვისი.",
        "ar": "أعطِ كل خدمة تقديراً.",
    },
    slice(0, 5),
    timedelta(seconds=30),
    180,
    "majority-judgment",
)
BUDGET = Question(
    "budget",
    {
        "en": "What should the Hall spend 100,000 on?",
        "fr": "À quoi la Maison doit-elle dépenser 100 000 ?",
        "ka": "რაში დახარჯოს სახლმა 100 000?",
        "ar": "فيمَ تنفق الدار 100000؟",
    },
    {
        "en": "Say yes to what you want; together it must fit the money.",
        "fr": "Dites oui à ce que vous voulez ; le tout doit tenir dans la somme.",
        "ka": "უთხარით „კი“ იმას, რაც გსურთ; ერთად თანხაში უნდა ჩაეტიოს.",
        "ar": "قل نعم لما تريد، على أن يكفيه المال كله.",
    },
    slice(0, 8),
    timedelta(days=5),
    60,
    "equal-shares",
    {"budget": 100_000},
    (18_000, 9_500, 32_000, 14_000, 41_000, 6_000, 12_500, 27_000),
)
CHECK = Question(
    "check",
    {"en": "A short vote that checks the house", "fr": "Un vote court qui vérifie la maison"},
    ORDER,
    slice(0, 4),
    timedelta(seconds=25),
    0,
)


class Free(TypedDict):
    """The address of a vote, and codes of people who have not voted in it."""

    vote: str
    codes: list[str]


async def ask_votes(house: House, organisation_id: UUID, questions: Sequence[Question]) -> dict[str, Free]:
    """Hold some votes in the town. Returns for each, by name, twelve codes to try.

    Cost: about two seconds.
    """
    await _appoint_custodians(house, organisation_id)
    roll_id, codes = await house.db.write(lambda session: _make_roll(session, organisation_id))
    free: dict[str, Free] = {}
    for question in questions:
        poll_id, slug = await _ask(house, organisation_id, roll_id, question)
        for at in range(0, question.voted, AT_ONCE):
            some = codes[at : min(at + AT_ONCE, question.voted)]
            await house.db.write(lambda session, p=poll_id, s=some, q=question: _cast_all(session, house, p, s, q))  # type: ignore[misc]
        free[question.name] = {"vote": slug, "codes": codes[question.voted : question.voted + FREE_CODES]}
    await house.db.write(lambda session: enqueue(session, "ledger.sequence"))
    return free


async def keep_custody(house: House) -> None:
    """Do what the two custodians of a demonstration do: prove that their copies open, confirm that none is left."""
    keys, seeds = Keys(house.config.keys), _seeds(house.config.data)
    async with house.db.reading() as session:
        polls = await find_polls(session, State.LOCKED, State.CLOSED, State.PUBLISHED, State.ANNULLED)
        custodies = [(poll, each, who) for poll in polls for each, who in await find_custody(session, poll.id)]
    for poll, custody, custodian in custodies:
        if (seed := seeds.get(custodian.public)) is None:
            continue
        if poll.state is State.LOCKED and custody.proved_at is None:
            proof = prove(seed, poll.id, keys.copies(poll.id, custodian.id))
            await house.db.write(lambda s, p=poll, c=custodian, w=proof: accept_proof(s, keys, p.id, c.id, w))  # type: ignore[misc]
        elif poll.state is not State.LOCKED and custody.destroyed_at is None:
            line = confirm_destroyed(seed, poll.id)
            await house.db.write(lambda s, p=poll, c=custodian, w=line: accept_destruction(s, p.id, c.id, w))  # type: ignore[misc]
            await house.db.write(lambda session: enqueue(session, "ledger.sequence"))


def keep_codes(folder: Path, codes: dict[str, Free]) -> None:
    """Keep the codes for trying where only this user reads them."""
    path = folder / "codes.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(codes, indent=1) + "\n", "utf-8")


async def _appoint_custodians(house: House, organisation_id: UUID) -> None:
    for name, functions in CUSTODIANS.items():
        seed, public = new_custodian()
        folder = house.config.data / "custodians" / name
        keep(folder / SEED_FILE, seed)
        await house.db.write(lambda s, f=functions, p=public: register_custodian(s, organisation_id, f, p))  # type: ignore[misc]


def _seeds(folder: Path) -> dict[bytes, bytes]:
    seeds = [path.read_bytes() for path in (folder / "custodians").glob(f"*/{SEED_FILE}")]
    return {public_of(seed): seed for seed in seeds}


async def _make_roll(session: AsyncSession, organisation_id: UUID) -> tuple[UUID, list[str]]:
    roll = await add_roll(session, organisation_id, ROLL)
    people = [f"{first} {last}" for first in FIRST for last in LAST]
    lines = [Entry(f"V-{number:04}", people[number % len(people)]) for number in range(1, VOTERS + 1)]
    await add_lines(session, roll.id, lines)
    codes = [code for _, code in await issue_codes(session, roll.id, most=VOTERS)]
    return roll.id, codes


async def _ask(house: House, organisation_id: UUID, roll_id: UUID, question: Question) -> tuple[UUID, str]:
    """Draft, lock, prove and open one vote. Returns its id and its address."""
    keys = Keys(house.config.keys)

    async def begin(session: AsyncSession) -> UUID:
        moment = await now(session)
        services = (await find_services(session, organisation_id, "en")).services
        return (await draft(session, organisation_id, _plan(question, services, roll_id, moment))).id

    poll_id = await house.db.write(begin)
    opener = keys.make_opener(poll_id)

    async def lock_it(session: AsyncSession) -> None:
        first, second, *_ = sorted(await find_holders(session, Role.MANAGER))
        await lock(session, keys, poll_id, by=first, opener="key file", sealing_key=opener)
        await agree_to_open(session, poll_id, second)

    await house.db.write(lock_it)
    await keep_custody(house)

    async def open_it(session: AsyncSession) -> str:
        return (await start(session, keys, poll_id, await roll_lines(session, roll_id))).slug

    return poll_id, await house.db.write(open_it)


def _plan(question: Question, services: Sequence[Service], roll_id: UUID, moment: datetime) -> Plan:
    options = [option_of(service) for service in services[question.services]]
    closes_at = moment + question.closes_after
    return Plan(
        titles=question.titles,
        questions=question.questions,
        options=options,
        opens_at=moment - timedelta(seconds=1),
        closes_at=closes_at,
        publishes_at=closes_at,
        objections=OBJECTIONS,
        objections_until=closes_at + timedelta(days=14),
        most_ranked=min(5, len(options)),
        rule=question.rule,
        terms=question.terms,
        costs=question.costs,
        roll_id=roll_id,
    )


async def _cast_all(
    session: AsyncSession, house: House, poll_id: UUID, codes: Sequence[str], question: Question
) -> None:
    """Let some people vote, each by their own liking: a taste that many share, and a mind of one's own."""
    keys, poll = Keys(house.config.keys), await get_poll(session, poll_id)
    chance = random.Random(f"{question.name} {codes[0]}")  # noqa: S311 - invented opinions
    for code in codes:
        voter = await find_voter(session, read_code(code))
        liking = {option: 0.12 * place + chance.random() for place, option in enumerate(poll.option_ids)}
        said = _answer(poll.paper, liking, chance)
        key = secrets.token_bytes(16)
        numbers = [said.get(option, 0) for option in order_of(poll.option_ids, key)]
        await cast(session, keys, poll_id, numbers, voter.facts(None), keys.tag(poll_id, voter.line), key, None)


def _answer(paper: Paper, liking: Mapping[int, float], chance: random.Random) -> dict[int, int]:
    """Fill a ballot in: a number for each option that is not left out. liking: option -> the less the better."""
    order = sorted(paper.options, key=lambda option: liking[option])
    if paper.kind is Kind.GRADES:
        return {option: max(1, GRADES - int(4 * liking[option])) for option in order}
    if paper.kind is Kind.RANKING:
        return {option: place for place, option in enumerate(order[: chance.randint(1, paper.highest)], start=1)}
    cost, left, chosen = dict(zip(paper.options, paper.costs, strict=True)), paper.most or 0, dict[int, int]()
    for option in order:
        if cost[option] <= left:
            chosen[option], left = 1, left - cost[option]
    return chosen
