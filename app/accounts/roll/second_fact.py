"""A second fact that a person knows and their letter does not tell, such as the year of birth. Pure.

Whoever opens somebody's letter has the code and not the fact. There are so few years and endings of numbers that all
can be tried, so what is kept is a keyed hash with the line as its salt: the key is in no database and no backup.
"""

import hmac
from collections.abc import Callable
from uuid import UUID

from app.accounts.oidc.marks import plain
from app.accounts.sealing import key_for
from commons.errors import Invalid

FACT = "khma-fact-1"
FEWEST_SIGNS = 3
MOST_SIGNS = 40
LONGEST_NAME = 60

SecondFactMark = Callable[[UUID, str], bytes]
"""Makes of a line's id and its fact what is kept."""


class SecondFactMarker:
    """Marks facts; the key is made once for many."""

    def __init__(self, secret: str) -> None:
        self._key = key_for(secret, FACT)

    def __call__(self, line_id: UUID, fact: str) -> bytes:
        """Mark the fact of one line, in any spelling. Returns 32 bytes."""
        return hmac.digest(self._key, line_id.bytes + plain(fact).encode(), "sha256")


def is_second_fact(typed: str) -> bool:
    """Tell whether something can be a second fact: 3 to 40 letters and digits, whatever stands between them."""
    return FEWEST_SIGNS <= len(plain(typed)) <= MOST_SIGNS


def is_right_fact(secret: str, line_id: UUID, kept: bytes | None, typed: str) -> bool:
    """Tell whether what was typed is the fact that is kept of a line; where none is kept, anything is."""
    return kept is None or hmac.compare_digest(kept, SecondFactMarker(secret)(line_id, typed[: 4 * MOST_SIGNS]))


def check_fact_names(names: dict[str, str]) -> dict[str, str]:
    """Keep the languages in which the fact has a name; it may have none. Raises Invalid "text.too_long"."""
    kept = {language: text.strip() for language, text in names.items() if text.strip()}
    for language, text in kept.items():
        if len(text) > LONGEST_NAME:
            raise Invalid("text.too_long", field=f"fact_{language}", limit=LONGEST_NAME, found=len(text))
    return kept
