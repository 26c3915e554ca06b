"""What a provider says, believed only where it says it as it must: its addresses, its keys, its ID tokens. Pure.

Source: OpenID Connect Core 1.0 (3.1.3.7), Discovery 1.0 (4.3), RFC 9207, RFC 8725.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from commons.errors import Forbidden

# Public keys only: with a shared secret whoever can check a token can write one, and "none" is no signature at all.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
CLOCKS_DIFFER = timedelta(minutes=1)
LONGEST_SUBJECT = 255
SMALLEST_RSA_BITS = 2048


@dataclass(frozen=True)
class Metadata:
    """Where a provider does what.

    userinfo: empty where it tells nothing more. by_post: our secret goes into the form, not into a header.
    names_itself: it promises to say who it is when it sends somebody back.
    """

    authorize: str
    token: str
    keys: str
    userinfo: str
    by_post: bool
    names_itself: bool


@dataclass(frozen=True)
class Person:
    """Whom a provider vouches for.

    subject:    its own name for them. email: an address that it checked, or nothing. name: as they are called.
    identifier: their official number, or nothing. shown_at: when they last showed it who they are, in seconds since
                1970; None where it does not say.
    """

    subject: str
    email: str
    name: str
    identifier: str
    shown_at: float | None = None


def untrue(part: str) -> Forbidden:
    """Refuse what a provider said. part: which check failed; for the operator's log."""
    return Forbidden("oidc.untrue", part=part)


def check_metadata(issuer: str, document: Mapping[str, Any]) -> Metadata:
    """Read a discovery document: it is the issuer's own, and all its addresses are on the issuer's host.

    Raises: Forbidden "oidc.untrue".
    """
    if document.get("issuer") != issuer:
        raise untrue("issuer of the discovery document")
    own = urlsplit(issuer)
    found: dict[str, str] = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        address = document.get(name) or ""
        optional = name == "userinfo_endpoint" and not address
        if not optional and not (isinstance(address, str) and _is_at(own.scheme, own.netloc, address)):
            raise untrue(name)
        found[name] = address
    ways = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Metadata(
        found["authorization_endpoint"],
        found["token_endpoint"],
        found["jwks_uri"],
        found["userinfo_endpoint"],
        by_post="client_secret_basic" not in ways and "client_secret_post" in ways,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _is_at(scheme: str, host: str, address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == scheme and parts.netloc == host and address.isascii() and address.isprintable()


def check_answer(metadata: Metadata, issuer: str, said: str) -> None:
    """Check who sent the browser back, where the answer names them (RFC 9207). Raises Forbidden "oidc.untrue"."""
    if (said or metadata.names_itself) and said != issuer:
        raise untrue("issuer of the answer")


def read_keys(document: Mapping[str, Any]) -> KeySet:
    """Read the public keys with which a provider signs; what is none is left out.

    Raises: Forbidden "oidc.untrue".
    """
    kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    listed = document.get("keys")
    keys = []
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and each.get("kty") in kinds and each.get("use", "sig") == "sig":
            try:
                key = kinds[each["kty"]].import_key({name: value for name, value in each.items() if name != "alg"})
            except (JoseError, ValueError, TypeError, KeyError):
                continue
            if isinstance(key, RSAKey) and key.public_key.key_size < SMALLEST_RSA_BITS:
                continue
            keys.append(key)
    if not keys:
        raise untrue("keys")
    return KeySet(keys)


def key_named(text: str) -> str:
    """Read which key a token says it was signed with; nothing where it says none. Nothing is believed yet."""
    try:
        kid = jws.extract_compact(text.encode()).headers().get("kid", "")
    except (JoseError, ValueError, TypeError):
        return ""
    return kid if isinstance(kid, str) else ""


def check_token(
    text: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, moment: datetime
) -> dict[str, Any]:
    """Check an ID token: who signed it and how, who says it, to whom, until when, and in answer to which question.

    Returns: its claims.
    Raises:  Forbidden "oidc.untrue", with the part that is not as it must be.
    """
    try:
        claims = json.loads(jws.deserialize_compact(text, keys, algorithms=ALGORITHMS).payload)
    except (JoseError, ValueError, TypeError, KeyError) as wrong:
        raise untrue("signature") from wrong
    if not isinstance(claims, dict):
        raise untrue("claims")
    if claims.get("iss") != issuer:
        raise untrue("issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise untrue("audience")
    if claims.get("azp", client_id) != client_id or (len(audiences) > 1 and "azp" not in claims):
        raise untrue("authorized party")
    until, since, before = (_seconds(claims, name) for name in ("exp", "iat", "nbf"))
    now, differ = moment.timestamp(), CLOCKS_DIFFER.total_seconds()
    if until is None or until + differ <= now:
        raise untrue("expiry")
    if since is None or since - differ > now or (before is not None and before - differ > now):
        raise untrue("time")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise untrue("nonce")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise untrue("subject")
    return claims


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:  # hundreds of digits
        return None


def read_person(claims: Mapping[str, Any], more: Mapping[str, Any], identifier_claim: str) -> Person:
    """Gather who somebody is, from an ID token and from what the provider tells beside it about the same subject.

    Raises: Forbidden "oidc.untrue" where that speaks of somebody else.
    """
    if more and more.get("sub") != claims["sub"]:
        raise untrue("subject of what was told beside it")
    # An address and the word that it was checked belong together: they are taken from one place.
    told = next((part for part in (claims, more) if part.get("email")), {})
    verified = told.get("email_verified") is True or told.get("email_verified") == "true"
    every = {**more, **claims}
    name = every.get("name") or " ".join(_text(every, part) for part in ("given_name", "family_name"))
    return Person(
        claims["sub"],
        _text(told, "email") if verified else "",
        name.strip() if isinstance(name, str) else "",
        _text(every, identifier_claim) if identifier_claim else "",
        _seconds(claims, "auth_time"),
    )


def shown_ago(person: Person, moment: datetime) -> timedelta | None:
    """Tell how long ago somebody showed the provider who they are; None where it says nothing, or what cannot be."""
    if person.shown_at is None:
        return None
    ago = moment.timestamp() - person.shown_at
    if not -CLOCKS_DIFFER.total_seconds() <= ago < timedelta.max.total_seconds():
        return None
    return timedelta(seconds=max(0.0, ago))


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()
