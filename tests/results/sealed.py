"""The archive of a sealed vote to try things on, made without a database; the published example is one of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ballots.counting.contest import Contest
from ballots.counting.pairwise import count_pairs
from ballots.counting.registry import count
from ballots.counting.types import Profile
from commons.canonical import readable
from commons.checkpoint import Checkpoint, sign
from commons.ledger.lines import Line, LineWords, hash_of_leaf, words_digest
from commons.ledger.proof import write_proof, write_proofs
from commons.merkle import consistency_proof, inclusion_proof, root
from polls.votecard import CardOption, VoteCard
from results import archive, vote_archive
from results.figures import Figures, Form
from results.release import decide
from results.vote_archive import BOX, ROLL, ROLL_CHANGED, ROLL_PROOF, SEALED, TOOK_PART, Change, Minutes
from tests.commons.ledger.written import KEY, ORIGIN

POLL = UUID("6b6d8a4e-3c1f-4c57-9d0a-2f1c5f7a9e10")
SLUG = "which-service-comes-first"
NAMES = ("Night bus", "Clinic", "=Park", "სკოლა")
RANKINGS = ((0, 1, 2), (1, 0), (2, 3, 1), (3, 0), (1, 2, 3, 0), (0,))
LEAVES = [hashlib.sha256(bytes([number])).digest() for number in range(5)]


def profile_of(ballots: int, names: Sequence[str] = NAMES, *, blank: int = 1, invalid: int = 1) -> Profile:
    """Make a pile of so many ballots in which people differ about every pair."""
    rankings = [
        ([[names[option]] for option in ranking if option < len(names)], 1)
        for number in range(ballots - blank - invalid)
        for ranking in (RANKINGS[number * 7 % 11 % len(RANKINGS)],)
    ]
    return Profile.of(names, rankings, blank=blank, invalid=invalid)


def card_of(names: Sequence[str] = NAMES) -> VoteCard:
    moment = datetime(2027, 3, 1, 6, tzinfo=UTC)
    return VoteCard(
        poll_id=POLL,
        titles={"en": "Which service comes first?", "ka": "რომელი სერვისია პირველი?"},
        questions={"en": "Put up to four services in your order."},
        organiser={"en": "Town of Example"},
        options=tuple(CardOption(number, {"en": name}) for number, name in enumerate(names, start=1)),
        most_ranked=min(4, len(names)),
        rule="schulze",
        binding=False,
        legal_basis={},
        objections={"en": "At the town hall"},
        objections_until=moment.replace(month=4),
        opens_at=moment,
        closes_at=moment.replace(day=14, hour=18),
        publishes_at=moment.replace(day=15),
        opener="key file",
        sealing_key="11" * 32,
        receipt_key="22" * 32,
        single_handed=False,
    )


def hashes(what: str, number: int) -> list[bytes]:
    return sorted(hashlib.sha256(f"{what} {each}".encode()).digest() for each in range(number))


def written(listed: Sequence[bytes]) -> bytes:
    return "".join(f"{each.hex()}\n" for each in listed).encode()


def proof_of(kind: str, subject: str, words: LineWords, key: Ed25519PrivateKey = KEY) -> bytes:
    """Prove a line as the third of six in a log that this key signs."""
    salt, minute = bytes(32), datetime(2027, 3, 14, 18, 1, tzinfo=UTC)
    said = words_digest(salt, subject, words)
    leaf = hash_of_leaf(kind, minute, said)
    leaves = [*LEAVES[:2], leaf, *LEAVES[2:]]
    note = sign(Checkpoint(ORIGIN, len(leaves), root(leaves)), key)
    line = Line(2, kind, minute, said, leaf, subject, salt, words)
    return readable(write_proof(line, inclusion_proof(leaves, 2), note))


def root_words(listed: Sequence[bytes]) -> LineWords:
    return {"root": root(listed).hex(), "size": len(listed)}


def prove_lists(
    lists: Mapping[str, Sequence[bytes]],
    changes: Sequence[LineWords] = (),
    key: Ed25519PrivateKey = KEY,
    *,
    subject: str = f"vote/{SLUG}",
    fixed_at: datetime = datetime(2027, 3, 1, 6, 1, tzinfo=UTC),
) -> dict[str, bytes]:
    """Write the two proofs of a vote, from a log that goes on after the checkpoint that holds the box.

    changes: the words of each line `roll.changed`. fixed_at: when the log took the root of the roll.
    """
    closed_at = datetime(2027, 3, 14, 20, 1, tzinfo=UTC)
    box: LineWords = {"root": root(lists[BOX]).hex(), "ballots": len(lists[BOX]), "set_aside": 0}
    said: list[tuple[str, datetime, LineWords]] = [
        ("roll.root", fixed_at, root_words(lists[ROLL])),
        ("box.sealed", closed_at, box),
        ("took_part.root", closed_at, root_words(lists[TOOK_PART])),
        *((ROLL_CHANGED, closed_at, words) for words in changes),
    ]
    lines, leaves = [], [LEAVES[0]]
    for kind, minute, words in said:
        digest = words_digest(bytes(32), subject, words)
        leaves.append(hash_of_leaf(kind, minute, digest))
        lines.append(Line(len(leaves) - 1, kind, minute, digest, leaves[-1], subject, bytes(32), words))
    leaves += LEAVES[1:3]
    early, late = (sign(Checkpoint(ORIGIN, size, root(leaves[:size])), key) for size in (3, len(leaves)))
    sealed = write_proof(lines[1], inclusion_proof(leaves[:3], 2), early)
    of_roll = [write_proof(line, inclusion_proof(leaves, line.position), late) for line in (lines[0], *lines[2:])]
    return {
        SEALED: readable(sealed),
        ROLL_PROOF: readable(write_proofs(of_roll, consistency_proof(leaves, 3))),
    }


def build(
    profile: Profile | None,
    ballots: int = 0,
    key: Ed25519PrivateKey = KEY,
    paper: int = 0,
    changes: Sequence[LineWords] = (),
    open_to_all: bool = False,
) -> dict[str, bytes]:
    """Write the archive of a vote with these ballots; without any, of one whose box of so many stays shut.

    paper: people who vote on paper beside them. changes: as `prove_lists` takes them.
    open_to_all: whether it has no roll of entitled people.
    """
    names = NAMES if profile is None else profile.options
    ballots = ballots if profile is None else profile.ballots
    outcome = None if profile is None else count("schulze", Contest(profile))
    figures = None if profile is None else Figures(Form.PAIRS, names, count_pairs(profile))
    card, roll = replace(card_of(names), open_to_all=open_to_all), hashes("roll", ballots + 12)
    box, took_part = hashes("box", ballots), roll[: ballots + paper]
    minutes = Minutes(
        poll_id=POLL,
        address=SLUG,
        card=card.hash(),
        opened_at=card.opens_at,
        closes_at=card.closes_at.replace(hour=20),
        publishes_at=card.publishes_at,
        roll=len(roll),
        took_part=ballots + paper,
        box=ballots,
        set_aside=0,
        unreadable=0 if profile is None else profile.invalid,
        urn="33" * 32,
        opened="" if profile is None else "44" * 32,
        amendments=(
            Change(
                "extend",
                "The buses stood still in the afternoon.",
                "2027-03-14T20:00:00+00:00",
                "2027-03-14T15:00:00+00:00",
                "2027-03-14T15:10:00+00:00",
            ),
        ),
        release=decide(outcome, figures),
        paper=paper,
        struck=sum(each["change"] == "struck" for each in changes),
        restored=sum(each["change"] == "restored" for each in changes),
    )
    lists = {BOX: box, ROLL: roll, TOOK_PART: took_part}
    proofs = prove_lists(lists, changes, key)
    return vote_archive.build(
        card, minutes, {name: written(each) for name, each in lists.items()}, proofs, outcome, figures
    )


def with_ledger(files: Mapping[str, bytes], key: Ed25519PrivateKey = KEY) -> dict[str, bytes]:
    """Add the proof that the ledger holds the archive."""
    said: LineWords = {"result": SLUG, "sums": archive.sha256(files[archive.SUMS])}
    return {**files, archive.LEDGER: proof_of("result.published", f"results/{SLUG}", said, key)}


def renewed(files: Mapping[str, bytes], name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    """Change a file as somebody would who renews every hash, but cannot sign the ledger."""
    assert old in files[name]
    kept = {each: data for each, data in files.items() if each not in {archive.LINES, archive.SUMS, archive.LEDGER}}
    return archive.complete(kept | {name: files[name].replace(old, new, 1)})


FULL = with_ledger(build(profile_of(56)))
ORDER = with_ledger(build(profile_of(47)))
SHUT = with_ledger(build(None, 9))
KINDS = {"full": FULL, "order": ORDER, "shut": SHUT}
