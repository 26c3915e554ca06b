"""Reading the public log: a page of it, one line with its proof, and the whole of it against its signatures."""

import asyncio
from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from commons.errors import Conflict, NotFound
from commons.ledger import store
from commons.ledger.audit import check_log
from commons.ledger.lines import Line
from commons.ledger.proof import Finding, write_proof, write_proofs
from commons.merkle import consistency_proof, inclusion_proof


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


async def find_all_signed(session: AsyncSession, kinds: Collection[str], subject: str) -> list[Line]:
    """Find every line of some kinds about one subject, in the order of the log. Two queries.

    Raises: Conflict "ledger.line_waits" while one of them has no place yet: the sequencer comes first.
    """
    if await store.is_waiting(session, kinds, subject):
        raise Conflict("ledger.line_waits")
    return await store.find_said(session, kinds, subject)


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


async def prove_all(session: AsyncSession, lines: Sequence[Line], since: int) -> dict[str, Any]:
    """Prove several lines by the newest checkpoint, as a JSON object (see proof.write_proofs).

    since:  the size of an older checkpoint, which is shown to be the beginning of this one.
    Raises: NotFound "ledger.line_unknown" for a line that it does not sign.
    Cost:   two queries; O(length of the log) for each line, beside the event loop.
    """
    signed = await store.newest_checkpoint(session)
    last = max(line.position for line in lines)
    if signed is None or last >= signed.size:
        raise NotFound("ledger.line_unknown", position=last)
    hashes, note = await store.leaf_hashes(session, signed.size), signed.note

    def work() -> dict[str, Any]:
        proofs = [write_proof(line, inclusion_proof(hashes, line.position), note) for line in lines]
        return write_proofs(proofs, consistency_proof(hashes, since))

    return await asyncio.to_thread(work)


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
