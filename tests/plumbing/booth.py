"""A vote served to real browsers, and the hand of a voter that counts what the way to the receipt costs."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import shown
from app.config import Config
from app.house import House, open_house
from commons.organisations.store import found
from tests.plumbing.server import SECRET
from tests.plumbing.town import in_thread, served
from tests.plumbing.votes import HeldVote, hold_vote

TITLES = {"en": "Which services should open first?", "ar": "أي الخدمات تُفتح أولاً؟"}
SERVICES = {
    "Evening hours": "ساعات مسائية في مركز خدمات الأحياء البعيدة",
    "Birth certificate by post": "شهادة الميلاد بالبريد المضمون إلى أي عنوان",
    "Home visits": "زيارات منزلية",
    "A desk for parents": "مكتب للوالدين",
    "Help in four languages": "مساعدة بأربع لغات",
}
CHOICE = ("Home visits", "Evening hours", "A desk for parents")
CAST = "main form button[data-kind=main]"


@dataclass
class Booth:
    """A vote that is open at `base`, with slips nobody has used. No worker closes it behind a test's back."""

    base: str
    config: Config
    vote: HeldVote
    used: int = 0

    def slip(self) -> str:
        """Take a slip that nobody has used."""
        self.used += 1
        return self.vote.codes[self.used - 1]

    def path(self, lang: str = "en") -> str:
        """Give the address of the ballot."""
        return f"/{lang}/votes/{self.vote.slug}"

    def do(self, work: Callable[[HeldVote], Awaitable[Any]]) -> Any:  # noqa: ANN401 - whatever the work gives
        """Do something to the vote behind the pages."""
        return in_thread(_in_house(self.config, lambda house: work(replace(self.vote, house=house))))


async def _in_house(config: Config, work: Callable[[House], Awaitable[Any]]) -> Any:  # noqa: ANN401
    house = open_house(config)
    try:
        return await work(house)
    finally:
        await house.close()


async def _hold(house: House) -> HeldVote:
    async def begin(session: AsyncSession) -> None:
        await found(session, {"en": "Vardisi", "ar": "فارديسي"}, {}, "Asia/Tbilisi")

    await house.db.write(begin)
    options = [({"en": english, "ar": arabic}, "") for english, arabic in SERVICES.items()]
    return await hold_vote(house, voters=30, titles=TITLES, options=options, most_ranked=3)


@contextmanager
def opened_booth(url: str, folder: Path, **settings: str) -> Iterator[Booth]:
    """Hold a vote in an empty database, and serve its pages. settings: further ones of Config."""
    config = Config(database_url=url, secret=SECRET, data=folder, keys=folder / "keys")
    vote = in_thread(_in_house(config, _hold))
    with served(url, folder, **settings) as base:
        yield Booth(base, config, vote)


@dataclass
class Hand:
    """A voter's hand on a page: what it clicks, what it types into, and what the browser asked of the network."""

    page: Page
    clicks: int = 0
    fields: int = 0
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from now on."""
        self.page.on("request", lambda request: self.asked.append(request))  # noqa: PLW0108 - it marks what it is given

    def add(self, *names: str) -> None:
        """Put options into the order by their buttons."""
        for name in names:
            self.clicks += 1
            self.page.get_by_role("button", name=f"Add {name}").click()

    def type_code(self, code: str) -> None:
        """Type a code as it stands on the slip."""
        self.fields += 1
        self.page.fill("#f-code", shown(code))

    def cast(self) -> None:
        """Press the one button that sends the ballot."""
        self.clicks += 1
        self.page.click(CAST)


def order_on(page: Page) -> list[str]:
    """Read the order as it is shown."""
    return page.locator("[data-order] li label").all_inner_texts()


def receipt_on(page: Page) -> str:
    """Read the receipt's code."""
    return page.locator(".receipt-code").inner_text().replace(" ", "").replace("\n", "")


def voted(page: Page, booth: Booth, code: str, *names: str) -> str:
    """Vote, by the shortest way. Returns the receipt."""
    page.goto(f"{booth.path()}#{code}")
    hand = Hand(page)
    hand.add(*names)
    hand.cast()
    page.wait_for_url("**/receipt?done=*")
    return receipt_on(page)
