"""Who guesses is slowed, who is right gets in: simulated attacks, halls and clocks: bar 27 of the security notes."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.accounts.guarding import (
    FACTOR,
    PASSWORD,
    TURN_HELD_SECONDS,
    WIDER,
    Kind,
    Trier,
    begin,
    begin_letter,
    count_wrong_code,
)
from app.accounts.limits import (
    CODE_FROM_NETWORK,
    EARLY,
    LETTER_FROM_NETWORK,
    LONGEST_WAIT_SECONDS,
    PASSWORD_FROM_NETWORK,
    PASSWORD_OF_ACCOUNT,
    PASSWORD_OF_DEVICE,
    WINDOW_SECONDS,
    Limits,
    TooMany,
)
from tests.plumbing.sums import solve

SECRET = "s" * 40
START = 1_800_000_000.0
HALL = ("203.0.113.7", "203.0.113.0/24")
OWNER = Trier("nino", "", ("192.0.2.1", "192.0.2.0/24"), "cookie of the owner", "")


@pytest.fixture
def limits(tmp_path: Path) -> Iterator[Limits]:
    limits = Limits(tmp_path / "limits.sqlite3", SECRET)
    yield limits
    limits.close()


def somewhere(number: int) -> tuple[str, str]:
    """Give an address of its own, in a /24 of its own."""
    return f"10.{number // 256}.{number % 256}.1", f"10.{number // 256}.{number % 256}.0/24"


def tried(limits: Limits, who: Trier, now: float, *, right: bool, kind: Kind = PASSWORD) -> TooMany | None:
    """Try once. Returns how it was refused, or nothing when it was looked at."""
    try:
        attempt = begin(limits, SECRET, who, kind, now=now)
    except TooMany as refused:
        return refused
    if right:
        attempt.was_right()
    return None


@pytest.mark.parametrize("kind", [PASSWORD, FACTOR])
def test_a_thousand_addresses_slow_each_other_and_not_the_owner_at_a_known_browser(limits: Limits, kind: Kind) -> None:
    known, looked_at, owner_waited = replace(OWNER, device="d" * 32), 0, 0
    for second in range(WINDOW_SECONDS):
        for number in (second, second + 500):
            attacker = Trier("nino", "", somewhere(number % 1000), f"cookie {number}", "")
            looked_at += tried(limits, attacker, START + second, right=False, kind=kind) is None
        if second % 30 == 0:
            owner_waited += tried(limits, known, START + second, right=second % 90 != 0, kind=kind) is not None
    assert kind.of_account.free <= looked_at <= kind.of_account.free + 5  # after 30, 60, 120, 240 and 480 seconds
    assert owner_waited == 0
    refused = tried(limits, OWNER, START + WINDOW_SECONDS, right=True, kind=kind)  # from a browser nobody knows
    assert refused is not None
    assert refused.seconds <= LONGEST_WAIT_SECONDS


def test_who_fails_at_a_known_browser_slows_only_that_browser(limits: Limits) -> None:
    known = replace(OWNER, device="d" * 32)
    waits = [tried(limits, known, START, right=False) for _ in range(PASSWORD_OF_DEVICE.free + 1)]
    assert [wait is None for wait in waits] == [True] * PASSWORD_OF_DEVICE.free + [False]
    assert tried(limits, replace(OWNER, device="e" * 32), START, right=True) is None
    assert tried(limits, OWNER, START, right=True) is None
    for number in range(PASSWORD_FROM_NETWORK.free):
        assert tried(limits, replace(OWNER, name=f"somebody {number}"), START, right=False) is None  # none was used


def test_a_hall_of_two_hundred_where_thirty_mistype_is_never_slowed(limits: Limits) -> None:
    draw = random.Random(27)
    visits = [[True] for _ in range(170)] + [[False] * draw.randint(1, 5) + [True] for _ in range(30)]
    people = [Trier(f"person {number}", "", HALL, f"cookie {number}", "") for number in range(200)]
    now, waited, slips = START, 0, 0
    while any(visits):
        number = draw.choice([each for each, visit in enumerate(visits) if visit])
        right = visits[number].pop(0)
        slips += not right
        waited += tried(limits, people[number], now, right=right) is not None
        now += 1.5
    assert (waited, slips > 60) == (0, True)
    # and nothing is left of their slips
    strangers = [replace(OWNER, name=f"stranger {number}", networks=HALL) for number in range(200)]
    assert all(tried(limits, each, now, right=False) is None for each in strangers[: PASSWORD_FROM_NETWORK.free])


def test_who_sprays_from_a_hall_is_paced_and_who_is_right_gets_in_when_told(limits: Limits) -> None:
    looked_at, waits, moments = 0, [], 600
    honest: list[tuple[float, Trier]] = []
    for second in range(moments):
        now = START + second
        for number in range(3):
            sprayed = Trier(f"account {3 * second + number}", "", HALL, "cookie of the attacker", "")
            looked_at += tried(limits, sprayed, now, right=False) is None
        if second % 60 == 59:
            person = Trier(f"person {second}", "", HALL, f"cookie {second}", "")
            refused = tried(limits, person, now, right=True)
            assert refused is not None
            assert refused.turn
            honest.append((now + refused.seconds, replace(person, turn=refused.turn)))
            waits.append(refused.seconds)
    assert looked_at <= PASSWORD_FROM_NETWORK.free + moments / PASSWORD_FROM_NETWORK.seconds
    assert max(waits) <= LONGEST_WAIT_SECONDS
    for due, person in honest:
        for number in range(200):  # at that very moment, others too
            tried(limits, Trier(f"again {number}", "", HALL, "cookie of the attacker", ""), due, right=False)
        assert tried(limits, person, due, right=True) is None


def spent(limits: Limits) -> TooMany:
    """Spend a network's free tries, and fill its queue. Returns what the owner, who comes from there, is told."""
    for number in range(PASSWORD_FROM_NETWORK.free + 10):
        tried(limits, Trier(f"account {number}", "", OWNER.networks, "x", ""), START, right=False)
    refused = tried(limits, OWNER, START, right=True)
    assert refused is not None
    assert refused.turn
    return refused


