"""What stands in the town that accessibility tests walk through, beside the demonstration: one thing of each kind."""

import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from PIL import Image
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.prints.running import ask_for as ask_to_print
from app.accounts.prints.running import settle, show
from app.accounts.roles.granting import GRANT, Wish, ask_for
from app.accounts.roles.store import add_grant
from app.accounts.roll.changes import STRIKE, Change
from app.accounts.roll.filling.tables import RollImport, Stage
from app.accounts.roll.importing import Entry
from app.accounts.roll.lookup import find_lines
from app.accounts.roll.store import add_lines, issue_codes, strike
from app.accounts.sessions import hash_of
from app.accounts.tables import Account, Event, FactorLoss, Roll, RollLine, RunKind
from app.config import LANGUAGES
from app.demo.walk import SHEET
from app.letters.tables import Fate, Letter
from app.security import Role
from commons.approvals.store import ask
from commons.approvals.tables import Decision
from commons.clock import now
from commons.media.store import add_picture
from commons.moderation.store import hide, show_again
from commons.organisations.store import found, get_host, save_page
from commons.services.store import add_service
from polls import amendments
from polls.drafting import Plan, card_of, draft
from polls.lifecycle import Kind, State
from results.publication import prepare_import, publish, withdraw
from results.tables import Result
from tests.accessibility.rights import LOSS, PERSON

OWN_TEXT = "We are **here**.\n\n## When\n\n- In the morning\n- [In the evening](https://example.org/)"
LONG_ADDRESS = "somebody.with.a.long.name@department.of.services.vardisi.example"
BECAUSE = "A line was read wrongly."
ROLL = UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a11")
FILLED = UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a13")  # a roll into which a long list is on its way
ON_FILLED, STRUCK = UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a14"), UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a15")
FILLINGS = {
    Stage.WRITING: UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a16"),
    Stage.FAILED: UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a17"),
    Stage.DONE: UUID("5f0c2c7e-2f0e-4f52-9a3a-0d6b6b0c1a18"),
}
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def _painted() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 400), "#2b2e8c").save(out, "JPEG")
    return out.getvalue()


PICTURE = _painted()


NAMES = (
    "=a:[Bob Kiss]\n=b:[Andy Montroll]\n=c:[Birth certificate by registered post to any address in the country]\n"
    "=d:[Donaudampfschifffahrtsgesellschaftskapitänswitwe]\n=e:[საღამოს საათები]\n=f:[ساعات مسائية]\n"
)
COUNTED = {
    "irv": NAMES + "2585:a>b>c\n2063:b>a\n1900:c>b\n1031:c\n1306:d>c>a\n35:e>d\n36:f\n4:\n",
    "majority-judgment": NAMES + '{"highest_grade": 5}\n40:a/5,b/4,c/0,e/3\n31:b/5,c/3,d/1,f/2\n29:c/5,a/2,d/4\n3:\n',
}
"""Past votes by rules whose pages have tables of their own."""


async def furnish(session: AsyncSession) -> None:
    """Put in what a page can have to show: services (one hidden), a roll, a request, a result taken back, a letter."""
    host = await get_host(session)
    service = await add_service(session, host.id, {"en": "Late desk", "ka": "გვიანი მაგიდა"}, {"en": "Until nine."})
    service.picture = (await add_picture(session, host.id, PICTURE, {"en": "The hall at night."})).id
    for code, name in LANGUAGES.items():
        for number in range(5):
            await add_service(session, host.id, {code: f"{name} {number}"}, {})
    await add_service(session, host.id, {"en": "Desk taken off"}, {"en": "Nobody reads this."})
    await _publish(session, "A vote that waits")
    for rule, sheet in COUNTED.items():
        await _publish(session, f"A vote by {rule}", rule, sheet)
    asker = (await session.exec(select(Account).where(Account.email == "giorgi@vardisi.example"))).one()
    await _make_roll(session)
    await _fill_roll(session, asker.id)
    await ask(session, "result.withdraw", "results/a-vote-that-waits", BECAUSE, asker.id)
    await hide(session, "services/desk-taken-off", "privacy", BECAUSE, asker.id)
    await hide(session, "services/late-desk", "mistaken", BECAUSE, asker.id)
    await show_again(session, "services/late-desk", BECAUSE, asker.id)
    await withdraw(session, await _publish(session, "A vote taken back"), BECAUSE)
    moment = await now(session)
    await _let_somebody_in(session, host.id, moment)
    plan = Plan(
        titles={"en": "A draft"}, questions={"en": "What first?"}, opens_at=moment,
        options=[({"en": "Buses", "ka": "ავტობუსები"}, ""), ({"en": "Parks"}, "")], most_ranked=2,
        closes_at=moment + 2 * DAY, publishes_at=moment + 2 * DAY, objections={}, objections_until=moment + 9 * DAY,
    )  # fmt: skip
    await draft(session, host.id, plan)
    locked = await draft(session, host.id, replace(plan, titles={"en": "A locked vote"}))
    locked.state, locked.card = State.LOCKED, card_of(locked, host, "key file", b"", b"").as_json()
    agreed = await draft(session, host.id, replace(plan, titles={"en": "An agreed vote"}))
    agreed.state, agreed.card, agreed.agreed_by = State.LOCKED, locked.card, asker.id
    await amendments.ask(session, locked.id, Kind.ANNUL, BECAUSE, asker.id, {})
    session.add(
        Letter(
            address="somebody.with.a.long.name@department.of.services.vardisi.example",
            kind="reset",
            language="en",
            facts={},
            fate=Fate.BOUNCED,
            written_at=moment,
            due_at=moment,
            answer="550 No such mailbox here",
        )
    )


