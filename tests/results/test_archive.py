"""The files of a result: the published archive byte for byte, real votes, and what must hold for any ballots."""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings

from ballots.counting.types import UNRANKED, Profile
from ballots.formats import abif
from ballots.formats.reading import read_profile
from polls.rulecard import RuleCard
from results import archive
from results.standings import Place, find_places
from tests.strategies import profiles

SOUND = Path(__file__).parents[1] / "vectors" / "archive-v0" / "sound"
VOTES = Path(__file__).parents[3] / "shared" / "data" / "votes"
EXAMPLE = Profile.of(
    ["Library", "Swimming pool", "=Bus 7", "საზაფხულო სკოლა"],
    [
        ([["Library"], ["Swimming pool"]], 5),
        ([["Swimming pool"], ["=Bus 7"], ["Library", "საზაფხულო სკოლა"]], 4),
        ([["=Bus 7", "Library"], ["საზაფხულო სკოლა"]], 3),
        ([["საზაფხულო სკოლა"]], 1),
    ],
    blank=1,
    invalid=2,
)


def read_places(data: bytes) -> list[Place]:
    first, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    assert tuple(first) == Place._fields
    return [Place(int(place), option, *map(int, figures)) for place, option, *figures in rows]


cast_profiles = profiles().filter(lambda profile: profile.ballots > 0)
"""Piles with at least one ballot: without any there is nothing to publish."""


def card_of(profile: Profile) -> RuleCard:
    return RuleCard.brought_in(
        titles={"en": "What the town needs first", "ka": "რა სჭირდება ქალაქს პირველ რიგში"},
        questions={"en": "Put the services in your order."},
        options=profile.options,
        rule="schulze",
        implicit=profile.implicit,
        source_name="Town Hall of Example",
        source_url="https://example.org/votes/2024/services",
        held_on=date(2024, 5, 12),
        today=date(2026, 11, 21),
    )


def test_the_published_archive_is_made_again_byte_for_byte() -> None:
    files = archive.build(card_of(EXAMPLE), EXAMPLE)
    assert sorted(files) == sorted(path.name for path in SOUND.iterdir() if path.name != archive.LEDGER)
    for name, data in files.items():
        assert data == (SOUND / name).read_bytes(), name


@pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")
def test_debian_2007_is_published_with_its_order_and_its_numbers() -> None:
    name = "debian-2007_tally.txt"
    profile = read_profile((VOTES / name).read_bytes(), name)
    files = archive.build(card_of(profile), profile)
    places = read_places(files[archive.PLACES])
    assert [place.option.split()[-1] for place in places] == (
        ["Hocevar", "McIntyre", "Hertzog", "Verhelst", "Towns", "Franco", "Above", "Richter", "Mahinovs"]
    )
    rows = {row["option"]: row for row in csv.DictReader(io.StringIO(files[archive.PAIRWISE].decode(), newline=""))}
    assert (rows["Sam Hocevar"]["Steve McIntyre"], rows["Steve McIntyre"]["Sam Hocevar"]) == ("211", "203")
    assert json.loads(files[archive.RESULT])["ballots"] == 482


@pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")
def test_tied_options_share_a_place_and_the_next_place_counts_them_both() -> None:
    name = "tideman-A10.cvotes"
    profile = read_profile((VOTES / name).read_bytes(), name)
    places = read_places(archive.build(card_of(profile), profile)[archive.PLACES])
    assert {place.option: place.place for place in places if place.option in {"1", "13", "7", "2", "10", "12"}} == {
        "1": 2,
        "13": 2,
        "7": 4,
        "2": 14,
        "10": 14,
        "12": 16,
    }


@settings(deadline=None)  # other work may share the machine
@given(profiles())
def test_numbers_of_voters_are_those_of_a_count_by_hand(profile: Profile) -> None:
    for place in find_places(profile, [list(profile.options)]):
        own = profile.options.index(place.option)
        ranked = {row: weight for row, weight in profile.rows().items() if row[own] != UNRANKED}
        above = {row: sum(rank < row[own] for rank in row) for row in ranked}
        assert place.ranked == sum(ranked.values())
        assert place.first == sum(weight for row, weight in ranked.items() if above[row] == 0)
        assert place.first_three == sum(weight for row, weight in ranked.items() if above[row] < 3)


@settings(max_examples=50, deadline=None)
@given(cast_profiles)
def test_the_ballots_can_be_counted_again_from_the_archive(profile: Profile) -> None:
    files = archive.build(card_of(profile), profile)
    card = RuleCard.from_json(json.loads(files[archive.CARD]))
    assert archive.build(card, abif.read(files[archive.BALLOTS].decode())) == files


@settings(deadline=None)  # other work may share the machine
@given(profiles())
def test_no_cell_of_a_table_runs_as_a_formula(profile: Profile) -> None:
    files = archive.build(card_of(profile), profile)
    for name in (archive.PAIRWISE, archive.PLACES):
        for row in csv.reader(io.StringIO(files[name].decode(), newline="")):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_name_that_begins_like_a_formula_gets_a_quote(name: str) -> None:
    profile = Profile.of([name, "Library"], [([[name]], 1)])
    files = archive.build(card_of(profile), profile)
    assert read_places(files[archive.PLACES])[0].option == f"'{name}"
    assert json.loads(files[archive.RESULT])["winners"] == [name]


def test_a_card_about_other_ballots_is_refused() -> None:
    with pytest.raises(ValueError, match="not about these ballots"):
        archive.build(card_of(EXAMPLE), Profile.of(["Library"], [([["Library"]], 1)]))
