"""Codes, cookies and what is sealed between a counter and its second screen."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.booth import open_pass, seal_pass
from app.accounts.guarding import count_screen_code, screen_code_was_right
from app.accounts.limits import SCREEN_CODE_FROM_NETWORK, Limits, TooMany
from app.accounts.roll.codes import SIGNS, shown
from app.accounts.roll.voters import AT_SCREEN, Voter
from app.accounts.screens.handing import hand_over, new_session, open_lease, seal_lease, take_over
from app.accounts.screens.joining import (
    CODE_SIGNS,
    code_hash,
    code_of,
    new_joined,
    number_of,
    open_joined,
    read_code,
    seal_joined,
)
from commons.errors import Invalid

SECRET, OTHER = "the house's secret, as long as it must be", "another house's secret, as long as it must be"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HERE = ("10.0.0.1", "10.0.0.0/24")


@given(st.uuids())
def test_a_code_is_read_back_however_it_is_typed_and_follows_from_row_and_secret(screen: UUID) -> None:
    code = code_of(SECRET, screen)
    assert len(code) == CODE_SIGNS
    assert set(code) <= set(SIGNS)
    assert read_code(f" {shown(code).lower()} ".replace("0", "o").replace("1", "l")) == code
    assert code == code_of(SECRET, screen) != code_of(OTHER, screen)
    assert code_hash(SECRET, code) != code_hash(OTHER, code)
    assert 10 <= number_of(screen) <= 99


@pytest.mark.parametrize("typed", ["", "7K3D", "7K3D-0ZQ8-7K3D", "7K3D-0ZQU", "7K3D 0ZQ!", "0" * 5000])
def test_another_code_is_none(typed: str) -> None:
    with pytest.raises(Invalid, match=r"screen\.mistyped"):
        read_code(typed)


def test_the_cookie_of_a_screen_is_this_houses_and_unchanged() -> None:
    joined = new_joined(uuid4(), "ka")
    text = seal_joined(SECRET, joined)
    assert (len(text), open_joined(SECRET, text)) == (104, joined)
    assert joined.private.hex() not in repr(joined)
    for wrong in ("", "x", text[:-1], text + "A", ("A" if text[0] != "A" else "B") + text[1:], text + "\n", "ე" * 104):
        assert open_joined(SECRET, wrong) is None, wrong
    assert open_joined(OTHER, text) is None
    assert new_joined(joined.screen_id, "ka").public != joined.public


def test_only_the_screen_reads_for_whom_it_is_opened_and_not_the_house() -> None:
    joined, poll, line = new_joined(uuid4(), "en"), uuid4(), uuid4()
    sealed = hand_over(joined.public, joined.screen_id, poll, line)
    assert take_over(joined.private, joined.screen_id, sealed) == (poll, line)
    assert sealed != hand_over(joined.public, joined.screen_id, poll, line)
    assert not any(each.bytes in sealed for each in (poll, line))
    stranger = new_joined(joined.screen_id, "en")
    assert take_over(stranger.private, joined.screen_id, sealed) is None
    assert take_over(joined.private, uuid4(), sealed) is None
    assert take_over(joined.private, joined.screen_id, sealed[:-1]) is None


def test_a_lease_ends_at_its_time_and_belongs_to_one_screen() -> None:
    screen, session = uuid4(), new_session()
    lease = seal_lease(SECRET, screen, session, NOW)
    just_before = NOW - timedelta(seconds=1)
    assert open_lease(SECRET, screen, lease, just_before) == session
    assert open_lease(SECRET, screen, lease, NOW) is None
    assert open_lease(SECRET, screen, None, just_before) is None
    assert open_lease(SECRET, uuid4(), lease, just_before) is None
    assert open_lease(OTHER, screen, lease, just_before) is None
    assert len(lease) == len(seal_lease(SECRET, screen, new_session(), NOW + timedelta(days=9)))


def test_a_pass_of_a_session_is_worth_nothing_without_it() -> None:
    poll, line, session = uuid4(), uuid4(), new_session()
    at_screen = seal_pass(SECRET, poll, Voter(line, uuid4(), AT_SCREEN, from_desk=True, session=session), NOW)
    held = open_pass(SECRET, poll, at_screen, NOW, session)
    assert held is not None
    assert (held.line_id, held.serial) == (line, AT_SCREEN)
    assert open_pass(SECRET, poll, at_screen, NOW) is None
    assert open_pass(SECRET, poll, at_screen, NOW, new_session()) is None
    by_code = seal_pass(SECRET, poll, Voter(line, uuid4(), 1), NOW)
    assert open_pass(SECRET, poll, by_code, NOW, session) is None


def test_wrong_codes_are_slowed_and_right_ones_cost_nothing(tmp_path: object) -> None:
    limits = Limits(tmp_path / "limits.sqlite3", SECRET)  # type: ignore[operator]
    for _ in range(3 * SCREEN_CODE_FROM_NETWORK.free):
        count_screen_code(limits, HERE, now=1.0)
        screen_code_was_right(limits, HERE)
    for _ in range(SCREEN_CODE_FROM_NETWORK.free):
        count_screen_code(limits, HERE, now=1.0)
    with pytest.raises(TooMany):
        count_screen_code(limits, HERE, now=2.0)
    limits.close()
