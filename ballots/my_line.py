"""A voter's own line: whether it stands on the roll, whether it stands among those who took part, and the proof. Pure.

The public lists hold hashed tags, sorted. Who knows their tag finds their line, or the two neighbours between which it
would stand; a few hashes lead from there to the root that the ledger holds. docs/record.md describes the file.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from ballots.receipts import tag_hash
from commons.canonical import readable
from commons.errors import Invalid
from commons.merkle import check_inclusion, inclusion_proof, root

FORMAT = "khma-line-1"
FILE = "my-line.json"


@dataclass(frozen=True)
class Shown:
    """One line of a list. line: counted from 1. inclusion: the hashes from it up to the root, nearest first."""

    line: int
    hash: bytes
    inclusion: tuple[bytes, ...]


@dataclass(frozen=True)
class Place:
    """Where a hash stands in a list: the line itself; or, where it is in none, its neighbours: two, or one at an end.

    ledger: the proof of the line in the ledger that holds size and root; None where no checkpoint signs it yet.
    """

    size: int
    root: bytes
    shown: tuple[Shown, ...]
    ledger: dict[str, Any] | None

    def line_of(self, wanted: bytes) -> int:
        """Tell on which line a hash stands; 0 where the neighbours are shown."""
        return next((each.line for each in self.shown if each.hash == wanted), 0)

    def as_json(self) -> dict[str, Any]:
        """Return the place as texts, numbers, lists and dicts."""
        shown = [
            {"line": each.line, "hash": each.hash.hex(), "inclusion": [step.hex() for step in each.inclusion]}
            for each in self.shown
        ]
        return {"size": self.size, "root": self.root.hex(), "lines": shown, "ledger": self.ledger}

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - JSON of a stranger; what does not fit raises
        """Read a place. Raises KeyError, TypeError or ValueError for anything else."""
        shown = tuple(
            Shown(
                int(each["line"]),
                bytes.fromhex(each["hash"]),
                tuple(bytes.fromhex(step) for step in each["inclusion"]),
            )
            for each in value["lines"]
        )
        return cls(int(value["size"]), bytes.fromhex(value["root"]), shown, value["ledger"])


@dataclass(frozen=True)
class MyLine:
    """What the file `my-line.json` says. roll, took_part: None before there is such a list."""

    poll_id: UUID
    address: str
    tag: bytes
    roll: Place | None
    took_part: Place | None

    @property
    def hash(self) -> bytes:
        """The line as it stands in the public lists."""
        return tag_hash(self.poll_id, self.tag)

    def bytes(self) -> bytes:
        """Write the file."""
        return readable(
            {
                "format": FORMAT,
                "vote": str(self.poll_id),
                "address": self.address,
                "tag": self.tag.hex(),
                "roll": self.roll and self.roll.as_json(),
                "took_part": self.took_part and self.took_part.as_json(),
            }
        )

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401
        """Read the value of the file. Raises Invalid "line.malformed"."""
        try:
            places = [None if value[name] is None else Place.from_json(value[name]) for name in ("roll", "took_part")]
            line = cls(UUID(value["vote"]), str(value["address"]), bytes.fromhex(value["tag"]), *places)
            is_whole = value["format"] == FORMAT and readable(value) == line.bytes()
        except (KeyError, TypeError, ValueError, AttributeError) as reason:
            raise Invalid("line.malformed", part=str(reason)) from reason
        if not is_whole:
            raise Invalid("line.malformed", part="entries")
        return line


def find_place(hashes: Sequence[bytes], wanted: bytes, ledger: dict[str, Any] | None) -> Place:
    """Find where a hash stands in a sorted list, or between which lines it would stand.

    Cost: O(lines): 100,000 take about a third of a second, so call it beside the event loop.
    """
    at = bisect_left(hashes, wanted)
    is_there = at < len(hashes) and hashes[at] == wanted
    lines = [at] if is_there else [each for each in (at - 1, at) if 0 <= each < len(hashes)]
    shown = tuple(Shown(each + 1, hashes[each], tuple(inclusion_proof(hashes, each))) for each in lines)
    return Place(len(hashes), root(hashes), shown, ledger)


def check_place(place: Place, wanted: bytes) -> Iterator[tuple[str, str, str]]:
    """Check that a place proves what it says, and yield what does not fit: (entry, expected, found)."""
    for number, each in enumerate(place.shown, start=1):
        try:
            check_inclusion(each.hash, each.line - 1, place.size, each.inclusion, place.root)
        except Invalid as refused:
            yield f"lines: {number}", str(refused.facts["expected"]), f"{refused.facts['found']} ({refused.code})"
    if [each.hash for each in place.shown] == [wanted]:
        return
    before = [each for each in place.shown if each.hash < wanted]
    after = [each for each in place.shown if each.hash > wanted]
    last, first = (before[-1].line if before else 0), (after[0].line if after else place.size + 1)
    if len(before) > 1 or len(after) > 1 or len(before) + len(after) < len(place.shown) or first != last + 1:
        expected = f"the line {wanted.hex()}, or the two lines between which it would stand"
        yield "lines", expected, ", ".join(f"{each.line}: {each.hash.hex()}" for each in place.shown) or "none"
