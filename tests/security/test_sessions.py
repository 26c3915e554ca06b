"""Sessions: nobody chooses their own id, it changes at four events, and it dies when it should: bar 19."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.sessions import IDLE, LONGEST, SEEN_EVERY, sweep_sessions
from app.accounts.tables import Session
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Places, Town, link_in

pytestmark = pytest.mark.anyio

EMAIL = PEOPLE["citizen"][1]
ANOTHER = "four other words together"
WITHOUT_A_FORM = (
    *("/", "/en", "/en/results", "/en/services", "/en/ledger", "/en/pages/about", "/en/letter-sent", "/en/nowhere"),
    *("/nowhere", "/healthz", "/readyz", "/metrics", "/static/0/khma.css", "/en/manage"),
)
CHOSEN = (
    *(
        "sATTACKERCHOSEN",
        "s",
        "s" + "A" * 43,
        "s\xff",
        "aATTACKERCHOSEN",
        "a",
        "aATTACKER.CHOSEN",
        "ATTACKERCHOSEN",
        "",
    ),
)


async def opened_sessions(town: Town) -> list[Session]:
    async with town.house.db.reading() as session:
        return list((await session.exec(select(Session))).all())


def files_in(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return files


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/en/me")).status_code == 200


async def put_back(town: Town, **times: timedelta) -> None:
    """Move moments of all sessions into the past, as the database writes them."""
    moments = {name: datetime.now(UTC) - ago for name, ago in times.items()}

    async def work(session: AsyncSession) -> None:
        await session.exec(update(Session).where(col(Session.browser) != "").values(**moments))

    await town.house.db.write(work)


@pytest.mark.parametrize("chosen", CHOSEN)
async def test_an_id_that_somebody_chose_is_never_adopted(town: Town, chosen: str) -> None:
    browser = town.browser()
    page = await browser.get("/en/sign-in", cookie=f"khma={chosen}")
    given = page.cookies["khma"]
    assert given != chosen
    browser.set_cookie(given)
    answer = await browser.sign_in(EMAIL)
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/me")
    assert browser.cookie not in {chosen, given}
    attacker = town.browser()
    assert (await attacker.get("/en/me", cookie=f"khma={chosen}")).status_code == 303


async def test_a_cookie_of_before_sign_in_opens_nothing_after_it(town: Town) -> None:
    browser = town.browser()
    await browser.get("/en/sign-in")
    before = browser.cookie
    assert before.startswith("a")
    await browser.sign_in(EMAIL)
    assert browser.cookie.startswith("s")
    assert await is_in(browser)
    assert not await is_in(town.browser(before))


@pytest.mark.parametrize("place", [1, 12, -1])
async def test_a_tampered_anonymous_cookie_is_replaced(one_town: Town, place: int) -> None:
    browser = one_town.browser()
    await browser.get("/en/sign-in")
    value = list(browser.cookie)
    value[place] = "B" if value[place] == "A" else "A"
    answer = await one_town.browser("".join(value)).get("/en/sign-in")
    assert answer.cookies[one_town.config.cookie_name] not in {"".join(value), browser.cookie}
    forged = one_town.browser("".join(value))
    form = {"_token": one_town.token_of("".join(value)), "email": EMAIL, "password": PASSWORD}
    assert (await forged.http.post("/en/sign-in", data=form)).status_code == 403


async def test_sign_in_ends_the_session_that_was_there(town: Town) -> None:
    browser = town.browser()
    await browser.sign_in(EMAIL)
    first = browser.cookie
    await browser.sign_in(EMAIL)
    assert browser.cookie != first
    assert not await is_in(town.browser(first))
    assert len(await opened_sessions(town)) == 1


async def test_a_change_of_password_gives_a_new_id_and_ends_every_other_one(town: Town) -> None:
    browser, elsewhere = await town.signed_in("citizen"), await town.signed_in("citizen")
    stranger = await town.signed_in("second citizen")
    before = browser.cookie
    answer = await browser.send("/en/me/password", {"current": PASSWORD, "password": ANOTHER})
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/me?done=password-changed")
    assert browser.cookie != before
    assert await is_in(browser)
    assert not await is_in(elsewhere)
    assert not await is_in(town.browser(before))
    assert await is_in(stranger)
    assert [letter.kind for letter in await town.letters(EMAIL)] == ["password_changed"]


async def test_a_reset_ends_every_session_and_signs_nobody_in(town: Town) -> None:
    elsewhere, browser = await town.signed_in("citizen"), town.browser()
    await browser.send("/en/forgot", {"email": EMAIL})
    (letter,) = await town.letters(EMAIL)
    answer = await browser.send(f"/en/reset/{link_in(letter)}", {"password": ANOTHER})
    assert answer.headers["location"] == "/en/sign-in?done=password-changed"
    assert not await is_in(elsewhere)
    assert not await is_in(browser)
    assert await opened_sessions(town) == []


async def test_sign_out_kills_the_id_and_takes_the_cookie(town: Town) -> None:
    browser, elsewhere = await town.signed_in("citizen"), await town.signed_in("citizen")
    before = browser.cookie
    answer = await browser.send("/en/sign-out")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert browser.cookie == ""
    assert not await is_in(town.browser(before))
    assert await is_in(elsewhere)
    await elsewhere.send("/en/me/sign-out-everywhere")
    assert await opened_sessions(town) == []


async def test_a_dead_cookie_is_taken_away(one_town: Town) -> None:
    answer = await one_town.browser("s" + "A" * 43).get("/en")
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_only_the_hash_of_an_id_is_kept_anywhere(town: Town, tmp_path: Path) -> None:
    browser = town.browser()
    await browser.sign_in(EMAIL)
    await browser.get("/en/me")
    token = browser.cookie[1:]
    everything = "\n".join(row for rows in (await town.rows()).values() for row in rows)
    assert repr(hashlib.sha256(token.encode()).digest()) in everything
    assert token not in everything
    assert [path.name for path in files_in(tmp_path) if token.encode() in path.read_bytes()] == []


async def test_an_id_has_256_random_bits(town: Town) -> None:
    ids = {(await town.signed_in("citizen")).cookie for _ in range(20)}
    assert len(ids) == 20
    assert all(len(base64.urlsafe_b64decode(each[1:] + "=")) == 32 for each in ids)
    browser = town.browser()
    await browser.get("/en/sign-in")
    nonce = browser.cookie.partition(".")[0]
    assert len(base64.urlsafe_b64decode(nonce[1:])) * 8 >= 128


@pytest.mark.parametrize("path", WITHOUT_A_FORM)
async def test_looking_leaves_no_row_and_no_cookie(one_town: Town, path: str) -> None:
    before = await one_town.rows()
    answer = await one_town.browser().get(path)
    assert "set-cookie" not in answer.headers
    assert await one_town.rows() == before


async def test_a_form_gives_a_cookie_and_no_row(town: Town) -> None:
    before = await town.rows()
    browser = town.browser()
    await browser.get("/en/sign-in")
    given = browser.cookie
    assert given.startswith("a")
    again = await browser.get("/en/sign-up")
    assert "set-cookie" not in again.headers
    assert await town.rows() == before


async def test_last_seen_is_written_every_five_minutes_at_most(town: Town) -> None:
    browser = await town.signed_in("citizen")
    (opened,) = await opened_sessions(town)
    for _ in range(3):
        await browser.get("/en/me")
    assert [each.seen_at for each in await opened_sessions(town)] == [opened.seen_at]
    await put_back(town, seen_at=SEEN_EVERY + timedelta(seconds=5))
    await browser.get("/en/me")
    (seen,) = await opened_sessions(town)
    assert seen.seen_at >= opened.seen_at
    await browser.get("/en/me")
    assert [each.seen_at for each in await opened_sessions(town)] == [seen.seen_at]


@pytest.mark.parametrize(
    ("times", "still_in"),
    [
        ({"seen_at": IDLE - timedelta(minutes=1)}, True),
        ({"seen_at": IDLE + timedelta(seconds=5)}, False),
        ({"expires_at": timedelta(minutes=-1)}, True),
        ({"expires_at": timedelta(seconds=1)}, False),
    ],
)
async def test_a_session_ends_by_the_databases_clock(town: Town, times: dict[str, timedelta], still_in: bool) -> None:
    browser = await town.signed_in("citizen")
    await put_back(town, **times)
    assert await is_in(browser) is still_in
    assert await town.house.db.write(sweep_sessions) == (0 if still_in else 1)


async def test_a_session_that_is_used_still_ends_after_a_week(one_town: Town) -> None:
    await one_town.signed_in("citizen")
    (opened,) = await opened_sessions(one_town)
    assert opened.expires_at - opened.created_at == LONGEST == timedelta(days=7)


async def test_the_cookie_of_an_open_demonstration(one_town: Town) -> None:
    answer = await one_town.browser().sign_in(EMAIL)
    device, own = sorted(answer.headers.get_list("set-cookie"))
    assert re.fullmatch(r"khma=s[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax", own)
    assert re.fullmatch(r"khma-device=[\w-]{32}; HttpOnly; Max-Age=34560000; Path=/; SameSite=lax", device)


async def test_the_cookie_behind_https(secure_town: Town) -> None:
    browser = secure_town.browser()
    page = await browser.get("/en/sign-in")
    answer = await browser.sign_in(EMAIL)
    out = await browser.send("/en/sign-out")
    for set_cookie in [each for said in (page, answer, out) for each in said.headers.get_list("set-cookie")]:
        name, *attributes = set_cookie.split("; ")
        assert name.startswith(("__Host-khma=", "__Host-khma-device="))
        kinds = {attribute.partition("=")[0].lower() for attribute in attributes}
        assert kinds == {"httponly", "max-age", "path", "samesite", "secure"}  # and no Domain
        assert "Path=/" in attributes
        assert "SameSite=lax" in attributes
    assert "This connection is not protected" not in page.text


async def test_a_cookie_under_the_unprotected_name_is_not_read_behind_https(secure_town: Town) -> None:
    browser = await secure_town.signed_in("citizen")
    assert await is_in(browser)
    answer = await secure_town.browser().get("/en/me", cookie=f"khma={browser.cookie}")
    assert answer.status_code == 303


async def test_two_signed_in_people_do_not_see_each_other(town: Town, places: Places) -> None:
    pages = {who: (await (await town.signed_in(who)).get("/en/me")).text for who in ("citizen", "second citizen")}
    assert "Nino" in pages["citizen"]
    assert "Luka" not in pages["citizen"]
    assert "Luka" in pages["second citizen"]
    assert "Nino" not in pages["second citizen"]
