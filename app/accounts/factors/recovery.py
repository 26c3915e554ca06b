"""Recovery codes: ten on a sheet of paper, of which the house keeps slow hashes under seal. Pure.

Twelve digits are so few that a computer tries them all where a hash is quick. So they are hashed as passwords are, with
one salt for a sheet: whoever types a code costs one hash and not ten. The seal keeps a stolen database from being tried
at all, and can be renewed without the codes.
"""

import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw

from app.accounts.sealing import NONCE_BYTES, TAG_BYTES, key_for, seal, unseal

DIGITS, CODES = 12, 10
SALT_BYTES, HASH_BYTES = 16, 32
KEPT_BYTES = SALT_BYTES + NONCE_BYTES + TAG_BYTES + HASH_BYTES
ROUNDS, MEMORY_KIB, LANES = 2, 19_456, 1  # as for passwords: OWASP's least; other costs need another purpose
RECOVERY, QUICK_RECOVERY = "khma-recovery-2", "khma-recovery-1"


@dataclass(frozen=True)
class Sheet:
    """Ten codes as they are told once, and the hash of each, with the salt that they share."""

    codes: tuple[str, ...]
    salt: bytes
    hashes: tuple[bytes, ...]


def draw_sheet() -> Sheet:
    """Draw ten different codes of twelve digits.

    Cost: ten slow hashes, a quarter of a second; call it where passwords are hashed, and outside every transaction.
    """
    drawn: set[str] = set()
    while len(drawn) < CODES:
        drawn.add(str(secrets.randbelow(10**DIGITS)).zfill(DIGITS))
    codes, salt = tuple(sorted(drawn)), secrets.token_bytes(SALT_BYTES)
    return Sheet(codes, salt, tuple(slow_hash(code, salt) for code in codes))


def slow_hash(digits: str, salt: bytes) -> bytes:
    """Hash a code as a password is hashed (Argon2id). Returns 32 bytes. Cost: 25 ms and 19 MiB."""
    return hash_secret_raw(digits.encode(), salt, ROUNDS, MEMORY_KIB, LANES, HASH_BYTES, Type.ID)


def keep(secret: str, account_id: UUID, salt: bytes, hashed: bytes) -> bytes:
    """Write what is kept of a code: its salt, and its hash under the house's seal."""
    return salt + seal(secret, RECOVERY, account_id.bytes + salt, hashed)


def salt_of(kept: bytes) -> bytes:
    """Read the salt of what is kept; nothing of a code from before, which was hashed without one."""
    return kept[:SALT_BYTES] if len(kept) == KEPT_BYTES else b""


def open_kept(secret: str, account_id: UUID, kept: bytes) -> bytes | None:
    """Read the slow hash back; None of a code from before, of another person's, or where the secret is another."""
    salt = salt_of(kept)
    return unseal(secret, RECOVERY, account_id.bytes + salt, kept[SALT_BYTES:]) if salt else None


def is_kept(secret: str, account_id: UUID, kept: bytes, digits: str, hashed: bytes) -> bool:
    """Tell whether this is what was kept of a code. hashed: slowly, with the salt of the sheet."""
    if not salt_of(kept):
        return hmac.compare_digest(kept, quick_hash(secret, account_id, digits))
    opened = open_kept(secret, account_id, kept)
    return opened is not None and hmac.compare_digest(opened, hashed)


def quick_hash(secret: str, account_id: UUID, digits: str) -> bytes:
    """Find what was kept of codes until there were salts: they work until they are used, or renewed."""
    return hmac.digest(key_for(secret, QUICK_RECOVERY), account_id.bytes + digits.encode(), "sha256")
