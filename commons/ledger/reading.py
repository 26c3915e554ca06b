"""Reading the public log: a page of it, one line with its proof, and the whole of it against its signatures."""

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from commons.errors import NotFound
from commons.ledger import store
from commons.ledger.audit import check_log
from commons.ledger.lines import Line
from commons.ledger.proof import Finding, write_proof
from commons.merkle import inclusion_proof


@dataclass(frozen=True)
class LedgerPage:
    """Some lines, newest first, and how many there are in all."""

    lines: list[Line]
    total: int


async def page(
    session: AsyncSession,
    *,
    kinds: Collection[str] | None = None,
    subject: str | Collection[str] | None = None,
    offset: int = 0,
    limit: int = 50,
) -> LedgerPage:
    """Show one page of the log: all of it, or the lines of some kinds, or of one subject or several.

    A redacted line has no subject any more; the line that says it was redacted has it.
    """
    return LedgerPage(*await store.find_lines(session, kinds, subject, offset, limit))


async def find_signed(session: AsyncSession, kind: str, subject: str) -> list[Line]:
    """Find the lines of one kind about one subject that the newest checkpoint signs, newest first. Three queries."""
    newest = await store.newest_checkpoint(session)
    found = (await page(session, kinds=[kind], subject=subject)).lines
    return [line for line in found if newest is not None and line.position < newest.size]


async def newest_of(session: AsyncSession, subject: str, limit: int) -> list[Line]:
    """Show the newest lines of one subject, where nobody asks how many there are. One query."""
    return await store.find_newest(session, subject, limit)


async def told_key(session: AsyncSession) -> str | None:
    """Find the verifier key that the log last named as its own; None where it has not named one yet. Two queries."""
    named = (await page(session, kinds=["ledger.key"], limit=1)).lines
    return str(named[0].words["key"]) if named and named[0].words else None


async def prove(session: AsyncSession, position: int, *, earliest: bool = False) -> dict[str, Any]:
    """Prove one line by a checkpoint, as a JSON object for `canonical.readable` (see proof.write_proof).

    earliest: by the first checkpoint that has the line, which shows what came later; else by the newest.
    Raises:   NotFound("ledger.line_unknown").
    Cost:     three queries; O(length of the log).
    """
    line = await store.find_line(session, position)
    signed = await (store.first_checkpoint(session, position) if earliest else store.newest_checkpoint(session))
    if line is None or signed is None:
        raise NotFound("ledger.line_unknown", position=position)
    hashes = await store.leaf_hashes(session, signed.size)
    return write_proof(line, inclusion_proof(hashes, position), signed.note)


async def audit(session: AsyncSession, verifiers: Collection[str], kept_notes: Collection[str] = ()) -> list[Finding]:
    """Read the whole log against every stored checkpoint and those that somebody kept; an empty list means it holds.

    kept_notes:  checkpoints from outside this database. Only they can tell that it was rolled back as a whole.
    """
    stored = await store.checkpoints(session)
    pending = await store.pending_redactions(session)
    notes = [*(each.note for each in stored), *kept_notes]
    return [
        *(
            Finding(f"stored checkpoint {each.size}", "size and root as in its note", f"{each.size}, {each.root.hex()}")
            for each in stored
            if f"\n{each.size}\n{b64encode(each.root).decode()}\n" not in each.note
        ),
        *check_log(await store.all_lines(session), notes, verifiers, pending),
    ]
