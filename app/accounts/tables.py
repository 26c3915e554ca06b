"""Rows of people who sign in, of their browsers, and of the lists of those who may vote."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.security import Role
from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime, choice


class Account(SQLModel, table=True):
    """A person who confirmed an e-mail address. Never what they voted or answered."""

    __tablename__ = "app_account"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(unique=True)
    name: str
    password_hash: str
    role: Role = Field(default=Role.CITIZEN, sa_type=choice(Role))
    created_at: datetime = Field(sa_type=UTCDateTime)


class Session(SQLModel, table=True):
    """One browser that is signed in: the hash of its cookie, never the cookie."""

    __tablename__ = "app_session"

    id_hash: bytes = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", index=True)
    browser: str
    created_at: datetime = Field(sa_type=UTCDateTime)
    seen_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)


class Roll(SQLModel, table=True):
    """A list of those who may vote. Votes name it; what they are asked and answer stands elsewhere."""

    __tablename__ = "app_roll"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id", index=True)
    names: Texts = Field(sa_type=Json)
    made_at: datetime = Field(sa_type=UTCDateTime)


class RollLine(SQLModel, table=True):
    """One person on a roll, as the office knows them. Their tag in a vote is made of the id, under a key elsewhere."""

    __tablename__ = "app_roll_line"
    __table_args__ = (UniqueConstraint("roll_id", "reference"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    roll_id: UUID = Field(foreign_key="app_roll.id")
    reference: str  # the office's own number for this person
    name: str = ""  # so that the slip finds its way
    struck_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class RollVersion(SQLModel, table=True):
    """One import into a roll: what the list was after it, and how much it changed. Never who was in it."""

    __tablename__ = "app_roll_version"

    roll_id: UUID = Field(foreign_key="app_roll.id", primary_key=True)
    number: int = Field(primary_key=True)  # counted from 1
    hash: str  # SHA-256 of the lines that may vote, sorted, 64 hex digits
    lines: int  # how many they are
    added: int
    renamed: int
    struck: int
    made_by: UUID
    made_at: datetime = Field(sa_type=UTCDateTime)


class VoterCode(SQLModel, table=True):
    """One code that was printed for a line: its hash, never the code, and never whether it was used."""

    __tablename__ = "app_voter_code"

    line_id: UUID = Field(foreign_key="app_roll_line.id", primary_key=True)
    serial: int = Field(primary_key=True)  # counted from 1; the newest one works
    code_hash: bytes = Field(unique=True)
    void_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
