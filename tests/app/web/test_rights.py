"""One's own data as a file, and another e-mail address: as its owner does it, and as somebody who means ill."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.recovery import draw_sheet
from app.accounts.factors.store import renew_recovery_codes
from app.accounts.rights.moving import UNDO_HOURS
from app.accounts.store import find_account, get_account
from app.accounts.tables import Event
from app.accounts.tokens import make_token, read_token
from app.letters.outbox import write_letter
from app.letters.tables import Letter
from commons.errors import NotFound
from tests.app.web.test_factors import age_proofs
from tests.plumbing.forms import form_at
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Town
from tests.plumbing.server import SECRET
from tests.plumbing.votes import hold_vote

pytestmark = pytest.mark.anyio

CITIZEN, SECOND = PEOPLE["citizen"][1], PEOPLE["second citizen"][1]
NEW = "nino.b@elsewhere.example"


async def letter_of(town: Town, address: str, kind: str) -> Letter:
    return [letter for letter in await town.letters(address) if letter.kind == kind][-1]


async def ask_to_move(browser: Browser, address: str = NEW, password: str = PASSWORD) -> int:
    form = form_at((await browser.get("/en/me/address")).text, "/en/me/address")
    answer = await browser.http.post("/en/me/address", data=form | {"email": address, "current": password})
    return answer.status_code


async def moved(town: Town) -> Browser:
    """Let the citizen have a new address."""
    browser = await town.signed_in("citizen")
    assert await ask_to_move(browser) == 303
    place = f"/en/me/address/{(await letter_of(town, NEW, 'address_new')).facts['token']}"
    assert (await browser.send(place)).headers["location"] == "/en/me?done=address-changed"
    return browser


async def download(browser: Browser) -> dict[str, object]:
    answer = await browser.send("/en/me/data", page="/en/me")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["content-disposition"] == 'attachment; filename="khma-my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    kept: dict[str, object] = json.loads(answer.text)
    return kept


async def test_the_file_holds_what_is_kept_and_nothing_that_opens_a_door(town: Town) -> None:
    manager, citizen = await town.signed_in("manager"), await town.signed_in("citizen")
    address = PEOPLE["manager"][1]
    await town.house.db.write(
        lambda session: write_letter(session, address, "reset", "en", name="Maia", token="of-the-letter")
    )
    sheet = draw_sheet()
    await town.house.db.write(lambda session: renew_recovery_codes(session, SECRET, town.people["manager"], sheet))
    kept = await download(manager)
    assert kept["account"]["email"] == PEOPLE["manager"][1]  # type: ignore[index]
    assert [each["role"] for each in kept["roles"]] == ["manager"]  # type: ignore[attr-defined]
    assert [each["browser"] for each in kept["signed_in"]] == ["test"]  # type: ignore[attr-defined]
    assert kept["second_factor"]["recovery_codes_left"] == 10  # type: ignore[index]
    assert [each["kind"] for each in kept["letters"]] == ["reset"]  # type: ignore[attr-defined]
    assert [each["event"] for each in kept["security_log"]] == [Event.DATA_DOWNLOADED]  # type: ignore[attr-defined]
    (letter,) = await town.letters(PEOPLE["manager"][1])
    text = json.dumps(kept)
    for hidden in (letter.facts["token"], manager.cookie[1:], "argon2", "hash", "sealed", *PEOPLE["admin"][:2]):
        assert hidden not in text, hidden
    assert "manager" not in json.dumps((await download(citizen))["roles"])


async def test_the_file_tells_of_others_nothing_and_of_office_what_one_did(town: Town) -> None:
    places = await town.furnish()
    kept = await download(await town.signed_in("admin"))
    (asked,) = kept["done_in_office"]  # type: ignore[misc]
    assert asked["reason"] == "He edits the services now."
    assert str(places.person) not in json.dumps(kept)
    about = await download(await town.signed_in("second citizen"))
    assert [each["reason"] for each in about["asked_about_you"]] == ["He edits the services now."]  # type: ignore[attr-defined]
    assert str(town.people["admin"]) not in json.dumps(about)
    acts = await download(await town.signed_in("manager"))
    assert {each["what"] for each in acts["done_in_office"]} == {
        "print.release",
        "result.withdraw",
        "roll.import",
        "roll.strike",
        "vote.annul",
    }  # type: ignore[attr-defined]


async def test_the_file_holds_no_ballot_and_no_tag(town: Town) -> None:
    vote = await hold_vote(town.house)
    browser = await town.signed_in("citizen")
    before = set(await download(browser))
    for code in vote.codes[:10]:
        await vote.cast(code)
    kept = await download(browser)
    assert set(kept) == before == {
        "format", "made_at", "account", "telephone", "second_factor", "passkeys", "roles", "signed_in",
        "second_screen_at_the_counter",
        "browsers_known", "security_log", "letters", "asked_about_you", "votes_open_to_all", "done_in_office",
        "not_in_this_file",
    }  # fmt: skip
    text = json.dumps(kept)
    assert vote.slug not in text
    assert str(vote.id) not in text
    for line in vote.lines:
        assert str(line) not in text
        assert vote.keys.tag(vote.id, line.bytes).hex() not in text


async def test_who_has_a_factor_shows_it_before_the_file_and_nobody_else_gets_it(town: Town) -> None:
    manager = await town.signed_in("manager")
    await age_proofs(town, timedelta(minutes=6))
    asked = await manager.send("/en/me/data", page="/en/me")
    assert (asked.status_code, "fresh code" in asked.text) == (403, True)
    assert (await manager.get("/en/me/erase")).headers["location"] == "/en/me/prove?next=/en/me/erase"
    assert (await manager.get("/en/me/address")).headers["location"] == "/en/me/prove?next=/en/me/address"
    assert (await town.browser().send("/en/me/data")).headers["location"] == "/en/sign-in"
    looked = await manager.get("/en/me/data")
    assert (looked.status_code, looked.headers["location"]) == (303, "/en/me")


async def test_a_new_address_is_confirmed_by_its_own_letter_and_the_old_one_is_told(town: Town) -> None:
    browser = await town.signed_in("citizen")
    assert await ask_to_move(browser, f" {NEW.upper()} ") == 303
    (letter,) = await town.letters(NEW)
    place = f"/en/me/address/{letter.facts['token']}"
    assert NEW not in place
    before = await town.rows()
    for _ in range(5):  # as a mail scanner would, and as the owner's own browser may
        assert (await town.browser().get(place)).status_code == 303
        assert NEW in (await browser.get(place)).text
        await browser.http.head(place)
    assert await town.rows() == before
    answers = await asyncio.gather(*(browser.send(place) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [303] + [404] * 19
    assert [each.kind for each in await town.letters(CITIZEN)] == ["address_changed"]
    assert NEW in (await browser.get("/en/me")).text
    assert (await town.browser().sign_in(NEW)).headers["location"] == "/en/me"
    assert (await town.browser().sign_in(CITIZEN)).status_code == 422
    log = str((await town.rows())["app_security_event"])
    assert "address_changed" in log
    assert NEW not in log


async def test_the_password_is_asked_and_a_wrong_address_is_named(town: Town) -> None:
    browser, before = await town.signed_in("citizen"), await town.rows()
    for address, password in ((NEW, "not the password at all"), ("nowhere", PASSWORD), (CITIZEN, PASSWORD)):
        assert await ask_to_move(browser, address, password) == 422
    assert {name: rows for name, rows in (await town.rows()).items() if name != "app_session"} == {
        name: rows for name, rows in before.items() if name != "app_session"
    }


async def test_nobody_learns_whether_an_address_has_an_account(town: Town) -> None:
    browser, kept = await town.signed_in("citizen"), []
    for address in (SECOND, NEW):
        form = form_at((await browser.get("/en/me/address")).text, "/en/me/address")
        answer = await browser.http.post("/en/me/address", data=form | {"email": address, "current": PASSWORD})
        letters = (await download(browser))["letters"]
        kept.append((answer.status_code, answer.headers["location"], [each["kind"] for each in letters][-1:]))  # type: ignore[attr-defined]
    assert kept[0] == kept[1]
    assert [letter.kind for letter in await town.letters(SECOND)] == ["address_known"]
    assert [letter.kind for letter in await town.letters(NEW)] == ["address_new"]


async def test_a_link_is_refused_when_it_is_foreign_used_old_or_made_for_something_else(town: Town) -> None:
    browser, other = await town.signed_in("citizen"), await town.signed_in("second citizen")
    await ask_to_move(browser)
    token = (await letter_of(town, NEW, "address_new")).facts["token"]
    for answer in (await other.get(f"/en/me/address/{token}"), await other.send(f"/en/me/address/{token}")):
        assert (answer.status_code, "sign in with the account that asked" in answer.text) == (403, True)
    secret = town.config.secret
    facts = read_token(secret, "address-confirm", token)
    old = make_token(secret, "address-confirm", facts, hours=24, now=0)
    for wrong in (old, token[:-4] + "AAAA", make_token(secret, "address-undo", facts, hours=1), "no.link", "%C3%A9"):
        for answer in (await browser.get(f"/en/me/address/{wrong}"), await browser.send(f"/en/me/address/{wrong}")):
            assert (answer.status_code, "too old, or was used already" in answer.text) == (404, True), wrong
    await browser.send("/en/me/password", {"current": PASSWORD, "password": "four other words together"})
    assert (await browser.send(f"/en/me/address/{token}")).status_code == 404  # it dies with the password
    async with town.house.db.reading() as session:
        assert await find_account(session, NEW) is None


async def test_an_address_that_somebody_took_meanwhile_is_not_taken_from_them(town: Town) -> None:
    browser = await town.signed_in("citizen")
    await ask_to_move(browser)
    token = (await letter_of(town, NEW, "address_new")).facts["token"]
    await town.move_in("Somebody", NEW)
    answer = await browser.send(f"/en/me/address/{token}")
    assert (answer.status_code, "already an account" in answer.text) == (409, True)
    assert (await town.browser().sign_in(CITIZEN)).status_code == 303


async def test_links_to_the_old_address_die_with_it(town: Town) -> None:
    await town.browser().send("/en/forgot", {"email": CITIZEN})
    reset = (await letter_of(town, CITIZEN, "reset")).facts["token"]
    await moved(town)
    answer = await town.browser().send(f"/en/reset/{reset}", {"password": "four other words together"})
    assert (answer.status_code, "too old, or was used already" in answer.text) == (404, True)


async def test_the_old_address_takes_the_account_back_from_a_thief(town: Town) -> None:
    thief = await moved(town)
    undo = (await letter_of(town, CITIZEN, "address_changed")).facts["token"]
    assert await ask_to_move(thief, "third@elsewhere.example") == 303  # who moves on, to be farther away
    third = (await letter_of(town, "third@elsewhere.example", "address_new")).facts["token"]
    await thief.send(f"/en/me/address/{third}")
    place, before = f"/en/address-undo/{undo}", await town.rows()
    for _ in range(5):
        assert CITIZEN in (await town.browser().get(place)).text
    assert await town.rows() == before
    owner = town.browser()
    assert (await owner.send(place, page=place)).headers["location"] == "/en?done=address-back"
    assert (await thief.get("/en/me")).status_code == 303  # signed out
    assert (await town.browser().sign_in(CITIZEN)).status_code == 422  # the password that the thief knows is void
    again = await owner.send(place)
    assert (again.status_code, "too old, or was used already" in again.text) == (404, True)
    reset = (await letter_of(town, CITIZEN, "address_back")).facts["token"]
    await owner.send(f"/en/reset/{reset}", {"password": "four other words together"})
    assert (await town.browser().sign_in(CITIZEN, "four other words together")).status_code == 303
    assert (await owner.get(place)).status_code == 404


async def test_the_way_back_ends_after_a_week_and_with_the_account(town: Town) -> None:
    await moved(town)
    undo = (await letter_of(town, CITIZEN, "address_changed")).facts["token"]
    facts = read_token(town.config.secret, "address-undo", undo)
    with pytest.raises(NotFound):
        read_token(town.config.secret, "address-undo", make_token(town.config.secret, "address-undo", facts, hours=-1))
    assert UNDO_HOURS == 7 * 24

    async def leave(session: AsyncSession) -> None:
        await session.delete(await get_account(session, town.people["citizen"]))

    await town.house.db.write(leave)
    assert (await town.browser().get(f"/en/address-undo/{undo}")).status_code == 404


async def test_the_privacy_page_tells_the_clocks_also_under_an_own_text(one_town: Town) -> None:
    first = (await one_town.browser().get("/en/pages/privacy")).text
    await (await one_town.signed_in("manager")).send(
        "/en/manage/pages/privacy", {"title": "Privacy here", "body": "Our own words."}
    )
    own = (await one_town.browser().get("/en/pages/privacy")).text
    assert "Our own words." in own
    for page in (first, own):
        assert "365 days" in page
        assert "Lines of the security log" in page
    assert "365 days" not in (await one_town.browser().get("/en/pages/about")).text
