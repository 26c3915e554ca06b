"""Rows of work to do."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, UTCDateTime, choice


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Job(SQLModel, table=True):
    """One piece of work: its kind, what it needs to know, and when it is due.

    key: at most one job has it, ever; None for work that may be asked for again and again.
    """

    __tablename__ = "app_job"
    __table_args__ = (Index(None, "state", "due_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    key: str | None = Field(default=None, unique=True)
    facts: dict[str, str] = Field(sa_type=Json)
    state: State = Field(default=State.WAITING, sa_type=choice(State))
    attempts: int = 0
    due_at: datetime = Field(sa_type=UTCDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    trouble: str = ""
