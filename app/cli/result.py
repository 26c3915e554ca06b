"""`khma result import`: bring in a past vote from the command line, as the manager's form does."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from app.cli.count import read_bytes
from app.cli.failing import fail
from app.config import load
from app.db import Database
from app.jobs.store import enqueue
from commons.errors import DomainError
from commons.organisations.store import get_host
from polls.rulecard import RULES
from results.publication import prepare_import, publish


def result(argv: list[str]) -> int:
    """Publish a vote that was held elsewhere. Returns 0; 2 with one line when it cannot be."""
    parser = argparse.ArgumentParser(prog="khma result")
    actions = parser.add_subparsers(dest="action", required=True)
    bring = actions.add_parser("import", help="count a past vote and publish it")
    bring.add_argument("file", type=Path, help="Debian tally sheet (.txt), .abif, .cvotes, .blt or .csv")
    bring.add_argument("--title", required=True, help="what was asked, in English")
    bring.add_argument("--source", required=True, help="who held the vote")
    bring.add_argument("--url", required=True, help="where the ballots were published")
    bring.add_argument("--held-on", required=True, help="last day of the vote, such as 2007-04-07")
    bring.add_argument("--rule", default="schulze", choices=sorted(RULES))
    bring.add_argument("--seats", default="", help="how many were to be chosen, where the file does not say it")
    bring.add_argument("--ballots-public", action="store_true", help="the ballots were published by the source")
    options = parser.parse_args(argv)
    try:
        slug = asyncio.run(_import(options, read_bytes(options.file)))
    except DomainError as fault:
        return fail("khma result", str(options.file), fault)
    print(f"Published: {load().base_url}/en/results/{slug}", file=sys.stdout)
    return 0


async def _import(options: argparse.Namespace, data: bytes) -> str:
    prepared = prepare_import(
        titles={"en": options.title},
        source_name=options.source,
        source_url=options.url,
        held_on=options.held_on,
        rule=options.rule,
        seats=options.seats,
        ballots_public=options.ballots_public,
        data=data,
        filename=options.file.name,
        today=datetime.now(UTC).date(),
    )
    db = Database(load().database_url)

    async def work(session: AsyncSession) -> str:
        slug = (await publish(session, (await get_host(session)).id, prepared)).slug
        await enqueue(session, "ledger.sequence")
        return slug

    try:
        return await db.write(work)
    finally:
        await db.close()
