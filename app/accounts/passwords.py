"""Passwords: hashed slowly, by few at a time, so that a storm of sign-ins cannot take the house down."""

import asyncio
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from commons.errors import Invalid

Result = TypeVar("Result")

SHORTEST = 15  # NIST SP 800-63B-4 for a password that stands alone
LONGEST = 200
GUESSES = 10**8  # so many tries at least, by somebody who knows common passwords, words, names and patterns
LOOKED_AT = 72  # the estimate takes long for more, and tells no more
AT_ONCE = 2
WAITING_AT_MOST = 32
OURS = "Khma ხმა"
SHORTEST_WORD = 3
_ESTIMATING = Lock()  # the estimate keeps one person's words where the next one's are looked for
# OWASP's least; the library's own parameters would take six times as long here and 64 MiB each.
ARGON2 = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
YIELDS = 10  # of 19 steps of niceness: whoever reads a page comes first


VOID = "void"


def no_password() -> str:
    """Give what stands for the hash where nobody chose a password: nothing fits it, and no two are alike.

    So whatever dies with a password, such as a link in a letter, dies with this one too.
    """
    return f"{VOID} {secrets.token_hex(16)}"


def is_chosen(password_hash: str) -> bool:
    """Tell whether this is the hash of a password that somebody chose."""
    return not password_hash.startswith(f"{VOID} ")


class Busy(Exception):
    """Too many people are signing in at this moment: a 503 that says when to come back."""


class Passwords:
    """Hashes passwords, two at a time and 32 waiting at most."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2", initializer=_yield_to_others)
        self._waiting = self._signing_in = 0
        self.nobody = _hash_of_nobody()

    async def hash(self, password: str, names: Iterable[str] = ()) -> str:
        """Hash a new password. names: of the place and of its owner, which whoever guesses tries first.

        Raises: Invalid when it is too short, too long or easily guessed; Busy.
        """
        check_length(password)
        return await self.run(self._hash, password, *names)

    async def fits(self, password_hash: str, password: str) -> bool:
        """Tell whether a password is the one that was hashed. Raises Busy."""
        if len(password) > LONGEST:
            return False
        return await self.run(self._verify, password_hash, password)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Keep a place for somebody who signs in, from their first question to the database on. Raises Busy."""
        if self._signing_in >= WAITING_AT_MOST:
            raise Busy
        self._signing_in += 1
        try:
            yield
        finally:
            self._signing_in -= 1

    def _hash(self, password: str, *names: str) -> str:
        check_strength(password, names)
        return ARGON2.hash(password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return ARGON2.verify(password_hash, password)
        except VerificationError:
            return False
        except InvalidHashError:  # whoever has no password is not to be known by a quick answer
            self._verify(self.nobody, password)
            return False

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Do something slow here, beside passwords: two at a time. Raises Busy."""
        if self._waiting >= WAITING_AT_MOST:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@cache
def _hash_of_nobody() -> str:
    """Make what is verified against when nobody has the address: the answer takes as long as for a real one."""
    return ARGON2.hash("nobody has this password")


def _yield_to_others() -> None:
    """Let this thread alone come after others; elsewhere than on Linux that would be the whole program."""
    if sys.platform == "linux":
        os.nice(YIELDS)


def check_length(password: str) -> None:
    """Refuse a password that is too short to stand alone, or too long to be one. Raises Invalid."""
    if len(password) < SHORTEST:
        raise Invalid("password.too_short", field="password", limit=SHORTEST, found=len(password))
    if len(password) > LONGEST:
        raise Invalid("text.too_long", field="password", limit=LONGEST, found=len(password))


def words_of(names: Iterable[str]) -> list[str]:
    """Take names apart into the words that somebody would try, each one alone and all of a name in one."""
    apart = [re.findall(r"\w+", name.lower()) for name in (OURS, *names)]
    words = [word for parts in apart for word in (*parts, "".join(parts))]
    return [word for word in dict.fromkeys(words) if len(word) >= SHORTEST_WORD]


def check_strength(password: str, names: Iterable[str] = ()) -> None:
    """Refuse a password that is on a list of leaked ones, or made of one or of names in a simple way.

    Where names stand in it, what is left without them must be strong alone. Nobody is asked about it.

    Raises: Invalid.
    Cost:   half a second for the worst, a hundredth for most.
    Source: D. L. Wheeler, zxcvbn: Low-Budget Password Strength Estimation, USENIX Security 2016.
    """
    words = words_of(names)
    left = password.lower()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    for part in {password, left if left != password.lower() else password}:
        with _ESTIMATING:
            found = zxcvbn(part[:LOOKED_AT], user_inputs=words) if part else {"guesses": 0}
        if found["guesses"] < GUESSES:
            raise Invalid("password.guessable", field="password")
