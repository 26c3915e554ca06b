"""A vote in a house, with a roll and codes on slips, made through the services; and what its voters' browsers send."""

import html
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import shown
from app.accounts.roll.facts import Kept
from app.accounts.roll.freezing import lines_at_opening
from app.accounts.roll.importing import Entry
from app.accounts.roll.newcomers.store import give_roll
from app.accounts.roll.store import add_lines, add_roll, find_voter, issue_codes
from app.house import House
from app.jobs.schedule import sequence_ledger
from app.jobs.votes import close_vote, tend_votes
from ballots import halting
from ballots.answers import order_of
from ballots.casting import Cast, cast, last_form
from ballots.keys import Keys, new_custodian, prove
from ballots.preparing import accept_proof, register_custodian, start
from ballots.store import find_custodians, find_custody
from commons.clock import now
from commons.organisations.store import get_host
from polls import amendments
from polls.drafting import draft
from polls.lifecycle import Kind, State
from polls.store import get_poll
from polls.tables import Poll
from tests.ballots.voting import plan
from tests.plumbing.clients import HIDDEN, POSITION, RECEIPT
from tests.plumbing.house import Browser
from tests.plumbing.locking import lock_by_two

NAMES = ("Buses", "Parks", "Clinics", "Schools")
REASON = "The river rose."
SELECT = re.compile(r'<select [^>]*name="(position_\d+)".*?</select>', re.DOTALL)
OPTION = re.compile(r'<option value="([^"]*)"( selected)?')
FIRST, SECOND = uuid4(), uuid4()  # two officials
SEEDS: dict[UUID, bytes] = {}  # what the custodians of all towns of this process keep to themselves, by custodian


