"""The notes that a browser carries: whole or nothing, for one browser, one purpose and ten minutes."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.oidc.notes import (
    LONGEST_PLACE,
    VALID_FOR,
    Joining,
    new_leaving,
    open_joining,
    open_leaving,
    seal_joining,
    seal_leaving,
)
from tests.plumbing.server import SECRET

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@given(st.text(max_size=LONGEST_PLACE), st.text(min_size=1, max_size=80))
def test_a_note_comes_back_as_it_went(wanted: str, cookie: str) -> None:
    for again in (False, True):
        leaving = new_leaving(wanted, again=again)
        assert open_leaving(SECRET, cookie, seal_leaving(SECRET, cookie, leaving, NOW), NOW) == leaving
    for person in (None, b"p" * 32):
        joining = Joining(uuid4(), b"s" * 32, person, wanted)
        assert open_joining(SECRET, cookie, seal_joining(SECRET, cookie, joining, NOW), NOW) == joining


def test_a_note_is_for_one_browser_one_purpose_one_house_and_ten_minutes() -> None:
    note = seal_leaving(SECRET, "cookie", new_leaving("/en"), NOW)
    assert open_leaving(SECRET, "cookie", note, NOW + VALID_FOR - SECOND) is not None
    assert open_leaving(SECRET, "cookie", note, NOW + VALID_FOR) is None
    assert open_leaving(SECRET, "another", note, NOW) is None
    assert open_leaving(SECRET + "x", "cookie", note, NOW) is None
    assert open_joining(SECRET, "cookie", note, NOW) is None
    bare = seal_leaving(SECRET, "", new_leaving("/en"), NOW)
    assert open_leaving(SECRET, "", bare, NOW) is None  # no browser is not a browser


@pytest.mark.parametrize("text", ["", "a", "====", "not base64!", "é"])
def test_nonsense_is_no_note(text: str) -> None:
    assert open_leaving(SECRET, "cookie", text, NOW) is None


@given(st.data())
def test_a_note_with_one_byte_changed_opens_nothing(data: st.DataObject) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(seal_leaving(SECRET, "cookie", new_leaving("/en"), NOW)))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    assert open_leaving(SECRET, "cookie", base64.urlsafe_b64encode(sealed).decode(), NOW) is None


def test_secrets_are_long_and_never_the_same() -> None:
    one, other = new_leaving(""), new_leaving("")
    drawn = {each for note in (one, other) for each in (note.state, note.nonce, note.verifier)}
    assert len(drawn) == 6
    assert {len(each) for each in drawn} == {43}
    assert new_leaving("/" + "a" * LONGEST_PLACE).wanted == ""


def test_a_challenge_is_the_verifiers_hash() -> None:
    """The example of RFC 7636, appendix B."""
    note = new_leaving("")
    object.__setattr__(note, "verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert note.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
