"""Published results as files to be counted: what is asked of their card, and where their ballots are.

A result that we publish says on its card by which rule it is counted (`results/archive.py`). Of a sealed vote no ballot
is published at all: there is nothing here to count, and `khma verify` checks what was released.
"""

import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

from ballots.counting.contest import Variants
from ballots.counting.registry import RULES
from ballots.formats.reading import MAX_BYTES
from commons.errors import Invalid
from results.archive import BALLOTS, CARD

MAX_CARD = 1_000_000
MAX_LIST = 100_000
"""Bytes of a zip's list of files; ours name twenty."""

_TAIL = 1 << 16
_END, _LARGE = b"PK\5\6", b"PK\6\7"
# What zipfile raises for a file that is none; NotImplementedError where it is packed in a way that zipfile cannot read.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class Found(NamedTuple):
    """What is to be counted, and how: by the arguments, else by the card."""

    rule: str | None
    variants: Variants
    name: str
    ballots: bytes


def is_zip(data: bytes) -> bool:
    """Tell whether a file is a zip, by its first bytes."""
    return data.startswith((b"PK\3\4", _END))


def open_folder(folder: Path, rule: str | None, variants: Variants, read: Callable[[Path], bytes]) -> Found:
    """Find the ballots and the rule of an unpacked result.

    Raises: Invalid "file.unreadable", "archive.sealed", "card.malformed".
    """
    if not (folder / CARD).exists() and not (folder / BALLOTS).exists():
        raise Invalid("file.unreadable", found=f"Is a directory without {CARD} and {BALLOTS}")
    if not (folder / BALLOTS).exists():
        raise Invalid("archive.sealed", missing=BALLOTS)
    rule, variants = (rule, variants) if rule else _by_card(read(folder / CARD), variants)
    return Found(rule, variants, BALLOTS, read(folder / BALLOTS))


def open_zip(file: IO[bytes], path: Path, rule: str | None, variants: Variants) -> Found:
    """Find the ballots and the rule of a zipped result, without taking anything else out of it.

    Raises: Invalid "archive.zip", "archive.sealed", "card.malformed", "archive.too_large".
    """
    try:
        _check_list(file)
        with zipfile.ZipFile(file) as pack:
            entries = {entry.filename.rpartition("/")[2]: entry for entry in pack.infolist()}
            if BALLOTS not in entries:
                if CARD in entries:
                    raise Invalid("archive.sealed", missing=BALLOTS)
                raise Invalid("archive.zip", found=f"{path.name}: no {CARD}, no {BALLOTS}")

            def take(name: str, limit: int) -> bytes:
                if name not in entries:
                    raise Invalid("card.malformed", part=CARD)
                with pack.open(entries[name]) as packed:
                    data: bytes = packed.read(limit + 1)
                if len(data) > limit:
                    raise Invalid("archive.too_large", limit=limit)
                return data

            rule, variants = (rule, variants) if rule else _by_card(take(CARD, MAX_CARD), variants)
            return Found(rule, variants, BALLOTS, take(BALLOTS, MAX_BYTES))
    except _BROKEN as failure:
        raise Invalid("archive.zip", found=str(failure) or type(failure).__name__) from failure


def _check_list(file: IO[bytes]) -> None:
    """Refuse a zip whose list of files is so long that reading the list alone would take long."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    before, found, end = file.read().rpartition(_END)
    if not found or _LARGE in before or int.from_bytes(end[8:12], "little") > MAX_LIST:
        raise zipfile.BadZipFile("its list of files")


def _by_card(data: bytes, variants: Variants) -> tuple[str, Variants]:
    """Read from a rule card how its ballots are counted; what was chosen by hand stands.

    Raises: Invalid "card.malformed", "count.unknown_rule", "count.choice".
    """
    try:
        card = json.loads(data[:MAX_CARD])
        rule, terms = card["rule"], card.get("terms", {})
        known = {name: terms[name] for name in RULES[rule].variants if terms.get(name) is not None}
    except KeyError as missing:
        raise Invalid("card.malformed", part=str(missing)) from missing
    except (ValueError, TypeError, AttributeError, RecursionError) as fault:
        raise Invalid("card.malformed", part=type(fault).__name__) from fault
    return rule, replace(
        variants, **{name: _value(name, said) for name, said in known.items() if name not in variants.given}
    )


def _value(name: str, said: Any) -> Any:  # noqa: ANN401 - JSON of a stranger
    try:
        return Fraction(str(said)[:40]) if name in {"budget", "threshold"} else said
    except (ValueError, ZeroDivisionError) as fault:
        raise Invalid("card.malformed", part=name) from fault
