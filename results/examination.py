"""What every archive must hold, whatever vote it is about: its files, their hashes, its place in the ledger. Pure.

`results/import_examination.py` and `results/vote_examination.py` add what follows from the card of each kind.
"""

import json
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise as neighbours
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ballots.counting.certificate import check_schulze
from ballots.counting.types import MAX_OPTIONS
from commons.canonical import readable
from commons.errors import Invalid
from commons.ledger.proof import Finding as Fault
from commons.ledger.proof import check_proof_file
from results import archive
from results.differences import Finding, first_difference, show

MAX_BYTES = 200_000_000
MOST_FINDINGS_A_FILE = 20
_HASH_LINE = re.compile(rb"[0-9a-f]{64}\n")
_NO_KEY_GIVEN = ("checkpoint", "none was given")


class Written(Protocol):
    """What is written in one form only."""

    def bytes(self) -> bytes:
        """Write the file."""


Form = TypeVar("Form", bound=Written)


@dataclass(frozen=True)
class Report:
    """What came out: every fault, and what could be established.

    result:    the count as result.json tells it, as far as it follows from the files; None where it does not.
    told:      one or two sentences: what was counted again, and what could not be.
    card_hash: hash of the rule card, 64 hex digits, or "".
    signer:    the key that signed the ledger with this archive in it; "" when no key was given or the proof fails.
    in_ledger: whether the archive has a ledger.json at all.
    """

    findings: tuple[Finding, ...]
    result: dict[str, Any] | None
    told: str
    card_hash: str
    signer: str
    in_ledger: bool


