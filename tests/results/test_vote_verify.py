"""Checking the archive of a sealed vote: each kind holds, every changed byte is named, no forger gets by."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commons.canonical import readable
from commons.checkpoint import verifier_key
from results import archive, vote_archive
from results.release import Plan
from results.verify import examine, is_archive, main, verify
from results.vote_archive import BOX, MINUTES, ROLL, ROLL_PROOF, SEALED, TOOK_PART
from tests.commons.ledger.written import NEXT_KEY, ORIGIN, VERIFIER
from tests.results import sealed
from tests.results.sealed import FULL, KINDS, ORDER, SHUT, build, profile_of, renewed, with_ledger
from tests.results.test_archive import SOUND
from tests.results.test_verify import delete, flip, insert, write

DRAW = random.Random(2027)
ENDS = [(kind, name, last) for kind, files in KINDS.items() for name in sorted(files) for last in (False, True)]


def places(folder: Path, name: str, key: str | None = VERIFIER) -> list[str]:
    return [finding.place for finding in verify(folder, key) if finding.where == name]


def found(tmp_path: Path, files: dict[str, bytes]) -> set[tuple[str, str]]:
    """Check an archive that waits for the ledger, and name what is wrong."""
    return {(each.where, each.place) for each in verify(write(tmp_path / "renewed", files))}


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_of_each_kind_holds(kind: str, tmp_path: Path) -> None:
    report = examine(write(tmp_path / kind, KINDS[kind]), VERIFIER)
    assert report.findings == ()
    assert report.signer == "khma.example/log+d5065b4a"
    assert report.card_hash == sealed.card_of().hash()
    assert set(KINDS[kind]) == {
        *vote_archive.summed(Plan(kind.replace("shut", "none")), archive.PAIRWISE),
        archive.SUMS,
        archive.LEDGER,
    }


def test_of_a_vote_open_to_all_the_same_is_checked_and_it_is_called_indicative(tmp_path: Path) -> None:
    files = with_ledger(build(None, 9, open_to_all=True))
    report = examine(write(tmp_path / "open", files), VERIFIER)
    assert (report.findings, "Indicative: no roll" in report.told) == ((), True)
    assert "Indicative" not in examine(write(tmp_path / "by-roll", SHUT), VERIFIER).told
    listed = files[TOOK_PART].split(b"\n")[0]
    stranger = renewed(files, TOOK_PART, listed, b"0" * 64)  # more took part than have a line
    assert found(tmp_path, stranger) == {(TOOK_PART, "line 1"), (TOOK_PART, f"root in {ROLL_PROOF}")}
    for name, old, new in (
        ("effect", b'"advisory"', b'"binding"'),
        ("weight", b'"indicative"', b'"decisive"'),
        ("voters", b"anyone with", b"someone with"),
        ("roll_published", b'"at close"', b'"at opening"'),
    ):
        refused = examine(write(tmp_path / name, renewed(files, "card.json", old, new)), None).findings
        assert [name in each.found for each in refused if each.where == "card.json"] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_archives_are_made_again_byte_for_byte(kind: str) -> None:
    published = SOUND.parent / f"sealed-{kind}"
    assert sorted(KINDS[kind]) == sorted(path.name for path in published.iterdir())
    for name, data in KINDS[kind].items():
        assert data == (published / name).read_bytes(), name


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("full", "Found the order again from pairwise.csv by the rule schulze: Clinic > "),
        ("full", "The table needs the ballots: recounted by nobody yet."),
        ("order", "The order needs the ballots: recounted by nobody yet."),
        ("shut", "The box was not opened: it holds 9 ballots, fewer than 10."),
    ],
)
def test_what_was_counted_again_is_said_and_what_was_not(
    kind: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write(tmp_path / kind, KINDS[kind]))]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("change", [flip, insert, delete])
@pytest.mark.parametrize(("kind", "name", "last"), ENDS)
def test_a_change_at_the_first_or_last_byte_is_named(
    tmp_path: Path, change: Callable[[bytes, int], bytes], kind: str, name: str, last: bool
) -> None:
    data = KINDS[kind][name]
    spoiled = change(data, len(data) - 1 if last else 0)
    folder = write(tmp_path / kind, KINDS[kind] | {name: spoiled})
    if spoiled != data:
        assert places(folder, name)
        assert main([str(folder)]) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", [VERIFIER, None])
def test_a_change_anywhere_is_named(kind: str, key: str | None, tmp_path: Path) -> None:
    files, folder = KINDS[kind], write(tmp_path / kind, KINDS[kind])
    for number in range(200):
        name, change = sorted(files)[number % len(files)], DRAW.choice([flip, insert, delete])
        at = DRAW.randrange(len(files[name]))
        spoiled = change(files[name], at)
        if key is None and name in {SEALED, ROLL_PROOF, archive.LEDGER}:
            continue  # a changed signature needs the key; SHA256SUMS and the key name it
        (folder / name).write_bytes(spoiled)
        if spoiled != files[name]:
            assert places(folder, name, key), (name, change.__name__, at)
        (folder / name).write_bytes(files[name])


@pytest.mark.parametrize(
    ("files", "name", "old", "new", "where"),
    [
        (FULL, "pairwise.csv", b"bus,,25,", b"bus,,24,", ("result.json", "line")),
        (FULL, "result.json", b'"blank": null', b'"blank": 12', ("pairwise.csv", "")),
        (FULL, "result.json", b'"blank": null', b'"blank": 1', ("result.json", "blank")),
        (FULL, MINUTES, b'"unreadable": 1', b'"unreadable": 2', ("result.json", "")),
        (FULL, MINUTES, b'"released": "full"', b'"released": "order"', ("pairwise.csv", "")),
        (FULL, MINUTES, b'"urn": "33', b'"urn": "3', (MINUTES, "urn")),
        (FULL, MINUTES, b'"opened": "44', b'"opened": "', (MINUTES, "opened")),
        (FULL, MINUTES, b'"card": "', b'"card": "0', (MINUTES, "card")),
        (FULL, MINUTES, b'"address": "w', b'"address": "m', (MINUTES, "address")),
        (FULL, MINUTES, b'"set_aside": 0', b'"set_aside": 1', (MINUTES, "set_aside")),
        (FULL, MINUTES, b'"roll": 68', b'"roll": 69', (MINUTES, "roll")),
        (FULL, MINUTES, b'"took_part": 56', b'"took_part": 55', (MINUTES, "took_part")),
        (FULL, MINUTES, b'"box": 56', b'"box": 57', (MINUTES, "box")),
        (FULL, MINUTES, b'"vote": "6', b'"vote": "7', (MINUTES, "vote")),
        (FULL, "card.json", b'"most_ranked": 4', b'"most_ranked": 3', (MINUTES, "card")),
        (ORDER, "result.json", b'"ballots": 50', b'"ballots": 47', ("result.json", "line 2")),
        (ORDER, "result.json", b'"counted": 50', b'"counted": 45', ("result.json", "line 5")),
        (ORDER, "result.json", b'"counted": 50', b'"counted": 20', ("result.json", "counted")),
        (ORDER, "result.json", b'"pairwise": null', b'"pairwise": {}', ("result.json", "line")),
        (ORDER, "result.json", b'"rounds": []', b'"rounds": [],\n "first": 12', ("result.json", "line")),
        (ORDER, "places.csv", b"1,Clinic", b"2,Clinic", ("places.csv", "line 2")),
        (ORDER, MINUTES, b'[\n  "fewer than 50 counted ballots"\n ]', b"[]", (MINUTES, "released")),
        (SHUT, MINUTES, b'"unreadable": 0', b'"unreadable": 1', (MINUTES, "unreadable")),
        (SHUT, MINUTES, b'"opened": ""', b'"opened": "' + b"4" * 64 + b'"', (MINUTES, "opened")),
        (SHUT, SEALED, b'"set_aside": 0', b'"set_aside": 1', (SEALED, "digest")),
    ],
)  # fmt: skip
def test_a_forger_who_renews_every_hash_is_found_by_what_does_not_fit(
    files: dict[str, bytes], name: str, old: bytes, new: bytes, where: tuple[str, str], tmp_path: Path
) -> None:
    named = found(tmp_path, renewed(files, name, old, new))
    assert any(file == where[0] and place.startswith(where[1]) for file, place in named), named


def test_lists_are_sorted_hashes_each_once_and_within_one_another(tmp_path: Path) -> None:
    first, second = FULL[BOX].splitlines(keepends=True)[:2]
    assert (BOX, "line 2") in found(tmp_path, renewed(FULL, BOX, first + second, second + first))
    assert (BOX, "line 2") in found(tmp_path, renewed(FULL, BOX, first + second, first + first))
    assert (BOX, "line 1") in found(tmp_path, renewed(FULL, BOX, first, b"F" * 64 + b"\n"))
    assert (BOX, "root in sealed.json") in found(tmp_path, renewed(FULL, BOX, first, b"0" * 64 + b"\n"))
    mine = FULL[TOOK_PART].splitlines(keepends=True)[0]
    assert (TOOK_PART, "line 1") in found(tmp_path, renewed(FULL, TOOK_PART, mine, b"0" * 64 + b"\n"))
    assert (TOOK_PART, "line 1") in found(tmp_path, renewed(FULL, ROLL, mine, b""))
    assert (BOX, "number of lines in sealed.json") in found(tmp_path, renewed(FULL, BOX, first, b""))
    assert (BOX, "number of lines") in found(tmp_path, renewed(FULL, BOX, first, b""))


def test_without_an_amendment_the_times_are_those_of_the_card(tmp_path: Path) -> None:
    minutes = json.loads(FULL[MINUTES])
    kept = readable(minutes)
    moved = readable(minutes | {"amendments": []})
    assert (MINUTES, "closes_at") in found(tmp_path, renewed(FULL, MINUTES, kept, moved))


def test_more_than_the_rule_allows_is_named_although_all_else_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.release.FEWEST_COUNTED", 40)
    files = sealed.build(sealed.profile_of(52, blank=0, invalid=3))
    monkeypatch.undo()
    assert found(tmp_path, files) == {(MINUTES, "released")}


def test_an_older_signature_of_the_box_list_is_held_by_the_newer_one(tmp_path: Path) -> None:
    files = sealed.build(sealed.profile_of(56))
    newer = verifier_key(ORIGIN, NEXT_KEY.public_key())
    assert places(write(tmp_path / "waiting", files), SEALED, newer) == ["checkpoint"]
    assert set(places(tmp_path / "waiting", ROLL_PROOF, newer)) == {"lines: 1: checkpoint", "lines: 2: checkpoint"}
    folder = write(tmp_path / "proven", sealed.with_ledger(files, NEXT_KEY))
    assert list(verify(folder, newer)) == []
    assert places(folder, archive.LEDGER, VERIFIER) == ["checkpoint"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(KINDS)),
    name=st.sampled_from(sorted(FULL)),
    junk=st.binary(max_size=200)
    | st.sampled_from([b"[" * 100_000, b"9" * 5000, b'{"a":1e5}', b'"\\ud800"', b"null", b"{}", b'{"pairwise": 3}'])
    | st.sampled_from([b'{"order": [[7]]}', b'{"blank": 0}', b'{"released": "full"}', b'{"titles": {"en": {}}}']),
)
def test_junk_in_place_of_a_file_is_a_finding_and_no_crash(tmp_path: Path, kind: str, name: str, junk: bytes) -> None:
    if name in KINDS[kind]:
        assert places(write(tmp_path / kind, KINDS[kind] | {name: junk}), name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["card.json", MINUTES, "result.json", SEALED, ROLL_PROOF]),
    entry=st.sampled_from(
        sorted({*json.loads(FULL["card.json"]), *json.loads(FULL[MINUTES]), "words", "order", "lines", "grown"})
    ),
    value=st.none()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.text())
    | st.just({"en": 1.5}),
)
def test_nonsense_in_place_of_an_entry_is_a_finding_and_no_crash(
    tmp_path: Path, name: str, entry: str, value: object
) -> None:
    spoiled = json.loads(FULL[name]) | {entry: value}
    data = json.dumps(spoiled, ensure_ascii=True, sort_keys=True, indent=1).encode() + b"\n"
    if data != FULL[name]:
        assert places(write(tmp_path / "full", FULL | {name: data}), name)


def test_missing_and_unexpected_files_are_named(tmp_path: Path) -> None:
    files = {name: data for name, data in SHUT.items() if name != BOX} | {"ballots.abif": b"1:a\n"}
    folder = write(tmp_path / "shut", files)
    named = {(finding.where, finding.found) for finding in verify(folder, VERIFIER)}
    assert {("box.txt", "nothing"), ("ballots.abif", "one that is not listed")} <= named
    assert is_archive(folder)


PAPER = with_ledger(build(profile_of(56), paper=3))


def test_paper_voters_took_part_and_are_in_no_other_figure(tmp_path: Path) -> None:
    report = examine(write(tmp_path / "paper", PAPER), VERIFIER)
    assert report.findings == ()
    assert report.told.endswith("Not in these figures: 3 who vote on paper.")
    assert b'"paper": 3' in PAPER[MINUTES]
    assert b"paper" not in FULL[MINUTES]  # archives without them are what they always were
    other = {MINUTES, TOOK_PART, ROLL, ROLL_PROOF, SEALED, "lines.json", archive.SUMS, archive.LEDGER}
    for name in set(FULL) & set(PAPER) - other:
        assert PAPER[name] == FULL[name], name


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"paper": 3', b'"paper": 2', (BOX, "number of lines")),
        (b'"paper": 3', b'"paper": 4', (BOX, "number of lines")),
        (b'"paper": 3', b'"paper": -3', (MINUTES, "")),
        (b'"paper": 3', b'"paper": 0', (MINUTES, "")),
        (b'"paper": 3', b'"paper": "3"', (MINUTES, "")),
        (b' "paper": 3,\n', b"", (BOX, "number of lines")),
        (b'"took_part": 59', b'"took_part": 56', (MINUTES, "took_part")),
    ],
)
def test_the_sum_of_those_who_took_part_is_checked(
    old: bytes, new: bytes, where: tuple[str, str], tmp_path: Path
) -> None:
    assert where in found(tmp_path, renewed(PAPER, MINUTES, old, new))