def test_a_turn_works_once_when_it_is_due_and_for_its_browser_and_network_alone(limits: Limits) -> None:
    refused = spent(limits)
    due, mine = START + refused.seconds, replace(OWNER, turn=refused.turn)
    wrong = {
        "early": (replace(mine), START + refused.seconds - 2),
        "late": (replace(mine), due + TURN_HELD_SECONDS + 1),
        "changed": (replace(mine, turn=refused.turn[:-6] + "AAAA=="), due),
        "nonsense": (replace(mine, turn="é"), due),
        "of another browser": (replace(mine, cookie="another"), due),
        "from elsewhere": (replace(mine, networks=("192.0.2.2", "192.0.2.0/24")), due),
    }
    for name, (who, now) in wrong.items():
        for _ in range(PASSWORD_FROM_NETWORK.free):
            limits.count(PASSWORD_FROM_NETWORK.scope, who.networks[0], now=now)
        limits.next_turn(PASSWORD_FROM_NETWORK, who.networks[0], now=now)  # somebody else is in the queue
        assert tried(limits, who, now, right=True) is not None, name
    for _ in range(PASSWORD_FROM_NETWORK.free):
        limits.count(PASSWORD_FROM_NETWORK.scope, OWNER.networks[0], now=due)
    assert tried(limits, mine, due, right=False) is None
    limits.next_turn(PASSWORD_FROM_NETWORK, OWNER.networks[0], now=due)
    assert tried(limits, mine, due, right=True) is not None


def test_a_turn_for_a_password_brings_no_letter(limits: Limits) -> None:
    refused = spent(limits)
    now = START + refused.seconds
    for number in range(LETTER_FROM_NETWORK.free):
        begin_letter(limits, SECRET, replace(OWNER, name=f"a{number}@x.example"), now=now)
    limits.next_turn(LETTER_FROM_NETWORK, OWNER.networks[0], now=now)
    with pytest.raises(TooMany):
        begin_letter(limits, SECRET, replace(OWNER, turn=refused.turn), now=now)


def test_ten_thousand_sign_ups_by_a_machine_are_paced(limits: Limits) -> None:
    """T28: from one address, 10,000 in an hour."""
    written = 0
    for number in range(10_000):
        try:
            who = Trier(f"bot{number}@x.example", "", HALL, "x", "")
            begin_letter(limits, SECRET, who, now=START + number * 0.36)
        except TooMany:
            continue
        written += 1
    assert written <= LETTER_FROM_NETWORK.free + 3600 / LETTER_FROM_NETWORK.seconds


def test_a_hall_may_ask_for_letters_too(limits: Limits) -> None:
    """200 people sign up in a quarter of an hour, one after the other, at one address."""
    for number in range(200):
        begin_letter(limits, SECRET, Trier(f"p{number}@x.example", "", HALL, "x", ""), now=START + number * 4.5)


