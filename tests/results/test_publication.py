"""Publishing a result on both databases: stored, listed, in the ledger, proven, recounted; and taken back."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from commons.checkpoint import verifier_key
from commons.errors import Conflict, DomainError, Invalid, NotFound
from commons.ids import new_id
from commons.ledger import reading
from commons.ledger.sequence import sequence
from commons.organisations.tables import Organisation
from results import archive
from results.explanation import explain
from results.publication import add_proofs, prepare_import, withdraw
from results.publication import publish as publish_prepared
from results.store import PER_PAGE, get_file, get_result, list_files, list_results, read_files
from results.tables import Result
from results.verify import examine
from tests.results.test_verify import write

pytestmark = pytest.mark.anyio

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "khma.example/log"
SHEET = b"=a:[Library]\n=b:[=Bus 7]\n3:a>b\n2:b\n"
ENTERED: dict[str, Any] = {
    "titles": {"en": "What comes first", "ka": "რა არის პირველი"},
    "source_name": "Town Hall of Example",
    "source_url": "https://example.org/votes",
    "held_on": "2024-05-12",
    "rule": "schulze",
    "ballots_public": True,
    "data": SHEET,
    "filename": "votes.abif",
    "today": date(2026, 11, 21),
}


async def found_town(session: AsyncSession) -> UUID:
    town = Organisation(slug=f"town-{new_id().hex[:8]}", names={"en": "Town"}, summaries={}, zone="Asia/Tbilisi")
    session.add(town)
    await session.flush()
    return town.id


async def publish(db: Database, town: UUID, **changed: Any) -> Result:  # noqa: ANN401 - any field of the form
    prepared = prepare_import(**ENTERED | changed)

    async def work(session: AsyncSession) -> Result:
        return await publish_prepared(session, town, prepared)

    return await db.write(work)


async def bring_ledger_up_to_date(db: Database) -> int:
    async def work(session: AsyncSession) -> int:
        await sequence(session, KEY, ORIGIN)
        return await add_proofs(session)

    return await db.write(work)


async def test_a_published_result_is_kept_explained_and_recounted_with_its_proof(db: Database, tmp_path: Path) -> None:
    town = await db.write(found_town)
    published = await publish(db, town)
    async with db.reading() as session:
        assert (await reading.page(session)).total == 0  # it still waits for the ledger
        assert archive.LEDGER not in await read_files(session, published.id)
    assert await bring_ledger_up_to_date(db) == 1
    assert await bring_ledger_up_to_date(db) == 0  # each proof once
    async with db.reading() as session:
        result = await get_result(session, "what-comes-first")
        files = await read_files(session, result.id)
        sizes = {line.name: line.size for line in await list_files(session, result.id)}
        assert (await get_file(session, result.id, archive.SUMS)).data == files[archive.SUMS]
        (line,) = (await reading.page(session, subject="results/what-comes-first")).lines
    assert sizes == {name: len(data) for name, data in files.items()}
    assert set(files) == {*archive.SUMMED, archive.SUMS, archive.LEDGER}
    assert line.words == {"result": "what-comes-first", "sums": archive.sha256(files[archive.SUMS])}
    folder = write(tmp_path / "archive", files)
    report = examine(folder, verifier_key(ORIGIN, KEY.public_key()))
    assert (report.findings, report.signer) == ((), f"{ORIGIN}+d5065b4a")
    story = explain(result.count)
    assert (story.winners, story.places[1].options[0].name) == (("Library",), "=Bus 7")
    assert (result.held_on, result.source_name) == (date(2024, 5, 12), "Town Hall of Example")


async def test_a_slug_is_given_once(db: Database) -> None:
    town = await db.write(found_town)
    await publish(db, town)
    with pytest.raises(Conflict) as refused:
        await publish(db, town)
    assert (refused.value.code, refused.value.field) == ("result.taken", "title_en")
    async with db.reading() as session:
        assert (await list_results(session, town, 1))[1] == 1


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"ballots_public": False}, "result.ballots_not_public", "ballots_public"),
        ({"held_on": "last spring"}, "date.malformed", "held_on"),
        ({"held_on": "2026-11-22"}, "result.held_in_future", "held_on"),
        ({"titles": {"en": " "}}, "text.missing", "title_en"),
        ({"source_url": "example.org"}, "url.malformed", "source_url"),
        ({"rule": "coin"}, "count.unknown_rule", "rule"),
        ({"data": b"=a:[A]\n=b:[B]\n3:a>>b\n"}, "file.line", "sheet"),
        ({"data": b""}, "file.no_options", "sheet"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    db: Database, changed: dict[str, Any], code: str, field: str
) -> None:
    town = await db.write(found_town)
    with pytest.raises(Invalid) as refused:
        await publish(db, town, **changed)
    assert (refused.value.code, refused.value.field) == (code, field)
    async with db.reading() as session:
        assert await list_results(session, town, 1) == ([], 0)
    assert await bring_ledger_up_to_date(db) == 0


async def test_a_withdrawn_result_says_why_and_gives_out_nothing(db: Database) -> None:
    town = await db.write(found_town)
    slug = (await publish(db, town)).slug

    async def take_back(session: AsyncSession) -> None:
        await withdraw(session, await get_result(session, slug), " The source has corrected its sheet. ")

    await db.write(take_back)
    with pytest.raises(Conflict, match=r"result\.withdrawn"):
        await db.write(take_back)
    assert await bring_ledger_up_to_date(db) == 0
    async with db.reading() as session:
        result = await get_result(session, slug)
        lines = (await reading.page(session, subject=f"results/{slug}")).lines
        assert await list_results(session, town, 1) == ([], 0)
        assert await read_files(session, result.id) == {}
        with pytest.raises(NotFound):
            await get_file(session, result.id, archive.CARD)
        assert len(await list_files(session, result.id)) == len(archive.SUMMED) + 1  # kept
    assert result.withdrawn_at is not None
    assert result.withdrawn_because == "The source has corrected its sheet."
    assert {line.kind for line in lines} == {"result.published", "result.withdrawn"}


@pytest.mark.parametrize(("reason", "code"), [(" ", "reason.missing"), ("x" * 1001, "text.too_long")])
async def test_no_result_is_withdrawn_without_a_reason(db: Database, reason: str, code: str) -> None:
    slug = (await publish(db, await db.write(found_town))).slug

    async def take_back(session: AsyncSession) -> None:
        await withdraw(session, await get_result(session, slug), reason)

    with pytest.raises(DomainError) as refused:
        await db.write(take_back)
    assert (refused.value.code, refused.value.field) == (code, "reason")


async def test_results_are_listed_newest_first_page_by_page_and_apart_from_other_towns(db: Database) -> None:
    town, other = await db.write(found_town), await db.write(found_town)
    await publish(db, other, titles={"en": "Elsewhere"})
    slugs = [(await publish(db, town, titles={"en": f"Vote {number}"})).slug for number in range(PER_PAGE + 1)]
    async with db.reading() as session:
        first, total = await list_results(session, town, 1)
        second, _ = await list_results(session, town, 2)
    assert total == PER_PAGE + 1
    assert sorted(result.slug for result in first + second) == sorted(slugs)
    times = [result.published_at for result in first + second]
    assert times == sorted(times, reverse=True)


async def test_proofs_are_given_a_few_at_a_time(db: Database) -> None:
    town = await db.write(found_town)
    for number in range(3):
        await publish(db, town, titles={"en": f"Vote {number}"})

    async def prove_two(session: AsyncSession) -> int:
        await sequence(session, KEY, ORIGIN)
        return await add_proofs(session, most=2)

    assert [await db.write(prove_two) for _ in range(3)] == [2, 1, 0]


async def test_an_unknown_result_is_not_found(db: Database) -> None:
    async with db.reading() as session:
        with pytest.raises(NotFound):
            await get_result(session, "nowhere")
