"""Requests that two programs could read in two ways are read in one way, or refused: nothing hides behind another.

Spoken to the real server, byte by byte. What the proxy before it makes of them is the proxy's.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.plumbing.town import served

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HIDDEN = GET + b"Connection: close\r\n\r\n"
HEAD = b"POST /en/settings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
AMBIGUOUS = {
    "length and chunks": HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": HEAD + CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\nX" + HIDDEN,
    "two lengths": HEAD + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "two lengths in one": HEAD + b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "length with a sign": HEAD + b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "chunks under another name": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks twice": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "blank before the colon": HEAD + b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded line": HEAD + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a chunk of no size": HEAD + CHUNKED + b"\r\n0x0\r\n\r\n" + HIDDEN,
    "a chunk of less than none": HEAD + CHUNKED + b"\r\n-1\r\n\r\n" + HIDDEN,
    "a bare return": HEAD + b"X: a\rContent-Length: 0\r\n\r\n" + HIDDEN,
}


@pytest.fixture(scope="module")
def port(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(f"sqlite:///{sqlite_template}", tmp_path_factory.mktemp("served")) as base:
        yield int(base.rpartition(":")[2])


def said(port: int, sent: bytes) -> list[bytes]:
    """Send bytes, and give the answers, one by one."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as line, suppress(TimeoutError, ConnectionResetError):
        line.sendall(sent)
        while part := line.recv(65_536):
            heard += part
    return [part for part in heard.split(b"HTTP/1.1 ") if part]


@pytest.mark.parametrize("way", AMBIGUOUS)
def test_nothing_hides_behind_a_request_that_can_be_read_in_two_ways(port: int, way: str) -> None:
    answers = said(port, AMBIGUOUS[way])
    assert not [each for each in answers if b"alive" in each], way
    assert answers == [] or answers[0].startswith((b"400", b"501", b"403")), (way, answers)


def test_two_plain_requests_are_two(port: int) -> None:
    assert [b"alive" in each for each in said(port, GET + b"\r\n" + HIDDEN)] == [True, True]
    whole = HEAD + b"Content-Length: 3\r\n\r\na=b" + HIDDEN
    assert [b"alive" in each for each in said(port, whole)] == [False, True]
