"""What time it is, by the one clock that all workers share: the database's."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, literal_column, select
from sqlmodel.ext.asyncio.session import AsyncSession

from commons.tables import UTCDateTime

CLOCKS = {"postgresql": "clock_timestamp()", "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')"}
"""How each database is asked what time it is."""


async def now(session: AsyncSession) -> datetime:
    """Ask the database for the present moment, in UTC.

    Two app nodes may disagree by seconds; whether a vote is still open must not depend on which one answered.
    The clock runs on within a transaction, so a cast that waited for a lock learns how late it has become.

    Returns:  aware; to the microsecond on PostgreSQL, to the millisecond on SQLite.
    """
    connection = await session.connection()
    return (await connection.execute(select(moment_in(connection.dialect.name)))).scalar_one()


def moment_in(dialect: str) -> ColumnElement[datetime]:
    """Write the question of `now` as a column, for a statement that asks something else as well."""
    return literal_column(CLOCKS[dialect], UTCDateTime())


def minute_of(moment: datetime) -> datetime:
    """Cut a moment down to its minute in UTC: as much as the public ledger may tell."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
