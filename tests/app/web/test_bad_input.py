"""Whatever is put into an address or a form: an answer, never a fault of ours; on both databases."""

import httpx
import pytest

from app.accounts.limits import PASSWORD_OF_ACCOUNT
from tests.plumbing.house import PASSWORD, PEOPLE, Places, Town, link_in

pytestmark = pytest.mark.anyio

NASTY = [
    "\0", "a\0b", "%00", "%", "%zz", "\xed\xa0\x80", "\xff", "\u202e", "\ufeff",
    "\u2028", "'", '"', "' OR 1=1 --", "$$", "{{7*7}}", "{% x %}", "%s%n", "..", "../../etc/passwd", "\\", "a" * 5000,
    "\r\nX: y", "\t", " ", "\x7f", "-1", "0", "1e9", "９", "٣", "999999999999999999999", "NaN",
    "<script>", "🗳️", "ſ", "İ",
]  # fmt: skip
RAW = [b"%00", b"%ff%fe", b"%ed%a0%80", b"%c0%af", b"%e1%83", b"+", b"&&==", b"=&=", b"a", b"%u0041", b";", b"\xff"]


@pytest.mark.parametrize("place", ["q", "page", "done", "next", "back", "lang"])
async def test_any_word_in_a_query(one_town: Town, place: str) -> None:
    browser = one_town.browser()
    for word in NASTY:
        for path in ("/en/services", "/en/results", "/en/ledger", "/en/sign-in", "/en/settings"):
            answer = await browser.http.get(path, params={place: word})
            assert answer.status_code == 200, (path, word)
            assert "<script>" not in answer.text
    for raw in RAW[:-1]:
        url = httpx.URL("http://127.0.0.1:8000/en/services").copy_with(query=place.encode() + b"=" + raw)
        assert (await browser.http.get(url)).status_code in {200, 400}, raw


async def test_any_word_in_an_address(town: Town, places: Places) -> None:
    browser = await town.signed_in("manager")
    wrong = []
    for word in NASTY:
        part = "".join(f"%{byte:02x}" for byte in word.encode())
        for path in (
            "/{}", "/en/{}", "/{}/manage", "/en/services/{}", "/en/results/{}", "/en/pages/{}", "/en/welcome/{}",
            "/en/manage/services/{}", "/en/manage/pages/{}", "/archive/{}/a.json", f"/archive/{places.result}/{{}}",
            "/en/votes/{}", "/en/votes/{}/receipt", "/votes/{}/card.json", f"/votes/{places.vote}/{{}}",
        ):  # fmt: skip
            answer = await browser.http.get(f"http://127.0.0.1:8000{path.format(part)}")
            if answer.status_code not in {200, 303, 400, 404}:
                wrong.append((path, word[:20], answer.status_code))
    assert wrong == []


FORMS = {
    "/en/sign-in": ("email", "password", "next"),
    "/en/sign-up": ("email",),
    "/en/forgot": ("email",),
    "/en/settings": ("theme", "text", "lang", "back"),
    "/en/me/name": ("name",),
    "/en/me/password": ("current", "password"),
    "/en/manage/new-service": ("name_en", "summary_ka"),
    "/en/manage/pages/about": ("title", "body"),
}


@pytest.mark.parametrize("path", FORMS)
async def test_any_word_in_a_field(town: Town, path: str) -> None:
    browser = await town.signed_in("manager")
    token = await browser.token("/en/me")
    filled = {"name_en": "A service", "title": "About", "body": "About", "current": "wrong " * 4}
    wrong = []
    for field in FORMS[path]:
        for word in NASTY:
            data = {"_token": token, **{name: filled.get(name, "x") for name in FORMS[path]}, field: word}
            if path == "/en/me/password":
                town.house.limits.succeeded(PASSWORD_OF_ACCOUNT.scope, PEOPLE["manager"][1])
            answer = await browser.http.post(path, data=data)
            if answer.status_code not in {200, 303, 400, 409, 422, 429}:
                wrong.append((field, word[:20], answer.status_code))
            if path == "/en/sign-in" and answer.status_code == 303:
                wrong.append((field, word[:20], 0))
    assert wrong == []


async def test_a_byte_that_no_database_keeps_is_refused_and_nothing_is_kept(town: Town) -> None:
    browser = await town.signed_in("citizen")
    before = await town.rows()
    answer = await browser.send("/en/me/name", {"name": "Nino\0Beridze"})
    assert answer.status_code in {400, 422}
    assert await town.rows() == before


