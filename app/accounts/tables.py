"""Rows of people who sign in, and of the browsers they are signed in with."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from app.security import Role
from commons.ids import new_id
from commons.tables import UTCDateTime, choice


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
