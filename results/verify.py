"""Checking a published result from its files alone: `python -m results.verify FOLDER` counts again and compares.

It needs no database and no house. It never stops at the first fault: every difference is named by file and place,
with what follows from the ballots, and what was found. What it checks is described in docs/record.md.
"""

import argparse
import json
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ballots.counting.certificate import check_schulze
from ballots.counting.types import MAX_OPTIONS, Profile
from ballots.formats import abif
from commons.canonical import readable
from commons.errors import Invalid
from commons.ledger.proof import check_proof_file
from polls.rulecard import RuleCard
from results import archive
from results.differences import Finding, first_difference, show

MAX_BYTES = 200_000_000
MOST_FINDINGS_A_FILE = 20
_NO_KEY_GIVEN = ("checkpoint", "none was given")


@dataclass(frozen=True)
class Report:
    """What came out: every fault, and what could be established.

    result:    the count as result.json tells it, counted again here; None where the ballots could not be counted.
    card_hash: hash of the rule card, 64 hex digits, or "".
    signer:    the key that signed the ledger with this archive in it; "" when no key was given or the proof fails.
    in_ledger: whether the archive has a ledger.json at all.
    """

    findings: tuple[Finding, ...]
    result: dict[str, Any] | None
    card_hash: str
    signer: str
    in_ledger: bool


def verify(folder: Path, key: str | None = None) -> Iterator[Finding]:
    """Check an archive v0 and yield every fault; nothing means that it holds.

    key: the ledger's verifier key, got from somewhere else than the archive. Without it, the signature in ledger.json
         is not checked. A missing ledger.json is no fault: a fresh result waits for its place in the ledger.
    """
    yield from examine(folder, key).findings


def examine(folder: Path, key: str | None = None) -> Report:
    """Check an archive v0 as `verify` does, and tell also what was recounted and who signed.

    Raises: OSError where the folder cannot be listed; never for what lies in it.
    Cost:   one count, plus O(m^3) steps for the certificate.
    """
    examination = _Examination(folder, key)
    examination.run()
    return examination.report()


def is_archive(folder: Path) -> bool:
    """Tell whether a folder looks like an archive at all."""
    return any((folder / name).is_file() for name in (archive.SUMS, archive.CARD, archive.BALLOTS))


