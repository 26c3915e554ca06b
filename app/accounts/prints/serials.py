"""The number on a slip, such as 3-0017-K: run 3 of the list, slip 17 of the run, and a sign that tells a wrong digit.

It is no secret and casts nothing: whoever hands slips out types it, and so binds a slip to a person. Pure.
"""

import re
import unicodedata

from app.accounts.roll.codes import SIGNS
from commons.errors import Invalid

MODULUS = 31  # a prime above all differences of digits: one wrong digit, or two that changed places, never fit
LONGEST_TYPED = 30

_NUMBER = re.compile(r"([1-9][0-9]*)-([0-9]+)-([0-9A-Z])")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015\u2212]+")


def written(run: int, serial: int) -> str:
    """Write the number of a slip.

    run, serial: counted from 1.
    """
    return f"{run}-{serial:04}-{_sign(run, serial)}"


def read(typed: str) -> tuple[int, int]:
    """Read the number of a slip as somebody types it: any case, blanks for dashes, digits of any script.

    Returns: run, serial.
    Raises:  Invalid "slip.mistyped" for the field "slip".
    """
    digits = "".join(_plain(sign) for sign in typed.strip()[: LONGEST_TYPED + 1]).upper()
    found = _NUMBER.fullmatch(_BETWEEN.sub("-", digits))
    if len(typed.strip()) > LONGEST_TYPED or found is None:
        raise Invalid("slip.mistyped", field="slip")
    run, serial = int(found[1]), int(found[2])
    if written(run, serial) != f"{run}-{serial:04}-{found[3]}":
        raise Invalid("slip.mistyped", field="slip")
    return run, serial


def _sign(run: int, serial: int) -> str:
    return SIGNS[int(f"{run}{serial:04}") % MODULUS]


def _plain(sign: str) -> str:
    digit = unicodedata.decimal(sign, None)
    return sign if digit is None else str(digit)
