"""Answers of a passkey (W3C Web Authentication): what we ask for, and what is believed of what comes back. Pure.

A passkey answers only after it made sure of its owner by finger, face or PIN ("user verification"): it is something
they have and something they are or know, two factors in one. Which make it is, nobody is asked ("attestation: none").
"""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.accounts.passkeys.questions import VALID_FOR, Question
from commons.errors import Invalid

ANSWER = "_passkey"  # the field; one name on every page, which no other form uses
LONGEST_ANSWER = 20_000
MILLISECONDS = int(VALID_FOR.total_seconds() * 1000)


@dataclass(frozen=True)
class Site:
    """Where a passkey is good for: the host that it is bound to, and the address that the browser must have been at."""

    host: str
    origin: str


@dataclass(frozen=True)
class Answer:
    """What came from a browser, read and not yet believed.

    credential_id: by which the passkey calls itself. owner: the account that it was made for, if it says so.
    origin:        where the browser says it was. sent: all of it.
    """

    credential_id: bytes
    owner: bytes | None
    origin: str
    sent: dict[str, Any]


@dataclass(frozen=True)
class NewPasskey:
    """A passkey that was just made: its id, its public key (COSE), and how often it has signed."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def ask_to_show(site: Site, question: Question, known: Collection[bytes]) -> str:
    """Write what the browser shall ask a passkey, as JSON. known: ids to choose from; none: whichever is there."""
    return options_to_json(
        generate_authentication_options(
            rp_id=site.host,
            challenge=question.challenge,
            timeout=MILLISECONDS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def ask_to_add(
    site: Site,
    organisation: str,
    account_id: UUID,
    named: tuple[str, str],
    question: Question,
    known: Collection[bytes],
) -> str:
    """Write how the browser shall have a passkey made, as JSON.

    named: the account as its owner tells it from others, such as by its address, and the person.
    known: ids of passkeys that are there already; where one of these is, none is made.
    """
    return options_to_json(
        generate_registration_options(
            rp_id=site.host,
            rp_name=organisation,
            user_id=account_id.bytes,
            user_name=named[0],
            user_display_name=named[1],
            challenge=question.challenge,
            timeout=MILLISECONDS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
    )


def read_answer(text: str) -> Answer:
    """Read what a form brought: an answer as JSON, or the word of our script for why there is none.

    Raises: Invalid "passkey.cancelled", "passkey.there", "passkey.failed".
    """
    if text == "cancelled":
        raise Invalid("passkey.cancelled")
    if text == "there":
        raise Invalid("passkey.there")
    try:
        sent = json.loads(text if len(text) <= LONGEST_ANSWER else "")
        told = json.loads(_bytes(sent["response"]["clientDataJSON"]))
        owner = sent["response"].get("userHandle")
        read = Answer(_bytes(sent["rawId"]), _bytes(owner) if owner else None, str(told["origin"]), sent)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as unreadable:
        raise Invalid("passkey.failed") from unreadable
    return read


def check_added(site: Site, answer: Answer, question: Question) -> NewPasskey:
    """Believe that a passkey was made here, for this question, by its verified owner.

    Raises: Invalid "passkey.foreign", "passkey.wrong".
    """
    _check_origin(site, answer)
    try:
        made = verify_registration_response(
            credential=answer.sent,
            expected_challenge=question.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as lie:
        raise Invalid("passkey.wrong") from lie
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count)


def check_shown(site: Site, answer: Answer, question: Question, public_key: bytes) -> int:
    """Believe that a passkey signed this question, here, for its verified owner.

    Returns: how often it says it has signed; whoever calls this compares that with what is known.
    Raises:  Invalid "passkey.foreign", "passkey.wrong".
    """
    _check_origin(site, answer)
    try:
        shown = verify_authentication_response(
            credential=answer.sent,
            expected_challenge=question.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as lie:
        raise Invalid("passkey.wrong") from lie
    return shown.new_sign_count


def _check_origin(site: Site, answer: Answer) -> None:
    """Find out first whether somebody stands at another address: that has a cure of its own."""
    if answer.origin != site.origin:
        raise Invalid("passkey.foreign")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as broken:
        raise ValueError(text) from broken
