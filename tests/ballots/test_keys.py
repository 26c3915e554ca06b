"""The key folder: read by its owner only, copied to custodians, gone when it must be gone."""

import stat
from pathlib import Path
from uuid import uuid4

import pytest

from ballots.keys import Keys, check_destroyed, confirm_destroyed, new_custodian, prove
from commons.errors import Conflict, Invalid

VOTE, ARCHIVE, NOTARY = uuid4(), uuid4(), uuid4()


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "new" / "keys")
    keys.make(VOTE)
    tag = keys.tag(VOTE, b"line")
    keys.make(VOTE)
    opener = keys.make_opener(VOTE)
    assert keys.tag(VOTE, b"line") == tag
    assert keys.tags(VOTE, [b"line", b"other"])[0] == tag
    assert keys.make_opener(VOTE) == opener == keys.opener(VOTE).public_key().public_bytes_raw()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o400}
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}  # else the house refuses to open
    assert sorted(path.name for path in files) == sorted(["box.key", "roll.key", f"{VOTE}.key"])


def test_a_custodian_proves_that_both_copies_open(tmp_path: Path) -> None:
    keys, (seed, public), (other_seed, other) = Keys(tmp_path), new_custodian(), new_custodian()
    keys.make(VOTE)
    keys.give(VOTE, ARCHIVE, public)
    keys.give(VOTE, NOTARY, other)
    proof = prove(seed, VOTE, keys.copies(VOTE, ARCHIVE))
    keys.check_proof(VOTE, public, proof)
    with pytest.raises(Invalid, match=r"custody\.proof_wrong"):
        keys.check_proof(VOTE, other, proof)  # nobody proves in another one's place
    with pytest.raises(Invalid, match=r"custody\.not_opened"):
        prove(other_seed, VOTE, keys.copies(VOTE, ARCHIVE))
    roll, box = keys.copies(VOTE, ARCHIVE)
    with pytest.raises(Invalid, match=r"custody\.not_opened"):
        prove(seed, VOTE, (box, roll))
    with pytest.raises(Conflict, match=r"custody\.gone"):
        keys.copies(uuid4(), ARCHIVE)


def test_the_box_key_and_its_copies_go_and_the_roll_key_stays(tmp_path: Path) -> None:
    keys, (seed, public) = Keys(tmp_path), new_custodian()
    keys.make(VOTE)
    keys.give(VOTE, ARCHIVE, public)
    keys.destroy_box(VOTE)
    keys.destroy_box(VOTE)
    assert not keys.has_box(VOTE)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [f"{ARCHIVE}.roll", "roll.key"]
    keys.tag(VOTE, b"line")
    check_destroyed(VOTE, public, confirm_destroyed(seed, VOTE))
    with pytest.raises(Invalid, match=r"custody\.signature_wrong"):
        check_destroyed(uuid4(), public, confirm_destroyed(seed, VOTE))
    keys.destroy_roll(VOTE)
    with pytest.raises(Conflict, match=r"keys\.gone"):
        keys.tag(VOTE, b"line")


def test_a_sealed_copy_alone_counts_as_a_living_key(tmp_path: Path) -> None:
    keys, (_, public) = Keys(tmp_path), new_custodian()
    keys.make(VOTE)
    keys.give(VOTE, ARCHIVE, public)
    (tmp_path / "votes" / str(VOTE) / "box.key").unlink()
    assert keys.has_box(VOTE)
