"""Rows of the outbox."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, UTCDateTime, choice


class Fate(StrEnum):
    """What became of a letter."""

    WAITING = "waiting"
    SENT = "sent"
    BOUNCED = "bounced"


class Letter(SQLModel, table=True):
    """One letter to one address. Its facts are erased once it is sent: they may hold a link that opens a door."""

    __tablename__ = "app_letter"
    __table_args__ = (Index(None, "fate", "due_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    address: str
    account_id: UUID | None = Field(default=None, index=True)  # whose, where the address is not that of their account
    kind: str
    language: str
    facts: dict[str, str] = Field(sa_type=Json)
    fate: Fate = Field(default=Fate.WAITING, sa_type=choice(Fate))
    attempts: int = 0
    written_at: datetime = Field(sa_type=UTCDateTime)
    due_at: datetime = Field(sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answer: str = ""