class Examination:
    """One archive on the table: its files, and the faults found so far.

    possible: names that an archive of this kind may have. summed: those that SHA256SUMS must list, in its order.
    recounted: files that were made again from others. result, told, card_hash: for the report.
    """

    possible: tuple[str, ...] = ()

    def __init__(self, folder: Path, key: str | None) -> None:
        self.folder, self.key = folder, key
        self.files: dict[str, bytes] = {}
        self.findings: list[Finding] = []
        self.summed: tuple[str, ...] = ()
        self.recounted: dict[str, bytes] = {}
        self.result: dict[str, Any] | None = None
        self.told = self.card_hash = self.signer = ""
        self.is_proven = False

    def run(self) -> Report:
        """Look at everything; never stop at the first fault."""
        self._read_files()
        self.is_proven = self._check_ledger()
        changed = self._find_changed()
        self.examine()
        self._check_certificate()
        supported = self._check_lines(changed)
        self._name_changed(changed, set() if self.is_proven else supported)
        in_ledger = archive.LEDGER in self.files
        return Report(tuple(self.findings), self.result, self.told, self.card_hash, self.signer, in_ledger)

    def find_summed(self) -> tuple[str, ...]:
        """Tell which files this archive must have, beside SHA256SUMS and ledger.json, from those that were read."""
        raise NotImplementedError

    def examine(self) -> None:
        """Check what follows from what, and tell it."""
        raise NotImplementedError

    def note(self, where: str, place: str, expected: object, found: object) -> None:
        """Write down one fault."""
        self.findings.append(Finding(where, place, show(str(expected)), show(str(found))))

    def note_difference(self, name: str, expected: bytes) -> None:
        """Write down where a file parts from what it must be, if it does."""
        if difference := first_difference(name, expected, self.files[name]):
            self.findings.append(difference)

    def read_form(self, name: str, what: str, read: Callable[[object], Form]) -> Form | None:
        """Read a JSON file that has one form only; None, and a fault, where it has another."""
        if name not in self.files:
            return None
        try:
            form = read(json.loads(self.files[name]))
            self.note_difference(name, form.bytes())
        except Invalid as refused:
            self.note(name, refused.field or "", f"{what} as the format asks", refused)
        except (TypeError, ValueError, RecursionError) as refused:
            self.note(name, "", f"{what} in JSON", refused)
        else:
            return form
        return None

    def read_list(self, name: str) -> list[str] | None:
        """Read a public list: each line once, sorted."""
        if name not in self.files:
            return None
        lines = archive.lines_of(self.files[name])
        faults = [
            (number, "64 hex digits and a line feed", line)
            for number, line in enumerate(lines, start=1)
            if not _HASH_LINE.fullmatch(line)
        ] or [
            (number, f"a line that sorts after {before[:16].decode()}…", line)
            for number, (before, line) in enumerate(neighbours(lines), start=2)
            if line <= before
        ]
        for number, expected, line in faults[:MOST_FINDINGS_A_FILE]:
            self.note(name, f"line {number}", expected, line.decode("utf-8", "replace").rstrip("\n"))
        return None if faults else [line.decode().rstrip("\n") for line in lines]

    def read_proof(self, name: str, kind: str, entries: set[str], key: str | None) -> dict[str, Any] | None:
        """Check the proof of one line of the ledger, and read it; None, and a fault, where it does not hold."""
        return self.read_proof_in(name, "", self.files[name], kind, entries, key)

    def read_proof_in(
        self, name: str, entry: str, data: bytes, kind: str, entries: set[str], key: str | None
    ) -> dict[str, Any] | None:
        """Check a proof as `read_proof` does, where it is one entry of a file; "" where it is the whole."""
        place = f"{entry}: " if entry else ""
        faults = self.told_of(check_proof_file(data, key), key)
        for fault in faults:
            self.note(name, place + fault.where, fault.expected, fault.found)
        if faults:
            return None
        proof: dict[str, Any] = json.loads(data)
        found = {"kind": proof["kind"], "words": sorted(proof["words"] or {})}
        for part, right in (("kind", kind), ("words", sorted(entries))):
            if found[part] != right:
                self.note(name, place + part, right, found[part])
                return None
        return proof

    def told_of(self, faults: Iterable[Fault], key: str | None) -> list[Fault]:
        """Leave out that no key was given: who gave none knows."""
        return [fault for fault in faults if key is not None or (fault.where, fault.found) != _NO_KEY_GIVEN]

    def key_of_then(self, faults: Iterable[Fault]) -> str | None:
        """Tell by which key a proof inside the archive is to be checked, from the faults that it has by ours.

        A log may get a new key after a vote was sealed. The older signature is then held by the newer one: it signs
        the hash of SHA256SUMS, which holds the proof's file.
        """
        if self.key is None or not self.is_proven:
            return self.key
        return None if any("checkpoint.key_unknown" in fault.found for fault in faults) else self.key

    def recount(self, files: dict[str, bytes]) -> None:
        """Compare files that follow from others with those that are there."""
        self.recounted = files
        for name, expected in files.items():
            if name in self.files:
                self.note_difference(name, expected)

    def _read_files(self) -> None:
        """Take every regular file of the archive; nothing else is opened, whatever lies there."""
        there = sorted(path.name for path in self.folder.iterdir())
        for name in sorted({*self.possible, archive.SUMS, archive.LEDGER} & {*there}):
            self._read_file(name)
        self.summed = self.find_summed()
        known = {*self.summed, archive.SUMS, archive.LEDGER}
        for name in there:
            if name not in known:
                self.note(show(name), "", "no such file in an archive v0", "one that is not listed")
        for name in sorted(known - {*there, archive.LEDGER}):
            self.note(name, "", "a file", "nothing")

    def _read_file(self, name: str) -> None:
        try:
            self.files[name] = read_plain(self.folder / name)
        except Unreadable as refused:
            self.note(name, "", refused.expected, refused.found)

    def _check_ledger(self) -> bool:
        """Check the proof that the ledger holds this archive.

        Returns: whether SHA256SUMS is proven to be the one that was published.
        """
        if archive.LEDGER not in self.files:
            return False
        proof = self.read_proof(archive.LEDGER, "result.published", {"result", "sums"}, self.key)
        if proof is None:
            return False
        words = proof["words"]
        if proof["subject"] != (right := f"results/{words['result']}"):
            self.note(archive.LEDGER, "subject", right, proof["subject"])
            return False
        if archive.SUMS in self.files and words["sums"] != (found := archive.sha256(self.files[archive.SUMS])):
            self.note(archive.SUMS, "hash in the ledger", words["sums"], found)
            return False
        self.signer = "" if self.key is None else "+".join(self.key.split("+")[:2])
        return True

    def _find_changed(self) -> dict[str, str]:
        """Read SHA256SUMS and check its own shape.

        Returns: name -> hash as listed, of the files that do not have it.
        """
        actual = {name: archive.sha256(self.files[name]) for name in self.summed if name in self.files}
        if archive.SUMS not in self.files:
            return {}
        listed: dict[str, str] = {}
        for line in self.files[archive.SUMS].decode("utf-8", "replace").split("\n"):
            digits, _, name = line.partition("  ")
            if name in self.summed and len(digits) == 64 and not set(digits) - set("0123456789abcdef"):
                listed[name] = digits
        # Where no hash can be read, the file itself tells what the line should have been.
        right = {name: listed.get(name) or actual.get(name, "") for name in self.summed}
        self.note_difference(archive.SUMS, archive.write_sums(right))
        return {name: listed[name] for name in listed if name in actual and listed[name] != actual[name]}

    def _check_certificate(self) -> None:
        """Check the certificate in result.json against its table with a program that knows nothing of the counter."""
        try:
            result = json.loads(self.files.get(archive.RESULT, b"{}"))
        except (ValueError, RecursionError) as refused:
            self.note(archive.RESULT, "", "JSON", refused)
            return
        table = result.get("pairwise") if isinstance(result, dict) else None
        if result == {} or not isinstance(table, dict) or len(table) > MAX_OPTIONS:
            return  # a result of another shape has been found to differ already
        if result.get("rule") != "schulze":
            return  # what proves the order of other rules follows from the table, and was compared as a whole
        faults = check_schulze(table, result.get("order"), result.get("certificate"), result.get("counted"))
        for _, fault in zip(range(MOST_FINDINGS_A_FILE), faults, strict=False):
            self.note(archive.RESULT, fault.where, fault.expected, fault.found)

    def _check_lines(self, changed: dict[str, str]) -> set[str]:
        """Check lines.json against the files that have their right hash; by it, name the changed lines of the others.

        Returns: the changed files that lines.json calls unchanged: then SHA256SUMS is to blame.
        """
        if archive.LINES not in self.files:
            return set()
        names = [name for name in self.summed if name != archive.LINES]
        actual = archive.line_hashes({name: self.files[name] for name in names if name in self.files})
        try:
            listed = json.loads(self.files[archive.LINES])
            listed = listed if isinstance(listed, dict) else {}
            kept = {name: listed[name] for name in names if name in listed and (name in changed or name not in actual)}
            expected = readable(actual | kept)
        except (TypeError, ValueError, RecursionError) as refused:
            self.note(archive.LINES, "", "lists of line hashes in JSON", refused)
            return set()
        self.note_difference(archive.LINES, expected)
        for name in changed:
            if name in kept and name not in self.recounted:
                self._name_lines(name, kept[name], actual[name])
        if archive.LINES in changed:
            return {archive.LINES} if len(changed) == 1 and self.files[archive.LINES] == expected else set()
        return {name for name in changed if listed.get(name) == actual[name]}

    def _name_lines(self, name: str, listed: object, actual: list[str]) -> None:
        if not isinstance(listed, list):
            return
        lines = archive.lines_of(self.files[name])
        differing = [i for i, (a, b) in enumerate(zip(listed, actual, strict=False)) if a != b]
        if len(listed) != len(actual):  # one line more or less moves all that follow
            self.note(name, "number of lines", len(listed), len(actual))
            differing = differing[:1]
        for i in differing[:MOST_FINDINGS_A_FILE]:
            self.note(
                name, f"line {i + 1}", f"a line with the hash {listed[i]}", lines[i].decode("utf-8", "replace").rstrip()
            )

    def _name_changed(self, changed: dict[str, str], supported: set[str]) -> None:
        """Name each file that has not its listed hash; where the file is supported, name the list instead."""
        named = []
        for name, listed in changed.items():
            actual = archive.sha256(self.files[name])
            if name in supported:
                place = f"line {self.summed.index(name) + 1}"
                named.append(Finding(archive.SUMS, place, actual, listed))
            else:
                named.append(Finding(name, "SHA-256", listed, actual))
        self.findings[:0] = named


class Unreadable(Exception):
    """Why a file is not read: what was expected, and what is there."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected, self.found = expected, found


def read_plain(path: Path) -> bytes:
    """Read a plain file of a size that can be checked. Raises Unreadable."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("a plain file", "a link, a folder or a device")
        if status.st_size > MAX_BYTES:
            raise Unreadable(f"at most {MAX_BYTES} bytes", f"{status.st_size} bytes")
        return path.read_bytes()
    except OSError as failure:
        raise Unreadable("a file that can be read", failure.strerror or type(failure).__name__) from failure
