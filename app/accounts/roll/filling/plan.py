"""What a confirmed list will do to a roll, cut into slices, with the roll's fingerprint after it. Pure."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from app.accounts.roll.facts import Kept
from app.accounts.roll.importing import OnRoll, Report, hash_of_lines, mark_fact_of
from app.accounts.roll.second_fact import SecondFactMark
from commons.ids import new_id

ADD, RENAME, STRIKE = ACTS = ("add", "rename", "strike")
SLICE = 2_000


class Act(NamedTuple):
    """What becomes of one line.

    act: one of ACTS. reference: as the roll has or will have it. name, person, facts, fact: from now on.
    person: the mark of their official number. facts: what the list tells for a rule of a vote.
    fact: the mark of the second fact beside their code. line_id: of one to add, since that mark is made with it.
    """

    act: str
    reference: str
    name: str
    person: bytes | None = None
    facts: Kept | None = None
    fact: bytes | None = None
    line_id: UUID | None = None


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


def plan_of(
    report: Report, on_roll: Iterable[OnRoll], *, withdraw: bool, mark_fact: SecondFactMark | None = None
) -> Plan:
    """Work out what a report does to a roll.

    on_roll: the lines that the report was made from. withdraw: whether who is not in the list is struck off.
    mark_fact: as the report was made with it.
    Cost:    O(lines): 100,000 take about half a second, so call it beside the event loop.
    """
    gone = report.missing if withdraw else []
    acts = []
    for entry in report.new:
        line_id = new_id()
        fact = mark_fact_of(entry, line_id, mark_fact)
        acts.append(Act(ADD, entry.reference, entry.name, entry.person, entry.facts, fact, line_id))
    for entry, old in report.changed:
        fact = mark_fact_of(entry, old.line_id, mark_fact) or old.fact
        name, person = entry.name or old.name, entry.person or old.person
        acts.append(Act(RENAME, old.reference, name, person, entry.facts_after(old), fact))
    acts += [Act(STRIKE, each.reference, each.name, each.person, each.facts, each.fact) for each in gone]
    after = {each.reference: each for each in on_roll if not each.is_struck}
    for each in acts:
        if each.act == STRIKE:
            del after[each.reference]
        else:
            after[each.reference] = OnRoll(each.reference, each.name)
    parts = tuple(pack(acts[start : start + SLICE]) for start in range(0, len(acts), SLICE))
    added, renamed, struck = len(report.new), len(report.changed), len(gone)
    return Plan(parts, added, renamed, struck, hash_of_lines(after.values()), len(after))


def pack(acts: Sequence[Act]) -> bytes:
    """Write a slice: JSON, made smaller by zlib."""
    rows = [
        (
            *(each.act, each.reference, each.name, _hex(each.person)),
            *(each.facts, _hex(each.fact), each.line_id.hex if each.line_id else ""),
        )
        for each in acts
    ]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def unpack(packed: bytes) -> list[Act]:
    """Read a slice that `pack` wrote; one of the release before, on its way during an upgrade, told no facts."""
    rows = json.loads(zlib.decompress(packed))
    return [_act(*row) for row in rows]


def _act(
    act: str, reference: str, name: str, person: str, facts: Kept | None = None, fact: str = "", line_id: str = ""
) -> Act:
    """Make an act of its row; one of the release before ended with the person."""
    marks = bytes.fromhex(person) or None, bytes.fromhex(fact) or None
    return Act(act, reference, name, marks[0], facts, marks[1], UUID(line_id) if line_id else None)


def _hex(mark: bytes | None) -> str:
    return (mark or b"").hex()