def test_many_addresses_of_one_network_share_what_is_free_around_them(limits: Limits) -> None:
    looked_at = 0
    for number in range(256 * 10):
        networks = (f"203.0.113.{number % 256}", "203.0.113.0/24")
        looked_at += tried(limits, Trier(f"account {number}", "", networks, "x", ""), START, right=False) is None
    assert looked_at == WIDER * PASSWORD_FROM_NETWORK.free + 1  # one more went at the head of the queue


def test_wrong_voter_codes_are_slowed_after_a_hundred(limits: Limits) -> None:
    for _ in range(CODE_FROM_NETWORK.free):
        count_wrong_code(limits, HALL, now=START)
    with pytest.raises(TooMany):
        count_wrong_code(limits, HALL, now=START)
    count_wrong_code(limits, ("203.0.113.8", "203.0.113.0/24"), now=START)


def test_a_try_that_nobody_looked_at_does_not_count(limits: Limits) -> None:
    for who in (OWNER, replace(OWNER, device="d" * 32)):
        for _ in range(3 * PASSWORD_OF_ACCOUNT.free):
            begin(limits, SECRET, who, PASSWORD, now=START).was_not_looked_at()
        assert tried(limits, who, START, right=True) is None
    for number in range(PASSWORD_FROM_NETWORK.free):
        assert tried(limits, replace(OWNER, name=f"account {number}"), START, right=False) is None


def solved(refused: TooMany) -> Trier:
    return replace(OWNER, turn=refused.turn, proof=solve(refused.turn))


def test_a_sum_takes_the_place_of_waiting_once_and_for_its_own_browser(limits: Limits) -> None:
    quick = solved(spent(limits))
    for other in (replace(quick, cookie="another"), replace(quick, networks=HALL), replace(quick, proof="1")):
        for _ in range(PASSWORD_FROM_NETWORK.free + 1):
            limits.count(PASSWORD_FROM_NETWORK.scope, other.networks[0], now=START)
        limits.next_turn(PASSWORD_FROM_NETWORK, other.networks[0], now=START)
        assert tried(limits, other, START, right=False) is not None
    assert tried(limits, quick, START, right=False) is None
    again = tried(limits, quick, START, right=False)
    assert again is not None
    strange = replace(quick, turn=quick.turn[:40] + "!" + quick.turn[40:])  # which reads as the same bytes
    assert tried(limits, strange, START, right=False) is not None


def test_who_comes_too_early_keeps_their_place(limits: Limits) -> None:
    refused = spent(limits)
    early = tried(limits, replace(OWNER, turn=refused.turn), START + 1, right=True)
    assert early is not None
    assert (early.turn, early.seconds) == (refused.turn, refused.seconds - 1)
    assert tried(limits, replace(OWNER, turn=refused.turn), START + refused.seconds, right=True) is None


def test_a_machine_gains_a_few_tries_by_sums_and_then_waits_as_all_do(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.accounts.guarding.is_solved", lambda turn, proof: proof == "done")
    looked_at = 0
    for number in range(8 * PASSWORD_FROM_NETWORK.free):
        name = f"account {number}"
        refused = tried(limits, Trier(name, "", OWNER.networks, "x", ""), START, right=False)
        if refused is not None:
            refused = tried(limits, Trier(name, "", OWNER.networks, "x", refused.turn, "done"), START, right=False)
        looked_at += refused is None
    assert looked_at == (1 + EARLY) * PASSWORD_FROM_NETWORK.free + 1  # one more went at the head of the queue
    full = spent(limits)
    late = tried(limits, replace(OWNER, turn=full.turn, proof="done"), START, right=True)
    assert late is not None
    assert late.turn == full.turn  # nobody loses a place by a sum that came too late
    assert tried(limits, replace(OWNER, turn=full.turn), START + full.seconds, right=True) is None


def test_right_passwords_give_back_the_sums_they_went_by(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.accounts.guarding.is_solved", lambda turn, proof: proof == "done")
    for number in range(2 * EARLY * PASSWORD_FROM_NETWORK.free):
        for again in range(PASSWORD_FROM_NETWORK.free + 1) if number == 0 else ():
            tried(limits, Trier(f"guessed {again}", "", OWNER.networks, "x", ""), START, right=False)
        person = Trier(f"person {number}", "", OWNER.networks, f"cookie {number}", "")
        if (refused := tried(limits, person, START, right=True)) is not None:
            assert tried(limits, replace(person, turn=refused.turn, proof="done"), START, right=True) is None
