"""Keys of this installation: made when first needed, readable by its own user alone, in a folder no backup takes.

The ledger's signing key belongs to the sequencer, which is the worker; web processes never read it.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.config import Config

LEDGER_KEY = "ledger.key"


def ledger_origin(config: Config) -> str:
    """Name the ledger as its checkpoints do: the address people know, and a word.

    A demonstration changes its port from day to day, but its log goes on.
    """
    if config.demonstration:
        return "demonstration.khma.example/ledger"
    return f"{urlsplit(config.base_url).netloc}/ledger"


def find_ledger_key(config: Config) -> Ed25519PrivateKey | None:
    """Read the ledger's signing key; None where there is none (any more)."""
    try:
        return Ed25519PrivateKey.from_private_bytes((config.keys / LEDGER_KEY).read_bytes())
    except FileNotFoundError:
        return None


def make_ledger_key(config: Config) -> Ed25519PrivateKey:
    """Make the ledger's signing key, and read it back; if another worker was first, its key is the one."""
    _keep(
        config.keys / LEDGER_KEY,
        Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()),
    )
    return Ed25519PrivateKey.from_private_bytes((config.keys / LEDGER_KEY).read_bytes())


def _keep(path: Path, secret: bytes) -> None:
    """Write a secret that is complete or absent; if another worker was first, its key stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()
