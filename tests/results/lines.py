"""A voter's line to try things on, with the two lists it speaks of; the published example is one of them."""

import hashlib
import json

from ballots.my_line import MyLine, find_place
from ballots.receipts import tag_hash
from commons.ledger.lines import LineWords
from commons.merkle import root
from results.vote_archive import ROLL, TOOK_PART
from tests.results.sealed import POLL, SLUG, proof_of, written

TAGS = [hashlib.sha256(f"tag {number}".encode()).digest() for number in range(9)]
VOTED, STAYED_AWAY, STRANGER = TAGS[0], TAGS[5], TAGS[8]
ON_ROLL, TOOK = sorted(tag_hash(POLL, tag) for tag in TAGS[:8]), sorted(tag_hash(POLL, tag) for tag in TAGS[:5])
LISTS = {ROLL: written(ON_ROLL), TOOK_PART: written(TOOK)}


def line_of(tag: bytes, *, is_over: bool = True, subject: str = f"vote/{SLUG}") -> MyLine:
    """Make somebody's line, as the page does while the vote runs or after it."""
    places = []
    for kind, hashes in (("roll.root", ON_ROLL), ("took_part.root", TOOK)):
        words: LineWords = {"root": root(hashes).hex(), "size": len(hashes)}
        places.append(find_place(hashes, tag_hash(POLL, tag), json.loads(proof_of(kind, subject, words))))
    return MyLine(POLL, SLUG, tag, places[0], places[1] if is_over else None)
