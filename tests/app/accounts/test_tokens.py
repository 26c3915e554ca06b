"""Links in letters: nobody makes one, changes one, keeps one too long, or uses one for another door."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.tokens import make_token, open_token, read_token, seal_token
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
    for place, letter in enumerate(TOKEN):
        other = "A" if letter != "A" else "B"
        assert is_dead(TOKEN[:place] + other + TOKEN[place + 1 :]), place
    assert all(is_dead(TOKEN[:length]) for length in range(len(TOKEN)))
    assert is_dead(TOKEN + "A")
    assert is_dead(TOKEN + ".")


@given(st.text(max_size=100))
def test_no_text_is_a_link(text: str) -> None:
    assert is_dead(text)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=40), max_size=4))
def test_facts_come_back_as_they_went(facts: dict[str, str]) -> None:
    token = make_token(SECRET, "welcome", facts, hours=1, now=NOW)
    assert read_token(SECRET, "welcome", token, now=NOW) == facts
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in token)


@pytest.mark.parametrize("hours", [0, -1])
def test_a_link_for_no_time_is_dead_at_once(hours: int) -> None:
    assert is_dead(make_token(SECRET, "reset", FACTS, hours=hours, now=NOW))


@given(st.dictionaries(st.text(), st.text()))
def test_sealed_facts_come_back_and_cannot_be_read_in_between(facts: dict[str, str]) -> None:
    token = seal_token(SECRET, "address", facts, hours=1)
    assert open_token(SECRET, "address", token) == facts
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    address = seal_token(SECRET, "address", {"address": "nino@example.org"}, hours=1)
    assert b"nino" not in base64.urlsafe_b64decode(address + "=" * (-len(address) % 4))


@given(st.text())
def test_no_text_is_a_sealed_link(text: str) -> None:
    with pytest.raises(NotFound):
        open_token(SECRET, "address", text)


def test_a_sealed_link_is_for_one_purpose_one_house_and_its_time() -> None:
    token = seal_token(SECRET, "address", {"a": "b"}, hours=1, now=0)
    assert open_token(SECRET, "address", token, now=3599) == {"a": "b"}
    for secret, purpose, moment in ((SECRET, "reset", 0), ("t" * 40, "address", 0), (SECRET, "address", 3600)):
        with pytest.raises(NotFound):
            open_token(secret, purpose, token, now=moment)
    with pytest.raises(NotFound):
        read_token(SECRET, "address", token)
