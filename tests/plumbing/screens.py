"""A counter with its second screen: the agent's browser, the screen's, and what each shows."""

import re
from dataclasses import dataclass
from uuid import UUID

import httpx
from sqlmodel import select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.screens.tables import Screen
from tests.plumbing.house import Browser, Town
from tests.plumbing.votes import HeldVote, Voter

CODE = re.compile(r'<p class="receipt-code" dir="ltr"><code>([^<]+)</code>')
SEEN = {"seen_screen": "yes"}
WAITING, READY, JOIN = "Waiting for the next person", "Your ballot is ready", "Code of the counter"
AGENTS_PAGE = "/en/counter/screen"


@dataclass
class Counter:
    """One agent and one second screen."""

    agent: Browser
    screen: Browser

    async def state(self) -> str:
        """Read what the agent is told of the screen, as the piece that looks again by itself says it."""
        piece = await self.agent.get(AGENTS_PAGE, HX_Request="true")
        found = re.search(r"<p>(?:<b>)?([^<]+)", piece.text)
        return found[1] if found else ""

    async def hand(self, vote: HeldVote, number: int, **fields: str) -> httpx.Response:
        """Have the agent open a person's ballot on the screen."""
        return await self.agent.send(f"{person(vote, number)}/screen", SEEN | fields)

    async def show(self, query: str = "") -> str:
        """Open the screen's own page."""
        return (await self.screen.get(f"/en/screen{query}")).text

    async def begin(self) -> httpx.Response:
        """Press "Begin" on the screen."""
        return await self.screen.send("/en/screen/begin")

    async def opened(self, vote: HeldVote, number: int) -> Voter:
        """Have a person's ballot opened and begun on the screen."""
        handed = await self.hand(vote, number)
        assert handed.status_code == httpx.codes.SEE_OTHER, handed.text
        begun = await self.begin()
        assert begun.headers["location"] == vote.path, begun.text
        return Voter(self.screen, vote)

    async def leave(self, vote: HeldVote) -> httpx.Response:
        """Press "Done" on the screen."""
        return await self.screen.send(f"{vote.path}/leave")


def person(vote: HeldVote, number: int) -> str:
    """Give the address of a person at the counter."""
    return f"/en/counter/{vote.slug}/people/{vote.lines[number]}"


async def code_for(agent: Browser) -> str:
    """Have the agent make a code, and read it off the page."""
    made = await agent.send(AGENTS_PAGE)
    assert made.status_code == httpx.codes.SEE_OTHER, made.text
    found = CODE.search((await agent.get(AGENTS_PAGE)).text)
    assert found is not None
    return found[1]


async def join(screen: Browser, code: str, lang: str = "en") -> httpx.Response:
    """Type a code on a browser that is to join."""
    return await screen.send(f"/{lang}/screen", {"screen_code": code}, page="/en/screen")


async def counter_of(town: Town, agent: str = "counter_agent", lang: str = "en") -> Counter:
    """Set up a counter whose second screen has joined."""
    counter = Counter(await town.signed_in(agent), town.browser())
    joined = await join(counter.screen, await code_for(counter.agent), lang)
    assert joined.status_code == httpx.codes.SEE_OTHER, joined.text
    return counter


def cookie_on(browser: Browser, name: str) -> str:
    """Read one of the cookies that a browser keeps, or nothing."""
    return browser.http.cookies.get(f"{browser.town.config.cookie_name}-{name}") or ""


def names_of(vote: HeldVote, number: int) -> tuple[UUID, str, str]:
    """Give by what a person could be recognised: the line's id, their number, their name."""
    return vote.lines[number], f"{number + 1:04}", f"Voter {number + 1}"


async def row_of(town: Town) -> Screen:
    """Read the one screen of a town."""
    async with town.house.db.reading() as session:
        return (await session.exec(select(Screen))).one()


async def change(town: Town, **values: object) -> None:
    """Write into it, past all services."""

    async def work(session: AsyncSession) -> None:
        await session.exec(update(Screen).values(**values))

    await town.house.db.write(work)
