"""Who tries too often waits, and nobody is locked out: only failures count, in a file of their own: bar 27."""

import multiprocessing
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import Headers

from app.accounts.limits import (
    FACT_OF_CODE,
    FIRST_WAIT_SECONDS,
    LETTER_TO_ADDRESS,
    LONGEST_WAIT_SECONDS,
    PASSWORD_OF_ACCOUNT,
    SLOW_FIRST_WAIT_SECONDS,
    SLOW_SECONDS,
    WINDOW_SECONDS,
    Limit,
    Limits,
    TooMany,
    networks_of,
)

SECRET = "s" * 40
START = 1_800_000_000.0


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    return Limits(tmp_path / "limits.sqlite3", SECRET)


def wait_of(limits: Limits, limit: Limit, name: str, now: float) -> int:
    """Try once. Returns the seconds to wait, or 0 when the try was let through."""
    try:
        limits.try_one(limit, name, now=now)
    except TooMany as refused:
        return refused.seconds
    return 0


def test_ten_are_free_and_then_each_wait_doubles(limits: Limits) -> None:
    assert [wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", START) for _ in range(11)] == [0] * 10 + [30]
    now, waits = START, []
    for _ in range(7):
        wait = wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", now)
        assert wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", now + wait - 1) == 1  # refused, and not counted
        now += wait
        assert wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", now) == 0
        waits.append(wait)
    assert waits == [30, 60, 120, 240, 480, 900, 900]


def test_who_waited_may_always_try_again(limits: Limits) -> None:
    now = START
    for _ in range(100):
        now += LONGEST_WAIT_SECONDS
        assert wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", now) == 0


def test_after_a_quarter_of_an_hour_of_quiet_all_are_free_again(limits: Limits) -> None:
    for _ in range(PASSWORD_OF_ACCOUNT.free):
        limits.try_one(PASSWORD_OF_ACCOUNT, "nino", now=START)
    later = START + WINDOW_SECONDS + 1
    assert [wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", later) for _ in range(11)] == [0] * 10 + [FIRST_WAIT_SECONDS]


def test_success_forgets_the_failures_of_one_person_and_takes_back_one_of_a_network(limits: Limits) -> None:
    for _ in range(9):
        limits.try_one(PASSWORD_OF_ACCOUNT, "nino", now=START)
    limits.succeeded(PASSWORD_OF_ACCOUNT.scope, "nino")
    assert [wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", START) for _ in range(11)] == [0] * 10 + [30]
    for _ in range(50):
        limits.try_one(PASSWORD_OF_ACCOUNT, "everybody", now=START)
        limits.take_back(PASSWORD_OF_ACCOUNT.scope, "everybody")
    assert [wait_of(limits, PASSWORD_OF_ACCOUNT, "everybody", START) for _ in range(11)] == [0] * 10 + [30]


def test_scopes_and_names_do_not_share_a_counter(limits: Limits) -> None:
    for _ in range(PASSWORD_OF_ACCOUNT.free):
        limits.try_one(PASSWORD_OF_ACCOUNT, "nino", now=START)
    assert wait_of(limits, LETTER_TO_ADDRESS, "nino", START) == 0
    assert wait_of(limits, PASSWORD_OF_ACCOUNT, "luka", START) == 0
    assert wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", START) == 30


def test_the_file_holds_no_name(limits: Limits, tmp_path: Path) -> None:
    limits.try_one(PASSWORD_OF_ACCOUNT, "nino@vardisi.example", now=START)
    limits.try_one(PASSWORD_OF_ACCOUNT, "203.0.113.7", now=START)
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert everything
    assert b"nino" not in everything
    assert b"203.0.113" not in everything


def test_what_is_over_is_swept(limits: Limits, tmp_path: Path) -> None:
    limits.try_one(PASSWORD_OF_ACCOUNT, "old", now=START)
    limits.try_one(PASSWORD_OF_ACCOUNT, "new", now=START + 3600)
    limits.sweep(now=START + 3600)
    with sqlite3.connect(tmp_path / "limits.sqlite3") as file:
        assert file.execute("SELECT count(*) FROM tried").fetchone() == (1,)


def test_what_has_few_values_waits_hours_and_is_not_forgotten(limits: Limits, tmp_path: Path) -> None:
    assert [wait_of(limits, FACT_OF_CODE, "code", START) for _ in range(6)] == [0] * 5 + [SLOW_FIRST_WAIT_SECONDS]
    now, tries, end = START, FACT_OF_CODE.free, START + SLOW_SECONDS / 2
    while now < end:  # a vote of two weeks, and somebody who never sleeps
        limits.try_one(PASSWORD_OF_ACCOUNT, "nino", now=now)
        limits.sweep(now=now + 3600)
        wait = wait_of(limits, FACT_OF_CODE, "code", now)
        tries, now = tries + (not wait), now + max(wait, 1)
    assert tries == 13  # of a hundred years of birth
    with sqlite3.connect(tmp_path / "limits.sqlite3") as file:
        assert file.execute("SELECT count(*) FROM tried").fetchone() == (1,)
        limits.sweep(now=now + SLOW_SECONDS + 1)
        assert file.execute("SELECT count(*) FROM tried").fetchone() == (0,)


def _try_often(path: Path, passed: Any) -> None:  # noqa: ANN401 - a queue of multiprocessing
    limits = Limits(path, SECRET)
    passed.put(sum(wait_of(limits, PASSWORD_OF_ACCOUNT, "nino", START) == 0 for _ in range(50)))


def test_four_processes_together_get_no_more_than_one(tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    passed = spawning.Queue()
    processes = [spawning.Process(target=_try_often, args=(tmp_path / "limits.sqlite3", passed)) for _ in range(4)]
    for process in processes:
        process.start()
    counts = [passed.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert sum(counts) == PASSWORD_OF_ACCOUNT.free


def connection(peer: str | None, *forwarded: str) -> Any:  # noqa: ANN401 - as much of a connection as is asked
    headers = Headers([(b"x-forwarded-for", line.encode()) for line in forwarded])
    return SimpleNamespace(client=SimpleNamespace(host=peer) if peer else None, headers=headers)


@pytest.mark.parametrize(
    ("peer", "proxy", "forwarded", "network", "around"),
    [
        ("203.0.113.7", "", (), "203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.7", "", ("198.51.100.1",), "203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.7", "10.0.0.2", ("198.51.100.1",), "203.0.113.7", "203.0.113.0/24"),
        ("10.0.0.2", "10.0.0.2", ("198.51.100.1",), "198.51.100.1", "198.51.100.0/24"),
        ("10.0.0.2", "10.0.0.2", ("6.6.6.6, 198.51.100.1",), "198.51.100.1", "198.51.100.0/24"),
        (
            "10.0.0.2",
            "10.0.0.2",
            ("6.6.6.6", "198.51.100.1"),
            "198.51.100.1",
            "198.51.100.0/24",
        ),  # two lines
        ("10.0.0.2", "10.0.0.2", (), "10.0.0.2", "10.0.0.0/24"),
        ("10.0.0.2", "10.0.0.2", ("nonsense",), "unknown", "unknown"),
        ("2001:db8:1:2:3:4:5:6", "", (), "2001:db8:1:2::/64", "2001:db8:1::/56"),
        ("2001:db8:1:2:ffff::1", "", (), "2001:db8:1:2::/64", "2001:db8:1::/56"),
        ("2001:db8:1:102::1", "", (), "2001:db8:1:102::/64", "2001:db8:1:100::/56"),
        ("::ffff:203.0.113.7", "", (), "203.0.113.7", "203.0.113.0/24"),
        (None, "", ("198.51.100.1",), "unknown", "unknown"),
    ],
)
def test_the_network_of_a_request(
    peer: str | None, proxy: str, forwarded: tuple[str, ...], network: str, around: str
) -> None:
    assert networks_of(cast("Any", connection(peer, *forwarded)), proxy) == (network, around)


@given(st.lists(st.from_regex(r"[0-9a-f.:, x]{0,40}", fullmatch=True), max_size=3))
def test_a_forged_line_changes_nothing_without_a_trusted_proxy(forwarded: list[str]) -> None:
    for proxy in ("", "10.0.0.2"):
        assert networks_of(connection("203.0.113.7", *forwarded), proxy) == ("203.0.113.7", "203.0.113.0/24")
