"""A slip as it is printed: its number, whom it is for, the code in groups of four, and a drawing for a camera. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts.prints.serials import written
from app.accounts.roll.codes import shown
from app.qr import Drawing, draw


@dataclass(frozen=True)
class Printed:
    """A code that was just drawn, in normal form, and whom it is for: nobody yet, for a slip of the desk.

    asks_fact: whether it works only with what the list knows of them.
    """

    code: str
    reference: str = ""
    name: str = ""
    asks_fact: bool = False


@dataclass(frozen=True)
class Slip:
    """One slip to print. number: "" for one that was made alone, at the counter."""

    number: str
    reference: str
    name: str
    code: str
    drawing: Drawing
    asks_fact: bool


def make_slips(printed: Sequence[Printed], address: str, run: int | None = None) -> list[Slip]:
    """Make the slips of codes, in their order.

    address: where one votes; the drawing leads there, with the code behind the `#`.
    run:     number of the print run; slips are numbered in it from 1.
    Cost:    about 2 ms each: call it beside the event loop.
    """
    return [
        Slip(
            "" if run is None else written(run, serial),
            each.reference,
            each.name,
            shown(each.code),
            draw(f"{address}#{each.code}"),
            each.asks_fact,
        )
        for serial, each in enumerate(printed, start=1)
    ]
