"""The result page of a sealed vote, whole, small and unopened: nothing on it that was not released, in any language."""

import hashlib
from pathlib import Path

import pytest

from ballots import paper
from ballots.opening import open_box
from bench.pages import MOST_QUERIES
from results.tables import Result
from results.vote_publication import prepare_vote, publish_vote
from tests.ballots.voting import NAMES, Vote, open_vote
from tests.plumbing.house import Town
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio

OPTIONS = [
    ({"en": "Night bus", "ka": "ღამის ავტობუსი"}, ""),
    ({"en": "Clinic", "ka": "კლინიკა"}, ""),
    ({"en": "Park"}, ""),
    ({"en": "School", "ka": "სკოლა"}, ""),
]
DIFFERING = ([2, 1, 3], [4, 3], [2, 4, 1], [3, 1], [2, 4, 1, 3], [2])


async def published(town: Town, folder: Path, voters: int) -> tuple[Vote, Result]:
    vote = await open_vote(town.house.db, folder, voters + 2, NAMES, options=OPTIONS, most_ranked=4)
    for number, tag in enumerate(vote.tags[:voters]):
        await vote.cast(tag, DIFFERING[number % len(DIFFERING)])
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(vote.db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    async with vote.db.reading() as session:
        prepared = await prepare_vote(session, vote.poll.id)
    result = await vote.db.write(lambda session: publish_vote(session, prepared))
    await vote.sign()
    return vote, result


async def shown(town: Town, path: str) -> str:
    await town.browser().get(path)  # the hosting organisation is remembered for half a minute
    with counted_queries() as statements:
        answer = await town.browser().get(path)
    assert answer.status_code == 200
    assert len(statements) <= MOST_QUERIES
    return answer.text


async def test_a_large_vote_shows_its_comparisons(one_town: Town, tmp_path: Path) -> None:
    vote, result = await published(one_town, tmp_path, 54)
    page = await shown(one_town, f"/en/results/{result.slug}")
    for said in (
        "Clinic comes first.",
        "54 people of 56 took part: 96%.",
        "of its comparisons won",
        "Why before ",
        "Every pair, side by side",
        "Needs the ballots: recounted by nobody yet.",
        "secrecy rests on that machine alone",
        "Copies of the box key not yet confirmed destroyed: 2",
        "At the town hall",
        "Voting ends earlier",
        "The test cannot wait.",
        "The box was opened: ",
        "A result was published:",
        f"/archive/{result.slug}/sealed.json",
        f"/archive/{result.slug}/roll.json",
        "took_part.txt",
    ):
        assert said in page, said
    assert "among their first three" not in page
    assert str(vote.poll.id) not in page


async def test_the_options_are_named_in_the_readers_language(one_town: Town, tmp_path: Path) -> None:
    _, result = await published(one_town, tmp_path, 54)
    page = await shown(one_town, f"/ka/results/{result.slug}")
    assert "კლინიკა" in page
    assert "Clinic" not in page
    assert "Park" in page  # it has no other name
    for path in ("/ka", "/ka/results"):
        listed = await shown(one_town, path)
        assert "კლინიკა" in listed
        assert "Clinic" not in listed


async def test_a_small_vote_shows_the_order_and_says_what_is_kept_back(one_town: Town, tmp_path: Path) -> None:
    _, result = await published(one_town, tmp_path, 13)
    page = await shown(one_town, f"/en/results/{result.slug}")
    for said in (
        "Clinic comes first.",
        "The order",
        "at least 50 ballots must be counted",
        "Totals in the files are rounded to ten.",
        "Needs the ballots: recounted by nobody yet.",
    ):
        assert said in page, said
    for unsaid in ("Every pair", "Why before", "of its comparisons won", "Blank (", "pairwise.csv"):
        assert unsaid not in page, unsaid


async def test_an_unopened_vote_says_so_and_what_happens_to_the_box(one_town: Town, tmp_path: Path) -> None:
    _, result = await published(one_town, tmp_path, 9)
    page = await shown(one_town, f"/en/results/{result.slug}")
    for said in (
        "Too few people voted: the box stays shut.",
        "What happens to the box",
        "never opened",
        "9 people of 11",
    ):
        assert said in page, said
    for unsaid in ("comes first", "The order</h2>", "Every pair", "result.json"):
        assert unsaid not in page, unsaid
    for path in ("/en", "/en/results"):
        assert "Too few people voted" in await shown(one_town, path)


async def test_files_of_a_sealed_vote_are_given_out(one_town: Town, tmp_path: Path) -> None:
    vote, result = await published(one_town, tmp_path, 13)
    answer = await one_town.browser().get(f"/archive/{result.slug}/box.txt")
    assert answer.content == (vote.folder / str(vote.poll.id) / "box.txt").read_bytes()
    assert (await one_town.browser().get(f"/archive/{result.slug}/pairwise.csv")).status_code == 404


async def test_the_second_counter_is_given_out_and_its_hash_told(one_town: Town, tmp_path: Path) -> None:
    _, result = await published(one_town, tmp_path, 13)
    answer = await one_town.browser().get("/recount.py")
    assert answer.content == (Path(__file__).parents[3] / "results" / "recount.py").read_bytes()
    assert answer.headers["content-type"].startswith("text/plain")
    page = await shown(one_town, f"/en/results/{result.slug}")
    for said in ("python3 recount.py FOLDER", 'href="/recount.py"', hashlib.sha256(answer.content).hexdigest()):
        assert said in page, said


async def test_the_public_log_tells_a_vote_in_words(one_town: Town, tmp_path: Path) -> None:
    await published(one_town, tmp_path, 10)
    page = await shown(one_town, "/en/ledger")
    for said in (
        "The rule card of the vote",
        "The list of those who may vote was fixed",
        "opened.",
        "The list of the sealed ballots was fixed",
        "10 people.",
        "all counts agreed",
        "The server destroyed its box key",
        "The box was opened",
    ):
        assert said in page, said
    assert '<code dir="ltr">poll.' not in page
    assert '<code dir="ltr">box.' not in page


async def test_who_votes_on_paper_is_told_to_be_in_no_figure(one_town: Town, tmp_path: Path) -> None:
    vote = await open_vote(one_town.house.db, tmp_path, 12)
    for tag in vote.tags[:10]:
        await vote.cast(tag, [1, 2])
    await vote.db.write(lambda s: paper.mark(s, vote.keys, vote.poll.id, vote.tags[11], vote.facts))
    await vote.end()
    assert await vote.close() == "closed"
    await open_box(vote.db, vote.keys, vote.keys.opener(vote.poll.id), vote.poll.id)
    async with vote.db.reading() as session:
        prepared = await prepare_vote(session, vote.poll.id)
    result = await vote.db.write(lambda session: publish_vote(session, prepared))
    page = await shown(one_town, f"/en/results/{result.slug}")
    assert "1 person votes on paper. That ballot is not in the figures on this page." in page
    assert "11 people of 12 took part" in page
    assert "On paper, not counted here" in page
