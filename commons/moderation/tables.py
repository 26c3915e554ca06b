"""Rows of what was taken off the pages."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import UTCDateTime, choice


class Rule(StrEnum):
    """The house rule that something broke; the pages say each in words."""

    PRIVACY = "privacy"  # shows a person who did not agree to it
    INSULT = "insult"
    ADVERTISING = "advertising"
    UNLAWFUL = "unlawful"
    MISTAKEN = "mistaken"  # it is wrong, or stands in the wrong place


IN_FORCE = text("lifted_at IS NULL")


class Measure(SQLModel, table=True):
    """One thing that was taken off the pages, named by its address such as "services/passports"; never deleted."""

    __tablename__ = "commons_measure"
    __table_args__ = (Index(None, "subject", unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject: str
    rule: Rule = Field(sa_type=choice(Rule))
    reason: str
    taken_by: UUID
    taken_at: datetime = Field(sa_type=UTCDateTime)
    lifted_by: UUID | None = None
    lifted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    lifted_because: str = ""
