"""What a provider says, checked at the edges: a minute of clocks that differ, small keys, odd claims."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from app.accounts.oidc.claims import (
    CLOCKS_DIFFER,
    check_answer,
    check_metadata,
    check_token,
    key_named,
    read_keys,
    read_person,
)
from commons.errors import Forbidden
from tests.plumbing.providers import KEY

ISSUER, CLIENT, NONCE = "https://id.town.example", "khma", "a-nonce"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def token(key: Any = KEY, alg: str = "RS256", **instead: Any) -> str:  # noqa: ANN401 - keys and claims of all kinds
    at = int(NOW.timestamp())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "s", "iat": at, "exp": at + 300, "nonce": NONCE} | instead
    return jwt.encode({"alg": alg, "kid": "first"}, claims, key, [alg])


def checked(text: str, moment: datetime = NOW, keys: KeySet | None = None) -> dict[str, Any]:
    keys = keys or read_keys({"keys": [KEY.as_dict(private=False)]})
    return check_token(text, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, moment=moment)


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS256", KEY),
        ("PS256", KEY),
        ("ES256", ECKey.generate_key("P-256", {"kid": "first"})),
        ("EdDSA", OKPKey.generate_key("Ed25519", {"kid": "first"})),
    ],
)
def test_public_keys_of_every_kind_are_taken(alg: str, key: Any) -> None:  # noqa: ANN401
    assert checked(token(key, alg), keys=read_keys({"keys": [key.as_dict(private=False)]}))["sub"] == "s"


def test_a_token_ends_a_minute_late_and_begins_a_minute_early_and_no_second_more() -> None:
    ends, begins = NOW + timedelta(seconds=300) + CLOCKS_DIFFER, NOW - CLOCKS_DIFFER
    for moment in (ends - SECOND, begins):
        assert checked(token(), moment)
    for moment in (ends, begins - SECOND):
        with pytest.raises(Forbidden, match=r"oidc\.untrue"):
            checked(token(), moment)


NAMES = st.sampled_from(["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "sub"])
ODD = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9) | st.lists(st.text(), max_size=2)


@given(st.dictionaries(NAMES, ODD, min_size=1))
def test_odd_claims_are_refused_and_never_a_bug(instead: dict[str, Any]) -> None:
    try:
        claims = checked(token(**instead))
    except Forbidden:
        return
    assert (claims["iss"], claims["nonce"]) == (ISSUER, NONCE)
    assert set(instead) <= {"nbf", "sub", "aud", "azp", "iat"}


@given(st.text(max_size=200))
def test_text_is_no_token(text: str) -> None:
    assert isinstance(key_named(text), str)
    with pytest.raises(Forbidden):
        checked(text)


def test_one_changed_sign_breaks_a_token() -> None:
    whole = token()
    for place in range(0, len(whole), 7):
        changed = whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :]
        with pytest.raises(Forbidden):
            checked(changed)


def test_small_secret_and_encrypting_keys_are_left_out() -> None:
    small = RSAKey.generate_key(1024).as_dict(private=False)
    secret = OctKey.generate_key(256).as_dict(private=True)
    other = KEY.as_dict(private=False) | {"use": "enc"}
    for listed in ([small], [secret], [other], [], ["key"], [{"kty": "RSA"}], None):
        with pytest.raises(Forbidden):
            read_keys({"keys": listed})
    assert len(read_keys({"keys": [small, secret, other, KEY.as_dict(private=False)]}).keys) == 1


def test_metadata_says_where_the_secret_goes() -> None:
    assert not check_metadata(ISSUER, DOCUMENT).by_post
    ways = "token_endpoint_auth_methods_supported"
    assert check_metadata(ISSUER, DOCUMENT | {ways: ["client_secret_post"]}).by_post
    assert not check_metadata(ISSUER, DOCUMENT | {ways: ["client_secret_post", "client_secret_basic"]}).by_post


@pytest.mark.parametrize(
    "address",
    ["https://id.town.example.evil.example/t", "https://id.town.example@evil.example/", "http://id.town.example/t",
     "//id.town.example/t", "https://id.town.example:8443/t", "/token", "https://[id", "https://id.town.example/\n", 7],
)  # fmt: skip
def test_an_address_elsewhere_is_refused(address: object) -> None:
    with pytest.raises(Forbidden):
        check_metadata(ISSUER, DOCUMENT | {"token_endpoint": address})


def test_who_promises_to_name_itself_must() -> None:
    silent = check_metadata(ISSUER, DOCUMENT)
    named = check_metadata(ISSUER, DOCUMENT | {"authorization_response_iss_parameter_supported": True})
    check_answer(silent, ISSUER, "")
    check_answer(named, ISSUER, ISSUER)
    for metadata, said in ((named, ""), (silent, "https://evil.example")):
        with pytest.raises(Forbidden):
            check_answer(metadata, ISSUER, said)


def test_a_person_is_read_from_both_answers() -> None:
    more = {"sub": "s", "given_name": "Eka", "family_name": "J.", "email": "e@x.example", "email_verified": "true"}
    found = read_person({"sub": "s", "number": 7}, more, "number")
    assert (found.name, found.email, found.identifier) == ("Eka J.", "e@x.example", "7")
    for unchecked in (False, None, "false", 1, "yes"):
        assert read_person({"sub": "s", "email": "e@x.example", "email_verified": unchecked}, {}, "").email == ""
    assert read_person({"sub": "s", "number": True}, {}, "number").identifier == ""
