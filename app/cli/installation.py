"""`khma config`, `migrate`, `admin`, `backup`, `restore`: setting an installation up and keeping it."""

import argparse
import asyncio
import sys
from pathlib import Path
from urllib.parse import urlsplit

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.losing import forget_factor
from app.accounts.factors.store import reseal_factors
from app.accounts.links import INVITATION_HOURS, WELCOME
from app.accounts.phones.store import reseal_numbers
from app.accounts.store import check_address, find_account
from app.accounts.tokens import make_token
from app.backup import Unfit, back_up
from app.backup import restore as put_back
from app.cli.failing import fail
from app.config import LANGUAGES, Config, check, is_weak, load
from app.db import Database, downgrade, is_behind, upgrade
from app.i18n import explain
from app.jobs.store import enqueue
from app.keys import LEDGER_KEY, find_ledger_key, make_ledger_key
from app.letters.outbox import write_letter
from app.security import Role
from commons.errors import DomainError, NotFound
from commons.organisations.store import found, set_single_handed


def config(argv: list[str]) -> int:
    """`khma config check`: name every unsafe setting. Returns 1 when there is one."""
    parser = argparse.ArgumentParser(prog="khma config")
    parser.add_argument("action", choices=["check"])
    parser.parse_args(argv)
    settings = load()
    troubles = dict(check(settings))
    values = {
        "KHMA_BASE_URL": settings.base_url,
        "KHMA_DATABASE_URL": _without_password(settings.database_url),
        "KHMA_OWNER_DATABASE_URL": _without_password(settings.owner_database_url) or "(the same)",
        "KHMA_SECRET": f"({len(settings.secret)} characters)",
        "KHMA_DATA": str(settings.data),
        "KHMA_KEYS": str(settings.keys),
        "KHMA_BACKUPS": str(settings.backups or "(no copies of closed ballot boxes elsewhere)"),
        "KHMA_SMTP_URL": _without_password(settings.smtp_url) or "(letters are printed, not sent)",
        "KHMA_MAIL_FROM": settings.mail_from,
        "KHMA_TRUSTED_PROXY": settings.trusted_proxy or "(none)",
        "KHMA_TRUSTED_NETWORK": "1" if settings.trusted_network else "(no)",
        "KHMA_METRICS_TOKEN": "(set)" if settings.metrics_token else "(this machine only)",
        "KHMA_SMS_NUMBER": settings.sms_number or "(no messages from telephones)",
        "KHMA_SMS_SECRET": "(set)" if settings.sms_secret else "(none)",
        "KHMA_OIDC_ISSUER": settings.oidc_issuer or "(no provider of sign-ins)",
        "KHMA_OIDC_CLIENT_ID": settings.oidc_client_id or "(none)",
        "KHMA_OIDC_CLIENT_SECRET": "(set)" if settings.oidc_client_secret else "(none)",
        "KHMA_OIDC_NAME": settings.oidc_name or "(none)",
        "KHMA_OIDC_SCOPE": settings.oidc_scope,
        "KHMA_OIDC_IDENTIFIER_CLAIM": settings.oidc_identifier_claim or "(no official number)",
        "KHMA_DEMONSTRATION": "1" if settings.demonstration else "(no)",
    }
    for name, value in values.items():
        print(f"{'UNSAFE' if name in troubles else 'ok    '}  {name} = {value}")
        if name in troubles:
            print(f"        {troubles[name]}")
    return 1 if troubles else 0


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":…@") if parts.password else url


def migrate(argv: list[str]) -> int:
    """`khma migrate`: bring the tables to the newest revision, or to the one named, as the database's owner."""
    parser = argparse.ArgumentParser(prog="khma migrate")
    parser.add_argument("--to", default="head", metavar="REVISION", help="forwards or back; base: no tables")
    options = parser.parse_args(argv)
    settings = load()
    owner = settings.owner_database_url or settings.database_url
    if settings.embedded:
        settings.data.mkdir(parents=True, exist_ok=True)
    if is_behind(owner, options.to):
        downgrade(owner, options.to)
    else:
        upgrade(owner, _app_role(settings), options.to)
    print(f"The tables are at {options.to}.")
    return 0


def _app_role(settings: Config) -> str | None:
    """Name the role that the app works as, where that is not the owner."""
    if settings.embedded or not settings.owner_database_url:
        return None
    return urlsplit(settings.database_url).username


def admin(argv: list[str]) -> int:
    """`khma admin found | invite | single-handed | forget-factor | reseal | ledger-key`: what needs no account."""
    parser = argparse.ArgumentParser(prog="khma admin")
    actions = parser.add_subparsers(dest="action", required=True)
    founding = actions.add_parser("found", help="found the organisation that hosts this installation")
    founding.add_argument("--name", required=True)
    founding.add_argument("--zone", default="UTC", help="such as Asia/Tbilisi; times are shown in it")
    founding.add_argument("--language", default="en", choices=list(LANGUAGES), help="of the name")
    invite = actions.add_parser("invite", help="write a letter that opens an account")
    invite.add_argument("address")
    invite.add_argument("--role", default="admin", choices=[role.value for role in Role])
    invite.add_argument("--language", default="en", choices=list(LANGUAGES))
    alone = actions.add_parser("single-handed", help="one officer decides alone; every page says so")
    alone.add_argument("state", choices=["on", "off"])
    forgetting = actions.add_parser("forget-factor", help="let somebody in who lost app and recovery codes")
    forgetting.add_argument("address")
    forgetting.add_argument("--language", default="en", choices=list(LANGUAGES), help="of the letter that tells them")
    resealing = actions.add_parser("reseal", help="put what was under the old secret under KHMA_SECRET")
    resealing.add_argument("old", type=Path, metavar="OLD_SECRET", help="file that holds the secret of before")
    actions.add_parser("ledger-key", help="make a new signing key for the ledger, when the old one is lost")
    options = parser.parse_args(argv)
    if options.action == "ledger-key":
        return _ledger_key(load())
    work = {
        "found": _found,
        "invite": _invite,
        "single-handed": _single_handed,
        "forget-factor": _forget_factor,
        "reseal": _reseal,
    }[options.action]
    try:
        return asyncio.run(work(options))
    except DomainError as error:
        print(f"khma: {explain('en', error)}", file=sys.stderr)
        return 2


