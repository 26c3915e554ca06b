"""Rows of published results and their files."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

import polls.tables  # noqa: F401 - a key leads there, and must find it in every process
from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime


class Result(SQLModel, table=True):
    """One published result: the rule card it was counted by, the count, and where the ballots came from."""

    __tablename__ = "results_result"
    __table_args__ = (Index(None, "organisation_id", "published_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id")
    slug: str = Field(unique=True)
    titles: Texts = Field(sa_type=Json)
    poll_id: UUID | None = Field(default=None, foreign_key="polls_poll.id", unique=True)  # None: brought in
    source_name: str
    source_url: str
    held_on: date
    card: dict[str, Any] = Field(sa_type=Json)
    count: dict[str, Any] = Field(sa_type=Json)
    published_at: datetime = Field(sa_type=UTCDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_because: str = ""


class ResultFile(SQLModel, table=True):
    """One file of a result's archive, byte for byte as anyone may fetch it."""

    __tablename__ = "results_file"

    result_id: UUID = Field(foreign_key="results_result.id", primary_key=True)
    name: str = Field(primary_key=True)
    data: bytes
