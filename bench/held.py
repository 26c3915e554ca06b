"""What was seen of a vote held by `khma bench city`: the figures told, and what must hold of them. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.voters import CHANGED, LOST, MISTYPED, PLAIN, TWICE, Told
from polls.lifecycle import Kind

MOST_P99_SECONDS = 2.0
FREE_GUESSES = 100
REFUSED = {"403", "429"}


@dataclass(frozen=True)
class Times:
    """Seconds: of the voting; from the announced time until the vote was closed, and until its box was opened; from
    there until the result was out, which is the count, the attack on what is released, and the archive.
    """

    voting: float
    closing: float
    opening: float
    publishing: float


@dataclass(frozen=True)
class Held:
    """A vote that was held.

    ways, told: of each voter, in one order: what they did (bench/voters.py), and what they saw.
    slowed:     how many of a stranger's guesses were told to wait. late: status of the answer to a cast after closing.
    box:        the lines of box.txt. archive: bytes of all files.
    verified:   the exit code of `khma verify`; said: all that it said.
    memory:     by program, the most that each of its processes ever had, in MB.
    """

    ways: Sequence[str]
    told: Sequence[Told]
    guesses: int
    slowed: int
    late: int
    box: Sequence[str]
    minutes: Mapping[str, Any]
    archive: int
    verified: int
    said: str
    times: Times
    memory: Mapping[str, Sequence[int]]


def tell(held: Held) -> Iterator[str]:
    """Tell the figures, a line each."""
    casts = [each for told in held.told for each in told["casts"]]
    pages = [each for told in held.told for each in told["pages"]]
    recorded = sum(len(set(told["receipts"])) for told in held.told)
    yield f"  {recorded / held.times.voting:.1f} ballots a second, with their pages and receipts"
    for name, times in (("page", pages), ("cast", casts)):
        spread = ", ".join(f"p{part} {share_of(times, part):.0f}" for part in (50, 95, 99))
        yield f"  {name} {spread} ms"
    extended = sum(each["kind"] == Kind.EXTEND.value for each in held.minutes["amendments"])
    yield f"  extended {extended} times by two people, for voters who were still on their way"
    yield f"  closed {held.times.closing:.1f} s after the announced time, box opened {held.times.opening:.1f} s"
    released = held.minutes["released"]
    yield f"  count, attack on the release and archive {held.times.publishing:.1f} s; released: {released}"
    yield f"  archive {held.archive / 1000:.0f} kB"
    for name, peaks in held.memory.items():
        yield f"  {name}: at most {' + '.join(map(str, peaks))} MB"
    yield f"  khma verify: {held.said.splitlines()[-1] if held.said else '-'}"


def must_hold(held: Held) -> Iterator[tuple[bool, str]]:
    """Yield everything that must hold, with whether it does."""
    voters, box = len(held.told), set(held.box)
    counted = (held.minutes["took_part"], held.minutes["box"], len(held.box))
    yield set(counted) == {voters}, f"{voters:,} voted; {counted[0]:,} took part, {counted[1]:,} in the box (GE-13)"
    last = [told["receipts"][-1] for told in held.told if told["receipts"]]
    missing = sum(receipt not in box for receipt in last)
    yield not missing, f"{len(last):,} receipts acknowledged, {missing} missing from box.txt (§6.1: 0)"
    doubled = len(held.box) - len(box) + len(last) - len(set(last))
    unasked = len(box - set(last))
    yield not doubled and not unasked, f"{doubled} doubled, {unasked} that nobody was shown (§6.1: 0)"
    replaced = {told["receipts"][0] for told, way in zip(held.told, held.ways, strict=True) if way == CHANGED}
    yield not replaced & box, f"{len(replaced)} ballots replaced, {len(replaced & box)} of them still in the box"
    wrong = [told for told, way in zip(held.told, held.ways, strict=True) if not is_as_it_must(way, told)]
    ways = ", ".join(f"{number} {way}" for way, number in sorted(Counter(held.ways).items()))
    example = f", such as {wrong[0]['said']}" if wrong else ""
    yield not wrong, f"each was answered rightly ({ways}): {len(wrong)} were not{example} (§6.10: 0 errors)"
    busy = sum(told["busy"] for told in held.told)
    yield not busy, f"{busy} casts were told to come again (§6.10: 0 errors)"
    slowest = share_of([each for told in held.told for each in told["casts"]], 99) / 1000
    yield slowest <= MOST_P99_SECONDS, f"p99 of casts {slowest:.2f} s (§6.10: at most {MOST_P99_SECONDS:g} s)"
    yield held.late == 409, f"a ballot after the closing was answered {held.late} (§6.7: 0 late ones accepted)"
    must_slow = held.guesses > FREE_GUESSES
    yield (
        bool(held.slowed) is must_slow,
        f"of {held.guesses} wrong codes from the voters' network {held.slowed} were told to wait (§6.27: from 100 on)",
    )
    yield held.verified == 0, f"khma verify ended with {held.verified}"


def is_as_it_must(way: str, told: Told) -> bool:
    """Tell whether a voter's answers are those that what they did must bring."""
    said, receipts = told["said"], told["receipts"]
    if not receipts or not all(receipts):
        return False
    match way:
        case _ if way == PLAIN:
            return said == ["first"]
        case _ if way == MISTYPED:
            return len(said) == 2 and said[0] in REFUSED and said[1] == "first"
        case _ if way == LOST:
            return said in (["first"], ["repeated"])
        case _ if way == TWICE:
            return said == ["first", "repeated"] and receipts[0] == receipts[1]
    return way == CHANGED and said == ["first", "changed"] and receipts[0] != receipts[1]


def share_of(times: Sequence[float], part: int) -> float:
    """Find the time within which so many of a hundred were answered; 0 of none."""
    return sorted(times)[len(times) * part // 100] if times else 0.0
