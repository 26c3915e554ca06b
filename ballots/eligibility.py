"""Who may vote: decided from a few facts about a voter that hold no name. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from commons.errors import Forbidden


class Channel(StrEnum):
    """By which door a ballot came."""

    WEB = "web"
    DESK = "desk"
    KIOSK = "kiosk"
    PAPER = "paper"


@dataclass(frozen=True)
class VoterFacts:
    """What a vote needs to know of a person.

    roll_id:  the roll on which their line stands. is_void: their code was declared void, or the line struck off.
    fits:     whether the vote's rule lets them vote; true where it has none.
    """

    roll_id: UUID
    is_void: bool = False
    fits: bool = True


def check_eligible(facts: VoterFacts, roll_id: UUID | None) -> None:
    """Check that a voter may vote. Raises Forbidden "voter.not_on_roll", "voter.void" or "voter.not_eligible"."""
    if facts.roll_id != roll_id:
        raise Forbidden("voter.not_on_roll")
    if facts.is_void:
        raise Forbidden("voter.void")
    if not facts.fits:
        raise Forbidden("voter.not_eligible")
