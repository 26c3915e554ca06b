"""Examining the archive of a vote that was brought in: its ballots are there, so all is counted again. Pure."""

import json

from ballots.counting.contest import Contest, Grades
from ballots.counting.types import Profile
from ballots.formats import abif
from commons.errors import Invalid
from polls.rulecard import GRADING, RuleCard
from results import archive
from results.examination import Examination


class ImportExamination(Examination):
    """The card and the ballots; everything else follows from them."""

    possible = tuple(sorted((*archive.SUMMED, archive.GRADES)))

    def find_summed(self) -> tuple[str, ...]:
        """Name the files: always the same, but for the tables that only some rules have."""
        tables = {archive.PAIRWISE: archive.COMPARING, archive.GRADES: GRADING}
        rule = self._told_rule()
        absent = {name for name, rules in tables.items() if rule not in rules or
                  (name == archive.GRADES and name not in self.files)}  # fmt: skip
        return tuple(name for name in self.possible if name not in absent)

    def examine(self) -> None:
        """Count the ballots again by the card."""
        card = self.read_form(archive.CARD, "a rule card", RuleCard.from_json)
        pile = self._read_ballots(card)
        self.card_hash = card.hash() if card else ""
        self._recount(card, pile)
        self.told = "The ballots could not be recounted."
        if archive.RESULT in self.recounted:
            self.result = json.loads(self.recounted[archive.RESULT])
            order = " > ".join(" = ".join(place) for place in self.result["order"])
            self.told = f"Recounted {self.result['ballots']} ballots by the rule {self.result['rule']}: {order}."

    def _told_rule(self) -> str:
        """Read which rule the card names; where it cannot be read, the one that all archives once had."""
        try:
            card = json.loads(self.files.get(archive.CARD, b""))
        except (ValueError, RecursionError):
            card = None
        rule = card.get("rule") if isinstance(card, dict) else None
        return rule if isinstance(rule, str) else "schulze"

    def _read_ballots(self, card: RuleCard | None) -> Profile | Grades | None:
        if archive.BALLOTS not in self.files:
            return None
        try:
            contest = abif.read_contest(self.files[archive.BALLOTS].decode())
        except Invalid as refused:
            facts = refused.facts
            self.note(archive.BALLOTS, f"line {facts.get('line', 0)}", facts.get("expected"), facts.get("found"))
            return None
        except UnicodeDecodeError as refused:
            line = self.files[archive.BALLOTS].count(b"\n", 0, refused.start) + 1
            self.note(archive.BALLOTS, f"line {line}", "UTF-8", f"0x{self.files[archive.BALLOTS][refused.start]:02x}")
            return None
        pile = _choose(contest, card)
        if pile is None:
            self.note(archive.BALLOTS, "", "ballots of the form that the rule of the card asks for", "another form")
            return None
        self.note_difference(archive.BALLOTS, abif.write(pile).encode())
        return pile

    def _recount(self, card: RuleCard | None, pile: Profile | Grades | None) -> None:
        """Count the ballots by the card, and compare every file that follows from them."""
        if card is None or pile is None:
            return
        if card.options != pile.options:
            self.note(archive.CARD, "options", list(pile.options), list(card.options))
        elif isinstance(pile, Profile) and card.implicit != pile.implicit:
            self.note(archive.CARD, "partial", f"as the ballots say: implicit = {pile.implicit}", card.partial)
        else:
            try:
                files = archive.count_files(card, pile)
            except Invalid as refused:
                self.note(archive.BALLOTS, "", f"ballots that can be counted by the rule {card.rule}", refused)
                return
            self.recount(files)
            for name in sorted(set(files) - set(self.summed)):
                self.note(name, "", "a file", "nothing")
            if archive.GRADES in self.files and archive.GRADES not in files:
                self.note(archive.GRADES, "", "no such file: these ballots have no table of grades", "one")


def _choose(contest: Contest, card: RuleCard | None) -> Profile | Grades | None:
    """Take the ballots in the form that the card's rule asks for; without a card, as they seem to be written."""
    if card is None:
        return contest.grades or contest.rankings
    return contest.grades if card.rule in GRADING else contest.rankings
