"""The tree: Certificate Transparency's reference leaves, every size up to 130, and each wrong proof by its name."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.errors import Invalid
from commons.merkle import (
    RootMismatch,
    check_consistency,
    check_inclusion,
    consistency_proof,
    growing_roots,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "merkle"
REFERENCE = json.loads((VECTORS / "reference.json").read_text())
REFERENCE_LEAVES = [leaf_hash(bytes.fromhex(data)) for data in REFERENCE["leaves"]]
MANY = [leaf_hash(number.to_bytes(2, "big")) for number in range(130)]


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text())
    for name in ("leaf", "root", "old_root"):
        if name in case:
            case[name] = bytes.fromhex(case[name])
    case["proof"] = [bytes.fromhex(each) for each in case["proof"]]
    return case


def wrong(kind: str) -> list[Any]:
    return [pytest.param(load(path), id=path.stem) for path in sorted((VECTORS / kind).glob("*.json"))]


def test_reference_roots_are_reproduced() -> None:
    assert root([]).hex() == REFERENCE["empty_root"]
    assert [root(REFERENCE_LEAVES[:size]).hex() for size in range(1, 9)] == REFERENCE["roots"]


@pytest.mark.parametrize("case", REFERENCE["inclusion"])
def test_reference_inclusion_proofs_are_reproduced_and_accepted(case: dict[str, Any]) -> None:
    leaves, position = REFERENCE_LEAVES[: case["size"]], case["position"]
    proof = inclusion_proof(leaves, position)
    assert [each.hex() for each in proof] == case["proof"]
    check_inclusion(
        leaves[position], position, case["size"], proof, bytes.fromhex(REFERENCE["roots"][case["size"] - 1])
    )


@pytest.mark.parametrize("case", REFERENCE["consistency"])
def test_reference_consistency_proofs_are_reproduced_and_accepted(case: dict[str, Any]) -> None:
    proof = consistency_proof(REFERENCE_LEAVES[: case["size"]], case["old_size"])
    assert [each.hex() for each in proof] == case["proof"]
    old_root, new_root = (bytes.fromhex(REFERENCE["roots"][case[size] - 1]) for size in ("old_size", "size"))
    check_consistency(case["old_size"], old_root, case["size"], new_root, proof)


def recursive_root(leaves: list[bytes]) -> bytes:
    """Follow the definition of RFC 6962, section 2.1, word for word, to hold the faster one against."""
    if len(leaves) == 1:
        return leaves[0]
    split = max(power for power in (2**k for k in range(8)) if power < len(leaves))
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@pytest.mark.parametrize("size", range(1, 131))
def test_every_proof_of_every_size_up_to_130_holds(size: int) -> None:
    leaves = MANY[:size]
    top = root(leaves)
    assert top == recursive_root(leaves)
    for position in range(size):
        check_inclusion(leaves[position], position, size, inclusion_proof(leaves, position), top)
    for old_size in range(size + 1):
        check_consistency(old_size, root(leaves[:old_size]), size, top, consistency_proof(leaves, old_size))


def test_a_growing_list_has_the_root_of_every_length() -> None:
    assert list(growing_roots(MANY)) == [root(MANY[:size]) for size in range(1, 131)]


@given(st.data())
def test_a_proof_fits_no_other_place_leaf_or_history(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 130))
    position = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != position))
    leaves, top = MANY[:size], root(MANY[:size])
    proof = inclusion_proof(leaves, position)
    for leaf, place in ((leaves[position], other), (leaves[other], position)):
        with pytest.raises(Invalid):
            check_inclusion(leaf, place, size, proof, top)
    forged = [*leaves[:position], leaf_hash(b"put in later"), *leaves[position + 1 :]]
    old_size = data.draw(st.integers(position + 1, size))
    with pytest.raises(RootMismatch):
        check_consistency(old_size, root(leaves[:old_size]), size, root(forged), consistency_proof(forged, old_size))


@pytest.mark.parametrize("case", wrong("inclusion"))
def test_wrong_inclusion_proof_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        check_inclusion(case["leaf"], case["position"], case["size"], case["proof"], case["root"])
    assert refused.value.code == case["code"]


@pytest.mark.parametrize("case", wrong("consistency"))
def test_wrong_consistency_proof_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        check_consistency(case["old_size"], case["old_root"], case["size"], case["root"], case["proof"])
    assert refused.value.code == case["code"]


def test_a_mismatch_carries_both_roots() -> None:
    with pytest.raises(RootMismatch) as refused:
        check_inclusion(MANY[0], 0, 1, [], MANY[1])
    assert refused.value.facts == {"found": MANY[0].hex(), "expected": MANY[1].hex()}


@pytest.mark.parametrize(("size", "position"), [(0, 0), (3, 3), (3, -1)])
def test_a_place_outside_the_tree_has_no_proof(size: int, position: int) -> None:
    with pytest.raises(Invalid, match=r"merkle.proof_malformed"):
        inclusion_proof(MANY[:size], position)


def test_a_history_longer_than_the_tree_has_no_proof() -> None:
    with pytest.raises(Invalid, match=r"merkle.proof_malformed"):
        consistency_proof(MANY[:3], 4)
