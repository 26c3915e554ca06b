"""Guessing, slowed down: which counters a try with a password or a code meets, and what frees them again.

An account has free tries, and then a growing wait. A browser that its owner signed in with before keeps tries of its
own, so that nobody else can slow them. A network has free tries too, and then a queue: whoever is told to wait holds a
turn, and is taken when it comes, whatever others do; or before it, by a sum that a browser with scripts does meanwhile
(`puzzles`). Of these there are so many and no more, so that a machine gains little. Right ones cost nothing, and take
back the slips before them.
"""

import base64
import binascii
import math
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts.limits import (
    CODE_FROM_AROUND,
    CODE_FROM_NETWORK,
    EARLY,
    FACT_OF_CODE,
    FACTOR_OF_ACCOUNT,
    FACTOR_OF_DEVICE,
    LETTER_FROM_NETWORK,
    LETTER_TO_ADDRESS,
    PASSWORD_FROM_NETWORK,
    PASSWORD_OF_ACCOUNT,
    PASSWORD_OF_DEVICE,
    PROVIDER_FROM_NETWORK,
    SCREEN_CODE_FROM_AROUND,
    SCREEN_CODE_FROM_NETWORK,
    WIDER,
    Limit,
    Limits,
    Pace,
    TooMany,
)
from app.accounts.puzzles import is_solved
from app.accounts.sealing import seal, unseal

TURN = "khma-turn-1"
TURN_HELD_SECONDS = 15 * 60


class FactsSlowed(TooMany):
    """Too many facts came beside one code."""


@dataclass(frozen=True)
class Trier:
    """Who tries.

    name:     the account, as it is counted. device: the cookie of a browser of its owner, or nothing.
    networks: where the request comes from, and what is around that.
    cookie:   the browser's own, to which a turn is bound. turn: the one that was sent along, or nothing.
    proof:    the turn's sum, done; or nothing.
    """

    name: str
    device: str
    networks: tuple[str, str]
    cookie: str
    turn: str
    proof: str = ""


@dataclass(frozen=True)
class Kind:
    """What is guessed: how often for one account, and from one browser of its owner.

    in_turn: whether a network waits in a queue for it; who shows a code waited already, with the password before it.
    """

    of_account: Limit
    of_device: Limit
    in_turn: bool


PASSWORD = Kind(PASSWORD_OF_ACCOUNT, PASSWORD_OF_DEVICE, in_turn=True)
_OF_SCREENS = (SCREEN_CODE_FROM_NETWORK, SCREEN_CODE_FROM_AROUND)
FACTOR = Kind(FACTOR_OF_ACCOUNT, FACTOR_OF_DEVICE, in_turn=False)


@dataclass(frozen=True)
class Attempt:
    """One try that was let through, and is counted as wrong until somebody says otherwise. early: by its sum."""

    limits: Limits
    who: Trier
    kind: Kind
    early: bool = False

    def was_right(self) -> None:
        """Forget the failures of this person: on their browser, else everywhere, and what they added to the network."""
        if self.who.device:
            self.limits.succeeded(self.kind.of_device.scope, _on_device(self.who))
            return
        self.limits.succeeded(self.kind.of_account.scope, self.who.name)
        slips = self.limits.succeeded(_slips(self.kind), _from_there(self.who))
        self._free_network(max(1, slips))

    def was_not_looked_at(self) -> None:
        """Take it back: nobody got as far as comparing."""
        if self.who.device:
            self.limits.take_back(self.kind.of_device.scope, _on_device(self.who))
            return
        self.limits.take_back(self.kind.of_account.scope, self.who.name)
        self.limits.take_back(_slips(self.kind), _from_there(self.who))
        self._free_network(1)

    def _free_network(self, times: int) -> None:
        for network in self.who.networks:
            self.limits.take_back(PASSWORD_FROM_NETWORK.scope, network, times)
            if self.early:
                self.limits.take_back(_early(PASSWORD_FROM_NETWORK), network)


def begin(limits: Limits, secret: str, who: Trier, kind: Kind, *, now: float | None = None) -> Attempt:
    """Count a try before it is made, so that a thousand at once cannot all pass. Raises TooMany."""
    if who.device:
        limits.try_one(kind.of_device, _on_device(who), now=now)
        return Attempt(limits, who, kind)
    early = False
    if kind.in_turn:
        early = wait_in_turn(limits, secret, PASSWORD_FROM_NETWORK, who, now=now)
    else:
        _count(limits, PASSWORD_FROM_NETWORK.scope, who.networks, now)
    try:
        limits.try_one(kind.of_account, who.name, now=now)
    except TooMany:
        _take_back(limits, PASSWORD_FROM_NETWORK.scope, who.networks)
        if early:
            _take_back(limits, _early(PASSWORD_FROM_NETWORK), who.networks)
        raise
    limits.count(_slips(kind), _from_there(who), now=now)
    return Attempt(limits, who, kind, early)


def begin_letter(limits: Limits, secret: str, who: Trier, *, now: float | None = None) -> None:
    """Count a letter that is asked for, by network and by address. Raises TooMany."""
    wait_in_turn(limits, secret, LETTER_FROM_NETWORK, who, now=now)
    try:
        limits.try_one(LETTER_TO_ADDRESS, who.name, now=now)
    except TooMany:
        _take_back(limits, LETTER_FROM_NETWORK.scope, who.networks)
        raise


def begin_at_provider(limits: Limits, secret: str, who: Trier, *, now: float | None = None) -> None:
    """Count somebody who comes back from the provider: each of them is a request to it. Raises TooMany."""
    wait_in_turn(limits, secret, PROVIDER_FROM_NETWORK, who, now=now)


