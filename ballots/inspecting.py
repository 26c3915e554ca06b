"""Looking at a whole box before it is closed: each envelope must belong to a voter, and each voter to the roll.

Who votes on paper has a line and no envelope; these lines are counted apart.

A row that somebody made, moved, copied, changed, put back or deleted alone does not fit any more, because nobody can
make a fitting one without the box key. What does not fit is counted by kind; which row it was is told to nobody.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.eligibility import Channel
from ballots.keys import Keys
from ballots.receipts import commitment_of, tag_hash
from ballots.sealing import BoxKeys, paper_mark, slot_of, unwrap
from ballots.store import all_envelopes, all_lines, get_box, get_list, hashes_of
from ballots.tables import SetAside
from commons.canonical import digest
from commons.errors import Invalid


class Fault(StrEnum):
    """How a row can fail to fit."""

    NO_ENVELOPE = "line without envelope"
    NO_LINE = "envelope without line"
    DAMAGED = "envelope that does not open"
    NOT_ON_ROLL = "line that is not on the roll"
    PAPER = "paper line that was made up"
    PAPER_MISSING = "paper line that is missing"
    PAPER_TOO_MANY = "paper line that was put back"


@dataclass(frozen=True)
class Inspection:
    """What was found in a box.

    ciphertexts: sealed ballots that fit, sorted. commitments: their C, sorted.
    took_part:   hashed tags of the lines that fit, sorted.
    paper:       how many of these vote on paper, and so have no envelope.
    lines, envelopes: how many rows there are in all.
    misfits:     rows that do not fit, as they would be set aside.
    """

    ciphertexts: list[bytes]
    commitments: list[bytes]
    took_part: list[bytes]
    paper: int
    lines: int
    envelopes: int
    misfits: list[SetAside]

    @property
    def faults(self) -> dict[str, int]:
        """How many rows do not fit, by kind: as much as the public is told."""
        return dict(sorted(Counter(each.kind for each in self.misfits).items()))

    @property
    def fingerprint(self) -> str:
        """Name exactly these misfits without showing them, so that two people agree on the same ones."""
        rows = sorted(
            (each.kind.encode(), each.tag or b"", each.slot or b"", each.sealed or b"") for each in self.misfits
        )
        return digest("khma-misfits-1", *(part for row in rows for part in row)).hex()


async def inspect(session: AsyncSession, keys: Keys, poll_id: UUID) -> Inspection:
    """Unwrap every envelope and find every line's place again. Changes nothing.

    Raises: Conflict "keys.gone"; NotFound "list.unknown" for a vote that never opened.
    Cost:   O(ballots), 10 to 20 µs each, beside the event loop.
    """
    box = keys.box(poll_id)
    roll = set(hashes_of(await get_list(session, poll_id, "roll")))
    lines, envelopes = await all_lines(session, poll_id), await all_envelopes(session, poll_id)
    marked = (await get_box(session, poll_id)).paper
    return await asyncio.to_thread(compare, box, poll_id, roll, lines, envelopes, marked)


def compare(
    box: BoxKeys,
    poll_id: UUID,
    roll: set[bytes],
    lines: Sequence[tuple[bytes, Channel, bytes | None]],
    envelopes: dict[bytes, bytes],
    marked: int = 0,
) -> Inspection:
    """Compare the lines with the envelopes and the roll. Pure; `inspect` gathers what it needs.

    marked: how many votes on paper the box has counted. Which mark is missing or was put back, nobody can tell.
    """
    ciphertexts, took_part, misfits = [], [], []
    paper = 0
    used: set[bytes] = set()
    for tag, channel, form_hash in lines:
        slot, hashed = slot_of(box, tag), tag_hash(poll_id, tag)
        sealed = envelopes.get(slot)
        if sealed is not None:
            used.add(slot)
        kind, ciphertext = Fault.DAMAGED, b""
        if hashed not in roll:
            kind = Fault.NOT_ON_ROLL
        elif channel is Channel.PAPER and sealed is None:
            kind = Fault.PAPER
            if hmac.compare_digest(form_hash or b"", paper_mark(box, tag)):
                took_part.append(hashed)
                paper += 1
                continue
        elif sealed is None:
            kind = Fault.NO_ENVELOPE
        else:
            try:
                ciphertext = unwrap(box, sealed, poll_id, slot, channel, form_hash or b"")
            except Invalid:
                pass
            else:
                ciphertexts.append(ciphertext)
                took_part.append(hashed)
                continue
        place = None if sealed is None else slot
        misfits.append(SetAside(poll_id=poll_id, kind=kind, tag=tag, slot=place, sealed=sealed))
    misfits += [
        SetAside(poll_id=poll_id, kind=Fault.NO_LINE, slot=slot, sealed=sealed)
        for slot, sealed in envelopes.items()
        if slot not in used
    ]
    made_up = sum(each.kind == Fault.PAPER for each in misfits)
    misfits += [SetAside(poll_id=poll_id, kind=Fault.PAPER_TOO_MANY) for _ in range(paper - marked)]
    misfits += [SetAside(poll_id=poll_id, kind=Fault.PAPER_MISSING) for _ in range(marked - paper - made_up)]
    commitments = sorted(commitment_of(poll_id, each) for each in ciphertexts)
    return Inspection(sorted(ciphertexts), commitments, sorted(took_part), paper, len(lines), len(envelopes), misfits)
