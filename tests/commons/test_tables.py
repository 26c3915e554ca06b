"""What every table stands on: names that we choose, moments that keep their zone, JSON, text in languages."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint, create_engine, text
from sqlalchemy.exc import StatementError
from sqlmodel import Field, MetaData, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database, driver_url
from commons.clock import minute_of, now
from commons.ids import new_id
from commons.tables import Json, text_in
from tests.plumbing.postgres import APP

TBILISI = timezone(timedelta(hours=4))


class Probe(SQLModel, table=True):
    __tablename__ = "tests_probe"
    __table_args__ = (UniqueConstraint("name", "at"), CheckConstraint("name <> ''", name="named"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(default="probe", index=True)
    at: datetime
    note: dict[str, object] | None = Field(default=None, sa_type=Json)
    parent: UUID | None = Field(default=None, foreign_key="tests_probe.id")


SQLModel.metadata.remove(Probe.__table__)  # type: ignore[attr-defined] # it is not one of the product's tables
TABLE = Probe.__table__.to_metadata(MetaData(naming_convention=SQLModel.metadata.naming_convention))  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _table(request: pytest.FixtureRequest) -> None:
    """Make the table as the database's owner, for the product may not."""
    if "addresses" in request.fixturenames:
        engine = create_engine(driver_url(request.getfixturevalue("addresses").owner_url, asynchronous=False))
        with engine.begin() as connection:
            TABLE.create(connection)
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"GRANT ALL ON {TABLE.name} TO {APP}"))
        engine.dispose()


async def stored(db: Database, probe: Probe) -> Probe:
    async def write(session: AsyncSession) -> UUID:
        session.add(probe)
        await session.flush()
        return probe.id

    identity = await db.write(write)
    async with db.reading() as session:
        return (await session.exec(select(Probe).where(Probe.id == identity))).one()


def test_constraints_are_named_by_us() -> None:
    names = {str(constraint.name) for constraint in TABLE.constraints} | {str(index.name) for index in TABLE.indexes}
    assert names == {
        "pk_tests_probe",
        "uq_tests_probe_name_at",
        "ck_tests_probe_named",
        "fk_tests_probe_parent_tests_probe",
        "ix_tests_probe_name",
    }


@pytest.mark.anyio
async def test_a_moment_comes_back_in_utc_to_the_microsecond(db: Database) -> None:
    probe = await stored(db, Probe(at=datetime(2026, 11, 22, 3, 47, 1, 123456, TBILISI)))
    assert probe.at == datetime(2026, 11, 21, 23, 47, 1, 123456, UTC)
    assert probe.at.tzinfo is UTC


@pytest.mark.anyio
async def test_a_moment_without_a_zone_is_refused(db: Database) -> None:
    with pytest.raises(StatementError, match="timezone"):
        await stored(db, Probe(at=datetime(2026, 11, 22)))  # noqa: DTZ001 - that is the point


@pytest.mark.anyio
async def test_json_comes_back_and_none_is_null(db: Database) -> None:
    assert (await stored(db, Probe(at=datetime.now(UTC), note={"ხმა": [1, None]}))).note == {"ხმა": [1, None]}
    empty = await stored(db, Probe(at=datetime.now(UTC), note=None))
    async with db.reading() as session:
        nulls = (await session.exec(select(Probe.id).where(col(Probe.note).is_(None)))).all()
    assert list(nulls) == [empty.id]


@pytest.mark.anyio
async def test_the_clock_is_the_databases_and_runs_on_within_a_transaction(db: Database) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)  # SQLite cuts to milliseconds
    async with db.reading() as session:
        first = await now(session)
        second = await now(session)
        while second == first:
            second = await now(session)
    assert before <= first < second <= datetime.now(UTC)


def test_a_minute_has_no_seconds_and_is_in_utc() -> None:
    assert minute_of(datetime(2026, 11, 22, 3, 47, 59, 9, TBILISI)) == datetime(2026, 11, 21, 23, 47, tzinfo=UTC)


@pytest.mark.parametrize(
    ("texts", "language", "fallback", "answer"),
    [
        ({"en": "Road", "ka": "გზა"}, "ka", "en", "გზა"),
        ({"en": "Road", "ka": ""}, "ka", "en", "Road"),
        ({"fr": "Route", "ka": "გზა"}, "ar", "fr", "Route"),
        ({"ka": "გზა", "fr": "Route"}, "ar", "en", "Route"),
        ({}, "ar", "en", ""),
    ],
)
def test_a_missing_language_falls_back(texts: dict[str, str], language: str, fallback: str, answer: str) -> None:
    assert text_in(texts, language, fallback) == answer
