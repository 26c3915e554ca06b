"""The page of a past vote by each rule: its order, its reasons, its tables, and in no language anything left over."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.organisations.store import get_host
from polls.rulecard import RULES
from results.publication import publish
from tests.plumbing.house import Town
from tests.results.test_import_rules import RANKED, prepare

pytestmark = pytest.mark.anyio


async def read(town: Town, rule: str, language: str = "en", **changed: Any) -> str:  # noqa: ANN401 - any field
    """Publish a vote by a rule and read its page, as one line of words."""
    title = f"Counted by {rule}"

    async def work(session: AsyncSession) -> str:
        host = await get_host(session)
        return (await publish(session, host.id, prepare(rule, titles={"en": title}, **changed))).slug

    slug = await town.house.db.write(work)
    answer = await town.browser().get(f"/{language}/results/{slug}")
    assert answer.status_code == 200
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub("</?bdi[^>]*>", "", main))).split())


async def test_every_rule_has_a_page_in_the_end(one_town: Town) -> None:
    said = {rule: await read(one_town, rule) for rule in RULES}
    for rule, text in said.items():
        assert f"khma count --rule {rule}" in text, rule
        assert "Would another rule change it?" in text, rule
        reasons = len(re.findall(r"Why before|share a place[.]|were not chosen", text))
        assert reasons == 2, (rule, reasons)
        assert ("Every pair, side by side" in text) == (rule in {"schulze", "ranked-pairs", "borda", "star"}), rule
        assert ("Round by round" in text) == (rule in {"irv", "stv"}), rule
        assert ("How often each grade was given" in text) == (rule in {"score", "star", "majority-judgment"}), rule


async def test_an_instant_runoff_is_told_round_by_round(one_town: Town) -> None:
    text = await read(one_town, "irv")
    assert "Kiss comes first." in text
    assert "In round 2, Kiss had 72 votes and Wright 59. That is more than half of the votes" in text
    assert "In round 1, Wright had 47 votes and Montroll 39. Montroll had fewest and went out." in text
    assert "Kiss 45 72 chosen" in text
    assert "Montroll 39 out –" in text
    assert "Ballots that name nobody who is left 0 0" in text
    assert "Kiss 1 2 2 2 2 Wright 2 3 3 3 1" in text  # their places by the rules, instant runoff first


async def test_seats_are_filled_and_named(one_town: Town) -> None:
    text = await read(one_town, "stv")
    assert "Chosen: Wright, Kiss." in text
    assert "2 were to be chosen." in text
    assert "khma count --rule stv --seats 2 ballots.abif" in text


async def test_what_lies_between_two_places_is_told(one_town: Town) -> None:
    assert "Wright got 47 votes, Kiss 45. 2 ballots decide between the two." in await read(one_town, "plurality")
    assert "9 said yes to Bus, 5 to Library. 4 ballots decide" in await read(one_town, "approval")
    assert "Bus got 40 points, Library 28. Points that decide between the two: 12." in await read(one_town, "score")
    judged = await read(one_town, "majority-judgment")
    assert (
        "More than half of the people gave Bus the grade 4 or a better one; of Park that can only be said of 2."
        in judged
    )


async def test_the_form_asks_for_the_rule_and_says_where_it_does_not_fit(one_town: Town) -> None:
    browser = await one_town.signed_in("manager")
    fields = {
        "title_en": "What comes first", "source_name": "Town Hall", "source_url": "https://example.org/votes",
        "held_on": "2024-05-12", "ballots_public": "yes", "rule": "score", "seats": "2",
    }  # fmt: skip
    sheet = {"sheet": ("votes.abif", RANKED, "text/plain")}
    answer = await browser.send("/en/manage/results/new", fields, files=sheet)
    assert answer.status_code == 422
    assert 'href="#f-rule"' in answer.text
    assert "choose a rule for rankings" in answer.text
    assert re.search(r'<option value="score" selected>', answer.text)
    assert 'value="2"' in answer.text
    wrong = await browser.send("/en/manage/results/new", fields | {"rule": "stv", "seats": "9"}, files=sheet)
    assert 'href="#f-seats"' in wrong.text
    right = await browser.send("/en/manage/results/new", fields | {"rule": "stv"}, files=sheet)
    assert right.status_code == 303
    page = await one_town.browser().get("/en/results/what-comes-first")
    assert "Chosen: Wright, Kiss." in unescape(page.text)
    assert "Chosen: Wright, Kiss." in unescape((await one_town.browser().get("/en/results")).text)


async def test_a_result_published_before_there_were_other_rules_is_still_told(one_town: Town) -> None:
    prepared = prepare("schulze")
    then = {name: value for name, value in prepared.count.items() if name not in {"grades", "rules"}}

    async def work(session: AsyncSession) -> None:
        await publish(session, (await get_host(session)).id, replace(prepared, count=then))

    await one_town.house.db.write(work)
    page = await one_town.browser().get("/en/results/what-comes-first")
    assert "Montroll comes first." in unescape(page.text)
    assert "Would another rule change it?" not in page.text
