"""The code on a voter's slip: drawn, written for the eye, read from the hand, and kept as a hash only. Pure.

A code is 20 signs of Crockford's base 32, which has no I, L, O and U: 18 random ones (90 bits), then the number they
write modulo the prime 1021, in two signs. So every single wrong sign is noticed, and every two that changed places.
"""

import secrets
import unicodedata

from commons.canonical import digest
from commons.errors import Invalid

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_SIGNS = 18
CODE_SIGNS = RANDOM_SIGNS + 2
MODULUS = 1021
GROUP = 4
LONGEST_TYPED = 200

_VALUES = {sign: value for value, sign in enumerate(SIGNS)} | {"O": 0, "I": 1, "L": 1}
_LEFT_OUT = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd"})  # blanks, invisible signs, dashes
_MINUS = "\u2212"  # a dash to everybody but Unicode


def new_code() -> str:
    """Draw a code. Returns 20 signs without dashes: the normal form."""
    number = secrets.randbits(5 * RANDOM_SIGNS)
    return _written(number, RANDOM_SIGNS) + _written(number % MODULUS, 2)


def read_code(typed: str) -> str:
    """Read what somebody typed: any case, any blanks and dashes, O for 0, I or L for 1, digits of any script.

    Returns: the normal form, 20 signs.
    Raises:  Invalid "code.mistyped" for the field "code" where a sign is missing, too many, unknown or wrong.
    """
    signs = signs_in(typed) if len(typed) <= LONGEST_TYPED else None
    if signs is None or len(signs) != CODE_SIGNS:
        raise Invalid("code.mistyped", field="code")
    values = [_VALUES[sign] for sign in signs]
    if _number(values[:RANDOM_SIGNS]) % MODULUS != _number(values[RANDOM_SIGNS:]):
        raise Invalid("code.mistyped", field="code")
    return signs


def signs_in(typed: str) -> str | None:
    """Give the signs that somebody typed, of those that codes are made of; None where another one is among them."""
    values = [_value(sign) for sign in typed if not _is_left_out(sign)]
    known = [value for value in values if value is not None]
    return "".join(SIGNS[value] for value in known) if len(known) == len(values) else None


def shown(code: str) -> str:
    """Write a code for the eye: groups of four, such as 7K3D-0ZQ8-….

    code: in normal form.
    """
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def hash_of(code: str) -> bytes:
    """Find what is kept of a code: 32 bytes that lead back to nothing, since nobody can try 2^90 codes.

    code: in normal form.
    """
    return digest("khma-voter-code-1", code.encode())


def _is_left_out(sign: str) -> bool:
    return sign == _MINUS or unicodedata.category(sign) in _LEFT_OUT


def _value(sign: str) -> int | None:
    digit = unicodedata.decimal(sign, None)
    return _VALUES.get(unicodedata.normalize("NFKC", sign).upper()) if digit is None else digit


def _number(values: list[int]) -> int:
    number = 0
    for value in values:
        number = number * len(SIGNS) + value
    return number


def _written(number: int, length: int) -> str:
    signs = []
    for _ in range(length):
        number, value = divmod(number, len(SIGNS))
        signs.append(SIGNS[value])
    return "".join(reversed(signs))
