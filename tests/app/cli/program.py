"""The command `khma` as an operator types it, with settings of its own: in a process, or quicker, in this one."""

import contextlib
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from unittest.mock import patch

from app.cli.main import main
from tests.conftest import Addresses
from tests.plumbing.server import ROOT, SECRET

Done = subprocess.CompletedProcess[str]


def settings_for(addresses: Addresses, folder: object, **more: str) -> dict[str, str]:
    """Give the settings of an installation on a database, with its data and keys in a folder."""
    owner = {} if addresses.url == addresses.owner_url else {"KHMA_OWNER_DATABASE_URL": addresses.owner_url}
    return {
        "KHMA_DATABASE_URL": addresses.url,
        "KHMA_SECRET": SECRET,
        "KHMA_DATA": f"{folder}",
        "KHMA_KEYS": f"{folder}/keys",
        **owner,
        **more,
    }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Pass on the tester's own environment, without any setting of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KHMA_", "PG"))}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(settings)


def khma(settings: Mapping[str, str], *arguments: str) -> Done:
    """Run a command to its end in this process: all of it but the start of Python, which takes two seconds."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment(settings), clear=True),
        patch.object(sys, "argv", ["khma", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except Exception:
            traceback.print_exc()
            code = 1
    return Done(["khma", *arguments], code, out.getvalue(), err.getvalue())


def khma_process(settings: Mapping[str, str], *arguments: str) -> Done:
    """Run a command to its end in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", *arguments],
        cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
