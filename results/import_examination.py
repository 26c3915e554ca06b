"""Examining the archive of a vote that was brought in: its ballots are there, so all is counted again. Pure."""

import json

from ballots.counting.types import Profile
from ballots.formats import abif
from commons.errors import Invalid
from polls.rulecard import RuleCard
from results import archive
from results.examination import Examination


class ImportExamination(Examination):
    """The card and the ballots; everything else follows from them."""

    possible = archive.SUMMED

    def find_summed(self) -> tuple[str, ...]:
        """Name the files; they are always the same."""
        return archive.SUMMED

    def examine(self) -> None:
        """Count the ballots again by the card."""
        card, profile = self.read_form(archive.CARD, "a rule card", RuleCard.from_json), self._read_ballots()
        self.card_hash = card.hash() if card else ""
        self._recount(card, profile)
        self.told = "The ballots could not be recounted."
        if archive.RESULT in self.recounted:
            self.result = json.loads(self.recounted[archive.RESULT])
            order = " > ".join(" = ".join(place) for place in self.result["order"])
            self.told = f"Recounted {self.result['ballots']} ballots by the rule {self.result['rule']}: {order}."

    def _read_ballots(self) -> Profile | None:
        if archive.BALLOTS not in self.files:
            return None
        try:
            profile = abif.read(self.files[archive.BALLOTS].decode())
        except Invalid as refused:
            facts = refused.facts
            self.note(archive.BALLOTS, f"line {facts.get('line', 0)}", facts.get("expected"), facts.get("found"))
            return None
        except UnicodeDecodeError as refused:
            line = self.files[archive.BALLOTS].count(b"\n", 0, refused.start) + 1
            self.note(archive.BALLOTS, f"line {line}", "UTF-8", f"0x{self.files[archive.BALLOTS][refused.start]:02x}")
            return None
        self.note_difference(archive.BALLOTS, abif.write(profile).encode())
        return profile

    def _recount(self, card: RuleCard | None, profile: Profile | None) -> None:
        """Count the ballots by the card, and compare every file that follows from them."""
        if card is None or profile is None:
            return
        if card.options != profile.options:
            self.note(archive.CARD, "options", list(profile.options), list(card.options))
        elif card.implicit != profile.implicit:
            self.note(archive.CARD, "partial", f"as the ballots say: implicit = {profile.implicit}", card.partial)
        else:
            self.recount(archive.count_files(card, profile))
