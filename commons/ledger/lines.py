"""What a line of the public log is, byte by byte. Pure: no database.

A line says: this kind of thing happened, in this minute, and here is a salted hash of the words. The words lie beside
it with their salt and can be erased; the line itself stays. A person's name never belongs in a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from commons.canonical import canonical, digest
from commons.merkle import leaf_hash

SALT_BYTES = 32

# kind -> what it tells the public. A kind that is not here is refused: whoever adds one says here what it means.
KINDS = {
    "ledger.key": "the ledger's signing key was made or changed",
    "ledger.restored": "the ledger goes on from a backup; cites the last known checkpoint",
    "redacted": "the words of one line were erased; names the line, the rule and the reason",
    "release": "this version of the software went to work",
    "poll.locked": "the rule card of a vote was frozen, before anyone voted; its hash",
    "poll.opened": "a vote or survey opened; hash of its frozen rule card",
    "poll.amended": "a second person agreed to change the frozen rule card; cites the amendment",
    "poll.suspended": "casting was interrupted",
    "poll.resumed": "casting goes on",
    "poll.closed": "casting ended; the counts that had to agree",
    "poll.halted": "closing stopped because counts or rows did not fit",
    "poll.set_aside": "two people set damaged rows aside; how many",
    "poll.annulled": "the vote was annulled; its box is never opened",
    "box.sealed": "root and number of the ballots in the box, before anyone could open one",
    "box.key_destroyed": "the server or a custodian confirmed that no copy of the box key is left",
    "box.opened": "trustees opened the box; number, hash and root of what they found",
    "box.unopened": "fewer than ten ballots: the box stays shut for ever",
    "box.deleted": "urn and opened ballots were deleted at the end of the objection period",
    "roll.root": "root and size of the roll: at opening, or at close for a vote open to all",
    "roll.open": "a vote without a roll opened: anyone with a confirmed address may take part, once; hash of its card",
    "roll.changed": "while a vote was under way people were struck off its roll, or put back; how many, never who",
    "took_part.root": "root and number of those who took part, at close",
    "result.published": "a result was published; hash of its archive",
    "result.corrected": "a published result was replaced; hashes of both archives",
    "result.withdrawn": "a published result was withdrawn",
    "result.recounted": "an independent recounter signed a result",
    "moderation.hidden": "something was taken off the pages; what, by which rule, and the reason",
    "moderation.shown": "something that was taken off the pages is shown again; what, and the reason",
    "codes.released": "a second person released a print run of voting codes; its number and how many slips at most",
    "codes.printed": "the slips of a print run were shown, once; how many",
    "codes.void": "a print run was declared void as a whole; how many slips it had",
    "paper.released": "two people took a mark back that somebody votes on paper; how many of the vote so far",
    "role.granted": "somebody was given a role: which, and in which roles two others asked and agreed; never a name",
    "role.ended": "somebody's role ended: which, and in which roles two others asked and agreed; never a name",
    "organisation.single_handed": "from here on one officer decides alone, or no longer does",
    "initiative.answered": "an initiative that reached its threshold was answered",
    "project.step": "a promised step was made, missed or changed",
}

LineWords = dict[str, str | int]


@dataclass(frozen=True)
class Line:
    """One line as it lies in the log; subject, salt and words are None together once it is redacted."""

    position: int
    kind: str
    minute: datetime
    digest: bytes
    leaf_hash: bytes
    subject: str | None
    salt: bytes | None
    words: LineWords | None


def check_words(kind: str, subject: str, words: Mapping[str, object]) -> None:
    """Check that a line is of a known kind and says texts and whole numbers that can be hashed and stored.

    It is checked before the line waits: one that could not be hashed would stop the sequencer for everybody.

    Raises:  ValueError, TypeError: the programme writes lines, so a wrong one is a bug, not a visitor's mistake.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of ledger line: {kind!r}")
    for name, word in words.items():
        if not isinstance(word, str | int) or isinstance(word, bool):
            raise TypeError(f"a ledger line says texts and whole numbers, not {name!r}: {word!r}")
    canonical([subject, dict(words)])
    if any("\0" in str(part) for part in (subject, *words, *words.values())):
        raise ValueError("a ledger line cannot hold the character U+0000: PostgreSQL does not store it")


def words_digest(salt: bytes, subject: str, words: Mapping[str, str | int]) -> bytes:
    """Hash what a line says, under a salt that makes guessing the words useless once both are erased.

    Returns:  digest("khma-ledger-words-1", salt, canonical({"subject": subject, "words": words})).
    """
    return digest("khma-ledger-words-1", salt, canonical({"subject": subject, "words": dict(words)}))


def minute_text(minute: datetime) -> str:
    """Write a minute as the leaf holds it: 2026-11-21T23:47Z."""
    return minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def leaf_bytes(kind: str, minute: str, words_hash: str) -> bytes:
    """Write the bytes of a leaf: canonical JSON of three texts, on one line.

        {"digest":"00…64 hex digits…00","kind":"box.sealed","minute":"2026-11-21T23:47Z"}

    minute:     as `minute_text` writes it.
    words_hash: `words_digest` in small hex digits.
    """
    return canonical({"digest": words_hash, "kind": kind, "minute": minute})


def hash_of_leaf(kind: str, minute: datetime, words_hash: bytes) -> bytes:
    """Hash a leaf into the tree: RFC 6962 leaf hash of `leaf_bytes`."""
    return leaf_hash(leaf_bytes(kind, minute_text(minute), words_hash.hex()))
