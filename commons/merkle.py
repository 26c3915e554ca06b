"""The hash tree under the public ledger: a few hashes prove that a line is in it, or that an old list is its beginning.

RFC 6962, section 2.1: a leaf is hashed behind the byte 0x00, a pair of nodes behind 0x01, so that neither can pose as
the other. Every hash is 32 bytes of SHA-256. Here is no storage: lists of hashes go in, hashes come out.

A root alone does not tell the size of its tree (some proofs hold for sizes 7 and 8 alike): always take both from one
signed checkpoint.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from hmac import compare_digest

from commons.errors import Invalid

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class RootMismatch(Invalid):
    """A proof leads to another root than the one it was to prove. Carries both."""

    def __init__(self, found: bytes, expected: bytes) -> None:
        super().__init__("merkle.root_mismatch", found=found.hex(), expected=expected.hex())


class ProofMalformed(Invalid):
    """A proof that cannot be one, whatever the tree: wrong number or length of hashes, or a place outside the tree."""

    def __init__(self, what: str, found: int, expected: int) -> None:
        super().__init__("merkle.proof_malformed", what=what, found=found, expected=expected)


def leaf_hash(data: bytes) -> bytes:
    """Hash one leaf: SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into the one above: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Find the root above a list of leaf hashes; of an empty list it is SHA-256 of nothing.

    Cost:    O(n).
    Source:  RFC 6962, 2.1 (MTH). Pairing level by level and carrying the odd one up gives the same tree.
    """
    level = list(leaf_hashes)
    while len(level) > 1:
        odd = [level[-1]] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)] + odd
    return level[0] if level else EMPTY_ROOT


def growing_roots(leaf_hashes: Iterable[bytes]) -> Iterator[bytes]:
    """Give the root of a growing list after each leaf, keeping only the tops of its full subtrees.

    Cost:    O(log n) a leaf, where asking `root` anew for every length would cost O(n).
    """
    tops: list[bytes] = []
    for size, leaf in enumerate(leaf_hashes, start=1):
        tops.append(leaf)
        full = size
        while full % 2 == 0:
            right = tops.pop()
            tops[-1] = node_hash(tops[-1], right)
            full //= 2
        top = tops[-1]
        for left in tops[-2::-1]:
            top = node_hash(left, top)
        yield top


def inclusion_proof(leaf_hashes: Sequence[bytes], position: int) -> list[bytes]:
    """List the hashes that lead from one leaf up to the root.

    position: counted from 0.
    Returns:  nearest the leaf first; at most ⌈log2 n⌉ hashes.
    Raises:   ProofMalformed when the position lies outside the list.
    Cost:     O(n).
    Source:   RFC 6962, 2.1.1 (PATH).
    """
    _check_position(position, len(leaf_hashes))
    path = []
    while len(leaf_hashes) > 1:
        split = _split(len(leaf_hashes))
        if position < split:
            path.append(root(leaf_hashes[split:]))
            leaf_hashes = leaf_hashes[:split]
        else:
            path.append(root(leaf_hashes[:split]))
            leaf_hashes, position = leaf_hashes[split:], position - split
    return path[::-1]


def check_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> None:
    """Check that a leaf hash stands at a position of the tree with this size and root.

    Raises:  ProofMalformed, or RootMismatch with both roots.
    Cost:    O(log n).
    Source:  RFC 9162, 2.1.3.2.
    """
    _check_position(position, size)
    _check_hashes([leaf, *proof])
    found, node, last, used = leaf, position, size - 1, 0
    while last:
        if node % 2 or node < last:  # otherwise it stands alone on its level and moves up unchanged
            if used == len(proof):
                raise ProofMalformed("hashes", found=len(proof), expected=used + 1)
            found = node_hash(proof[used], found) if node % 2 else node_hash(found, proof[used])
            used += 1
        node, last = node // 2, last // 2
    if used != len(proof):
        raise ProofMalformed("hashes", found=len(proof), expected=used)
    _check_root(found, expected_root)


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """List the hashes that show the first `old_size` leaves to be the beginning of the whole list.

    Returns:  at most ⌈log2 n⌉ + 1 hashes; none when the sizes are equal or the old list was empty.
    Raises:   ProofMalformed when old_size is negative or beyond the list.
    Cost:     O(n).
    Source:   RFC 6962, 2.1.2 (PROOF, SUBPROOF).
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise ProofMalformed("old size", found=old_size, expected=len(leaf_hashes))
    if old_size == 0:
        return []
    path, known = [], True  # known: the subtree still begins where the old tree began, so its root needs no telling
    while old_size < len(leaf_hashes):
        split = _split(len(leaf_hashes))
        if old_size <= split:
            path.append(root(leaf_hashes[split:]))
            leaf_hashes = leaf_hashes[:split]
        else:
            path.append(root(leaf_hashes[:split]))
            leaf_hashes, old_size, known = leaf_hashes[split:], old_size - split, False
    return ([] if known else [root(leaf_hashes)]) + path[::-1]


def check_consistency(old_size: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a tree only grew: the old one is the beginning of the new one.

    Raises:  ProofMalformed, or RootMismatch with both roots.
    Cost:    O(log n).
    Source:  RFC 9162, 2.1.4.2.
    """
    if not 0 <= old_size <= size:
        raise ProofMalformed("old size", found=old_size, expected=size)
    _check_hashes([old_root, new_root, *proof])
    if old_size in (0, size):
        if proof:
            raise ProofMalformed("hashes", found=len(proof), expected=0)
        _check_root(old_root, new_root if old_size else EMPTY_ROOT)
        return
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]  # a full old tree is itself the first hash
    node, last = old_size - 1, size - 1
    while node % 2:
        node, last = node // 2, last // 2
    if not path:
        raise ProofMalformed("hashes", found=0, expected=1)
    old_found = new_found = path[0]
    for used, sibling in enumerate(path[1:], start=1):
        if not last:
            raise ProofMalformed("hashes", found=len(path), expected=used)
        if node % 2 or node == last:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            new_found = node_hash(new_found, sibling)
        node, last = node // 2, last // 2
    if last:
        raise ProofMalformed("hashes", found=len(path), expected=len(path) + 1)
    _check_root(old_found, old_root)
    _check_root(new_found, new_root)


def _split(size: int) -> int:
    """Find the largest power of two below a size: where RFC 6962 parts a tree."""
    return 1 << (size - 1).bit_length() - 1


def _check_position(position: int, size: int) -> None:
    if not 0 <= position < size:
        raise ProofMalformed("position", found=position, expected=size - 1)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for each in hashes:
        if len(each) != HASH_BYTES:
            raise ProofMalformed("bytes of a hash", found=len(each), expected=HASH_BYTES)


def _check_root(found: bytes, expected: bytes) -> None:
    if not compare_digest(found, expected):
        raise RootMismatch(found, expected)
