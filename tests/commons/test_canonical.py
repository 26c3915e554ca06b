"""One value, one byte string: pinned bytes, no two values alike, and everything ambiguous refused."""

import hashlib
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.canonical import canonical, digest, readable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def test_pinned_bytes() -> None:
    value = {"ხმა": [1, True, None], "a": 'q"\\\n\x1f\u2028', "big": 2**64, "A": {}}
    assert canonical(value) == (
        '{"A":{},"a":"q\\"\\\\\\n\\u001f\u2028","big":18446744073709551616,"ხმა":[1,true,null]}'.encode()
    )
    assert readable({"b": [1, "é"], "a": []}) == '{\n "a": [],\n "b": [\n  1,\n  "é"\n ]\n}\n'.encode()


def test_pinned_digest() -> None:
    by_hand = b"\0\0\0\0\0\0\0\4khma" + b"\0\0\0\0\0\0\0\2ab" + b"\0\0\0\0\0\0\0\0"
    assert digest("khma", b"ab", b"") == hashlib.sha256(by_hand).digest()


@given(VALUES, VALUES)
def test_equal_bytes_mean_equal_values(one: object, other: object) -> None:
    for write in (canonical, readable):
        assert json.loads(write(one)) == one
        assert (write(one) == write(other)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: object) -> object:
    """Bring the keys of every object into one order, so that repr tells true from 1 and nothing else."""
    if isinstance(value, dict):
        return [(key, _sorted(value[key])) for key in sorted(value)]
    return ("list", [_sorted(item) for item in value]) if isinstance(value, list) else value


@given(st.dictionaries(TEXTS, st.integers(), min_size=2), st.randoms(use_true_random=False))
def test_the_order_of_keys_leaves_no_trace(value: dict[str, int], chance: object) -> None:
    items = list(value.items())
    chance.shuffle(items)  # type: ignore[attr-defined]
    assert canonical(dict(items)) == canonical(value)


@given(TEXTS, st.lists(st.binary(max_size=4), max_size=4), TEXTS, st.lists(st.binary(max_size=4), max_size=4))
def test_moving_bytes_between_parts_changes_the_digest(
    tag: str, parts: list[bytes], other_tag: str, other_parts: list[bytes]
) -> None:
    same = (tag, parts) == (other_tag, other_parts)
    assert (digest(tag, *parts) == digest(other_tag, *other_parts)) == same


def test_bytes_moved_by_one_place_change_the_digest() -> None:
    assert (
        len({digest("ab", b"c"), digest("a", b"bc"), digest("abc"), digest("abc", b""), digest("ab", b"c", b"")}) == 5
    )


@pytest.mark.parametrize(
    "value",
    [0.5, 1.0, math.nan, b"bytes", datetime(2026, 1, 1, tzinfo=UTC), {1: "a"}, {None: 1}, [{"a": [0.1]}], {"a"}],
)
def test_what_json_could_write_in_two_ways_is_refused(value: object) -> None:
    for write in (canonical, readable):
        with pytest.raises(TypeError):
            write(value)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical("\ud800")