def end_at_provider(limits: Limits, who: Trier) -> None:
    """Take it back: the provider vouched for them."""
    for network in who.networks:
        limits.take_back(PROVIDER_FROM_NETWORK.scope, network)


def count_wrong_code(limits: Limits, networks: tuple[str, str], *, now: float | None = None) -> None:
    """Count a voter's code that nobody has. A right one is taken before this, however many came. Raises TooMany."""
    for limit, network in zip((CODE_FROM_NETWORK, CODE_FROM_AROUND), networks, strict=True):
        limits.try_one(limit, network, now=now)


def count_screen_code(limits: Limits, networks: tuple[str, str], *, now: float | None = None) -> None:
    """Count a code of a second screen before anybody looks whether it is right: it is shorter than a voter's.

    Raises: TooMany.
    """
    for limit, network in zip(_OF_SCREENS, networks, strict=True):
        limits.try_one(limit, network, now=now)


def screen_code_was_right(limits: Limits, networks: tuple[str, str]) -> None:
    """Take it back: a counter waited with this code."""
    for limit, network in zip(_OF_SCREENS, networks, strict=True):
        limits.take_back(limit.scope, network)


def count_fact(limits: Limits, code: str, *, now: float | None = None) -> None:
    """Count a fact that comes beside a code, before anybody looks whether either is right.

    By the code as it was typed, known or not: so an answer that says "wait" tells nothing about it. Right ones wait
    too: of years of birth there are so few that whoever holds a letter would else try them all.

    Raises: FactsSlowed.
    """
    try:
        limits.try_one(FACT_OF_CODE, code, now=now)
    except TooMany as slowed:
        raise FactsSlowed(slowed.seconds) from None


def fact_was_right(limits: Limits, code: str) -> None:
    """Forget the facts that came beside a code: its owner is here."""
    limits.succeeded(FACT_OF_CODE.scope, code)


def wait_in_turn(limits: Limits, secret: str, pace: Pace, who: Trier, *, now: float | None = None) -> bool:
    """Count a try of a network, and let it through: while there are free ones, when nobody queues, or in its turn.

    Returns: whether it went before its turn, by a sum.
    Raises:  TooMany with a turn, whose time comes whatever others do. It is bound to this browser and works once. Who
             comes too early keeps it.
    """
    moment = time.time() if now is None else now
    held = _start_of(secret, pace, who, moment)
    early = held is not None and held > moment and _goes_early(limits, pace, who, moment)
    if held is not None and (held <= moment or early):
        if limits.is_first("turn", who.turn, now=moment):
            _count(limits, pace.scope, who.networks, moment)
            return early
        if early:
            _take_back(limits, _early(pace), who.networks)
    times = _count(limits, pace.scope, who.networks, moment)
    free = (pace.free, WIDER * pace.free)
    spent = [place for place, many, most in zip(who.networks, times, free, strict=True) if many > most]
    if held is not None and held > moment and spent:
        _take_back(limits, pace.scope, who.networks)
        raise TooMany(math.ceil(held - moment), who.turn)
    starts = max((limits.next_turn(pace, place, now=moment) for place in spent), default=moment)
    if starts <= moment:
        return False
    _take_back(limits, pace.scope, who.networks)
    sealed = seal(secret, TURN, _bound_to(pace, who), struct.pack(">d", starts))
    raise TooMany(math.ceil(starts - moment), base64.urlsafe_b64encode(sealed).decode())


def seconds_to_turn(secret: str, pace: Pace, who: Trier, *, now: float | None = None) -> int:
    """Tell how long until the turn that was sent along comes; 0 where it is there, or there is none."""
    moment = time.time() if now is None else now
    starts = _start_of(secret, pace, who, moment)
    return 0 if starts is None else max(0, math.ceil(starts - moment))


def _start_of(secret: str, pace: Pace, who: Trier, moment: float) -> float | None:
    """Read from when on a turn is good; None where it is over, not this browser's, or not as we wrote it."""
    try:
        sealed = base64.urlsafe_b64decode(who.turn)
    except (ValueError, binascii.Error):
        return None
    if base64.urlsafe_b64encode(sealed).decode() != who.turn:  # Python reads over strange signs, and it works once
        return None
    if (opened := unseal(secret, TURN, _bound_to(pace, who), sealed)) is None:
        return None
    (starts,) = struct.unpack(">d", opened)
    return float(starts) if moment < starts + TURN_HELD_SECONDS else None


def _goes_early(limits: Limits, pace: Pace, who: Trier, moment: float) -> bool:
    """Count a try that goes before its turn by a sum; where there were too many from there, it waits."""
    if not is_solved(who.turn, who.proof):
        return False
    times = _count(limits, _early(pace), who.networks, moment)
    most = (EARLY * pace.free, WIDER * EARLY * pace.free)
    if all(many <= limit for many, limit in zip(times, most, strict=True)):
        return True
    _take_back(limits, _early(pace), who.networks)
    return False


def _early(pace: Pace) -> str:
    return f"early {pace.scope}"


def _take_back(limits: Limits, scope: str, networks: Sequence[str]) -> None:
    for network in networks:
        limits.take_back(scope, network)


def _bound_to(pace: Pace, who: Trier) -> bytes:
    return "\0".join((pace.scope, who.networks[0], who.cookie)).encode()


def _count(limits: Limits, scope: str, networks: Sequence[str], now: float | None) -> list[int]:
    return [limits.count(scope, network, now=now) for network in networks]


def _on_device(who: Trier) -> str:
    return f"{who.name}\0{who.device}"


def _from_there(who: Trier) -> str:
    return f"{who.name}\0{who.networks[0]}"


def _slips(kind: Kind) -> str:
    return f"slips of {kind.of_account.scope}"
