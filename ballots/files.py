"""Writing files that must be whole or absent, and on disk before anything is said about them."""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def keep(path: Path, secret: bytes) -> None:
    """Write a secret that only its owner may read; one that is there already stays."""
    unfinished = _write(path, secret, 0o400)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()
    _sync(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Write a file in place of the one that was there."""
    _write(path, data, 0o600).replace(path)
    _sync(path.parent)


def destroy(paths: Iterable[Path]) -> None:
    """Delete files, and bring that to disk."""
    for path in paths:
        if path.exists():
            path.unlink()
            _sync(path.parent)


def _write(path: Path, data: bytes, mode: int) -> Path:
    """Write beside the place where it will be. Returns the path of the unfinished file."""
    _make(path.parent)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return unfinished


def _make(folder: Path) -> None:
    """Make a folder that only its owner looks into, and so each one above it: mkdir alone leaves those to all."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)


def _sync(folder: Path) -> None:
    """Bring a folder's list of names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
