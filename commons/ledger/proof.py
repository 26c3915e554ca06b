"""A proof that anyone can take home: one line of the log, the few hashes above it, and the signed checkpoint.

It is checked here without a database and without us; whoever trusts the verifier key needs to trust nothing else.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commons.canonical import readable
from commons.checkpoint import Checkpoint, open_note, read_unsigned
from commons.errors import Invalid
from commons.ledger.lines import SALT_BYTES, Line, leaf_bytes, minute_text, words_digest
from commons.merkle import HASH_BYTES, check_inclusion, leaf_hash

FORMAT = "khma-ledger-proof-1"
LINES_FORMAT = "khma-ledger-lines-1"
MAX_PROOF_BYTES = 200_000


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be: where, what was expected there, what was found."""

    where: str
    expected: str
    found: str


def write_proof(line: Line, inclusion: Sequence[bytes], note: str) -> dict[str, Any]:
    r"""Put a proof together; `canonical.readable` of it is the file that is handed out.

        {"format": "khma-ledger-proof-1", "position": 3, "kind": "box.sealed", "minute": "2026-11-21T23:47Z",
         "digest": "…", "subject": "vote/parks-2026", "salt": "…", "words": {"ballots": 812, "root": "…"},
         "inclusion": ["…", "…"], "checkpoint": "khma.example/log\n8\n…"}

    Hashes and salt are in small hex digits. Subject, salt and words are null together when the line was redacted.
    """
    return {
        "format": FORMAT,
        "position": line.position,
        "kind": line.kind,
        "minute": minute_text(line.minute),
        "digest": line.digest.hex(),
        "subject": line.subject,
        "salt": None if line.salt is None else line.salt.hex(),
        "words": line.words,
        "inclusion": [each.hex() for each in inclusion],
        "checkpoint": note,
    }


def write_proofs(proofs: Sequence[Mapping[str, Any]], grown: Sequence[bytes]) -> dict[str, Any]:
    """Put the proofs of several lines by one checkpoint together, so that it stands there once.

    proofs:  as `write_proof` gives them. grown: the hashes by which an older checkpoint is the beginning of this one.
    Raises:  ValueError for none, or for two checkpoints.
    """
    (note,) = {proof["checkpoint"] for proof in proofs}
    lines = [{name: value for name, value in proof.items() if name not in _ONCE} for proof in proofs]
    return {"format": LINES_FORMAT, "checkpoint": note, "grown": [each.hex() for each in grown], "lines": lines}


def read_proofs(value: Any) -> tuple[list[dict[str, Any]], str, list[bytes]]:  # noqa: ANN401 - JSON of a stranger
    """Part what `write_proofs` put together: the proofs, each to be checked by `check_proof`; checkpoint; grown.

    Raises: Invalid "proofs.malformed".
    """
    try:
        note, listed, grown = value["checkpoint"], value["lines"], [bytes.fromhex(each) for each in value["grown"]]
        proofs = [{**line, **dict(zip(_ONCE, (FORMAT, note), strict=True))} for line in listed]
        if not isinstance(note, str) or write_proofs(proofs, grown) != value:
            raise ValueError("entries")
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        raise Invalid("proofs.malformed", part=str(reason)) from reason
    return proofs, note, grown


def check_proof_file(data: bytes, verifier: str | None) -> Iterator[Finding]:
    """Check the bytes of a proof file: any other spelling of the same content is a finding as well."""
    if len(data) > MAX_PROOF_BYTES:
        yield Finding("file", f"at most {MAX_PROOF_BYTES} bytes", f"{len(data)} bytes")
        return
    try:
        proof = json.loads(data)
        written = readable(proof)
    except (ValueError, TypeError, RecursionError) as reason:
        yield Finding("file", "JSON of a proof", str(reason))
        return
    if written != data:
        yield Finding("file", "the bytes that its content is written in", "other bytes for the same content")
    if isinstance(proof, dict):
        yield from check_proof(proof, verifier)
    else:
        yield Finding("file", "an object", type(proof).__name__)


def check_proof(proof: Mapping[str, Any], verifier: str | None) -> Iterator[Finding]:
    """Check one line against the signed log, and yield everything that does not fit; nothing means it holds.

    verifier: the log's verifier key, got from somewhere else than the proof. None: all but the signature is checked,
              and one finding says so, for an unsigned root proves nothing.
    """
    misshapen = list(_check_shape(proof))
    if misshapen:
        yield from misshapen
        return
    if proof["words"] is not None:
        said = words_digest(bytes.fromhex(proof["salt"]), proof["subject"], proof["words"]).hex()
        if said != proof["digest"]:
            yield Finding("digest", said, proof["digest"])
    try:
        checkpoint = _read_checkpoint(proof["checkpoint"], verifier)
    except Invalid as refused:
        yield Finding("checkpoint", "a checkpoint signed by the ledger's key", str(refused))
        return
    if verifier is None:
        yield Finding("checkpoint", "a verifier key to check the signature with", "none was given")
    leaf = leaf_hash(leaf_bytes(proof["kind"], proof["minute"], proof["digest"]))
    hashes = [bytes.fromhex(each) for each in proof["inclusion"]]
    try:
        check_inclusion(leaf, proof["position"], checkpoint.size, hashes, checkpoint.root)
    except Invalid as refused:
        yield Finding("inclusion", str(refused.facts["expected"]), f"{refused.facts['found']} ({refused.code})")


_ONCE = ("format", "checkpoint")


def _read_checkpoint(note: str, verifier: str | None) -> Checkpoint:
    return read_unsigned(note) if verifier is None else open_note(note, verifier)


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{2 * length}}}", value) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_words(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and (isinstance(word, str) or _is_number(word)) for name, word in value.items()
    )


_SHAPE: dict[str, Callable[[object], bool]] = {
    "format": lambda value: value == FORMAT,
    "position": _is_number,
    "kind": lambda value: isinstance(value, str),
    "minute": lambda value: isinstance(value, str),
    "digest": lambda value: _is_hex(value, HASH_BYTES),
    "subject": lambda value: value is None or isinstance(value, str),
    "salt": lambda value: value is None or _is_hex(value, SALT_BYTES),
    "words": lambda value: value is None or _are_words(value),
    "inclusion": lambda value: isinstance(value, list) and all(_is_hex(each, HASH_BYTES) for each in value),
    "checkpoint": lambda value: isinstance(value, str),
}


def _check_shape(proof: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that exactly the known entries are there, each of its type."""
    if set(proof) != set(_SHAPE):
        yield Finding("entries", ", ".join(sorted(_SHAPE)), ", ".join(sorted(map(str, proof))))
        return
    for name, fits in _SHAPE.items():
        if not fits(proof[name]):
            yield Finding(name, "an entry as the format describes it", repr(proof[name])[:200])
    if len({proof[name] is None for name in ("subject", "salt", "words")}) > 1:
        yield Finding("words", "subject, salt and words all there, or all erased", "some there and some not")
