"""What a manager needs before asking: a catalogue, a roll, two custodians; and votes in a state, through the pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.tables import Roll, RollLine
from ballots.keys import Keys, new_custodian, prove
from ballots.preparing import accept_proof, register_custodian
from commons.clock import now
from commons.organisations.store import get_host
from commons.services.store import add_service
from polls.lifecycle import State
from polls.store import get_poll_at
from polls.tables import Poll
from tests.plumbing.forms import form_at
from tests.plumbing.house import Browser, Town

SERVICES = ("Buses", "Clinics", "Parks")
ZONE = "Asia/Tbilisi"
NEW = "/en/manage/votes/new"


def typed_in(**delta: float) -> str:
    """Write a moment from now as a field for day and time takes it, in the town's zone."""
    return (datetime.now(UTC) + timedelta(**delta)).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M")


async def send(browser: Browser, action: str, fields: dict[str, str]) -> httpx.Response:
    """Send a form that was filled in."""
    headers = {"Origin": browser.town.config.origin, "Sec-Fetch-Site": "same-origin"}
    return await browser.http.post(action, data=fields, headers=headers)


async def fill_in(browser: Browser, address: str = NEW, **changed: str) -> dict[str, str]:
    """Open a page and fill in the form that goes to its own address; a service that is given as "" is unticked."""
    fields = form_at((await browser.get(address)).text, address) | changed
    return {name: text for name, text in fields.items() if text or not name.startswith("service_")}


async def press(browser: Browser, page: str, action: str, **fields: str) -> httpx.Response:
    """Press the button of a form on a page."""
    return await send(browser, action, form_at((await browser.get(page)).text, action) | fields)


@dataclass
class Hall:
    """A town that is ready to ask.

    seeds: custodian's id -> their secret. browser: of the first manager. second: of another.
    """

    town: Town
    browser: Browser
    second: Browser
    roll_id: UUID
    seeds: dict[UUID, bytes]

    async def poll(self, address: str) -> Poll:
        """Read the vote at an address."""
        async with self.town.house.db.reading() as session:
            return await get_poll_at(session, address.rpartition("/")[2])

    async def set(self, address: str, **columns: object) -> None:
        """Let time pass, or let something happen that no page does."""

        async def work(session: AsyncSession) -> None:
            poll = await get_poll_at(session, address.rpartition("/")[2])
            for name, value in columns.items():
                setattr(poll, name, value)
            session.add(poll)

        await self.town.house.db.write(work)

    async def prove(self, address: str, custodians: int = 2) -> None:
        """Let custodians show that their copies open."""
        keys, poll = Keys(self.town.config.keys), await self.poll(address)
        for custodian, seed in list(self.seeds.items())[:custodians]:
            proof = prove(seed, poll.id, keys.copies(poll.id, custodian))
            await self.town.house.db.write(lambda s, c=custodian, p=proof: accept_proof(s, keys, poll.id, c, p))  # type: ignore[misc]

    async def agree(self, address: str) -> None:
        """Let the second manager agree that a locked vote opens."""
        agreed = await press(self.second, address, f"{address}/agree")
        assert agreed.headers["location"] == f"{address}?done=agreed"

    async def vote(self, state: State = State.DRAFT, title: str = "Which first?", **changed: str) -> str:
        """Write a vote through the pages and bring it to one of the first three states. Returns its address."""
        times = {"opens_at": typed_in(hours=-1), "closes_at": typed_in(days=3)}
        answer = await send(self.browser, NEW, await fill_in(self.browser, title_en=title, **times | changed))
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        address = str(answer.headers["location"]).partition("?")[0]
        if state is not State.DRAFT:
            locked = await press(self.browser, address, f"{address}/lock")
            assert locked.status_code == httpx.codes.SEE_OTHER, locked.text
        if state is State.OPEN:
            await self.agree(address)
            await self.prove(address)
            opened = await press(self.browser, address, f"{address}/open")
            assert opened.status_code == httpx.codes.SEE_OTHER, opened.text
        return address


async def prepare(town: Town, voters: int = 12, services: Sequence[str] = SERVICES) -> Hall:
    """Put services, a roll and two custodians into the town."""
    made = [new_custodian() for _ in range(2)]

    async def work(session: AsyncSession) -> tuple[UUID, list[UUID]]:
        host = await get_host(session)
        for name in services:
            await add_service(session, host.id, {"en": name}, {})
        custodians = [
            await register_custodian(session, host.id, {"en": function}, public)
            for function, (_, public) in zip(("City archive", "Notary"), made, strict=True)
        ]
        roll = Roll(organisation_id=host.id, names={"en": "Everybody"}, made_at=await now(session))
        session.add(roll)
        await session.flush()
        session.add_all(RollLine(roll_id=roll.id, reference=f"P-{number}") for number in range(voters))
        session.add(RollLine(roll_id=roll.id, reference="struck off", struck_at=roll.made_at))
        return roll.id, custodians

    roll_id, custodians = await town.house.db.write(work)
    seeds = dict(zip(custodians, (seed for seed, _ in made), strict=True))
    return Hall(town, await town.signed_in("manager"), await town.signed_in("second manager"), roll_id, seeds)
