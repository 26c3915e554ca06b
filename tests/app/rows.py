"""Something in every table of the house, in four scripts, for copies of a database."""

from datetime import date
from uuid import UUID, uuid4

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.factors.codes import app_code, new_app_secret, step_at
from app.accounts.factors.recovery import draw_sheet
from app.accounts.factors.store import add_factor
from app.accounts.links import spend
from app.accounts.oidc.store import add_identity
from app.accounts.phones.store import add_code
from app.accounts.phones.tables import Phone
from app.accounts.roles.store import add_grant
from app.accounts.roll.filling.plan import Act, Plan, pack
from app.accounts.roll.filling.store import begin, write_on
from app.accounts.roll.importing import Entry
from app.accounts.roll.store import add_lines, add_roll, issue_codes
from app.accounts.screens.store import set_up
from app.accounts.sessions import meet_device, open_session
from app.accounts.store import add_account
from app.accounts.tables import DeskSlip, Event, FactorLoss, Passkey, PrintRun, Roll, RollVersion, RunKind
from app.accounts.telling.tables import NoticeMark, NoticeRound
from app.config import Config
from app.db import Database
from app.jobs.store import enqueue
from app.keys import make_ledger_key
from app.letters.outbox import write_letter
from app.security import Role
from commons.approvals.store import ask
from commons.clock import now
from commons.ledger.sequence import append, redact, sequence
from commons.media.tables import Picture
from commons.moderation.tables import Measure, Rule
from commons.organisations.store import found, save_page
from commons.services.store import add_service
from polls.tables import Poll
from results.publication import add_proofs, prepare_import, publish
from tests.ballots.rows import fill_every_table

ORIGIN = "khma.example/log"
TOLD = {"born": "1990-01-31", "services": ["სკოლა", "a"]}
SHEET = b"=A:[Evening hours]\n=B:[Home visits]\n7:A>B\n5:B>A\n"


async def furnish(config: Config) -> None:
    """Put something into every table, in four scripts, with keys whose order two databases could see differently."""

    async def first(session: AsyncSession) -> None:
        host = await found(session, {"en": "Hall", "ka": "სახლი", "ar": "دار"}, {"zz": "1", "a": "2"}, "Asia/Tbilisi")
        for key, language in (("terms", "en"), ("about", "ka"), ("about", "en")):
            await save_page(session, host.id, key, language, "Title", "Body with\nlines, “quotes” and \u2028")
        service = await add_service(session, host.id, {"en": "Passports", "ka": "პასპორტი"}, {})
        picture = Picture(organisation_id=host.id, descriptions={"en": "x"}, width=1, height=1, webp=bytes(range(256)))
        session.add(picture)
        await session.flush()
        service.picture = picture.id
        account, secret = await add_account(session, "nino@example.org", "Nino", "$argon2id$"), new_app_secret()
        await open_session(session, account.id, "a browser")
        await meet_device(session, "x" * 40, account.id, "a device")
        await set_up(session, "x" * 40, account.id)
        await add_factor(
            session, "x" * 40, account.id, secret, app_code(secret, step_at(await now(session))), draw_sheet()
        )
        keys = {"credential_id": b"\xff\x00" * 16, "public_key": b"\x00\xff", "sign_count": 2**32 - 1}
        session.add(Passkey(account_id=account.id, name="ტელეფონი", added_at=await now(session), **keys))
        await add_grant(session, host.id, account.id, Role.OFFICER, "Registry")
        await note(session, Event.SIGNED_IN, who=account.id, browser="a browser")
        session.add(FactorLoss(account_id=account.id, link_hash=b"\xff\x00", language="ka", due_at=await now(session)))
        stranger = await add_account(session, None, "Eka", "$argon2id$")
        await add_identity(session, "https://id.example", bytes(range(32)), stranger.id, bytes(range(32, 64)))
        await enqueue(session, "test", {"b": "1", "a": "2"})
        await write_letter(session, "nino@example.org", "reset", "en", token="abc", name="Nino")
        await ask(session, "result.withdraw", "results/x", "because", uuid4())
        await spend(session, "a link that was used")
        await publish(session, host.id, prepare_import(titles={"en": "Opening hours"}, source_name="Hall", source_url="https://hall.example/v",
            held_on=date(2026, 1, 31), rule="schulze", ballots_public=True, data=SHEET, filename="hours.abif",
            today=date(2026, 2, 1),
        ))  # fmt: skip
        await fill_every_table(session, host.id)
        roll = await add_roll(session, host.id, {"en": "Residents", "ka": "მცხოვრებლები"})
        await add_lines(
            session, roll.id, [Entry("0017", "ნინო", person=bytes(range(32, 64)), facts=TOLD), Entry("=0018", "")]
        )
        await issue_codes(session, roll.id)
        acts = [Act("add", f"N{number}", "ნინო", bytes(range(32)), TOLD, bytes(range(32, 64))) for number in range(3)]
        plan = Plan((pack(acts[:2]), pack(acts[2:])), added=3, renamed=0, struck=0, hash="", lines=5)
        await write_on(session, (await begin(session, roll.id, plan, 0, uuid4())).id)  # stopped half-way
        await _office(session, host.id, roll.id, account.id)
        session.add(
            Measure(
                subject="services/x", rule=Rule.MISTAKEN, reason="“x”", taken_by=uuid4(), taken_at=await now(session)
            )
        )
        await _notices(session, account.id)
        for number in range(5):
            await append(session, "poll.closed", {"number": number, "b": 1, "a": "ხ"}, subject=f"vote/{number}")

    async def second(session: AsyncSession) -> None:
        await sequence(session, make_ledger_key(config), ORIGIN)
        await add_proofs(session)

    async def third(session: AsyncSession) -> None:
        await redact(session, 2, "court order", "named a neighbour")

    db = Database(config.database_url)
    for work in (first, second, third):
        await db.write(work)
    await db.close()


async def _office(session: AsyncSession, organisation_id: UUID, roll_id: UUID, account_id: UUID) -> None:
    moment, poll_id = await now(session), (await session.exec(select(Poll.id))).first()
    counts = dict.fromkeys(("number", "lines", "added", "renamed", "struck"), 2)
    session.add(Roll(organisation_id=organisation_id, names={"en": "Mood"}, made_at=moment, poll_id=poll_id))
    session.add(RollVersion(roll_id=roll_id, hash="0", made_by=account_id, made_at=moment, **counts))
    run = PrintRun(roll_id=roll_id, number=1, kind=RunKind.DESK, size=1, asked_by=account_id, asked_at=moment)
    session.add(run)
    await session.flush()
    session.add(DeskSlip(run_id=run.id, serial=1, code_hash=b"\xff\x00" * 16))


async def _notices(session: AsyncSession, account_id: UUID) -> None:
    poll, moment = (await session.exec(select(Poll.id))).one(), await now(session)
    session.add(NoticeRound(poll_id=poll, number=1, looked_at=moment, told_at=moment))
    session.add(NoticeMark(poll_id=poll, tag=b"\xfe" * 32, mark=b"\x00" * 32, first_round=1))
    await add_code(session, "x" * 40, account_id)
    session.add(Phone(account_id=account_id, sealed=b"\xff" * 41, mark=b"\x00" * 32, added_at=moment))
