"""Examining the archive of a sealed vote: no ballot is there, so the order is found again from the comparisons. Pure.

What follows from nothing that is published is said to need the ballots.
"""

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np

from ballots.counting.types import MAX_OPTIONS, is_option_name
from commons.canonical import readable
from commons.ledger.proof import check_proof_file
from commons.merkle import root
from polls.kinds import GRADES, RULES, Kind
from polls.votecard import FEWEST_OPENED, VoteCard
from results import vote_archive
from results.archive import CARD, PLACES, RESULT
from results.examination import MOST_FINDINGS_A_FILE, Examination
from results.figures import FORMS, UNTOLD, Figures, Form, count_figures
from results.release import STEP, Plan, could_be, decide, in_tens
from results.roll_examination import examine_roll
from results.vote_archive import BOX, MINUTES, ROLL, SEALED, TOOK_PART, Minutes

UNCOUNTED = "needs the ballots: recounted by nobody yet"
_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


class VoteExamination(Examination):
    """The card, the minutes, three public lists, the sealed root, and as much of the count as was released."""

    possible = vote_archive.summed(Plan.FULL, *Form)

    def find_summed(self) -> tuple[str, ...]:
        """Tell the files by what the minutes release; where they are broken, by what is there."""
        try:
            plan = Plan(json.loads(self.files[MINUTES])["released"])
        except (KeyError, TypeError, ValueError, RecursionError):
            is_full = any(form.value in self.files for form in Form)
            plan = Plan.FULL if is_full else Plan.ORDER if RESULT in self.files else Plan.NONE
        return vote_archive.summed(plan, self._form().value)

    def _form(self) -> Form:
        """Tell which figures the rule of the card has; where the card is broken, comparisons."""
        try:
            return FORMS.get(json.loads(self.files[CARD])["rule"], Form.PAIRS)
        except (KeyError, TypeError, ValueError, RecursionError):
            return Form.PAIRS

    def examine(self) -> None:
        """Check each file for itself, then every two that speak of the same."""
        card = self.read_form(CARD, "a rule card", VoteCard.from_json)
        minutes = self.read_form(MINUTES, "minutes", Minutes.from_json)
        lists = {name: self.read_list(name) for name in (BOX, ROLL, TOOK_PART)}
        self._check_lists(lists, minutes)
        sealed = self._check_sealed(lists[BOX], minutes)
        on_roll = examine_roll(self, lists, minutes, sealed)
        self.card_hash = card.hash() if card else ""
        self.told = "The result could not be checked."
        if card is None or minutes is None or not self._check_minutes(card, minutes):
            return
        match minutes.release.plan:
            case Plan.FULL:
                self._check_whole(card, minutes)
            case Plan.ORDER:
                self._check_order(card, minutes)
            case Plan.NONE:
                fewest = f"fewer than {FEWEST_OPENED}"
                self.told = f"The box was not opened: it holds {minutes.box} ballots, {fewest}."
        self.told += f" {on_roll}" if on_roll else ""
        if card.open_to_all:
            self.told += (
                " Indicative: no roll of entitled people; anyone with a confirmed address could take part once."
            )
        if minutes.paper:
            self.told += f" Not in these figures: {minutes.paper} who vote on paper."

    def _check_lists(self, lists: dict[str, list[str] | None], minutes: Minutes | None) -> None:
        """Check that the numbers agree, and that nobody took part who is not on the roll."""
        if minutes is not None:
            numbers = {BOX: minutes.box, ROLL: minutes.roll, TOOK_PART: minutes.took_part}
            for name, listed in lists.items():
                if listed is not None and len(listed) != numbers[name]:
                    self.note(MINUTES, name.removesuffix(".txt"), f"{len(listed)} lines of {name}", numbers[name])
        box, roll, took_part = lists[BOX], lists[ROLL], lists[TOOK_PART]
        paper = minutes.paper if minutes else 0
        if box is not None and took_part is not None and len(box) + paper != len(took_part):
            as_in = f"as in {TOOK_PART}" + (f" without the {paper} who vote on paper" if paper else "")
            self.note(BOX, "number of lines", f"{len(took_part) - paper}, {as_in}", len(box))
        if roll is not None and took_part is not None:
            known = set(roll)
            strangers = [(number, line) for number, line in enumerate(took_part, start=1) if line not in known]
            for number, line in strangers[:MOST_FINDINGS_A_FILE]:
                self.note(TOOK_PART, f"line {number}", f"a line of {ROLL}", line)

    def _check_sealed(self, box: list[str] | None, minutes: Minutes | None) -> dict[str, Any] | None:
        """Check the proof that the ledger held the root of the box list. Returns the proof, where it holds."""
        if SEALED not in self.files:
            return None
        key = self.key_of_then(check_proof_file(self.files[SEALED], self.key))
        proof = self.read_proof(SEALED, "box.sealed", {"root", "ballots", "set_aside"}, key)
        if proof is None:
            return None
        words = proof["words"]
        if box is not None:
            found = root([bytes.fromhex(line) for line in box]).hex()
            if words["root"] != found:
                self.note(BOX, f"root in {SEALED}", words["root"], found)
            if words["ballots"] != len(box):
                self.note(BOX, f"number of lines in {SEALED}", words["ballots"], len(box))
        if minutes is not None:
            for entry, right, said in (
                ("address", proof["subject"], f"vote/{minutes.address}"),
                ("set_aside", words["set_aside"], minutes.set_aside),
            ):
                if right != said:
                    self.note(MINUTES, entry, f"{right}, as in {SEALED}", said)
        return proof

    def _check_minutes(self, card: VoteCard, minutes: Minutes) -> bool:
        """Check the minutes against the card and themselves. Returns whether the count can be looked at."""
        before = len(self.findings)
        plan, is_amended, options = minutes.release.plan, bool(minutes.amendments), len(card.options)
        is_open = plan is not Plan.NONE
        most_unreadable = minutes.box if is_open else 0
        checks = (
            ("vote", minutes.poll_id == card.poll_id, card.poll_id, minutes.poll_id),
            ("card", minutes.card == self.card_hash, self.card_hash, minutes.card),
            ("closes_at", is_amended or minutes.closes_at == card.closes_at, card.closes_at, minutes.closes_at),
            ("publishes_at", is_amended or minutes.publishes_at == card.publishes_at, card.publishes_at,
             minutes.publishes_at),
            ("urn", _HASH.fullmatch(minutes.urn), "64 hex digits", minutes.urn),
            ("opened", _HASH.fullmatch(minutes.opened) if is_open else not minutes.opened,
             "64 hex digits" if is_open else "nothing", minutes.opened),
            ("unreadable", minutes.unreadable <= most_unreadable, f"at most {most_unreadable}", minutes.unreadable),
            ("released", could_be(minutes.release, minutes.box, options, FORMS.get(card.rule)),
             f"what the rule allows for {minutes.box} ballots and {options} options", plan.value),
        )  # fmt: skip
        for entry, holds, expected, found in checks:
            if not holds:
                self.note(MINUTES, entry, expected, found)
        names = card.names
        if not all(map(is_option_name, names)) or len(set(names)) < len(names) or len(names) > MAX_OPTIONS:
            self.note(CARD, "options", f"at most {MAX_OPTIONS} different names", list(names))
        return len(self.findings) == before

    def _check_whole(self, card: VoteCard, minutes: Minutes) -> None:
        """Find the order again from the figures, and all else that follows from them."""
        result, counted_at_most, form = self._read_result(), minutes.box - minutes.unreadable, FORMS[card.rule]
        figures = self._read_figures(form, card, counted_at_most)
        if figures is None or result is None:
            return
        blank = result.get("blank")
        if blank is not None and (type(blank) is not int or not FEWEST_OPENED <= blank <= counted_at_most):
            self.note(RESULT, "blank", f"{FEWEST_OPENED} to {counted_at_most}, or nothing", blank)
            return
        counted = counted_at_most - (blank or 0)
        if (most := _most_ballots(figures)) > counted:
            self.note(form.value, "", f"no more than the {counted} counted ballots", most)
            return
        outcome = count_figures(figures, card.rule, card.paper, minutes.box, blank, minutes.unreadable)
        if (release := decide(outcome, figures)) != minutes.release:
            self.note(MINUTES, "released", f"{release.plan.value}: {', '.join(release.because)}", "full")
        self.recount(vote_archive.count_files(card, replace(outcome, blank=blank or 0), figures))
        how = f"Found the order again from {form.value} by the rule {card.rule}"
        self._tell(outcome.as_json(), how, "The table")

    def _check_order(self, card: VoteCard, minutes: Minutes) -> None:
        """Check that the order is one, that both files tell the same, and that nothing more is told."""
        result = self._read_result()
        if result is None:
            return
        if (order := _order_in(result, card.names)) is None:
            self.note(RESULT, "order", f"each of the {len(card.names)} options in one place", result.get("order"))
            return
        rest = minutes.box - minutes.unreadable
        tens = {name: in_tens(each) if type(each := result.get(name)) is int else 0 for name in ("blank", "counted")}
        if abs(sum(tens.values()) - rest) > STEP:
            self.note(RESULT, "counted", f"about {rest}, with the blank ones", sum(tens.values()))
        expected = {
            "rule": card.rule,
            "options": list(card.names),
            "ballots": in_tens(minutes.box),
            "invalid": in_tens(minutes.unreadable),
            **tens,
            "order": order,
            "winners": _winners_in(result, order, card),
            "rounds": [],
            "pairwise": None,
            "certificate": None,
        }
        self.recount({PLACES: vote_archive.write_places(order), RESULT: readable(expected)})
        self._tell(expected, f"About {expected['ballots']} ballots, by the rule {card.rule}", "The order")

    def _tell(self, result: dict[str, Any], how: str, what: str) -> None:
        self.result = result
        self.told = f"{how}: {' > '.join(' = '.join(place) for place in result['order'])}. {what} {UNCOUNTED}."

    def _read_result(self) -> dict[str, Any] | None:
        try:
            result = json.loads(self.files.get(RESULT, b"null"))
        except (ValueError, RecursionError):
            return None  # told with the certificate
        if not isinstance(result, dict):
            self.note(RESULT, "", "a count", type(result).__name__)
            return None
        return result

    def _read_figures(self, form: Form, card: VoteCard, most: int) -> Figures | None:
        """Read the figures; names are not looked at here, for the file is written again and compared."""
        name, names = form.value, card.names
        if name not in self.files:
            return None
        try:
            rows = list(csv.reader(io.StringIO(self.files[name].decode(), newline="")))
        except (UnicodeDecodeError, csv.Error) as refused:
            self.note(name, "", "a table in UTF-8", refused)
            return None
        width = 1 + {Form.PAIRS: len(names), Form.TOTALS: 1, Form.GRADES: GRADES}[form]
        if [len(row) for row in rows] != [width] * (len(names) + 1):
            self.note(name, "", f"{len(names) + 1} lines of {width} cells", f"{len(rows)} lines")
            return None
        most *= card.paper.highest if form is Form.TOTALS and card.paper.kind is Kind.POINTS else 1
        table = np.zeros((len(names), width - 1), dtype=np.int64)
        for i, row in enumerate(rows[1:]):
            for j, cell in enumerate(row[1:]):
                is_self = form is Form.PAIRS and i == j
                if card.paper.kind is Kind.SINGLE and not cell:  # told together with others
                    table[i, j] = UNTOLD
                    continue
                if not is_self and not (_NUMBER.fullmatch(cell) and int(cell) <= most):
                    self.note(name, f"line {i + 2}, cell {j + 2}", f"a number up to {most}", cell)
                    return None
                table[i, j] = 0 if is_self else int(cell)
        return Figures(form, names, table)


