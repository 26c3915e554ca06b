"""Examining who might vote: roll.txt and took_part.txt must be the lists whose roots the ledger holds. Pure.

A roll that was lengthened, shortened or exchanged after the opening has another root than the line `roll.root`. Who is
struck off while the vote is under way stays on the fixed list and may not vote; each such change has a line of its own.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from commons.canonical import readable
from commons.checkpoint import read_unsigned
from commons.errors import Invalid
from commons.ledger.proof import check_proof, read_proofs
from commons.merkle import check_consistency, root
from results.examination import MOST_FINDINGS_A_FILE, Examination
from results.vote_archive import MINUTES, ROLL, ROLL_CHANGED, ROLL_PROOF, SEALED, TOOK_PART, Minutes

ROOT_OF = {"roll.root": ROLL, "took_part.root": TOOK_PART}
ENTRIES = {kind: {"root", "size"} for kind in ROOT_OF} | {ROLL_CHANGED: {"change", "people", "decided_by"}}
CHANGES = ("struck", "restored")

Proofs = list[dict[str, Any]]


def examine_roll(
    table: Examination, lists: Mapping[str, list[str] | None], minutes: Minutes | None, sealed: Mapping[str, Any] | None
) -> str:
    """Check roll.json for itself, and the lists, the minutes and sealed.json against it; faults go on the table.

    sealed:  the proof in sealed.json, where it holds.
    Returns: a sentence about the roll; nothing where it could not be checked.
    """
    if ROLL_PROOF not in table.files or (proofs := _read(table, sealed)) is None:
        return ""
    before = len(table.findings)
    if not _have_their_words(table, proofs, minutes):
        return ""
    held = {proof["kind"]: proof for proof in proofs}
    for kind, name in ROOT_OF.items():
        _compare(table, name, lists[name], held[kind]["words"])
    if sealed is not None and held["roll.root"]["minute"] > sealed["minute"]:
        place = f"lines: {proofs.index(held['roll.root']) + 1}: minute"
        table.note(ROLL_PROOF, place, f"{sealed['minute']} at the latest, as in {SEALED}", held["roll.root"]["minute"])
    changed = _count_changes(table, proofs, minutes)
    return _told(held["roll.root"]["words"]["size"], changed) if len(table.findings) == before else ""


def _read(table: Examination, sealed: Mapping[str, Any] | None) -> Proofs | None:
    """Read the proofs, each checked by itself, under one checkpoint that sealed.json's is the beginning of."""
    data = table.files[ROLL_PROOF]
    try:
        value = json.loads(data)
        table.note_difference(ROLL_PROOF, readable(value))
        proofs, note, grown = read_proofs(value)
    except (Invalid, TypeError, ValueError, RecursionError) as refused:
        table.note(ROLL_PROOF, "", "proofs of lines in the ledger", refused)
        return None
    key = table.key_of_then(check_proof(proofs[0], table.key))
    faults = [
        (f"lines: {number}: {fault.where}", fault.expected, fault.found)
        for number, proof in enumerate(proofs, start=1)
        for fault in table.told_of(check_proof(proof, key), key)
    ]
    for fault in faults[:MOST_FINDINGS_A_FILE]:
        table.note(ROLL_PROOF, *fault)
    if faults:
        return None
    if sealed is not None:
        old, new = read_unsigned(sealed["checkpoint"]), read_unsigned(note)
        try:
            check_consistency(old.size, old.root, new.size, new.root, grown)
        except Invalid as refused:
            place, said = "grown", f"{refused.facts['expected']}, the log of {SEALED}"
            table.note(ROLL_PROOF, place, said, f"{refused.facts['found']} ({refused.code})")
    return proofs


def _have_their_words(table: Examination, proofs: Proofs, minutes: Minutes | None) -> bool:
    """Check that each line is about this vote and says what its kind says, and no root is missing or told twice."""
    before = len(table.findings)
    kinds = Counter(proof["kind"] for proof in proofs)
    for kind in ROOT_OF:
        if kinds[kind] != 1:
            table.note(ROLL_PROOF, "lines", f"one line {kind}", kinds[kind])
    last = -1
    for number, proof in enumerate(proofs, start=1):
        place, found = f"lines: {number}", sorted(proof["words"] or {})
        if (right := ENTRIES.get(proof["kind"])) is None:
            table.note(ROLL_PROOF, f"{place}: kind", ", ".join(ENTRIES), proof["kind"])
        elif found != sorted(right):
            table.note(ROLL_PROOF, f"{place}: words", sorted(right), found)
        if proof["position"] <= last:
            table.note(ROLL_PROOF, f"{place}: position", f"more than {last}", proof["position"])
        last = proof["position"]
        if minutes is not None and proof["subject"] != (subject := f"vote/{minutes.address}"):
            table.note(ROLL_PROOF, f"{place}: subject", f"{subject}, as in {MINUTES}", proof["subject"])
    return len(table.findings) == before


def _compare(table: Examination, name: str, listed: Iterable[str] | None, words: Mapping[str, Any]) -> None:
    """Check that a list is the one whose root and size the ledger holds."""
    if listed is None:
        return
    hashes = [bytes.fromhex(line) for line in listed]
    if words["size"] != len(hashes):
        table.note(name, f"number of lines in {ROLL_PROOF}", words["size"], len(hashes))
    if words["root"] != (found := root(hashes).hex()):
        table.note(name, f"root in {ROLL_PROOF}", words["root"], found)


def _count_changes(table: Examination, proofs: Proofs, minutes: Minutes | None) -> Counter[str]:
    """Add up who was struck off and put back, and check that the minutes say the same."""
    changed = Counter[str]()
    for number, proof in enumerate(proofs, start=1):
        if proof["kind"] == ROLL_CHANGED:
            words = proof["words"]
            change, people, deciders = words["change"], words["people"], words["decided_by"]
            if change not in CHANGES or type(people) is not int or people < 1 or deciders not in {1, 2}:
                table.note(ROLL_PROOF, f"lines: {number}: words", "a change by one or two people", words)
                continue
            changed[change] += people
            changed["alone"] += deciders == 1
    if changed["restored"] > changed["struck"]:
        table.note(ROLL_PROOF, "lines", f"at most {changed['struck']} put back", changed["restored"])
    for name in CHANGES:
        if minutes is not None and (said := getattr(minutes, name)) != changed[name]:
            table.note(MINUTES, name, f"{changed[name]}, as in {ROLL_PROOF}", said)
    return changed


def _told(size: int, changed: Counter[str]) -> str:
    told = f"On the roll: {size}, as the ledger says."
    if changed["struck"] or changed["restored"]:
        told += f" While the vote was under way {changed['struck']} were struck off and {changed['restored']} put back"
        told += f", {changed['alone']} times by one person alone." if changed["alone"] else "."
    return told
