"""Who may ask for slips: not who runs the votes, where somebody else can. Pure."""

from collections.abc import Collection
from uuid import UUID

from commons.errors import Forbidden, Invalid


def check_asking(asked_by: UUID, managers: Collection[UUID], printers: Collection[UUID]) -> None:
    """Check that whoever asks for a print run does not also run the vote while another could make its slips.

    managers, printers: all who hold these roles. A print officer who is a manager too is nobody else's way out.
    Raises:             Forbidden "print.officer_asks".
    """
    if asked_by in managers and set(printers) - set(managers):
        raise Forbidden("print.officer_asks")


def read_size(typed: str, most: int) -> int:
    """Read how many slips are wanted, 1 to `most`. Raises Invalid "print.number" for the field "size"."""
    text = typed.strip()
    size = int(text) if text.isdecimal() and len(text) < 7 else 0
    if not 1 <= size <= most:
        raise Invalid("print.number", field="size", limit=most)
    return size
