"""A PostgreSQL of our own: made in a second in a throw-away folder, and gone without a trace afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.plumbing.used import note

OWNER = "khma_owner"
APP = "khma_app"
START_SECONDS = 30
MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # making a database there takes a twentieth of the time


@dataclass(frozen=True)
class Postgres:
    """A running server: its superuser is `postgres`, `khma_owner` may make databases, `khma_app` only work in them."""

    port: int

    def url(self, database: str, role: str = APP) -> str:
        """Give the address of a database as one of the roles; there is no password."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        """Run one statement beside all databases, such as CREATE DATABASE."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres(*settings: str, on_disk: bool = False) -> Iterator[Postgres]:
    """Start a server on a free port, and end it whatever happens.

    settings: further ones in the server's words, such as "wal_level=replica".
    on_disk:  whether its files must lie on a disk; else they lie in memory where there is room.
    Raises:   FileNotFoundError when PostgreSQL is not installed; RuntimeError with its log when it does not start.
    Cost:     about a second.
    """
    in_memory = not on_disk and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="khma-postgres-", dir=MEMORY if in_memory else None))
    account = _unprivileged()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    if account:
        os.chown(folder, account["user"], account["group"])
    data, log, port = folder / "data", folder / "log", free_port()
    try:
        subprocess.run(
            [program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL, **account,
        )  # fmt: skip
        options = [
            f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "max_connections=100",
            "fsync=off", "full_page_writes=off", "shared_buffers=64MB", *settings,
        ]  # fmt: skip
        with log.open("wb") as text:
            server = subprocess.Popen(
                [program("postgres"), "-D", data, *[word for option in options for word in ("-c", option)]],
                env=environment, cwd=folder, stdout=text, stderr=subprocess.STDOUT, **account,
            )  # fmt: skip
        try:
            _wait(server, port, log)
            postgres = Postgres(port)
            postgres.run(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
            postgres.run(f"CREATE ROLE {APP} LOGIN")
            yield postgres
        finally:
            server.send_signal(signal.SIGQUIT)  # "immediate": nothing here is worth a checkpoint
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def program(name: str) -> Path:
    """Find one of PostgreSQL's programs on the PATH, or where Debian keeps them, the newest first."""
    if found := shutil.which(name):
        return Path(found)
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} of PostgreSQL is not installed; ./khma test installs it")


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged() -> dict[str, Any]:
    """Say as whom to run: PostgreSQL refuses root, so root becomes the account that Debian made for it, or nobody."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL will not run as root, and there is no account postgres or nobody")


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Come back when the server answers a question."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres") as connection:
                note("PostgreSQL", str(connection.info.parameter_status("server_version")).split()[0])
                return
        except psycopg.OperationalError as failure:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text('utf-8', 'replace')}") from failure
            time.sleep(0.02)
