"""Who a provider says somebody is, as this house keeps it: keyed hashes, since official numbers can all be tried. Pure.

Without the house's secret, which is in no database and no backup, no list of a million numbers finds one of them.
"""

import hmac
import unicodedata

from app.accounts.sealing import key_for

SUBJECT = "khma-subject-1"
PERSON = "khma-person-1"


def subject_mark(secret: str, issuer: str, subject: str) -> bytes:
    """Mark a provider's own name for somebody. Returns 32 bytes."""
    return hmac.digest(key_for(secret, SUBJECT), f"{issuer}\0{subject}".encode(), "sha256")


class PersonMarker:
    """Marks official numbers, the same for a provider's and an office's spelling; the key is made once for many."""

    def __init__(self, secret: str) -> None:
        self._key = key_for(secret, PERSON)

    def __call__(self, identifier: str) -> bytes | None:
        """Mark one. Returns 32 bytes; None for a number without a letter or digit."""
        number = plain(identifier)
        return hmac.digest(self._key, number.encode(), "sha256") if number else None


def plain(identifier: str) -> str:
    """Keep letters and digits, in one case and one script's digits: 01-017 and ٠١٠١٧ are one number."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", identifier).casefold())
    kept = (sign for sign in text if unicodedata.category(sign)[0] in "LN")
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in kept)