def _most_ballots(figures: Figures) -> int:
    """Tell how many ballots there must be at least for these figures."""
    table = figures.table
    if figures.form is Form.PAIRS:
        return int((table + table.T).max())
    return int(table.sum(axis=1).max()) if figures.form is Form.GRADES else int(table.max())


def _winners_in(result: dict[str, Any], order: list[list[str]], card: VoteCard) -> list[str]:
    """Read who won: the first place; or, where several are chosen, the first places one after the other."""
    winners, several = result.get("winners"), RULES[card.rule].has_seats or bool(card.paper.costs)
    if several and isinstance(winners, list) and len(winners) <= card.terms.get("seats", len(card.options)):
        listed = [name for place in order for name in place]
        if winners == listed[: len(winners)]:
            return winners
    return order[0]


def _order_in(result: dict[str, Any], names: tuple[str, ...]) -> list[list[str]] | None:
    """Read an order: places that hold every option once, each place in the order of the card."""
    order = result.get("order")
    if not isinstance(order, list) or not all(isinstance(place, list) and place for place in order):
        return None
    listed = [name for place in order for name in place]
    if not all(isinstance(name, str) for name in listed) or sorted(listed) != sorted(names):
        return None
    return order if all(place == sorted(place, key=names.index) for place in order) else None
