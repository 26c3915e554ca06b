"""Links in letters: nobody reads one, makes one, changes one, keeps one too long, or uses one for another door."""

import base64
import hashlib
import hmac
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.tokens import make_token, read_token
from commons.errors import NotFound

SECRET = "s" * 40
NOW = 1_800_000_000.0
FACTS = {"email": "nino@vardisi.example", "mark": "0123456789abcdef"}
TOKEN = make_token(SECRET, "reset", FACTS, hours=24, now=NOW)


def is_dead(token: str, *, secret: str = SECRET, purpose: str = "reset", now: float = NOW) -> bool:
    try:
        read_token(secret, purpose, token, now=now)
    except NotFound as dead:
        return dead.code == "link.dead"
    return False


def test_a_link_lives_to_its_last_second() -> None:
    assert read_token(SECRET, "reset", TOKEN, now=NOW) == FACTS
    assert read_token(SECRET, "reset", TOKEN, now=NOW + 24 * 3600 - 1) == FACTS
    assert is_dead(TOKEN, now=NOW + 24 * 3600)


def test_a_link_is_for_one_purpose_and_one_house() -> None:
    assert is_dead(TOKEN, purpose="welcome")
    assert is_dead(TOKEN, purpose="rese")
    assert is_dead(TOKEN, secret="t" * 40)


def test_every_changed_character_kills_it() -> None:
    """Whatever its length: the last sign of base64 has bits that say nothing, and another one must not do as well."""
    for name in ("a", "ab", "abc"):
        token = make_token(SECRET, "reset", FACTS | {"name": name}, hours=24, now=NOW)
        for place, letter in enumerate(token):
            for other in {"A", "B", "C", "w"} - {letter}:
                assert is_dead(token[:place] + other + token[place + 1 :]), place
        assert all(is_dead(token[:length]) for length in range(len(token)))
        for more in ("A", ".", "=", "==", "\n", "%"):
            assert is_dead(token + more)
            assert is_dead(more + token)


@given(st.text(max_size=100))
def test_no_text_is_a_link(text: str) -> None:
    assert is_dead(text)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=40), max_size=4))
def test_facts_come_back_as_they_went(facts: dict[str, str]) -> None:
    token = make_token(SECRET, "welcome", facts, hours=1, now=NOW)
    assert read_token(SECRET, "welcome", token, now=NOW) == facts
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


@pytest.mark.parametrize("hours", [0, -1])
def test_a_link_for_no_time_is_dead_at_once(hours: int) -> None:
    assert is_dead(make_token(SECRET, "reset", FACTS, hours=hours, now=NOW))


def test_nobody_else_reads_a_link_and_it_has_one_spelling() -> None:
    assert b"nino" not in base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    for other in (TOKEN + "=", TOKEN + "==", TOKEN[:9] + "\n" + TOKEN[9:], TOKEN[:9] + "!" + TOKEN[9:]):
        assert is_dead(other)  # a lenient reader would take these for the same link, which then works twice
    for length in range(3):  # whatever its length leaves over in the last sign
        token = make_token(SECRET, "reset", {"email": "a" * length}, hours=1, now=NOW)
        others = [token[:-1] + sign for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
        assert [each for each in others if not is_dead(each)] == [token]


def test_nothing_in_a_link_can_be_read() -> None:
    kept = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    assert [word for word in (b"nino", b"vardisi", b"email", FACTS["mark"].encode()) if word in kept] == []
    assert make_token(SECRET, "reset", FACTS, hours=24, now=NOW) != TOKEN  # two letters to one address look unlike


def test_a_link_of_the_older_kind_is_dead() -> None:
    """It was signed, not sealed: its address could be read by whoever saw the link."""
    body = base64.urlsafe_b64encode(json.dumps([int(NOW) + 3600, FACTS], separators=(",", ":")).encode()).rstrip(b"=")
    mark = hmac.digest(SECRET.encode(), b"letter\0reset\0" + body, hashlib.sha256)
    assert is_dead(f"{body.decode()}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}")
