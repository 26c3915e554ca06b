"""Guessing what masked columns hide: each candidate in every spelling, hashed and keyed by whatever a dump tells."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import driver_url

ISSUER = "https://id.vardisi.example"
DIGITS = 6
CUSTOMER, SUBJECT, OFFICIAL = "KD-{}", "vid:{}", "01-{}"
PLAIN = re.compile(r"(?:kd-?|vid:|01-)(\d{6})(?!\d)", re.IGNORECASE)
HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{11,}={0,2}")
HEAD = 8  # so many bytes are compared: half of a cut hash is still found, and nothing is found by chance

Dump = Mapping[str, Sequence[Any]]
"""Table and column, with a dot between them -> everything that stands there."""


def dump(owner_url: str) -> Dump:
    """Read every table that the database has, whoever made it."""
    engine = sa.create_engine(driver_url(owner_url, asynchronous=False))
    columns: dict[str, list[Any]] = {}
    try:
        with engine.connect() as connection:
            for table in sa.inspect(engine).get_table_names():
                result = connection.execute(sa.text(f'SELECT * FROM "{table}"'))
                rows = result.fetchall()
                for number, name in enumerate(result.keys()):
                    columns[f"{table}.{name}"] = [row[number] for row in rows if row[number] is not None]
    finally:
        engine.dispose()
    return columns


def spelled(number: int) -> tuple[str, str, str]:
    """Give one customer number, one subject of a provider, and one official number."""
    digits = f"{number:0{DIGITS}}"
    return CUSTOMER.format(digits), SUBJECT.format(digits), OFFICIAL.format(digits)


def messages(number: int) -> tuple[list[bytes], list[bytes]]:
    """Give the spellings in which somebody may have hashed one of them: likely ones with a key, and others beside."""
    customer, subject, official = spelled(number)
    likely = (customer, subject, official, official.replace("-", ""), f"{ISSUER}\0{subject}")
    others = (customer.casefold(), f"{customer}\t\n", f"{ISSUER}{subject}")
    return [each.encode() for each in likely], [each.encode() for each in others]


def padded(key: bytes) -> tuple[bytes, bytes]:
    """Prepare a key for HMAC-SHA-256 (RFC 2104), which then is two plain hashes: twice as fast as the library's."""
    block = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")
    return bytes(each ^ 0x36 for each in block), bytes(each ^ 0x5C for each in block)


def guessed_keys(columns: Dump) -> list[bytes]:
    """Give the keys that somebody with a dump tries first: none, names, and what is public of votes and lists."""
    keys = {b"", b"khma", b"secret", ISSUER.encode(), b"app_roll_line", b"app_identity"}
    keys |= {b"khma-person-1", b"khma-subject-1"}
    for name in ("polls_poll.id", "polls_poll.slug", "app_roll.id", "commons_organisation.id"):
        for value in columns[name]:
            text = str(value)
            keys.add(text.encode())
            with_id = re.fullmatch(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", text)
            keys |= {UUID(text).bytes} if with_id else set()
    return sorted(keys)


class Attack:
    """A dump laid out for guessing.

    lists: the readable lines of each roll, to which a guess is added before the whole is hashed.
    """

    def __init__(self, columns: Dump, keys: Iterable[bytes], lists: Iterable[Sequence[str]] = ()) -> None:
        self.keys = [padded(key) for key in keys]
        self.lists = [[line.encode() for line in lines] for lines in lists]
        self.readable: dict[int, set[str]] = defaultdict(set)
        self.masked: dict[bytes, set[str]] = defaultdict(set)
        for column, values in columns.items():
            for value in values:
                self._lay_out(column, value)

    def run(self, candidates: int) -> dict[str, set[int]]:
        """Try all numbers below this. Returns: column -> the numbers that were found in it."""
        found: dict[str, set[int]] = defaultdict(set)
        for number in range(candidates):
            for column in self.readable.get(number, ()):
                found[column].add(number)
            for digest in self._digests(number):
                if digest[:HEAD] in self.masked:
                    for column in self.masked[digest[:HEAD]]:
                        found[column].add(number)
        return found

    def _digests(self, number: int) -> Iterator[bytes]:
        sha256, (likely, others) = hashlib.sha256, messages(number)
        for message in (*likely, *others):
            yield sha256(message).digest()
            yield hashlib.sha1(message, usedforsecurity=False).digest()
            yield hashlib.md5(message, usedforsecurity=False).digest()
        for inner, outer in self.keys:
            for message in likely:
                yield sha256(outer + sha256(inner + message).digest()).digest()
        guess = f"{spelled(number)[0]}\t\n".encode()
        for lines in self.lists:
            yield sha256(b"".join(sorted([*lines, guess]))).digest()

    def _lay_out(self, column: str, value: object) -> None:
        if isinstance(value, memoryview | bytearray):
            value = bytes(value)
        if isinstance(value, UUID | dict | list):
            value = json.dumps(value, default=str, ensure_ascii=False)
        if isinstance(value, bytes):
            self._blob(column, value)
        elif isinstance(value, str):
            self._text(column, value)

    def _blob(self, column: str, value: bytes) -> None:
        if len(value) >= HEAD:
            self.masked[value[:HEAD]].add(column)
        with suppress(zlib.error):
            value = zlib.decompress(value)
        self._text(column, value.decode("utf-8", "replace"))

    def _text(self, column: str, text: str) -> None:
        self._plain(column, text)
        for found in HEX.finditer(text):
            self._decoded(column, bytes.fromhex(found[0]))
        for found in BASE64.finditer(text):
            signs = found[0].rstrip("=").translate(str.maketrans("-_", "+/"))
            try:
                self._decoded(column, base64.b64decode(signs + "=" * (-len(signs) % 4)))
            except binascii.Error:
                continue

    def _decoded(self, column: str, value: bytes) -> None:
        if len(value) >= HEAD:
            self.masked[value[:HEAD]].add(column)
        self._plain(column, value.decode("latin-1"))

    def _plain(self, column: str, text: str) -> None:
        for found in PLAIN.finditer(text):
            self.readable[int(found[1])].add(column)


def naive(numbers: Sequence[int], keys: Sequence[bytes]) -> dict[str, Callable[[int], object]]:
    """Give the columns that somebody would build who knows no better: name -> what it keeps of a number."""
    return {
        "naive.plain": lambda n: spelled(n)[0],
        "naive.text": lambda n: f"Nino has the number {spelled(n)[2]}.",
        "naive.base64": lambda n: base64.b64encode(spelled(n)[1].encode()).decode(),
        "naive.hex": lambda n: spelled(n)[0].encode().hex(),
        "naive.sha256": lambda n: hashlib.sha256(spelled(n)[0].encode()).digest(),
        "naive.sha1": lambda n: hashlib.sha1(spelled(n)[1].encode(), usedforsecurity=False).hexdigest(),
        "naive.md5": lambda n: {"mark": hashlib.md5(spelled(n)[2].encode(), usedforsecurity=False).hexdigest()},
        "naive.cut": lambda n: hashlib.sha256(spelled(n)[0].casefold().encode()).digest()[:HEAD],
        "naive.keyless": lambda n: hmac.digest(b"", f"{ISSUER}\0{spelled(n)[1]}".encode(), "sha256"),
        "naive.public_key": lambda n: hmac.digest(keys[n % len(keys)], spelled(n)[0].encode(), "sha256").hex(),
        "naive.packed": lambda n: zlib.compress(json.dumps(["add", spelled(n)[0]]).encode()),
    }  # fmt: skip
