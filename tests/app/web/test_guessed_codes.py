"""Who knows a password and guesses codes: the owner is told by one letter a day, and the security log tells it too."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.accounts.factors.guessed import TOLD_AFTER
from app.accounts.factors.store import FIELD
from app.accounts.tables import Account
from app.i18n import environment
from app.letters.tables import Letter
from tests.plumbing.clocks import database_clock
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Town

pytestmark = pytest.mark.anyio

MANAGER = PEOPLE["manager"][1]


async def halfway(town: Town, number: int = 1) -> Browser:
    """Give a browser, somewhere, in which the right password was sent."""
    browser = town.browser(peer=f"203.0.113.{number}")
    form = {"email": MANAGER, "password": PASSWORD, "next": ""}
    assert (await browser.send("/en/sign-in", form, page="/en/sign-in")).headers["location"] == "/en/sign-in/code"
    return browser


async def guess(town: Town, times: int) -> None:
    """Guess codes, with nobody slowed: the letter is what is tried, not the brake."""
    town.house.limits.try_one = lambda *_, **__: None  # type: ignore[method-assign]
    browser = await halfway(town)
    for _ in range(times):
        assert (await browser.send("/en/sign-in/code", {FIELD: "000 000"})).status_code == 422


async def told(town: Town) -> list[Letter]:
    return [letter for letter in await town.letters(MANAGER) if letter.kind == "code_guessed"]


def logged(rows: dict[str, list[str]]) -> int:
    return sum("guessing_told" in row for row in rows["app_security_event"])


async def test_five_wrong_codes_after_a_right_password_bring_one_letter_and_more_bring_none(town: Town) -> None:
    await guess(town, TOLD_AFTER - 1)
    assert await told(town) == []
    await guess(town, 1)
    (letter,) = await told(town)
    assert letter.facts == {"times": str(TOLD_AFTER)}
    await guess(town, TOLD_AFTER)
    assert (len(await told(town)), logged(await town.rows())) == (1, 1)
    shown = (await (await town.signed_in("admin")).get("/en/manage/security")).text
    assert "Told by letter that codes are being guessed" in shown
    assert "Code refused at sign-in, after a right password" in shown


async def test_the_next_day_brings_another_letter_and_guesses_of_two_days_are_not_added_up(one_town: Town) -> None:
    await guess(one_town, TOLD_AFTER)
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    with database_clock(tomorrow):
        await guess(one_town, TOLD_AFTER - 1)
        assert len(await told(one_town)) == 1
        await guess(one_town, 1)
        assert (len(await told(one_town)), logged(await one_town.rows())) == (2, 2)


async def test_of_many_guesses_at_once_one_brings_the_letter(town: Town) -> None:
    await guess(town, TOLD_AFTER - 1)
    browsers = [await halfway(town, number) for number in range(6)]
    answers = await asyncio.gather(*(each.send("/en/sign-in/code", {FIELD: "000 000"}) for each in browsers))
    assert {answer.status_code for answer in answers} == {422}
    assert (len(await told(town)), logged(await town.rows())) == (1, 1)


async def test_wrong_passwords_and_wrong_codes_of_somebody_signed_in_bring_no_letter(one_town: Town) -> None:
    one_town.house.limits.try_one = lambda *_, **__: None  # type: ignore[method-assign]
    browser = await one_town.signed_in("manager")
    for _ in range(2 * TOLD_AFTER):
        assert (await one_town.browser().sign_in(MANAGER, "a wrong password")).status_code == 422
        assert (await browser.send("/en/me/prove", {FIELD: "000 000", "next": ""})).status_code == 422
    assert await told(one_town) == []


async def test_the_letter_is_in_the_owners_language_and_not_in_the_guessers(one_town: Town) -> None:
    browser = await halfway(one_town)
    code = await one_town.next_code(MANAGER)
    assert (await browser.send("/ka/sign-in/code", {FIELD: code})).status_code == 303
    async with one_town.house.db.reading() as session:
        account = await session.get(Account, one_town.people["manager"])
    assert account is not None
    assert account.language == "ka"
    await guess(one_town, TOLD_AFTER)
    (letter,) = await told(one_town)
    assert letter.language == "ka"
    body = environment("en").get_template("letters/code_guessed/body.txt")
    said = body.render(letter.facts | {"base_url": "https://town.example", "lang": "en", "organisation": "Hall"})
    assert "once a day at most" in said
