"""`khma keys`: what a custodian does: makes a key, shows that the sealed copies open, signs that no copy is left."""

import argparse
import asyncio
import html
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from app.cli.failing import fail
from app.config import LANGUAGES, Config, load
from app.db import Database
from app.i18n import explain
from app.jobs.store import enqueue
from ballots.files import keep
from ballots.keys import Keys, confirm_destroyed, new_custodian, prove, public_of
from ballots.preparing import accept_destruction, accept_proof, register_custodian
from ballots.sealing import KEY_BYTES
from ballots.store import find_custodian, find_votes_of
from ballots.tables import Custodian, Custody
from commons.errors import Conflict, DomainError, Invalid, NotFound
from commons.organisations.store import get_host
from polls.lifecycle import State
from polls.tables import Poll

SEED = "custodian.key"
WITH_KEYS = {State.LOCKED, State.OPEN, State.SUSPENDED, State.HALTED}
ENDED = {State.CLOSED, State.PUBLISHED, State.ANNULLED}
Act = Callable[[Poll], Awaitable[str]]


def keys(argv: list[str]) -> int:
    """Act as a custodian. Returns 0; 1 when a copy does not open or a line is not signed; 2 for what is not there."""
    parser = argparse.ArgumentParser(prog="khma keys", description="For those who keep sealed copies of vote keys.")
    actions = parser.add_subparsers(dest="action", required=True)
    new = actions.add_parser("new", help="make a custodian's key, and register its public half")
    new.add_argument("folder", type=Path, help="the custodian's own, on a medium of theirs; never the key folder")
    for code, name in LANGUAGES.items():
        new.add_argument(f"--function-{code}", default="", metavar="TEXT", help=f"such as “City archive” ({name})")
    for action, help_ in (
        ("check", "show that both sealed copies open, of every vote in hand or of one"),
        ("destroyed", "sign that no copy of the box key is left with you, of every ended vote or of one"),
    ):
        command = actions.add_parser(action, help=help_)
        command.add_argument("folder", type=Path)
        command.add_argument("--vote", default="", metavar="SLUG", help="the last part of the vote's address")
    options = parser.parse_args(argv)
    settings = load()
    try:
        if options.action == "new":
            functions = {code: getattr(options, f"function_{code}").strip() for code in LANGUAGES}
            if options.folder.resolve().is_relative_to(settings.keys.resolve()):
                raise Invalid("custody.in_key_folder", folder=str(settings.keys))
            return asyncio.run(_new(settings, options.folder, {c: text for c, text in functions.items() if text}))
        seed = _read_seed(options.folder)
        return asyncio.run(_act(settings, seed, options.action, options.vote))
    except DomainError as fault:
        return fail("khma keys", str(options.folder), fault)
    except OSError as trouble:
        print(f"khma keys: {options.folder}: {trouble.strerror}", file=sys.stderr)
        return 2


async def _new(settings: Config, folder: Path, functions: dict[str, str]) -> int:
    path = folder / SEED
    if not functions:
        raise Invalid("custody.no_function")
    db = Database(settings.database_url)

    async def register(session: AsyncSession) -> bool:
        public = public_of(seed)
        if await find_custodian(session, public) is not None:
            return False
        await register_custodian(session, (await get_host(session)).id, functions, public)
        return True

    try:
        async with db.reading() as session:
            await get_host(session)  # before a file is written
        # The file first: a public half whose seed is lost would take copies that nobody can open. Should we be killed
        # in between, the next call registers the seed that lies there.
        if not path.exists():
            keep(path, new_custodian()[0])
        seed = _read_seed(folder)
        if not await db.write(register):
            raise Conflict("custody.registered")
    finally:
        await db.close()
    print(f"{path} is yours alone: keep it on a medium of your own, and a copy of it in a safe.")
    print(
        f"Registered: {', '.join(functions.values())}. Votes that are locked from now on give you copies of their keys."
    )
    return 0


def _read_seed(folder: Path) -> bytes:
    try:
        seed = (folder / SEED).read_bytes()
    except FileNotFoundError as missing:
        raise NotFound("custody.no_seed", name=SEED) from missing
    if len(seed) != KEY_BYTES:
        raise Invalid("custody.key_malformed")
    return seed


async def _act(settings: Config, seed: bytes, action: str, slug: str) -> int:
    """Do the same for each vote that it is due for, or for the one that is named; one line each."""
    db, own = Database(settings.database_url), Keys(settings.keys)
    try:
        custodian, votes = await _votes_of(db, seed)

        async def check(poll: Poll) -> str:
            proof = prove(seed, poll.id, own.copies(poll.id, custodian.id))
            await db.write(lambda session: accept_proof(session, own, poll.id, custodian.id, proof))
            return "both sealed copies open"

        async def destroyed(poll: Poll) -> str:
            if poll.state in ENDED and own.has_box(poll.id):
                raise Conflict("keys.still_there")  # nobody signs that nothing is left while something is
            signature = confirm_destroyed(seed, poll.id)

            async def work(session: AsyncSession) -> None:
                await accept_destruction(session, poll.id, custodian.id, signature)
                await enqueue(session, "ledger.sequence")

            await db.write(work)
            return "signed: no copy of the box key is left with you"

        if slug:
            due = [poll for _, poll in votes if poll.slug == slug]
            if not due:
                raise NotFound("custody.unknown")
        elif action == "check":
            due = [poll for _, poll in votes if poll.state in WITH_KEYS]
        else:
            due = [poll for custody, poll in votes if poll.state in ENDED and custody.destroyed_at is None]
        return await _each(due, check if action == "check" else destroyed)
    finally:
        await db.close()


async def _votes_of(db: Database, seed: bytes) -> tuple[Custodian, Sequence[tuple[Custody, Poll]]]:
    async with db.reading() as session:
        if (custodian := await find_custodian(session, public_of(seed))) is None:
            raise NotFound("custody.unregistered")
        return custodian, await find_votes_of(session, custodian.id)


async def _each(due: Sequence[Poll], act: Act) -> int:
    """Act on each vote, whatever became of the one before. Returns 1 when one of them failed."""
    code = 0
    if not due:
        print("No vote waits for this.")
    for poll in due:
        try:
            print(f"ok      {poll.slug}: {await act(poll)}")
        except DomainError as fault:
            code = 1
            print(f"FAILED  {poll.slug}: {html.unescape(explain('en', fault))}")
    return code
