"""Rows of what was asked and decided."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import UTCDateTime, choice


class Decision(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"  # by whoever asked, before anybody decided


WAITS = text("decision = 'waiting'")


class Approval(SQLModel, table=True):
    """One act that needs two different people: who asked, why, and what the second one decided."""

    __tablename__ = "commons_approval"
    __table_args__ = (Index(None, "action", "subject", unique=True, sqlite_where=WAITS, postgresql_where=WAITS),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    action: str
    subject: str = Field(index=True)
    reason: str
    asked_by: UUID
    asked_at: datetime = Field(sa_type=UTCDateTime)
    decision: Decision = Field(default=Decision.WAITING, sa_type=choice(Decision), index=True)
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
