"""A service taken off the pages: nothing of it is given out, everybody reads why, and it can come back."""

import html
import io
import re

import pytest
from markupsafe import escape
from PIL import Image
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.i18n import environment, words
from app.jobs.tables import Job
from app.keys import ledger_origin, make_ledger_key
from bench.pages import MOST_QUERIES
from commons.ledger.sequence import sequence
from commons.media.store import add_picture
from commons.moderation.store import PER_PAGE, hide
from commons.moderation.tables import Rule
from commons.organisations.store import get_host
from commons.services.store import add_service
from tests.plumbing.house import Browser, Town
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio

SLUG = "late-desk"
PAGE, HIDE, SHOW = f"/en/services/{SLUG}", f"/en/manage/services/{SLUG}/hide", f"/en/manage/services/{SLUG}/show-again"
NAME, SUMMARY, DESCRIPTION = "Late desk", "CANARY until nine.", "CANARY The hall."
REASON = 'A <b>face</b> & "more"'
BY = "It shows or names a person who did not agree to it."


async def furnished(town: Town, also: str = "") -> str:
    """Add a service with a picture, and a second one with the same picture where it is asked for; give its address."""

    async def work(session: AsyncSession) -> str:
        host = await get_host(session)
        out = io.BytesIO()
        Image.new("RGB", (40, 20), "red").save(out, "JPEG")
        kept = await add_picture(session, host.id, out.getvalue(), {"en": DESCRIPTION})
        for name in filter(None, (NAME, also)):
            (await add_service(session, host.id, {"en": name}, {"en": SUMMARY})).picture = kept.id
        return f"/pictures/{kept.id}"

    return await town.house.db.write(work)


async def taken_off(town: Town) -> Browser:
    """Let a manager take the service off; gives that manager's browser."""
    browser = await town.signed_in("manager")
    answer = await browser.send(HIDE, {"rule": "privacy", "reason": REASON}, page=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=hidden")
    return browser


async def said(browser: Browser, path: str) -> str:
    return html.unescape((await browser.get(path)).text)


async def test_a_hidden_service_says_why_and_nothing_of_what_it_said(town: Town) -> None:
    picture = await furnished(town)
    assert (await town.browser().get(picture)).status_code == 200
    await taken_off(town)
    answer = await town.browser().get(PAGE)
    assert (answer.status_code, answer.headers["cache-control"]) == (410, "no-store")
    text = html.unescape(answer.text)
    assert text.count(REASON) == 1
    assert "<b>face" not in answer.text
    assert BY in text
    for gone in (NAME, "CANARY", picture):
        assert gone not in text
    for way in ("/en/pages/contact", "/en/measures", "/en/services"):
        assert f'href="{way}"' in text
    assert (await town.browser().get(picture)).status_code == 404
    assert (await town.browser().get(f"/ka/services/{SLUG}")).status_code == 410


async def test_lists_and_searches_leave_it_out(town: Town) -> None:
    await furnished(town, also="Early desk")
    assert "2 services" in await said(town.browser(), "/en/services")
    manager = await taken_off(town)
    for browser in (town.browser(), manager):
        for path in ("/en/services", "/en/services?q=desk", "/en/services?q=canary"):
            text = await said(browser, path)
            assert SLUG not in text, path
            assert "early-desk" in text
            assert "1 service<" in text
        assert "No service fits this search" in await said(browser, "/en/services?q=late")


async def test_a_picture_stays_while_another_service_shows_it(town: Town) -> None:
    picture = await furnished(town, also="Early desk")
    browser = await taken_off(town)
    assert (await town.browser().get(picture)).status_code == 200
    await browser.send("/en/manage/services/early-desk/hide", {"rule": "mistaken", "reason": "Wrong."})
    assert (await town.browser().get(picture)).status_code == 404


async def test_a_picture_that_was_replaced_is_not_given_out_when_the_service_comes_back(town: Town) -> None:
    old = await furnished(town)
    browser = await taken_off(town)
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "blue").save(out, "PNG")
    sent = await browser.send(
        f"/en/manage/services/{SLUG}/picture", {"description_en": "A hall"},
        files={"picture": ("a.png", out.getvalue(), "image/png")},
    )  # fmt: skip
    assert sent.status_code == 303
    await browser.send(SHOW, {"reason": "Another picture."})
    new = re.search(r'src="(/pictures/[^"]+)"', (await town.browser().get(PAGE)).text)
    assert new is not None
    assert [(await town.browser().get(each)).status_code for each in (old, new[1])] == [404, 200]