def _ledger_key(settings: Config) -> int:
    if find_ledger_key(settings) is not None:
        print(f"khma: {settings.keys / LEDGER_KEY} is there; move it away first if a new one is meant", file=sys.stderr)
        return 1
    make_ledger_key(settings)
    print("Made. With the next lines the log will say that its key changed, and sign that with the new one.")
    return 0


async def _found(options: argparse.Namespace) -> int:
    db = Database(load().database_url)
    try:
        await db.write(lambda session: found(session, {options.language: options.name}, {}, options.zone))
    finally:
        await db.close()
    print("Founded.")
    return 0


async def _single_handed(options: argparse.Namespace) -> int:
    db, is_on = Database(load().database_url), options.state == "on"

    async def work(session: AsyncSession) -> bool:
        is_new = await set_single_handed(session, is_on=is_on)
        if is_new:
            await enqueue(session, "ledger.sequence")
        return is_new

    try:
        is_new = await db.write(work)
    finally:
        await db.close()
    said = "One person decides alone from here on." if is_on else "Two people decide from here on."
    print(f"{said} The public log says so." if is_new else "It is so already.")
    return 0


async def _forget_factor(options: argparse.Namespace) -> int:
    address = check_address(options.address)
    db = Database(load().database_url)

    async def work(session: AsyncSession) -> None:
        if (account := await find_account(session, address, lock=True)) is None:
            raise NotFound("account.unknown")
        await forget_factor(session, account, options.language)

    try:
        await db.write(work)
    finally:
        await db.close()
    print("Forgotten. They are signed out everywhere, a letter tells them, and the security log says so.")
    return 0


async def _reseal(options: argparse.Namespace) -> int:
    settings = load()
    try:
        old = options.old.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as trouble:
        print(f"khma: {options.old} cannot be read: {trouble}", file=sys.stderr)
        return 1
    if is_weak(settings.secret):
        print("khma: KHMA_SECRET must be the new secret; run: khma config check", file=sys.stderr)
        return 1
    db = Database(settings.database_url)

    async def work(session: AsyncSession) -> tuple[int, int]:
        factors = await reseal_factors(session, old, settings.secret)
        numbers = await reseal_numbers(session, old, settings.secret)
        return factors[0] + numbers[0], factors[1] + numbers[1]

    try:
        anew, lost = await db.write(work)
    finally:
        await db.close()
    print(f"{anew} sealed anew: apps, recovery codes, numbers of telephones.")
    if lost:
        print(f"{lost} are under neither secret, or recovery codes from before salts: their owners renew them.")
    return 0


async def _invite(options: argparse.Namespace) -> int:
    settings, address = load(), check_address(options.address)
    token = make_token(settings.secret, WELCOME, {"email": address, "role": options.role}, hours=INVITATION_HOURS)
    db = Database(settings.database_url)

    async def work(session: AsyncSession) -> bool:
        if await find_account(session, address) is not None:
            return False
        await write_letter(session, address, "invitation", options.language, token=token)
        return True

    try:
        invited = await db.write(work)
    finally:
        await db.close()
    if not invited:
        print(f"khma: {address} has an account already", file=sys.stderr)
        return 1
    print(f"A letter waits in the outbox. Its link, for {INVITATION_HOURS} hours:")
    print(f"{settings.base_url}/{options.language}/welcome/{token}")
    return 0


def backup(argv: list[str]) -> int:
    """`khma backup FILE`: one consistent copy, while the house goes on working."""
    parser = argparse.ArgumentParser(prog="khma backup")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(argv)
    settings = load()
    try:
        rows = back_up(settings.database_url, options.file)
    except (Unfit, OSError) as trouble:
        print(f"khma: {trouble}", file=sys.stderr)
        return 1
    print(f"{sum(rows.values())} rows of {len(rows)} tables are in {options.file}.")
    print(f"The key folder {settings.keys} is not in it. Keep it elsewhere, never beside a copy: without it no vote")
    print("that is open in this copy can be restored, and together the two lead from voters to sealed ballots.")
    return 0


def restore(argv: list[str]) -> int:
    """`khma restore FILE`: put a copy into an empty database of either kind."""
    parser = argparse.ArgumentParser(prog="khma restore")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(argv)
    settings = load()
    try:
        restored = put_back(settings.owner_database_url or settings.database_url, options.file, settings.keys)
    except (Unfit, OSError) as trouble:
        print(f"khma: {trouble}", file=sys.stderr)
        return 1
    except DomainError as fault:
        fail("khma restore", str(options.file), fault)
        return 1
    print(f"{sum(restored.rows.values())} rows of {len(restored.rows)} tables are back.")
    for slug in restored.suspended:
        print(f"The vote {slug} was open and is interrupted now: ballots and receipts newer than the copy are lost.")
        print("Say so publicly. Two managers let it go on from its page.")
    if not (settings.keys / "ledger.key").exists():
        print(f"The ledger's signing key is not in {settings.keys}: put it there before a worker starts.")
    return 0
