"""Rows of a long list on its way into a roll: nobody may vote by them until the list is there as a whole."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime, choice


class Stage(StrEnum):
    """How far an import is: written slice by slice; in force as a whole; or not, and nothing of it is."""

    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"


WRITING = text("stage = 'writing'")


class RollImport(SQLModel, table=True):
    """One long list on its way into a roll: what the roll will be after it, and how far it is. Never who is in it."""

    __tablename__ = "app_roll_import"
    __table_args__ = (Index(None, "roll_id", unique=True, sqlite_where=WRITING, postgresql_where=WRITING),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    roll_id: UUID = Field(foreign_key="app_roll.id")
    stage: Stage = Field(default=Stage.WRITING, sa_type=choice(Stage))
    seen: int  # number of the roll's version that the list was compared with
    acts: int  # how many lines are to be added, renamed and struck off
    written: int = 0  # how many of them wait in slices already
    added: int
    renamed: int
    struck: int
    hash: str  # of the roll after it, as in RollVersion
    lines: int
    fact_names: Texts = Field(default_factory=dict, sa_type=Json)  # as the roll will have it, if the list has facts
    trouble: str = ""  # code of what kept it from coming into force
    asked_by: UUID
    asked_at: datetime = Field(sa_type=UTCDateTime)
    moved_at: datetime = Field(sa_type=UTCDateTime, index=True)


class RollImportPart(SQLModel, table=True):
    """A slice of the list that is not written yet, packed by `plan.pack`."""

    __tablename__ = "app_roll_import_part"

    import_id: UUID = Field(foreign_key="app_roll_import.id", ondelete="CASCADE", primary_key=True)
    number: int = Field(primary_key=True)
    packed: bytes


class PendingRollLine(SQLModel, table=True):
    """A line that waits until the whole list is there: one to add, with the id it will have, or a change of one."""

    __tablename__ = "app_pending_roll_line"

    import_id: UUID = Field(foreign_key="app_roll_import.id", ondelete="CASCADE", primary_key=True)
    reference: str = Field(primary_key=True)
    act: str  # one of plan.ACTS
    line_id: UUID
    name: str
    person_mac: bytes | None = None
    facts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    fact_mac: bytes | None = None