class _Examination:
    """One archive on the table: its files, and the faults found so far."""

    def __init__(self, folder: Path, key: str | None) -> None:
        self.folder, self.key = folder, key
        self.files: dict[str, bytes] = {}
        self.findings: list[Finding] = []
        self.card: RuleCard | None = None
        self.recounted: dict[str, bytes] = {}
        self.signer = ""

    def run(self) -> None:
        self._read_files()
        is_proven = self._check_ledger()
        changed = self._find_changed()
        self.card, profile = self._read_card(), self._read_ballots()
        self._recount(self.card, profile)
        self._check_certificate()
        supported = self._check_lines(changed)
        self._name_changed(changed, set() if is_proven else supported)

    def report(self) -> Report:
        counted = self.recounted.get(archive.RESULT)
        return Report(
            findings=tuple(self.findings),
            result=json.loads(counted) if counted else None,
            card_hash=self.card.hash() if self.card else "",
            signer=self.signer,
            in_ledger=archive.LEDGER in self.files,
        )

    def _note(self, where: str, place: str, expected: object, found: object) -> None:
        self.findings.append(Finding(where, place, show(str(expected)), show(str(found))))

    def _note_difference(self, name: str, expected: bytes) -> None:
        if difference := first_difference(name, expected, self.files[name]):
            self.findings.append(difference)

    def _read_files(self) -> None:
        """Take every regular file of the archive; nothing else is opened, whatever lies there."""
        known = {*archive.SUMMED, archive.SUMS, archive.LEDGER}
        there = sorted(path.name for path in self.folder.iterdir())
        for name in there:
            if name not in known:
                self._note(show(name), "", "no such file in an archive v0", "one that is not listed")
        for name in sorted(known):
            if name in there:
                self._read_file(name)
            elif name != archive.LEDGER:
                self._note(name, "", "a file", "nothing")

    def _read_file(self, name: str) -> None:
        path = self.folder / name
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                self._note(name, "", "a plain file", "a link, a folder or a device")
            elif status.st_size > MAX_BYTES:
                self._note(name, "", f"at most {MAX_BYTES} bytes", f"{status.st_size} bytes")
            else:
                self.files[name] = path.read_bytes()
        except OSError as failure:
            self._note(name, "", "a file that can be read", failure.strerror)

    def _check_ledger(self) -> bool:
        """Check the proof that the ledger holds this archive.

        Returns: whether SHA256SUMS is proven to be the one that was published.
        """
        if archive.LEDGER not in self.files:
            return False
        faults = 0
        for fault in check_proof_file(self.files[archive.LEDGER], self.key):
            if self.key is not None or (fault.where, fault.found) != _NO_KEY_GIVEN:
                self._note(archive.LEDGER, fault.where, fault.expected, fault.found)
                faults += 1
        if faults:
            return False
        proof = json.loads(self.files[archive.LEDGER])
        words = proof["words"] or {}
        about = (proof["kind"], proof["subject"], set(words))
        expected = ("result.published", f"results/{words.get('result')}", {"result", "sums"})
        for entry, right, found in zip(("kind", "subject", "words"), expected, about, strict=True):
            if right != found:
                self._note(archive.LEDGER, entry, sorted(right) if entry == "words" else right, found)
                return False
        if archive.SUMS in self.files and words["sums"] != (found := archive.sha256(self.files[archive.SUMS])):
            self._note(archive.SUMS, "hash in the ledger", words["sums"], found)
            return False
        self.signer = "" if self.key is None else "+".join(self.key.split("+")[:2])
        return True

    def _find_changed(self) -> dict[str, str]:
        """Read SHA256SUMS and check its own shape.

        Returns: name -> hash as listed, of the files that do not have it.
        """
        actual = {name: archive.sha256(self.files[name]) for name in archive.SUMMED if name in self.files}
        if archive.SUMS not in self.files:
            return {}
        listed: dict[str, str] = {}
        for line in self.files[archive.SUMS].decode("utf-8", "replace").split("\n"):
            digits, _, name = line.partition("  ")
            if name in archive.SUMMED and len(digits) == 64 and not set(digits) - set("0123456789abcdef"):
                listed[name] = digits
        # Where no hash can be read, the file itself tells what the line should have been.
        right = {name: listed.get(name) or actual.get(name, "") for name in archive.SUMMED}
        self._note_difference(archive.SUMS, archive.write_sums(right))
        return {name: listed[name] for name in listed if name in actual and listed[name] != actual[name]}

    def _read_card(self) -> RuleCard | None:
        if archive.CARD not in self.files:
            return None
        try:
            card = RuleCard.from_json(json.loads(self.files[archive.CARD]))
            self._note_difference(archive.CARD, card.bytes())
        except Invalid as refused:
            self._note(archive.CARD, refused.field or "", "a rule card as the format asks", refused)
        except (ValueError, RecursionError) as refused:
            self._note(archive.CARD, "", "a rule card in JSON", refused)
        else:
            return card
        return None

    def _read_ballots(self) -> Profile | None:
        if archive.BALLOTS not in self.files:
            return None
        try:
            profile = abif.read(self.files[archive.BALLOTS].decode())
        except Invalid as refused:
            facts = refused.facts
            self._note(archive.BALLOTS, f"line {facts.get('line', 0)}", facts.get("expected"), facts.get("found"))
            return None
        except UnicodeDecodeError as refused:
            line = self.files[archive.BALLOTS].count(b"\n", 0, refused.start) + 1
            self._note(archive.BALLOTS, f"line {line}", "UTF-8", f"0x{self.files[archive.BALLOTS][refused.start]:02x}")
            return None
        self._note_difference(archive.BALLOTS, abif.write(profile).encode())
        return profile

    def _recount(self, card: RuleCard | None, profile: Profile | None) -> None:
        """Count the ballots by the card, and compare every file that follows from them."""
        if card is None or profile is None:
            return
        if card.options != profile.options:
            self._note(archive.CARD, "options", list(profile.options), list(card.options))
        elif card.implicit != profile.implicit:
            self._note(archive.CARD, "partial", f"as the ballots say: implicit = {profile.implicit}", card.partial)
        else:
            self.recounted = archive.count_files(card, profile)
        for name, expected in self.recounted.items():
            if name in self.files:
                self._note_difference(name, expected)

    def _check_certificate(self) -> None:
        """Check the certificate in result.json against its table with a program that knows nothing of the counter."""
        try:
            result = json.loads(self.files.get(archive.RESULT, b"{}"))
        except (ValueError, RecursionError) as refused:
            self._note(archive.RESULT, "", "JSON", refused)
            return
        table = result.get("pairwise") if isinstance(result, dict) else None
        if result == {} or not isinstance(table, dict) or len(table) > MAX_OPTIONS:
            return  # a result of another shape has been found to differ already
        faults = check_schulze(table, result.get("order"), result.get("certificate"), result.get("counted"))
        for _, fault in zip(range(MOST_FINDINGS_A_FILE), faults, strict=False):
            self._note(archive.RESULT, fault.where, fault.expected, fault.found)

    def _check_lines(self, changed: dict[str, str]) -> set[str]:
        """Check lines.json against the files that have their right hash; by it, name the changed lines of the others.

        Returns: the changed files that lines.json calls unchanged: then SHA256SUMS is to blame.
        """
        if archive.LINES not in self.files:
            return set()
        names = [name for name in archive.SUMMED if name != archive.LINES]
        actual = archive.line_hashes({name: self.files[name] for name in names if name in self.files})
        try:
            listed = json.loads(self.files[archive.LINES])
            listed = listed if isinstance(listed, dict) else {}
            kept = {name: listed[name] for name in names if name in listed and (name in changed or name not in actual)}
            expected = readable(actual | kept)
        except (TypeError, ValueError, RecursionError) as refused:
            self._note(archive.LINES, "", "lists of line hashes in JSON", refused)
            return set()
        self._note_difference(archive.LINES, expected)
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
            self._note(name, "number of lines", len(listed), len(actual))
            differing = differing[:1]
        for i in differing[:MOST_FINDINGS_A_FILE]:
            self._note(
                name, f"line {i + 1}", f"a line with the hash {listed[i]}", lines[i].decode("utf-8", "replace").rstrip()
            )

    def _name_changed(self, changed: dict[str, str], supported: set[str]) -> None:
        """Name each file that has not its listed hash; where the file is supported, name the list instead."""
        named = []
        for name, listed in changed.items():
            actual = archive.sha256(self.files[name])
            if name in supported:
                place = f"line {archive.SUMMED.index(name) + 1}"
                named.append(Finding(archive.SUMS, place, actual, listed))
            else:
                named.append(Finding(name, "SHA-256", listed, actual))
        self.findings[:0] = named


