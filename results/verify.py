"""Checking a published result from its files alone: `python -m results.verify FOLDER` counts again and compares.

It needs no database and no house. It never stops at the first fault: every difference is named by file and place,
with what must be there, and what was found. What it checks is described in docs/record.md.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from polls import rulecard, votecard
from results import archive
from results.differences import Finding, show
from results.examination import Report, Unreadable, read_plain
from results.import_examination import ImportExamination
from results.line_examination import LineExamination
from results.vote_archive import MINUTES
from results.vote_examination import VoteExamination


def verify(folder: Path, key: str | None = None) -> Iterator[Finding]:
    """Check an archive v0 and yield every fault; nothing means that it holds.

    key: the ledger's verifier key, got from somewhere else than the archive. Without it, the signatures of the ledger
         are not checked. A missing ledger.json is no fault: a fresh result waits for its place in the ledger.
    """
    yield from examine(folder, key).findings


def examine(folder: Path, key: str | None = None) -> Report:
    """Check an archive v0 as `verify` does, and tell also what was counted again and who signed.

    Raises: OSError where the folder cannot be listed; never for what lies in it.
    Cost:   one count, plus O(m^3) steps for the certificate.
    """
    kind = VoteExamination if _is_of_sealed_vote(folder) else ImportExamination
    return kind(folder, key).run()


def is_archive(folder: Path) -> bool:
    """Tell whether a folder looks like an archive at all."""
    return any((folder / name).is_file() for name in (archive.SUMS, archive.CARD, archive.BALLOTS, MINUTES))


def _is_of_sealed_vote(folder: Path) -> bool:
    """Tell of which kind an archive is: its card says so; where the card is broken, the minutes do."""
    try:
        card = json.loads(read_plain(folder / archive.CARD))
    except (Unreadable, ValueError, RecursionError):
        card = None
    form = card.get("format") if isinstance(card, dict) else None
    return form == votecard.VOTE_FORMAT or (form != rulecard.FORMAT and (folder / MINUTES).is_file())


def main(argv: list[str] | None = None) -> int:
    """Check the folder that the arguments name. Returns as `run`."""
    parser = argparse.ArgumentParser(prog="python -m results.verify", description="Count a published result again.")
    parser.add_argument("folder", type=Path, help="folder with the result's files")
    add_options(parser)
    given = parser.parse_args(argv)
    return run(given.folder, given.key, given.line)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked beside the folder, the same for `khma verify`."""
    parser.add_argument("--key", help="the ledger's verifier key, got from somewhere you trust")
    parser.add_argument("--line", type=Path, help="my-line.json: check a voter's own line against the folder's lists")


def run(folder: Path, key: str | None, line: Path | None = None) -> int:
    """Check a folder, or a voter's line against its lists, and print what was found.

    Returns: 0 when all holds, 1 with faults, 2 when the folder is no archive.
    """
    try:
        if line is None and not is_archive(folder):
            sys.stderr.write(f"{show(str(folder))}: not a folder with the files of a published result\n")
            return 2
        report = examine(folder, key) if line is None else LineExamination(line, folder, key).run()
    except OSError as failure:
        sys.stderr.write(f"{show(str(folder))}: {failure.strerror}\n")
        return 2
    for finding in report.findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write((summary(report) if line is None else line_summary(report)) + "\n")
    return 1 if report.findings else 0


def summary(report: Report) -> str:
    """Say in a few sentences what was counted again, who signed, and whether it holds."""
    said = [report.told]
    if report.card_hash:
        said.append(f"Rule card {report.card_hash}.")
    if not report.in_ledger:
        said.append("Not yet in the ledger: there is no ledger.json.")
    elif report.signer:
        said.append(f"In the ledger, signed by {report.signer}.")
    else:
        said.append("The ledger's signature was not checked.")
    return " ".join([*said, _faults_of(report, "All files hold.")])


def line_summary(report: Report) -> str:
    """Say where a voter stands, who signed the roots of the lists, and whether the proofs hold."""
    signed = f"The lists are in the ledger, signed by {report.signer}." if report.signer else ""
    said = [report.told, signed or "That the ledger holds the lists was not checked."]
    return " ".join([*said, _faults_of(report, "The proofs hold.")])


def _faults_of(report: Report, none: str) -> str:
    faults = len(report.findings)
    return none if not faults else f"{faults} {'fault' if faults == 1 else 'faults'} found."


if __name__ == "__main__":
    sys.exit(main())
