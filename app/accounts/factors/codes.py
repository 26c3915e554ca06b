"""Codes of the second factor: from an app (RFC 6238); how any code is read and written. Pure.

All are digits only, so that every keyboard has them and one field takes either: six from the app, twelve from paper
(`recovery`).
"""

import hmac
import unicodedata
from datetime import datetime
from uuid import UUID

import pyotp

from app.accounts.sealing import seal, unseal

STEP_SECONDS = 30
APP_DIGITS = 6
GROUP = 4
LONGEST_TYPED = 100
FACTOR = "khma-factor-1"


def new_app_secret() -> str:
    """Draw the secret that the app and the house share. Returns 160 bits as 32 signs of base 32."""
    return pyotp.random_base32()


def app_address(app_secret: str, email: str, organisation: str) -> str:
    """Write the address that an app reads from a QR code."""
    return pyotp.TOTP(app_secret).provisioning_uri(name=email, issuer_name=organisation.replace(":", " "))


def step_at(moment: datetime) -> int:
    """Give the half minute that a moment lies in its number."""
    return int(moment.timestamp()) // STEP_SECONDS


def app_code(app_secret: str, step: int) -> str:
    """Work out the code of one half minute: six digits."""
    return pyotp.TOTP(app_secret).generate_otp(step)


def find_step(app_secret: str, digits: str, moment: datetime) -> int | None:
    """Find the half minute that a code belongs to: the present one, or a neighbour, since clocks differ."""
    now = step_at(moment)
    fitting = [step for step in range(now - 1, now + 2) if hmac.compare_digest(app_code(app_secret, step), digits)]
    return max(fitting, default=None)


def seal_app_secret(secret: str, account_id: UUID, app_secret: str) -> bytes:
    """Seal an app's secret for keeping. secret: the house's."""
    return seal(secret, FACTOR, account_id.bytes, app_secret.encode())


def open_app_secret(secret: str, account_id: UUID, sealed: bytes) -> str | None:
    """Read an app's secret back; None where it was sealed for somebody else, or the house's secret is another."""
    opened = unseal(secret, FACTOR, account_id.bytes, sealed)
    return None if opened is None else opened.decode()


def read_digits(typed: str) -> str:
    """Read what somebody typed: digits of any script, whatever stands between them; nothing where it is no code."""
    kept = [sign for sign in typed[: LONGEST_TYPED + 1] if unicodedata.category(sign)[0] in "LN"]
    digits = [unicodedata.decimal(sign, None) for sign in kept]
    if len(typed) > LONGEST_TYPED or None in digits:
        return ""
    return "".join(map(str, digits))


def shown(digits: str) -> str:
    """Write digits for the eye: groups of four."""
    return " ".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))