@dataclass
class HeldVote:
    """A vote and its slips.

    codes: one per line of the roll, in normal form. lines: the ids of those lines, in the same order.
    """

    house: House
    id: UUID
    slug: str
    codes: list[str]
    lines: list[UUID]

    @property
    def keys(self) -> Keys:
        """Its keys, as the pages open them."""
        return Keys(self.house.config.keys)

    @property
    def path(self) -> str:
        """The address of its ballot, in English."""
        return f"/en/votes/{self.slug}"

    async def poll(self) -> Poll:
        """Read its row."""
        async with self.house.db.reading() as session:
            return await get_poll(session, self.id)

    async def cast(self, code: str, ranking: Sequence[int] = (1,)) -> Cast:
        """Vote with a code, past all pages; again with the same one changes the ballot."""
        key = secrets.token_bytes(16)

        async def work(session: AsyncSession) -> Cast:
            poll, voter = await get_poll(session, self.id), await find_voter(session, code)
            tag = self.keys.tag(self.id, voter.line)
            ranks = [ranking.index(n) + 1 if n in ranking else 0 for n in order_of(poll.option_ids, key)]
            after = await last_form(session, self.id, tag)
            return await cast(session, self.keys, self.id, ranks, voter.facts(poll.eligibility), tag, key, after)

        return await self.house.db.write(work)

    async def say(self, code: str, answer: Sequence[int]) -> Cast:
        """Vote with a code by a number for each option, in the order of the card, past all pages."""
        key = secrets.token_bytes(16)

        async def work(session: AsyncSession) -> Cast:
            poll, voter = await get_poll(session, self.id), await find_voter(session, code)
            tag = self.keys.tag(self.id, voter.line)
            said = dict(zip(poll.option_ids, answer, strict=True))
            numbers = [said[option] for option in order_of(poll.option_ids, key)]
            after = await last_form(session, self.id, tag)
            return await cast(session, self.keys, self.id, numbers, voter.facts(poll.eligibility), tag, key, after)

        return await self.house.db.write(work)

    async def let_time_pass(self, **seconds: float) -> None:
        """Move effective times, such as closes_at, to so many seconds from the database's present moment."""
        async with self.house.db.reading() as session:
            moment = await now(session)
        await self.change(**{name: moment + timedelta(seconds=distance) for name, distance in seconds.items()})

    async def change(self, **values: object) -> None:
        """Write into its row, past all services."""

        async def work(session: AsyncSession) -> None:
            poll = await get_poll(session, self.id)
            for name, value in values.items():
                setattr(poll, name, value)
            session.add(poll)

        await self.house.db.write(work)

    async def amend(self, kind: Kind) -> None:
        """Let two people agree to a change that needs no time."""
        asked = await self.house.db.write(lambda session: amendments.ask(session, self.id, kind, REASON, FIRST, {}))
        await self.house.db.write(lambda session: halting.agree(session, self.keys, asked.id, SECOND))

    async def close(self) -> State:
        """Let the closing time pass, and close."""
        await self.let_time_pass(closes_at=-1)
        return await close_vote(self.house, self.keys, await self.poll())

    async def publish(self) -> None:
        """Close, let the day of publication come, and do what the worker does then."""
        await self.close()
        await self.let_time_pass(publishes_at=-1)
        await self.house.db.write(lambda session: sequence_ledger(self.house, session, {}))
        await tend_votes(self.house, {})

    async def bring_into(self, state: State) -> None:
        """Bring an open vote into another state, by the services wherever they lead there."""
        match state:
            case State.SUSPENDED:
                await self.amend(Kind.SUSPEND)
            case State.ANNULLED:
                await self.amend(Kind.ANNUL)
                await halting.end_annulled(self.house.db, self.keys, self.id)
            case State.CLOSING:
                await self.change(state=State.CLOSING)
            case State.HALTED:
                await self.cast(self.codes[0])
                await self.run("DELETE FROM ballots_envelope")
                await self.close()
            case State.CLOSED:
                await self.close()
            case State.PUBLISHED:
                await self.publish()
        assert (await self.poll()).state is state

    async def run(self, statement: str, **values: object) -> None:
        """Do something to the rows of this vote, as somebody with a hold on the database would."""
        ours = f"{statement} {'AND' if ' WHERE ' in statement else 'WHERE'} poll_id = :poll"
        values_of = {"poll": self.id} | values

        async def work(session: AsyncSession) -> None:
            query = sa.text(ours).bindparams(sa.bindparam("poll", type_=sa.Uuid()))
            await (await session.connection()).execute(query, values_of)

        await self.house.db.write(work)


async def hold_vote(
    house: House,
    state: State = State.OPEN,
    *,
    voters: int = 3,
    names: Sequence[str] = NAMES,
    facts: Sequence[Kept | None] = (),
    **changed: object,
) -> HeldVote:
    """Draft, lock, prove and open a vote with a roll of its own, whose lines have a code each; or one open to all.

    state:   where it then stands. facts: what the list tells of its voters, in their order.
    changed: other words of `polls.drafting.Plan`, such as titles or most_ranked.
    """
    keys = Keys(house.config.keys)
    moment = datetime.now(UTC)
    if state is State.LOCKED:
        changed = {"opens_at": moment + timedelta(hours=12)} | changed

    async def make(session: AsyncSession) -> tuple[Poll, list[tuple[UUID, str]]]:
        host = await get_host(session)
        if not await find_custodians(session, host.id):
            for function in ("Archive", "Notary"):
                seed, public = new_custodian()
                SEEDS[await register_custodian(session, host.id, {"en": function}, public)] = seed
        roll = await add_roll(session, host.id, {"en": "Residents"})
        told = dict(enumerate(facts, start=1))
        lines = [Entry(f"{n:04}", f"Voter {n}", facts=told.get(n)) for n in range(1, voters + 1)]
        await add_lines(session, roll.id, lines)
        slips = [(line.id, code) for line, code in await issue_codes(session, roll.id)]
        return await draft(session, host.id, plan(names, **{"roll_id": roll.id} | changed)), slips

    poll, slips = await house.db.write(make)
    vote = HeldVote(house, poll.id, poll.slug, [code for _, code in slips], [line for line, _ in slips])
    if state is State.DRAFT:
        return vote
    opener = keys.make_opener(poll.id)

    async def lock_it(session: AsyncSession) -> None:
        kept = await get_poll(session, poll.id)
        if kept.open_to_all:
            await give_roll(session, kept)
        await lock_by_two(session, keys, poll.id, opener)

    await house.db.write(lock_it)

    async def open_it(session: AsyncSession) -> None:
        for _, custodian in await find_custody(session, poll.id):
            proof = prove(SEEDS[custodian.id], poll.id, keys.copies(poll.id, custodian.id))
            await accept_proof(session, keys, poll.id, custodian.id, proof)
        if state is not State.LOCKED:
            await start(session, keys, poll.id, await lines_at_opening(session, await get_poll(session, poll.id)))

    await house.db.write(open_it)
    if state not in {State.LOCKED, State.OPEN}:
        await vote.bring_into(state)
    return vote


