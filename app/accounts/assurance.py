"""How sure this house can be of who somebody is: three levels, each with its reason. Pure."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """The level: none, A1, A2 or A3."""

    NONE = 0
    A1 = 1
    A2 = 2
    A3 = 3


@dataclass(frozen=True)
class Known:
    """What is known of somebody.

    email:    they can read letters to an address. code: they showed a voting code that works.
    checked:  an official at a desk saw who they are. identity: a provider of sign-ins vouches for them.
    factor:   they have a second factor: an app, or a passkey, which is two in one: it asks for finger, face or PIN.
    """

    email: bool = False
    code: bool = False
    checked: bool = False
    identity: bool = False
    factor: bool = False


def level_of(known: Known) -> Level:
    """Tell the level. A second factor makes a thief's work harder, and does not say who somebody is: it needs A2."""
    if known.code or known.checked or known.identity:
        return Level.A3 if known.factor else Level.A2
    return Level.A1 if known.email else Level.NONE
