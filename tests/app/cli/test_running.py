"""The processes of an installation: they begin when all is well, end when told to, and leave nothing locked."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from app.cli.running import GRACE_SECONDS
from tests.app.cli.program import environment, khma, settings_for
from tests.conftest import Addresses
from tests.plumbing.postgres import free_port
from tests.plumbing.server import ROOT

PATIENCE = 60


@contextmanager
def started(settings: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in a session of its own; what is left of it afterwards is ended."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "app.cli", *arguments],
        cwd=ROOT, env=environment(settings), start_new_session=True, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextmanager
def served(settings: Mapping[str, str], *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with started(dict(settings) | {"KHMA_BASE_URL": base}, "serve", "--port", str(port), *arguments) as process:
        until = time.monotonic() + PATIENCE
        while not answers(f"{base}/readyz"):
            assert process.poll() is None
            assert time.monotonic() < until
        yield process, base


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def write_from_outside(addresses: Addresses) -> None:
    """Write into a SQLite file at once, or fail: nobody may hold its lock."""
    with closing(sqlite3.connect(addresses.url.removeprefix("sqlite:///"), timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def test_told_to_end_it_answers_who_is_being_served_and_goes(addresses: Addresses, tmp_path: Path) -> None:
    settings = settings_for(addresses, tmp_path)
    assert khma(settings, "admin", "found", "--name", "Hall").returncode == 0
    with served(settings) as (process, base):
        assert httpx.get(f"{base}/healthz", trust_env=False).text == "alive\n"
        host, port = "127.0.0.1", int(base.rpartition(":")[2])
        with socket.create_connection((host, port), timeout=PATIENCE) as half_said:
            half_said.sendall(b"POST /en/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n")
            half_said.sendall(b"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n")
            assert b"100 Continue" in half_said.recv(1000)  # now somebody is waiting for the rest
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            while answers(f"{base}/healthz"):
                pass
            half_said.sendall(b"a=b\n")
            answer = half_said.recv(65536)
        assert answer.startswith(b"HTTP/1.1 4")  # a form without a token: refused, but answered
        assert process.wait(GRACE_SECONDS) in {0, -signal.SIGTERM}
        assert time.monotonic() - began < GRACE_SECONDS
    if addresses.url.startswith("sqlite"):
        write_from_outside(addresses)


def test_two_processes_serve_and_both_go(sqlite_addresses: Addresses, tmp_path: Path) -> None:
    settings = settings_for(sqlite_addresses, tmp_path)
    with served(settings, "--workers", "2") as (process, base):
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(base, trust_env=False)  # nobody of the family holds the port
    write_from_outside(sqlite_addresses)


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_does_what_is_due_and_ends_when_told(sqlite_addresses: Addresses, tmp_path: Path, word: int) -> None:
    settings = settings_for(sqlite_addresses, tmp_path)
    path = sqlite_addresses.url.removeprefix("sqlite:///")
    with started(settings, "worker") as process:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
            until = time.monotonic() + PATIENCE
            while not connection.execute("SELECT 1 FROM app_job WHERE kind = 'sweep' AND state = 'done'").fetchall():
                assert process.poll() is None
                assert time.monotonic() < until
        process.send_signal(word)
        assert process.wait(PATIENCE) == 0
    write_from_outside(sqlite_addresses)


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["migrate"], ["admin", "invite", "nino@example.org"]])
def test_a_database_that_is_not_there_is_named(tmp_path: Path, command: list[str]) -> None:
    nowhere = f"postgresql://khma_app@127.0.0.1:{free_port()}/khma"
    said = khma(settings_for(Addresses(nowhere, nowhere.replace("_app", "_owner")), tmp_path), *command)
    assert said.returncode == 1
    assert "the database of KHMA_DATABASE_URL cannot be reached" in said.stderr
    assert len(said.stderr.splitlines()) == 1