@dataclass
class Sheet:
    """A ballot as a page shows it: all fields its form sends, the name of each position, what is selected.

    fields: by name; what is chosen in it goes in here. offered: what each position's select can send, left out first.
    asks_code: whether the form has a field for the code.
    """

    fields: dict[str, str]
    names: dict[str, str]
    offered: dict[str, list[str]]
    asks_code: bool

    @property
    def chosen(self) -> dict[str, str]:
        """What is selected: name of the option -> two digits, without those left out."""
        return {name: self.fields[key] for key, name in self.names.items() if self.fields[key] != "00"}

    def ranked(self, *names: str, code: str = "", **instead: str) -> dict[str, str]:
        """Fill the form in: these options in this order, a code as it stands on a slip, and what else is to be sent."""
        ranks = {
            key: self.offered[key][names.index(name) + 1 if name in names else 0] for key, name in self.names.items()
        }
        return self.fields | ranks | ({"code": shown(code)} if code else {}) | instead


def sheet_in(page: httpx.Response) -> Sheet:
    """Read the ballot of a page."""
    form = next((part for part in page.text.split("<form ") if 'name="position_1"' in part), None)
    assert form is not None, f"no ballot on the page: {page.status_code}"
    names = {key: html.unescape(name) for key, name in POSITION.findall(form)}
    selects = {found[1]: OPTION.findall(found[0]) for found in SELECT.finditer(form)}
    offered = {key: [value for value, _ in options] for key, options in selects.items()}
    chosen = {
        key: next((value for value, is_it in options if is_it), offered[key][0]) for key, options in selects.items()
    }
    return Sheet(dict(HIDDEN.findall(form)) | chosen, names, offered, 'name="code"' in form)


@dataclass
class Voter:
    """Somebody with a browser, at the ballot of one vote."""

    browser: Browser
    vote: HeldVote

    async def open(self) -> Sheet:
        """Open the ballot."""
        page = await self.browser.get(self.vote.path)
        assert page.status_code == httpx.codes.OK
        return sheet_in(page)

    async def send(self, fields: Mapping[str, str], path: str = "") -> httpx.Response:
        """Send a form as a browser does. path: what follows the vote's address."""
        own = {"Origin": self.browser.town.config.origin, "Sec-Fetch-Site": "same-origin"}
        return await self.browser.http.post(self.vote.path + path, data=dict(fields), headers=own)

    async def cast(self, *names: str, code: str = "") -> httpx.Response:
        """Open the ballot, rank these options, type the code if there is one, and send it."""
        return await self.send((await self.open()).ranked(*names, code=code))

    async def receipt(self) -> str:
        """Open the receipt page. Returns the receipt's code without blanks, or nothing where none is shown."""
        return receipt_in(await self.browser.get(f"{self.vote.path}/receipt"))


def receipt_in(page: httpx.Response) -> str:
    """Read the receipt's code off a page, without blanks; nothing where none is shown."""
    found = RECEIPT.search(page.text)
    return found[1].replace(" ", "") if found else ""
