"""What goes wrong at the door: the right status, a sentence in every language, nothing typed is lost."""

import html
import io
from collections.abc import Awaitable, Callable

import httpx
import pytest
from PIL import Image

from app.config import LANGUAGES, ROOT
from app.i18n import words
from tests.plumbing.house import PASSWORD, PEOPLE, Browser, Places, Town, link_in

pytestmark = pytest.mark.anyio

EMAIL = PEOPLE["citizen"][1]
WRITTEN = [code for code in LANGUAGES if code == "en" or (ROOT / "app" / "locale" / f"{code}.po").exists()]
TYPED = 'a <b>name</b> & "more" ლ'

Ask = Callable[[Browser, str, dict[str, str]], Awaitable[httpx.Response]]


async def wrong_password(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    fields = {"email": EMAIL, "password": "not at all my password"}
    return await browser.send(f"/{lang}/sign-in", fields, page="/en/sign-in", headers=headers)


async def unknown_person(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    fields = {"email": "nobody@vardisi.example", "password": "not at all my password"}
    return await browser.send(f"/{lang}/sign-in", fields, page="/en/sign-in", headers=headers)


async def stale_token(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.send(f"/{lang}/sign-up", {"_token": "x" * 43, "email": EMAIL}, headers=headers)


async def no_token(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.http.post(f"/{lang}/sign-up", data={"email": EMAIL}, headers=headers)


async def foreign_form(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.send(f"/{lang}/sign-up", {"email": EMAIL}, headers={"Origin": "null"} | headers)


async def unknown_page(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.http.get(f"/{lang}/there/is/nothing", headers=headers)


async def unknown_service(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.http.get(f"/{lang}/services/none", headers=headers)


async def dead_link(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.http.get(f"/{lang}/welcome/WzEse31d.AAAA", headers=headers)


async def wrong_method(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.http.delete(f"/{lang}/sign-up", headers=headers)


async def oversized(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await browser.http.post(f"/{lang}/sign-up", content=b"a=" + b"b" * 1_000_000, headers=headers | kind)


async def oversized_without_saying_so(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    async def body() -> object:  # an iterator: sent in pieces, without Content-Length
        for _ in range(20):
            yield b"b" * 100_000

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await browser.http.post(f"/{lang}/sign-up", content=body(), headers=headers | kind)  # type: ignore[arg-type]


async def malformed(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    body = b"--b\r\nContent-Disposition: form-data; name=\r\n\r\nx\r\n--"
    return await browser.http.post(f"/{lang}/sign-up", content=body, headers=headers | kind)


async def no_boundary(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    kind = {"Content-Type": "multipart/form-data"}
    return await browser.http.post(f"/{lang}/sign-up", content=b"--x", headers=headers | kind)


async def json_body(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    return await browser.http.post(f"/{lang}/sign-up", json={"email": EMAIL}, headers=headers)


async def plain_body(browser: Browser, lang: str, headers: dict[str, str]) -> httpx.Response:
    kind = {"Content-Type": "text/plain"}
    return await browser.http.post(f"/{lang}/sign-up", content=b"email=x", headers=headers | kind)


CASES: dict[str, tuple[Ask, int, str]] = {
    each.__name__: (each, status, code)
    for each, status, code in (
        (wrong_password, 422, "sign_in.wrong"),
        (unknown_person, 422, "sign_in.wrong"),
        (stale_token, 403, "door.stale_form"),
        (no_token, 403, "door.stale_form"),
        (foreign_form, 403, "door.foreign_form"),
        (unknown_page, 404, "door.nowhere"),
        (unknown_service, 404, "service.unknown"),
        (dead_link, 404, "link.dead"),
        (wrong_method, 405, "door.wrong_method"),
        (oversized, 413, "door.too_large"),
        (oversized_without_saying_so, 413, "door.too_large"),
        (malformed, 400, "door.unreadable"),
        (no_boundary, 400, "door.unreadable"),
        (json_body, 415, "door.no_form"),
        (plain_body, 415, "door.no_form"),
    )
}


@pytest.mark.parametrize("name", CASES)
async def test_each_error_has_its_status_and_its_sentence_in_every_language(one_town: Town, name: str) -> None:
    ask, status, code = CASES[name]
    noted: dict[str, list[str]] = {"app_security_event": []}  # a failed sign-in is written down, and nothing else
    before = await one_town.rows() | noted
    for lang in WRITTEN:
        answer = await ask(one_town.browser(), lang, {})
        assert answer.status_code == status
        assert html.escape(words(lang, code, {}), quote=False) in html.unescape(answer.text).replace("&", "&amp;")
        assert f'<html lang="{lang}"' in answer.text
        assert answer.headers["content-language"] == lang
        assert answer.headers["cache-control"] == "no-store"
    assert await one_town.rows() | noted == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[1] != 422])
async def test_htmx_gets_a_piece_for_the_place_of_errors(one_town: Town, name: str) -> None:
    ask, status, code = CASES[name]
    answer = await ask(one_town.browser(), "en", {"HX-Request": "true"})
    assert answer.status_code == status
    assert (answer.headers["hx-retarget"], answer.headers["hx-reswap"]) == ("#errors", "innerHTML")
    assert "<html" not in answer.text
    assert words("en", code, {}) in html.unescape(answer.text)
    whole = await ask(one_town.browser(), "en", {"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.text
    assert "hx-retarget" not in whole.headers


async def test_what_was_typed_comes_back_and_a_password_never_does(one_town: Town) -> None:
    secret = "correct horse but another staple"
    answer = await one_town.browser().sign_in(TYPED, secret, next="/en/services")
    assert answer.status_code == 422
    assert f'value="{html.escape(TYPED)}"'.replace("&quot;", "&#34;") in answer.text
    assert 'name="next" value="/en/services"' in answer.text
    assert secret not in answer.text
    assert answer.text.count("<title>1 error: ") == 1
    assert 'href="#f-email"' in answer.text
    assert 'aria-invalid="true"' in answer.text


async def test_a_service_keeps_all_its_fields_when_one_is_wrong(one_town: Town) -> None:
    browser = await one_town.signed_in("manager")
    fields = {"name_en": "n" * 121, "name_ka": "სახელი", "summary_fr": TYPED}
    answer = await browser.send("/en/manage/new-service", fields)
    assert answer.status_code == 422
    said = html.unescape(answer.text)
    for each in fields.values():
        assert each in said
    assert words("en", "text.too_long", {"limit": 120, "found": 121}) in said
    assert 'href="#f-name_en"' in answer.text


async def test_a_page_keeps_its_text_when_its_heading_is_missing(one_town: Town) -> None:
    browser = await one_town.signed_in("manager")
    answer = await browser.send("/en/manage/pages/about", {"title": "", "body": TYPED})
    assert answer.status_code == 422
    assert TYPED in html.unescape(answer.text)


async def test_a_broken_file_of_ballots_is_shown_to_be_mended(one_town: Town) -> None:
    browser = await one_town.signed_in("manager")
    fields = {
        "title_en": TYPED, "source_name": "Debian", "source_url": "https://www.debian.org/vote", "rule": "schulze",
        "held_on": "2026-01-31", "ballots_public": "yes",
    }  # fmt: skip
    sheet = {"sheet": ("votes.abif", b"=A:[One]\n=B:[Two]\nseven:A>B\n", "text/plain")}
    before = await one_town.rows()
    answer = await browser.send("/en/manage/results/new", fields, files=sheet)
    said = html.unescape(answer.text)
    assert answer.status_code == 422
    assert "seven:A>B" in said
    assert "line 3" in said.lower()
    assert TYPED in said
    assert await one_town.rows() == before
    mended = {"sheet_name": "votes.abif", "sheet_text": "=A:[One]\n=B:[Two]\n7:A>B\n"}
    assert (await browser.send("/en/manage/results/new", fields | mended)).status_code == 303


async def test_a_taken_address(town: Town) -> None:
    await town.browser().send("/en/sign-up", {"email": "new@vardisi.example"})
    (letter,) = await town.letters("new@vardisi.example")
    place, fields = f"/en/welcome/{link_in(letter)}", {"name": TYPED, "password": PASSWORD}
    assert (await town.browser().send(place, fields)).status_code == 303
    again = await town.browser().send(place, fields)
    assert again.status_code == 409
    assert words("en", "address.taken", {}) in html.unescape(again.text)
    assert TYPED in html.unescape(again.text)
    assert PASSWORD not in again.text


def picture(**more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(out, "JPEG", **more)
    return out.getvalue()


def flood() -> bytes:
    """Make a small file that would open into 100 million points."""
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "picture.unreadable"),
        (b"#!/bin/sh\nrm -rf /", "picture.unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "picture.unreadable"),
        (b"GIF89a" + b"\0" * 40, "picture.unreadable"),
        (picture()[:200], "picture.unreadable"),
        (b"%PDF-1.7", "picture.unreadable"),
        (flood(), "picture.too_many_pixels"),
    ],
    ids=["nothing", "script", "svg", "gif", "cut off", "pdf", "flood"],
)
async def test_a_file_that_is_no_picture(one_town: Town, data: bytes, code: str) -> None:
    places, browser = await one_town.furnish(), await one_town.signed_in("manager")
    before = await one_town.rows()
    answer = await browser.send(
        f"/en/manage/services/{places.service}/picture",
        {"description_en": TYPED},
        files={"picture": ("holiday.jpg", data, "image/jpeg")},
    )
    assert answer.status_code == 422
    said = html.unescape(answer.text)
    assert words("en", code, {"limit": 40}) in said
    assert TYPED in said
    assert await one_town.rows() == before


async def test_a_picture_loses_where_it_was_taken(town: Town, places: Places) -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (41.0, 42.0, 54.0), 3: "E", 4: (44.0, 47.0, 29.0)}  # GPS
    exif[0x013B] = "CANARY AUTHOR"
    exif[0x0112] = 6  # to be turned
    browser = await town.signed_in("manager")
    answer = await browser.send(
        f"/en/manage/services/{places.service}/picture",
        {"description_en": "A red field"},
        files={"picture": ("../../etc/passwd", picture(exif=exif, comment=b"CANARY"), "text/html")},
    )
    assert answer.status_code == 303
    page = (await town.browser().get(f"/en/services/{places.service}")).text
    given = await town.browser().get(page.partition('src="/pictures/')[2].partition('"')[0].join(["/pictures/", ""]))
    assert (given.status_code, given.headers["content-type"]) == (200, "image/webp")
    assert given.headers["content-security-policy"] == "sandbox"
    with Image.open(io.BytesIO(given.content)) as seen:
        assert seen.size == (20, 40)
        assert not seen.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(seen.info)
    assert b"CANARY" not in given.content
    assert 'alt="A red field"' in page


async def test_a_picture_without_words_is_refused(one_town: Town) -> None:
    places, browser = await one_town.furnish(), await one_town.signed_in("manager")
    answer = await browser.send(
        f"/ka/manage/services/{places.service}/picture", files={"picture": ("a.jpg", picture(), "image/jpeg")}
    )
    assert answer.status_code == 422
    assert 'href="#f-description_ka"' in answer.text


async def test_a_file_in_place_of_a_text_counts_as_nothing(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    answer = await browser.send("/en/me/name", files={"name": ("a.txt", b"Nino", "text/plain")})
    assert answer.status_code == 422
    assert words("en", "text.missing", {}) in answer.text
