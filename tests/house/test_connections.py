"""Whom the program speaks to: a list of the files that open connections, or start another program, and what to.

It is the list of ASVS 13.2.4. What the one with an open end, the provider, may be asked is tried in
tests/app/web/test_oidc_lies.py: its own host, and no redirect.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "commons", "polls", "ballots", "results")
OPENING = {
    *(
        "aiohttp",
        "asyncpg",
        "ftplib",
        "http.client",
        "httpx",
        "imaplib",
        "multiprocessing",
        "nntplib",
        "poplib",
        "psycopg",
    ),
    *("requests", "smtplib", "socket", "socketserver", "ssl", "subprocess", "telnetlib", "urllib.request", "urllib3"),
    *("websockets", "xmlrpc", "os.system", "os.popen", "asyncio.open_connection", "asyncio.create_subprocess_exec"),
    *("asyncio.create_subprocess_shell",),
}
SPEAKS = {
    "app/accounts/oidc/provider.py httpx": "the provider of sign-ins, at the issuer's own host",
    "app/letters/sending.py smtplib": "the mail server of the settings",
    "app/letters/sending.py ssl": "with its certificate checked",
    "app/cli/verify.py http.client": "only the name of its errors",
    "app/cli/verify.py urllib.request": "an archive that whoever runs `khma verify` names",
    "app/cli/demo.py socket": "looks for a free port, on this machine",
    "app/cli/testing.py subprocess": "for developers: starts the tests and the linters",
    "app/demo/walk.py urllib.request": "the demonstration visits itself",
}  # and SQLAlchemy the database of the settings: app/db.py


def opened_in(text: str) -> set[str]:
    """Name what a file imports or calls to open a connection or start a program."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{node.value.id}.{node.attr}")
    return found & OPENING


def test_nobody_is_spoken_to_but_those_on_the_list() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()} {each}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for each in opened_in(path.read_text("utf-8"))
    }
    assert found == set(SPEAKS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import httpx as h", {"httpx"}),
        ("from urllib.request import urlopen", {"urllib.request"}),
        ("from urllib import request", {"urllib.request"}),
        ("import os\nos.system('ls')", {"os.system"}),
        ("import asyncio\nasyncio.open_connection('a', 1)", {"asyncio.open_connection"}),
        ("from urllib.parse import quote", set()),
    ],
)
def test_a_connection_that_is_planted_is_found(text: str, found: set[str]) -> None:
    assert opened_in(text) == found
