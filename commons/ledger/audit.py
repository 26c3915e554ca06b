"""Reading the whole log against everything that was ever signed about it. Pure: no database.

It finds a changed, moved, lost or added line, a log rolled back behind a checkpoint that somebody kept, and words that
were changed or erased without a line that says so.
"""

from collections.abc import Collection, Iterator, Sequence

from commons.checkpoint import Checkpoint, open_note
from commons.errors import Invalid
from commons.ledger.lines import Line, hash_of_leaf, words_digest
from commons.ledger.proof import Finding
from commons.merkle import EMPTY_ROOT, growing_roots


def check_log(
    lines: Sequence[Line], notes: Sequence[str], verifiers: Collection[str], pending_redactions: Collection[int] = ()
) -> Iterator[Finding]:
    """Check a whole log and yield everything that does not fit; nothing means it holds.

    lines:              all of them, in order.
    notes:              every stored checkpoint, and any that somebody kept: they must agree with one another too.
    verifiers:          the log's verifier keys, the present one and those before it.
    pending_redactions: positions whose "redacted" line still waits for the next batch.
    Cost:               O(n log n) hashes.
    """
    for place, line in enumerate(lines):
        yield from _check_line(place, line)
    yield from _check_redactions(lines, set(pending_redactions))
    roots = [EMPTY_ROOT, *growing_roots(hash_of_leaf(line.kind, line.minute, line.digest) for line in lines)]
    signed = 0
    for number, note in enumerate(notes):
        checkpoint = _open(note, verifiers)
        if isinstance(checkpoint, Finding):
            yield Finding(f"checkpoint {number}", checkpoint.expected, checkpoint.found)
        elif checkpoint.size >= len(roots):
            yield Finding(f"checkpoint {number}", f"{checkpoint.size} lines", f"{len(lines)} lines")
        elif checkpoint.root != roots[checkpoint.size]:
            yield Finding(f"checkpoint {number}", checkpoint.root.hex(), roots[checkpoint.size].hex())
        else:
            signed = max(signed, checkpoint.size)
    if signed != len(lines):
        yield Finding("log", f"{signed} lines, as signed", f"{len(lines)} lines")


def _check_line(place: int, line: Line) -> Iterator[Finding]:
    where = f"line {place}"
    if line.position != place:
        yield Finding(f"{where}, position", str(place), str(line.position))
    if (leaf := hash_of_leaf(line.kind, line.minute, line.digest)) != line.leaf_hash:
        yield Finding(f"{where}, leaf hash", leaf.hex(), line.leaf_hash.hex())
    if line.salt is not None and line.subject is not None and line.words is not None:
        said = words_digest(line.salt, line.subject, line.words)
        if said != line.digest:
            yield Finding(f"{where}, words", line.digest.hex(), said.hex())


def _check_redactions(lines: Sequence[Line], pending: set[int]) -> Iterator[Finding]:
    announced = {line.words["position"] for line in lines if line.kind == "redacted" and line.words} | pending
    erased: set[str | int] = {line.position for line in lines if line.words is None}
    for position in sorted(erased - announced, key=str):
        yield Finding(f"line {position}, words", "words, or a line that says they were redacted", "neither")
    for position in sorted(announced - erased, key=str):
        yield Finding(f"line {position}, words", "no words: a line says they were redacted", "words")


def _open(note: str, verifiers: Collection[str]) -> Checkpoint | Finding:
    """Open a note with whichever of the log's keys signed it."""
    reason = "no verifier key was given"
    for verifier in verifiers:
        try:
            return open_note(note, verifier)
        except Invalid as refused:
            reason = str(refused)
    return Finding("checkpoint", "a checkpoint signed by one of the ledger's keys", reason)
