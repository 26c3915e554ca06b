"""The checkpoint: published notes byte for byte, any log back again, and each forgery by its name."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from commons.checkpoint import Checkpoint, open_note, open_text, read_unsigned, sign, sign_text, verifier_key
from commons.errors import Invalid

VECTORS = Path(__file__).parents[1] / "vectors" / "checkpoint"
EXAMPLE = json.loads((VECTORS / "example.json").read_text())
PUBLISHED = json.loads((VECTORS / "signed-notes.json").read_text())
WRONG = [
    pytest.param(json.loads(path.read_text()), id=path.stem) for path in sorted((VECTORS / "wrong").glob("*.json"))
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(EXAMPLE["private_key"]))


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda each: each["name"])
def test_published_notes_open(published: dict[str, str]) -> None:
    assert open_text(published["note"], published["verifier_key"]) == published["text"]


def test_a_published_note_is_signed_byte_for_byte() -> None:
    go = PUBLISHED[0]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(go["private_key"]))
    assert verifier_key(go["name"], key.public_key()) == go["verifier_key"]
    assert sign_text(go["text"], go["name"], key) == go["note"]


def test_the_worked_example_is_reproduced() -> None:
    checkpoint = Checkpoint(EXAMPLE["origin"], EXAMPLE["size"], bytes.fromhex(EXAMPLE["root"]))
    assert verifier_key(checkpoint.origin, KEY.public_key()) == EXAMPLE["verifier_key"]
    assert sign(checkpoint, KEY) == EXAMPLE["note"]
    assert open_note(EXAMPLE["note"], EXAMPLE["verifier_key"]) == checkpoint
    assert read_unsigned(EXAMPLE["note"]) == checkpoint
    for line in EXAMPLE["note"].split("\n"):
        assert line in (Checkpoint.__doc__ or "")


@given(
    st.integers(0, 2**63),
    st.binary(min_size=32, max_size=32),
    st.from_regex(r"[a-z.]{1,20}/[ა-ჰ]{1,9}", fullmatch=True),
)
def test_what_is_signed_is_what_is_opened(size: int, root: bytes, origin: str) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert open_note(sign(checkpoint, KEY), verifier_key(origin, KEY.public_key())) == checkpoint


def test_signatures_of_strangers_are_ignored() -> None:
    witness = sign_text(Checkpoint.from_text(EXAMPLE["note"].split("\n\n")[0] + "\n").text(), "witness", KEY)
    both = EXAMPLE["note"] + witness.split("\n\n")[1]
    assert open_note(both, EXAMPLE["verifier_key"]).size == EXAMPLE["size"]


@pytest.mark.parametrize("case", WRONG)
def test_forgery_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        open_note(case["note"], case["verifier_key"])
    assert refused.value.code == case["code"]


def test_every_changed_byte_of_the_note_is_refused() -> None:
    note = EXAMPLE["note"].encode()
    for place in range(len(note)):
        for bit in (1, 16, 32, 128):
            changed = note[:place] + bytes([note[place] ^ bit]) + note[place + 1 :]
            with pytest.raises(ValueError if not _is_utf8(changed) else Invalid):
                open_note(changed.decode(), EXAMPLE["verifier_key"])


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak"])
def test_a_log_whose_name_cannot_name_a_key_is_not_signed(origin: str) -> None:
    with pytest.raises(Invalid, match=r"checkpoint.malformed"):
        sign(Checkpoint(origin, 0, bytes(32)), KEY)
