r"""One byte string for one value, so that two people who hash the same thing get the same number.

The bytes are JSON: UTF-8 without a byte order mark; the keys of every object sorted by code point; only objects, lists,
strings, whole numbers, true, false and null. Numbers with a point are refused, because two programs may round them
differently. Strings are kept as given, not normalised; only `"`, `\` and the characters
below U+0020 are escaped (\b \t \n \f \r by name, the others as \u001f), so `canonical` never holds a line break.
"""

import hashlib
import json


def canonical(value: object) -> bytes:
    r"""Write a value on one line without a space: the form that is hashed.

    Returns:  e.g. {"b": [1, True], "a": "é"} -> b'{"a":"\xc3\xa9","b":[1,true]}'
    Raises:   TypeError for a float, bytes, a date, a key that is no string; ValueError for half a surrogate pair.
    """
    _refuse_ambiguous(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def readable(value: object) -> bytes:
    r"""Write a value one entry a line, for published files that people compare: the form that is read.

    Returns:  e.g. {"b": [1], "a": "é"} -> b'{\n "a": "\xc3\xa9",\n "b": [\n  1\n ]\n}\n'; one LF at the end.
    Raises:   as `canonical`.
    """
    _refuse_ambiguous(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def digest(tag: str, *parts: bytes) -> bytes:
    """Hash parts under a tag, so that a hash made for one purpose never fits another.

    Returns:  32 bytes: SHA-256 over the tag (UTF-8) and each part, each preceded by its length in 8 bytes, big-endian.
              The lengths keep ("ab", "c") and ("a", "bc") apart.
    """
    hasher = hashlib.sha256()
    for part in (tag.encode(), *parts):
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()


def _refuse_ambiguous(value: object) -> None:
    """Refuse anything that JSON could write in two ways, or that would come back as something else."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key must be a string, not {type(key).__name__}: {key!r}")
            _refuse_ambiguous(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_ambiguous(item)
    elif value is not None and not isinstance(value, str | int):
        raise TypeError(f"{type(value).__name__} has no canonical form: {value!r}")
