"""What a confirmed list will do to a roll, cut into slices, with the roll's fingerprint after it. Pure."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.accounts.roll.facts import Kept
from app.accounts.roll.importing import OnRoll, Report, hash_of_lines

ADD, RENAME, STRIKE = ACTS = ("add", "rename", "strike")
SLICE = 2_000

Act = tuple[str, str, str, bytes | None, Kept | None]
"""One of ACTS, the reference as the roll has or will have it; name, mark and facts of the person from now on."""


@dataclass(frozen=True)
class Plan:
    """Everything that a long import needs to know, worked out before anything is written.

    parts: the acts, so many at a time, each as `pack` wrote it.
    hash, lines: of those who may vote after it, as a version of the roll tells them.
    """

    parts: tuple[bytes, ...]
    added: int
    renamed: int
    struck: int
    hash: str
    lines: int

    @property
    def acts(self) -> int:
        """How many lines will be added, renamed or struck off."""
        return self.added + self.renamed + self.struck


def count_acts(report: Report, *, withdraw: bool) -> int:
    """Count what a report would do to the roll."""
    return len(report.new) + len(report.changed) + (len(report.missing) if withdraw else 0)


def plan_of(report: Report, on_roll: Iterable[OnRoll], *, withdraw: bool) -> Plan:
    """Work out what a report does to a roll.

    on_roll: the lines that the report was made from. withdraw: whether who is not in the list is struck off.
    Cost:    O(lines): 100,000 take about half a second, so call it beside the event loop.
    """
    gone = report.missing if withdraw else []
    acts: list[Act] = [(ADD, each.reference, each.name, each.person, each.facts) for each in report.new]
    acts += [
        (RENAME, old.reference, entry.name or old.name, entry.person or old.person, entry.facts_after(old))
        for entry, old in report.changed
    ]
    acts += [(STRIKE, each.reference, each.name, each.person, each.facts) for each in gone]
    after = {each.reference: each for each in on_roll if not each.is_struck}
    for act, reference, name, *_ in acts:
        if act == STRIKE:
            del after[reference]
        else:
            after[reference] = OnRoll(reference, name)
    parts = tuple(pack(acts[start : start + SLICE]) for start in range(0, len(acts), SLICE))
    added, renamed, struck = len(report.new), len(report.changed), len(gone)
    return Plan(parts, added, renamed, struck, hash_of_lines(after.values()), len(after))


def pack(acts: Sequence[Act]) -> bytes:
    """Write a slice: JSON, made smaller by zlib."""
    rows = [(act, reference, name, (person or b"").hex(), facts) for act, reference, name, person, facts in acts]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def unpack(packed: bytes) -> list[Act]:
    """Read a slice that `pack` wrote; an older one, which was on its way during an upgrade, told no facts."""
    rows = json.loads(zlib.decompress(packed))
    return [
        (act, reference, name, bytes.fromhex(person) or None, told[0] if told else None)
        for act, reference, name, person, *told in rows
    ]
