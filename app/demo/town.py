"""The town of Vardisi: a hall, twelve services, nine people, and one real vote with its source named."""

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import app_code, new_app_secret, step_at
from app.accounts.factors.recovery import Sheet, draw_sheet
from app.accounts.factors.store import add_factor
from app.accounts.roles.store import add_grant
from app.accounts.store import add_account
from app.demo.votes import Question, ask_votes, keep_codes
from app.house import House
from app.jobs.store import enqueue
from app.security import Role
from commons.clock import now
from commons.organisations.store import find_host, found
from commons.services.store import add_service
from results.publication import prepare_import, publish

HERE = Path(__file__).parent
NAMES = {
    "en": "Vardisi Public Service Hall",
    "fr": "Maison des services publics de Vardisi",
    "ka": "ვარდისის საჯარო სერვისების სახლი",
    "ar": "دار الخدمات العامة في فارديسي",
}
SUMMARIES = {
    "en": "Vardisi is an invented town. Everything here is a demonstration, but the vote shown is real.",
    "fr": "Vardisi est une ville inventée. Tout ici est une démonstration, mais le vote présenté est réel.",
    "ka": "ვარდისი გამოგონილი ქალაქია. აქ ყველაფერი დემონსტრაციაა, მაგრამ ნაჩვენები კენჭისყრა ნამდვილია.",
    "ar": "فارديسي مدينة متخيلة. كل ما هنا للعرض فقط، لكن التصويت المعروض حقيقي.",
}
TITLES = {
    "en": "Debian Project Leader 2007",
    "fr": "Responsable du projet Debian 2007",
    "ka": "Debian-ის პროექტის ხელმძღვანელი 2007",
    "ar": "قيادة مشروع دبيان 2007",
}
PEOPLE = (
    ("Nino Beridze", "nino@vardisi.example", ()),
    ("Maia Lomidze", "maia@vardisi.example", (Role.MANAGER,)),
    ("Giorgi Kapanadze", "giorgi@vardisi.example", (Role.MANAGER,)),
    ("Salome Abashidze", "salome@vardisi.example", (Role.ADMIN, Role.MANAGER)),
    ("Tamar Gelashvili", "tamar@vardisi.example", (Role.ADMIN,)),
    ("Levan Maisuradze", "levan@vardisi.example", (Role.OFFICER,)),
    ("Eka Tsiklauri", "eka@vardisi.example", (Role.PRINT_OFFICER,)),
    ("Davit Kiknadze", "davit@vardisi.example", (Role.COUNTER_AGENT,)),
    ("Ana Gogoladze", "ana@vardisi.example", (Role.AUDITOR,)),
)
WORDS = ("amber", "anchor", "bridge", "candle", "cedar", "cherry", "copper", "falcon", "garden", "lantern", "maple")


async def build_town(house: House, questions: Sequence[Question] = ()) -> list[dict[str, str]]:
    """Build the town in an empty database, and hold some votes in it; their codes are kept beside the data.

    Returns: the sign-ins: role (or roles, with commas), name, address, password, and the secret of the app where there
             is a second factor.
    """
    signins: list[dict[str, str]] = []
    sheets: list[Sheet | None] = []
    for name, email, roles in PEOPLE:
        password = "-".join([*(secrets.choice(WORDS) for _ in range(3)), str(secrets.randbelow(9000) + 1000)])
        hashed = await house.passwords.hash(password)
        factor = new_app_secret() if roles else ""
        sheets.append(await house.passwords.run(draw_sheet) if roles else None)
        role = ", ".join(roles) or Role.CITIZEN.value
        person = {"role": role, "name": name, "email": email, "password": password, "factor": factor}
        signins.append(person | {"hash": hashed})

    prepared = prepare_import(
        titles=TITLES,
        source_name="Debian Project",
        source_url="https://www.debian.org/vote/2007/vote_001",
        held_on=date(2007, 4, 7),
        rule="schulze",
        ballots_public=True,
        data=(HERE / "debian-2007.abif").read_bytes(),
        filename="debian-2007.abif",
        today=datetime.now(UTC).date(),
    )

    async def work(session: AsyncSession) -> UUID:
        host = await found(session, NAMES, SUMMARIES, "Asia/Tbilisi")
        for service in json.loads((HERE / "services.json").read_text("utf-8")):
            await add_service(session, host.id, service["names"], service["summaries"])
        for person, sheet, (_, _, roles) in zip(signins, sheets, PEOPLE, strict=True):
            account = await add_account(session, person["email"], person["name"], person["hash"])
            for role in roles:
                await add_grant(session, host.id, account.id, role)
            if sheet:
                code = app_code(app_secret := person["factor"], step_at(await now(session)))
                await add_factor(session, house.config.secret, account.id, app_secret, code, sheet)
        await publish(session, host.id, prepared)
        await enqueue(session, "ledger.sequence")
        return host.id

    host_id = await house.db.write(work)
    if questions:
        keep_codes(house.config.data, await ask_votes(house, host_id, questions))
    return [{key: value for key, value in person.items() if key != "hash"} for person in signins]


async def is_built(house: House) -> bool:
    """Tell whether the town stands already."""
    async with house.db.reading() as session:
        return await find_host(session) is not None
