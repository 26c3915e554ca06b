"""Empty databases of either kind, as durable as in an installation."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.plumbing.postgres import APP, OWNER, running_postgres

KINDS = ("sqlite", "postgresql")
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@contextmanager
def fresh_databases(kind: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Make two empty databases. Yields the addresses of Khma's, for the app and for the owner, and of the bare one."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'khma.sqlite3'}"
        yield url, url, f"sqlite:///{folder / 'bare.sqlite3'}"
        return
    with running_postgres("fsync=on", "synchronous_commit=on", "full_page_writes=on", on_disk=True) as server:
        for name in ("khma", "bare"):
            server.run(f"CREATE DATABASE {name} OWNER {OWNER}")
        yield server.url("khma", APP), server.url("khma", OWNER), server.url("bare", OWNER)
