"""Where a voter stands in a public list: shown, proved, and every wrong proof refused."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.my_line import MyLine, Place, check_place, find_place
from ballots.receipts import tag_hash
from commons.canonical import readable
from commons.errors import Invalid
from commons.merkle import leaf_hash, root

POLL = UUID("6b6d8a4e-3c1f-4c57-9d0a-2f1c5f7a9e10")
LEAVES = sorted(leaf_hash(bytes([number])) for number in range(7))
HASHES = st.binary(min_size=32, max_size=32)


def test_a_line_that_is_there_is_shown_alone() -> None:
    place = find_place(LEAVES, LEAVES[4], None)
    assert [(each.line, each.hash) for each in place.shown] == [(5, LEAVES[4])]
    assert (place.size, place.root, place.line_of(LEAVES[4])) == (7, root(LEAVES), 5)
    assert list(check_place(place, LEAVES[4])) == []


@pytest.mark.parametrize(("wanted", "shown"), [(b"\x00" * 32, [1]), (b"\xff" * 32, [7])])
def test_beyond_an_end_of_the_list_one_neighbour_is_shown(wanted: bytes, shown: list[int]) -> None:
    place = find_place(LEAVES, wanted, None)
    assert [each.line for each in place.shown] == shown
    assert (place.line_of(wanted), list(check_place(place, wanted))) == (0, [])


def test_an_empty_list_holds_nobody() -> None:
    assert list(check_place(find_place([], LEAVES[0], None), LEAVES[0])) == []


@given(st.sets(HASHES, max_size=40), HASHES)
def test_everybody_is_there_or_between_two_neighbours(listed: set[bytes], stranger: bytes) -> None:
    hashes = sorted(listed)
    for wanted in (*hashes, stranger):
        place = find_place(hashes, wanted, None)
        assert list(check_place(place, wanted)) == []
        assert bool(place.line_of(wanted)) == (wanted in listed)


@given(st.sets(HASHES, min_size=3, max_size=40), st.data())
def test_nobody_who_is_there_can_be_proved_away(listed: set[bytes], data: st.DataObject) -> None:
    hashes = sorted(listed)
    wanted = data.draw(st.sampled_from(hashes))
    others = [each for each in hashes if each != wanted]
    chosen = data.draw(st.lists(st.sampled_from(others), max_size=3))
    shown = tuple(each for other in chosen for each in find_place(hashes, other, None).shown)
    lie = Place(len(hashes), root(hashes), shown, None)
    assert list(check_place(lie, wanted))


@given(st.sets(HASHES, min_size=2, max_size=40), HASHES)
def test_nobody_who_is_not_there_can_be_proved_in(listed: set[bytes], stranger: bytes) -> None:
    hashes = sorted(listed - {stranger})
    place = find_place(hashes, hashes[0], None)
    lie = replace(place, shown=(replace(place.shown[0], hash=stranger),))
    assert [found for entry, _, found in check_place(lie, stranger) if "merkle" in found]


def the_line() -> MyLine:
    tag = b"\x07" * 32
    hashes = sorted([*LEAVES, tag_hash(POLL, tag)])
    return MyLine(POLL, "parks", tag, find_place(hashes, tag_hash(POLL, tag), None), find_place(LEAVES, tag, None))


def test_the_file_says_the_same_when_it_is_read_again() -> None:
    for line in (the_line(), replace(the_line(), took_part=None), replace(the_line(), roll=None, took_part=None)):
        assert MyLine.from_json(json.loads(line.bytes())) == line


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("format", "khma-line-2"),
        ("vote", "parks"),
        ("tag", "zz"),
        ("tag", 7),
        ("roll", 7),
        ("roll", {"size": 7}),
        ("took_part", {"size": "7", "root": "00", "lines": [], "ledger": None}),
        ("took_part", {"size": 7, "root": "00", "lines": [{"line": 1}], "ledger": None}),
        ("more", 1),
    ],
)
def test_what_is_no_such_file_is_refused(entry: str, value: object) -> None:
    said = json.loads(the_line().bytes()) | {entry: value}
    assert readable(said)
    with pytest.raises(Invalid, match=r"line\.malformed"):
        MyLine.from_json(said)