async def test_what_leaves_the_pages_leaves_caches_within_the_hour(one_town: Town) -> None:
    answer = await one_town.browser().get(await furnished(one_town))
    age = re.search(r"max-age=(\d+)", answer.headers["cache-control"])
    assert age is not None
    assert int(age[1]) <= 3600


async def test_a_manager_sees_it_mends_it_and_shows_it_again(town: Town) -> None:
    picture = await furnished(town)
    browser = await taken_off(town)
    edit = await said(browser, f"/en/manage/services/{SLUG}")
    assert NAME in edit
    assert SUMMARY in edit
    assert "This service is off the pages." in edit
    page = await browser.get(PAGE)
    assert page.status_code == 410
    assert f'href="/en/manage/services/{SLUG}"' in page.text
    saved = await browser.send(f"/en/manage/services/{SLUG}", {"name_en": NAME, "summary_en": "Mended."})
    assert saved.status_code == 303
    assert (await town.browser().get(PAGE)).status_code == 410
    answer = await browser.send(SHOW, {"reason": "The face is gone."}, page=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=shown")
    assert "Mended." in await said(town.browser(), PAGE)
    assert (await town.browser().get(picture)).status_code == 200
    assert "off the pages." not in await said(browser, f"/en/manage/services/{SLUG}")
    assert SLUG in await said(town.browser(), "/en/services")


@pytest.mark.parametrize("path", [HIDE, SHOW])
async def test_a_citizen_may_not(town: Town, path: str) -> None:
    await furnished(town)
    if path == SHOW:
        await taken_off(town)
    browser = await town.signed_in("citizen")
    before = await town.rows()
    answer = await browser.send(path, {"rule": "privacy", "reason": REASON})
    assert answer.status_code == 403
    assert await town.rows() == before
    page = await browser.get(PAGE)
    assert "<textarea" not in page.text
    assert page.status_code == (410 if path == SHOW else 200)


@pytest.mark.parametrize(
    ("rule", "reason", "field"), [("", REASON, "rule"), ("taste", REASON, "rule"), ("insult", "  ", "reason")]
)
async def test_nothing_typed_is_lost_when_hiding(one_town: Town, rule: str, reason: str, field: str) -> None:
    await furnished(one_town)
    browser = await one_town.signed_in("manager")
    before = await one_town.rows()
    answer = await browser.send(HIDE, {"rule": rule, "reason": reason}, page=PAGE)
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert f'href="#f-{field}"' in text
    assert words("en", "rule.unknown" if field == "rule" else "reason.missing", {}) in text
    assert reason in text
    assert re.findall(r'value="(\w+)" checked', text) == ([rule] if field == "reason" else [])
    assert await one_town.rows() == before


async def test_nothing_typed_is_lost_when_showing_again(one_town: Town) -> None:
    await furnished(one_town)
    browser = await taken_off(one_town)
    before = await one_town.rows()
    long = "y" * 1001
    answer = await browser.send(SHOW, {"reason": long}, page=PAGE)
    assert answer.status_code == 422
    assert long in answer.text
    assert REASON in html.unescape(answer.text)
    assert words("en", "text.too_long", {"limit": 1000, "found": 1001}) in answer.text
    assert await one_town.rows() == before
    assert (await one_town.browser().get(PAGE)).status_code == 410


async def test_twice_is_a_conflict_and_the_first_reason_stays(town: Town) -> None:
    await furnished(town)
    browser = await taken_off(town)
    again = await browser.send(HIDE, {"rule": "insult", "reason": "Another."})
    assert again.status_code == 409
    assert words("en", "moderation.hidden_already", {}) in again.text
    assert REASON in await said(town.browser(), PAGE)
    await browser.send(SHOW, {"reason": "Gone."})
    assert (await browser.send(SHOW, {"reason": "Gone."})).status_code == 409


async def test_what_is_not_there_cannot_be_hidden(one_town: Town) -> None:
    browser = await one_town.signed_in("manager")
    before = await one_town.rows()
    for act in ("hide", "show-again"):
        answer = await browser.send(f"/en/manage/services/none/{act}", {"rule": "insult", "reason": "Bad."})
        assert answer.status_code == 404
    assert await one_town.rows() == before


async def test_everybody_reads_what_was_taken_off_and_why(town: Town) -> None:
    empty = await said(town.browser(), "/en/measures")
    assert "Nothing was taken off so far" in empty
    await furnished(town)
    browser = await taken_off(town)
    text = await said(town.browser(), "/en/measures")
    assert f'href="{PAGE}"' in text
    assert text.count(REASON) == 1
    assert "It is off the pages today." in text
    await browser.send(SHOW, {"reason": "The face is gone."})
    text = await said(town.browser(), "/en/measures")
    assert "The face is gone." in text
    assert "It is off the pages today." not in text
    for each in (text, empty):
        for rule in Rule:
            assert house_rule("en", rule) in each
    for name in ("Maia", "Lomidze", str(town.people["manager"]), "CANARY"):
        assert name not in text


def house_rule(lang: str, rule: str) -> str:
    module = environment(lang).get_template("measures/_words.html").make_module({"lang": lang, "url": str})
    return html.unescape(str(module.house_rule(rule)))  # type: ignore[attr-defined]


def test_every_house_rule_has_words_of_its_own() -> None:
    said = [house_rule("en", rule) for rule in Rule]
    assert all(each.endswith(".") for each in said)
    assert len(set(said)) == len(Rule)


async def test_the_public_log_says_it_in_words_and_the_worker_is_asked(town: Town) -> None:
    await furnished(town)

    async def asked(session: AsyncSession) -> int:
        return len((await session.exec(select(Job).where(Job.kind == "ledger.sequence"))).all())

    before = await town.house.db.write(asked)
    browser = await taken_off(town)
    await browser.send(SHOW, {"reason": "The face is gone."})
    assert await town.house.db.write(asked) == before + 2
    key, origin = make_ledger_key(town.config), ledger_origin(town.config)
    await town.house.db.write(lambda session: sequence(session, key, origin))
    text = (await town.browser().get("/en/ledger")).text
    assert "Taken off the pages:" in text
    assert BY in text
    assert f'<q dir="auto">{escape(REASON)}</q>' in text
    assert "Shown again:" in text
    assert text.count(f'href="{PAGE}"') == 2
    assert "moderation." not in text


async def test_pages_ask_as_often_however_much_is_hidden(town: Town) -> None:
    await furnished(town)

    async def many(session: AsyncSession) -> None:
        host = await get_host(session)
        for number in range(2 * PER_PAGE + 1):
            await add_service(session, host.id, {"en": f"Service {number}"}, {})
            await hide(session, f"services/service-{number}", "mistaken", "Wrong.", town.people["manager"])

    async def questions() -> dict[str, int]:
        browser, asked = town.browser(), {}
        for path in ("/en/services", "/en/services?q=desk", PAGE, "/en/measures"):
            await browser.get(path)
            with counted_queries() as statements:
                assert (await browser.get(path)).status_code == 200
            asked[path] = len(statements)
        return asked

    few = await questions()
    await town.house.db.write(many)
    assert await questions() == few
    assert max(few.values()) <= MOST_QUERIES
    assert "1 service<" in await said(town.browser(), "/en/services")
    pages = [await said(town.browser(), f"/en/measures?page={number}") for number in (1, 2, 3, 99)]
    listed = [re.findall(r'href="/en/services/(service-\d+)"', page) for page in pages]
    assert len({slug for slugs in listed for slug in slugs}) == 2 * PER_PAGE + 1
    assert [len(slugs) for slugs in listed] == [PER_PAGE, PER_PAGE, 1, 1]
    assert listed[3] == listed[2]


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "9" * 40])
async def test_a_page_that_is_none_shows_one_that_is(one_town: Town, page: str) -> None:
    assert (await one_town.browser().http.get("/en/measures", params={"page": page})).status_code == 200
