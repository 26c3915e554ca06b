"""Passwords: Argon2id at OWASP's cost, two at a time, and a storm is turned away instead of taking the house down."""

import asyncio
import os
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher

from app.accounts.links import password_mark
from app.accounts.passwords import AT_ONCE, LONGEST, SHORTEST, WAITING_AT_MOST, YIELDS, Busy, Passwords, words_of
from app.accounts.tokens import make_token
from commons.errors import Invalid
from tests.plumbing.house import PASSWORD, PEOPLE, QUICK, Town

pytestmark = pytest.mark.anyio

GOOD = "correct horse battery staple"


async def test_a_password_is_hashed_at_the_cost_that_owasp_names() -> None:
    passwords = Passwords()
    hashed = await passwords.hash(GOOD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.nobody.startswith("$argon2id$v=19$m=19456,t=2,p=1$")  # the same time for nobody
    assert await passwords.fits(hashed, GOOD)
    assert not await passwords.fits(hashed, GOOD + " ")
    assert not await passwords.fits(hashed, "")
    assert await passwords.hash(GOOD) != hashed
    passwords.close()


@pytest.mark.parametrize("password_hash", ["", "nonsense", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"])
async def test_a_hash_that_is_none_fits_nothing(password_hash: str) -> None:
    passwords = Passwords()
    assert not await passwords.fits(password_hash, GOOD)
    passwords.close()


@pytest.mark.parametrize("length", [SHORTEST, LONGEST])
async def test_the_shortest_and_the_longest_are_taken(length: int) -> None:
    passwords, password = Passwords(), ("ოთხი სიტყვა, მხოლოდ ჩემი; " * 9)[:length]
    assert await passwords.fits(await passwords.hash(password), password)
    passwords.close()


@pytest.mark.parametrize(
    "common", ["password1234567", "passwordpassword", "P@ssw0rdP@ssw0rd", "aaaaaaaaaaaaaaaaaaaa", "qwertyuiopasdfgh"]
)
async def test_what_is_on_lists_of_leaked_ones_or_follows_a_pattern_is_refused(common: str) -> None:
    passwords = Passwords()
    with pytest.raises(Invalid) as refused:
        await passwords.hash(common)
    assert (refused.value.code, refused.value.field) == ("password.guessable", "password")
    passwords.close()


NAMES = [
    "Vardisi Town Hall",
    "ვარდისის მერია",
    "voice.vardisi.example",
    "ketevan.abuladze@mail.example",
    "Ketevan Abuladze",
]


@pytest.mark.parametrize(
    "made_of_names",
    [
        *("vardisitownhall", "Khma-Vardisi-2026", "ketevanabuladze", "V4rdisi-Khma-Hall", "ვარდისის მერია 1"),
        *("vardisiVardisi99", "KETEVAN.ABULADZE!", "town hall of vardisi", "khmakhmakhmakhma"),
    ],
)
async def test_what_is_made_of_names_that_everybody_knows_is_refused(made_of_names: str) -> None:
    passwords = Passwords()
    with pytest.raises(Invalid) as refused:
        await passwords.hash(made_of_names, NAMES)
    assert refused.value.code == "password.guessable"
    assert await passwords.hash(f"{made_of_names} mossy lantern", NAMES)  # beside other words a name does no harm
    passwords.close()


async def test_names_of_one_person_do_not_stay_for_the_next() -> None:
    passwords = Passwords()
    with pytest.raises(Invalid):
        await passwords.hash("ketevanabuladze", NAMES)
    assert await passwords.hash("ketevanabuladze", ["Somebody Else"])
    passwords.close()


def test_names_are_taken_apart_and_short_words_left_out() -> None:
    assert words_of(["R & D of Vardisi", "a@b.vardisi.example"]) == [
        "khma", "ხმა", "khmaხმა", "vardisi", "rdofvardisi", "example", "abvardisiexample",
    ]  # fmt: skip


async def test_each_door_where_a_password_is_chosen_knows_the_names(one_town: Town) -> None:
    browser, weak = await one_town.signed_in("citizen"), "vardisi-khma-nino"
    token = make_token(one_town.config.secret, "welcome", {"email": "ketevan.abuladze@vardisi.example"}, hours=1)
    mark = password_mark(QUICK)
    reset = make_token(one_town.config.secret, "reset", {"email": PEOPLE["citizen"][1], "mark": mark}, hours=1)
    for place, form in (
        ("/en/me/password", {"current": PASSWORD, "password": weak}),
        (f"/en/welcome/{token}", {"name": "Nino", "password": weak}),
        (f"/en/welcome/{token}", {"name": "Ana", "password": "ketevan.abuladze"}),
        (f"/en/reset/{reset}", {"password": weak}),
    ):
        answer = await browser.send(place, form, page="/en/settings")
        assert (answer.status_code, "easily guessed" in answer.text) == (422, True), place


@pytest.mark.parametrize(("length", "code"), [(SHORTEST - 1, "password.too_short"), (LONGEST + 1, "text.too_long")])
async def test_what_is_too_short_or_too_long_is_refused(length: int, code: str) -> None:
    passwords = Passwords()
    with pytest.raises(Invalid) as refused:
        await passwords.hash("x" * length)
    assert (refused.value.code, refused.value.field, refused.value.facts["found"]) == (code, "password", length)
    assert not await passwords.fits(passwords.nobody, "x" * (LONGEST + 1))
    passwords.close()


async def test_who_has_no_password_is_not_known_by_a_quick_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, compared = Passwords(), list[str]()

    def verify(password_hash: str, password: str) -> bool:
        compared.append(password_hash)
        return PasswordHasher().verify(password_hash, password)

    monkeypatch.setattr("app.accounts.passwords.ARGON2", SimpleNamespace(verify=verify))
    for kept in ("", "void of before"):
        assert not await passwords.fits(kept, "nobody has this password")
    assert compared == ["", passwords.nobody, "void of before", passwords.nobody]
    passwords.close()


async def test_a_storm_is_bounded_and_who_is_turned_away_is_told() -> None:
    passwords = Passwords()
    tries = [passwords.fits(passwords.nobody, GOOD) for _ in range(WAITING_AT_MOST * 3)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, Busy) for answer in answers) == WAITING_AT_MOST * 2
    assert sum(answer is False for answer in answers) == WAITING_AT_MOST
    assert AT_ONCE == 2
    assert not await passwords.fits(passwords.nobody, GOOD)  # afterwards all is as before
    passwords.close()


async def test_a_storm_of_sign_ins_asks_the_database_no_more_than_it_can_be_let_in() -> None:
    passwords = Passwords()
    with ExitStack() as stack:
        for _ in range(WAITING_AT_MOST):
            stack.enter_context(passwords.place())
        with pytest.raises(Busy), passwords.place():
            pass
    with passwords.place():
        pass
    passwords.close()


async def test_hashing_yields_to_whoever_reads_a_page() -> None:
    passwords = Passwords()
    before = os.nice(0)
    kind = await passwords.run(lambda: os.nice(0))
    assert (kind - before, os.nice(0)) == ((YIELDS, before) if sys.platform == "linux" else (0, before))
    passwords.close()


async def test_who_is_turned_away_sees_a_page_that_says_when_to_come_back(
    one_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.accounts.passwords.WAITING_AT_MOST", 0)
    answer = await one_town.browser().sign_in(PEOPLE["citizen"][1])
    assert (answer.status_code, answer.headers["retry-after"].isdigit()) == (503, True)
    assert "Many people are signing in" in answer.text
