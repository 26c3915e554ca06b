"""The real program in a process of its own, as an operator would start it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from tests.plumbing.postgres import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
SECRET = "0123456789abcdefghijklmnopqrstuvwxyz-only-for-tests"


@contextmanager
def running_server(env: Mapping[str, str], args: Sequence[str] = ("serve",)) -> Iterator[str]:
    """Start `khma ARGS --port N` on a free port, wait until it is ready, and end it as an operator would.

    env:     KHMA_… settings; those of the caller's own shell are not passed on.
    args:    the command and its options, without the port.
    Yields:  the base address, without a slash at its end.
    Raises:  RuntimeError with all the program said, when it ends or is not ready within a minute.
    """
    with running_program(env, args) as (base, _):
        yield base


@contextmanager
def running_program(
    env: Mapping[str, str], args: Sequence[str] = ("serve",)
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Do as `running_server`, and give the process as well."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as output:
        server = _start({"KHMA_BASE_URL": base} | dict(env), [*args, "--port", str(port)], output)
        try:
            if not _is_ready(server, base):
                output.seek(0)
                raise RuntimeError(f"khma {' '.join(args)} did not become ready:\n{output.read().decode('utf-8')}")
            yield base, server
        finally:
            _end(server)


@contextmanager
def running_worker(
    env: Mapping[str, str], output: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `khma worker` meanwhile. env: as for `running_server`, with the KHMA_BASE_URL of the pages."""
    worker = _start(env, ["worker"], output)
    try:
        yield worker
    finally:
        _end(worker)


def _start(env: Mapping[str, str], args: Sequence[str], output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KHMA_", "PG"))}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *args],
        env=clean | {"KHMA_SECRET": SECRET, "PYTHONPATH": str(ROOT)} | dict(env),
        cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def _is_ready(server: subprocess.Popen[bytes], base: str) -> bool:
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{base}/readyz", timeout=5, trust_env=False).status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ask it to end; a program that does not go within ten seconds is ended with all its children."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
