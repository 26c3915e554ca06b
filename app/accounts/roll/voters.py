"""A voter at the moment of voting: the line they stand for, and whether their code still works. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.accounts.roll.facts import Kept, fits, rule_of
from ballots.eligibility import Channel, VoterFacts

BY_SIGN_IN = 0
"""The serial of whoever came by signing in and showed no code; codes are counted from 1."""

AT_SCREEN = 2**40 - 1
"""The serial of whoever votes on the second screen of a counter, and showed no code; no code has it."""


@dataclass(frozen=True)
class Voter:
    """Who came, by whichever door. It holds no name.

    serial:  which code of the line was shown, or BY_SIGN_IN. is_void: that code was declared void, or the line
             struck off. from_desk: the code was given out at a counter. known: what the list tells for a rule.
    session: at a second screen the one that lasts, without which their pass is nothing; else nothing.
    fact:    mark of the second fact, asked for beside a code that came by letter; None where their line has none.
    """

    line_id: UUID
    roll_id: UUID
    serial: int
    is_void: bool = False
    from_desk: bool = False
    known: Kept | None = field(default=None, repr=False)  # a person's; it belongs in no log
    fact: bytes | None = field(default=None, repr=False)
    session: bytes = field(default=b"", repr=False)

    @property
    def channel(self) -> Channel:
        """By which door their ballot comes."""
        return Channel.DESK if self.from_desk else Channel.WEB

    @property
    def asked_fact(self) -> bytes | None:
        """The mark of the fact without which their code does not vote; who got a slip at a counter was seen there."""
        return None if self.from_desk else self.fact

    def facts(self, eligibility: Mapping[str, Any] | None) -> VoterFacts:
        """Tell what a vote with this rule, or none, needs to know of them."""
        return VoterFacts(self.roll_id, self.is_void, fits(rule_of(eligibility), self.known))

    @property
    def line(self) -> bytes:
        """The fixed bytes of their line, of which each vote makes their tag."""
        return self.line_id.bytes
