"""The proof that a citizen takes home: its pinned form, a thousand broken ones, and each forgery by its name."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commons.canonical import readable
from commons.checkpoint import Checkpoint, sign, verifier_key
from commons.ledger.lines import Line, LineWords, hash_of_leaf, leaf_bytes, words_digest
from commons.ledger.proof import check_proof, check_proof_file, write_proof
from commons.merkle import inclusion_proof, root

VECTORS = Path(__file__).parents[2] / "vectors" / "ledger"
PINNED = (VECTORS / "proof-1.json").read_bytes()
ORIGIN = "khma.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = verifier_key(ORIGIN, KEY.public_key())
MINUTE = datetime(2026, 11, 21, 23, 47, tzinfo=UTC)


def line(position: int) -> Line:
    salt, subject = bytes([position]) * 32, "vote/პარკები"
    words: LineWords = {"ballots": 800 + position, "root": "5dc9da79"}
    digest = words_digest(salt, subject, words)
    return Line(
        position, "box.sealed", MINUTE, digest, hash_of_leaf("box.sealed", MINUTE, digest), subject, salt, words
    )


LINES = [line(position) for position in range(7)]
HASHES = [each.leaf_hash for each in LINES]
NOTE = sign(Checkpoint(ORIGIN, 7, root(HASHES)), KEY)
PROOF = write_proof(LINES[4], inclusion_proof(HASHES, 4), NOTE)


def where(proof: object, verifier: str | None = VERIFIER) -> list[str]:
    return [finding.where for finding in check_proof_file(readable(proof), verifier)]


def test_the_published_form_is_pinned() -> None:
    assert readable(PROOF) == PINNED
    assert list(check_proof_file(PINNED, VERIFIER)) == []


def test_the_bytes_of_a_leaf_are_pinned() -> None:
    assert leaf_bytes("box.sealed", "2026-11-21T23:47Z", "ab" * 32) == (
        b'{"digest":"' + b"ab" * 32 + b'","kind":"box.sealed","minute":"2026-11-21T23:47Z"}'
    )


def test_every_changed_byte_of_a_thousand_is_found() -> None:
    chance = random.Random(2026)
    found = 0
    for _ in range(1000):
        place = chance.randrange(len(PINNED))
        byte = chance.choice([each for each in range(256) if each != PINNED[place]])
        changed = PINNED[:place] + bytes([byte]) + PINNED[place + 1 :]
        found += bool(list(check_proof_file(changed, VERIFIER)))
    assert found == 1000


@pytest.mark.parametrize("flip", [0x01, 0x20])  # the two that turn letters into other letters, and 8 into 9
def test_every_byte_counts(flip: int) -> None:
    for place in range(len(PINNED)):
        changed = PINNED[:place] + bytes([PINNED[place] ^ flip]) + PINNED[place + 1 :]
        assert list(check_proof_file(changed, VERIFIER)), PINNED[place - 10 : place + 10]


def test_every_byte_lost_or_doubled_is_found() -> None:
    for place in range(len(PINNED)):
        for changed in (
            PINNED[:place] + PINNED[place + 1 :],
            PINNED[:place] + PINNED[place : place + 1] + PINNED[place:],
        ):
            if changed != PINNED:
                assert list(check_proof_file(changed, VERIFIER)), PINNED[place - 10 : place + 10]


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "words of another line": ({"words": LINES[3].words}, "digest"),
    "words, salt and digest of another line": (
        {key: write_proof(LINES[3], [], "")[key] for key in ("words", "salt", "digest")},
        "inclusion",
    ),
    "another subject": ({"subject": "vote/roads"}, "digest"),
    "another kind": ({"kind": "poll.annulled"}, "inclusion"),
    "another minute": ({"minute": "2026-11-21T23:48Z"}, "inclusion"),
    "another place": ({"position": 5}, "inclusion"),
    "a place outside": ({"position": 7}, "inclusion"),
    "a hash too few": ({"inclusion": PROOF["inclusion"][1:]}, "inclusion"),
    "hashes swapped": ({"inclusion": PROOF["inclusion"][::-1]}, "inclusion"),
    "capital digits": ({"digest": PROOF["digest"].upper()}, "digest"),
    "a checkpoint of nobody": (
        {"checkpoint": sign(Checkpoint(ORIGIN, 7, root(HASHES)), Ed25519PrivateKey.from_private_bytes(bytes(32)))},
        "checkpoint",
    ),
    "a shorter log": ({"checkpoint": sign(Checkpoint(ORIGIN, 4, root(HASHES[:4])), KEY)}, "inclusion"),
    "another log": ({"checkpoint": sign(Checkpoint("khma.example/l", 7, root(HASHES)), KEY)}, "checkpoint"),
    "half erased": ({"words": None}, "words"),
    "an entry too many": ({"note": "trust me"}, "entries"),
    "another format": ({"format": "khma-ledger-proof-2"}, "format"),
    "a place that is true": ({"position": True}, "position"),
    "nested words": ({"words": {"a": {"b": "c"}}}, "words"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forgery_is_found_where_it_is(name: str) -> None:
    change, place = FORGED[name]
    assert where(PROOF | change) == [place]


def test_a_missing_entry_is_found() -> None:
    for name in PROOF:
        assert where({key: value for key, value in PROOF.items() if key != name}) == ["entries"]


def test_a_redacted_line_still_proves_its_place() -> None:
    assert where(PROOF | {"subject": None, "salt": None, "words": None}) == []


def test_without_a_key_all_but_the_signature_is_checked_and_that_is_said() -> None:
    assert where(PROOF, None) == ["checkpoint"]
    assert where(PROOF | {"position": 5}, None) == ["checkpoint", "inclusion"]
    assert [finding.where for finding in check_proof(PROOF, None)] == ["checkpoint"]


@pytest.mark.parametrize(
    "data", [b"", b"null\n", b"[]\n", b"\xff", b"[" * 100_000, b"0.5\n", json.dumps(PROOF).encode(), b" " * 200_001]
)
def test_what_is_no_proof_file_is_one_finding(data: bytes) -> None:
    assert [finding.where for finding in check_proof_file(data, VERIFIER)] == ["file"]
