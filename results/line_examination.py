"""Examining a voter's own line: the file they took home, against the public lists that lie in a folder. Pure.

The folder is an archive, or holds just the lists as they were fetched while the vote was running.
"""

from bisect import bisect_left
from pathlib import Path

from ballots.my_line import FILE, MyLine, Place, check_place
from commons.canonical import readable
from commons.merkle import root
from results.examination import Examination, Report, Unreadable, read_plain
from results.vote_archive import ROLL, TOOK_PART

LISTS = {"roll": (ROLL, "roll.root"), "took_part": (TOOK_PART, "took_part.root")}
"""Entry of the file -> the list it speaks of, and the kind of ledger line that holds its root."""


class LineExamination(Examination):
    """One voter's line, the two lists, and the roots that the ledger holds."""

    def __init__(self, path: Path, folder: Path, key: str | None) -> None:
        super().__init__(folder, key)
        self.path, self.unproven = path, key is None

    def run(self) -> Report:
        """Check the file by itself, then against each list that is there."""
        for name, path in ((FILE, self.path), (ROLL, self.folder / ROLL), (TOOK_PART, self.folder / TOOK_PART)):
            try:
                if name != TOOK_PART or path.exists():  # that one comes with the closing
                    self.files[name] = read_plain(path)
            except Unreadable as refused:
                self.note(name, "", refused.expected, refused.found)
        line = self.read_form(FILE, "a voter's line", MyLine.from_json)
        self.told = "The line could not be checked."
        if line is not None:
            found = {entry: self._check(line, entry) for entry in LISTS}
            self.told = " ".join((_roll_told(found["roll"]), _took_part_told(found["took_part"])))
            if found["took_part"] and found["roll"] == 0:
                self.note(TOOK_PART, f"line {found['took_part']}", f"a line of {ROLL}", line.hash.hex())
            if self.key is not None and not self.unproven:
                self.signer = "+".join(self.key.split("+")[:2])
        return Report(tuple(self.findings), None, self.told, "", self.signer, in_ledger=bool(self.signer))

    def _check(self, line: MyLine, entry: str) -> int | None:
        """Check one place. Returns the line on which the voter stands, 0 for none, None where nothing tells it."""
        name, _ = LISTS[entry]
        place: Place | None = getattr(line, entry)
        listed = self.read_list(name)
        if place is not None:
            for part, expected, found in check_place(place, line.hash):
                self.note(FILE, f"{entry}: {part}", expected, found)
            self.unproven |= not self._is_in_ledger(line, entry, place)
            if listed is not None:
                self._compare(name, place, [bytes.fromhex(each) for each in listed])
        if listed is None:
            return None if place is None else place.line_of(line.hash)
        at = bisect_left(listed, line.hash.hex())
        return at + 1 if listed[at : at + 1] == [line.hash.hex()] else 0

    def _is_in_ledger(self, line: MyLine, entry: str, place: Place) -> bool:
        """Check that the ledger holds the root and the size that the place speaks of."""
        if place.ledger is None:
            return False
        where = f"{entry}: ledger"
        proof = self.read_proof_in(FILE, where, readable(place.ledger), LISTS[entry][1], {"root", "size"}, self.key)
        if proof is None:
            return False
        words = proof["words"]
        differing = [
            (part, right, found)
            for part, right, found in (
                ("subject", proof["subject"], f"vote/{line.address}"),
                ("root", words["root"], place.root.hex()),
                ("size", words["size"], place.size),
            )
            if right != found
        ]
        for part, right, found in differing:
            self.note(FILE, f"{entry}: {part}", f"{right}, as in the ledger", found)
        return not differing

    def _compare(self, name: str, place: Place, listed: list[bytes]) -> None:
        """Check that a list is the one whose root the voter was shown: neither longer, nor shorter, nor another."""
        if len(listed) != place.size:
            self.note(name, "number of lines", place.size, len(listed))
        elif (found := root(listed)) != place.root:
            self.note(name, "root", place.root.hex(), found.hex())


def _roll_told(line: int | None) -> str:
    match line:
        case None:
            return f"No roll yet: there is no {ROLL}."
        case 0:
            return "You are not on the roll."
        case _:
            return f"You are on the roll: line {line} of {ROLL}."


def _took_part_told(line: int | None) -> str:
    match line:
        case None:
            return f"Whether you took part is told after closing: there is no {TOOK_PART} yet."
        case 0:
            return "You did not take part."
        case _:
            return f"You took part: line {line} of {TOOK_PART}."
