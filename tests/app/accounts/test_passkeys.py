"""What is believed of a passkey's answer, and what is not: each lie alone, against a passkey made of software."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.accounts.passkeys.answers import (
    NewPasskey,
    Site,
    ask_to_add,
    ask_to_show,
    check_added,
    check_shown,
    read_answer,
)
from app.accounts.passkeys.questions import (
    ADDING,
    SHOWING,
    VALID_FOR,
    Question,
    new_question,
    open_question,
    seal_question,
)
from commons.errors import Invalid
from tests.plumbing.passkeys import SoftPasskey, bytes_of, text_of

SITE = Site("town.example", "https://town.example")
OWNER = UUID(int=7)
QUESTION = Question(bytes(range(32)), "My phone")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "s" * 40


def to_add(question: Question = QUESTION) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(ask_to_add(SITE, "Vardisi", OWNER, ("nino@x.example", "Nino"), question, []))
    return options


def to_show(question: Question = QUESTION) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(ask_to_show(SITE, question, []))
    return options


def made(**own: Any) -> tuple[SoftPasskey, NewPasskey]:  # noqa: ANN401
    """Make a passkey that is believed."""
    passkey = SoftPasskey(SITE.host, SITE.origin, **own)
    return passkey, check_added(SITE, read_answer(passkey.make(to_add())), QUESTION)


PASSKEY, NEW = made()


def refused(answer: str, public_key: bytes = NEW.public_key) -> str:
    with pytest.raises(Invalid) as error:
        check_shown(SITE, read_answer(answer), QUESTION, public_key)
    return error.value.code


def test_what_is_asked_for_needs_the_owner_and_names_no_make() -> None:
    options = to_add()
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert (options["rp"], bytes_of(options["user"]["id"])) == ({"name": "Vardisi", "id": SITE.host}, OWNER.bytes)
    shown = json.loads(ask_to_show(SITE, QUESTION, [b"one", b"two"]))
    assert (shown["userVerification"], shown["rpId"], shown["timeout"]) == ("required", SITE.host, 300_000)
    assert [bytes_of(each["id"]) for each in shown["allowCredentials"]] == [b"one", b"two"]
    assert to_show()["allowCredentials"] == []


def test_a_passkey_is_believed_and_tells_how_often_it_signed() -> None:
    assert (NEW.credential_id, NEW.sign_count) == (PASSKEY.credential_id, 0)
    passkey, new = made(count=5)
    passkey.count = 2**32 - 1
    answer = read_answer(passkey.show(to_show()))
    assert (new.sign_count, answer.owner, answer.credential_id) == (5, OWNER.bytes, passkey.credential_id)
    assert check_shown(SITE, answer, QUESTION, new.public_key) == 2**32 - 1


LIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another address": ({"origin": "https://town.example.evil.example"}, {}, "passkey.foreign"),
    "the same host without https": ({"origin": "http://town.example"}, {}, "passkey.foreign"),
    "another host's passkey": ({"host": "evil.example"}, {}, "passkey.wrong"),
    "an owner who was not verified": ({"verifies": False}, {}, "passkey.wrong"),
    "another question": ({}, {"challenge": text_of(bytes(32))}, "passkey.wrong"),
    "an answer to something else": ({}, {"type": "payment.get"}, "passkey.wrong"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_when_a_passkey_is_shown(lie: str) -> None:
    own, told, code = LIES[lie]
    passkey = SoftPasskey(**{"host": SITE.host, "origin": SITE.origin, "key": PASSKEY.key} | own)
    passkey.credential_id, passkey.owner = PASSKEY.credential_id, PASSKEY.owner
    assert refused(passkey.show(to_show(), **told)) == code


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_when_a_passkey_is_added(lie: str) -> None:
    own, told, code = LIES[lie]
    passkey = SoftPasskey(**{"host": SITE.host, "origin": SITE.origin} | own)
    with pytest.raises(Invalid) as error:
        check_added(SITE, read_answer(passkey.make(to_add(), **told)), QUESTION)
    assert error.value.code == code


def test_an_answer_of_one_kind_is_none_of_the_other() -> None:
    assert refused(PASSKEY.make(to_add())) == "passkey.wrong"
    with pytest.raises(Invalid) as error:
        check_added(SITE, read_answer(PASSKEY.show(to_show())), QUESTION)
    assert error.value.code == "passkey.wrong"


def test_another_key_signs_for_nobody() -> None:
    _, other = made()
    assert refused(PASSKEY.show(to_show()), other.public_key) == "passkey.wrong"


@settings(max_examples=60)
@given(part=st.sampled_from(["authenticatorData", "signature", "clientDataJSON"]), at=st.integers(0, 10_000))
def test_no_bit_of_it_can_be_changed(part: str, at: int) -> None:
    sent = json.loads(PASSKEY.show(to_show()))
    data = bytearray(bytes_of(sent["response"][part]))
    data[at // 8 % len(data)] ^= 1 << at % 8
    sent["response"][part] = text_of(bytes(data))
    with pytest.raises(Invalid):
        check_shown(SITE, read_answer(json.dumps(sent)), QUESTION, NEW.public_key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
PLACES = ("id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "authenticatorData", "signature")


def check(answer: str, *, adds: bool) -> None:
    if adds:
        check_added(SITE, read_answer(answer), QUESTION)
    else:
        check_shown(SITE, read_answer(answer), QUESTION, NEW.public_key)


@settings(max_examples=100)
@given(place=st.sampled_from(PLACES), value=JSON | st.binary(max_size=80).map(text_of), adds=st.booleans())
def test_whatever_else_comes_is_refused_and_breaks_nothing(place: str, value: object, adds: bool) -> None:
    sent = json.loads(PASSKEY.make(to_add()) if adds else PASSKEY.show(to_show()))
    inside = sent["response"] if place in sent["response"] else sent
    assume(place in inside and inside[place] != value)
    inside[place] = value
    with pytest.raises(Invalid):
        check(json.dumps(sent), adds=adds)


@given(text=st.text(max_size=60) | JSON.map(json.dumps))
def test_any_other_text_is_no_answer(text: str) -> None:
    with pytest.raises(Invalid, match=r"passkey\."):
        read_answer(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cancelled", "passkey.cancelled"),
        ("there", "passkey.there"),
        ("failed", "passkey.failed"),
        ("[" * 10_000, "passkey.failed"),
        ('{"response": "' + "a" * 30_000 + '"}', "passkey.failed"),
    ],
)
def test_why_there_is_no_answer(text: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        read_answer(text)
    assert error.value.code == code


def test_a_question_holds_for_one_browser_one_aim_one_house_and_five_minutes() -> None:
    question = new_question("ჩემი ტელეფონი")
    sealed = seal_question(SECRET, "a.cookie", ADDING, question, NOW)
    last = NOW + VALID_FOR - timedelta(seconds=1)
    assert timedelta(minutes=5) == VALID_FOR
    assert open_question(SECRET, "a.cookie", ADDING, sealed, last) == question
    for secret, cookie, aim, text, moment in (
        (SECRET, "a.cookie", ADDING, sealed, NOW + VALID_FOR),
        (SECRET, "another", ADDING, sealed, NOW),
        (SECRET, "", ADDING, sealed, NOW),
        (SECRET, "a.cookie", SHOWING, sealed, NOW),
        ("t" * 40, "a.cookie", ADDING, sealed, NOW),
        (SECRET, "a.cookie", ADDING, sealed[:-8] + "AAAAAAA=", NOW),
        (SECRET, "a.cookie", ADDING, "é", NOW),
        (SECRET, "a.cookie", ADDING, "", NOW),
    ):
        assert open_question(secret, cookie, aim, text, moment) is None
    assert len({new_question().challenge for _ in range(50)}) == 50
