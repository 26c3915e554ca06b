"""Find published results and their files, and keep new ones. Only here do results speak SQL."""

from dataclasses import dataclass
from itertools import count
from uuid import UUID

from sqlalchemy import delete, exists, literal
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.functions import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.errors import Conflict, NotFound
from commons.ledger.tables import Leaf, Words
from commons.organisations.store import host_id
from results.archive import LEDGER
from results.tables import Result, ResultFile

PER_PAGE = 20


@dataclass(frozen=True)
class FileLine:
    """One file of an archive as a list shows it; size in bytes."""

    name: str
    size: int


async def add_result(session: AsyncSession, result: Result, files: dict[str, bytes]) -> None:
    """Keep a result and its files.

    Raises: Conflict "result.taken" where its slug is another's.
    """
    session.add(result)
    try:
        await session.flush()
    except IntegrityError as refused:
        if "slug" not in str(refused.orig):
            raise
        raise Conflict("result.taken", field="title_en", name=result.slug) from refused
    session.add_all(ResultFile(result_id=result.id, name=name, data=data) for name, data in files.items())
    await session.flush()


async def get_result(session: AsyncSession, slug: str) -> Result:
    """Get a result by its slug; a withdrawn one too, for its page says so.

    Raises: NotFound, also for another organisation's.
    """
    query = select(Result).where(Result.slug == slug, col(Result.organisation_id) == host_id())
    if (result := (await session.exec(query)).first()) is None:
        raise NotFound("result.unknown")
    return result


async def find_of_poll(session: AsyncSession, poll_id: UUID) -> Result | None:
    """Find the result of a vote that was held here."""
    return (await session.exec(select(Result).where(Result.poll_id == poll_id))).first()


async def find_free_slug(session: AsyncSession, wanted: str) -> str:
    """Find an address that no other result has: the wanted one, else with a number after it."""
    taken = set(await session.exec(select(Result.slug).where(col(Result.slug).startswith(wanted, autoescape=True))))
    return next(slug for n in count(1) if (slug := wanted if n == 1 else f"{wanted}-{n}") not in taken)


async def lock_result(session: AsyncSession, result_id: UUID) -> Result:
    """Get a result and keep others from changing it until the transaction ends."""
    query = select(Result).where(Result.id == result_id).with_for_update().execution_options(populate_existing=True)
    return (await session.exec(query)).one()


async def list_results(session: AsyncSession, organisation_id: UUID, page: int) -> tuple[list[Result], int]:
    """List an organisation's results that stand, newest first: PER_PAGE of them, and how many there are in all.

    page: counted from 1.
    """
    is_wanted = (Result.organisation_id == organisation_id, col(Result.withdrawn_at).is_(None))
    total = (await session.exec(select(func.count()).select_from(Result).where(*is_wanted))).one()
    query = select(Result).where(*is_wanted).order_by(col(Result.published_at).desc(), col(Result.slug))
    return list((await session.exec(query.offset((page - 1) * PER_PAGE).limit(PER_PAGE))).all()), total


async def list_files(session: AsyncSession, result_id: UUID) -> list[FileLine]:
    """List the files of a result by name, without reading them."""
    query = select(ResultFile.name, func.length(ResultFile.data)).where(ResultFile.result_id == result_id)
    return sorted((FileLine(name, size) for name, size in await session.exec(query)), key=lambda line: line.name)


async def get_file(session: AsyncSession, result_id: UUID, name: str) -> ResultFile:
    """Get one file of a result that stands.

    Raises: NotFound, also where the result was withdrawn: its files are kept, but no longer given out.
    """
    query = select(ResultFile).join(Result).where(ResultFile.result_id == result_id, ResultFile.name == name)
    if (file := (await session.exec(query.where(col(Result.withdrawn_at).is_(None)))).first()) is None:
        raise NotFound("result.file_unknown", name=name[:100])
    return file


async def read_files(session: AsyncSession, result_id: UUID) -> dict[str, bytes]:
    """Read every file of a result that stands; none where it was withdrawn."""
    query = select(ResultFile.name, ResultFile.data).join(Result).where(ResultFile.result_id == result_id)
    return dict((await session.exec(query.where(col(Result.withdrawn_at).is_(None)))).all())


async def find_unproven(session: AsyncSession, most: int) -> list[tuple[UUID, int]]:
    """Find results whose line stands in the ledger and that have no proof of it yet: their ids and positions."""
    proof = exists().where(col(ResultFile.result_id) == Result.id, col(ResultFile.name) == LEDGER)
    query = (
        select(Result.id, Leaf.position)
        .join(Words, col(Words.subject) == literal("results/") + col(Result.slug))
        .join(Leaf, col(Leaf.position) == Words.position)
        .where(Leaf.kind == "result.published", col(Result.withdrawn_at).is_(None), ~proof)
        .order_by(col(Leaf.position))
        .limit(most)
    )
    return list((await session.exec(query)).all())


async def forget_proofs(session: AsyncSession) -> None:
    """Take away the proofs that an older key signed, so that each result gets one of the new key."""
    await session.exec(delete(ResultFile).where(col(ResultFile.name) == LEDGER))