@pytest.mark.parametrize("raw", RAW)
async def test_a_form_of_broken_bytes(town: Town, raw: bytes) -> None:
    browser = await town.signed_in("citizen")
    body = b"_token=" + town.token_of(browser.cookie).encode() + b"&name=" + raw
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.http.post("/en/me/name", content=body, headers=kind)
    assert answer.status_code in {303, 400, 422}


async def test_a_form_of_a_thousand_and_one_parts_is_refused(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    token = await browser.token("/en/me")
    many = {f"field{number}": "x" for number in range(2000)}
    answer = await browser.http.post("/en/me/name", data={"_token": token, "name": "N"} | many, files={"f": b""})
    assert answer.status_code in {400, 413}


async def test_a_field_that_is_sent_twice_counts_once(one_town: Town) -> None:
    browser = await one_town.signed_in("citizen")
    token = await browser.token("/en/me")
    body = f"_token={token}&name=Firstborn&name=Secondborn&role=admin&id=1&email=evil@evil.example"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await browser.http.post("/en/me/name", content=body.encode(), headers=kind)).status_code == 303
    page = (await browser.get("/en/me")).text
    assert ("Firstborn" in page) != ("Secondborn" in page)
    assert "evil@evil.example" not in page
    assert (await browser.get("/en/manage")).status_code == 403  # no field of a form gives a role


PAYLOADS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg onload=alert(1)>", "</title><script>",
    "javascript:alert(1)", "{{7*7}}", "\u202egnp.exe", "&lt;script&gt;", "<!--", "]]>", "` onfocus=alert(1) `",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_people_write_stays_text(one_town: Town, payload: str) -> None:
    places = await one_town.furnish()
    manager, citizen = await one_town.signed_in("manager"), await one_town.signed_in("citizen")
    assert (await citizen.send("/en/me/name", {"name": payload})).status_code == 303
    service = await manager.send("/en/manage/new-service", {"name_en": "X " + payload, "summary_en": payload})
    assert service.status_code == 303
    for fields in ({"title": payload, "body": payload}, {"title": "x", "body": f"[x]({payload}) ![x]({payload})"}):
        assert (await manager.send("/en/manage/pages/terms", fields)).status_code == 303
    reason = await (await one_town.signed_in("second manager")).send(
        f"/en/manage/withdrawals/{places.approval}", {"decision": "refuse"}
    )
    assert reason.status_code == 303
    await manager.send(f"/en/manage/results/{places.result}/withdraw", {"reason": payload})
    await one_town.browser().send("/en/forgot", {"email": PEOPLE["citizen"][1]})
    pages = [
        (citizen, "/en/me"), (manager, "/en/services"), (manager, service.headers["location"]), (manager, "/en/manage"),
        (manager, "/en/pages/terms"), (manager, "/en/manage/pages/terms"), (manager, "/en/manage/letters"),
        (manager, f"/en/results/{places.result}"),
    ]  # fmt: skip
    for browser, path in pages:
        text = (await browser.get(path)).text
        for live in ("<script>", "<img src=x", "<svg onload", 'href="javascript:', "<!--"):
            assert live not in text, (path, live)
        assert '"><img' not in text
    shown = (await citizen.get("/en/me")).text
    assert f"<bdi>{_escaped(payload)}</bdi>" in shown


def _escaped(text: str) -> str:
    for plain, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ('"', "&#34;")):
        text = text.replace(plain, safe)
    return text


async def test_a_strange_name_in_a_letter_link_and_a_strange_password(town: Town) -> None:
    await town.browser().send("/en/sign-up", {"email": "new@vardisi.example"})
    (letter,) = await town.letters("new@vardisi.example")
    for name in ("\0", "N" * 101, " \t ", "\u202e"):
        answer = await town.browser().send(f"/en/welcome/{link_in(letter)}", {"name": name, "password": "short"})
        assert answer.status_code in {400, 422}
    password = "გრძელი პაროლი 🗳️ " + PASSWORD
    browser = town.browser()
    answer = await browser.send(f"/en/welcome/{link_in(letter)}", {"name": "N", "password": password})
    assert answer.status_code == 303
    assert (await town.browser().sign_in("NEW@vardisi.example ", password)).status_code == 303
