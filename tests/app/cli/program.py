"""The command `khma` as an operator types it: a process of its own, with settings of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import Addresses
from tests.plumbing.server import ROOT, SECRET


def settings_for(addresses: Addresses, folder: Path, **more: str) -> dict[str, str]:
    """Give the settings of an installation on a database, with its data and keys in a folder."""
    owner = {} if addresses.url == addresses.owner_url else {"KHMA_OWNER_DATABASE_URL": addresses.owner_url}
    return {
        "KHMA_DATABASE_URL": addresses.url,
        "KHMA_SECRET": SECRET,
        "KHMA_DATA": str(folder),
        "KHMA_KEYS": str(folder / "keys"),
        **owner,
        **more,
    }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Pass on the tester's own environment, without any setting of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KHMA_", "PG"))}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(settings)


def khma(settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", *arguments],
        cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
