"""How every table of Khma is written down: names of constraints, moments in UTC, JSON, and text in several languages.

Every table module imports from here, so that this file runs before the first table is defined.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

__all__ = ["Json", "Texts", "UTCDateTime", "text_in"]

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

Texts = dict[str, str]
"""One text in several languages: language code -> text, e.g. {"en": "Road", "ka": "გზა"}."""


def text_in(texts: Mapping[str, str], language: str, fallback: str = "en") -> str:
    """Pick the text in a language; else in the organisation's language; else in the first code of the alphabet.

    texts:    language code -> text; an empty text counts as missing.
    Returns:  "" only where there is no text at all.
    """
    for code in (language, fallback, *sorted(texts)):
        if text := texts.get(code):
            return text
    return ""