async def _let_somebody_in(session: AsyncSession, host_id: UUID, moment: datetime) -> None:
    """Let an official move in under a known address, about whom something is asked, and of whom something is told."""
    session.add(Account(id=PERSON, email=LONG_ADDRESS, name="ليلى الإدريسي", password_hash="", created_at=moment))
    await session.flush()
    await add_grant(session, host_id, PERSON, Role.COUNTER_AGENT)
    await add_grant(session, host_id, PERSON, Role.OFFICER, "Registry office of the old town")
    asker = (await session.exec(select(Account).where(Account.email == "tamar@vardisi.example"))).one()
    await ask_for(session, Wish(GRANT, PERSON, Role.AUDITOR, ""), BECAUSE, asker.id, "Firefox · Linux")
    await note(session, Event.SIGN_IN_FAILED, browser="curl")
    session.add(FactorLoss(account_id=PERSON, link_hash=hash_of(LOSS), language="en", due_at=moment + DAY))


async def _make_roll(session: AsyncSession) -> None:
    """Make a roll under a known address: more than a page of people, some with codes, one struck off."""
    roll = Roll(
        id=ROLL,
        organisation_id=(await get_host(session)).id,
        names={"en": "Residents of Vake", "ar": "سكان فاكه"},
        made_at=await now(session),
    )
    session.add(roll)
    await session.flush()
    names = ("Nino Beridze", "ლუკა ბერიძე", "ليلى الإدريسي", "Zoé d’Aubigné-de-la-Très-Longue-Famille")
    await add_lines(session, ROLL, [Entry(f"{number:05}", names[number % 4]) for number in range(1, 61)])
    lines = (await find_lines(session, ROLL)).lines
    await issue_codes(session, ROLL, [line.id for line, _ in lines[:3]])
    await strike(session, ROLL, lines[1][0].id)
    await _print(session)


async def _print(session: AsyncSession) -> None:
    """Print a few slips for people and for the counter, and let another run wait."""
    people = {account.email.partition("@")[0]: account.id for account in await session.exec(select(Account))}
    for kind, done in ((RunKind.LETTERS, True), (RunKind.LETTERS, False)):
        run = await ask_to_print(session, ROLL, kind, "2", "", "For the old town", people["eka"])
        if done:
            await settle(session, run.id, people["giorgi"], Decision.APPROVED)
            await show(session, run.id, people["eka"], "Firefox · Linux")


async def _fill_roll(session: AsyncSession, by: UUID) -> None:
    """Make a roll with a long list in every stage, and a person of it who shall be struck off."""
    moment = await now(session)
    session.add(Roll(id=FILLED, organisation_id=(await get_host(session)).id, names={"en": "Didube"}, made_at=moment))
    await session.flush()
    session.add(RollLine(id=ON_FILLED, roll_id=FILLED, reference="00001", name="Zoé d’Aubigné-de-la-Très-Longue"))
    session.add(RollLine(id=STRUCK, roll_id=FILLED, reference="00002", struck_at=moment))
    for minutes, (stage, import_id) in enumerate(FILLINGS.items()):
        session.add(
            RollImport(
                id=import_id, roll_id=FILLED, stage=stage, seen=0, acts=100_000, written=42_000, added=99_000,
                renamed=900, struck=100, hash="", lines=0, asked_by=by, asked_at=moment - minutes * MINUTE,
                moved_at=moment, trouble="roll.changed_meanwhile" if stage is Stage.FAILED else "",
            )
        )  # fmt: skip
    await session.flush()
    await ask(session, STRIKE, Change(STRIKE, FILLED, ON_FILLED).subject, BECAUSE, by)


async def _publish(session: AsyncSession, title: str, rule: str = "schulze", sheet: str = SHEET) -> Result:
    prepared = prepare_import(
        titles={"en": title},
        source_name="Vardisi",
        source_url="https://example.org/votes",
        held_on=date(2026, 1, 31),
        rule=rule,
        ballots_public=True,
        data=sheet.encode(),
        filename="sheet.abif",
        today=date(2026, 2, 1),
    )
    return await publish(session, (await get_host(session)).id, prepared)


async def found_empty(session: AsyncSession) -> None:
    """Found a place in which there is nothing yet, but for a text of its own in each language."""
    host = await found(session, {"en": "Vardisi", "ka": "ვარდისი", "ar": "فارديسي"}, {}, "Asia/Tbilisi")
    for code, name in LANGUAGES.items():
        await save_page(session, host.id, "about", code, name, OWN_TEXT)