def main(argv: list[str] | None = None) -> int:
    """Check the folder that the arguments name. Returns as `run`."""
    parser = argparse.ArgumentParser(prog="python -m results.verify", description="Count a published result again.")
    parser.add_argument("folder", type=Path, help="folder with the result's files")
    parser.add_argument("--key", help="the ledger's verifier key, got from somewhere you trust")
    given = parser.parse_args(argv)
    return run(given.folder, given.key)


def run(folder: Path, key: str | None) -> int:
    """Check a folder and print what was found.

    Returns: 0 when all holds, 1 with faults, 2 when the folder is no archive.
    """
    try:
        if not is_archive(folder):
            sys.stderr.write(f"{show(str(folder))}: not a folder with the files of a published result\n")
            return 2
        report = examine(folder, key)
    except OSError as failure:
        sys.stderr.write(f"{show(str(folder))}: {failure.strerror}\n")
        return 2
    for finding in report.findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(summary(report) + "\n")
    return 1 if report.findings else 0


def summary(report: Report) -> str:
    """Say in a few sentences what was recounted, who signed, and whether it holds."""
    said = []
    if report.result is not None:
        order = " > ".join(" = ".join(place) for place in report.result["order"])
        said.append(f"Recounted {report.result['ballots']} ballots by the rule {report.result['rule']}: {order}.")
        said.append(f"Rule card {report.card_hash}.")
    else:
        said.append("The ballots could not be recounted.")
    if not report.in_ledger:
        said.append("Not yet in the ledger: there is no ledger.json.")
    elif report.signer:
        said.append(f"In the ledger, signed by {report.signer}.")
    else:
        said.append("The ledger's signature was not checked.")
    faults = len(report.findings)
    said.append("All files hold." if not faults else f"{faults} {'fault' if faults == 1 else 'faults'} found.")
    return " ".join(said)


if __name__ == "__main__":
    sys.exit(main())
