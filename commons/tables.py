"""How every table of Khma is written down: names of constraints, moments in UTC, JSON, and text in several languages.

Every table module imports from here, so that this file runs before the first table is defined.
"""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from commons.naming import text_in

__all__ = ["Json", "Texts", "UTCDateTime", "choice", "text_in"]

# SQLModel gives every `datetime` field the type UTCDateTime by itself: it stores UTC, answers aware on both databases
# and refuses a time without a zone (ValueError). It is named here for statements that must spell a type.

# Names that we choose are the same on both databases; names that a database chooses cannot be migrated away.
SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON text on SQLite, JSONB on PostgreSQL; None is SQL's NULL. JSONB keeps no order of keys: never rely on one.

Use: words: dict[str, str] = Field(sa_type=Json)
"""


def choice(kind: type[StrEnum]) -> type[sa.types.TypeDecorator[StrEnum]]:
    """Make the column type for one of a few words: text in the database, the word's own class in Python.

    A native enumeration of PostgreSQL cannot be changed and changed back by a migration; text can.

    Use:     state: State = Field(sa_type=choice(State))
    """

    class Choice(sa.types.TypeDecorator[StrEnum]):
        impl = sa.String(40)
        cache_ok = True

        def process_bind_param(self, value: StrEnum | None, dialect: sa.Dialect) -> str | None:
            return None if value is None else kind(value).value

        def process_result_value(self, value: str | None, dialect: sa.Dialect) -> StrEnum | None:
            return None if value is None else kind(value)

    return Choice


Texts = dict[str, str]
"""One text in several languages: language code -> text, e.g. {"en": "Road", "ka": "გზა"}."""
